"""A house that is well, in real parts, for the doctor's tests: each test breaks one thing in it."""

import json
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from datetime import UTC, datetime, timedelta
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path

import pytest

from flows.doctor import diagnose
from flows.doctor.checks import Check
from tests.fakes import slack_server
from tests.fakes.slack_server import SlackServer
from tests.integration.connectors.warehouse_database import Database, database, warehouse_server

__all__ = ["Diagnosis", "House", "clean_environment", "database", "house", "slack", "warehouse_server"]

SPEND = ("CREATE TABLE CAMPAIGN_SPEND (PLATFORM TEXT, ACCOUNT_ID TEXT, CAMPAIGN_ID TEXT, CAMPAIGN_NAME TEXT, CURRENCY TEXT, DAY DATE, "
         "SPEND NUMBER(38,6), LOADED_AT TIMESTAMP_NTZ)")
LOADS = "CREATE TABLE ACCOUNT_LOADS (ACCOUNT_ID TEXT, LOADED_AT TIMESTAMP_NTZ)"
TRACKER = ("campaign_id,campaign_name,platform,budget,currency,start_date,end_date\n"
           "1,Acme,google,1000,USD,2026-01-01,2026-12-31\n")


class Diagnosis:
    """What the doctor said."""

    def __init__(self, checks: list[Check]) -> None:
        self.checks = checks

    @property
    def problems(self) -> list[str]:
        return [f"{check.part}: {check.what}" for check in self.checks if check.state == "problem"]

    def named(self, problem: str) -> str:
        """The problem's words and its mend; it is there, and so is a mend."""
        found = [check for check in self.checks if check.state == "problem" and f"{check.part}: {check.what}" == problem]
        assert len(found) == 1, self.problems
        assert found[0].mend
        return f"{found[0].says} {found[0].mend}"

    @property
    def text(self) -> str:
        return "\n".join(f"{check.part} {check.what} {check.state} {check.says} {check.mend}" for check in self.checks)


@pytest.fixture
def clean_environment(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> Iterator[Path]:
    """A folder of the test's own without a setting in the environment."""
    import os

    for name in os.environ:
        if name.startswith(("PACING_", "SNOWFLAKE_", "SLACK_", "PREFECT_")):
            monkeypatch.delenv(name)
    monkeypatch.chdir(tmp_path)
    return tmp_path


@pytest.fixture
def slack() -> Iterator[SlackServer]:
    with slack_server.running() as server:
        yield server


@contextmanager
def snowflake_that_refuses(code: str, message: str) -> Iterator[int]:
    """The port of a server that takes every login and refuses every query, as Snowflake does it."""
    welcome = {"success": True, "data": {"token": "t", "masterToken": "m", "serverVersion": "9", "parameters": [], "sessionInfo": {}}}
    refused = {"success": False, "code": code, "message": message, "data": {"errorCode": code, "sqlState": "42501", "queryId": "q"}}

    class Handler(BaseHTTPRequestHandler):
        def do_POST(self) -> None:
            self.rfile.read(int(self.headers["Content-Length"]))
            answer = json.dumps(welcome if "login-request" in self.path else refused if "query-request" in self.path else {"success": True}).encode()
            self.send_response(200)
            self.send_header("Content-Length", str(len(answer)))
            self.end_headers()
            self.wfile.write(answer)

        def log_message(self, *_args: object) -> None:
            return

    server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
    thread = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.02}, daemon=True)
    thread.start()
    try:
        yield server.server_port
    finally:
        server.shutdown()
        server.server_close()
        thread.join()


class House:
    """Settings as the environment has them; `set` changes them, None takes one away."""

    def __init__(self, monkeypatch: pytest.MonkeyPatch, folder: Path, warehouse: Database) -> None:
        self._environment, self.folder, self.warehouse = monkeypatch, folder, warehouse

    def set(self, **settings: object) -> None:
        for name, value in settings.items():
            self._environment.delenv(name, raising=False) if value is None else self._environment.setenv(name, str(value))

    def spend(self, loaded: datetime | None = None) -> None:
        """A day of spend of one account, loaded an hour ago."""
        at = loaded or datetime.now(UTC) - timedelta(hours=1)
        stamp = f"{at:%Y-%m-%d %H:%M:%S}"
        self.warehouse.run(SPEND, f"INSERT INTO CAMPAIGN_SPEND VALUES ('google','A','1','Acme','USD','{datetime.now(UTC):%Y-%m-%d}',1.5,'{stamp}')",
                           LOADS, f"INSERT INTO ACCOUNT_LOADS VALUES ('A','{stamp}')")

    def examine(self, now: Callable[[], datetime] = lambda: datetime.now(UTC), limit_s: float = 60.0) -> Diagnosis:
        return Diagnosis(diagnose(now, limit_s))


@pytest.fixture
def house(monkeypatch: pytest.MonkeyPatch, clean_environment: Path, database: Database) -> House:
    """Snowflake of the test's own (without tables), and a tracker of one row; nothing else is configured."""
    house = House(monkeypatch, clean_environment, database)
    (clean_environment / "plan.csv").write_text(TRACKER, encoding="utf-8")
    login = database.settings
    house.set(PACING_TRACKER="plan.csv", SNOWFLAKE_ACCOUNT=login.account, SNOWFLAKE_USER=login.user, SNOWFLAKE_PASSWORD="sesame",
              SNOWFLAKE_HOST=login.host, SNOWFLAKE_PORT=login.port, SNOWFLAKE_PROTOCOL=login.protocol, SNOWFLAKE_DATABASE=login.database,
              SNOWFLAKE_SCHEMA=login.schema)
    return house
