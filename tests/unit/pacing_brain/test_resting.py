"""Campaigns that rest on a weekday: what is their habit is green for weeks, and the same silence on another day is raised."""

from datetime import date, datetime, timedelta
from typing import TYPE_CHECKING

import pandas as pd
import pytest

from connectors.history import History
from flows.backtest import replayed
from pacing_brain.policy import Policy
from tests.histories import START, plan_row, spend_row, windows, write

if TYPE_CHECKING:
    from pathlib import Path

SATURDAY, TUESDAY = 5, START + timedelta(days=8)
AT = [at for at in windows(9) if at > START + timedelta(days=3, hours=12)]


def _pace(name: str, at: datetime) -> float:
    """An hour of 100 a day on the six days on which it delivers; `sleeps` delivers from 8 to 20 only, `stops` has nothing on a Tuesday either."""
    rests = at.weekday() == SATURDAY or (name == "stops" and TUESDAY <= at < TUESDAY + timedelta(days=1))
    hours = (2.0 if 8 <= at.hour < 20 else 0.0) if name == "sleeps" else 1.0
    return 0.0 if rests else hours * 100.0 / 24.0 * (1.05 if at.toordinal() % 2 else 0.95)


def _rows(name: str) -> list[dict[str, object]]:
    """Days with spend only, as warehouses have them."""
    who = {"account_id": f"A-{name}", "campaign_id": f"C-{name}", "campaign_name": f"Pine_US_Shoes_{name}"}
    days = [(AT[0], START + timedelta(days=day), 24) for day in range(-35, 3)]
    days += [(at, begun, round((at - begun) / timedelta(hours=1))) for at in windows(9) for begun in [(at - timedelta(hours=4)).replace(hour=0)] if at >= AT[0]]
    rows = [(at, day.date(), sum(_pace(name, day + timedelta(hours=hour)) for hour in range(hours))) for at, day, hours in days]
    return [spend_row(at, day, spent, **who) for at, day, spent in rows if spent > 0]


@pytest.fixture(scope="module")
def decided(tmp_path_factory: pytest.TempPathFactory) -> pd.DataFrame:
    folder: Path = tmp_path_factory.mktemp("history") / "resting"
    names = ("rests", "sleeps", "stops")
    plan = [plan_row(flight_id=name, account_id=f"A-{name}", campaign_id=f"C-{name}", campaign_name=f"Pine_US_Shoes_{name}", budget=3600.0, start_date=date(2023, 12, 11), end_date=date(2024, 1, 21)) for name in names]
    write(folder, at=AT, plan=plan, spend=[row for name in names for row in _rows(name)])
    return pd.concat(list(replayed(History(folder), Policy.parse('bands = "evidence"'))), ignore_index=True)


@pytest.mark.parametrize("name", ["rests", "sleeps"])
def test_a_campaign_that_rests_on_saturdays_is_left_alone(decided: pd.DataFrame, name: str) -> None:
    """Its sixth Saturday without a row, day and night, and the Sunday after: never a warning."""
    own = decided[decided["flight_id"].eq(name)]
    assert set(own["lane"]) == {"healthy"}, own.loc[own["lane"].ne("healthy"), ["as_of", "lane", "reasons"]].to_string()


def test_the_same_silence_on_a_tuesday_is_raised(decided: pd.DataFrame) -> None:
    """Healthy to the Tuesday, critical within the day, and it says that nothing was spent."""
    own = decided[decided["flight_id"].eq("stops")]
    raised = own[own["lane"].eq("critical")]
    assert set(own.loc[own["as_of"].le(pd.Timestamp(TUESDAY)), "lane"]) == {"healthy"}
    assert raised["as_of"].iloc[0] <= pd.Timestamp(TUESDAY + timedelta(hours=16))
    assert raised["reasons"].iloc[0].startswith("Not delivering: nothing has been spent in the last 8 h of loads")
