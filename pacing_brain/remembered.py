"""What the evidence needs from runs before: how an account used to load, what a plan said before its last edit, readings of totals.

All of it travels in memory, so that a live run, a replay and a backtest see the same.
"""

from collections import defaultdict
from typing import Any

import numpy as np
import numpy.typing as npt
import pandas as pd

from pacing_brain import account_wide, day_boundary, frames, levels, plan_edits, reconcile
from pacing_brain.earlier import earlier
from pacing_brain.model import Inputs, MatchKind
from pacing_brain.names import fold, similarity
from pacing_brain.widened import widened

KEY = ["platform", "account_id"]
LATE_LEAST_HOURS, LATE_SHARE = 3.0, 0.25  # a load is late when it is overdue by this much, or by this share of the usual gap
LOADS = ["load_at", "load_gap_hours", "load_gaps"]
GAP_GROWTH, GAP_FADES = 2.0, 0.98  # one outage does not become what is usual; a longer gap is forgotten slowly
ABSENT = {"lost_name": frames.TEXT, "lost_micros": "Int64", "budget_was_micros": "Int64", "budget_changed_at": frames.INSTANT, "start_was": frames.DAY, "end_was": frames.DAY}


def recall(flights: pd.DataFrame, days: pd.DataFrame, accounts: pd.DataFrame, inputs: Inputs) -> tuple[pd.DataFrame, pd.DataFrame]:
    """(flights with the `levels` columns, accounts with usual_gap_hours, common_level_pct, quiet and days_ahead_at); all null with `bands = "fixed"`.

    `flights` have the reconcile columns, `days` are every spend row.
    """
    if inputs.policy.bands == "fixed" or flights.empty:
        return flights.assign(**{name: pd.Series(None, index=flights.index, dtype=frames.DECISIONS.fields[name].dtype) for name in (*levels.COLUMNS, *ABSENT)}), accounts
    accounts = day_boundary.look(accounts, flights, inputs)
    measured = levels.measure(flights, days, accounts, inputs.memory, inputs.run)
    edits, lost = plan_edits.seen(flights, inputs.memory, inputs.run), _lost(flights, days, inputs.policy.identity.proposal_similarity)
    accounts, measured = account_wide.look(_with_gaps(accounts, flights, inputs), flights, measured, inputs.memory)
    return widened(flights, {name: measured[name].array for name in levels.COLUMNS} | edits | lost), accounts


def _lost(flights: pd.DataFrame, days: pd.DataFrame, alike: float) -> dict[str, pd.Series]:
    """Spend without an id that appeared in the same account while the flight ran, under a name `alike` to its own: the id was lost on the way."""
    without_id = days["campaign_id"].isna().to_numpy() & days["campaign_name"].notna().to_numpy()
    nameless = np.flatnonzero(without_id & (days["spend_micros"].to_numpy("int64", na_value=0) > 0))
    read = ["campaign_key", *KEY, "campaign_name", "day", "spend_micros"]
    found = _alike(flights, _sums(pd.DataFrame({name: days[name].array.take(nameless) for name in read}, copy=False)), alike) if len(nameless) else {}
    names, micros = ([found[at][part] if at in found else None for at in range(len(flights))] for part in (1, 2))
    return {"lost_name": pd.Series(names, index=flights.index, dtype="str"), "lost_micros": pd.Series(micros, index=flights.index, dtype="Int64")}


def _sums(rows: pd.DataFrame) -> pd.DataFrame:
    """One row for each campaign of the rows, in the order of their keys: its first day and all of its spend."""
    codes, keys = pd.factorize(rows["campaign_key"], sort=True)
    first = rows.take(np.unique(codes, return_index=True)[1])
    day, micros = np.full(len(keys), rows["day"].max().to_datetime64()), np.zeros(len(keys), dtype=np.int64)
    np.minimum.at(day, codes, rows["day"].to_numpy())
    np.add.at(micros, codes, rows["spend_micros"].to_numpy("int64"))
    return first.assign(day=day, spend_micros=micros)


def _alike(flights: pd.DataFrame, lost: pd.DataFrame, alike: float) -> dict[int, tuple[float, str, int]]:
    """By the position of each flight that has one: (how alike, its name, its spend) of what was lost under the name nearest to its own."""
    of_account: dict[tuple[str, str], list[tuple[np.datetime64, str, int]]] = defaultdict(list)
    for platform, account, *one in zip(*(lost[name].tolist() for name in KEY), lost["day"].to_numpy(), lost["campaign_name"].tolist(), lost["spend_micros"].tolist(), strict=True):
        of_account[platform, account].append((one[0], one[1], one[2]))
    matched = (flights["match_kind"].eq(MatchKind.ID.value) & flights["campaign_name"].notna()).to_numpy(dtype=bool)
    columns = zip(matched.tolist(), *(flights[name].tolist() for name in (*KEY, "campaign_name")), *(flights[name].to_numpy() for name in ("first_spend_day", "end_date")), strict=True)
    pairs = [(at, name, one) for at, (by_id, platform, account, name, seen, end) in enumerate(columns) if by_id
             for one in of_account.get((platform, account), ()) if seen < one[0] <= end]
    near = similarity([fold(name) for _, name, _ in pairs], [fold(one[1]) for *_, one in pairs])
    found: dict[int, tuple[float, str, int]] = {}
    for (at, _, (_, name, micros)), score in zip(pairs, near.tolist(), strict=True):
        if score >= alike and (at not in found or score >= found[at][0]):
            found[at] = score, name, micros
    return found


def _with_gaps(accounts: pd.DataFrame, flights: pd.DataFrame, inputs: Inputs) -> pd.DataFrame:
    """How far apart an account's loads used to be at most, once `late_gaps` of them were seen."""
    least = inputs.policy.evidence.late_gaps
    before = earlier(flights, inputs.memory, "load_gaps", "load_gap_hours")
    seen = (before["load_gaps"].ge(least).fillna(value=False) & flights["account_id"].notna()).to_numpy(dtype=bool)
    longest = np.full(len(accounts), np.nan)
    np.fmax.at(longest, reconcile.account_positions(flights, accounts)[seen], before["load_gap_hours"].to_numpy("float64")[seen])
    return accounts.assign(usual_gap_hours=np.where(accounts["load_basis"].eq("loads"), longest, np.nan))


def late_after(usual_gap_hours: npt.NDArray[np.float64]) -> npt.NDArray[np.float64]:
    """The age at which a feed is late by its own rhythm; null where its rhythm is not known."""
    return usual_gap_hours + np.maximum(LATE_LEAST_HOURS, LATE_SHARE * usual_gap_hours)


def kept_for_next(decisions: pd.DataFrame, before: pd.DataFrame, accounts: pd.DataFrame, inputs: Inputs) -> dict[str, Any]:
    """Memory's columns for the next run; none with `bands = "fixed"`. before: `LOADS` as they were remembered."""
    if inputs.policy.bands == "fixed":
        return {}
    at = reconcile.account_positions(decisions, accounts)
    loaded, ahead = (accounts[name].array.take(at, allow_fill=True) for name in ("loaded_at", "days_ahead_at"))
    gap = np.asarray((loaded - before["load_at"].array).total_seconds()) / 3600.0
    known, new = before["load_gap_hours"].to_numpy(), gap > 0
    longest = np.fmax(known * GAP_FADES, np.fmin(gap, np.where(np.isnan(known), gap, known) * GAP_GROWTH))
    return {"load_at": loaded, "load_gap_hours": np.where(new, longest, known), "load_gaps": before["load_gaps"].to_numpy("int64", na_value=0) + new,
            "budget_micros": plan_edits.planned(decisions),
            "budget_before_micros": decisions["budget_was_micros"].array - decisions["rolled_micros"].to_numpy("int64", na_value=0),
            "start_before": decisions["start_was"].array, "end_before": decisions["end_was"].array,
            "budget_changed_at": decisions["budget_changed_at"].array, "days_ahead_at": ahead}
