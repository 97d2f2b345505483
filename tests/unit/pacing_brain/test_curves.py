"""What a curve has planned up to an instant."""

from datetime import date, timedelta
from fractions import Fraction

import numpy as np
import pandas as pd
import pytest
from hypothesis import given, settings, strategies as st

from pacing_brain import curves, zones
from tests.unit.pacing_brain import cohort
from tests.unit.pacing_brain.cohort import UNIT

ZONES = ("Europe/Berlin", "America/Sao_Paulo", "America/Havana", "Asia/Kolkata", "UTC")


def planned(at, **columns):
    table = cohort.flights(**columns)
    value = curves.planned_micros(table, pd.Series(pd.to_datetime([at], utc=True), dtype="datetime64[us, UTC]"))[0]
    return None if value is pd.NA else int(value)


def slow_share(curve, pct, tau):
    """The curve as DESIGN writes it, on the elapsed share of the flight."""
    if curve == "asap":
        return Fraction(1)
    if curve == "ahead":
        return min(Fraction(6, 5) * tau, Fraction(1))
    if curve in ("front", "back"):
        first = Fraction(repr(pct)) / 100
        first = first if curve == "front" else 1 - first
        return first * 2 * tau if tau <= Fraction(1, 2) else first + (1 - first) * (2 * tau - 1)
    return tau


def slow_elapsed(start, end, zone, at):
    """Day by day: every day that is over counts one, the present one by its elapsed share."""
    days, done = (end - start).days + 1, Fraction(0)
    for i in range(days):
        day = start + timedelta(days=i)
        begin, stop = (zones.midnights(cohort._column("start_date", [d.isoformat()], 1), pd.Series([zone], dtype="str"))[0]
                       for d in (day, day + timedelta(days=1)))
        gone = min(max(at - begin, pd.Timedelta(0)), stop - begin)
        done += Fraction(gone // pd.Timedelta(microseconds=1), (stop - begin) // pd.Timedelta(microseconds=1))
    return done / days


@st.composite
def plans(draw):
    start = draw(st.dates(date(2018, 10, 20), date(2018, 11, 10)) | st.dates(date(2026, 3, 15), date(2026, 11, 5)))
    end = start + timedelta(days=draw(st.integers(0, 20)))
    at = pd.Timestamp(start, tz="UTC") + pd.Timedelta(microseconds=draw(st.integers(-2 * 86_400_000_000, 25 * 86_400_000_000)))
    curve = draw(st.sampled_from(["even", "ahead", "asap", "front", "back", "custom"]))
    return {"start": start, "end": end, "at": at, "zone": draw(st.sampled_from(ZONES)), "curve": curve,
            "budget": draw(st.integers(1, 10**18)), "pct": draw(st.sampled_from([0.0, 60.0, 33.3, 100.0, 12.25]))}


@settings(deadline=None)
@given(plans(), st.floats(0, 1.2), st.none() | st.integers(-3 * 86_400, 24 * 86_400))
def test_planned_equals_the_slow_reference_to_the_micro(plan, stated_share, updated):
    """Every curve, in every zone, across clock changes, stated target or not: the same micro as day-by-day fractions, to 1e18 micros."""
    stated = int(plan["budget"] * stated_share) if plan["curve"] == "custom" else None
    updated_at = None if updated is None else pd.Timestamp(plan["start"], tz="UTC") + pd.Timedelta(seconds=updated)
    found = planned(plan["at"], curve=plan["curve"], curve_pct=plan["pct"], start_date=plan["start"].isoformat(), end_date=plan["end"].isoformat(),
                    account_timezone=plan["zone"], budget_micros=plan["budget"], target_to_date_micros=stated,
                    updated_at=None if updated_at is None else updated_at.isoformat(), watermark=plan["at"].isoformat())
    tau = slow_elapsed(plan["start"], plan["end"], plan["zone"], plan["at"])
    share = slow_share(plan["curve"], plan["pct"], tau) * plan["budget"]
    if stated is not None:
        target = min(stated, plan["budget"])
        anchor = plan["at"] if updated_at is None else _day_end(updated_at, plan["zone"])
        u = slow_elapsed(plan["start"], plan["end"], plan["zone"], anchor)
        share = target * tau / u if tau < u else Fraction(target) if u == 1 else target + (plan["budget"] - target) * (tau - u) / (1 - u)
    assert found == round(share)  # Fraction rounds half to even


def _day_end(at, zone):
    names = pd.Series([zone], dtype="str")
    day = zones.local_days(pd.Series([at], dtype="datetime64[us, UTC]"), names)
    return zones.midnights(day + pd.Timedelta(days=1), names)[0]


def test_even_is_equal_per_account_day():
    """even: a day of 23 or 25 hours is planned as much as any other, and within it by the elapsed share of its real hours."""
    march = {"start_date": "2026-03-28", "end_date": "2026-03-30", "budget_micros": 300 * UNIT}
    assert planned("2026-03-29T22:00:00Z", **march) == 200 * UNIT  # 29 March had 23 hours
    assert planned("2026-03-29T10:30:00Z", **march) == 150 * UNIT  # 11.5 of its 23 hours
    october = {"start_date": "2026-10-24", "end_date": "2026-10-26", "budget_micros": 300 * UNIT}
    assert planned("2026-10-25T10:30:00Z", **october) == 150 * UNIT  # 12.5 of its 25 hours


def test_nothing_is_planned_before_the_start_and_no_more_after_the_end():
    """planned is 0 until the first day's 00:00 and the whole budget from the last day's end on, clipped there."""
    assert planned("2026-05-31T22:00:00Z") == 0
    assert planned("2026-05-31T22:00:01Z") > 0
    assert planned("2026-06-30T21:59:59Z") < 3_000 * UNIT
    assert planned("2026-06-30T22:00:00Z") == planned("2026-08-01T00:00:00Z") == 3_000 * UNIT


def test_ahead_is_a_fifth_faster_until_the_budget_is_reached():
    """ahead: 1.2 x even until the budget is reached, here after 25 of 30 days."""
    assert planned(cohort.WATERMARK, curve="ahead") == 1_200 * UNIT
    assert planned("2026-06-25T22:00:00Z", curve="ahead") == planned("2026-06-28T22:00:00Z", curve="ahead") == 3_000 * UNIT
    assert planned("2026-06-25T21:00:00Z", curve="ahead") < 3_000 * UNIT


@pytest.mark.parametrize(("curve", "at_half", "at_three_quarters"), [("front", 70, 85), ("back", 30, 65)])
def test_front_and_back_split_at_the_middle(curve, at_half, at_three_quarters):
    """front:P is P % of the budget in the first half, back:P in the second, each spread evenly."""
    four = {"start_date": "2026-06-01", "end_date": "2026-06-04", "budget_micros": 100 * UNIT, "curve": curve, "curve_pct": 70.0}
    assert planned("2026-06-02T22:00:00Z", **four) == at_half * UNIT
    assert planned("2026-06-03T22:00:00Z", **four) == at_three_quarters * UNIT


def test_an_odd_middle_day_is_shared_between_the_halves():
    """Of three days the second belongs half to each: front:60 plans 40, 20 and 40 - 13.3 of 100 a day."""
    three = {"start_date": "2026-06-01", "end_date": "2026-06-03", "budget_micros": 300 * UNIT, "curve": "front", "curve_pct": 60.0}
    assert [planned(f"2026-06-0{day}T22:00:00Z", **three) for day in (1, 2, 3)] == [120 * UNIT, 220 * UNIT, 300 * UNIT]


def test_custom_goes_through_the_stated_target_and_lands_on_the_budget():
    """custom: target_to_date holds at the end of updated_at's day, evenly up to it and evenly on to the budget."""
    custom = {"curve": "custom", "target_to_date_micros": 1_500 * UNIT, "updated_at": "2026-06-10T09:00:00Z"}
    assert planned("2026-06-10T22:00:00Z", **custom) == 1_500 * UNIT
    assert planned("2026-06-05T22:00:00Z", **custom) == 750 * UNIT
    assert planned("2026-06-20T22:00:00Z", **custom) == 2_250 * UNIT
    assert planned("2026-06-30T22:00:00Z", **custom) == 3_000 * UNIT


def test_a_stated_target_without_a_date_counts_as_of_the_watermark():
    """custom without updated_at: what the tracker states is planned to the watermark."""
    assert planned(cohort.WATERMARK, curve="custom", target_to_date_micros=1_234_567_890) == 1_234_567_890


def test_a_stated_target_bends_any_curve():
    """A given target_to_date counts for an even plan too, and the curve's own shape goes on from it."""
    assert planned("2026-06-20T22:00:00Z", target_to_date_micros=1_500 * UNIT, updated_at="2026-06-10T09:00:00Z") == 2_250 * UNIT


def test_the_day_of_updated_at_is_the_accounts():
    """23:30 UTC on 10 June is 11 June in Berlin: the stated target holds a day later."""
    custom = {"curve": "custom", "target_to_date_micros": 1_100 * UNIT, "updated_at": "2026-06-10T23:30:00Z"}
    assert planned("2026-06-11T22:00:00Z", **custom) == 1_100 * UNIT


def test_halves_are_rounded_to_even_once():
    """An exact half micro goes to the even neighbour."""
    two = {"start_date": "2026-06-01", "end_date": "2026-06-02"}
    assert [planned("2026-06-01T22:00:00Z", budget_micros=micros, **two) for micros in (1, 3, 5)] == [0, 2, 2]


def test_what_is_not_known_is_null():
    """No instant, no custom target, no percent, no zone: planned is null, never a guess."""
    assert planned(None) is None
    assert planned(cohort.WATERMARK, curve="custom") is None
    assert planned(cohort.WATERMARK, curve="front") is None


@settings(deadline=None)
@given(st.integers(0, 3_000), st.sampled_from(["even", "ahead", "front", "back"]))
def test_the_plan_catches_up_in_the_hour_that_is_named(units, curve):
    """reached_at is the first full hour from the watermark on by which the plan is at the amount; the hour before it is not."""
    table, amount = cohort.flights(curve=curve, curve_pct=60.0), pd.Series([units * UNIT], dtype="Int64")
    found = curves.reached_at(table, amount)
    assert curves.planned_micros(table, found)[0] >= units * UNIT
    before = found - pd.Timedelta(hours=1)
    assert before[0] < pd.Timestamp(cohort.WATERMARK) or curves.planned_micros(table, before)[0] < units * UNIT


def test_a_plan_never_reaches_more_than_its_budget():
    """More than the budget is never caught up with: no instant."""
    assert curves.reached_at(cohort.flights(), pd.Series([3_001 * UNIT], dtype="Int64")).isna().all()


def test_row_order_does_not_matter():
    """Shuffled rows of mixed curves and zones give the same amounts."""
    n = 60
    table = cohort.flights(curve=["even", "ahead", "front", "custom"] * (n // 4), curve_pct=60.0, account_timezone=list(np.resize(ZONES, n)),
                           target_to_date_micros=[None, None, None, 7 * UNIT] * (n // 4))
    shuffled = table.sample(frac=1.0, random_state=3)
    whole = curves.planned_micros(table, table["watermark"])
    assert curves.planned_micros(shuffled, shuffled["watermark"]).sort_index().equals(whole)
