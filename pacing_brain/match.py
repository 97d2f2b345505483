"""Who is who: tracker campaigns <-> platform campaigns, and which flight a day's spend belongs to.

Identity belongs to the tracker campaign, flights are its intervals. In this order:
  1. id      the same id, as exact text, in the planned account (without one: unique on the platform)
  2. alias   a person confirmed it (patterns of kind `alias`)
  3. name    the same folded name in the same account, unique on both sides, without a contradicting id
  4. nothing else is a match: look-alikes become candidates for a person (`candidates.py`)
"""

from dataclasses import dataclass

import numpy as np
import pandas as pd

from pacing_brain import candidates as near
from pacing_brain import day_weights, lines, names, rollover
from pacing_brain.days import buckets, quarantined
from pacing_brain.model import Inputs
from pacing_brain.roster import JOIN, Codes, joined, positions, roster

__all__ = ["buckets", "match", "quarantined"]

UNMATCHED = -1


@dataclass
class _Plan:
    """Tracker rows in a fixed order, with what was found for each: `code` is the position in the roster, or UNMATCHED."""

    rows: pd.DataFrame  # TARGETS plus folded, planned (position of the tracker campaign)
    code: Codes
    kind: np.ndarray  # of text

    def found(self, mask: np.ndarray, code: Codes, kind: str) -> None:
        mask = mask & (self.code == UNMATCHED) & (code != UNMATCHED)
        self.code[mask] = code[mask]
        self.kind[mask] = kind


def match(inputs: Inputs) -> tuple[pd.DataFrame, pd.DataFrame]:
    """(flights, days): one row per flight with the plan, match and calendar columns of `FLIGHT_COLUMNS`, sorted by flight_id; and every spend row
    with campaign_key, flight_id and bucket (`days.py`). Independent of row order.
    """
    platform, campaign = roster(inputs.spend, inputs.campaigns)
    plan = _planned(inputs.targets)
    tied = _by_id(plan, platform)
    denied = _by_alias(plan, platform, inputs)
    _by_name(plan, platform, denied)
    found = _candidates(plan, platform, denied, tied, inputs)
    flights, days = lines.assemble(plan.rows.assign(code=plan.code, kind=plan.kind), platform, campaign, found, inputs.spend)
    return day_weights.attach(rollover.roll(flights, days, inputs.run.days_from), inputs.policy), days


def _planned(targets: pd.DataFrame) -> _Plan:
    rows = targets.sort_values(["flight_id", "row", "campaign_id", "campaign_name", "account_id"], ignore_index=True)
    rows["folded"] = names.folded(rows["campaign_name"])
    identity = rows["campaign_id"].where(rows["campaign_id"].notna(), "name:" + rows["folded"].fillna(""))
    rows["planned"] = pd.factorize(joined(rows["platform"], rows["account_id"].fillna(""), identity))[0]
    return _Plan(rows, np.full(len(rows), UNMATCHED), np.full(len(rows), "none", dtype=object))


def _by_id(plan: _Plan, platform: pd.DataFrame) -> list[tuple[int, int]]:
    """Sets what an id proves; returns (planned, roster position) of ids that several accounts have while the plan names none."""
    rows = plan.rows
    ids = platform[platform["campaign_id"].notna()]
    exact = positions(joined(rows["platform"], rows["account_id"], rows["campaign_id"]),
                       pd.Index(joined(ids["platform"], ids["account_id"], ids["campaign_id"])))
    plan.found(exact >= 0, _at(ids, exact), "id")
    without = rows["account_id"].isna() & rows["campaign_id"].notna()
    if not without.any():
        return []
    key = joined(ids["platform"], ids["campaign_id"])
    several = key.duplicated(keep=False)
    anywhere = positions(joined(rows["platform"], rows["campaign_id"]), pd.Index(key[~several]))
    plan.found(without.to_numpy(), _at(ids[~several], anywhere), "id")
    asked = pd.DataFrame({"key": joined(rows["platform"], rows["campaign_id"])[without], "planned": rows["planned"][without]})
    pairs = asked.drop_duplicates().merge(pd.DataFrame({"key": key[several], "code": key[several].index}), on="key")
    return list(zip(pairs["planned"].tolist(), pairs["code"].tolist(), strict=True))


def _at(part: pd.DataFrame, positions: Codes) -> Codes:
    """Positions within a part of the roster as positions in the whole."""
    codes = np.append(part.index.to_numpy(), UNMATCHED)
    return np.asarray(codes[positions])


def _by_alias(plan: _Plan, platform: pd.DataFrame, inputs: Inputs) -> dict[int, list[int]]:
    """Sets what people confirmed; returns what they denied: planned -> roster positions."""
    answers = inputs.patterns[inputs.patterns["kind"].isin(["alias", "not_alias"])]
    answers = answers[answers["expires_at"].isna() | (answers["expires_at"] > pd.Timestamp(inputs.run.as_of))]
    if answers.empty:
        return {}
    answers = answers.assign(code=positions(answers["value"], pd.Index(platform["campaign_key"])))
    answers = answers[answers["code"] >= 0].sort_values(["confidence", "support", "value", "pattern_id"],
                                                        ascending=[False, False, True, True], ignore_index=True)
    scopes = _scopes(plan.rows)
    alias = answers[answers["kind"] == "alias"]
    for scope in ("flight", "campaign"):
        plan.found(np.ones(len(plan.rows), dtype=bool), _kth_answer(plan, scopes[scope], alias), "alias")
    plan.found(np.ones(len(plan.rows), dtype=bool), _of_its_campaign(plan), "alias")
    asked = scopes.melt(value_name="scope").assign(planned=np.tile(plan.rows["planned"].to_numpy(), 2))
    refused = asked.merge(answers[answers["kind"] == "not_alias"], on="scope")[["planned", "code"]].drop_duplicates()
    return {planned: group["code"].tolist() for planned, group in refused.groupby("planned")}


def _scopes(rows: pd.DataFrame) -> pd.DataFrame:
    part = rows["campaign_id"].where(rows["campaign_id"].notna(), rows["folded"])
    return pd.DataFrame({"flight": "flight:" + rows["flight_id"], "campaign": "campaign:" + rows["platform"] + "/" + part})


def _kth_answer(plan: _Plan, scope: pd.Series, alias: pd.DataFrame) -> Codes:
    """Per row the answer of its scope. Of a line over several campaigns the k-th open row takes the k-th answer: they share one sum."""
    open_ = plan.code == UNMATCHED
    asked = pd.DataFrame({"scope": scope[open_], "planned": plan.rows["planned"][open_]})
    kth = asked.groupby("scope").cumcount().to_numpy() * (scope.name == "flight")
    answers = pd.Series(alias["code"].to_numpy(), index=pd.Index(alias["scope"] + JOIN + alias.groupby("scope").cumcount().astype("str")))
    result = np.full(len(plan.rows), UNMATCHED)
    wanted = asked["scope"] + JOIN + pd.Series(kth, index=asked.index).astype("str")
    result[open_] = wanted.map(answers).fillna(UNMATCHED).astype("int64")
    return result


def _of_its_campaign(plan: _Plan) -> Codes:
    """An alias of one flight holds for the other flights of its tracker campaign, unless they were answered differently."""
    known = plan.rows.loc[plan.kind == "alias", ["planned"]].assign(code=plan.code[plan.kind == "alias"]).drop_duplicates()
    single = known[~known["planned"].duplicated(keep=False)].set_index("planned")["code"]
    return np.asarray(plan.rows["planned"].map(single).fillna(UNMATCHED).astype("int64"))


def _by_name(plan: _Plan, platform: pd.DataFrame, denied: dict[int, list[int]]) -> None:
    """Sets what an equal name proves: in one account, unique in the plan and on the platform, and no id says otherwise."""
    rows, code = plan.rows, plan.code
    if (code != UNMATCHED).all():
        return
    matched = pd.Series(platform["account_id"].array.take(code, allow_fill=True), index=rows.index)
    account = matched.fillna(rows["account_id"]).fillna(rows["platform"].map(_only_account(platform)).astype("str"))
    wanted = joined(rows["platform"], account, rows["folded"])
    in_plan = wanted.map(pd.DataFrame({"wanted": wanted, "planned": rows["planned"]}).drop_duplicates()["wanted"].value_counts())
    offered = joined(platform["platform"], platform["account_id"], platform["folded"])
    offered = offered[offered.notna() & ~offered.duplicated(keep=False) & ~np.isin(np.arange(len(platform)), code)]
    at = _at(platform.loc[offered.index], positions(wanted, pd.Index(offered)))
    contradicted = rows["campaign_id"].notna().to_numpy() & np.append(platform["campaign_id"].notna().to_numpy(), [False])[at]
    refused = [int(c) in denied.get(p, ()) for p, c in zip(rows["planned"].tolist(), at.tolist(), strict=True)] if denied else False
    plan.found((in_plan == 1).to_numpy() & ~contradicted & ~np.asarray(refused), at, "name")


def _only_account(platform: pd.DataFrame) -> pd.Series:
    """Platforms that show a single account: a plan that names none can mean no other."""
    pairs = platform[["platform", "account_id"]].drop_duplicates()
    return pairs[~pairs["platform"].duplicated(keep=False)].set_index("platform")["account_id"]


def _candidates(plan: _Plan, platform: pd.DataFrame, denied: dict[int, list[int]], tied: list[tuple[int, int]],
                inputs: Inputs) -> list[near.Candidate]:
    if (plan.code != UNMATCHED).all():
        return []
    open_ = plan.rows[plan.code == UNMATCHED].drop_duplicates("planned").set_index("planned").sort_index()
    limits = inputs.policy.resolve(open_, "identity")
    taken = plan.rows[plan.code != UNMATCHED].assign(code=plan.code[plan.code != UNMATCHED]).drop_duplicates("code")
    claimed = dict(zip(taken["code"].tolist(), ("row " + taken["row"].astype("str") + " of the plan").tolist(), strict=True))
    synonyms = names.Synonyms(inputs.policy.synonyms)
    markets = pd.concat([inputs.targets["market"], inputs.spend["market"]]).dropna().unique().tolist()
    known = near.Known(claimed, denied, names.Meanings(synonyms, markets))
    by_id = [near.Candidate(planned, code, _alike(open_, platform, planned, code), "tie", "several accounts have this id; the plan names no account")
             for planned, code in tied if planned in open_.index]
    searched = open_.drop(index={candidate.planned for candidate in by_id})
    return by_id + near.find(searched.join(limits), platform, known)


def _alike(open_: pd.DataFrame, platform: pd.DataFrame, planned: int, code: int) -> float:
    mine, theirs = open_.loc[planned, "folded"], platform["folded"].iloc[code]
    return 0.0 if pd.isna(mine) or pd.isna(theirs) else float(names.similarity([mine], [theirs])[0])
