"""`pacing demo`: the main job once, on the embedded default with the sample world, in a home of its own that starts afresh."""

import fcntl
import os
import shutil
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pandas as pd

from audit import clock
from audit.database import Database
from audit.outbox import OutgoingMessage
from flows import views
from flows.commands import details_of, run_window
from flows.demo_cases import Case, cases
from flows.local import Local
from flows.local_postgres import EmbeddedPostgres
from flows.run_pacing import Request
from flows.sample import SEED, SampleAgency
from flows.settings import Settings
from flows.views_demo import demo_report
from flows.views_money import adds_up
from flows.views_run import RunDetails
from flows.wiring import DATABASE, House, embedded_database, open_house
from flows.world import DEMO_AS_OF, World
from notifiers.message import Message
from notifiers.preview import html as as_html
from pacing_brain.errors import RunError, UsageError
from pacing_brain.model import Incident

FOLDER = "demo"
AGENCY = "sample"


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


def demo(*, html: Path | None, as_json: bool) -> int:
    """The demo; 0 when every labelled case came out as its label says and the money adds up, 1 else.

    1. a home without the data of the last demo; its servers side by side
    2. the clock of its database stands at the world's instant, and the world begins
    3. the main job, once, through Prefect
    4. what it left on the record, against the world's labels and money
    """
    started = time.monotonic()
    settings = Settings.embedded(FOLDER).model_copy(update={"console": "none"})
    with alone(settings.home):
        clear(settings.home)  # 1
        with Local(settings.home) as servers, embedded(servers) as postgres:
            set_clock(postgres)  # 2
            SampleAgency(settings.home, servers.warehouse).be_born(DEMO_AS_OF.to_pydatetime())  # type: ignore[arg-type]  # it is started
            summary = run_window(settings, Request(as_of=DEMO_AS_OF.to_pydatetime()))  # 3
            with open_house(settings, record_only=True) as house:
                shown = look_back(house, summary)  # 4
            _show(shown, html, time.monotonic() - started, as_json=as_json)
    return 0 if shown.ok else 1


@contextmanager
def alone(home: Path) -> Iterator[None]:
    """The demo's home for one demo at a time.

    Raises:
        RunError: another demo runs there now.
    """
    home.mkdir(parents=True, exist_ok=True)
    lock = os.open(home / "demo.lock", os.O_RDWR | os.O_CREAT, 0o600)
    try:
        fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
        yield
    except BlockingIOError:
        raise RunError(f"another demo runs in {home}. Wait for it to end, or give this one another PACING_HOME.") from None
    finally:
        os.close(lock)


def clear(home: Path) -> None:
    """Remove what the last demo left, but not what costs time to make again: the database cluster and Prefect's migrated template."""
    for name in ("warehouse", "prefect"):
        if not (home / f"{name}.json").exists():  # a server that was killed's child may still write there
            shutil.rmtree(home / name, ignore_errors=True)
    shutil.rmtree(home / AGENCY, ignore_errors=True)


@contextmanager
def embedded(servers: Local) -> Iterator[EmbeddedPostgres]:
    """The started Postgres with an empty, migrated record."""
    postgres = servers.postgres
    if postgres is None:
        raise RunError("the demo runs on the embedded Postgres, which is not started")
    admin = Database(postgres.admin_url(), pool_size=1)
    try:
        with admin.session() as connection:
            connection.exec_driver_sql(f"DROP DATABASE IF EXISTS {DATABASE} WITH (FORCE)")
    finally:
        admin.close()
    embedded_database(postgres)
    yield postgres


def set_clock(postgres: EmbeddedPostgres) -> None:
    """Let the database's clock stand at the world's instant and go on from there."""
    owner = Database(postgres.admin_url(DATABASE), pool_size=1)
    try:
        with owner.transaction() as connection:
            clock.set_offset(connection, DEMO_AS_OF.to_pydatetime() - clock.now(connection))
    finally:
        owner.close()


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


def _show(shown: Demo, html: Path | None, seconds: float, *, as_json: bool) -> None:
    if html is not None:
        _write(html, [Message(one.text, tuple(one.blocks)) for one in shown.messages])
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
