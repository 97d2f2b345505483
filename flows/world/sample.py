"""The sample agency: what runs when neither a tracker nor a warehouse is configured. It lives: each run sees its present instant."""

import json
from datetime import UTC, datetime, timedelta
from pathlib import Path

from flows.local_warehouse import EmbeddedWarehouse
from flows.world import World

SEED = 7
LIVES_FOR = timedelta(days=8)  # then its flights are over, and a new one begins


class SampleAgency:
    """A sample world under `home/sample`: its tracker is a file, its spend is loaded into the embedded warehouse."""

    def __init__(self, home: Path, warehouse: EmbeddedWarehouse) -> None:
        self.folder = home.expanduser().resolve() / "sample"
        self.tracker = self.folder / "tracker.csv"
        self._warehouse = warehouse

    def live_to(self, as_of: datetime) -> None:
        """Let the world be as it is visible at an instant."""
        self.folder.mkdir(parents=True, exist_ok=True)
        world = self._world(as_of)
        self.tracker.write_text(world.targets_csv(), encoding="utf-8")
        visible = world.at(as_of)
        self._warehouse.load(visible.spend, visible.loads)

    def be_born(self, at: datetime) -> None:
        """Begin a new world: its cases are what they are called at this instant."""
        self.folder.mkdir(parents=True, exist_ok=True)
        self._birth.write_text(json.dumps({"seed": SEED, "as_of": at.isoformat()}), encoding="utf-8")

    def _world(self, as_of: datetime) -> World:
        """The world of this home; a new one when it is older than its flights."""
        born = self._born()
        if born is None or not timedelta(0) <= as_of - born < LIVES_FOR:
            born = as_of.astimezone(UTC)
            self.be_born(born)
        return World.generate(seed=SEED, as_of=born)

    def _born(self) -> datetime | None:
        return datetime.fromisoformat(json.loads(self._birth.read_text(encoding="utf-8"))["as_of"]) if self._birth.exists() else None

    @property
    def _birth(self) -> Path:
        return self.folder / "born.json"
