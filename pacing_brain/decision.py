"""A decision as the ledger keeps it: the keys of CONTRACT `campaign_decided`, always all of them, null where not known."""

from typing import Any

import pandas as pd

from pacing_brain.model import HALTS
from pacing_brain.natives import natives

PLAN = ["flight_id", "campaign_name", "platform", "account_id", "client", "market", "product", "currency", "budget_micros", "start_date",
        "end_date", "row"]
FORECAST = ["forecast_micros", "forecast_lo_micros", "forecast_hi_micros", "forecast_lo50_micros", "forecast_hi50_micros", "forecast_lo95_micros",
            "forecast_hi95_micros", "p_over", "p_under", "expected_over_micros", "expected_under_micros", "needed_daily_micros", "rate_daily_micros",
            "used_up_day", "wait_window_micros", "wait_window_off_micros", "wait_answer_micros", "wait_answer_off_micros"]


def bodies(decisions: pd.DataFrame) -> list[dict[str, Any]]:
    """One ledger body per row of DECISIONS, in order."""
    return [_body(row, _by_share(row["campaigns"])) for row in natives(decisions)]


def _by_share(campaigns: list[dict[str, Any]] | None) -> list[dict[str, Any]] | None:
    """The campaigns of a line over several, the largest spender first."""
    if campaigns is None:
        return None
    kept = [{name: one.get(name) for name in ("platform", "account_id", "campaign_id", "actual_micros")} for one in campaigns]
    return sorted(kept, key=lambda one: (-(one["actual_micros"] or 0), str(one["account_id"]), str(one["campaign_id"])))


def _body(row: dict[str, Any], campaigns: list[dict[str, Any]] | None) -> dict[str, Any]:
    several = campaigns is not None and len(campaigns) > 1
    unexplained = row["actual_micros"] - row["target_micros"] if None not in (row["actual_micros"], row["target_micros"]) else None
    body = {name: row[name] for name in PLAN} | {
        "campaign_id": None if several else row["campaign_id"] or row["platform_campaign_id"],
        "target_micros": row["target_micros"], "actual_micros": row["actual_micros"],
        "after_watermark_micros": row["after_watermark_micros"], "watermark": row["watermark"], "watermark_basis": "prior",
        "variance_pct": row["variance_pct"], "direction": row["direction"], "unexplained_pct": row["unexplained_pct"],
        "bridge": row["bridge"] or {"residual_micros": unexplained}, "allowed_micros": row["allowed_micros"], "pacing_pct": row["pacing_pct"], "band_severity": row["band_severity"],
        "severity": row["severity"], "phase": row["phase"], "zero_delivery": bool(row["zero_delivery"]),
        "confidence": {"score": row["score"], "metadata": row["score_metadata"], "name": row["score_name"], "freshness": row["score_freshness"]},
        "gates": row["gates"], "lane": row["lane"], "action": row["action"], "recommendation": row["recommendation"],
        "requires_human": row["action"] in ("escalate", "recommend_halt"), "match_kind": row["match_kind"], "candidates": row["candidates"],
        "incident": row["incident"], "reasons": row["reasons"], "root_cause": row["root_cause"], "mitigation": row["mitigation"],
        "forecast": forecast(row), "reallocation": row["reallocation"], "breakdown": row["breakdown"], "patterns": row["patterns"], "inputs_digest": row["inputs_digest"], "error": row["error"],
    }
    if several:
        body["campaigns"] = campaigns
    if row["action"] in HALTS:
        body["halt"] = _halt(row, campaigns)
    return body


def forecast(row: dict[str, Any]) -> dict[str, Any] | None:
    """Where the flight ends if it is left alone; of an unknown one only why it is."""
    if row["forecast_micros"] is None:
        return None if row["forecast_why_not"] is None else {"why_not": row["forecast_why_not"]}
    return {name: row[name] for name in FORECAST} | {"interval_pct": 80}


def _halt(row: dict[str, Any], campaigns: list[dict[str, Any]] | None) -> dict[str, Any]:
    """What a pause would act on: exactly one campaign; of several the one with the largest spend, the rest listed."""
    if campaigns and len(campaigns) > 1:
        first, *rest = campaigns
        return {"platform": first["platform"] or row["platform"], "account_id": first["account_id"], "campaign_id": first["campaign_id"], "others": rest}
    return {"platform": row["platform"], "account_id": row["account_id"], "campaign_id": row["platform_campaign_id"] or row["campaign_id"]}
