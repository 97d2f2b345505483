"""Days that count more, less or not at all, and money that a month hands on."""

import pandas as pd
import pytest

from pacing_brain import curves, day_weights, rollover
from pacing_brain.brain import PacingBrain
from pacing_brain.errors import PolicyError
from pacing_brain.policy import Policy
from tests.unit.pacing_brain import builders, cohort
from tests.unit.pacing_brain.cohort import UNIT
from tests.unit.pacing_brain.test_forecast import one


def weighted(text, **columns):
    return cohort.flights(**columns).assign(**day_weights.attach(cohort.flights(**columns), Policy.parse(text))[["day_weights"]])


def planned(table, *days):
    """Planned by the midnights at which these days begin, in units."""
    at = [pd.Series(pd.to_datetime([day]).tz_localize("Europe/Berlin").tz_convert("UTC"), dtype="datetime64[us, UTC]") for day in days]
    return [curves.planned_micros(table, each)[0] / UNIT for each in at]


def test_a_sale_day_takes_its_part():
    """30 days, one of them twice: of 3,100 an ordinary day takes 100 and the sale day 200; in its middle half of them are planned."""
    table = weighted('[calendar]\n"2026-06-05" = 2.0', budget_micros=3_100 * UNIT)
    assert planned(table, "2026-06-05", "2026-06-05 12:00", "2026-06-06", "2026-07-01") == [400, 500, 600, 3_100]


def test_nothing_is_planned_in_a_gap():
    """10 of 30 days are a gap: the other 20 take 150 each, and the gap nothing."""
    table = weighted("", pause_from="2026-06-06", pause_to="2026-06-15")
    assert table["day_weights"][0].startswith("2026-06-06 0, 2026-06-07 0")
    assert planned(table, "2026-06-06", "2026-06-10 09:30", "2026-06-16", "2026-06-17") == [750, 750, 750, 900]


@pytest.mark.parametrize(("curve", "figures"), [
    ({"curve": "front", "curve_pct": 60.0}, [1_800.0, 1_800.0, 1_920.0]), ({"curve": "back", "curve_pct": 60.0}, [1_200.0, 1_200.0, 1_380.0]),
    ({"curve": "ahead"}, [1_800.0, 1_800.0, 1_980.0]), ({"curve": "asap"}, [3_000.0, 3_000.0, 3_000.0]),
    ({"curve": "custom", "target_to_date_micros": 1_000 * UNIT, "updated_at": "2026-06-10T10:00:00Z"}, [1_000.0, 1_000.0, 1_200.0])])
def test_every_curve_skips_a_gap(curve, figures):
    """With 11 to 20 June a gap, half of what is planned is planned by the 11th, and nothing more until the 21st, whatever the curve."""
    table = weighted("", pause_from="2026-06-11", pause_to="2026-06-20", **curve)
    half, same, next_day = planned(table, "2026-06-11", "2026-06-21", "2026-06-22")
    assert [half, same, next_day] == pytest.approx(figures if curve["curve"] != "ahead" else [1_800, 1_800, 1_980])


def test_the_most_specific_entry_wins_and_a_gap_over_all():
    """A day for all, another weight for a market, and a gap of the plan."""
    text = '[calendar]\n"2026-06-05 market=DE" = 0.5\n"2026-06-04..2026-06-06" = 2.0\n"2026-06-08 market=FR" = 3.0\n"2027-01-01" = 0.0'
    assert weighted(text)["day_weights"][0] == "2026-06-04 2, 2026-06-05 0.5, 2026-06-06 2"
    assert weighted(text, pause_from="2026-06-06", pause_to="2026-06-06")["day_weights"][0] == "2026-06-04 2, 2026-06-05 0.5, 2026-06-06 0"
    assert weighted("")["day_weights"].isna().all()


@pytest.mark.parametrize("line", ['"2026-13-01" = 1.0', '"Black Friday" = 2.0', '"2026-06-05" = -1.0', '"2026-06-05" = 21.0', '"2026-06-05 colour=red" = 1.0',
                                  '"2026-06-06..2026-06-05" = 1.0', '"2026-01-01..2026-12-31" = 1.0'])
def test_what_is_no_calendar_is_refused(line):
    """A day that is none, a weight out of range, a selector that is none."""
    with pytest.raises(PolicyError, match="calendar"):
        Policy.parse(f"[calendar]\n{line}")


def test_what_is_to_come_enters_the_forecast():
    """20 days are left at 100 a day: with 5 of them a gap and one three times, 17 ordinary days' worth comes; a past sale day does not raise the rate."""
    plain = one([100] * 24)
    assert plain["rate_daily_micros"] == 100 * UNIT
    later = one([100] * 24, day_weights="2026-06-14 0, 2026-06-15 0, 2026-06-16 0, 2026-06-17 0, 2026-06-18 0, 2026-06-20 3", budget_micros=2_700 * UNIT)
    assert later["forecast_micros"] == pytest.approx(2_700 * UNIT, rel=1e-6)
    before = one([100] * 22 + [500, 100], day_weights="2026-06-09 5")
    assert before["rate_daily_micros"] == pytest.approx(100 * UNIT, rel=1e-6)
    gap = one([100] * 20 + [0] * 4, day_weights="2026-06-07 0, 2026-06-08 0, 2026-06-09 0, 2026-06-10 0")
    assert gap["rate_daily_micros"] == pytest.approx(100 * UNIT, rel=1e-6), "days of a gap say nothing about the rate"


def months(cap=20.0, **columns):
    return cohort.flights(**{"flight_id": ["F@2026-05-01", "F@2026-06-01", "G"], "start_date": ["2026-05-01", "2026-06-01", "2026-06-01"],
                             "end_date": ["2026-05-31", "2026-06-30", "2026-06-30"], "rollover_cap_pct": [cap, cap, None]} | columns).drop(columns="rolled_micros")


def spent(units):
    return pd.DataFrame({"flight_id": ["F@2026-05-01"] * 2, "bucket": ["matched"] * 2, "spend_micros": pd.array([units * UNIT, 0], dtype="Int64")})


@pytest.mark.parametrize(("units", "cap", "rolled"), [(2_900, 20.0, 100), (1_000, 20.0, 600), (3_200, 20.0, 0), (1_000, 0.0, 0)])
def test_the_rest_of_a_month_goes_over_up_to_its_cap(units, cap, rolled):
    """Of 3,000 what is unspent goes to the next month, at most the cap of that month's budget; overspend takes nothing from it."""
    table = rollover.roll(months(cap), spent(units), None)
    assert table["rolled_micros"].tolist()[:2] == [0, rolled * UNIT]
    assert table["budget_micros"].tolist() == [3_000 * UNIT, (3_000 + rolled) * UNIT, 3_000 * UNIT]


def test_a_month_that_is_not_known_hands_on_nothing():
    """Not matched, or begun before the first day whose spend was read: nothing is known to be left."""
    assert rollover.roll(months(match_kind=["none", "id", "id"]), spent(0), None)["rolled_micros"].tolist()[1] == 0
    assert rollover.roll(months(), spent(0), pd.Timestamp("2026-05-15", tz="UTC").to_pydatetime())["rolled_micros"].tolist()[1] == 0


def test_one_budget_over_two_platforms_is_decided_as_one():
    """Two campaigns of one line, on Google and Meta, each in its own account: their spend is summed, known as far as the slower account, and a pause names the larger."""
    line = builders.targets(flight_id="W", campaign_id=["1", "2"], platform=["google", "meta"], account_id=["A1", "M1"])
    rows = pd.concat([builders.spend(spend_micros=120 * UNIT), builders.spend(spend_micros=80 * UNIT, platform="meta", account_id="M1", campaign_id="2")], ignore_index=True)
    feeds = builders.loads(platform=["google", "meta"], account_id=["A1", "M1"], loaded_at=[builders.LOADED_AT, "2026-06-11T05:00:00+00:00"])
    decided = PacingBrain().decide(builders.inputs(targets=line, spend=rows, loads=feeds, totals=builders.totals(rows))).decisions
    (row,) = decided.to_dict("records")
    assert (row["flight_id"], row["n_matched"], row["actual_micros"], row["budget_micros"]) == ("W", 2, 2_000 * UNIT, 3_000 * UNIT)
    assert str(row["watermark"]) == "2026-06-11 00:00:00+00:00", "Meta's load less its five hours"
    assert [(one["platform"], one["actual_micros"] / UNIT) for one in row["campaigns"]] == [("google", 1_200), ("meta", 800)]
    assert (row["severity"], row["direction"]) == ("critical", "over")


def test_one_budget_is_as_fresh_as_its_oldest_feed():
    """A line over two platforms whose Meta feed is 30 hours old is stale, however fresh Google's is."""
    line = builders.targets(flight_id="W", campaign_id=["1", "2"], platform=["google", "meta"], account_id=["A1", "M1"])
    rows = pd.concat([builders.spend(), builders.spend(platform="meta", account_id="M1", campaign_id="2")], ignore_index=True)
    feeds = builders.loads(platform=["google", "meta"], account_id=["A1", "M1"], loaded_at=[builders.LOADED_AT, "2026-06-10T02:00:00+00:00"])
    decided = PacingBrain().decide(builders.inputs(targets=line, spend=rows, loads=feeds, totals=builders.totals(rows))).decisions
    assert decided[["red_gates", "lane"]].to_numpy().tolist() == [["freshness", "escalate"]]
