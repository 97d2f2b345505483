"""What the crash tests share: a warehouse and a plan of the sample agency, a Slack, and processes that run its windows."""

import itertools
import json
import multiprocessing
import os
from collections.abc import Iterator
from copy import deepcopy
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest

from audit import clock, ledger
from audit.database import Database
from flows.local_postgres import EmbeddedPostgres
from flows.local_warehouse import EmbeddedWarehouse
from tests.conftest import APP_LOGIN, _execute
from tests.conftest import Database as Urls
from tests.crash import driver
from tests.fakes import slack_server
from tests.fakes.slack_server import SlackServer
from tests.worlds import sample_world

DEEP = os.environ.get("PACING_TEST_DEEP") == "1"
AT = datetime(2026, 11, 5, 8, tzinfo=UTC)
BEFORE = AT - timedelta(hours=4)
LONGEST_S = 120.0
_numbers = itertools.count(1)
_processes = multiprocessing.get_context("forkserver")  # imports once, then forks: a start costs what the window costs
_processes.set_forkserver_preload(["tests.crash.driver"])


@dataclass(frozen=True)
class Agency:
    """The sample agency as its windows see it, at an instant that can be moved."""

    environment: dict[str, str]
    warehouse: EmbeddedWarehouse
    slack: SlackServer
    folder: Path

    def show(self, at: datetime) -> None:
        """The warehouse holds what it held at an instant."""
        visible = sample_world().at(at)
        self.warehouse.load(visible.spend, visible.loads)

    def start(self, database: Urls, at: datetime = AT, place: str | None = None, start_at: float = 0.0) -> "Started":
        """A process that runs the window of an instant, and dies at a place, if one is named."""
        out = self.folder / f"run{next(_numbers)}.json"
        environment = self.environment | {"PACING_DATABASE_URL": database.app, "SLACK_API_URL": self.slack.api_url,
                                          "PACING_ANCHOR_DIR": str(self.folder / "anchors" / database.name)}
        process = _processes.Process(target=driver.main, args=(environment, at.isoformat(), str(out), place, start_at))
        process.start()
        return Started(process, out)

    def run(self, database: Urls, at: datetime = AT) -> dict[str, Any]:
        code, summary = self.start(database, at).ended()
        assert code == 0
        assert summary is not None
        assert "error" not in summary, summary
        return summary


@dataclass(frozen=True)
class Started:
    process: Any
    out: Path

    def ended(self) -> tuple[int, dict[str, Any] | None]:
        """(exit code, summary or error); a killed process has -9 and none."""
        self.process.join(LONGEST_S)
        if self.process.is_alive():
            self.process.kill()
            pytest.fail("a window took too long")
        return self.process.exitcode, json.loads(self.out.read_text()) if self.out.exists() else None


@pytest.fixture(scope="module")
def slack() -> Iterator[SlackServer]:
    with slack_server.running(SlackServer(token="xoxb-test")) as server:
        yield server


@pytest.fixture(scope="module")
def agency(warehouse: EmbeddedWarehouse, slack: SlackServer, short_tmp: Path) -> Agency:
    folder = short_tmp / "crash"
    folder.mkdir(exist_ok=True)
    (folder / "plan.csv").write_text(sample_world().targets_csv(), encoding="utf-8")
    snowflake = {f"SNOWFLAKE_{name.upper()}": str(value) for name, value in warehouse.connect_kwargs().items()}
    outer = {name: value for name, value in os.environ.items() if not name.startswith(("PREFECT_", "PACING_", "SNOWFLAKE_", "SLACK_"))}
    return Agency(outer | snowflake | {"PACING_HOME": str(folder), "PACING_TRACKER": str(folder / "plan.csv"), "SLACK_BOT_TOKEN": "xoxb-test",
                                       "SLACK_CHANNEL": "C0TEST"}, warehouse, slack, folder)


@dataclass
class Base:
    """A database to start from and what Slack shows then; each case gets a copy of both."""

    postgres: EmbeddedPostgres
    name: str
    agency: Agency
    messages: list[slack_server.Posted]

    def copy(self) -> Urls:
        name = f"crash_{next(_numbers)}"
        _execute(self.postgres, f'CREATE DATABASE "{name}" TEMPLATE "{self.name}"')
        self.agency.slack.messages = deepcopy(self.messages)
        urls = Urls(name, self.postgres.admin_url(name), self.postgres.url(APP_LOGIN, name))
        shift_to(urls, AT)
        return urls

    def drop(self, database: Urls) -> None:
        _execute(self.postgres, f'DROP DATABASE "{database.name}" WITH (FORCE)')


@pytest.fixture(scope="module")
def first(postgres: EmbeddedPostgres, template_database: str, agency: Agency) -> Base:
    """An agency that never ran a window."""
    agency.show(AT)
    return Base(postgres, template_database, agency, [])


@pytest.fixture(scope="module")
def second(first: Base, agency: Agency) -> Base:
    """An agency whose window of four hours ago is sealed and told: the present one restates, updates and replies besides."""
    urls = first.copy()
    agency.show(BEFORE)
    shift_to(urls, BEFORE)
    agency.run(urls, BEFORE)
    agency.show(AT)
    return Base(first.postgres, urls.name, agency, deepcopy(agency.slack.messages))


def shift_to(urls: Urls, instant: datetime) -> None:
    """Let the database's clock show an instant."""
    database = Database(urls.admin)
    with database.transaction() as connection:
        clock.set_offset(connection, instant - datetime.now(UTC))
    database.close()


def recorded(urls: Urls) -> list[ledger.Recorded]:
    database = Database(urls.app)
    with database.transaction() as connection:
        entries = list(ledger.read(connection))
    database.close()
    return entries
