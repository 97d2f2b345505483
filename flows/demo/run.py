"""What a demo does once its servers are up: the stage, the run, and what came of it against what the sample world knows of itself."""

import time
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pandas as pd

from audit import clock
from audit.database import Database
from audit.outbox import OutgoingMessage
from flows import views
from flows.commands.run import details_of, run_window
from flows.demo.cards import with_buttons
from flows.demo.cases import Case, cases
from flows.local_postgres import EmbeddedPostgres
from flows.local_warehouse import EmbeddedWarehouse
from flows.run_pacing import Request
from flows.world.sample import SEED, SampleAgency
from flows.settings import Settings
from flows.views.demo import demo_report
from flows.views.money import adds_up
from flows.views.run import RunDetails
from flows.wiring import DATABASE, House, embedded_database, open_house
from flows.world import DEMO_AS_OF, World
from notifiers.message import Message
from notifiers.preview import html as as_html
from pacing_brain.errors import UsageError
from pacing_brain.model import Incident
from pacing_brain.policy import Policy

AS_OF = DEMO_AS_OF.to_pydatetime()


@dataclass(frozen=True)
class Demo:
    """What a demo run left on the record, beside what the world knows of itself."""

    settings: Settings
    summary: dict[str, Any]
    details: RunDetails
    incidents: list[Incident]
    messages: list[OutgoingMessage]
    cases: list[Case]
    world_micros: dict[str, int]

    @property
    def ok(self) -> bool:
        """Every case came to what its label asks for, and the buckets are the world's own money, to the micro."""
        return all(case.ok for case in self.cases) and adds_up(self.summary["spend_micros"], self.world_micros)


def set_stage(settings: Settings) -> None:
    """An empty, migrated record whose clock stands at the world's instant and goes on from there; and a world that begins then."""
    with EmbeddedPostgres(settings.home) as postgres:
        _execute(postgres.admin_url(), f"DROP DATABASE IF EXISTS {DATABASE} WITH (FORCE)")
        embedded_database(postgres)
        owner = Database(postgres.admin_url(DATABASE), pool_size=1)
        try:
            with owner.transaction() as connection:
                clock.set_offset(connection, AS_OF - clock.now(connection))
        finally:
            owner.close()
    SampleAgency(settings.home, EmbeddedWarehouse(settings.home)).be_born(AS_OF)


def _execute(url: str, statement: str) -> None:
    database = Database(url, pool_size=1)
    try:
        with database.session() as connection:
            connection.exec_driver_sql(statement)
    finally:
        database.close()


def perform(settings: Settings) -> Demo:
    """The main job once, and what it left on the record."""
    summary = run_window(settings, Request(as_of=AS_OF))
    with open_house(settings, record_only=True) as house:
        return look_back(house, summary)


def look_back(house: House, summary: dict[str, Any]) -> Demo:
    """Read the demo from the record, and hold it against the world."""
    run_id, world = summary["run_id"], World.generate(seed=SEED, as_of=DEMO_AS_OF)
    details, incidents = details_of(house, summary), house.incidents.open()
    planned = dict(zip(world.targets["Flight ID"], world.targets["Campaign Name"], strict=True))
    judged = cases(world.labels, planned, house.frames.load(run_id, "decisions"), incidents, details.quarantined)
    return Demo(house.settings, summary, details, incidents, house.outbox.of_run(run_id), judged, world_micros(world, summary["days"]))


def world_micros(world: World, days: dict[str, str]) -> dict[str, int]:
    """The world's own spend in the days that were read, per currency."""
    read = world.spend["day"].between(pd.Timestamp(days["from"]), pd.Timestamp(days["to"]))
    return {str(code): int(micros) for code, micros in world.spend[read].groupby("currency")["spend_micros"].sum().items()}


def show(shown: Demo, html: Path | None, started: float, *, as_json: bool) -> None:
    """Everything on standard output. started: by the monotonic clock."""
    seconds = time.monotonic() - started
    if html is not None:
        asked = with_buttons(shown.incidents, DEMO_AS_OF, Policy().approvals.expires_after_hours)
        _write(html, [Message(one.text, tuple(one.blocks)) for one in shown.messages] + asked)
    if as_json:
        views.emit({"labels_ok": all(case.ok for case in shown.cases), "money_ok": adds_up(shown.summary["spend_micros"], shown.world_micros),
                    "run": shown.summary, "cases": [case.as_json() for case in shown.cases], "world_micros": shown.world_micros,
                    "home": str(shown.settings.home), "html": None if html is None else str(html), "seconds": round(seconds, 1)})
    else:
        views.show(demo_report(shown.summary, shown.details, shown.incidents, shown.messages, shown.cases, shown.world_micros,
                               home=shown.settings.home, html=html, seconds=seconds))


def _write(html: Path, messages: list[Message]) -> None:
    try:
        html.write_text(as_html(*messages), encoding="utf-8")
    except OSError as error:
        raise UsageError(f"--html {html} cannot be written: {error.strerror}. Choose another file.") from error
