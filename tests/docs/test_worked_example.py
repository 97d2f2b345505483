"""The worked example of docs/decisions.md is what the brain decides."""

import re
from datetime import UTC, date, datetime
from decimal import Decimal
from pathlib import Path

import pytest

from pacing_brain import PacingBrain, SpendRecord

TEXT = (Path(__file__).parents[2] / "docs" / "decisions.md").read_text(encoding="utf-8")
ROW = re.compile(r"^\| £([\d,]+) \| ([^|]+) \| ([\d.]+) % (over|under) \| ([\d.]+) \| (\w+) \| `(\w+)` \|", re.MULTILINE)


def record(per_day: str, *, other: str) -> SpendRecord:
    """The example's flight with another spend a day; `other`: what the platform says otherwise."""
    name = re.search(r'name "([^"]+)"', other)
    return SpendRecord(
        campaign_id="4711", campaign_name="Winter Jackets", platform="google", currency="GBP", budget=Decimal(60_000), market="UK", product="Jackets",
        start_date=date(2026, 11, 1), end_date=date(2026, 11, 30), spend={date(2026, 11, day): Decimal(per_day) for day in range(1, 18)},
        platform_market="FR" if "market FR" in other else "GB", platform_product="Coats" if "Coats" in other else "Jackets",
        platform_name=name[1] if name else None, loaded_at=datetime(2026, 11, 18, 3, tzinfo=UTC), as_of=datetime(2026, 11, 18, 8, tzinfo=UTC))


@pytest.mark.parametrize("row", ROW.findall(TEXT), ids=lambda row: f"{row[0]} {row[1]}")
def test_each_row_is_what_is_decided(row: tuple[str, ...]) -> None:
    """Variance, score, severity and action of each row are the brain's."""
    per_day, other, variance, side, score, severity, action = row
    judged = record(per_day.replace(",", ""), other=other)
    alert, known = PacingBrain().judge(judged), PacingBrain().reconcile(judged)
    assert (f"{alert.variance_pct:.2f}", f"{alert.confidence_score:.3f}", alert.severity, alert.action_taken) == (variance, score, severity, action)
    assert known.planned is not None
    assert known.spent is not None
    assert side == ("over" if known.spent > known.planned else "under")


def test_the_hand_made_figures() -> None:
    """Planned, spent and what is at stake, as the page works them out by hand."""
    assert len(ROW.findall(TEXT)) == 6
    known = PacingBrain().reconcile(record("2700", other="product Coats"))
    assert known.planned is not None
    assert known.spent is not None
    assert (f"{known.planned:,.2f}", f"{known.spent:,.0f}", f"{known.spent - known.planned:,.2f}") == ("34,083.33", "45,900", "11,816.67")
    assert all(f"£{figure}" in TEXT for figure in ("34,083.33", "45,900", "11,816.67"))
