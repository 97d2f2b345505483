"""Processes that die or fall asleep at any seam, and the platform on which they pause a campaign: every real change is counted."""

from collections import Counter
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from datetime import UTC, datetime
from types import SimpleNamespace
from typing import Any

import pandas as pd
from sqlalchemy import Connection

from audit.database import Database, translated
from connectors.platforms.model import Live, State
from flows.wiring import House
from pacing_brain import frames
from pacing_brain.errors import PlatformRefused, PlatformUnavailable, SpendUnavailable
from pacing_brain.model import RunContext
from tests.unit.notifiers import world

AT = datetime(2026, 11, 18, 8, tzinfo=UTC)
PLANNED = world.flight(row=2)
TARGETS = frames.TARGETS.check(pd.DataFrame([{name: PLANNED[name] for name in ("row", "flight_id", "campaign_id", "platform", "account_id", "currency", "budget_micros", "curve")}
                                             | {name: pd.Timestamp(PLANNED[name]) for name in ("start_date", "end_date")}]))
SPEND = frames.SPEND.check(pd.DataFrame([{"platform": "google", "account_id": PLANNED["account_id"], "campaign_id": "4711", "campaign_name": "a", "currency": "GBP",
                                          "timezone": "UTC", "day": pd.Timestamp("2026-11-17"), "spend_micros": 1, "n_rows": 1, "loaded_at": pd.Timestamp(AT)}]))
KEPT = {"targets": TARGETS, "context": pd.DataFrame([{"run": RunContext(run_id="", as_of=AT, window=AT, days_from=AT, days_to=AT).model_dump(mode="json"),
                                                     "quarantined": []}])}


class Killed(BaseException):
    """The process died here."""


@dataclass
class Fate:
    """What becomes of a process at its `seam`-th seam: it dies, or (asleep) something else goes on while it stands still. 0: nothing."""

    seam: int = 0
    asleep: Callable[[], None] | None = None
    passed: int = 0

    def reach(self, *, held: bool = False) -> None:
        """A seam. held: it holds rows here, so that whoever else works would wait for it; it sleeps at the next one."""
        self.passed += 1
        if not self.seam or self.passed < self.seam or (held and self.asleep):
            return
        self.seam = 0
        if self.asleep is None:
            raise Killed
        self.asleep()


@dataclass
class Reality:
    """The campaign as it is, and what the platform's calls come to. judge: raises unless we may pause it now; names the approval by which we do."""

    clock: Callable[[], datetime] = lambda: AT
    judge: Callable[[], str] = lambda: ""
    flight_id: str = ""
    campaign_id: str = ""
    state: State = "serving"
    changed_at: datetime | None = None
    ours: Counter[str] = field(default_factory=Counter)  # real changes of the status by us, by approval
    reads: list[str] = field(default_factory=list)  # faults to come: unavailable | refused | stale
    writes: list[str] = field(default_factory=list)  # refused | not sent | lost before | lost after | without effect
    answered: bool = False  # whether a write of ours was
    spends: str = "over"  # what the brain would say with the newest spend: over | on plan | away

    def person(self, state: State) -> None:
        """Somebody changes it by hand."""
        self.state, self.changed_at = state, self.clock()


class Mortal(Database):
    """The database of a process that dies, before a commit or after it: its transactions are savepoints of one that is undone in the end."""

    def __init__(self, database: Database, connection: Connection, fate: Fate) -> None:
        self.url, self.engine, self.connection, self.fate = database.url, database.engine, connection, fate

    @contextmanager
    def transaction(self) -> Iterator[Connection]:
        with translated(self.url), self.connection.begin_nested():
            yield self.connection
            self.fate.reach(held=True)
        self.fate.reach()

    @contextmanager
    def snapshot(self) -> Iterator[Connection]:
        """Nobody else writes."""
        yield self.connection

    def session(self) -> Any:
        """Of the same connection, which may hold a window as often as it likes: there is nobody else here."""
        return SimpleNamespace(execute=self.connection.execute, close=lambda: None, engine=self.engine)


@dataclass
class Handle:
    """What a process has of the platform: a `Platform`."""

    reality: Reality
    fate: Fate
    name: str = "google"

    def read(self, account_id: str, campaign_id: str) -> Live:
        assert campaign_id == self.reality.campaign_id
        fault = self.reality.reads.pop(0) if self.reality.reads else ""
        self.fate.reach()
        if fault == "unavailable":
            raise PlatformUnavailable("no answer")
        if fault == "refused":
            raise PlatformRefused("a token that ended")
        state: State = "serving" if fault == "stale" and self.reality.state == "paused" else self.reality.state
        self.fate.reach()
        return Live(campaign_id, state, state, self.reality.changed_at)

    def pause(self, account_id: str, campaign_id: str) -> None:
        assert campaign_id == self.reality.campaign_id
        fault = self.reality.writes.pop(0) if self.reality.writes else ""
        self.fate.reach()
        if fault == "refused":
            raise PlatformRefused("no permission")
        if fault in ("not sent", "lost before"):
            raise PlatformUnavailable("no answer", outcome_unknown=fault == "lost before")
        approval = self.reality.judge()
        if self.reality.state == "serving" and fault != "without effect":
            self.reality.state, self.reality.changed_at = "paused", self.reality.clock()
            self.reality.ours[approval] += 1
        self.reality.answered = True
        self.fate.reach()
        if fault == "lost after":
            raise PlatformUnavailable("no answer", outcome_unknown=True)

    def resume(self, account_id: str, campaign_id: str) -> None:
        raise AssertionError("resuming is never automatic")

    def close(self) -> None:
        """Nothing is open."""


@dataclass
class Process(House):
    """A house whose outside is `reality`, in which every transaction and every call is a seam."""

    reality: Reality = field(kw_only=True)
    fate: Fate = field(kw_only=True)

    def platform(self, name: str) -> Handle:
        return Handle(self.reality, self.fate, name)

    def spend(self, run_id: str) -> Any:
        return SimpleNamespace(read_campaign=self._read_campaign)

    def _read_campaign(self, *_: object) -> pd.DataFrame:
        self.fate.reach()
        if self.reality.spends == "away":
            raise SpendUnavailable("Snowflake did not answer.")
        return SPEND

    @property
    def frames(self) -> Any:
        """What the newest run had read: one line of the plan; what the brain makes of it, `brain` says."""
        return SimpleNamespace(load=lambda _, name: KEPT[name], kept=lambda _: KEPT)

    @property
    def anchors(self) -> Any:
        """The newest is of this moment: what is undone is not signed."""
        return SimpleNamespace(age_s=lambda _: 0.0)

    @property
    def brain(self) -> Any:
        over = self.reality.spends == "over"
        decision = {"flight_id": self.reality.flight_id, "action": "recommend_halt" if over else "log_only", "direction": "over" if over else "none",
                    "reasons": ["The newest spend says so."]}
        return SimpleNamespace(decide=lambda _: SimpleNamespace(decisions=pd.DataFrame([decision])))
