import os

import pandas as pd
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from pacing_brain import reconcile
from pacing_brain.brain import PacingBrain
from pacing_brain.frames import FLIGHT_COLUMNS
from pacing_brain.match import buckets, match
from tests.unit.pacing_brain.builders import UNIT, accounts, inputs, memory, spend, targets

NULL = pd.NA
EXAMPLES = 500 if os.environ.get("PACING_TEST_DEEP") else 15


def summed(given_inputs, context=None):
    flights, days = match(given_inputs)
    return reconcile.sums(flights, days, accounts() if context is None else context, given_inputs.memory, given_inputs.run)


def line(given_inputs, context=None):
    return summed(given_inputs, context)[0].iloc[0]


def test_columns_are_the_declared_ones():
    """Every reconcile column of FLIGHT_COLUMNS is added."""
    flights, _ = summed(inputs())
    assert {name for name, (node, _) in FLIGHT_COLUMNS.items() if node == "reconcile"} <= set(flights.columns)


def test_days_up_to_the_watermark():
    """A day counts once it begins before the watermark, is closed once it ends at or before it, and later days are counted apart."""
    flights, days = summed(inputs(spend=spend(day=["2026-06-09", "2026-06-10", "2026-06-11", "2026-06-12"], spend_micros=[1, 2, 4, 8])))
    flight = flights.iloc[0]
    assert (flight["actual_micros"], flight["after_watermark_micros"]) == (7, 8)
    assert (flight["closed_micros"], flight["closed_days"], flight["closed_day"], flight["closed_day_micros"]) == (3, 2, pd.Timestamp("2026-06-10"), 2)
    assert days["bucket"].tolist() == ["matched", "matched", "matched", "after_watermark"]
    assert buckets(days).iloc[0][["matched", "after_watermark", "total"]].tolist() == [7, 8, 15]


@pytest.mark.parametrize(("watermark", "actual", "closed"), [
    ("2026-06-09T22:00:00Z", 1, 1), ("2026-06-09T22:00:00.000001Z", 3, 1), ("2026-06-10T22:00:00Z", 3, 3), ("2026-06-10T21:59:59Z", 3, 1),
])
def test_midnight_belongs_to_the_day_that_ends(watermark, actual, closed):
    """At exactly midnight of the account's zone the day that ends is closed and the next has not begun."""
    flight = line(inputs(spend=spend(day=["2026-06-09", "2026-06-10"], spend_micros=[1, 2])), accounts(watermark=watermark))
    assert (flight["actual_micros"], flight["closed_micros"]) == (actual, closed)


def test_spend_of_flights_that_are_final_stays_matched():
    """A flight that was closed long ago is decided no more; what it spent is matched spend and not waited for."""
    plan = pd.concat([targets(), targets(row=3, flight_id="F0", campaign_id="9", campaign_name="Autumn", start_date="2026-05-01", end_date="2026-05-10")], ignore_index=True)
    rows = pd.concat([spend(day=["2026-06-09"], spend_micros=[4]), spend(campaign_id="9", campaign_name="Autumn", day=["2026-05-09"], spend_micros=[8])], ignore_index=True)
    outcome = PacingBrain().decide(inputs(plan, rows))
    assert outcome.decisions["flight_id"].tolist() == ["F1"]
    assert outcome.buckets.iloc[0][["matched", "after_watermark", "total"]].tolist() == [12, 0, 12]


def test_watermark_is_never_before_the_start():
    """Before its first day a flight's watermark is its start, and nothing is closed."""
    flight = line(inputs(targets(start_date="2026-06-20")))
    assert flight["watermark"] == flight["day_start"] == pd.Timestamp("2026-06-19T22:00:00Z")
    assert flight["day_end"] == pd.Timestamp("2026-06-30T22:00:00Z")
    assert pd.isna(flight["closed_day"])
    assert flight["actual_micros"] == 0


def test_closed_days_stop_at_the_flights_end():
    """After its end the last closed day is the flight's last day."""
    flight = line(inputs(targets(end_date="2026-06-05")))
    assert (flight["closed_day"], flight["actual_micros"], flight["last7_days"]) == (pd.Timestamp("2026-06-05"), 500 * UNIT, 5)


def test_last_seven_closed_days():
    """The last seven closed days are those before the watermark's day, days without a row among them."""
    flight = line(inputs(spend=spend(day=["2026-06-03", "2026-06-04", "2026-06-10", "2026-06-11"], spend_micros=[1, 2, 4, 8])))
    assert (flight["last7_micros"], flight["last7_days"], flight["row_days"], flight["spend_days"]) == (6, 7, 4, 4)


def test_credits_stay_in_the_total():
    """A negative day is counted, and shown as a credit."""
    flight = line(inputs(spend=spend(day=["2026-06-01", "2026-06-02"], spend_micros=[10, -4])))
    assert (flight["actual_micros"], flight["credit_micros"], flight["spend_days"], flight["last_spend_day"]) == (6, -4, 1, pd.Timestamp("2026-06-01"))


def test_duplicates_and_numbers_that_are_none():
    """Quarantined days are counted as faults and not as spend; a closed day of theirs is unknown."""
    rows = spend(day=["2026-06-09", "2026-06-10", "2026-06-08"], spend_micros=[1, 2, None], n_rows=[1, 2, 1])
    flight = line(inputs(spend=rows))
    assert (flight["actual_micros"], flight["duplicate_days"], flight["bad_days"], flight["row_days"]) == (1, 1, 1, 3)
    assert flight["closed_day_micros"] is NULL


def test_unknown_is_not_zero():
    """Without a load, without an answering source or without a campaign the actual is null; of a planned id that is nowhere it is 0."""
    assert line(inputs(), accounts(watermark=None, loaded_at=None)).loc["actual_micros"] is NULL
    assert line(inputs(), accounts(available=False)).loc["actual_micros"] is NULL
    assert line(inputs(targets(campaign_id=None, campaign_name="Unseen"))).loc["actual_micros"] is NULL
    assert line(inputs(targets(campaign_id="77", campaign_name="Unseen"))).loc["actual_micros"] == 0


def test_account_that_is_not_listed_takes_the_platforms_row():
    """An account that no load mentions is seen with its platform's own row."""
    context = accounts(account_id=["A9", ""], watermark=["2026-06-11T04:00:00Z", "2026-06-05T04:00:00Z"])
    assert line(inputs(), context)["watermark"] == pd.Timestamp("2026-06-05T04:00:00Z")


def test_zone_of_feed_tracker_and_policy():
    """The account's zone is used; where only the policy names one, the tracker's is better, if it is a zone."""
    plan = targets(timezone="America/New_York")
    assert line(inputs(plan))["account_timezone"] == "Europe/Berlin"
    assert line(inputs(plan), accounts(timezone="UTC", timezone_from="policy"))["account_timezone"] == "America/New_York"
    assert line(inputs(targets(timezone="Mars/Base")), accounts(timezone="UTC", timezone_from="policy"))["account_timezone"] == "UTC"


def test_line_over_several_accounts():
    """A line over several accounts is complete to the earliest of their watermarks, and says what each campaign spent."""
    plan = targets(flight_id=["L", "L"], account_id=["A1", "A2"])
    rows = spend(campaign_id=["1", "2", "1"], account_id=["A1", "A2", "A1"], day=["2026-06-02", "2026-06-02", "2026-06-09"], spend_micros=[1, 2, 4])
    context = accounts(account_id=["A1", "A2"], watermark=["2026-06-11T04:00:00Z", "2026-06-08T04:00:00Z"])
    flight = line(inputs(plan, rows), context)
    assert flight["watermark"] == pd.Timestamp("2026-06-08T04:00:00Z")
    assert (flight["actual_micros"], flight["after_watermark_micros"], flight["spend_days"]) == (3, 4, 1)
    assert [one["actual_micros"] for one in flight["campaigns"]] == [1, 2]


@pytest.mark.parametrize(("remembered", "days", "shrunk", "lost"), [
    (500 * UNIT, 5, 0.0, 0), (1000 * UNIT, 5, 50.0, 0), (500 * UNIT, 7, 0.0, 2), (400 * UNIT, 4, 0.0, 0),
])
def test_history_that_shrank(remembered, days, shrunk, lost):
    """Closed history is held against what was remembered of the same days: less spend is shrunk, missing days are lost, more is neither."""
    known = memory(closed_micros=remembered, closed_days=days, closed_to="2026-06-05")
    flight = line(inputs(memory=known))
    assert (flight["shrunk_pct"], flight["lost_days"]) == (shrunk, lost)


def test_quarantined_history_is_not_called_shrunk():
    """Days that are quarantined now have their own evidence."""
    known = memory(closed_micros=1000 * UNIT, closed_days=10, closed_to="2026-06-10")
    assert line(inputs(spend=spend(n_rows=2), memory=known))["shrunk_pct"] == 0.0


def test_daily_budget_and_its_last_change():
    """The newest daily budget, the one before its last change and the first day of the newest."""
    flight = line(inputs(spend=spend(day=[f"2026-06-0{n}" for n in range(1, 6)], daily_budget_micros=[5, 7, 5, 9, 9])))
    assert (flight["daily_budget_micros"], flight["daily_budget_before_micros"], flight["daily_budget_changed_day"]) == (9, 5, pd.Timestamp("2026-06-04"))
    same = line(inputs(spend=spend(day=["2026-06-01", "2026-06-02"], daily_budget_micros=5)))
    assert (same["daily_budget_micros"], same["daily_budget_before_micros"]) == (5, NULL)
    assert line(inputs())["daily_budget_micros"] is NULL


def test_currencies_and_description_of_its_rows():
    """Every currency of the flight's rows is named; market, product and dates are those of its newest day."""
    rows = spend(day=["2026-06-01", "2026-06-02", "2026-07-05"], currency=["USD", "EUR", "GBP"], market=["DE", "FR", "UK"], end_date="2026-07-01")
    flight = line(inputs(spend=rows))
    assert (flight["feed_currencies"], flight["platform_market"], flight["platform_end"]) == ("EUR,USD", "FR", pd.Timestamp("2026-07-01"))


def test_flight_without_rows_is_described_by_its_campaign():
    """Before a monthly flight has its first row, the campaign's newest row describes it."""
    flight = line(inputs(targets(start_date="2026-06-11"), spend(day=["2026-06-01"], market="FR")))
    assert (flight["platform_market"], flight["row_days"], flight["feed_currencies"]) == ("FR", 0, "")


def test_impressions_are_null_where_nobody_says():
    """Impressions up to the watermark are added; null is not zero."""
    assert line(inputs())["impressions"] is NULL
    assert line(inputs(spend=spend(day=["2026-06-01", "2026-06-02", "2026-06-20"], impressions=[3, None, 9])))["impressions"] == 3


ROW = st.tuples(st.integers(0, 12), st.integers(-3, 50) | st.none(), st.sampled_from(["1", "2"]), st.integers(1, 2))


@given(st.lists(ROW, max_size=12), st.integers(0, 13 * 24), st.randoms())
@settings(max_examples=EXAMPLES, deadline=None)
def test_agrees_with_adding_by_hand(rows, hours, chance):
    """On small random worlds the sums are those of a loop over the days, in any row order."""
    first, zone = pd.Timestamp("2026-06-01"), "Europe/Berlin"
    watermark = first.tz_localize(zone) + pd.Timedelta(hours=hours)
    table = spend(day=[first + pd.Timedelta(days=d) for d, *_ in rows], spend_micros=[m for _, m, *_ in rows], campaign_id=[c for *_, c, _ in rows],
                  n_rows=[n for *_, n in rows]) if rows else spend()[:0]
    plan = targets(start_date="2026-06-02", end_date=["2026-06-09", "2026-06-30"])
    context = accounts(watermark=watermark.tz_convert("UTC"))
    flights, days = summed(inputs(plan, table), context)
    shuffled = table.sample(frac=1, random_state=chance.randint(0, 99)).reset_index(drop=True)
    pd.testing.assert_frame_equal(flights, summed(inputs(plan, shuffled), context)[0])
    for flight in flights.itertuples():
        own = days[days["flight_id"] == flight.flight_id]
        good = [(r.day.tz_localize(zone), r.spend_micros) for r in own.itertuples() if r.bucket != "quarantined"]
        assert flight.actual_micros == sum(m for day, m in good if day < max(watermark, flight.day_start))
        assert flight.after_watermark_micros == sum(m for day, m in good if day >= max(watermark, flight.day_start))
        assert flight.closed_micros == sum(m for day, m in good if day + pd.Timedelta(days=1) <= watermark)
        assert flight.spend_days == len({day for day, m in good if m > 0 and day < watermark})
