"""Incidents with realistic facts, as the brain gives them: the models of the cards."""

from datetime import UTC, datetime
from typing import Any

from notifiers.cards import Ask, CardContext
from pacing_brain.frames import FLIGHT_COLUMNS
from pacing_brain.model import Action, Finding, Incident, Lane, Problem, Severity

AS_OF = datetime(2026, 11, 18, 8, tzinfo=UTC)
UNITS = 1_000_000
GREEN = {name: {"state": "green", "evidence": "in order"} for name in
         ("clock", "completeness", "currency", "freshness", "identity", "tie_out", "timezone", "tracker")}


def flight(**changes: Any) -> dict[str, Any]:
    """A flight of Halden UK, on the facts of the first model; every column of the cohort is there."""
    row: dict[str, Any] = dict.fromkeys(FLIGHT_COLUMNS)
    row |= {
        "flight_id": "google:4711", "row": 14, "rows": "14", "campaign_id": "4711", "campaign_name": "HAL_UK_PMax_WinterJackets",
        "platform": "google", "account_id": "1182047731", "client": "Halden UK", "market": "UK", "product": "Winter Jackets",
        "currency": "GBP", "budget_micros": 60_000 * UNITS, "start_date": "2026-11-01", "end_date": "2026-11-30", "curve": "even",
        "owner": "U0BUYERUK", "match_kind": "id", "campaign_key": "google/1182047731/4711", "n_campaigns": 1, "n_matched": 1,
        "platform_name": "HAL_UK_PMax_WinterJackets", "platform_campaign_id": "4711", "name_similarity": 1.0, "candidates": [],
        "known_on_platform": True, "platform_status": "enabled", "overlaps": "", "day_start": "2026-11-01T00:00:00Z",
        "day_end": "2026-12-01T00:00:00Z", "account_timezone": "Europe/London", "watermark": "2026-11-18T06:00:00Z",
        "actual_micros": 45_195 * UNITS, "after_watermark_micros": 0, "credit_micros": 0, "spend_days": 17, "row_days": 18,
        "impressions": 1_200_000, "target_micros": 34_500 * UNITS, "variance_pct": 31.0, "pacing_pct": 131.0, "direction": "over",
        "unexplained_pct": 31.0, "band_severity": "critical", "severity": "critical", "phase": "live", "elapsed_hours": 414.0,
        "stake_micros": 300 * UNITS, "zero_delivery": False, "zero_kind": "", "cost_fault": False, "score": 0.98,
        "score_metadata": 1.0, "score_name": 1.0, "score_freshness": 1.0, "gates": GREEN, "red_gates": "",
        "metadata_detail": {"market": "match", "product": "match", "start_date": "match", "end_date": "match"},
        "lane": "critical", "action": "recommend_halt", "urgent": True, "problem": "over", "incident_scope": "campaign",
        "root_cause_code": "budget_changed",
        "root_cause": "The daily budget on the platform went from £2,000 to £3,500 on Tue 10 Nov; the plan did not change.",
        "mitigation": ["Pause now, and resume when the plan has caught up.", "Keep it running at £1,161 a day instead of £3,500: it lands on £60,000.",
                       "If the raise was agreed, correct row 14 of the tracker."],
        "recommendation": "Pause the campaign until the plan has caught up.", "reasons": ["131 % of plan."],
    }
    return row | changes


def finding(row: dict[str, Any], **changes: Any) -> Finding:
    """The campaign finding of a flight."""
    off = abs((row["actual_micros"] or 0) - (row["target_micros"] or 0))
    values: dict[str, Any] = {
        "scope": f"campaign:{row['flight_id']}", "problem": Problem(row["problem"]), "severity": Severity(row["severity"]),
        "lane": Lane(row["lane"]), "action": Action(row["action"]), "urgent": bool(row["urgent"]), "side": row["direction"],
        "currency": row["currency"], "money_micros": off, "headline": row["root_cause"] or "No reason was recorded.",
        "flights": (row["flight_id"],), "client": row["client"], "platform": row["platform"], "account_id": row["account_id"],
        "owner": row["owner"],
        "facts": {"flight": row, "account": {"loaded_at": "2026-11-18T07:12:00Z"}, "decision_seq": 48213, "siblings_delivering": 11},
    }
    return Finding(**(values | changes))


def incident(found: Finding, **changes: Any) -> Incident:
    values: dict[str, Any] = {"incident_id": "I-0c0ffee123", "fingerprint": found.fingerprint, "state": "open", "version": 3,
                              "opened_at": datetime(2026, 11, 18, 4, tzinfo=UTC), "changed_at": AS_OF, "opened_run": "r1",
                              "last_run": "r2", "finding": found}
    return Incident(**(values | changes))


def over(**changes: Any) -> Incident:
    return incident(finding(flight(**changes)))


def silent(**changes: Any) -> Incident:
    """The second model: never delivered."""
    return incident(finding(flight(**({
        "flight_id": "meta:9", "row": 21, "campaign_id": "9", "campaign_name": "Prospecting Nov", "platform": "meta", "account_id": "4402",
        "client": "Brightwell DE", "market": "DE", "product": "Vitamins", "platform_product": "Supplements", "currency": "EUR",
        "budget_micros": 42_000 * UNITS, "start_date": "2026-11-16", "end_date": "2026-12-13", "owner": "buyer-de",
        "account_timezone": "Europe/Berlin", "day_start": "2026-11-15T23:00:00Z", "day_end": "2026-12-13T23:00:00Z",
        "watermark": "2026-11-18T03:00:00Z", "actual_micros": 0, "target_micros": 3_250 * UNITS, "pacing_pct": 0.0, "variance_pct": 100.0,
        "direction": "under", "impressions": 0, "zero_delivery": True, "zero_kind": "never", "problem": "zero", "score": 0.88,
        "metadata_detail": {"market": "match", "product": "differs", "start_date": "match", "end_date": "match"},
        "root_cause": None, "mitigation": [],
    } | changes))))


def candidate(name: str, number: str, verdict: str, why: str, *, spend: int = 12_640, similarity: float = 0.9) -> dict[str, Any]:
    return {"campaign_key": f"dv360/77/{number}", "campaign_id": number, "campaign_name": name, "account_id": "77",
            "similarity": similarity, "spend_micros": spend * UNITS, "verdict": verdict, "why": why}


def unmatched(**changes: Any) -> Incident:
    """The third model: is this the same campaign?"""
    found = [candidate("TDR_FR_OLV_Winter_26", "5512087", "proposed", "the names are 90% alike, same account, no other line wants it"),
             candidate("TDR_BE_Video_Winter_2026", "5512088", "not proposed", "the market differs (fr, be)", similarity=0.92)]
    return incident(finding(flight(**({
        "flight_id": "TDR_FR_Video_Winter_2026:2026-11-09", "row": 37, "campaign_id": None, "campaign_name": "TDR_FR_Video_Winter_2026",
        "platform": "dv360", "account_id": "77", "client": "Tiderace", "market": "FR", "product": "Winter crossings", "currency": "EUR",
        "budget_micros": 84_000 * UNITS, "start_date": "2026-11-09", "end_date": "2026-12-20", "owner": "U0BUYERFR", "match_kind": "none",
        "platform_campaign_id": None, "campaign_key": None, "candidates": found, "actual_micros": None, "target_micros": 16_000 * UNITS,
        "pacing_pct": None, "variance_pct": None, "direction": "none", "problem": "identity", "lane": "escalate", "action": "escalate",
        "severity": "warning", "red_gates": "identity", "root_cause": None, "mitigation": [], "watermark": "2026-11-16T23:00:00Z",
        "gates": GREEN | {"identity": {"state": "red", "evidence": "One campaign is proposed, nothing proves it."}}, "score": 0.79,
    } | changes)), money_micros=12_640 * UNITS))


def shared(problem: Problem, scope: str, headline: str, **changes: Any) -> Incident:
    """A finding of an account, a source or the tracker."""
    flights = [{"flight_id": f"meta:{n}", "campaign_name": f"Campaign {n}", "client": "Halden IE", "currency": "EUR",
                "actual_micros": 900 * UNITS, "target_micros": 1_000 * UNITS, "row": n} for n in range(1, 9)]
    values: dict[str, Any] = {
        "scope": scope, "problem": problem, "severity": Severity.WARNING, "lane": Lane.ESCALATE, "action": Action.ESCALATE, "urgent": True,
        "side": "none", "currency": "EUR", "money_micros": 3_390 * UNITS, "headline": headline, "flights": tuple(f["flight_id"] for f in flights),
        "platform": "meta", "account_id": "4411",
        "facts": {"flights": flights, "amounts": {"EUR": 3_390 * UNITS, "GBP": 412 * UNITS}, "account": {"loaded_at": "2026-11-17T03:40:00Z"}}}
    return incident(Finding(**(values | changes)))


def unplanned() -> Incident:
    return shared(Problem.UNPLANNED, "account:meta/4411", "Spend in no plan.", flights=(), facts={
        "amounts": {"EUR": 3_390 * UNITS}, "since": "2026-11-15", "per_day_micros": 1_130 * UNITS, "account": {"loaded_at": "2026-11-18T07:00:00Z"},
        "campaigns": [{"campaign_key": "meta/4411/1", "campaign_id": "1", "campaign_name": "Test & <learn>", "spend_micros": 3_390 * UNITS,
                       "since": "2026-11-15", "why": "no line"}]})


PLAIN = CardContext(as_of=AS_OF, run_id="r2", deciders=("group:S0UKLEADS",),
                    ask=Ask("R-17", 2, datetime(2026, 11, 18, 20, tzinfo=UTC)))
INTERACTIVE = CardContext(as_of=AS_OF, run_id="r2", run_url="https://prefect.example/runs/r2", interactive=True, deciders=("group:S0UKLEADS",),
                          ask=Ask("R-17", 2, datetime(2026, 11, 18, 20, tzinfo=UTC)), can_pause=True)
