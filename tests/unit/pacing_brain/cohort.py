"""Cohorts as the reconcile node hands them on: the plan, match and reconcile columns, each with a believable default.

The default flight: 3,000 EUR over June 2026, Berlin time, Google; ten of thirty days are closed and spent as planned, and spend is
complete to 2026-06-11 00:00 Berlin time.
"""

from datetime import UTC, datetime
from typing import Any

import pandas as pd

from pacing_brain import frames, pacing, zero, zones
from pacing_brain.model import RunContext
from pacing_brain.policy import Policy

UNIT = 1_000_000
AS_OF = datetime(2026, 6, 11, 8, tzinfo=UTC)
WATERMARK = "2026-06-10T22:00:00Z"
ZONE = "Europe/Berlin"

DEFAULTS: dict[str, Any] = {
    "row": 2, "rows": "2", "campaign_id": "1", "campaign_name": "Acme DE Shoes Summer", "platform": "google", "account_id": "A1",
    "client": "Acme", "market": "DE", "product": "Shoes", "currency": "EUR", "budget_micros": 3_000 * UNIT, "start_date": "2026-06-01",
    "end_date": "2026-06-30", "curve": "even", "match_kind": "id", "campaign_key": "google/A1/1", "n_campaigns": 1, "n_matched": 1,
    "platform_name": "Acme DE Shoes Summer", "platform_campaign_id": "1", "name_similarity": 1.0, "known_on_platform": True, "overlaps": "",
    "account_timezone": ZONE, "watermark": WATERMARK, "actual_micros": 1_000 * UNIT, "after_watermark_micros": 0, "credit_micros": 0,
    "spend_days": 10, "row_days": 10, "first_spend_day": "2026-06-01", "last_spend_day": "2026-06-10", "closed_micros": 1_000 * UNIT,
    "closed_days": 10, "closed_day": "2026-06-10", "closed_day_micros": 100 * UNIT, "last7_micros": 700 * UNIT, "last7_days": 7,
    "duplicate_days": 0, "bad_days": 0, "feed_currencies": "EUR", "shrunk_pct": 0.0, "lost_days": 0,
    "lane": "warning", "action": "slack_alert", "problem": "", "red_gates": "", "gates": {}, "score": 1.0,
}
FIRST_LATER = ["lane", "action", "urgent", "problem", "incident_scope", "red_gates", "gates", "score"]


def flights(**columns: Any) -> pd.DataFrame:
    """Flights F1, F2 ...; a scalar is repeated to the longest list. Keys may be any column of `FLIGHT_COLUMNS`."""
    n = max((len(value) for value in columns.values() if isinstance(value, list)), default=1)
    data = {"flight_id": [f"F{i}" for i in range(1, n + 1)]} | DEFAULTS | columns
    table = frames.DECISIONS.check(pd.DataFrame({name: _column(name, value, n) for name, value in data.items()}))
    zone = table["account_timezone"]
    begin, end = zones.midnights(table["start_date"], zone), zones.midnights(table["end_date"] + pd.Timedelta(days=1), zone)
    table = table.assign(day_start=begin, day_end=end)
    wanted = [name for name, (stage, _) in frames.FLIGHT_COLUMNS.items() if stage in ("plan", "match", "calendar", "reconcile", "levels") or name in data
              or name in FIRST_LATER]
    return table[wanted].astype({"known_on_platform": "bool"})


def _column(name: str, value: Any, n: int) -> pd.Series:
    values = list(value) if isinstance(value, list) and name not in frames.OBJECTS else [value] * n
    dtype = frames.DECISIONS.fields[name].dtype
    if dtype.startswith("datetime64"):
        return pd.Series(pd.to_datetime(pd.Series(values, dtype="object"), utc=dtype.endswith("UTC]"), format="ISO8601"), dtype=dtype)
    return pd.Series(values, dtype=dtype)


def values(table: pd.DataFrame, **tables: Any) -> pd.DataFrame:
    """The policy's numbers for these flights; keywords are policy tables."""
    return Policy.model_validate(tables).resolve(table)


def run(as_of: datetime | str = AS_OF, **more: Any) -> RunContext:
    at = pd.Timestamp(as_of).to_pydatetime()
    return RunContext(**{"run_id": "run-1", "as_of": at, "window": at} | more)


def judged(table: pd.DataFrame, policy_values: pd.DataFrame, memory: pd.DataFrame | None = None, of_run: RunContext | None = None) -> pd.DataFrame:
    """The flights as the variance node judges them, with what is found on them before the graph."""
    now = of_run or run()
    due, _ = zero.find(table, policy_values, now)
    return pacing.judge(table.assign(**due), policy_values, frames.MEMORY.empty() if memory is None else memory, now)


def remembered(severity: str, side: str, flight_id: str = "F1") -> pd.DataFrame:
    return frames.MEMORY.check(pd.DataFrame({
        "flight_id": [flight_id], "lane": [severity], "severity": [severity], "side": [side], "action": ["slack_alert"], "gates_red": [""],
        "score_steps": [""], "inputs_digest": [""], "policy_digest": [""], "decided_run": ["run-0"], "closed_micros": [0], "closed_days": [0]}))
