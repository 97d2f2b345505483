"""Which pauses the policy may approve by itself: few, certain, and under its caps."""

from dataclasses import replace

import pandas as pd
import pytest

from pacing_brain import autonomy
from pacing_brain.model import Inputs
from pacing_brain.policy import Policy
from tests.unit.pacing_brain.test_breaker import flights, inputs, whole

OWNED = {"owner": "U0OWNER001", "max_halts_per_run": 2, "max_share_of_spend_pct": 50.0}


def given(**autonomous: object) -> Inputs:
    policy = Policy.model_validate({"mode": "autonomous", "approvals": {"approvers": ["U0ANA00001"]}, "autonomous": OWNED | autonomous})
    return replace(inputs(), policy=policy)


def over(bad: int = 3, good: int = 3, **changes: object) -> pd.DataFrame:
    rows = flights(bad, good).assign(match_kind="id", red_gates="", n_campaigns=1, last7_micros=100)
    return whole(rows.assign(actual_micros=[200_000_000 + number for number in range(bad + good)]).assign(**changes))


def chosen(decisions: pd.DataFrame, inputs: Inputs) -> list[str]:
    after = autonomy.choose(decisions, inputs)
    return after.loc[after["action"].eq("autonomous_halt"), "flight_id"].tolist()


def test_the_worst_by_money_up_to_the_caps() -> None:
    """Two of three by number, one by share of the week's spend, none when the cap is none; the reason names who answers for it."""
    assert chosen(over(), given()) == ["google1-0001", "google1-0002"]
    assert chosen(over(), given(max_share_of_spend_pct=20.0)) == ["google1-0002"]
    assert chosen(over(), given(max_halts_per_run=0)) == []
    assert chosen(over(), given(max_share_of_spend_pct=0.0)) == []
    assert "U0OWNER001 answers for it." in autonomy.choose(over(), given())["reasons"].iloc[2][-1]


@pytest.mark.parametrize("doubt", [
    {"match_kind": "name"}, {"red_gates": "freshness"}, {"problem": "zero"}, {"direction": "under"}, {"n_campaigns": 2}, {"phase": "early"},
    {"action": "slack_alert"}, {"error": "it failed"}, {"last7_micros": None}, {"severity": "warning"}])
def test_any_doubt_leaves_it_to_people(doubt: dict[str, object]) -> None:
    """A name, a red check, no delivery, several campaigns, too early, an error, unknown spend."""
    assert chosen(over(**doubt), given()) == []


def test_only_in_this_mode_and_never_in_a_rehearsal() -> None:
    """Any other mode chooses nothing, and so does a run that is not live."""
    assert chosen(over(), inputs()) == []
    rehearsal = given()
    assert chosen(over(), replace(rehearsal, run=rehearsal.run.model_copy(update={"live": False}))) == []
