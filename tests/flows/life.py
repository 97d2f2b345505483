"""Windows lived through, one after the other: memory and incidents are carried from each to the next, as the record carries them."""

import itertools
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

import pandas as pd

from flows.recording import unjudged
from flows.world import World
from pacing_brain import frames, incidents
from pacing_brain.brain import PacingBrain
from pacing_brain.model import Incident, IncidentChange, Outcome
from tests.worlds import inputs_of

WINDOW = pd.Timedelta(hours=4)


@dataclass(frozen=True)
class Lived:
    """A window: what was decided, what became of the incidents, and which are open after it."""

    at: pd.Timestamp
    outcome: Outcome
    changes: list[IncidentChange]
    still_open: dict[str, Incident]  # by fingerprint

    @property
    def flights(self) -> pd.DataFrame:
        return self.outcome.decisions.set_index("flight_id")

    @property
    def accounts(self) -> pd.DataFrame:
        return self.outcome.accounts.set_index(["platform", "account_id"])


def live(world: World, first: Any, windows: int) -> Iterator[Lived]:
    """The windows of a world from `first` on."""
    brain, memory, still_open, numbers = PacingBrain(), frames.MEMORY.empty(), dict[str, Incident](), itertools.count()
    for at in pd.date_range(pd.Timestamp(first), periods=windows, freq=WINDOW):
        inputs = inputs_of(world, at, memory=memory)
        outcome = brain.decide(inputs)
        changes = incidents.step(still_open.values(), outcome.findings, inputs.run, unjudged(outcome))
        for change in changes:
            if change.kind == "resolved":
                del still_open[change.incident.fingerprint]
            else:
                still_open[change.incident.fingerprint] = change.incident
        yield Lived(at, outcome, changes, dict(still_open))
        memory = _numbered(outcome, numbers)


def _numbered(outcome: Outcome, numbers: Iterator[int]) -> pd.DataFrame:
    """Memory with the number of the entry that stands for each decision: its own, or that of the one it restates."""
    standing = [seq if restated else next(numbers) for seq, restated in zip(
        outcome.decisions["restates_seq"], outcome.decisions["restated"].astype(bool), strict=True)]
    return outcome.memory.assign(decided_seq=pd.array(standing, dtype="Int64"))
