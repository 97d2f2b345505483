"""Where flights land: the rate, the distribution, and the columns."""

import numpy as np
import pandas as pd
import pytest
from hypothesis import given, settings, strategies as st

from pacing_brain import forecast, spend_days, spend_rate
from pacing_brain.frames import FLIGHT_COLUMNS
from pacing_brain.landing import Landing
from tests.unit.pacing_brain import cohort
from tests.unit.pacing_brain.cohort import UNIT

COLUMNS = [name for name, (stage, _) in FLIGHT_COLUMNS.items() if stage == "forecast"]
FIRST_KNOWN = pd.Timestamp("2026-05-18")
CLOSED = pd.Timestamp("2026-06-10")


def rows(units, *, key="google/A1/1", flight="F1", last=CLOSED, bucket="matched"):
    """One row a day, the last one on `last`; those before 1 June are history."""
    days = pd.date_range(end=last, periods=len(units), unit="us")
    inside = days >= pd.Timestamp("2026-06-01")
    return pd.DataFrame({"campaign_key": key, "flight_id": pd.Series(np.where(inside, flight, None), dtype="str"), "day": days,
                         "spend_micros": pd.array([round(one * UNIT) for one in units], dtype="Int64"),
                         "bucket": np.where(inside, bucket, "outside_flight")}).astype({"campaign_key": "str", "bucket": "str"})


def outlook(days, **columns):
    table = cohort.flights(**columns)
    judged = cohort.judged(table, values := cohort.values(table))
    return forecast.outlook(judged.assign(allowed_micros=0, lent_micros=None), days, values, 4.0)


def one(units, **columns):
    return outlook(rows(units), **columns).iloc[0]


def rate(*days):
    matrix = np.array(days, dtype=float)
    return spend_rate.rate(np.pad(matrix, ((0, 0), (28 - matrix.shape[1], 0)), constant_values=np.nan), np.full(len(matrix), 6))


def test_a_steady_campaign_lands_on_its_budget():
    """100 a day for 24 days, 1,000 of 3,000 spent with 20 days left: it ends at 3,000, and needs 100 a day."""
    row = one([100] * 24)
    assert row["forecast_micros"] == pytest.approx(3_000 * UNIT, rel=1e-9)
    assert (row["needed_daily_micros"], row["rate_daily_micros"]) == (100 * UNIT, 100 * UNIT)
    assert row["p_over"] == pytest.approx(row["p_under"])
    assert row["p_over"] < 0.2
    assert pd.isna(row["forecast_why_not"])
    assert pd.isna(row["used_up_day"])


def test_intervals_lie_inside_each_other_and_hold_the_middle():
    """50 % inside 80 % inside 95 %; none goes below what is spent."""
    row = one([100, 80, 120, 90, 140, 60] * 4, actual_micros=980 * UNIT)
    names = ["forecast_lo95_micros", "forecast_lo_micros", "forecast_lo50_micros", "forecast_micros", "forecast_hi50_micros", "forecast_hi_micros",
             "forecast_hi95_micros"]
    assert row[names].is_monotonic_increasing
    assert row["forecast_lo95_micros"] >= row["actual_micros"]


def test_a_level_that_rose_is_believed_after_a_few_days():
    """Twice the rate for four days: the forecast follows it, and says when the budget is used up."""
    row = one([100] * 20 + [200] * 4, actual_micros=1_400 * UNIT)
    assert row["rate_daily_micros"] > 180 * UNIT
    assert row["p_over"] > 0.9
    assert row["used_up_day"] == pd.Timestamp("2026-06-19")  # 1,600 left at nearly 200 a day from 11 June
    assert row["wait_window_micros"] == pytest.approx(row["rate_daily_micros"] / 6, rel=0.1)
    assert row["wait_answer_off_micros"] > 0


def test_one_odd_day_is_no_new_level():
    """A single day at three times the rate moves the rate by little."""
    assert rate([100.0] * 20 + [300.0, 100.0, 100.0]).level[0] == pytest.approx(100, rel=0.15)


def test_a_campaign_that_stopped_ends_where_it_is():
    """Nothing for two days: it ends near what is spent, with room for a return."""
    row = one([100] * 22 + [0, 0], actual_micros=800 * UNIT)
    assert row["forecast_micros"] < 900 * UNIT
    assert row["p_under"] > 0.99
    assert row["forecast_hi_micros"] > row["forecast_micros"]


def test_the_weekday_shape_is_learned():
    """Half the spend at weekends: the factors say so, shrunk towards none, and their mean is 1."""
    week = [120.0] * 5 + [50.0] * 2  # ends on a Sunday
    found = rate(week * 4)
    assert found.profile[0].mean() == pytest.approx(1)
    assert found.profile[0][5] < 0.85
    assert found.profile[0][0] > 1


def test_what_weekdays_put_on_the_plan_fades_to_nothing_at_the_end():
    """Half the spend at weekends: after a weekend the plan to date is behind, by more early than late, and over the whole flight by nothing."""
    ends = [pd.Timestamp("2026-06-07"), pd.Timestamp("2026-06-14"), pd.Timestamp("2026-06-28")]  # Sundays; the flight begins on a Friday
    behind = []
    for last in ends:
        days = [50 if (last - pd.Timedelta(days=back)).weekday() >= 5 else 120 for back in range(27, -1, -1)]
        table = outlook(rows(days, last=last), start_date="2026-06-05", end_date="2026-06-28", watermark=(last + pd.Timedelta(hours=22)).isoformat() + "Z")
        behind.append(table["weekday_pct"].iloc[0])
    assert behind[0] < -10
    assert behind[0] < behind[1] < -1
    assert behind[2] == pytest.approx(0.0, abs=1e-9)


def test_a_day_that_is_not_known_is_not_a_day_without_spend():
    """Before a campaign's first row nothing is known; from the flight's start on a day without a row is nothing."""
    table = cohort.flights()
    closed = np.array([spend_days.number(pd.Series([CLOSED]))[0]])
    known = spend_days.history(table, rows([100, 100], last=pd.Timestamp("2026-06-04")), closed)
    assert np.isnan(known.micros[0, :18]).all()
    assert known.micros[0, 18:].tolist() == [0, 0, 100 * UNIT, 100 * UNIT, 0, 0, 0, 0, 0, 0]
    assert known.weekday[0] == CLOSED.weekday()


def test_what_is_not_known_is_said():
    """Before the start, without a comparable spend, and without a day: no forecast, and one sentence why."""
    table = outlook(rows([100] * 24), start_date=["2026-07-01", "2026-06-01", "2026-06-01"], end_date=["2026-07-30", "2026-06-30", "2026-06-30"],
                    match_kind=["id", "ambiguous", "id"])
    assert table["forecast_micros"].isna().tolist() == [True, True, False]
    assert table["forecast_why_not"].notna().tolist() == [True, True, False]
    first_day = one([], watermark="2026-06-01T10:00:00Z", closed_day=None, closed_days=0, actual_micros=10 * UNIT)
    assert first_day["forecast_why_not"] == forecast.NO_DAY
    assert set(COLUMNS) <= set(table.columns)


def test_an_ended_flight_has_landed():
    """After the last day the forecast is what was spent, without a spread."""
    row = one([100] * 24, watermark="2026-07-02T00:00:00Z", actual_micros=2_900 * UNIT)
    assert row[["forecast_micros", "forecast_lo95_micros", "forecast_hi95_micros"]].eq(2_900 * UNIT).all()
    assert pd.isna(row["needed_daily_micros"])


def test_a_flight_alone_has_the_forecast_it_has_among_others():
    """Every column of a flight is the same in a cohort of one and of three, in any order."""
    days = pd.concat([rows([90 + 7 * (i % 5) for i in range(24)], key=f"google/A1/{n}", flight=f"F{n}") for n in (1, 2, 3)], ignore_index=True)
    keys = {"campaign_key": ["google/A1/1", "google/A1/2", "google/A1/3"], "budget_micros": [3_000 * UNIT, 2_000 * UNIT, 4_000 * UNIT]}
    together = outlook(days.sample(frac=1, random_state=1), **keys)
    for at in range(3):
        alone = outlook(days, flight_id=[f"F{at + 1}"], **{name: [values[at]] for name, values in keys.items()})
        pd.testing.assert_frame_equal(together[COLUMNS].iloc[[at]].reset_index(drop=True), alone[COLUMNS])


@given(st.floats(-50, 50), st.floats(0.01, 10))
@settings(max_examples=30, deadline=None)
def test_the_distribution_agrees_with_itself(off, scale):
    """P(over the upper end of the 80 % interval) is 10 %; the expected excess is the area of the chance above the amount."""
    landing = Landing(np.array([0.0]), np.array([scale]), np.array([-1e6]))
    low, high = landing.interval(0.8)
    assert landing.chance_over(high)[0] == pytest.approx(0.1)
    assert landing.chance_over(low)[0] == pytest.approx(0.9)
    amount = np.array([off])
    step = 1e-4 * scale
    slope = (landing.expected_over(amount)[0] - landing.expected_over(amount + step)[0]) / step
    assert slope == pytest.approx(landing.chance_over(amount)[0], abs=1e-3)
