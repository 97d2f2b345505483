"""What the tests of the flows share: a home with a live sample agency, a line to Prefect, and processes that run windows."""

import json
import os
import re
import subprocess
import sys
import time
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import pytest
from sqlalchemy import make_url

from audit import clock, ledger
from audit.database import Database
from flows.local_prefect import QUIET, ChildPrefect
from flows.local_warehouse import EmbeddedWarehouse
from tests.fakes.prefect_line import PrefectLine

ROOT = Path(__file__).parents[2]
NOON = datetime(2026, 5, 21, 12, 0, tzinfo=UTC)
AT = re.compile(r'"at":"[^"]*"')


@dataclass(frozen=True)
class Ended:
    code: int
    out: str
    err: str
    seconds: float

    @property
    def summary(self) -> dict[str, Any]:
        return json.loads(self.out.splitlines()[-1])  # type: ignore[no-any-return]


@pytest.fixture
def line(prefect_server: ChildPrefect) -> Iterator[PrefectLine]:
    """The line to the Prefect server of this test process."""
    with PrefectLine(prefect_server.port) as line:
        yield line


def environment(home: Path, database_url: str, api_url: str, prefect_home: Path) -> dict[str, str]:
    """Of a process that runs flows on a database of its own; nothing of the outer environment's own settings."""
    outer = {name: value for name, value in os.environ.items() if not name.startswith(("PREFECT_", "PACING_", "SNOWFLAKE_", "SLACK_"))}
    return outer | QUIET | {"PACING_HOME": str(home), "PACING_DATABASE_URL": database_url, "PREFECT_API_URL": api_url,
                            "PREFECT_HOME": str(prefect_home), "PACING_ANCHOR_DIR": str(home / "anchors" / str(make_url(database_url).database))}


def run_window(env: dict[str, str], when: str = "never", mode: str = "open", port: int = 0, as_of: datetime = NOON) -> Ended:
    """Run one window in a process of its own (`tests/flows/window.py`)."""
    started = time.monotonic()
    command = [sys.executable, "-m", "tests.flows.window", when, mode, str(port), as_of.isoformat()]
    done = subprocess.run(command, cwd=ROOT, env=env, capture_output=True, text=True, timeout=240, check=False)
    return Ended(done.returncode, done.stdout, done.stderr, round(time.monotonic() - started, 1))


def shift_to(admin_url: str, instant: datetime) -> None:
    """Let the database's clock show an instant."""
    database = Database(admin_url)
    with database.transaction() as connection:
        clock.set_offset(connection, instant - datetime.now(UTC))
    database.close()


def recorded(url: str) -> list[str]:
    """The ledger's exact bytes, without the instants at which its entries were written."""
    database = Database(url)
    with database.transaction() as connection:
        bodies = [AT.sub('"at":""', entry.body.decode(), count=1)
                  for entry in ledger.read(connection)]
    database.close()
    return bodies


@pytest.fixture(scope="session")
def flows_home(warehouse: EmbeddedWarehouse, short_tmp: Path) -> Path:
    """The home whose warehouse the windows share; its sample agency is born at the first of them."""
    return short_tmp
