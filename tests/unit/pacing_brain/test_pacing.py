"""The pacing verdict."""

import numpy as np
import pandas as pd
import pytest
from hypothesis import given, settings, strategies as st

from pacing_brain import frames
from tests.unit.pacing_brain import cohort
from tests.unit.pacing_brain.cohort import UNIT

SPECIFICATION = {"actions": {"preset": "specification"}}
FIRST_DAY = {"closed_day": None, "closed_day_micros": None, "closed_days": 0, "last_spend_day": "2026-06-01", "spend_days": 1}
VERDICT = [name for name, (stage, _) in frames.FLIGHT_COLUMNS.items() if stage == "variance"]


def judge(as_of=cohort.AS_OF, memory=None, policy=None, **columns):
    table = cohort.flights(**columns)
    return cohort.judged(table, cohort.values(table, **(policy or {})), memory, cohort.run(as_of))


def one(**arguments):
    return judge(**arguments).iloc[0]


def spent(units):
    return {"actual_micros": int(units * UNIT)}


def test_every_column_of_the_verdict_is_there():
    """The variance columns of FLIGHT_COLUMNS and reasons are on every row, before the start as well as live."""
    judged = judge(start_date=["2026-06-01", "2026-07-01"], end_date=["2026-06-30", "2026-07-30"])
    assert set(VERDICT) | {"reasons"} <= set(judged.columns)
    assert all(len(reasons) == 1 and reasons[0].endswith(".") for reasons in judged["reasons"])


def test_target_is_what_the_curve_planned_to_the_watermark():
    """target = planned from the start to w; variance = |actual - target| / target * 100; pacing 131 = 31 % over."""
    row = one(**spent(1_310))
    assert (row["target_micros"], row["direction"], row["band_severity"]) == (1_000 * UNIT, "over", "critical")
    assert (row["variance_pct"], row["pacing_pct"], row["unexplained_pct"]) == (pytest.approx(31), pytest.approx(131), pytest.approx(31))


def test_under_plan_is_negative_where_it_is_signed():
    """unexplained_pct is the signed variance, variance_pct its size."""
    row = one(**spent(800))
    assert (row["direction"], row["variance_pct"], row["unexplained_pct"], row["severity"]) == ("under", 20.0, -20.0, "warning")


@pytest.mark.parametrize(("micros", "severity"), [
    (1_099_999_999, "healthy"), (1_100_000_000, "warning"), (1_249_999_999, "warning"), (1_250_000_000, "critical"),
    (900_000_001, "healthy"), (900_000_000, "warning"), (750_000_001, "warning"), (750_000_000, "critical")])
def test_bands_are_half_open(micros, severity):
    """Bands, half-open: healthy < 10, warning [10, 25), critical >= 25; one micro decides."""
    row = one(actual_micros=micros)
    assert (row["severity"], row["band_severity"]) == (severity, severity)


@pytest.mark.parametrize(("units", "severity", "band"), [(25, "critical", "critical"), (24.999999, "healthy", "critical"), (0, "healthy", "healthy")])
def test_target_zero_with_spend_at_stake_is_critical(units, severity, band):
    """Target zero with spend at stake is critical, below stake it is not, and no percent is made up."""
    row = one(curve="back", curve_pct=100.0, **spent(units))
    assert (row["severity"], row["band_severity"]) == (severity, band)
    assert np.isnan([row["variance_pct"], row["pacing_pct"], row["unexplained_pct"]]).all()
    assert row["direction"] == ("over" if units else "none")


@pytest.mark.parametrize(("off", "severity"), [(49_999_999, "healthy"), (50_000_000, "critical")])
def test_no_alert_under_the_stake(off, severity):
    """0.5 % of a 10,000 budget is 50: one micro less off plan is healthy, with the raw band kept."""
    row = one(budget_micros=10_000 * UNIT, start_date="2026-06-10", end_date="2026-09-17", actual_micros=100 * UNIT + off)
    assert row["target_micros"] == 100 * UNIT
    assert (row["severity"], row["band_severity"], row["stake_micros"]) == (severity, "critical", 50_000_000)


def test_zero_delivery_needs_no_stake():
    """No alert under the stake, except zero delivery."""
    row = one(budget_micros=30 * UNIT, actual_micros=0, spend_days=0, closed_day_micros=0, first_spend_day=None, last_spend_day=None)
    assert (row["severity"], row["zero_kind"], row["zero_delivery"]) == ("critical", "never", True)


@pytest.mark.parametrize(("watermark", "phase"), [("2026-06-02T21:59:59Z", "early"), ("2026-06-02T22:00:00Z", "live")])
def test_early_hours_end_with_24_hours_and_a_closed_day(watermark, phase):
    """Before 24 h no band is judged; a flight from 2 June is early until its watermark is at midnight."""
    row = one(start_date="2026-06-02", end_date="2026-07-01", watermark=watermark, **spent(160),
              closed_day="2026-06-02" if phase == "live" else None)
    assert (row["phase"], row["severity"], row["band_severity"]) == (phase, "healthy" if phase == "early" else "critical", "critical")


def test_early_hours_need_a_closed_day_too():
    """24 hours without a closed account day are early: both must have passed, as on a day of 25 hours."""
    row = one(start_date="2026-10-25", end_date="2026-11-23", watermark="2026-10-25T22:30:00Z", as_of="2026-10-26T00:00:00Z", **FIRST_DAY, **spent(150))
    assert (row["elapsed_hours"], row["phase"], row["severity"]) == (24.5, "early", "healthy")


@pytest.mark.parametrize(("micros", "severity"), [(200 * UNIT, "healthy"), (200 * UNIT + 1, "critical")])
def test_more_than_twice_the_days_plan_is_judged_early(micros, severity):
    """In early hours more than twice the day's plan is judged; exactly twice is not more."""
    assert one(watermark="2026-06-01T10:00:00Z", actual_micros=micros, **FIRST_DAY)["severity"] == severity


def test_zero_delivery_is_judged_early():
    """Zero delivery is said in early hours: 12 planned hours are enough."""
    row = one(**FIRST_DAY | {"watermark": "2026-06-01T10:00:00Z", "actual_micros": 0, "spend_days": 0, "first_spend_day": None, "last_spend_day": None})
    assert (row["phase"], row["severity"]) == ("early", "critical")


@pytest.mark.parametrize(("was", "side", "units", "severity"), [
    ("critical", "over", 1_200, "critical"), ("critical", "over", 1_199.999999, "warning"), ("critical", "over", 1_080, "warning"),
    ("critical", "over", 1_079.999999, "healthy"), ("warning", "over", 1_080, "warning"), ("warning", "over", 1_079.999999, "healthy"),
    ("warning", "over", 1_249, "warning"), ("critical", "under", 1_200, "warning"), ("critical", "under", 800, "critical"),
    ("warning", "over", 920, "healthy"), ("healthy", "over", 1_099, "healthy"), ("warning", "over", 1_250, "critical")])
def test_a_raised_severity_ends_below_eighty_percent_of_its_edge(was, side, units, severity):
    """Hysteresis: raised severity ends only below 80 % of its band edge (20 %, 8 %), on the same side; the raw band is untouched."""
    row = one(memory=cohort.remembered(was, side), **spent(units))
    raw = "critical" if abs(units - 1_000) >= 250 else "warning" if abs(units - 1_000) >= 100 else "healthy"
    assert (row["severity"], row["band_severity"]) == (severity, raw)


def test_memory_of_another_flight_holds_nothing():
    """A flight is held by its own memory alone."""
    assert one(memory=cohort.remembered("critical", "over", "F9"), **spent(1_090))["severity"] == "healthy"


def test_the_specification_preset_turns_early_hours_stake_and_hysteresis_off():
    """preset = "specification": the raw band is the severity, whatever time, money or memory say."""
    early = one(policy=SPECIFICATION, watermark="2026-06-01T10:00:00Z", actual_micros=65 * UNIT, **FIRST_DAY)
    small = one(policy=SPECIFICATION, budget_micros=30 * UNIT, actual_micros=13 * UNIT)
    held = one(policy=SPECIFICATION, memory=cohort.remembered("critical", "over"), **spent(1_090))
    assert (early["severity"], early["phase"], small["severity"], small["stake_micros"], held["severity"]) == ("critical", "live", "critical", 0, "healthy")


def test_before_the_start_it_is_healthy_and_nothing_is_known():
    """Before the start with no spend: healthy, variance null, and reasons says why; an unknown actual makes no difference."""
    for actual in (0, None):
        row = one(start_date="2026-06-12", end_date="2026-06-20", watermark="2026-06-11T22:00:00Z", actual_micros=actual, closed_day=None)
        assert (row["phase"], row["severity"], np.isnan(row["variance_pct"])) == ("before", "healthy", True)
        assert row["reasons"] == ["Before the start on Fri 12 Jun: nothing is planned and nothing is spent."]


@pytest.mark.parametrize(("as_of", "phase", "severity"), [
    ("2026-06-30T21:59:59Z", "live", "critical"), ("2026-06-30T22:00:00Z", "ended", "critical"), ("2026-07-03T21:59:59Z", "ended", "critical"),
    ("2026-07-03T22:00:00Z", "closed", "healthy")])
def test_an_ended_flight_is_decided_until_its_data_are_final(as_of, phase, severity):
    """Ended: decided until the data are final (72 h), then closed."""
    row = one(as_of=as_of, watermark="2026-06-30T20:00:00Z" if phase == "live" else "2026-06-30T22:00:00Z", **spent(4_000))
    assert (row["phase"], row["severity"], row["band_severity"]) == (phase, severity, "critical")


def test_an_unknown_actual_is_a_warning_without_a_band():
    """Unknown actual: variance and band null, severity warning, with the reason."""
    row = one(actual_micros=None)
    assert (row["severity"], row["direction"]) == ("warning", "none")
    assert pd.isna(row["variance_pct"])
    assert pd.isna(row["band_severity"])
    assert row["reasons"] == ["Spend to date is not known, so its pacing is not judged."]


@pytest.mark.parametrize("kind", ["ambiguous", "none"])
def test_without_a_certain_match_no_pacing_is_judged(kind):
    """Ambiguous, or planned and not found without an id: severity warning, variance null, no zero delivery, a reason."""
    row = one(match_kind=kind, known_on_platform=False, campaign_id=None, actual_micros=0, spend_days=0)
    assert (row["severity"], row["zero_delivery"], pd.isna(row["variance_pct"]), pd.isna(row["band_severity"])) == ("warning", False, True, True)
    assert row["reasons"][0].endswith("so its pacing is not judged.")


@pytest.mark.parametrize(("feed", "said"), [("USD", "USD"), ("EUR,USD", "EUR and USD")])
def test_amounts_of_two_currencies_are_not_compared(feed, said):
    """A feed in another currency than the plan, or in several: no variance and no band, whatever the amounts."""
    row = one(feed_currencies=feed, **spent(1_500))
    assert (row["severity"], row["direction"], pd.isna(row["variance_pct"]), pd.isna(row["band_severity"])) == ("warning", "none", True, True)
    assert row["reasons"] == [f"The plan is in EUR, the feed in {said}, so its pacing is not judged."]
    assert one(feed_currencies="", **spent(1_500))["severity"] == "critical"


def test_a_campaign_not_found_is_nothing_yet_in_its_first_hours():
    """A planned campaign that is not found before the load covers 12 hours is healthy, and says so."""
    row = one(match_kind="none", known_on_platform=False, actual_micros=None, spend_days=0, watermark="2026-06-01T04:00:00Z", closed_day=None)
    assert (row["severity"], row["reasons"][0][:14]) == ("healthy", "Not found yet:")


def test_asap_has_no_under_target():
    """asap: no under-target, over only against the budget."""
    under, over = one(curve="asap", **spent(10)), one(curve="asap", **spent(3_300))
    assert (under["severity"], under["band_severity"], under["direction"], pd.isna(under["variance_pct"])) == ("healthy", "healthy", "none", True)
    assert (over["severity"], over["direction"], over["variance_pct"]) == ("warning", "over", pytest.approx(10))


@pytest.mark.parametrize(("columns", "said"), [
    ({"actual_micros": 1_310 * UNIT}, "131.0 % of plan to date: €1,310 spent, €1,000 planned; 31.0 % over, and 25 % and more is critical."),
    ({"actual_micros": 1_249_999_999}, "124.9 % of plan to date: €1,250 spent, €1,000 planned; 24.9 % over, and 10 % to under 25 % is a warning."),
    ({"actual_micros": 1_032 * UNIT}, "On plan: 103.2 % of plan to date."),
    ({"actual_micros": 1_099_999_999}, "On plan: 109.9 % of plan to date."),
    ({"actual_micros": 1_081 * UNIT}, "On plan: 108.1 % of plan to date."),
    ({"budget_micros": 60 * UNIT, "actual_micros": 26 * UNIT}, "€6 over plan is less than the €25 that counts."),
    ({"watermark": "2026-06-01T13:00:00Z", "actual_micros": 90 * UNIT, "closed_day": None},
     "Early hours: 15 h of the flight are complete; pacing is judged from 24 h and 1 closed day on."),
    ({"actual_micros": 0, "spend_days": 0}, "Not delivering: nothing of €1,000 planned to date has been spent since the start on Mon 1 Jun."),
    ({"actual_micros": 800 * UNIT, "closed_day_micros": 0, "last_spend_day": "2026-06-08"},
     "Not delivering: spend stopped after Mon 8 Jun, with nothing on Wed 10 Jun; €1,000 planned to date."),
    ({"curve": "asap", "actual_micros": 10 * UNIT}, "As soon as possible: €10 of €3,000; no under-target."),
    ({"curve": "back", "curve_pct": 100.0, "actual_micros": 500 * UNIT}, "€500 spent where nothing is planned to date, which is critical."),
])
def test_reasons_say_what_decided_with_its_figures(columns, said):
    """The first reason is one whole sentence that names the figures that decided."""
    assert one(**columns)["reasons"] == [said]


def test_a_held_severity_says_when_it_ends():
    """A severity that is held up says below which percent it ends."""
    row = one(memory=cohort.remembered("critical", "over"), **spent(1_220))
    assert row["reasons"] == ["122.0 % of plan to date: €1,220 spent, €1,000 planned; 22.0 % over, and it stays critical until it is below 20 %."]


@settings(deadline=None, max_examples=20)
@given(st.lists(st.tuples(st.integers(0, 4_000), st.sampled_from(["even", "ahead", "asap", "back"]), st.sampled_from(["id", "none", "ambiguous"])),
                min_size=2, max_size=12), st.randoms(use_true_random=False))
def test_a_flight_is_judged_alone_as_in_any_company(rows, random):
    """The verdict on a flight depends on its own row: neither on the order nor on the others of the cohort."""
    table = cohort.flights(actual_micros=[units * UNIT for units, _, _ in rows], curve=[curve for _, curve, _ in rows], curve_pct=80.0,
                           match_kind=[kind for _, _, kind in rows])
    order = list(range(len(rows)))
    random.shuffle(order)
    verdicts = [cohort.judged(part, cohort.values(part))
                for part in (table, table.iloc[order], table.iloc[[order[0]]])]
    whole, shuffled, alone = (frames.DECISIONS.check(verdict.sort_values("flight_id")) for verdict in verdicts)
    pd.testing.assert_frame_equal(whole, shuffled)
    pd.testing.assert_frame_equal(whole[whole["flight_id"].isin(alone["flight_id"])].reset_index(drop=True), alone)


def test_no_flights_give_no_verdicts():
    """An empty cohort is judged without a fault."""
    assert judge().iloc[:0].empty
    table = cohort.flights().iloc[:0]
    assert cohort.judged(table, cohort.values(table)).empty
