"""Zero delivery and cost faults."""

import pandas as pd
import pytest

from pacing_brain import zero
from pacing_brain.brain import PacingBrain
from pacing_brain.model import SourceState
from tests.unit.pacing_brain import builders, cohort
from tests.unit.pacing_brain.cohort import UNIT

NEVER = {"actual_micros": 0, "spend_days": 0, "row_days": 0, "first_spend_day": None, "last_spend_day": None, "closed_day_micros": 0,
         "closed_micros": 0}
STOPPED = {"closed_day_micros": 0, "last_spend_day": "2026-06-08", "spend_days": 8, "actual_micros": 800 * UNIT}
NOT_FOUND = NEVER | {"match_kind": "none", "known_on_platform": False, "campaign_key": None}
TWELVE_HOURS, ALMOST = "2026-06-01T10:00:00Z", "2026-06-01T09:59:59Z"


def find(as_of=cohort.AS_OF, policy=None, sources=(), **columns):
    table = cohort.flights(**columns)
    found, _ = zero.find(table, cohort.values(table, **(policy or {})), cohort.run(as_of, sources=sources))
    return pd.DataFrame(found).iloc[0]


def test_no_spend_since_the_first_day_is_never_delivered():
    """The load covers more than 12 planned hours and there is no spend: zero delivery, kind never; with zero rows as without."""
    assert find(**NEVER)["zero_kind"] == "never"
    assert find(**NEVER | {"row_days": 10})["zero_kind"] == "never"
    assert find(**NEVER)["zero_delivery"]


def test_delivery_is_no_zero_delivery():
    """A campaign that spends is not called silent."""
    found = find()
    assert (found["zero_kind"], bool(found["zero_delivery"]), bool(found["cost_fault"])) == ("", False, False)


@pytest.mark.parametrize(("watermark", "kind"), [(TWELVE_HOURS, "never"), (ALMOST, "")])
@pytest.mark.parametrize("row", [NEVER, NOT_FOUND])
def test_the_load_must_cover_twelve_planned_hours(watermark, kind, row):
    """At least 12 planned hours by the watermark, not by the clock: at 12 it is said, a second before it is not."""
    wanted = kind and ("not_found" if row is NOT_FOUND else kind)
    assert find(**row | {"watermark": watermark, "closed_day": None, "closed_day_micros": None})["zero_kind"] == wanted


def test_the_hours_come_from_the_policy():
    """zero.planned_hours moves the edge."""
    assert find(policy={"zero": {"planned_hours": 241}}, **NEVER)["zero_kind"] == ""


def test_hours_without_a_plan_do_not_count():
    """Where the curve has planned nothing yet, nothing can be missing."""
    assert find(**NEVER | {"curve": "back", "curve_pct": 100.0})["zero_kind"] == ""


def test_spend_after_the_watermark_is_delivery():
    """A day that is not complete yet but shows spend ends the silence."""
    assert find(**NEVER | {"after_watermark_micros": 1})["zero_kind"] == ""
    assert find(**STOPPED | {"after_watermark_micros": 1})["zero_kind"] == ""


def test_none_in_the_last_closed_day_after_it_delivered_is_stopped():
    """It delivered before and has nothing on the last closed account day: stopped."""
    assert find(**STOPPED)["zero_kind"] == "stopped"


def test_spend_on_the_last_closed_day_is_not_stopped():
    """One micro on the last closed day is delivery."""
    assert find(**STOPPED | {"closed_day_micros": 1, "last_spend_day": "2026-06-10"})["zero_kind"] == ""


def test_a_credit_alone_is_no_delivery():
    """A negative day is a credit, not delivery; yet a day whose net is a credit does not say that nothing ran, so it carries no pause."""
    assert find(**NEVER | {"actual_micros": -5 * UNIT})["zero_kind"] == "never"
    assert find(**STOPPED | {"closed_day_micros": -5 * UNIT})["zero_kind"] == ""


def test_cost_that_stops_while_ads_are_shown_is_a_cost_fault():
    """It spent before, and on the last closed day ads were shown at no cost: the cost is missing, the campaign has not stopped."""
    found = find(**STOPPED | {"closed_day_impressions": 900})
    assert (found["zero_kind"], bool(found["zero_delivery"]), bool(found["cost_fault"])) == ("", False, True)
    assert find(**STOPPED | {"closed_day_impressions": 0})["zero_kind"] == "stopped"


def test_spend_after_the_last_closed_day_is_not_stopped():
    """None in the last closed day, but some on the day that is going on: it delivers again."""
    assert find(**STOPPED | {"last_spend_day": "2026-06-11"})["zero_kind"] == ""


def test_a_flight_that_is_over_has_not_stopped():
    """Stopped is said while the flight lasts; its last instant is outside."""
    end = {"end_date": "2026-06-10"}
    assert find(as_of="2026-06-10T21:59:59Z", **STOPPED | end)["zero_kind"] == "stopped"
    assert find(as_of="2026-06-10T22:00:00Z", **STOPPED | end)["zero_kind"] == ""


def test_never_delivered_is_said_until_the_data_are_final():
    """After the end it still delivered nothing, for 72 hours; then the flight is closed."""
    assert find(as_of="2026-07-03T21:59:59Z", **NEVER | {"watermark": "2026-06-30T22:00:00Z"})["zero_kind"] == "never"
    assert find(as_of="2026-07-03T22:00:00Z", **NEVER | {"watermark": "2026-06-30T22:00:00Z"})["zero_kind"] == ""


def test_a_campaign_through_with_its_budget_has_not_stopped():
    """With less left than 0.5 % of the budget it stopped because it is through."""
    assert find(**STOPPED | {"actual_micros": 2_985 * UNIT})["zero_kind"] == "stopped"
    assert find(**STOPPED | {"actual_micros": 2_985 * UNIT + 1})["zero_kind"] == ""


def test_a_closed_day_without_a_plan_is_not_missed():
    """front:100 plans nothing in its second half, so a silent day there is as planned; asap has no such days."""
    late = {"closed_day": "2026-06-20", "watermark": "2026-06-20T22:00:00Z"}
    assert find(as_of="2026-06-21T08:00:00Z", **STOPPED | late | {"curve": "front", "curve_pct": 100.0})["zero_kind"] == ""
    assert find(as_of="2026-06-21T08:00:00Z", **STOPPED | late | {"curve": "asap"})["zero_kind"] == "stopped"


def test_an_unknown_actual_is_not_zero():
    """Actuals that are unavailable are never taken for zero spend."""
    assert find(**NEVER | {"actual_micros": None})["zero_kind"] == ""


def test_without_a_watermark_nothing_is_said():
    """No load has covered the flight, so silence proves nothing."""
    assert find(**NEVER | {"watermark": None})["zero_kind"] == ""


def test_an_id_that_was_never_seen_is_not_found():
    """No row ever and no list that knows the id: not found on the platform, whether the actual is null or 0."""
    assert find(**NOT_FOUND)["zero_kind"] == "not_found"
    assert find(**NOT_FOUND | {"actual_micros": None})["zero_kind"] == "not_found"


def test_an_id_that_the_campaign_list_knows_never_delivered():
    """An id that the source's campaign list knows is zero delivery, not unknown."""
    assert find(**NEVER | {"match_kind": "id", "known_on_platform": True})["zero_kind"] == "never"


def test_without_an_id_it_is_planned_not_found_and_no_zero_delivery():
    """Without id and without match nothing proves silence: no zero delivery."""
    found = find(**NOT_FOUND | {"campaign_id": None})
    assert (found["zero_kind"], bool(found["zero_delivery"])) == ("", False)


@pytest.mark.parametrize(("down", "kind"), [("google", ""), (None, ""), ("meta", "not_found")])
def test_a_source_that_did_not_answer_finds_nothing_missing(down, kind):
    """While the platform's tables did not answer, an id that was not seen proves nothing."""
    sources = (SourceState(source="campaign_spend", platform=down, available=False),)
    assert find(sources=sources, **NOT_FOUND)["zero_kind"] == kind


def test_zero_spend_with_impressions_is_a_cost_fault():
    """Zero spend with impressions is a cost fault, no zero delivery; without impressions, or where they are not known, it is zero delivery."""
    found = find(**NEVER | {"impressions": 1})
    assert (bool(found["cost_fault"]), found["zero_kind"]) == (True, "")
    assert find(**NEVER | {"impressions": 0})["zero_kind"] == "never"
    assert not find(**NEVER | {"impressions": None})["cost_fault"]


def test_impressions_in_the_first_hours_are_no_cost_fault():
    """Cost lags behind impressions: before 12 planned hours nothing is said."""
    assert not find(**NEVER | {"impressions": 9, "watermark": ALMOST})["cost_fault"]


def test_an_account_stops_although_one_campaign_was_through_with_its_budget():
    """Two campaigns without a row since 9 June, and one whose budget was spent on the 5th: the account stopped, one incident; the third is no sign of life."""
    every, until = list(pd.date_range("2026-06-01", "2026-06-08")), list(pd.date_range("2026-06-01", "2026-06-05"))
    rows = pd.concat([builders.spend(campaign_id="1", day=every), builders.spend(campaign_id="2", day=every),
                      builders.spend(campaign_id="3", day=until, spend_micros=600 * builders.UNIT)], ignore_index=True)
    plan = builders.targets(campaign_id=["1", "2", "3"], curve=["even", "even", "asap"])
    outcome = PacingBrain().decide(builders.inputs(targets=plan, spend=rows, totals=builders.totals(rows)))
    assert [(finding.scope, finding.problem.value, finding.flights) for finding in outcome.findings] == [("account:google/A1", "zero", ("F1", "F2"))]
    assert outcome.decisions["zero_kind"].tolist() == ["account", "account", ""]
