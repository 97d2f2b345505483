"""Reports of worlds, without a database in between."""

from dataclasses import replace
from functools import lru_cache
from typing import Any

import pandas as pd

from audit.runs import SealedRun
from flows.recording import summary_of
from flows.reporting import Facts, days_of
from flows.world import World
from pacing_brain.brain import PacingBrain
from pacing_brain.model import Inputs, Outcome
from tests.worlds import inputs_of, sample_world


_outcomes: dict[int, Outcome] = {}


class _Run:
    run_id, live = "20261105T0800Z-live-3f9a1c", True

    def __init__(self, inputs: Inputs) -> None:
        self.window, self.as_of = inputs.run.window, inputs.run.as_of


def facts_of(world: World, **changes: Any) -> Facts:
    """What the record would hold of a first run on a world."""
    inputs = inputs_of(world, **changes)
    inputs = replace(inputs, run=inputs.run.model_copy(update={"days_from": inputs.run.as_of, "days_to": inputs.run.as_of}))
    run, brain = _Run(inputs), PacingBrain()
    outcome = brain.decide(inputs)
    _outcomes[id(world)] = outcome
    sealed = SealedRun(run.run_id, run.window, run.as_of, True, run.as_of, "complete", inputs.policy.digest, summary_of(inputs, outcome, run))  # type: ignore[arg-type]
    decisions = outcome.decisions.assign(standing_seq=pd.array(range(10, 10 + len(outcome.decisions)), dtype="Int64"))
    return Facts(sealed, inputs, decisions, days_of(inputs), (*inputs.quarantined, *outcome.quarantined))


@lru_cache(maxsize=1)
def sample_facts() -> Facts:
    return facts_of(sample_world())


def sample_outcome() -> Outcome:
    """What the run of `sample_facts` decided."""
    sample_facts()
    return _outcomes[id(sample_world())]
