"""Fixtures: one embedded warehouse for the session; each test gets a database of its own in it."""

import itertools
from collections.abc import Iterator
from pathlib import Path

import pytest

from connectors.snowflake_settings import SnowflakeSettings
from flows.local_warehouse import EmbeddedWarehouse

_NUMBERS = itertools.count()


class Database:
    """A database of the embedded warehouse: run statements in it, log in to it."""

    def __init__(self, server: EmbeddedWarehouse, name: str) -> None:
        self.server = server
        self.settings = SnowflakeSettings(account="embedded", user="pacing", password="embedded", host="127.0.0.1", port=server.port,
                                          protocol="http", database=name, schema="PUBLIC", login_timeout_s=5, network_timeout_s=20,
                                          attempts=2, first_wait_s=0.01)

    def run(self, *statements: str) -> None:
        import snowflake.connector

        with snowflake.connector.connect(**self.settings.connect_arguments("test")) as connection:
            for statement in statements:
                connection.cursor().execute(statement)


@pytest.fixture(scope="session")
def warehouse_server(tmp_path_factory) -> Iterator[EmbeddedWarehouse]:
    server = EmbeddedWarehouse(Path(tmp_path_factory.mktemp("warehouse")))
    server.start()
    yield server
    server.stop()


@pytest.fixture
def database(warehouse_server) -> Database:
    return Database(warehouse_server, f"T{next(_NUMBERS)}")
