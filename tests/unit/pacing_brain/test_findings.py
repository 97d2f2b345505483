"""From decisions to findings: each problem once, in the smallest scope that explains it."""

import dataclasses
from datetime import timedelta

import pandas as pd
import pytest

from pacing_brain import findings
from pacing_brain.brain import PacingBrain
from pacing_brain.model import Quarantined, SourceState
from tests.unit.pacing_brain import builders as world
from tests.unit.pacing_brain.builders import UNIT

NAMES = ["Acme DE Shoes Summer", "Acme DE Bags Autumn"]
OLD = "2026-06-10T06:00:00+00:00"
ROW = Quarantined(source="tracker", place="plan.csv", row=9, column="start_date", value="03/04/2026", reason="03/04/2026 is March or April.")


@pytest.fixture(scope="module")
def brain():
    return PacingBrain()


def rows(*campaigns, micros=100 * UNIT, **changes):
    """Ten days of each campaign."""
    return pd.concat([world.spend(campaign_id=one, campaign_name=NAMES[(int(one) - 1) % 2], spend_micros=micros, **changes) for one in campaigns],
                     ignore_index=True)


def two(**changes):
    """Two campaigns of one account, on plan."""
    parts = {"targets": world.targets(campaign_id=["1", "2"], campaign_name=NAMES), "spend": rows("1", "2")} | changes
    return world.inputs(**parts)


def found(brain, inputs):
    return {finding.fingerprint: finding for finding in brain.decide(inputs).findings}


def unplanned(brain, **changes):
    return found(brain, two(spend=pd.concat([rows("1", "2"), rows("3", **changes)], ignore_index=True))).get("account:google/A1:unplanned")


def test_nothing_wrong_is_nothing_found(brain):
    """Two campaigns on plan: no finding."""
    assert found(brain, two()) == {}


def test_a_campaigns_own_problem_is_its_own(brain):
    """One of two is over plan: a finding of the campaign, with its figures, that its decision points to."""
    outcome = brain.decide(two(spend=pd.concat([rows("1", micros=130 * UNIT), rows("2")], ignore_index=True)))
    (finding,) = outcome.findings
    assert (finding.fingerprint, finding.side, finding.currency, finding.flights) == ("campaign:F1:over", "over", "EUR", ("F1",))
    row = outcome.decisions.set_index("flight_id").loc["F1"]
    assert finding.money_micros == row["actual_micros"] - row["target_micros"]
    assert finding.headline == row["root_cause"]
    assert row["incident"] == finding.fingerprint
    assert outcome.decisions.set_index("flight_id").loc["F2", "incident"] is None or pd.isna(outcome.decisions.set_index("flight_id").loc["F2", "incident"])


def test_an_old_feed_is_one_finding_of_its_account(brain):
    """It lists the account's campaigns; their decisions point to it."""
    outcome = brain.decide(two(loads=world.loads(loaded_at=OLD)))
    (finding,) = outcome.findings
    assert (finding.fingerprint, finding.flights, finding.side) == ("account:google/A1:stale", ("F1", "F2"), "none")
    assert set(outcome.decisions["incident"]) == {"account:google/A1:stale"}
    assert [one["flight_id"] for one in finding.facts["flights"]] == ["F1", "F2"]
    assert "2 campaigns" in finding.headline


@pytest.mark.parametrize(("platform", "scope"), [("google", "source:campaign_spend/google"), (None, "source:campaign_spend")])
def test_a_source_that_does_not_answer_is_one_finding_of_the_source(brain, platform, scope):
    """Of the platform's part of it where only that is down."""
    down = world.run(sources=(SourceState(source="campaign_spend", platform=platform, available=False, why="It did not answer."),))
    (finding,) = found(brain, two(run=down)).values()
    assert (finding.fingerprint, finding.flights) == (f"{scope}:stale", ("F1", "F2"))
    assert "It did not answer." in finding.headline


def test_rows_that_do_not_add_up_are_a_finding_of_the_source(brain):
    """One micro is missing from the warehouse's own total: everything in that currency."""
    inputs = two()
    off = inputs.totals.assign(spend_micros=inputs.totals["spend_micros"] + 1)
    assert list(found(brain, dataclasses.replace(inputs, totals=off))) == ["source:campaign_spend:duplicate"]


def test_duplicates_of_one_campaign_are_its_own_those_of_all_the_accounts(brain):
    """One of two: the campaign's. Both: the account's, once."""
    one = pd.concat([rows("1", n_rows=2), rows("2")], ignore_index=True)
    assert list(found(brain, two(spend=one))) == ["campaign:F1:duplicate"]
    both = found(brain, two(spend=rows("1", "2", n_rows=2)))
    assert list(both) == ["account:google/A1:duplicate"]
    assert both["account:google/A1:duplicate"].flights == ("F1", "F2")


def test_an_account_that_stopped_is_one_finding(brain):
    """Every live campaign silent: the account's, urgent, and no halt."""
    outcome = brain.decide(two(spend=rows("1", "2", micros=[100 * UNIT] * 8 + [0, 0])))
    (finding,) = outcome.findings
    assert (finding.fingerprint, finding.urgent, finding.action) == ("account:google/A1:zero", True, "slack_alert")


def test_a_plan_that_cannot_be_read_is_one_finding_of_the_tracker(brain):
    """Fifteen days without a readable plan: one finding that lists all; fourteen are not too long."""
    late = world.run(tracker_read_at=world.AS_OF - timedelta(days=15))
    assert list(found(brain, two(run=late))) == ["tracker:tracker:tracker"]
    assert found(brain, two(run=world.run(tracker_read_at=world.AS_OF - timedelta(days=14)))) == {}


def test_rows_that_cannot_be_used_are_a_finding_of_the_tracker(brain):
    """With their place and reason; no flight is named, because none was made of them."""
    finding = found(brain, two(quarantined=(ROW,)))["tracker:tracker:tracker"]
    assert (finding.flights, finding.money_micros, finding.lane) == ((), 0, "escalate")
    assert finding.headline == "1 row of the plan cannot be used. Row 9: 03/04/2026 is March or April."
    assert finding.facts["rows"] == [{"row": 9, "column": "start_date", "value": "03/04/2026", "reason": ROW.reason}]


def test_everything_wrong_with_the_tracker_is_one_finding(brain):
    """An old plan with rows that cannot be used: one fingerprint, both sentences."""
    late = world.run(tracker_read_at=world.AS_OF - timedelta(days=15))
    finding = found(brain, two(run=late, quarantined=(ROW, ROW)))["tracker:tracker:tracker"]
    assert finding.flights == ("F1", "F2")
    assert "2 rows of the plan cannot be used." in finding.headline
    assert "15 days" in finding.headline
    assert len(finding.facts["rows"]) == 2


def test_spend_rows_that_cannot_be_used_are_not_the_trackers(brain):
    """Only what the plan's own file got wrong is a finding of the tracker."""
    assert found(brain, two(quarantined=(ROW.model_copy(update={"source": "spend"}),))) == {}


def test_money_outside_every_plan_is_one_finding_of_its_account(brain):
    """Campaigns that no line knows: the amount, the amount a day, since when, and which."""
    finding = unplanned(brain)
    assert (finding.money_micros, finding.currency, finding.client, finding.severity) == (1_000 * UNIT, "EUR", "Acme", "warning")
    assert (finding.facts["since"], finding.facts["per_day_micros"], finding.facts["amounts"]) == ("2026-06-01", 100 * UNIT, {"EUR": 1_000 * UNIT})
    assert [(one["campaign_id"], one["spend_micros"]) for one in finding.facts["campaigns"]] == [("3", 1_000 * UNIT)]


def test_money_outside_every_plan_counts_from_the_stake_on_and_while_it_goes_on(brain):
    """Less than 25 units is nothing; nor is what ended a week ago."""
    assert unplanned(brain, micros=2_499_999) is None
    assert unplanned(brain, micros=2_500_000) is not None
    assert unplanned(brain, day=list(pd.date_range("2026-05-20", periods=10))) is None


def test_money_outside_every_plan_is_told_alike_in_any_order_of_rows(brain):
    """A campaign that was renamed is listed under its newest name, whichever of its rows comes first."""
    inputs = two(spend=pd.concat([rows("1", "2"), rows("3").assign(campaign_name=[f"Name of day {day}" for day in range(10)])], ignore_index=True))
    shuffled = dataclasses.replace(inputs, spend=inputs.spend.iloc[::-1])
    told, again = (found(brain, one)["account:google/A1:unplanned"] for one in (inputs, shuffled))
    assert told == again
    assert told.facts["campaigns"][0]["campaign_name"] == "Name of day 9"


def test_no_decision_points_to_money_outside_every_plan(brain):
    """It concerns the account's plan, not the campaigns that are in it."""
    spend = pd.concat([rows("1", "2"), rows("3")], ignore_index=True)
    outcome = brain.decide(two(spend=spend))
    assert findings.by_flight(outcome.findings) == {}
    assert outcome.decisions["incident"].isna().all()


@pytest.mark.parametrize(("start", "outside"), [("2026-06-20", True), ("2026-06-05", False)])
def test_spend_before_the_start_is_outside_until_the_flight_begins(brain, start, outside):
    """Before it has begun it is money in no plan; afterwards it is history."""
    plan = world.targets(campaign_id=["1", "2"], campaign_name=NAMES, start_date=["2026-06-01", start])
    assert ("account:google/A1:unplanned" in found(brain, two(targets=plan))) == outside


def test_spend_after_the_last_day_is_outside(brain):
    """The flight ended on the 5th and the campaign goes on."""
    plan = world.targets(campaign_id=["1", "2"], campaign_name=NAMES, end_date=["2026-06-30", "2026-06-05"])
    finding = found(brain, two(targets=plan))["account:google/A1:unplanned"]
    assert (finding.facts["since"], finding.money_micros) == ("2026-06-06", 500 * UNIT)


def test_findings_are_sorted_by_fingerprint(brain):
    """Whatever the order of the rows."""
    spend = pd.concat([rows("1", micros=130 * UNIT), rows("2", micros=70 * UNIT), rows("3")], ignore_index=True)
    outcome = brain.decide(two(spend=spend.sample(frac=1.0, random_state=1), quarantined=(ROW,)))
    prints = [finding.fingerprint for finding in outcome.findings]
    assert prints == sorted(prints) == ["account:google/A1:unplanned", "campaign:F1:over", "campaign:F2:under", "tracker:tracker:tracker"]
