"""Budgets of a day and of a month."""

import pytest

from tests.unit.connectors.trackers import read

UNIT = 1_000_000


def flights(**columns):
    got = read(**columns)
    assert got.quarantined == ()
    return [(row.flight_id, f"{row.start_date:%m-%d}", f"{row.end_date:%m-%d}", row.budget_micros / UNIT) for row in got.targets.itertuples()]


def test_a_daily_budget_is_times_the_days():
    """100 a day over April's thirty days is 3,000."""
    assert flights(budget="100", budget_type="daily") == [("F1", "04-01", "04-30", 3_000)]


def test_a_monthly_cycle_is_a_flight_a_month():
    """The budget is a month's; a month that the row's dates cut short has its share by days."""
    assert flights(budget="3000", cycle="monthly:1", start_date="2026-04-16", end_date="2026-06-30") == [
        ("F1@2026-04-16", "04-16", "04-30", 1_500), ("F1@2026-05-01", "05-01", "05-31", 3_000), ("F1@2026-06-01", "06-01", "06-30", 3_000)]


def test_a_cycle_may_begin_on_any_day():
    """monthly:31 begins on the last day of shorter months; a cycle that began before the row is cut."""
    assert [one[1:3] for one in flights(cycle="Monthly: 31", start_date="2026-01-31", end_date="2026-03-30")] == [("01-31", "02-27"), ("02-28", "03-30")]
    assert flights(budget="310", cycle="monthly:20", start_date="2026-04-10", end_date="2026-04-19") == [("F1@2026-04-10", "04-10", "04-19", 100)]


def test_a_daily_budget_in_months():
    """Days times the budget of a day, month by month; gross amounts after the fee."""
    assert [one[3] for one in flights(budget="100", budget_type="daily", cycle="monthly", start_date="2026-04-21", end_date="2026-05-31")] == [1_000, 3_100]
    got = read(budget="1000", cost_basis="gross", fee_pct="10", cycle="monthly:1", end_date="2026-05-31").targets
    assert (got["gross_micros"] / UNIT).tolist() == [1_000, 1_000]
    assert (got["budget_micros"] / UNIT).tolist() == [900, 900]


@pytest.mark.parametrize("value", ["none", "", "None"])
def test_no_cycle_is_one_flight(value):
    """As before."""
    assert len(flights(cycle=value)) == 1


def test_a_target_to_date_is_of_one_flight():
    """It cannot stand beside a cycle."""
    (fault,) = read(cycle="monthly:1", target_to_date="500", curve="custom", updated_at="2026-04-09").quarantined
    assert (fault.column, "target_to_date" in fault.reason) == ("cycle", True)
