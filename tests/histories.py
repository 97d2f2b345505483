"""Small recorded histories for tests: one folder of parquet files, as `pacing backtest` reads them."""

from datetime import UTC, date, datetime, timedelta
from pathlib import Path
from typing import Any

import pandas as pd

START = datetime(2024, 1, 8, tzinfo=UTC)


def plan_row(**changes: Any) -> dict[str, Any]:
    """One campaign of 14 days with 100 USD a day, on google, in an account of its own."""
    return {"valid_from": START - timedelta(days=30), "flight_id": "F1", "campaign_id": "0815", "campaign_name": "Pine_US_Shoes", "platform": "google",
            "account_id": "A1", "market": "US", "product": "Shoes", "budget": 1400.0, "currency": "USD", "start_date": date(2024, 1, 8),
            "end_date": date(2024, 1, 21), "timezone": "UTC", "curve": "even"} | changes


def spend_row(seen_at: datetime, day: date, units: float | None, **changes: Any) -> dict[str, Any]:
    micros = None if units is None else round(units * 1_000_000)
    return {"seen_at": seen_at, "platform": "google", "account_id": "A1", "campaign_id": "0815", "campaign_name": "Pine_US_Shoes", "market": "US",
            "product": "Shoes", "start_date": date(2024, 1, 8), "end_date": date(2024, 1, 21), "currency": "USD", "timezone": "UTC", "day": day,
            "copy": 0, "spend_micros": micros, "loaded_at": seen_at} | changes


def windows(days: int) -> list[datetime]:
    return [START + timedelta(hours=4 * k) for k in range(1, 6 * days + 1)]


def steady_spend(days: int, daily: float = 100.0, before: int = 14) -> list[dict[str, Any]]:
    """Spend that grows evenly within the day, and `before` days of history."""
    rows = [spend_row(windows(days)[0], (START - timedelta(days=back)).date(), daily) for back in range(before, 0, -1)]
    for at in windows(days):
        day = (at - timedelta(hours=4)).date()
        rows.append(spend_row(at, day, daily * ((at - datetime.combine(day, START.timetz())) / timedelta(days=1))))
    return rows


def write(folder: Path, *, at: list[datetime], plan: list[dict[str, Any]], spend: list[dict[str, Any]], loads: list[dict[str, Any]] | None = None,
          answers: list[dict[str, Any]] | None = None) -> Path:
    """The four files, and the answers where there are any. Loads: every account of the plan at every window, 15 minutes before it, unless they are given."""
    folder.mkdir(parents=True, exist_ok=True)
    accounts = sorted({row["account_id"] for row in plan})
    loaded = [{"account_id": account, "seen_at": w, "loaded_at": w - timedelta(minutes=15)} for w in at for account in accounts]
    tables = {"windows": [{"as_of": w} for w in at], "tracker": plan, "spend": spend, "loads": loaded if loads is None else loads}
    tables |= {"answers": answers} if answers else {}
    for name, rows in tables.items():
        frame = pd.DataFrame(rows)
        if name == "spend":
            frame["spend_micros"] = frame["spend_micros"].astype("Int64")
        frame.to_parquet(folder / f"{name}.parquet", index=False)
    return folder
