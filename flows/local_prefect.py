"""The local Prefect server: a child process with a home of its own, quiet, that keeps the history of its runs.

Never the ephemeral server: it is killed with events still queued, so that task runs are missing from the run's page.
"""

import json
import shutil
import sqlite3
import sys
import time
import urllib.error
import urllib.request
from contextlib import closing
from pathlib import Path
from typing import Any

from flows.local_child import HOST, HttpChild

QUIET = {
    "PREFECT_SERVER_ANALYTICS_ENABLED": "false",
    "DO_NOT_TRACK": "1",
    "PREFECT_CLOUD_ENABLE_ORCHESTRATION_TELEMETRY": "false",
    "PREFECT_TELEMETRY_ENABLE_RESOURCE_METRICS": "false",
    "PREFECT_LOGGING_LEVEL": "WARNING",
    "PREFECT_SERVER_LOGGING_LEVEL": "WARNING",
}
SETTLE_SECONDS = 15.0  # how long a stop waits for task runs that are still on their way into the database
SETTLED_FOR = 0.6  # seconds without a change


class ChildPrefect(HttpChild):
    """Prefect under `home/prefect`; a migrated database is kept as a template, so that only the first start ever migrates."""

    name = "prefect"
    health_path = "/api/health"
    start_seconds = 150.0  # on a machine busy with other work
    stop_seconds = 15.0

    def __init__(self, home: Path) -> None:
        super().__init__(home)
        self.data = self.home / "prefect"

    @property
    def api_url(self) -> str:
        return f"http://{HOST}:{self.port}/api"

    @property
    def ui_url(self) -> str:
        return f"http://{HOST}:{self.port}"

    def client_environment(self) -> dict[str, str]:
        """What a process that runs flows against this server has in its environment before it imports prefect."""
        return QUIET | {"PREFECT_HOME": str(self.data), "PREFECT_API_URL": self.api_url}

    def command(self, port: int) -> list[str]:
        return [sys.executable, "-W", "ignore", "-m", "uvicorn", "--factory", "prefect.server.api.server:create_app",
                "--host", HOST, "--port", str(port), "--log-level", "warning", "--lifespan", "on",
                "--timeout-graceful-shutdown", "2"]  # fmt: skip

    def environment(self) -> dict[str, str]:
        migrate = str(not self._migrated()).lower()
        return QUIET | {"PREFECT_HOME": str(self.data), "PREFECT_SERVER_DATABASE_MIGRATE_ON_START": migrate,
                        "PREFECT_API_URL": "", "PREFECT_UI_API_URL": "/api", "PREFECT_SERVER_ALLOW_EPHEMERAL_MODE": "false",
                        "PREFECT_API_DATABASE_CONNECTION_URL": f"sqlite+aiosqlite:///{self.data / 'prefect.db'}"}  # fmt: skip

    def settle(self, seconds: float = SETTLE_SECONDS) -> bool:
        """Wait until no task run of an ended flow run is on its way into the database any more; false when time ran out."""
        end, since, before = time.monotonic() + seconds, time.monotonic(), (-1, -1)
        while time.monotonic() < end:
            now = self._counts()
            if now == (0, 0):
                return True
            if now != before:
                since, before = time.monotonic(), now
            elif now[1] == 0 and time.monotonic() - since >= SETTLED_FOR:
                return True
            time.sleep(0.1)
        return False

    def _launch(self) -> None:
        self.data.mkdir(parents=True, exist_ok=True)
        if self._template.exists() and not (self.data / "prefect.db").exists():
            shutil.copyfile(self._template, self.data / "prefect.db")
            self._marker.touch()
        super()._launch()
        self._marker.touch()
        if not self._template.exists():
            self._keep_template()

    def _halt(self) -> None:
        if self._answers():
            self.settle()
        super()._halt()

    @property
    def _template(self) -> Path:
        return self.home / f"prefect-{_version()}.db"

    @property
    def _marker(self) -> Path:
        """Present once this version of Prefect has migrated the database."""
        return self.data / f"migrated-{_version()}"

    def _migrated(self) -> bool:
        return self._marker.exists() and (self.data / "prefect.db").exists()

    def _keep_template(self) -> None:
        """A copy of the new database, taken through SQLite because the server has it open."""
        fresh = self._template.with_suffix(".new")
        fresh.unlink(missing_ok=True)
        with closing(sqlite3.connect(self.data / "prefect.db")) as source, closing(sqlite3.connect(fresh)) as copy:
            source.backup(copy)
        fresh.replace(self._template)

    def _counts(self) -> tuple[int, int]:
        """Task runs in the database, and those of them that have not ended although their flow run has."""
        ended = {"flow_runs": {"state": {"type": {"any_": ["COMPLETED", "FAILED", "CANCELLED", "CRASHED"]}}}}
        moving = {"task_runs": {"state": {"type": {"any_": ["PENDING", "RUNNING", "SCHEDULED"]}}}}
        try:
            return self._post("/task_runs/count", {}), self._post("/task_runs/count", ended | moving)
        except (OSError, ValueError, urllib.error.URLError):
            return 0, 0

    def _post(self, path: str, body: dict[str, Any]) -> int:
        request = urllib.request.Request(self.api_url + path, json.dumps(body).encode(), {"Content-Type": "application/json"})  # noqa: S310
        with urllib.request.urlopen(request, timeout=5) as answer:  # noqa: S310
            return int(json.loads(answer.read()))


def _version() -> str:
    from importlib.metadata import version  # noqa: PLC0415

    return version("prefect")
