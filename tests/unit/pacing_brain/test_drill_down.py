"""What breakdowns tell of a change, and who is asked."""

import pandas as pd
import pytest

from pacing_brain import drill_down, specialists
from pacing_brain.brain import PacingBrain
from pacing_brain.frames import BREAKDOWNS
from pacing_brain.model import Inputs
from tests.unit.pacing_brain import builders
from tests.unit.pacing_brain.cohort import UNIT

CLOSED = pd.Timestamp("2026-06-10")
BEFORE, SINCE = pd.date_range("2026-06-01", "2026-06-07"), pd.date_range("2026-06-08", "2026-06-10")


def table(**items):
    """Item -> (units a day until 7 June, since 8 June)."""
    rows = [(day, item, round(units * UNIT)) for item, (before, since) in items.items() for days, units in ((BEFORE, before), (SINCE, since)) for day in days if units]
    return pd.DataFrame(rows, columns=["day", "item", "spend_micros"])


def own(rows):
    return rows.groupby("day")["spend_micros"].sum().reindex(pd.date_range("2026-06-01", CLOSED), fill_value=0).astype("float64")


def found(side=1, **items):
    rows = table(**items)
    return specialists.finding("device", rows, own(rows), CLOSED, side)


def test_an_item_that_rose_explains_its_share():
    """Of 100 more a day mobile took 80: 80 % of the change, and said with both its levels."""
    one = found(mobile=(40, 120), desktop=(60, 80))
    assert one["items"] == [{"item": "mobile", "before_micros": 40 * UNIT, "now_micros": 120 * UNIT, "explains_pct": 80.0}]
    assert (one["change_micros"], one["explains_pct"]) == (100 * UNIT, 80.0)
    assert specialists.sentence(one, "GBP") == "By device: mobile went from about £40 to about £120 a day, which explains 80 % of the change of the last 3 days."


def test_what_stopped_and_what_is_new_are_said_so():
    """An item without spend since, and one without spend before."""
    assert "desktop took about £60 a day before and nothing since" in specialists.sentence(found(-1, mobile=(40, 40), desktop=(60, 0)), "GBP")
    assert "tv is new and takes about £90 a day" in specialists.sentence(found(mobile=(40, 40), tv=(0, 90)), "GBP")


@pytest.mark.parametrize(("side", "items"), [
    (1, {"mobile": (70, 140), "desktop": (30, 60)}),  # all alike: the largest item is not the cause
    (1, {"mobile": (70, 74), "desktop": (30, 30)}),  # an ordinary day
    (-1, {"mobile": (40, 120), "desktop": (60, 60)}),  # the change is to the other side
    (1, {"a": (20, 40), "b": (20, 40), "c": (20, 40), "d": (20, 40), "e": (20, 40)}),  # no one leads
])
def test_nothing_is_said_where_nothing_stands_out(side, items):
    """A change that all share, no change, a change to the other side, none that leads."""
    assert found(side, **items) is None


def test_a_breakdown_that_is_not_the_whole_campaign_says_nothing():
    """A table that lacks a tenth of the spend could name the wrong item; so could four days of history."""
    rows = table(mobile=(40, 120), desktop=(60, 80))
    assert specialists.finding("device", rows, own(rows) * 1.1, CLOSED, 1) is None
    assert specialists.finding("device", rows, own(rows).iloc[4:], CLOSED, 1) is None


def jumped() -> Inputs:
    """F1 spends 100 a day, and 400 since 8 June; F2 is on plan."""
    days = pd.date_range("2026-06-01", CLOSED)
    rows = pd.concat([builders.spend(day=list(days), spend_micros=[(400 if day in SINCE else 100) * UNIT for day in days]),
                      builders.spend(campaign_id="2", day=list(days))], ignore_index=True)
    return builders.inputs(targets=builders.targets(campaign_id=["1", "2"]), spend=rows)


def answers():
    rows = table(mobile=(40, 340), desktop=(60, 60)).assign(breakdown="device", platform="google", account_id="A1", campaign_id="1")
    return BREAKDOWNS.check(rows)


def test_only_what_can_matter_is_asked():
    """Over plan: line item, device, hour and audience of that campaign; of a flight on plan, or one that stands, nothing."""
    outcome = PacingBrain().decide(jumped())
    assert outcome.questions[["flight_id", "breakdown"]].to_numpy().tolist() == [["F1", name] for name in ("line_item", "device", "hour", "audience")]
    assert set(outcome.questions["days_from"]) == {pd.Timestamp("2026-05-25")}
    assert specialists.asked_for("stopped") == ["line_item", "creative", "inventory"]
    assert drill_down.questions(outcome.decisions.assign(restated=True)).empty
    assert drill_down.questions(outcome.decisions.assign(red_gates="freshness")).empty


def test_never_more_than_fifty_and_the_largest_first():
    """Of many flights the critical ones with most money are asked about."""
    decisions = PacingBrain().decide(jumped()).decisions
    many = pd.concat([decisions[decisions["flight_id"].eq("F1")].assign(flight_id=f"X{at:02}", actual_micros=at * 10**10) for at in range(40)], ignore_index=True)
    asked = drill_down.questions(many)
    assert len(asked) == drill_down.MOST
    assert asked["flight_id"].iloc[0] == "X39"


def test_answers_complete_the_cause_and_change_nothing_else():
    """With the answers among its inputs the decision has the same lane, and a cause with the share that is explained; the incident tells the same."""
    plain, asked = (PacingBrain().decide(inputs) for inputs in (jumped(), builders.inputs(**{**vars(jumped()), "breakdowns": answers()})))
    same = [name for name in plain.decisions.columns if name not in ("root_cause", "breakdown")]
    assert plain.decisions[same].equals(asked.decisions[same])
    said = "By device: mobile went from about €40 to about €340 a day, which explains 100 % of the change of the last 3 days."
    first, second = asked.decisions["root_cause"].tolist()
    assert first.endswith(said)
    assert pd.isna(second)
    told = {finding.flights: finding.facts["flight"]["root_cause"] for finding in asked.findings if len(finding.flights) == 1}
    assert told[("F1",)] == first
    assert drill_down.complete(plain, BREAKDOWNS.empty()) is plain
