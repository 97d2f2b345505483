"""What can be done about it."""

from fractions import Fraction

import pytest
from hypothesis import given, settings, strategies as st

from pacing_brain import mitigation
from pacing_brain.remedies import CHECKLIST
from tests.unit.pacing_brain import cohort
from tests.unit.pacing_brain.cohort import UNIT

ZERO = {"actual_micros": 0, "spend_days": 0, "first_spend_day": None, "last_spend_day": None, "closed_day_micros": 0}


def advise(code="unknown", after=None, **columns):
    table = cohort.flights(**columns)
    judged = cohort.judged(table, cohort.values(table)).assign(root_cause_code=code)
    return mitigation.advise(judged.assign(**(after or {})), cohort.run())


def told(**arguments):
    row = advise(**arguments).iloc[0]
    return row["mitigation"], row["recommendation"]


def test_over_plan_can_be_paused_slowed_or_agreed():
    """Pause until the plan has caught up, or a daily budget that lands on plan, or a corrected plan; each with its figures."""
    steps, said = told(actual_micros=1_500 * UNIT, daily_budget_micros=150 * UNIT, action="recommend_halt", lane="critical")
    assert steps == [
        "Pause now: the plan catches up about Tue 16 Jun 00:00; resume then, at €100 a day.",
        "Keep it running at €75 a day instead of €150: it lands on €3,000. (Google may still spend up to €150 on one day.)",
        "If more was agreed, correct row 2 of the plan."]
    assert said == "Pause it in Google Ads until about Tue 16 Jun 00:00, when the plan has caught up."


@pytest.mark.parametrize(("status", "first"), [("paused", "It is paused. The plan catches up about Tue 16 Jun 00:00; resume then, at €100 a day."),
                                               ("removed", "If more was agreed, correct row 2 of the plan.")])
def test_what_is_paused_is_not_to_be_paused(status, first):
    """Over plan and switched off already: when it may run again, and no daily budget for now."""
    steps, said = told(actual_micros=1_500 * UNIT, daily_budget_micros=150 * UNIT, action="slack_alert", lane="critical", platform_status=status)
    assert (steps[0], said) == (first, first)
    assert not [step for step in steps if "Pause" in step or "Keep" in step]


def test_the_figures_of_the_model_card():
    """60,000 over November, 45,195 spent by 18 Nov 06:00: pause until the 23rd, or keep it at 1,161 a day."""
    steps, _ = told(budget_micros=60_000 * UNIT, start_date="2026-11-01", end_date="2026-11-30", account_timezone="UTC", currency="GBP", feed_currencies="GBP",
                    watermark="2026-11-18T06:00:00Z", actual_micros=45_195 * UNIT, platform="meta", closed_day="2026-11-17")
    assert steps[0] == "Pause now: the plan catches up about Mon 23 Nov 15:00; resume then, at £2,007 a day."
    assert steps[1] == "Keep it running at £1,161 a day: it lands on £60,000."


def test_a_spent_budget_has_no_daily_budget_left():
    """Once the budget is spent no figure is made up: pause, or say what was agreed."""
    steps, said = told(actual_micros=3_500 * UNIT, action="recommend_halt", lane="critical")
    assert steps == ["The budget of €3,000 is spent: pause it, or write into row 2 of the plan what has been agreed since."]
    assert said == "Pause it in Google Ads: €3,500 of €3,000 is spent."


def test_a_budget_that_is_not_spent_is_never_raised():
    """Under plan: what is needed a day and how much more that is, and checks of delivery; no raise of an unspent budget."""
    steps, said = told(actual_micros=500 * UNIT, daily_budget_micros=100 * UNIT)
    assert steps[0] == "To land on €3,000 it needs €125 a day from now on (25 % more than the €100 planned)."
    assert steps[1].startswith("Do not raise the budget")
    assert not any(step.startswith("Raise") for step in steps)
    assert said == "Find what holds it back: it needs €125 a day to land on €3,000."


def test_a_budget_that_holds_spend_back_may_be_raised():
    """Where all of the daily budget is spent, raising it is the remedy."""
    steps, _ = told(code="hit_its_cap", actual_micros=700 * UNIT, daily_budget_micros=70 * UNIT)
    assert steps[1] == "Raise the daily budget in Google Ads from €70 to €115: all of it is spent now."


@pytest.mark.parametrize(("daily", "advised"), [(70, True), (63, True), (62, False)])
def test_a_lowered_budget_is_raised_only_where_it_is_spent(daily, advised):
    """After the daily budget was lowered: a higher one is advised where at least nine tenths of the present one are spent."""
    steps, _ = told(code="daily_budget_changed", actual_micros=700 * UNIT, daily_budget_micros=70 * UNIT, closed_day_micros=daily * UNIT)
    assert any(step.startswith("Raise") for step in steps) == advised


def test_zero_delivery_gets_the_checklist_in_its_order():
    """Status, creative, payment, audience, bid, budget: in that order, after what it needs a day."""
    steps, said = told(code="never_delivered", lane="critical", action="recommend_halt", **ZERO)
    assert steps == ["To land on €3,000 it needs €150 a day from now on (50 % more than the €100 planned).", *CHECKLIST]
    assert [step.split(":")[0] for step in CHECKLIST] == ["Status", "Creative", "Payment", "Audience", "Bid", "Budget"]
    assert said.startswith("Go through the checks first")


def test_what_is_paused_is_asked_about_first():
    """A campaign that the platform reports as paused: the question whether it is meant comes before the checklist."""
    steps, _ = told(code="paused_on_platform", lane="critical", **ZERO)
    assert steps[0] == "If it should run, switch it on in Google Ads; if it is meant to be off, say until when."


def test_an_account_that_stopped_is_looked_at_as_one():
    """No campaign checklist where the whole account is silent."""
    steps, _ = told(code="account_stopped", after={"zero_kind": "account"}, lane="critical", **ZERO)
    assert len(steps) == 1
    assert steps[0].startswith("Look at the account first")


def test_look_alikes_are_asked_about():
    """One question per campaign that could be meant, and the column that ends the doubt."""
    candidates = [{"campaign_name": "A", "campaign_id": "9", "spend_micros": 12_640 * UNIT, "verdict": "proposed"},
                  {"campaign_name": "B", "campaign_id": "8", "spend_micros": 1, "verdict": "not proposed"}]
    steps, said = told(code="look_alike", match_kind="ambiguous", lane="escalate", action="escalate", candidates=candidates)
    assert steps == ["Is A (id 9, €12,640 spent) the campaign of row 2?", "Better still: put its id into column campaign_id, row 2."]
    assert said == steps[0]


@pytest.mark.parametrize(("code", "begins"), [
    ("currency_differs", "Correct the currency in row 2"), ("duplicate_rows", "Remove the second rows"), ("feed_stale", "Mend or restart the load"),
    ("tracker_stale", "Make tracker readable again"), ("missing_id", "Put the id"), ("overlapping_lines", "Give rows 2"),
    ("unknown", "A person looks at it")])
def test_what_is_escalated_says_what_to_mend(code, begins):
    """An escalated flight gets what to mend and nothing about pacing, which cannot be believed yet."""
    steps, said = told(code=code, lane="escalate", action="escalate", actual_micros=1_500 * UNIT, overlaps="F2")
    assert len(steps) == 1
    assert steps[0].startswith(begins)
    assert said == steps[0]


def test_healthy_flights_get_no_advice():
    """Lane healthy: an empty list and no recommendation; log_only never has one."""
    row = advise(lane="healthy", action="log_only").iloc[0]
    assert row["mitigation"] == []
    assert row["recommendation"] != row["recommendation"]  # null


@settings(deadline=None, max_examples=30)
@given(st.integers(0, 2_999 * UNIT))
def test_the_daily_budget_lands_on_plan(actual):
    """What is spent plus the daily figure over the time that is left is the budget, short by less than a day's micros."""
    table = cohort.flights(actual_micros=actual)
    judged = cohort.judged(table, cohort.values(table)).assign(root_cause_code="unknown", catch_up=None)
    case = mitigation.Case(mitigation.records(judged)[0], {}, cohort.run())
    outlook = mitigation.Outlook.of(case)
    landed = actual + outlook.needed_a_day * Fraction(outlook.left_us, 86_400_000_000)
    assert 0 <= 3_000 * UNIT - landed < 20
