"""`pacing backtest`: the brain over a recorded history, window by window, knowing at each only what was known then.

It starts with empty memory and carries its own; what it learns it learns from this history. Nothing is recorded, told or asked.
"""

import gc
import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import datetime, timedelta
from pathlib import Path

import numpy as np
import pandas as pd

from connectors.history import History
from flows.asked_days import days_to_read
from flows.backtest_answers import Answered
from pacing_brain import frames, learning
from pacing_brain.brain import PacingBrain
from pacing_brain.errors import UsageError
from pacing_brain.model import Inputs, Outcome, RunContext
from pacing_brain.policy import Policy
from pacing_brain.zones import DAY, instant

PLAIN = ["flight_id", "severity", "lane", "action", "variance_pct", "unexplained_pct", "band_severity", "direction", "phase", "actual_micros",
         "target_micros", "watermark", "zero_delivery", "red_gates", "root_cause_code", "root_cause"]
FORECAST = ["forecast_micros", "forecast_lo_micros", "forecast_hi_micros"]
SEEN = [*learning.KEY, "loaded_at", "load_basis"]
SAY_EVERY_S = 15.0


def backtest(folder: Path, *, out: Path, policy: Path | None, learn: bool) -> int:
    """Decide every window of the history in `folder`; write one row per flight and window of its life to `out`.

    Raises:
        HistoryUnreadable, TrackerUnreadable: the history cannot be used.
        UsageError: `out` cannot be written.
    """
    if not out.parent.is_dir():
        raise UsageError(f"--out {out}: the folder {out.parent} does not exist")
    with _many_small_frames():
        history = History(folder)
        decided = pd.concat(list(_told(replayed(history, Policy() if policy is None else Policy.load(policy), learn=learn), len(history.windows))),
                            ignore_index=True)
    decided.to_parquet(out, index=False)
    print(f"pacing: {len(decided)} decisions on {decided['flight_id'].nunique()} flights in {out}", file=sys.stderr)  # noqa: T201
    return 0


@contextmanager
def _many_small_frames() -> Iterator[None]:
    """For frames of a few hundred rows: Arrow's fixed cost per operation on text, and the collector's walks over every module, would be a quarter of the run."""
    gc.freeze()
    try:
        with pd.option_context("mode.string_storage", "python"):
            yield
    finally:
        gc.unfreeze()


def replayed(history: History, policy: Policy, *, learn: bool = True) -> Iterator[pd.DataFrame]:
    """The rows of each window, in order."""
    brain, carried = PacingBrain.silent(), Carried(learn=learn, answers=history.answers)
    for as_of in history.windows:
        inputs = carried.inputs(history, as_of, policy)
        outcome = brain.decide(inputs)
        carried.keep(inputs, outcome)
        yield rows(outcome.decisions, as_of)


class Carried:
    """What one window leaves for the next: memory, patterns, and the loads that were seen."""

    def __init__(self, *, learn: bool, answers: pd.DataFrame) -> None:
        self._learn = learn
        self._answered = Answered(answers)
        self._memory, self._patterns = frames.MEMORY.empty(), frames.PATTERNS.empty()
        self._seen: list[pd.DataFrame] = []

    def inputs(self, history: History, as_of: datetime, policy: Policy) -> Inputs:
        """What a run at `as_of` would gather."""
        plan = history.plan(as_of, policy)
        days_from, days_to = days_to_read(plan.targets, as_of, policy)
        known = history.at(as_of, plan, pd.Timestamp(days_from).tz_localize(None))
        step = timedelta(hours=policy.schedule_hours)
        start = datetime(as_of.year, as_of.month, as_of.day, tzinfo=as_of.tzinfo)
        run = RunContext(run_id=f"{as_of:%Y%m%dT%H%MZ}", as_of=as_of, window=start + (as_of - start) // step * step, live=False,
                         tracker=history.name, tracker_read_at=as_of, spend_source=history.name, days_from=days_from, days_to=days_to)
        return Inputs(run=run, policy=policy, targets=known.targets, spend=known.spend, loads=known.loads, campaigns=known.campaigns,
                      totals=known.totals, memory=self._memory, patterns=self._known_at(as_of), quarantined=known.quarantined)

    def keep(self, inputs: Inputs, outcome: Outcome) -> None:
        """Carry on what a live run would leave on the record."""
        self._memory = outcome.memory
        if self._learn:
            self._patterns = self._answered.keep(outcome.decisions, inputs.patterns)
            self._seen.append(outcome.accounts[SEEN])
            self._learn_rhythms(inputs)

    def _known_at(self, as_of: datetime) -> pd.DataFrame:
        """The patterns in force, with what people have answered since the window before."""
        at = pd.Timestamp(as_of)
        known = self._answered.learn(self._patterns, at) if self._learn else self._patterns
        expired = known["expires_at"].le(at)
        return known[~expired] if expired.any() else known

    def _learn_rhythms(self, inputs: Inputs) -> None:
        """Once a day of the history: a rhythm needs several loads, so a day sooner or later changes nothing."""
        if inputs.run.as_of.hour >= inputs.policy.schedule_hours or not learning.lacks_rhythm(_loads(self._seen[-1]), inputs.patterns):
            return
        seen = pd.concat(self._seen).drop_duplicates()
        self._seen = [seen]
        new = learning.load_rhythms(_loads(seen), inputs.patterns, pd.Timestamp(inputs.run.as_of))
        if len(new):
            self._patterns = frames.PATTERNS.check(pd.concat([self._patterns, new], ignore_index=True))


def _loads(seen: pd.DataFrame) -> pd.DataFrame:
    return seen[seen["load_basis"].eq("loads")]


def rows(decisions: pd.DataFrame, as_of: datetime) -> pd.DataFrame:
    """The contract's columns of the flights that are between their start and their end, both included, at `as_of`."""
    at = instant(as_of)
    on = np.flatnonzero((decisions["day_start"].to_numpy(DAY) <= at) & (decisions["day_end"].to_numpy(DAY) >= at))
    said = {name: decisions[name].array.take(on) for name in (*PLAIN, *FORECAST, "score", "reasons")}
    named = [None if pd.isna(code) else f"{code.replace('_', ' ')}: {cause}" for code, cause in zip(said["root_cause_code"], said["root_cause"], strict=True)]
    changed = {"root_cause": pd.array(named, dtype="str"), "as_of": pd.Timestamp(as_of), "confidence": said["score"], "reasons": [" ".join(one) for one in said["reasons"]]}
    return pd.DataFrame({name: said[name] for name in PLAIN} | changed | {name: said[name] for name in FORECAST})


def _told(parts: Iterator[pd.DataFrame], total: int) -> Iterator[pd.DataFrame]:
    """Progress to stderr, now and then."""
    said = time.monotonic()
    for done, part in enumerate(parts, start=1):
        yield part
        if time.monotonic() - said > SAY_EVERY_S or done == total:
            said = time.monotonic()
            print(f"pacing: {done} of {total} windows decided", file=sys.stderr)  # noqa: T201
