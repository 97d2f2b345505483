"""Inputs of the brain as the sample world shows them, without a warehouse in between."""

from functools import lru_cache
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

import pandas as pd

from connectors.tracker import TrackerRead, read_tracker
from flows.world import World
from pacing_brain import frames
from pacing_brain.model import Inputs, RunContext
from pacing_brain.policy import Policy

KEYS = ["platform", "account_id", "campaign_id", "campaign_name", "currency", "day"]
SUMMED = ["spend_micros", "impressions", "clicks", "conversions"]


@lru_cache(maxsize=2)
def sample_world() -> World:
    return World.generate()


def grouped(spend: pd.DataFrame) -> pd.DataFrame:
    """Warehouse rows as the spend query groups them."""
    others = {name: (name, "first") for name in spend.columns if name not in [*KEYS, *SUMMED]}
    sums = {name: (name, "sum") for name in SUMMED}
    return frames.SPEND.check(spend.groupby(KEYS, dropna=False, as_index=False, sort=False).agg(**others, **sums, n_rows=("day", "size")))


def plan(world: World, as_of: Any, policy: Policy) -> TrackerRead:
    with TemporaryDirectory() as folder:
        path = Path(folder) / "tracker.csv"
        path.write_text(world.targets_csv(), encoding="utf-8")
        return read_tracker(str(path), as_of=as_of, policy=policy)


def inputs_of(world: World, at: Any = None, policy: Policy | None = None, **changes: Any) -> Inputs:
    """What a run at an instant (default: the world's own) would gather."""
    policy = policy or Policy()
    visible = world.at(at or world.as_of)
    as_of = visible.as_of.to_pydatetime()
    read = plan(world, as_of, policy)
    spend = grouped(visible.spend)
    totals = spend.groupby("currency", as_index=False).agg(n_rows=("n_rows", "sum"), spend_micros=("spend_micros", "sum"))
    run = RunContext(run_id=f"{as_of:%Y%m%dT%H%MZ}", as_of=as_of, window=as_of.replace(hour=as_of.hour // 4 * 4, minute=0))
    values = {"run": run, "policy": policy, "targets": read.targets, "spend": spend, "loads": frames.LOADS.check(visible.loads.assign(from_rows=False)),
              "campaigns": frames.CAMPAIGNS.empty(), "totals": frames.TOTALS.check(totals), "memory": frames.MEMORY.empty(),
              "patterns": frames.PATTERNS.empty(), "quarantined": read.quarantined}
    return Inputs(**(values | changes))
