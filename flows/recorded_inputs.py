"""The inputs of a run as the record holds them: under which names, and read back."""

from typing import Any

import pandas as pd

from flows.wiring import House
from pacing_brain import frames
from pacing_brain.errors import TrackerUnreadable
from pacing_brain.model import Inputs, Quarantined, RunContext
from pacing_brain.policy import Policy

INPUT_FRAMES = {"targets": frames.TARGETS, "spend": frames.SPEND, "loads": frames.LOADS, "campaigns": frames.CAMPAIGNS,
                "totals": frames.TOTALS, "memory": frames.MEMORY, "patterns": frames.PATTERNS, "history": frames.HISTORY,
                "acts": frames.ACTS, "breakdowns": frames.BREAKDOWNS}
LATER = ("breakdowns",)  # kept by the second gather, if there was one
KEPT_AS = {"memory": "memory_before"}  # what a run leaves for the next is kept as `memory`
CONTEXT = "context"  # the run's context and its quarantined rows, kept as a frame of one row beside the others


def recorded(house: House, run_id: str, policy: Policy) -> Inputs:
    """The inputs that a run kept; a frame that its version of the program did not know yet is empty."""
    context = house.frames.load(run_id, CONTEXT)
    kept = house.frames.kept(run_id)
    names = {name: KEPT_AS.get(name, name) for name in INPUT_FRAMES}
    loaded: dict[str, Any] = {name: frame.check(house.frames.load(run_id, names[name])) if names[name] in kept else frame.empty()
                              for name, frame in INPUT_FRAMES.items()}
    quarantined = tuple(Quarantined.model_validate(row) for row in context["quarantined"].iloc[0])
    return Inputs(run=context_of(context), policy=policy, quarantined=quarantined, **loaded)


def context_of(frame: pd.DataFrame | None) -> RunContext:
    if frame is None:
        raise TrackerUnreadable("the record has no earlier run to take the plan from")
    return RunContext.model_validate(frame["run"].iloc[0])
