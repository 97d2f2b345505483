"""What platforms may legally spend above a daily budget."""

import pandas as pd
import pytest

from pacing_brain import allowance, forecast
from tests.unit.pacing_brain import cohort
from tests.unit.pacing_brain.cohort import UNIT


def allowed(units, **options):
    """allowed_micros of one flight, in units."""
    return int(judged(units, **options)["allowed_micros"].iloc[0]) // UNIT


def judged(units, *, budgets=100, last="2026-06-10", policy=None, **columns):
    """One flight whose days end on `last`, and its forecast; the plan is 100 a day over June, complete to the end of 10 June."""
    days = pd.date_range(end=last, periods=len(units))
    rows = pd.DataFrame({"flight_id": pd.Series("F1", index=range(len(units)), dtype="str"), "bucket": "matched", "day": days.as_unit("us"),
                         "spend_micros": pd.array([one * UNIT for one in units], dtype="Int64"),
                         "daily_budget_micros": pd.array([one * UNIT for one in (budgets if isinstance(budgets, list) else [budgets] * len(units))], dtype="Int64")})
    daily = {} if isinstance(budgets, list) else {"daily_budget_micros": budgets * UNIT}
    table = cohort.flights(actual_micros=sum(units) * UNIT, **daily, **columns)
    values = cohort.values(table, **(policy or {}))
    known = cohort.judged(table.assign(spent_out=allowance.spent_out(table, rows, values)), values)
    return forecast.outlook(allowance.allow(known, rows, values), rows.assign(campaign_key="google/A1/1"), values, 4.0)


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


@pytest.mark.parametrize(("units", "last24", "said"), [
    ([100] * 9 + [190], 190, 0),  # lent
    ([100] * 9 + [260], 260, 60),  # what is above twice is not
    ([190] * 5 + [20] * 5, 20, 0),  # taken back
    ([100] * 9 + [20], 20, -80)])  # nothing was lent before
def test_the_last_day_is_off_plan_by_what_no_rule_explains(units, last24, said):
    """Up to twice the daily budget is no jump, and a day on which the platform takes back what it lent is no drop."""
    row = judged(units, last24_micros=last24 * UNIT, planned24_micros=100 * UNIT, off_plan_pct=float(last24 - 100)).iloc[0]
    assert row["off_plan_pct"] == pytest.approx(said)


def test_what_is_lent_is_taken_back_before_the_end():
    """Ten days at 1.8 times the daily budget: left alone it ends on 3,000. At a daily budget of 180, which nobody takes back, it ends far above."""
    assert judged([180] * 10)["forecast_micros"].iloc[0] == pytest.approx(3_000 * UNIT, rel=0.02)
    assert judged([180] * 10, budgets=180)["forecast_micros"].iloc[0] > 4_500 * UNIT


def test_a_daily_budget_that_is_not_spent_says_nothing_about_the_end():
    """The week begins anew on Sunday: at half of a daily budget of 200 a campaign goes on as it did."""
    assert judged([100] * 6 + [8], last="2026-06-07", budgets=200, platform="meta", watermark="2026-06-07T00:00:00Z")["forecast_micros"].iloc[0] == pytest.approx(
        3_000 * UNIT, rel=0.03)


@pytest.mark.parametrize(("units", "waits"), [([175] * 4 + [0], True), ([170] * 4 + [0], False)])
def test_a_platform_that_has_spent_the_week_waits_for_the_next(units, waits):
    """Seven daily budgets in four days from Sunday on, then nothing: no campaign that stopped. Six of them and nothing is one."""
    columns = {"platform": "meta", "start_date": "2026-06-07", "watermark": "2026-06-11T22:00:00Z", "closed_day": "2026-06-11", "closed_day_micros": 0, "last_spend_day": "2026-06-10"}
    assert judged(units, last="2026-06-11", **columns)["zero_kind"].iloc[0] == ("" if waits else "stopped")
