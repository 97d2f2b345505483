"""Where everything stands: what `pacing status` shows, as one JSON object read from the record."""

from datetime import datetime, timedelta
from typing import Any

from audit.runs import SealedRun
from flows.views import worst_first
from flows.views.run import as_row
from flows.wiring import House

MISSED_SINCE = timedelta(days=7)  # older windows that nobody answered for are history


def standing(house: House) -> dict[str, Any]:
    """The last sealed live run, what is open, and what waits. `run` is null when nothing has been sealed yet."""
    now = house.now()
    run = house.runs.last_sealed()
    found: dict[str, Any] = {"now": now.isoformat(), "run": None if run is None else _run(run, now)}
    if run is None:
        rehearsal = house.runs.last_sealed(live=False)
        return found | {"rehearsal": rehearsal.run_id if rehearsal else None}
    return found | {
        **{name: run.summary[name] for name in ("campaigns", "by_lane", "by_severity", "by_action")},
        "incidents": sorted((as_row(one) for one in house.incidents.open()), key=worst_first),
        "recommendations": _recommendations(house, now),
        "outbox": house.outbox.counts(),
        "quarantined": [row.model_dump(mode="json") for row in house.quarantine.of_run(run.run_id)],
        "dead_letters": house.dead_letters.standing(),
        "missed_windows": _missed(house, now),
    }


def _run(run: SealedRun, now: datetime) -> dict[str, Any]:
    return {"run_id": run.run_id, "window": run.window.isoformat(), "as_of": run.as_of.isoformat(), "sealed_at": run.sealed_at.isoformat(),
            "age_seconds": round((now - run.as_of).total_seconds()), "completeness": run.completeness, "partial": run.summary["partial"],
            "policy_digest": run.policy_digest, "policy_mode": run.summary.get("policy_mode", "recommend")}


def _recommendations(house: House, now: datetime) -> list[dict[str, Any]]:
    return [{"recommendation_id": ask.recommendation_id, "version": ask.version, "incident_id": ask.incident_id, "flight_id": ask.flight_id,
             "platform": ask.platform, "account_id": ask.account_id, "campaign_id": ask.campaign_id, "opened_at": ask.opened_at.isoformat(),
             "expires_at": ask.expires_at.isoformat(), "expired": ask.expires_at <= now, **ask.facts} for ask in house.recommendations.pending()]


def _missed(house: House, now: datetime) -> list[str]:
    """Windows of the last days that no sealed run answered for, whether or not it has been said on the ledger."""
    known = {*house.windows.missed(house.policy.schedule_hours, now), *house.windows.said(now - MISSED_SINCE)}
    return [window.isoformat() for window in sorted(known) if window >= now - MISSED_SINCE]
