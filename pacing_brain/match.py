"""Who is who: tracker campaigns <-> platform campaigns, and which flight a day's spend belongs to.

Identity belongs to the tracker campaign, flights are its intervals. In this order:
  1. id      the same id, as exact text, in the planned account (without one: unique on the platform)
  2. alias   a person confirmed it (patterns of kind `alias`)
  3. name    the same folded name in the same account, unique on both sides, without a contradicting id
  4. nothing else is a match: look-alikes become candidates for a person (`candidates.py`)
"""

import numpy as np
import numpy.typing as npt
import pandas as pd
from pandas.api.extensions import ExtensionArray

from pacing_brain import candidates as near
from pacing_brain import day_weights, lines, names, rollover
from pacing_brain.days import buckets, quarantined
from pacing_brain.lines import UNMATCHED, Plan
from pacing_brain.model import Inputs
from pacing_brain.roster import JOIN, Codes, Roster, id_or_name, joined, positions, roster

__all__ = ["buckets", "match", "quarantined"]

Flags = npt.NDArray[np.bool_]


def match(inputs: Inputs, known: Roster | None = None) -> tuple[pd.DataFrame, pd.DataFrame]:
    """(flights, days): one row per flight with the plan, match and calendar columns of `FLIGHT_COLUMNS`, sorted by flight_id; and every spend row
    with campaign_key, flight_id and bucket (`days.py`). Independent of row order. known: the inputs' `roster`, where it is at hand.
    """
    platform, campaign = known or roster(inputs.spend, inputs.campaigns)
    plan = _planned(inputs.targets)
    tied = _by_id(plan, platform)
    denied = _by_alias(plan, platform, inputs)
    _by_name(plan, platform, denied)
    found = _candidates(plan, platform, denied, tied, inputs)
    flights, days = lines.assemble(plan, platform, campaign, found, inputs.spend)
    return day_weights.attach(rollover.roll(flights, days, inputs.run.days_from), inputs.policy), days


def _planned(targets: pd.DataFrame) -> Plan:
    rows = _in_order(targets)
    folded = names.folded(rows["campaign_name"].array)
    campaign = joined(rows["platform"].array, rows["account_id"].array.fillna(""), id_or_name(rows["campaign_id"].array, folded))
    return Plan(rows, folded, campaign.factorize()[0], np.full(len(rows), UNMATCHED), np.full(len(rows), "none", dtype=object))


def _in_order(targets: pd.DataFrame) -> pd.DataFrame:
    flights = pd.Index(targets["flight_id"])
    if flights.is_monotonic_increasing and flights.is_unique:  # as most plans are kept
        return targets.reset_index(drop=True)
    return targets.sort_values(["flight_id", "row", "campaign_id", "campaign_name", "account_id"], ignore_index=True)


def _by_id(plan: Plan, platform: pd.DataFrame) -> list[tuple[int, int]]:
    """Sets what an id proves; returns (planned, roster position) of ids that several accounts have while the plan names none."""
    rows = plan.rows
    ids = np.flatnonzero(platform["campaign_id"].notna())
    exact = positions(_key(rows, "platform", "account_id", "campaign_id"), pd.Index(_key(platform, "platform", "account_id", "campaign_id").take(ids)))
    plan.found(exact >= 0, _at(ids, exact), "id")
    without = (rows["account_id"].isna() & rows["campaign_id"].notna()).to_numpy()
    if not without.any():
        return []
    wanted, key = _key(rows, "platform", "campaign_id"), pd.Index(_key(platform, "platform", "campaign_id").take(ids))
    several = key.duplicated(keep=False)
    plan.found(without, _at(ids[~several], positions(wanted, key[~several])), "id")
    asked = pd.DataFrame({"key": wanted, "planned": plan.planned})[without].drop_duplicates()
    pairs = asked.merge(pd.DataFrame({"key": key[several], "code": ids[several]}), on="key")
    return list(zip(pairs["planned"].tolist(), pairs["code"].tolist(), strict=True))


def _key(rows: pd.DataFrame, *columns: str) -> ExtensionArray:
    return joined(*(rows[name].array for name in columns))


def _at(part: Codes, found: Codes) -> Codes:
    """Positions within a part of the roster as positions in the whole."""
    return np.asarray(np.append(part, UNMATCHED)[found])


def _by_alias(plan: Plan, platform: pd.DataFrame, inputs: Inputs) -> dict[int, list[int]]:
    """Sets what people confirmed; returns what they denied: planned -> roster positions."""
    answered = inputs.patterns["kind"].isin(["alias", "not_alias"])
    if not answered.any():
        return {}
    answers = inputs.patterns[answered & (inputs.patterns["expires_at"].isna() | (inputs.patterns["expires_at"] > pd.Timestamp(inputs.run.as_of)))]
    answers = answers.assign(code=positions(answers["value"], pd.Index(platform["campaign_key"])))
    answers = answers[answers["code"] >= 0].sort_values(["confidence", "support", "value", "pattern_id"],
                                                        ascending=[False, False, True, True], ignore_index=True)
    scopes, everyone = _scopes(plan), np.ones(len(plan.rows), dtype=bool)
    alias = answers[answers["kind"] == "alias"]
    for scope in ("flight", "campaign"):
        plan.found(everyone, _kth_answer(plan, scopes[scope], alias), "alias")
    plan.found(everyone, _of_its_campaign(plan), "alias")
    asked = scopes.melt(value_name="scope").assign(planned=np.tile(plan.planned, 2))
    refused = asked.merge(answers[answers["kind"] == "not_alias"], on="scope")[["planned", "code"]].drop_duplicates()
    return {planned: group["code"].tolist() for planned, group in refused.groupby("planned")}


def _scopes(plan: Plan) -> pd.DataFrame:
    rows = plan.rows
    part = rows["campaign_id"].where(rows["campaign_id"].notna(), pd.Series(plan.folded))
    return pd.DataFrame({"flight": "flight:" + rows["flight_id"], "campaign": "campaign:" + rows["platform"] + "/" + part})


def _kth_answer(plan: Plan, scope: pd.Series, alias: pd.DataFrame) -> Codes:
    """Per row the answer of its scope. Of a line over several campaigns the k-th open row takes the k-th answer: they share one sum."""
    open_ = plan.code == UNMATCHED
    asked = pd.DataFrame({"scope": scope[open_], "planned": plan.planned[open_]})
    kth = asked.groupby("scope").cumcount().to_numpy() * (scope.name == "flight")
    answers = pd.Series(alias["code"].to_numpy(), index=pd.Index(alias["scope"] + JOIN + alias.groupby("scope").cumcount().astype("str")))
    result = np.full(len(plan.rows), UNMATCHED)
    wanted = asked["scope"] + JOIN + pd.Series(kth, index=asked.index).astype("str")
    result[open_] = wanted.map(answers).fillna(UNMATCHED).astype("int64")
    return result


def _of_its_campaign(plan: Plan) -> Codes:
    """An alias of one flight holds for the other flights of its tracker campaign, unless they were answered differently."""
    known = pd.DataFrame({"planned": plan.planned, "code": plan.code})[plan.kind == "alias"].drop_duplicates()
    single = known[~known["planned"].duplicated(keep=False)].set_index("planned")["code"]
    return np.asarray(pd.Series(plan.planned).map(single).fillna(UNMATCHED).astype("int64"))


def _by_name(plan: Plan, platform: pd.DataFrame, denied: dict[int, list[int]]) -> None:
    """Sets what an equal name proves: in one account, unique in the plan and on the platform, and no id says otherwise."""
    rows, code = plan.rows, plan.code
    if (code != UNMATCHED).all():
        return
    account = platform["account_id"].array.take(code, allow_fill=True).fillna(rows["account_id"].array)
    if account.isna().any():
        account = account.fillna(rows["platform"].map(_only_account(platform)).astype("str").array)
    wanted = joined(rows["platform"].array, account, plan.folded)
    offered = pd.Index(_key(platform, "platform", "account_id", "folded"))
    free = offered.notna() & ~offered.duplicated(keep=False) & ~np.isin(np.arange(len(platform)), code)
    at = _at(np.flatnonzero(free), positions(wanted, offered[free]))
    contradicted = rows["campaign_id"].notna().to_numpy() & np.append(platform["campaign_id"].notna().to_numpy(), [False])[at]
    refused = [int(c) in denied.get(p, ()) for p, c in zip(plan.planned.tolist(), at.tolist(), strict=True)] if denied else False
    plan.found(_of_one(wanted, plan.planned) & ~contradicted & ~np.asarray(refused), at, "name")


def _of_one(wanted: ExtensionArray, planned: Codes) -> Flags:
    """Where one tracker campaign alone wants the name."""
    codes, distinct = wanted.factorize()
    pairs = np.unique((codes + 1) * len(planned) + planned)  # a row without a name is of the first code
    rivals = np.bincount(pairs // len(planned), minlength=len(distinct) + 1)
    return np.asarray((codes >= 0) & (rivals[codes + 1] == 1))


def _only_account(platform: pd.DataFrame) -> pd.Series:
    """Platforms that show a single account: a plan that names none can mean no other."""
    pairs = platform[["platform", "account_id"]].drop_duplicates()
    return pairs[~pairs["platform"].duplicated(keep=False)].set_index("platform")["account_id"]


def _candidates(plan: Plan, platform: pd.DataFrame, denied: dict[int, list[int]], tied: list[tuple[int, int]],
                inputs: Inputs) -> list[near.Candidate]:
    open_ = plan.code == UNMATCHED
    if not open_.any():
        return []
    asked = plan.rows.assign(folded=plan.folded, planned=plan.planned)[open_].drop_duplicates("planned").set_index("planned").sort_index()
    limits = inputs.policy.resolve(asked, "identity")
    taken = zip(plan.code[~open_][::-1].tolist(), plan.rows["row"].to_numpy()[~open_][::-1].tolist(), strict=True)  # of several the first has it
    markets = [*inputs.targets["market"].dropna().unique(), *inputs.spend["market"].dropna().unique()]
    known = near.Known({code: f"row {row} of the plan" for code, row in taken}, denied, names.Meanings(names.Synonyms(inputs.policy.synonyms), markets))
    by_id = [near.Candidate(planned, code, _alike(asked, platform, planned, code), "tie", "several accounts have this id; the plan names no account")
             for planned, code in tied if planned in asked.index]
    searched = asked.drop(index={candidate.planned for candidate in by_id})
    return by_id + near.find(searched.join(limits), platform, known)


def _alike(asked: pd.DataFrame, platform: pd.DataFrame, planned: int, code: int) -> float:
    mine, theirs = asked.loc[planned, "folded"], platform["folded"].iloc[code]
    return 0.0 if pd.isna(mine) or pd.isna(theirs) else float(names.similarity([mine], [theirs])[0])
