"""The second gather: which breakdowns are worth asking for, and what their answers add to the cause. Pure.

The conductor looks at the pattern of each decision that was made anew, and asks only the specialists that can matter for it: at most MOST questions a
run, the largest sums first. The answers change neither lane nor action: they complete the root cause.
"""

from dataclasses import replace
from typing import Any

import pandas as pd

from pacing_brain import specialists
from pacing_brain.frames import QUESTIONS
from pacing_brain.model import Finding, Outcome
from pacing_brain.natives import natives

MOST = 50
READ = ["flight_id", "platform", "account_id", "platform_campaign_id", "campaigns", "currency", "severity", "direction", "zero_delivery", "zero_kind", "closed_day",
        "actual_micros", "target_micros", "red_gates", "restated", "match_kind", "phase"]
SURE = ("id", "alias")


def questions(decisions: pd.DataFrame) -> pd.DataFrame:
    """QUESTIONS of a run: for whom, which breakdown, which days. None of a flight that stands, whose data are in doubt, or that is on plan."""
    asked = [row for row in natives(decisions.loc[_worth_asking(decisions), READ]) if _pattern(row)]
    asked.sort(key=lambda row: (row["severity"] != "critical", -abs((row["actual_micros"] or 0) - (row["target_micros"] or 0)), row["flight_id"]))
    found = [{"flight_id": row["flight_id"], "breakdown": name, "days_from": _first(row), "days_to": pd.Timestamp(row["closed_day"]), **campaign}
             for row in asked for name in specialists.asked_for(_pattern(row)) for campaign in _campaigns(row)]
    return QUESTIONS.check(pd.DataFrame(found[:MOST], columns=QUESTIONS.columns))


def _worth_asking(decisions: pd.DataFrame) -> pd.Series:
    anew = ~decisions["restated"].astype(bool) & decisions["closed_day"].notna() & decisions["red_gates"].fillna("").eq("") & decisions["error"].isna()
    return anew & decisions["severity"].isin(["warning", "critical"]) & decisions["match_kind"].isin(SURE) & decisions["phase"].isin(["early", "live", "ended"])


def _pattern(row: dict[str, Any]) -> str:
    """Over | under | stopped, or nothing that a breakdown could tell more of."""
    if row["zero_delivery"]:
        return "stopped" if row["zero_kind"] == "stopped" else ""
    return str(row["direction"]) if row["direction"] in ("over", "under") else ""


def _campaigns(row: dict[str, Any]) -> list[dict[str, Any]]:
    several = [one for one in row["campaigns"] or [] if one["match_kind"] in SURE and one["campaign_id"]]
    named = [(one["platform"], one["account_id"], one["campaign_id"]) for one in several] or [(row["platform"], row["account_id"], row["platform_campaign_id"])]
    return [dict(zip(("platform", "account_id", "campaign_id"), one, strict=True)) for one in named]


def _first(row: dict[str, Any]) -> pd.Timestamp:
    return pd.Timestamp(row["closed_day"]) - pd.Timedelta(days=specialists.RECENT_DAYS + specialists.USUAL_DAYS - 1)


def complete(outcome: Outcome, answers: pd.DataFrame) -> Outcome:
    """The outcome with what the answers (BREAKDOWNS) add to its causes."""
    found = _found(outcome, answers)
    if not found:
        return outcome
    rows = outcome.decisions.set_index("flight_id")
    said = {flight: " ".join(specialists.sentence(one, str(rows.loc[flight, "currency"])) for one in several) for flight, several in found.items()}
    mine = outcome.decisions["flight_id"].map(said)
    cause = outcome.decisions["root_cause"].where(mine.isna(), outcome.decisions["root_cause"].fillna("").str.cat(mine.fillna(""), sep=" ").str.strip())
    breakdown = [found.get(flight) for flight in outcome.decisions["flight_id"]]
    decisions = outcome.decisions.assign(root_cause=cause.astype("str"), breakdown=pd.Series(breakdown, index=cause.index, dtype="object"))
    causes = dict(zip(decisions["flight_id"], decisions["root_cause"], strict=True))
    return replace(outcome, decisions=decisions, findings=tuple(_told(one, causes, found) for one in outcome.findings))


def _found(outcome: Outcome, answers: pd.DataFrame) -> dict[str, list[dict[str, Any]]]:
    """flight_id -> findings, in the order of its questions."""
    found: dict[str, list[dict[str, Any]]] = {}
    decisions = outcome.decisions.set_index("flight_id")
    for (flight, breakdown), asked in outcome.questions.groupby(["flight_id", "breakdown"], sort=False):
        row, keys = decisions.loc[flight], ["platform", "account_id", "campaign_id"]
        rows = answers[answers["breakdown"].eq(breakdown)].merge(asked[keys], on=keys)
        own = outcome.days.merge(asked[keys], on=keys)
        own = own[own["day"].le(row["closed_day"])].groupby("day")["spend_micros"].sum().astype("float64")
        if rows.empty or own.empty:
            continue
        whole = own.reindex(pd.date_range(own.index.min(), row["closed_day"]), fill_value=0.0)
        if one := specialists.finding(str(breakdown), rows, whole, row["closed_day"], 1 if row["direction"] == "over" else -1):
            found.setdefault(str(flight), []).append(one)
    return found


def _told(finding: Finding, causes: dict[str, str], found: dict[str, list[dict[str, Any]]]) -> Finding:
    flight = finding.facts.get("flight")
    if not isinstance(flight, dict) or flight.get("flight_id") not in found:
        return finding
    mine = flight | {"root_cause": causes[flight["flight_id"]], "breakdown": found[flight["flight_id"]]}
    return finding.model_copy(update={"facts": {**finding.facts, "flight": mine}})
