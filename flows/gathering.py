"""gather: everything a decision may depend on, read once; what a stopped run had read already is read from the record instead."""

from dataclasses import dataclass, replace
from datetime import datetime

import pandas as pd

from audit.runs import RunHandle
from connectors.spend import SpendRead
from flows.asked_days import days_to_read
from flows.recorded_inputs import CONTEXT, INPUT_FRAMES, KEPT_AS, LATER, context_of, recorded
from flows.wiring import House
from pacing_brain import frames
from pacing_brain.errors import SpendUnavailable, TrackerUnreadable, Unavailable
from pacing_brain.model import Inputs, Quarantined, RunContext, SourceState
from pacing_brain.policy import Policy


@dataclass(frozen=True)
class Plan:
    """What the tracker gave, or what it gave last when it cannot be read now."""

    targets: pd.DataFrame
    quarantined: tuple[Quarantined, ...]
    read_at: datetime | None
    name: str


def gather(house: House, run: RunHandle, policy: Policy, *, full: bool = False) -> Inputs:
    """The run's inputs; kept in the record before anything is decided on them. full: without what would let a verdict be restated.

    Raises:
        TrackerUnreadable: the tracker cannot be read and no earlier plan is on the record.
        SpendRefused, SpendShapeError, SettingError: the warehouse cannot be read until somebody mends it.
    """
    if CONTEXT in house.frames.kept(run.run_id):
        return recorded(house, run.run_id, policy)
    inputs = _as_it_is(house, run, policy)
    if full:
        inputs = replace(inputs, memory=inputs.memory.assign(decided_seq=pd.array([None] * len(inputs.memory), dtype="Int64")))
    keep(house, run, inputs)
    return inputs


def _as_it_is(house: House, run: RunHandle, policy: Policy) -> Inputs:
    if house.sample is not None:
        house.sample.live_to(run.as_of)
    plan = _plan(house, run, policy)
    days_from, days_to = days_to_read(plan.targets, run.as_of, policy)
    spend = _spend(house, run, days_from, days_to)
    context = RunContext(run_id=run.run_id, as_of=run.as_of, window=run.window, live=run.live, code_version=run.code_version, tracker=plan.name,
                         tracker_read_at=plan.read_at, spend_source=house.settings.spend_source, sources=spend.sources, days_from=days_from,
                         days_to=days_to)
    memory = house.frames.standing("memory")
    return Inputs(run=context, policy=policy, targets=plan.targets, spend=spend.spend, loads=spend.loads, campaigns=spend.campaigns,
                  totals=spend.totals, memory=frames.MEMORY.empty() if memory is None else frames.MEMORY.check(memory),
                  patterns=house.patterns.in_force(run.as_of), history=house.incidents.history(run.as_of),
                  acts=house.acts.awaiting_effect(run.as_of), quarantined=(*plan.quarantined, *spend.quarantined))


def _plan(house: House, run: RunHandle, policy: Policy) -> Plan:
    """The tracker as it reads now; when it cannot be read, the plan of the last sealed run, with its age."""
    try:
        read = house.read_tracker(run.as_of, policy)
    except (TrackerUnreadable, Unavailable) as error:
        before = house.frames.standing("targets")
        if before is None:
            raise
        context = context_of(house.frames.standing(CONTEXT))
        said = Quarantined(source="tracker", place=house.tracker_name, reason=f"{error} The plan of the last run is used.")
        return Plan(frames.TARGETS.check(before), (said,), context.tracker_read_at or context.as_of, house.tracker_name)
    return Plan(read.targets, read.quarantined, run.as_of, house.tracker_name)


def _spend(house: House, run: RunHandle, days_from: datetime, days_to: datetime) -> SpendRead:
    """Spend as Snowflake gives it; when it does not answer, actuals are unavailable, which is never zero spend."""
    try:
        return house.spend(run.run_id).read(days_from, days_to)
    except SpendUnavailable as error:
        down = SourceState(source=house.settings.spend_source, available=False, why=str(error))
        return SpendRead(frames.SPEND.empty(), frames.LOADS.empty(), frames.CAMPAIGNS.empty(), frames.TOTALS.empty(), sources=(down,))


def keep(house: House, run: RunHandle, inputs: Inputs) -> None:
    """Keep the inputs, all of them or none."""
    said = pd.DataFrame({"run": [inputs.run.model_dump(mode="json")], "quarantined": [[row.model_dump(mode="json") for row in inputs.quarantined]]},
                        dtype="object")
    whole = {KEPT_AS.get(name, name): getattr(inputs, name) for name in INPUT_FRAMES if name not in LATER} | {CONTEXT: said}
    house.frames.keep_all(run.run_id, whole, by_week_of={"spend": "day"})
