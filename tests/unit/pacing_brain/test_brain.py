import dataclasses
import hashlib
import os
import subprocess
import sys
from pathlib import Path

import orjson
import pandas as pd
import pytest

from pacing_brain import frames, graph, nodes
from pacing_brain.brain import PacingBrain
from pacing_brain.decision import bodies
from pacing_brain.model import Inputs, SourceState
from pacing_brain.natives import natives
from pacing_brain.policy import Policy
from tests.worlds import inputs_of, sample_world

ROOT = Path(__file__).parents[3]
DEEP = os.environ.get("PACING_TEST_DEEP") == "1"


@pytest.fixture(scope="module")
def inputs() -> Inputs:
    return inputs_of(sample_world())


@pytest.fixture(scope="module")
def outcome(inputs):
    return PacingBrain().decide(inputs)


def as_bytes(decisions: pd.DataFrame) -> bytes:
    return b"\n".join(orjson.dumps(body, option=orjson.OPT_SORT_KEYS) for body in bodies(decisions))


def test_every_labelled_case_gets_the_decision_its_label_asks_for(inputs, outcome):
    """The sample agency: whatever goes wrong on purpose is decided as it should be, and what is healthy stays healthy."""
    labels = sample_world().labels
    labelled = labels[labels["flight_id"].notna()].merge(outcome.decisions, on="flight_id", suffixes=("_wanted", ""), how="left")
    wrong = []
    for row in labelled.to_dict("records"):
        wrong += [(row["case"], row["flight_id"], name, row[f"{name}_wanted"], row[name]) for name in ("severity", "lane", "action", "match_kind")
                  if not pd.isna(row[f"{name}_wanted"]) and row[f"{name}_wanted"] != row[name]]
        if not pd.isna(row["word"]) and row["lane"] != "healthy" and str(row["word"]).casefold() not in f"{row['root_cause']} {row['reasons']}".casefold():
            wrong.append((row["case"], row["flight_id"], "word", row["word"], row["root_cause"]))
    assert not wrong


def test_the_buckets_add_up_to_the_warehouse_total_to_the_micro(inputs, outcome):
    """Every micro that the warehouse reports lands in exactly one bucket."""
    buckets = outcome.buckets.set_index("currency")
    assert buckets["total"].to_dict() == inputs.totals.set_index("currency")["spend_micros"].to_dict()
    assert (buckets.drop(columns="total").sum(axis=1) == buckets["total"]).all()


def test_row_order_changes_nothing(inputs, outcome):
    """Shuffled rows give identical bytes."""
    shuffled = dataclasses.replace(inputs, **{name: getattr(inputs, name).sample(frac=1.0, random_state=3) for name in (
        "targets", "spend", "loads", "totals")})
    assert as_bytes(PacingBrain().decide(shuffled).decisions) == as_bytes(outcome.decisions)


def test_another_process_with_another_hash_seed_decides_the_same(outcome):
    """Two processes with different hash seeds give identical bytes."""
    program = ("import hashlib; from tests.worlds import *; from pacing_brain.brain import PacingBrain; "
               "from tests.unit.pacing_brain.test_brain import as_bytes; "
               "print(hashlib.sha256(as_bytes(PacingBrain().decide(inputs_of(sample_world())).decisions)).hexdigest())")
    digests = {subprocess.run([sys.executable, "-c", program], cwd=ROOT, env={**os.environ, "PYTHONHASHSEED": seed, "PYTHONPATH": str(ROOT)},
                              capture_output=True, text=True, check=True).stdout.strip() for seed in (("1", "4711") if DEEP else ("4711",))}
    assert digests == {hashlib.sha256(as_bytes(outcome.decisions)).hexdigest()}


def test_alone_with_the_same_context_rows_a_campaign_is_decided_as_in_its_cohort(inputs):
    """A decision is a function of its own rows, its memory and its context rows."""
    brain = PacingBrain()
    cohort = brain.cohort(inputs)
    together = graph.decide(brain.graph, cohort)["flights"].set_index("flight_id").sort_index()
    for flight_id in cohort["flights"]["flight_id"][:: 1 if DEEP else 6]:
        alone = graph.decide(brain.graph, brain.part(cohort, cohort["flights"][cohort["flights"]["flight_id"].eq(flight_id)]))["flights"]
        assert natives(frames.DECISIONS.check(alone)) == natives(frames.DECISIONS.check(together.loc[[flight_id]].reset_index()))


def test_one_poisoned_campaign_leaves_the_others_decided(inputs, outcome):
    """A campaign on which a node raises is isolated, escalated with its error, and listed; nobody else notices."""
    poisoned = "HAL-UK-005"

    def raising(state):
        if state["flights"]["flight_id"].eq(poisoned).any():
            raise ZeroDivisionError("a poisoned row")
        return nodes.judge_variance(state)

    brain = PacingBrain(graph.build({**graph.NODES, "variance": raising}))
    decided = brain.decide(inputs)
    assert decided.dead_letters == ({"flight_id": poisoned, "error": "This campaign could not be decided: ZeroDivisionError: a poisoned row"},)
    row = decided.decisions.set_index("flight_id").loc[poisoned]
    assert (row["lane"], row["action"], row["incident"]) == ("escalate", "escalate", f"campaign:{poisoned}:error")
    (finding,) = (one for one in decided.findings if one.fingerprint == row["incident"])
    assert (row[["target_micros", "elapsed_hours"]].isna().all(), finding.money_micros) == (True, 0)  # nothing of its pacing is claimed
    others = decided.decisions["flight_id"].ne(poisoned)
    same = outcome.decisions["flight_id"].ne(poisoned)
    left, right = (frame.drop(columns="mitigation") for frame in (decided.decisions[others], outcome.decisions[same]))
    assert natives(left) == natives(right)  # mitigation aside: a sibling's money is only offered where the sibling was judged


def test_an_unchanged_verdict_is_restated_and_cites_its_entry(inputs, outcome):
    """Nothing changed: the standing decision holds. A changed row of its own ends that for the one campaign."""
    memory = outcome.memory.assign(decided_seq=pd.array(range(len(outcome.memory)), dtype="Int64"))
    again = PacingBrain().decide(dataclasses.replace(inputs, memory=memory))
    assert again.decisions["restated"].all()
    assert again.decisions["restates_seq"].tolist() == memory["decided_seq"].tolist()
    targets = inputs.targets.assign(owner=inputs.targets["owner"].mask(inputs.targets["flight_id"].eq("HAL-UK-005"), "@new-buyer"))
    changed = PacingBrain().decide(dataclasses.replace(inputs, memory=memory, targets=targets))
    assert changed.decisions.loc[~changed.decisions["restated"].astype(bool), "flight_id"].tolist() == ["HAL-UK-005"]
    other_policy = dataclasses.replace(inputs, memory=memory, policy=Policy.parse("variance = { warning_pct = 9.9 }"))
    assert not PacingBrain().decide(other_policy).decisions["restated"].any()


def test_a_failed_source_is_actuals_unavailable_never_zero_spend(inputs):
    """Snowflake down: nobody is told that campaigns stopped; each escalates to one incident of the source, without halts."""
    down = inputs.run.model_copy(update={"sources": (SourceState(source="campaign_spend", available=False, why="Snowflake did not answer."),)})
    empty = {"spend": frames.SPEND.empty(), "loads": frames.LOADS.empty(), "totals": frames.TOTALS.empty()}
    decided = PacingBrain().decide(dataclasses.replace(inputs, run=down, **empty))
    begun = decided.decisions[~decided.decisions["phase"].isin(["before", "closed"])]
    assert set(begun["lane"]) == {"escalate"}
    assert not begun["zero_delivery"].any()
    assert begun["actual_micros"].isna().all()
    assert "recommend_halt" not in set(decided.decisions["action"])
    stale = [finding.fingerprint for finding in decided.findings if finding.problem == "stale"]
    assert stale == ["source:campaign_spend:stale"]


def test_no_plan_and_no_spend_is_no_decision():
    """An empty world gives empty frames, not an error."""
    inputs = inputs_of(sample_world())
    nothing = dataclasses.replace(inputs, targets=frames.TARGETS.empty(), spend=frames.SPEND.empty(), loads=frames.LOADS.empty(),
                                  totals=frames.TOTALS.empty(), quarantined=())
    outcome = PacingBrain().decide(nothing)
    assert (len(outcome.decisions), len(outcome.findings), len(outcome.buckets)) == (0, 0, 0)


def test_a_halt_is_never_recommended_on_a_match_that_is_not_proven(outcome):
    """Only an id or a confirmed alias may carry a pause."""
    halts = outcome.decisions[outcome.decisions["action"].eq("recommend_halt")]
    assert len(halts) >= 3
    assert halts["match_kind"].isin(["id", "alias"]).all()


def test_reasons_stand_on_every_decision(outcome):
    """Whatever was decided, the record says why, in order."""
    assert outcome.decisions["reasons"].map(len).ge(1).all()
    bad = outcome.decisions[outcome.decisions["lane"].ne("healthy")]
    assert bad["root_cause"].notna().all()
    assert bad["incident"].notna().all()
