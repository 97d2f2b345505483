"""What answers taught: a tolerance makes a problem a line of the digest while it holds, an outcome is told and changes nothing."""

import json
from dataclasses import replace

import pandas as pd
import pytest

from pacing_brain import frames, learning, recalled
from pacing_brain.answers import Bounds, Extent
from pacing_brain.brain import PacingBrain
from pacing_brain.decision import bodies
from tests.unit.pacing_brain.test_breaker import AS_OF, flights, inputs, whole
from tests.worlds import inputs_of, sample_world

LIMIT = 60_000_000
NOW = pd.Timestamp(AS_OF)
LATER = NOW + pd.Timedelta(days=2)


def tolerance(flight: str, *, until: pd.Timestamp = LATER, side: str = "over", confidence: float = 1.0, answer: str = "expected") -> dict[str, object]:
    bounds = Bounds(Extent("critical", "critical", side, 50_000_000, zero=False), LIMIT)
    return {"pattern_id": "P-1", "kind": "tolerance", "scope": f"campaign:{flight}:over", "value": json.dumps({"answer": answer, "bounds": bounds.as_json()}),
            "support": 1, "confidence": confidence, "expires_at": until}


def outcome(remedy: str, support: int, share: float) -> dict[str, object]:
    return {"pattern_id": f"P-{remedy}", "kind": "outcome", "scope": "cause:over/daily_budget_changed", "value": remedy, "support": support,
            "confidence": share, "expires_at": pd.NaT}


def patterns(*rows: dict[str, object]) -> pd.DataFrame:
    return frames.PATTERNS.check(pd.DataFrame(list(rows)).assign(expires_at=pd.array([row["expires_at"] for row in rows], dtype=frames.INSTANT)))


def over(**changes: object) -> pd.DataFrame:
    return whole(flights(1, 1).assign(incident_scope=["campaign", ""], root_cause_code=["daily_budget_changed", None], recommendation="Pause it.") .assign(**changes))


def test_what_is_expected_is_a_line_of_the_digest_and_says_why() -> None:
    """The action is `log_only`, lane and severity stay, and the decision cites the pattern."""
    after = recalled.recall(over(), replace(inputs(), patterns=patterns(tolerance("google1-0000"))))
    row = after.iloc[0]
    assert (row["action"], row["lane"], row["severity"], row["urgent"], row["recommendation"]) == ("log_only", "critical", "critical", False, None) or (
        row["action"] == "log_only" and pd.isna(row["recommendation"]))
    assert row["reasons"][-1].endswith("a line of the digest (P-1).")
    assert [one["pattern_id"] for one in row["patterns"]] == ["P-1"]
    assert after.iloc[1]["patterns"] is None


@pytest.mark.parametrize(("changes", "pattern"), [
    ({"actual_micros": 161_000_000}, {}), ({"problem": "zero"}, {}), ({"direction": "under"}, {}), ({}, {"until": NOW}), ({}, {"confidence": 0.5})])
def test_what_is_more_than_was_said_is_asked_about(changes: dict[str, object], pattern: dict[str, object]) -> None:
    """More money, no delivery, the other direction, or the end of its time; and a pause that was refused changes no decision."""
    after = recalled.recall(over(**changes), replace(inputs(), patterns=patterns(tolerance("google1-0000", **pattern))))
    assert after.iloc[0]["action"] == "recommend_halt"
    assert after.iloc[0]["patterns"] is None


def test_what_worked_is_said_from_three_cases_on() -> None:
    """The best two remedies of the same problem and cause; nothing else about the decision is another."""
    learned = patterns(outcome("budget_lowered", 9, 7 / 9), outcome("paused", 4, 1.0), outcome("fixing", 2, 1.0), outcome("kept_running", 5, 0.0))
    after = recalled.recall(over(), replace(inputs(), patterns=learned)).iloc[0]
    assert [one["said"] for one in after["patterns"]] == [
        "With this cause, pausing it worked 4 of 4 times.", "With this cause, lowering the budget worked 7 of 9 times."]
    assert after["action"] == "recommend_halt"


def test_retiring_a_tolerance_restores_byte_equal_decisions() -> None:
    """Without the pattern the decision is what it was before anybody answered."""
    whole_world = inputs_of(sample_world())
    before = PacingBrain().decide(whole_world)
    row = before.decisions[before.decisions["action"].eq("recommend_halt") & before.decisions["problem"].eq("over")].iloc[0]
    off = int(row["actual_micros"] - row["target_micros"])
    bounds = Bounds(Extent(row["severity"], row["lane"], "over", off, zero=False), off)
    known = patterns({**tolerance(row["flight_id"], until=pd.Timestamp(whole_world.run.as_of) + pd.Timedelta(days=1)),
                      "value": json.dumps({"answer": "wrong_alarm", "bounds": bounds.as_json()})})
    tolerated = PacingBrain().decide(replace(whole_world, patterns=known))
    changed = [one["flight_id"] for one, other in zip(bodies(before.decisions), bodies(tolerated.decisions), strict=True) if one != other]
    assert changed == [row["flight_id"]]
    assert bodies(PacingBrain().decide(whole_world).decisions) == bodies(before.decisions)


def test_outcomes_are_counted_by_cause_and_remedy() -> None:
    """Over within a week and before anybody did something else: it worked; what is not known yet is not counted, what is known already is not learned twice."""
    hour = pd.Timedelta(hours=1)
    rows = [(1, "I-1", "over/x", "paused", NOW - 300 * hour, NOW - 290 * hour), (2, "I-2", "over/x", "paused", NOW - 300 * hour, None),
            (3, "I-3", "over/x", "paused", NOW - 10 * hour, None), (4, "I-4", "over/x", "fixing", NOW - 50 * hour, NOW - 9 * hour),
            (5, "I-4", "over/x", "paused", NOW - 40 * hour, NOW - 9 * hour)]
    cases = pd.DataFrame(rows, columns=["seq", "incident_id", "cause", "remedy", "at", "over_at"]).astype({"at": frames.INSTANT, "over_at": frames.INSTANT})
    found, evidence = learning.outcomes(cases, frames.PATTERNS.empty(), NOW)
    assert [(row.value, row.support, round(row.confidence * row.support)) for row in found.itertuples()] == [("fixing", 1, 0), ("paused", 3, 2)]
    assert evidence[found.iloc[1]["pattern_id"]] == [1, 2, 5]
    assert learning.outcomes(cases, found, NOW)[0].empty
