"""What platforms may legally spend above a daily budget."""

import pandas as pd
import pytest

from pacing_brain import allowance, frames, pacing
from tests.unit.pacing_brain import cohort
from tests.unit.pacing_brain.cohort import UNIT


def allowed(units, *, budgets=100, last="2026-06-10", policy=None, **columns):
    """Of one flight whose days end on `last`, in units; the plan is 100 a day over June, complete to the end of 10 June."""
    days = pd.date_range(end=last, periods=len(units))
    rows = pd.DataFrame({"flight_id": pd.Series("F1", index=range(len(units)), dtype="str"), "bucket": "matched", "day": days.as_unit("us"),
                         "spend_micros": pd.array([one * UNIT for one in units], dtype="Int64"),
                         "daily_budget_micros": pd.array([one * UNIT for one in (budgets if isinstance(budgets, list) else [budgets] * len(units))], dtype="Int64")})
    table = cohort.flights(actual_micros=sum(units) * UNIT, **columns)
    values = cohort.values(table, **(policy or {}))
    judged = pacing.judge(table, values, frames.MEMORY.empty(), cohort.run())
    return int(allowance.allow(judged, rows, values)["allowed_micros"].iloc[0]) // UNIT


@pytest.mark.parametrize(("units", "said"), [
    ([100] * 10, 0),  # on plan
    ([100] * 8 + [200, 200], 200),  # two days at twice the budget
    ([100] * 8 + [300, 100], 100),  # what is above twice is not allowed
    ([60] * 5 + [200] * 5, 300),  # days below their budget have been made up for
    ([200] * 10, 1_000)])
def test_google_may_double_a_day(units, said):
    """Up to twice the daily budget, as the rest of the month can take it back."""
    assert allowed(units) == said


def test_only_what_the_days_left_can_take_back():
    """On the last day but one of the flight nothing but that day can."""
    assert allowed([200] * 10, end_date="2026-06-11", budget_micros=1_100 * UNIT) == 100


def test_a_raised_budget_is_no_allowance():
    """Spend at a daily budget above plan is over plan, and nobody takes it back; a change counts from its day on."""
    assert allowed([150] * 10, budgets=150) == 0
    assert allowed([100] * 5 + [150] * 5, budgets=[100] * 5 + [150] * 5) == 0


def test_meta_counts_weeks_from_sunday():
    """10 June 2026 is a Wednesday: what was over before Sunday the 7th was not taken back, and is not allowed."""
    assert allowed([175] * 6 + [100] * 4, platform="meta") == 0
    assert allowed([100] * 6 + [175] * 4, platform="meta") == 300
    assert allowed([100] * 6 + [200] * 4, platform="meta") == 300  # 1.75 times is the most
    assert allowed([100] * 6 + [200] * 4, platform="meta", policy={"scope": {"platform=meta": {"allowance": {"day_factor": 1.25}}}}) == 100


def test_other_platforms_have_no_rule():
    """Without a period and without a daily budget nothing is allowed; pacing Ahead is, when the policy says so, up to the budget."""
    assert allowed([200] * 10, platform="dv360") == 0
    assert allowed([120] * 10, platform="dv360", policy={"allowance": {"ahead_pct": 20}}) == 200
    assert allowed([130] * 10, platform="dv360", policy={"allowance": {"ahead_pct": 20}}) == 200
    assert allowed([400] * 10, platform="dv360", policy={"allowance": {"ahead_pct": 20}}) == 0  # more than the whole budget


def test_without_daily_budgets_nothing_is_allowed():
    """A source that does not report daily budgets: no rule can be applied."""
    assert allowed([200] * 10, budgets=0) == 0


def test_an_under_spender_needs_no_allowance():
    """Only being over is allowed."""
    assert allowed([50] * 10) == 0
