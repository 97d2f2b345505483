"""The decision table of the policy, row by row: which lane, and what it asks for."""

import pandas as pd
import pytest

from pacing_brain import lanes
from pacing_brain.model import Lane
from tests.unit.pacing_brain import cohort

TAKE = {Lane.HEALTHY: lanes.healthy, Lane.WARNING: lanes.warning, Lane.CRITICAL: lanes.critical, Lane.ESCALATE: lanes.escalate}
SURE = {"phase": "live", "elapsed_hours": 240.0, "severity": "healthy", "band_severity": "healthy", "direction": "over", "zero_delivery": False,
        "zero_kind": "", "cost_fault": False, "score": 1.0, "red_gates": "", "platform_status": "enabled"}
RED = {"red_gates": "freshness", "gates": {"freshness": {"state": "red", "evidence": "The feed is old."}}}
ZERO = {"zero_delivery": True, "zero_kind": "stopped", "severity": "critical", "band_severity": "critical", "direction": "under"}
CRITICAL = {"severity": "critical", "band_severity": "critical"}
UNDER = {"direction": "under"}
NAME = {"match_kind": "name"}
LOW = {"score": 0.699999}
LETTER = {"actions": {"preset": "specification"}}


def decided(*parts, policy=None):
    """The flight with the lane's columns: (row, what it was told)."""
    columns = SURE | {name: value for part in parts for name, value in part.items()}
    table = cohort.flights(**columns)
    table = table.astype(dict.fromkeys(("zero_delivery", "cost_fault"), "bool")).assign(reasons=[["On the figures."]])
    values = cohort.values(table, **(policy or {}))
    lane = Lane(lanes.choose(table, values).iloc[0])
    row = TAKE[lane](table, values).iloc[0]
    assert row["lane"] == lane
    return row


def verdict(*parts, policy=None):
    row = decided(*parts, policy=policy)
    return row["lane"], row["action"], bool(row["urgent"])


HEALTHY, WARNING = ("healthy", "log_only", False), ("warning", "slack_alert", False)
HALT, ALERT = ("critical", "recommend_halt", True), ("critical", "slack_alert", True)
ASK, ASK_NOW = ("escalate", "escalate", False), ("escalate", "escalate", True)

TABLE = {
    "less than 10 %: logged": ([{}], HEALTHY),
    "10 to 25 % over: an alert": ([{"severity": "warning"}], WARNING),
    "10 to 25 % under: an alert": ([{"severity": "warning"}, UNDER], WARNING),
    "25 % and more over: a halt is recommended": ([CRITICAL], HALT),
    "25 % and more under: an urgent alert, no halt": ([CRITICAL, UNDER], ALERT),
    "zero delivery: a halt is recommended": ([ZERO], HALT),
    "by an alias as by an id": ([CRITICAL, {"match_kind": "alias"}], HALT),
    "a red gate over everything else": ([CRITICAL, RED], ASK),
    "a red gate over zero delivery": ([ZERO, RED], ASK),
    "a red gate over what is healthy": ([RED], ASK),
    "a red gate of a campaign without spend, low score": ([ZERO, RED, LOW], ASK),
    "zero delivery over a low score": ([ZERO, LOW], HALT),
    "a low score over what is critical": ([CRITICAL, LOW], ASK),
    "a low score over a warning": ([{"severity": "warning"}, LOW], ASK),
    "a low score under 10 %": ([LOW], ASK),
    "a score of exactly 0.70 is enough": ([CRITICAL, {"score": 0.70}], HALT),
    "cost fault: a person is asked": ([{"cost_fault": True}], ASK),
    "critical over, by its name only: an urgent alert": ([CRITICAL, NAME], ALERT),
    "critical under, by its name only: an urgent alert": ([CRITICAL, UNDER, NAME], ALERT),
    "zero delivery by its name only: an urgent alert": ([ZERO, NAME], ALERT),
    "not found on the platform: an urgent alert": ([ZERO, {"zero_kind": "not_found", "match_kind": "none"}], ALERT),
    "paused on the platform: an urgent alert": ([ZERO, {"platform_status": "paused"}], ALERT),
    "paused already, and over: nothing is left to pause": ([CRITICAL, {"platform_status": "paused"}], ALERT),
    "the whole account stopped: no halt": ([ZERO, {"zero_kind": "account"}], ALERT),
    "over, and the flight has ended: no halt": ([CRITICAL, {"phase": "ended"}], ALERT),
    "before its start, whatever is red": ([CRITICAL, RED, LOW, {"phase": "before"}], HEALTHY),
    "closed, whatever is red": ([CRITICAL, RED, LOW, {"phase": "closed"}], HEALTHY),
    "not found in its first hours": ([LOW, {"match_kind": "none", "elapsed_hours": 11.9}], HEALTHY),
    "not found after twelve hours": ([LOW, {"match_kind": "none", "elapsed_hours": 12.0}], ASK),
}


@pytest.mark.parametrize("row", TABLE)
def test_the_decision_table(row):
    """Red gate, then zero delivery, then low score, then the bands; a halt only where it helps and where it is certain what it would hit."""
    parts, (lane, action, urgent) = TABLE[row]
    found = verdict(*parts)
    assert found[:2] == (lane, action)
    if lane != "escalate":  # how soon a person is wanted there is a matter of what is wrong
        assert found[2] == urgent


@pytest.mark.parametrize("parts", [[CRITICAL], [CRITICAL, UNDER], [ZERO]])
def test_the_original_table_recommends_a_halt_in_every_critical_cell(parts):
    """preset = "specification": over, under and zero delivery alike; a paused one too."""
    assert verdict(*parts, policy=LETTER) == HALT
    assert verdict(*parts, {"platform_status": "paused"}, policy=LETTER) == HALT


@pytest.mark.parametrize("parts", [[CRITICAL, NAME], [ZERO, {"zero_kind": "not_found", "match_kind": "none"}], [ZERO, {"zero_kind": "account"}]])
def test_even_the_original_table_halts_nothing_that_is_not_certain(parts):
    """Matched by name, not found, or the whole account silent: an urgent alert, whatever the preset."""
    assert verdict(*parts, policy=LETTER) == ALERT


def test_the_cells_are_policy():
    """Each critical cell is turned by its own key."""
    assert verdict(CRITICAL, policy={"actions": {"over": "slack_alert"}}) == ALERT
    assert verdict(CRITICAL, UNDER, policy={"actions": {"under": "recommend_halt"}}) == HALT
    assert verdict(ZERO, policy={"actions": {"zero": "slack_alert"}}) == ALERT


def test_the_least_score_is_policy():
    """confidence.minimum moves the edge."""
    assert verdict(CRITICAL, {"score": 0.79}, policy={"confidence": {"minimum": 0.8}})[0] == "escalate"
    assert verdict(CRITICAL, {"score": 0.79})[0] == "critical"


def test_zero_delivery_is_critical_whatever_the_band_says():
    """The lane raises the severity and names the problem."""
    row = decided(ZERO, {"severity": "healthy"})
    assert (row["severity"], row["problem"], row["incident_scope"]) == ("critical", "zero", "campaign")
    assert decided(ZERO, {"zero_kind": "account"})["incident_scope"] == "account"


@pytest.mark.parametrize(("gate", "problem"), [
    ("freshness", "stale"), ("clock", "stale"), ("completeness", "duplicate"), ("tie_out", "duplicate"), ("currency", "currency"),
    ("timezone", "tracker"), ("tracker", "tracker"), ("identity", "identity")])
def test_a_red_gate_names_the_problem(gate, problem):
    """Each gate's incident is about what is wrong, and its evidence is among the reasons."""
    row = decided({"red_gates": gate, "gates": {gate: {"state": "red", "evidence": "It is so."}}})
    assert row["problem"] == problem
    assert any("It is so." in reason for reason in row["reasons"])


def test_what_cannot_be_judged_escalates():
    """All green and trusted, yet without a band: a person looks at it, and is not told that the trust is low."""
    row = decided({"severity": "warning", "band_severity": None, "direction": "none"})
    assert (row["lane"], row["action"], row["reasons"][-1]) == ("escalate", "escalate", "Its plan and its spend cannot be compared, so a person looks at it.")


def test_every_lane_says_why():
    """The reasons end with what the lane adds; a healthy one needs no more than its figures."""
    for parts, _ in TABLE.values():
        reasons = decided(*parts)["reasons"]
        assert reasons[0] == "On the figures."
        assert all(reason.endswith(".") for reason in reasons)
    assert decided(LOW)["reasons"][-1] == "Trust in the data is 69%, below the 70% that acting on it asks for."


def test_a_lane_is_chosen_for_each_flight_of_a_cohort():
    """Vectorised: a cohort of all rows of the table gets the lanes that each gets alone."""
    rows = [decided(*parts) for parts, _ in TABLE.values()]
    columns = [SURE | {name: value for part in parts for name, value in part.items()} for parts, _ in TABLE.values()]
    tables = [cohort.flights(**one) for one in columns]
    whole = pd.concat(tables, ignore_index=True)
    assert lanes.choose(whole, cohort.values(whole)).tolist() == [row["lane"] for row in rows]
