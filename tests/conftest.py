"""What the whole suite shares: the real servers, started once per process that runs tests, in directories of their own."""

import importlib.util
import itertools
import os
import shutil
import tempfile
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import cast

import hypothesis
import pytest

from flows.local_postgres import EmbeddedPostgres
from flows.local_prefect import ChildPrefect
from flows.local_warehouse import EmbeddedWarehouse
from tests.system_postgres import SystemPostgres, found

DEEP = os.environ.get("PACING_TEST_DEEP") == "1"
hypothesis.settings.register_profile("shared", deadline=None, max_examples=100 if DEEP else 25)  # a busy machine is no fault of the code
hypothesis.settings.load_profile("shared")

APP_LOGIN = "pacing_app_test"
TEMPLATE = "pacing_template"
_numbers = itertools.count(1)


SLOW_FIRST = ("crash", "flows", "integration", "browser", "contract")  # few long tests start first, so that no worker ends with them alone


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """Long tests first. Needs `--no-loadscope-reorder`, or xdist sorts by the number of tests instead."""
    here = Path(__file__).parent
    order = {name: number for number, name in enumerate(SLOW_FIRST)}
    items.sort(key=lambda item: order.get(item.path.relative_to(here).parts[0], len(order)))


@dataclass(frozen=True)
class Database:
    """SQLAlchemy URLs of one database: as the role that may migrate, and as the application's."""

    name: str
    admin: str
    app: str


@pytest.fixture(scope="session")
def short_tmp() -> Iterator[Path]:
    """A directory with a path short enough for Unix sockets."""
    directory = Path(tempfile.mkdtemp(prefix="pacing-test-"))
    yield directory
    shutil.rmtree(directory, ignore_errors=True)


@pytest.fixture(scope="session")
def postgres(short_tmp: Path) -> Iterator[EmbeddedPostgres]:
    """A Postgres server of this test process; PACING_TEST_SYSTEM_POSTGRES=1: the system's, for the tests of the record on another version."""
    if os.environ.get("PACING_TEST_SYSTEM_POSTGRES") == "1":
        programs = found()
        assert programs is not None, "no PostgreSQL of the system in /usr/lib/postgresql"
        with SystemPostgres(programs) as server:
            yield cast("EmbeddedPostgres", server)
        return
    with EmbeddedPostgres(short_tmp, durable=False) as server:
        yield server


@pytest.fixture(scope="session")
def warehouse(short_tmp: Path) -> Iterator[EmbeddedWarehouse]:
    """A Snowflake-protocol server of this test process; every test loads what it needs (`load` replaces)."""
    with EmbeddedWarehouse(short_tmp) as server:
        yield server


@pytest.fixture(scope="session")
def prefect_server(short_tmp: Path) -> Iterator[ChildPrefect]:
    """A Prefect server of this test process; its `client_environment()` is for processes that run flows."""
    with ChildPrefect(short_tmp) as server:
        yield server


@pytest.fixture(scope="session")
def template_database(postgres: EmbeddedPostgres) -> str:
    """Name of a migrated database that is only copied from."""
    _execute(postgres, f'CREATE DATABASE "{TEMPLATE}"')
    if importlib.util.find_spec("audit.migrate") is None:
        _execute(postgres, f'CREATE ROLE "{APP_LOGIN}" LOGIN')
    else:
        from audit.migrate import upgrade

        upgrade(postgres.admin_url(TEMPLATE), app_login=APP_LOGIN)
    return TEMPLATE


@pytest.fixture
def fresh_database(postgres: EmbeddedPostgres, template_database: str) -> Iterator[Database]:
    """A migrated, empty database of the test's own."""
    name = f"pacing_test_{next(_numbers)}"
    _execute(postgres, f'CREATE DATABASE "{name}" TEMPLATE "{template_database}"')
    yield Database(name, postgres.admin_url(name), postgres.url(APP_LOGIN, name))
    _execute(postgres, f'DROP DATABASE "{name}" WITH (FORCE)')


def _execute(postgres: EmbeddedPostgres, statement: str) -> None:
    import psycopg

    with psycopg.connect(postgres.admin_url().replace("+psycopg", ""), autocommit=True) as connection:
        connection.execute(statement)
