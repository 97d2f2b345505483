"""A record on which many sequences are played, one after the other, each from the same start."""

from collections.abc import Iterator
from contextlib import ExitStack, closing, contextmanager
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import psycopg
from sqlalchemy import func, select

from audit import ledger
from audit.database import Database
from audit.ledger import Entry, Recorded
from audit.recommendations import Asked, Recommendation, of_row
from audit.runs import Opening
from audit.seal import Seal
from audit.tables import acts, recommendations, runs
from audit.verify import STEPS, verify
from connectors.snowflake_settings import SnowflakeSettings
from flows.local_postgres import EmbeddedPostgres
from pacing_brain import incidents as lifecycle
from pacing_brain import lifetime
from pacing_brain.answers import Extent
from pacing_brain.model import Incident, RunContext
from pacing_brain.policy import Policy
from tests.flows.desk import new_database
from tests.integration.answers.conftest import AT, settings
from tests.integration.answers.mortal import Fate, Mortal, Process, Reality
from tests.unit.notifiers import world

START = AT + timedelta(hours=1)
EXPIRES = timedelta(hours=6)  # after the last renewal: sooner than a run is too old to rely on
SMALL, LARGE = 60_000, 200_000  # a budget whose pause one person approves, and one that needs two


@dataclass
class Ground:
    """A record on which a run has asked for two pauses. A sequence is played in one transaction that is undone: its processes' own are savepoints of it."""

    postgres: EmbeddedPostgres
    template: str
    folder: Path
    now: datetime = START
    stack: ExitStack = field(default_factory=ExitStack)
    asked: dict[int, Incident] = field(default_factory=dict)

    def __post_init__(self) -> None:
        urls = self.stack.enter_context(new_database(self.postgres, self.template))
        self.settings = settings(urls, self.folder)
        self.policy = self.folder / "policy.toml"
        self.database = self.stack.enter_context(closing(Database(urls.app)))
        self.admin = self.stack.enter_context(psycopg.connect(urls.admin.replace("+psycopg", ""), autocommit=True))
        self.at(START)
        with self.sequence():
            found = seal(self.process(Reality()), [flight(SMALL), flight(LARGE)], {}, START)
            self.asked = {SMALL: found["campaign:F60000"], LARGE: found["campaign:F200000"]}
            self.connection.commit()

    @contextmanager
    def sequence(self) -> Iterator[None]:
        """Everything that happens in it is undone at its end, and the clock is back."""
        with self.database.engine.connect() as self.connection:
            self.at(START)
            yield
            self.connection.rollback()

    def verified(self) -> list[str]:
        """What is wrong with the ledger as it is now; that nobody anchors it is not."""
        found = verify(self.process(Reality()).database, [], [], now=self.now, max_age=timedelta.max, inputs=False).findings
        return [one.line for one in found if STEPS[one.step] != "anchors"]

    def at(self, instant: datetime) -> None:
        """The database clock shows an instant, and goes on from there."""
        self.now = instant
        self.admin.execute("INSERT INTO pacing.clock_offset (shift) VALUES (%s) ON CONFLICT (one) DO UPDATE SET shift = excluded.shift",
                           [instant - datetime.now(UTC)])

    def later(self, by: timedelta) -> None:
        self.at(self.now + by)

    def process(self, reality: Reality, fate: Fate | None = None) -> Process:
        """A process that starts now; it knows nothing but the record."""
        database = Mortal(self.database, self.connection, fate or Fate())
        return Process(self.settings, Policy(), database, SnowflakeSettings(), reality=reality, fate=database.fate)

    def of_flight(self, flight: str) -> list[Recommendation]:
        """Everything that was ever asked about it, the newest last."""
        order = recommendations.c.opened_at, recommendations.c.recommendation_id
        return [of_row(row) for row in self.connection.execute(recommendations.select().where(recommendations.c.flight_id == flight).order_by(*order))]

    def attempted_at(self, one: Recommendation) -> datetime | None:
        """When the pause was attempted last, by the record."""
        of_it = acts.c.recommendation_id == one.recommendation_id, acts.c.version == one.version
        found = self.connection.execute(acts.select().where(*of_it)).one_or_none()
        return found.attempted_at.astimezone(UTC) if found and found.attempted_at else None

    def newest_run(self) -> datetime:
        """Of when the newest sealed run is."""
        return self.connection.execute(select(func.max(runs.c.as_of)).where(runs.c.status == "sealed")).scalar_one().astimezone(UTC)

    def said(self, subject: str) -> list[Recorded]:
        return list(ledger.read(self.connection, subject=subject))


def flight(budget: int, **changes: Any) -> dict[str, Any]:
    """A flight far over plan, named after its budget."""
    name = f"F{budget}"
    return world.flight(**{"flight_id": name, "campaign_id": name, "budget_micros": budget * world.UNITS, "day_end": "2028-01-01T00:00:00Z"} | changes)


def seal(process: Process, rows: list[dict[str, Any]], before: dict[str, Incident], at: datetime, *, asks: bool = True) -> dict[str, Incident]:
    """One live run that finds the problems of flights, and asks about them or not; by scope. A run that stopped here before is completed."""
    opening = Opening(window=at, as_of=at, live=True, policy_digest=process.policy.digest, code_version="1", spend_source="s", tracker="t")
    found = [world.finding(row) for row in rows]
    with process.runs.open(opening) as run:
        changes = lifecycle.step(before.values(), found, RunContext(run_id=run.run_id, as_of=at, window=at), frozenset())
        incidents = {change.incident.finding.scope: change.incident for change in changes}
        if run.state != "sealed":
            seqs = process.runs.record_shard(run, 0, [Entry("campaign_decided", row["flight_id"], {"n": 0}) for row in rows])
            wanted = [_asked(row, incidents[one.scope], run.run_id, seq, at) for row, one, seq in zip(rows, found, seqs, strict=True)]
            process.runs.seal(run, Seal(summary={"campaigns": len(rows)}, incidents=changes, asks=wanted if asks else [], answers_seen=process.answers.seen(),
                                        extents={one.fingerprint: Extent.of(one) for one in found}))
    return incidents


def _asked(row: dict[str, Any], incident: Incident, run_id: str, seq: int, at: datetime) -> Asked:
    facts = {name: row[name] for name in ("currency", "actual_micros", "target_micros", "budget_micros", "direction")}
    return Asked(f"R-{incident.incident_id[2:]}-{run_id[-6:]}", incident.incident_id, incident.fingerprint, row["flight_id"], row["platform"], row["account_id"],
                 row["campaign_id"], run_id, seq, at, at + EXPIRES, lifetime.basis(row), facts, Extent.of(incident.finding))
