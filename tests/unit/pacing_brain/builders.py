"""Small checked frames for tests of the brain: name only the columns that matter, the rest has believable defaults.

Every builder takes columns as keywords, a scalar or a list; scalars are repeated to the longest list. The default world is one Google
campaign of June 2026: 3,000 EUR over 30 days in account A1 (Berlin time), spending 100 EUR a day, loaded at 2026-06-11 06:00 UTC.
"""

from datetime import UTC, datetime
from typing import Any

import pandas as pd

from pacing_brain import frames
from pacing_brain.model import Inputs, RunContext
from pacing_brain.policy import Policy

UNIT = 1_000_000  # micros in one unit of currency
AS_OF = datetime(2026, 6, 11, 8, tzinfo=UTC)
LOADED_AT = "2026-06-11T06:00:00+00:00"
NAME = "Acme DE Shoes Summer"


def targets(**columns: Any) -> pd.DataFrame:
    """Plan lines F1, F2 ... for campaigns 1, 2 ...; tracker rows count from 2."""
    n = _length(columns)
    return _frame(frames.TARGETS, n, {
        "row": range(2, n + 2), "flight_id": [f"F{i}" for i in range(1, n + 1)], "campaign_id": [f"{i}" for i in range(1, n + 1)],
        "campaign_name": NAME, "platform": "google", "account_id": "A1", "client": "Acme", "market": "DE", "product": "Shoes",
        "currency": "EUR", "budget_micros": 3_000 * UNIT, "start_date": "2026-06-01", "end_date": "2026-06-30", "curve": "even",
    } | columns)


def spend(**columns: Any) -> pd.DataFrame:
    """Days of one campaign from 2026-06-01 on; `spend()` is the ten days to 2026-06-10. Give `campaign_id` and `day` for several."""
    n = _length(columns) if any(isinstance(v, list) for v in columns.values()) else 10
    return _frame(frames.SPEND, n, {
        "platform": "google", "account_id": "A1", "campaign_id": "1", "campaign_name": NAME, "market": "DE", "product": "Shoes",
        "start_date": "2026-06-01", "currency": "EUR", "timezone": "Europe/Berlin", "day": list(pd.date_range("2026-06-01", periods=n)),
        "spend_micros": 100 * UNIT, "n_rows": 1, "loaded_at": LOADED_AT,
    } | columns)


def loads(**columns: Any) -> pd.DataFrame:
    return _frame(frames.LOADS, _length(columns),
                  {"platform": "google", "account_id": "A1", "loaded_at": LOADED_AT, "from_rows": False} | columns)


def campaigns(**columns: Any) -> pd.DataFrame:
    n = _length(columns)
    return _frame(frames.CAMPAIGNS, n, {
        "platform": "google", "account_id": "A1", "campaign_id": [f"{i}" for i in range(1, n + 1)], "campaign_name": NAME,
        "status": "enabled",
    } | columns)


def accounts(**columns: Any) -> pd.DataFrame:
    """Account context as the load of the default world gives it: two hours old, complete to 04:00 UTC."""
    return _frame(frames.ACCOUNTS, _length(columns), {
        "platform": "google", "account_id": "A1", "timezone": "Europe/Berlin", "timezone_from": "feed", "currency": "EUR",
        "loaded_at": LOADED_AT, "load_basis": "loads", "feed_age_hours": 2.0, "cycle_hours": 4.0, "grain": "hourly",
        "watermark": "2026-06-11T04:00:00+00:00", "closed_day": "2026-06-10", "available": True, "live_flights": 0, "silent_flights": 0,
    } | columns)


def memory(**columns: Any) -> pd.DataFrame:
    return _frame(frames.MEMORY, _length(columns), {
        "flight_id": "F1", "lane": "healthy", "severity": "healthy", "side": "none", "action": "log_only", "gates_red": "",
        "score_steps": "", "inputs_digest": "", "policy_digest": "", "decided_run": "run-0", "closed_micros": 0, "closed_days": 0,
        "start_date": "2026-06-01", "campaign_key": "google/A1/1",
    } | columns)


def patterns(**columns: Any) -> pd.DataFrame:
    return _frame(frames.PATTERNS, _length(columns), {
        "pattern_id": "P1", "kind": "alias", "scope": "flight:F1", "value": "google/A1/1", "support": 1, "confidence": 1.0,
    } | columns)


def totals(rows: pd.DataFrame) -> pd.DataFrame:
    """The warehouse's own total of these spend rows."""
    sums = rows.groupby("currency", as_index=False).agg(n_rows=("n_rows", "sum"), spend_micros=("spend_micros", "sum"))
    return frames.TOTALS.check(sums)


def run(as_of: datetime = AS_OF, **values: Any) -> RunContext:
    """A live run of the window that holds `as_of`."""
    window = as_of.replace(hour=as_of.hour // 4 * 4, minute=0, second=0, microsecond=0)
    return RunContext(**{"run_id": "run-1", "as_of": as_of, "window": window} | values)


def inputs(targets: pd.DataFrame | None = None, spend: pd.DataFrame | None = None, **parts: Any) -> Inputs:
    """Inputs of one run; parts not named are the default world, empty frames for campaigns, memory and patterns, totals from spend.

    `as_of` and `policy` may be given, and any frame of `Inputs`.
    """
    rows = _spend() if spend is None else spend
    return Inputs(**{
        "run": run(parts.pop("as_of", AS_OF)), "policy": parts.pop("policy", Policy()),
        "targets": _targets() if targets is None else targets, "spend": rows, "loads": loads(), "totals": totals(rows),
        "campaigns": frames.CAMPAIGNS.empty(), "memory": frames.MEMORY.empty(), "patterns": frames.PATTERNS.empty(),
    } | parts)


_spend, _targets = spend, targets  # `inputs` has arguments of these names


def _length(columns: dict[str, Any]) -> int:
    return max((len(value) for value in columns.values() if isinstance(value, list)), default=1)


def _frame(frame: frames.Frame, n: int, columns: dict[str, Any]) -> pd.DataFrame:
    data = {name: list(value) if isinstance(value, list | range) else [value] * n for name, value in columns.items()}
    return frame.check(pd.DataFrame({name: _parsed(values, frame.fields[name].dtype) for name, values in data.items()}))


def _parsed(values: list[Any], dtype: str) -> pd.Series:
    if dtype.startswith("datetime64"):
        return pd.Series(pd.to_datetime(pd.Series(values, dtype="object"), utc=dtype.endswith("UTC]")), dtype=dtype)
    return pd.Series(values, dtype=dtype)
