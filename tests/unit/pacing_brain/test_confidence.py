from datetime import timedelta

import pandas as pd
import pytest

from pacing_brain import confidence, reconcile, remembered
from pacing_brain.match import match
from pacing_brain.model import Gate, SourceState
from pacing_brain.policy import Policy
from tests.unit.pacing_brain import builders as world
from tests.unit.pacing_brain.builders import UNIT, accounts, inputs, memory, run, spend, targets


def scored(given_inputs, context=None):
    context = accounts() if context is None else context
    flights, days = match(given_inputs)
    flights, _ = reconcile.sums(flights, days, context, given_inputs.memory, given_inputs.run)
    flights, _ = remembered.recall(flights, days, context, given_inputs)
    values = given_inputs.policy.resolve(flights)
    return confidence.score(flights, context, confidence.source_facts(given_inputs), values, given_inputs.run)


def line(given_inputs, context=None):
    return scored(given_inputs, context).iloc[0]


def evidence(flight, gate):
    assert flight["gates"][gate]["state"] == "red", flight["gates"][gate]
    return flight["gates"][gate]["evidence"]


def test_all_green():
    """Same id, same details, loaded in time: score 1 and eight green gates, each with its evidence in a sentence."""
    flight = line(inputs())
    assert (flight["score"], flight["red_gates"]) == (1.0, "")
    assert set(flight["gates"]) == {gate.value for gate in Gate}
    assert all(gate["state"] == "green" and gate["evidence"].endswith(".") for gate in flight["gates"].values())


@pytest.mark.parametrize(("cycle", "age", "step"), [
    (4, 0, 1.0), (4, 3.99, 1.0), (4, 4, 0.8), (4, 11.99, 0.8), (4, 12, 0.5), (4, 23.99, 0.5), (4, 24, 0.2), (4, None, 0.2),
    (24, 23.9, 1.0), (24, 24, 0.8), (24, 71.9, 0.8), (24, 72, 0.5), (24, 144, 0.2), (1, 3.99, 1.0), (4, -1, 1.0),
])
def test_freshness_steps(cycle, age, step):
    """1.0 under 4 h, 0.8 under 12 h, 0.5 under 24 h, else 0.2; a slower feed's steps stretch in proportion, a faster one's don't shrink."""
    assert line(inputs(), accounts(feed_age_hours=age, cycle_hours=float(cycle)))["score_freshness"] == step


@pytest.mark.parametrize(("cycle", "age", "red"), [(4, 23.9, False), (4, 24, True), (24, 35.9, False), (24, 36, True), (4, None, True)])
def test_freshness_gate(cycle, age, red):
    """Red at 24 h or at the cycle + 12 h, whichever is later, and for an account that was never loaded."""
    flight = line(inputs(), accounts(feed_age_hours=age, cycle_hours=float(cycle)))
    assert flight["red_gates"] == ("freshness" if red else "")


def test_freshness_limits_are_policy():
    """Both limits of the freshness gate are read from the policy."""
    tight = Policy.parse("[freshness]\nred_after_hours = 6.0\nred_after_cycle_hours = 1.0")
    assert line(inputs(policy=tight), accounts(feed_age_hours=6.0))["red_gates"] == "freshness"
    assert line(inputs(policy=tight), accounts(feed_age_hours=5.9))["red_gates"] == ""


def test_unavailable_actuals():
    """A source that did not answer is red freshness that says so; nothing about the campaign itself is called wrong."""
    down = run(sources=(SourceState(source="snowflake", platform="google", available=False, why="the warehouse is suspended"),))
    for rows in (spend(), spend()[:0]):
        flight = line(inputs(spend=rows, run=down), accounts(available=False))
        assert evidence(flight, "freshness") == "actuals unavailable: the warehouse is suspended."
        assert (flight["red_gates"], flight["score_freshness"]) == ("freshness", 0.2)


def test_where_the_load_time_came_from():
    """A load time that came from rows, or from another account of the platform, is said to."""
    assert "from rows" in line(inputs(), accounts(load_basis="rows"))["gates"]["freshness"]["evidence"]
    assert "never loaded" in line(inputs(), accounts(load_basis="platform"))["gates"]["freshness"]["evidence"]


@pytest.mark.parametrize(("columns", "verdicts", "share"), [
    ({"market": "Deutschland", "end_date": "2026-06-30"}, "match match match match", 1.0), ({"market": "AT", "end_date": "2026-07-01"}, "differs match match match", 0.75),
    ({"product": "shoes!", "end_date": "2026-06-29"}, "match match match differs", 0.75), ({"start_date": "2026-06-02"}, "match match differs match", 0.75),
    ({"start_date": "2025-01-01"}, "match match match match", 1.0), ({"market": None, "product": "Hats"}, "empty differs match match", 0.5),
])
def test_metadata_share(columns, verdicts, share):
    """Matched share of market, product, start and end: synonyms folded, platform dates that contain the flight's, open ends contain all."""
    other = spend(campaign_id="9", day=["2026-06-02"], end_date="2026-06-30")  # so that no field is absent from the whole source
    flight = line(inputs(spend=pd.concat([spend(**columns), other])))
    assert " ".join(flight["metadata_detail"].values()) == verdicts
    assert flight["score_metadata"] == share


def test_a_field_the_source_lacks_is_left_out():
    """A field that the whole spend source or tracker lacks is not counted, the rest is re-weighted, and the reasons say so."""
    given_inputs = inputs(targets(product=None), spend(market=None, end_date="2026-07-01"))
    flight = line(given_inputs)
    assert flight["metadata_detail"] == {"market": "left_out", "product": "left_out", "start_date": "match", "end_date": "match"}
    assert (flight["score_metadata"], flight["score"]) == (1.0, 1.0)
    facts = confidence.source_facts(given_inputs)
    said = confidence._with_left_out_said(pd.DataFrame({"reasons": [["first"]]}), facts)["reasons"][0]
    assert said == ["first", "Not part of the metadata score: market (the spend source has none); product (the tracker has none)."]


def test_without_any_metadata_name_and_freshness_decide():
    """Where no field can be compared at all, metadata is null and the other two are weighted alone."""
    flight = line(inputs(targets(market=None, product=None, campaign_name="x" * 10), spend(start_date=None, campaign_name="y" * 5 + "x" * 5)))
    assert pd.isna(flight["score_metadata"])
    assert flight["score"] == pytest.approx((0.3 * 0.5 + 0.2 * 1.0) / 0.5)


def test_the_weights():
    """score = 0.5 metadata + 0.3 name + 0.2 freshness."""
    plan = targets(market="FR", campaign_name="Acme DE Shoes Summe!")
    flight = line(inputs(plan, pd.concat([spend(), spend(campaign_id="9", day=["2026-06-02"], end_date="2026-06-30")])), accounts(feed_age_hours=13.0))
    name = 1 - 1 / 20
    assert (flight["score_metadata"], flight["score_name"], flight["score_freshness"]) == (0.75, pytest.approx(name), 0.5)
    assert flight["score"] == pytest.approx(0.5 * 0.75 + 0.3 * name + 0.2 * 0.5)


def test_always_on_campaign_with_monthly_flights():
    """An always-on campaign with monthly flights, same id and name, loaded in time, scores at least 0.9."""
    plan = targets(campaign_id="1", flight_id=["M5", "M6"], start_date=["2026-05-01", "2026-06-01"], end_date=["2026-05-31", "2026-06-30"])
    days = list(pd.date_range("2026-05-01", "2026-06-10"))
    assert scored(inputs(plan, spend(day=days, start_date="2024-01-01")))["score"].min() >= 0.9


def test_identity_by_id_alias_and_name_is_green():
    """The same id, a confirmed alias and the same name in the same account are green, each saying which it was."""
    by_name = line(inputs(targets(campaign_id=None)))
    assert by_name["red_gates"] == ""
    assert "Same name" in by_name["gates"]["identity"]["evidence"]
    alias = line(inputs(targets(campaign_id=None, campaign_name="Other"), patterns=world.patterns()))
    assert "confirmed" in alias["gates"]["identity"]["evidence"]


def test_identity_proposed_tied_and_not_found():
    """A proposal, a tie, and a plan line without an id that nothing can be are red, and name what is near."""
    proposed = line(inputs(targets(campaign_id=None, campaign_name="Acme DE Shoe Summer")))
    assert "Acme DE Shoes Summer (1) may be it, but nothing proves it" in evidence(proposed, "identity")
    assert (proposed["score_name"], proposed["score_metadata"]) == (0.95, 1.0)
    tied = line(inputs(targets(campaign_id=None), spend(campaign_id=["1", "2"], day="2026-06-02")))
    assert "2 campaigns may be it" in evidence(tied, "identity")
    missing = line(inputs(targets(campaign_id=None, campaign_name="Acme BE Shoes Summer")))
    assert evidence(missing, "identity").startswith("Planned, not found: row 2 has no campaign id")
    assert "BE in the plan, DE on the platform" in evidence(missing, "identity")
    part = line(inputs(targets(flight_id=["L", "L"])))
    assert evidence(part, "identity") == "1 of 2 campaigns of the line were found on the platform; not found: row 3 (id 2)."


def test_identity_of_an_id_that_is_nowhere():
    """A planned id that the platform does not show has nothing to be confused with: green, without metadata or name score."""
    flight = line(inputs(targets(campaign_id="77", campaign_name="Unseen")))
    assert flight["red_gates"] == ""
    assert pd.isna(flight["score_metadata"])
    assert flight["score"] == pytest.approx(0.2)


@pytest.mark.parametrize(("rows", "known", "said"), [
    (spend(n_rows=[2] + [1] * 9), None, "1 day with more than one row"), (spend(spend_micros=[None] + [UNIT] * 9), None, "1 day with spend that is not a number"),
    (spend(), memory(closed_micros=1011 * UNIT, closed_days=10, closed_to="2026-06-10"), "1.1 % less"),
    (spend(), memory(closed_micros=1000 * UNIT, closed_days=12, closed_to="2026-06-10"), "2 closed days that had a row have none any more"),
])
def test_completeness(rows, known, said):
    """Duplicate rows, spend that is not a number, history that shrank or lost a day: red, with the figures."""
    flight = line(inputs(spend=rows, memory=memory()[:0] if known is None else known))
    assert said.casefold() in evidence(flight, "completeness").casefold()
    assert flight["red_gates"] == "completeness"


def test_history_may_shrink_by_one_percent():
    """1 % less is a restatement, not a fault; the limit is policy."""
    known = memory(closed_micros=1010 * UNIT, closed_days=10, closed_to="2026-06-10")
    assert line(inputs(memory=known))["red_gates"] == ""
    assert line(inputs(memory=known, policy=Policy.parse("[completeness]\nshrink_pct = 0.9")))["red_gates"] == "completeness"


def test_currency():
    """Another currency in the feed, several in one campaign, or another of the account before its first row: red."""
    assert "plan is in USD, the feed in EUR" in evidence(line(inputs(targets(currency="USD"))), "currency")
    mixed = spend(currency=["EUR", "USD"], day=["2026-06-01", "2026-06-02"])
    assert "several currencies (EUR, USD)" in evidence(line(inputs(spend=mixed)), "currency")
    assert "the feed in EUR" in evidence(line(inputs(targets(currency="USD"), spend()[:0], campaigns=world.campaigns())), "currency")


@pytest.mark.parametrize(("zone", "red"), [("Europe/Paris", False), ("Africa/Lagos", True), ("Europe/London", True), ("Nowhere/Land", True), (None, False)])
def test_timezone(zone, red):
    """The tracker's zone must have the account's offset on every day of the flight; being another name for it is no fault."""
    assert line(inputs(targets(timezone=zone)))["red_gates"] == ("timezone" if red else "")


def test_timezone_that_parts_on_one_day():
    """Zones that agree until the clocks change are red as soon as one flight day lies beyond the change."""
    march = {"timezone": "Africa/Lagos", "start_date": "2026-03-01"}
    assert line(inputs(targets(end_date="2026-03-28", **march)))["red_gates"] == ""
    assert line(inputs(targets(end_date="2026-03-29", **march)))["red_gates"] == "timezone"


def test_tie_out():
    """Rows that miss the warehouse's total by one micro are red, for flights in that currency only."""
    totals = world.totals(spend()).assign(spend_micros=1000 * UNIT + 1)
    flights = scored(inputs(targets(currency=["EUR", "USD"]), totals=totals))
    assert "1 micros missing" in evidence(flights.iloc[0], "tie_out")
    assert flights.iloc[1]["gates"]["tie_out"]["state"] == "green"


@pytest.mark.parametrize(("days", "red"), [(0, False), (14, False), (14.01, True)])
def test_tracker_age(days, red):
    """A plan that could not be read for more than 14 days is red; its age is no part of the score."""
    flight = line(inputs(run=run(tracker_read_at=world.AS_OF - timedelta(days=days), tracker="plan.csv")))
    assert (flight["red_gates"], flight["score"]) == ("tracker" if red else "", 1.0)
    assert not red or "plan.csv has not been readable for 14 days" in evidence(flight, "tracker")


def test_overlapping_flights():
    """Two lines that plan the same days of one campaign are red on both, naming rows and days, also when one is judged alone."""
    plan = targets(campaign_id="1", start_date=["2026-06-01", "2026-06-10"], end_date=["2026-06-12", "2026-06-30"])
    both = scored(inputs(plan))
    assert "Row 2 plans the same days of this campaign as row 3 (F2), Wed 10 Jun to Fri 12 Jun" in evidence(both.iloc[0], "tracker")
    assert "as row 2 (F1)" in evidence(both.iloc[1], "tracker")


@pytest.mark.parametrize(("loaded_at", "red"), [("2026-06-11T08:05:00Z", False), ("2026-06-11T08:05:01Z", True)])
def test_clock(loaded_at, red):
    """A load more than five minutes in the future is red."""
    assert line(inputs(), accounts(loaded_at=loaded_at, feed_age_hours=0.0))["red_gates"] == ("clock" if red else "")


def test_line_over_accounts_is_as_fresh_as_the_stalest():
    """A line over several accounts is judged by the one loaded longest ago."""
    plan = targets(flight_id=["L", "L"], account_id=["A1", "A2"])
    rows = spend(campaign_id=["1", "2"], account_id=["A1", "A2"], day="2026-06-02")
    flight = line(inputs(plan, rows), accounts(account_id=["A1", "A2"], feed_age_hours=[2.0, 30.0]))
    assert "account A2" in evidence(flight, "freshness")


def test_red_gates_are_sorted():
    """Several red gates are named in order, whatever the order of checking."""
    assert line(inputs(targets(currency="USD", timezone="UTC")), accounts(feed_age_hours=99.0))["red_gates"] == "currency,freshness,timezone"


def test_alone_as_in_company():
    """A flight scored alone, with the same context, gets what it gets among others."""
    plan = targets(campaign_id=["1", "2", "1"], start_date=["2026-06-01", "2026-06-01", "2026-06-20"])
    given_inputs = inputs(plan, pd.concat([spend(), spend(campaign_id="2")]))
    flights, days = match(given_inputs)
    flights, _ = reconcile.sums(flights, days, accounts(), given_inputs.memory, given_inputs.run)
    flights, _ = remembered.recall(flights, days, accounts(), given_inputs)
    facts, values = confidence.source_facts(given_inputs), given_inputs.policy.resolve(flights)
    together = confidence.score(flights, accounts(), facts, values, given_inputs.run)
    for position in range(len(flights)):
        one = flights.iloc[[position]]
        alone = confidence.score(one, accounts(), facts, values.loc[one.index], given_inputs.run)
        pd.testing.assert_frame_equal(alone, together.iloc[[position]])


def test_a_campaign_that_is_only_listed_has_no_metadata_to_compare():
    """A campaign list has no markets and dates: a new campaign that it knows is not doubted before its first row, and that is said."""
    listed = inputs(targets(campaign_id=["2"], start_date="2026-06-11"), spend(campaign_name="Another"), campaigns=world.campaigns(campaign_id=["2"]))
    flight = line(listed)
    assert (flight["match_kind"], flight["score"], set(flight["metadata_detail"].values())) == ("id", 1.0, {"left_out"})
    described = inputs(targets(market="FR", product="Hats"), spend(market=None, product=[None] * 10))
    assert line(described)["metadata_detail"]["market"] == "left_out", "every row is empty: the source lacks it"
    assert line(inputs(targets(), spend(market=[None] * 9 + ["DE"], day=list(pd.date_range("2026-06-10", periods=10)[::-1]))))["score_metadata"] < 1
