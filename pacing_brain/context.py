"""What is the same for every campaign of an account: its zone, its feed, its watermark. Computed once, before the graph, over everything.

A decision may read its own rows, its memory and these context rows, and nothing else: that is what makes it independent of
row order and of who else is in the cohort, and replayable.
"""

from collections import defaultdict
from collections.abc import Iterable
from datetime import datetime
from typing import Any

import numpy as np
import numpy.typing as npt
import pandas as pd
from pandas.api.extensions import ExtensionArray

from pacing_brain import allowance, frames, reconcile, zero, zones
from pacing_brain.model import Inputs
from pacing_brain.policy import Policy
from pacing_brain.roster import Codes, Roster, roster, told_apart

KEY = ["platform", "account_id"]
Key = tuple[str, str]
NO_LOAD = (np.iinfo(np.int64).min, False)  # when: microseconds since 1970; this one is NaT
HOUR_US = 3_600_000_000
LOOKED_AT_LATER = ("usual_gap_hours", "quiet", "common_level_pct", "days_ahead_at")
ANY_ACCOUNT = ""  # the platform's own row: stands in for an account that the feed never mentioned


def accounts(inputs: Inputs, known: Roster | None = None) -> pd.DataFrame:
    """ACCOUNTS, one row per account that anyone mentions plus one per platform (`account_id` empty), sorted. known: the inputs' `roster`, where it is at hand.

    Watermark (DESIGN, Definitions): hourly grain = min(as_of, last load) - lag; daily grain = the last midnight of the account's
    zone before (load - daily lag). It comes from loads alone: a campaign that stops must not stop the clock.
    """
    spend, plan = _reported(inputs.spend, known or roster(inputs.spend, inputs.campaigns)), _distinct(inputs.targets, _by_account(inputs.targets), "timezone", "client")
    spent, planned = _keys(spend), _keys(plan)
    named = {key for key in (*spent, *planned, *_keys(inputs.campaigns)) if None not in key}
    loads = _last_loads(inputs.loads, named)
    everyone = sorted({*named, *loads, *((platform, ANY_ACCOUNT) for platform in {*plan["platform"], *(platform for platform, _ in named)})})
    who = pd.DataFrame({"platform": _text(platform for platform, _ in everyone), "account_id": _text(account for _, account in everyone),
                        "client": _text(_only(everyone, _said(planned, plan["client"])))})
    values = inputs.policy.resolve(who, "freshness")
    zone, says = _zones(everyone, _said(spent, spend["timezone"]), _said(planned, plan["timezone"]), inputs)
    by_zone, as_of = zones.by_zone(zone), zones.instant(inputs.run.as_of)
    loaded, basis = _loaded(everyone, loads)
    watermark = _watermark(loaded, values, as_of, by_zone)
    return frames.ACCOUNTS.check(pd.DataFrame({
        "platform": who["platform"], "account_id": who["account_id"], "timezone": zone, "timezone_from": says,
        "currency": _text(_only(everyone, _said(spent, spend["currency"]))), "loaded_at": _instants(loaded), "load_basis": _text(basis),
        "feed_age_hours": np.subtract(as_of, loaded) / zones.SECOND / 3600.0, "cycle_hours": values["freshness_refresh_cycle_hours"].to_numpy("float64"),
        "grain": _text(values["freshness_grain"]), "watermark": _instants(watermark),
        "closed_day": zones.days_of(watermark, by_zone) - np.timedelta64(1, "D"), "available": _available(everyone, inputs),
        **{name: pd.array([None] * len(who), dtype=frames.ACCOUNTS.fields[name].dtype) for name in LOOKED_AT_LATER}, "live_flights": 0, "silent_flights": 0}))


def not_final_from(as_of: datetime, policy: Policy) -> np.datetime64:
    """The first last-day of flights that may still be decided on `as_of`: earlier ones are closed in every zone."""
    final = zones.instant(as_of).astype("datetime64[D]") - np.timedelta64(round(policy.ended.final_after_hours * HOUR_US), "us")
    return np.datetime64(final.astype("datetime64[D]") - 2)


def with_silence(table: pd.DataFrame, flights: pd.DataFrame, days: pd.DataFrame, inputs: Inputs) -> tuple[pd.DataFrame, pd.DataFrame, pd.DataFrame]:
    """(ACCOUNTS with how many of an account's live flights there are and how many of those deliver nothing, days split at the watermark,
    flights with what their days add up to and the columns of `zero.find`).
    """
    summed, days = reconcile.sums(flights, days, table, inputs.memory, inputs.run)
    values = inputs.policy.resolve(summed, "zero", "ended", "stake", "allowance")
    summed["spent_out"] = allowance.spent_out(summed, days, values)
    found, expected = zero.find(summed, values, inputs.run)
    for name, column in found.items():
        summed[name] = column
    on = summed["watermark"].to_numpy(zones.DAY) < summed["day_end"].to_numpy(zones.DAY)
    covered = found["elapsed_hours"] >= values["zero_planned_hours"].to_numpy("float64")
    silent = np.asarray(found["zero_delivery"], dtype=bool)
    live = (on & covered & np.isin(summed["match_kind"].to_numpy(dtype=object), zero.MATCHED) & summed["account_id"].notna().to_numpy()
            & (silent | expected))
    at = reconcile.account_positions(summed, table)
    live_flights, silent_flights = (np.bincount(at[mine], minlength=len(table)) for mine in (live, live & silent))
    return table.assign(live_flights=live_flights, silent_flights=silent_flights), days, summed


def _reported(spend: pd.DataFrame, known: Roster) -> pd.DataFrame:
    """What spend rows say of their accounts, each thing once."""
    return _distinct(spend, _by_account(known.campaigns)[known.of_row], "timezone", "currency")


def _by_account(rows: pd.DataFrame) -> Codes:
    return told_apart(np.zeros(len(rows), dtype=np.int64), *(rows[name].array for name in KEY))[0]


def _distinct(rows: pd.DataFrame, account: Codes, *said: str) -> pd.DataFrame:
    """The rows' accounts with what is said of them, each combination once."""
    _, first = told_apart(account, *(rows[name].array for name in said))
    return pd.DataFrame({name: rows[name].array.take(first) for name in (*KEY, *said)})


def _keys(rows: pd.DataFrame) -> list[Key]:
    """(platform, account) of each row; None where it is null."""
    return list(zip(*(_listed(rows[name]) for name in KEY), strict=True))


def _listed(texts: pd.Series) -> list[Any]:
    return list(texts.to_numpy(dtype=object, na_value=None).tolist())


def _text(values: Iterable[Any]) -> ExtensionArray:
    return pd.array(list(values), dtype="str")


def _instants(values: np.ndarray) -> pd.DatetimeIndex:
    return pd.DatetimeIndex(values, tz="UTC")


def _said(keys: list[Key], texts: pd.Series) -> dict[Key, list[str]]:
    """The distinct texts by account, sorted; an account for which nothing is said is absent."""
    said: dict[Key, set[str]] = defaultdict(set)
    for key, text in zip(keys, _listed(texts), strict=True):
        if text is not None:
            said[key].add(text)
    return {key: sorted(texts) for key, texts in said.items()}


def _only(everyone: list[Key], said: dict[Key, list[str]]) -> list[str | None]:
    """What is said of each account, when it is one thing."""
    return [said[key][0] if len(said.get(key, ())) == 1 else None for key in everyone]


def _last_loads(loads: pd.DataFrame, known: set[Key]) -> dict[Key, tuple[int, bool]]:
    """(when, whether from rows) of each account's last load. Its platform: as given, else wherever the account is named; a strange one says nothing."""
    platforms: dict[str, list[str]] = defaultdict(list)
    for platform, account in known:
        platforms[account].append(platform)
    last: dict[Key, tuple[int, bool]] = {}
    instants = loads["loaded_at"].to_numpy(zones.DAY).astype(np.int64).tolist()
    for (given, account), *load in zip(_keys(loads), instants, loads["from_rows"].tolist(), strict=True):
        for platform in platforms[account] if given is None else [given]:
            last[platform, account] = max(last.get((platform, account), NO_LOAD), (load[0], load[1]))
    return last


def _loaded(everyone: list[Key], loads: dict[Key, tuple[int, bool]]) -> tuple[np.ndarray, list[str]]:
    """(each account's last load, how it is known). One that was never loaded is seen with its platform's newest load; a platform without any load has none."""
    newest: dict[str, int] = {}
    for (platform, _), (at, _) in loads.items():
        newest[platform] = max(newest.get(platform, at), at)
    instants = [loads[key][0] if key in loads else newest.get(key[0], NO_LOAD[0]) for key in everyone]
    basis = [("rows" if loads[key][1] else "loads") if key in loads else "platform" if key[0] in newest else "none" for key in everyone]
    return np.array(instants, dtype=np.int64).view(zones.DAY), basis


def _zones(everyone: list[Key], fed: dict[Key, list[str]], planned: dict[Key, list[str]], inputs: Inputs) -> tuple[ExtensionArray, ExtensionArray]:
    """(zone, who says so): the feed's newest, else the tracker's, else the policy's."""
    feed = {key: known for key, said in fed.items() if (known := [zone for zone in said if zones.is_zone(zone)])}
    found = [(_newest(inputs.spend, key, feed[key]), "feed") if key in feed else (planned[key][0], "tracker") if key in planned
             else (inputs.policy.timezone, "policy") for key in everyone]
    return _text(zone for zone, _ in found), _text(says for _, says in found)


def _newest(spend: pd.DataFrame, key: Key, said: list[str]) -> str:
    """The zone of the account's newest row."""
    if len(said) == 1:
        return said[0]
    mine = spend[spend["platform"].eq(key[0]) & spend["account_id"].eq(key[1]) & spend["timezone"].isin(said)]
    return str(mine.sort_values(["day", "campaign_id", "campaign_name", "timezone"], na_position="first")["timezone"].iloc[-1])


def _watermark(loaded: np.ndarray, values: pd.DataFrame, as_of: np.datetime64, by_zone: zones.ByZone) -> np.ndarray:
    seen, daily = np.minimum(loaded, as_of), values["freshness_grain"].to_numpy() != "hourly"
    hourly: np.ndarray = seen - _hours(values["freshness_lag_hours"])
    if not daily.any():
        return hourly
    return np.where(daily, zones.begins(zones.days_of(seen - _hours(values["freshness_daily_lag_hours"]), by_zone), by_zone), hourly)


def _hours(values: pd.Series) -> np.ndarray:
    return np.asarray(np.round(values.to_numpy("float64") * HOUR_US).astype("timedelta64[us]"))


def _available(everyone: list[Key], inputs: Inputs) -> npt.NDArray[np.bool_]:
    down = [state.platform for state in inputs.run.sources if not state.available]
    return np.array([platform not in down and None not in down for platform, _ in everyone], dtype=bool)
