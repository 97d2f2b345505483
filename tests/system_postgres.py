"""A PostgreSQL of the system (Debian's, for instance) beside the embedded one: another major version for the same tests."""

import os
import shutil
import subprocess
import tempfile
from pathlib import Path
from types import TracebackType
from typing import Self

from sqlalchemy import URL

SETTINGS = "-h '' -c fsync=off -c full_page_writes=off -c timezone=UTC -c max_connections=100"
USER = "postgres"


def found() -> Path | None:
    """The newest one's folder of programs."""
    versions = [path for path in Path("/usr/lib/postgresql").glob("*/bin") if (path / "initdb").exists() and (path / "postgres").exists()]
    return max(versions, key=lambda path: float(path.parent.name), default=None)


class SystemPostgres:
    """A server of its own in a folder of its own, without TCP; like `EmbeddedPostgres` where tests use it."""

    def __init__(self, programs: Path) -> None:
        self.programs = programs
        self.home = Path(tempfile.mkdtemp(prefix="pacing-pg-"))
        self.user = USER if os.getuid() == 0 else None  # Postgres refuses to run as root
        if self.user is not None:
            shutil.chown(self.home, self.user)

    def url(self, user: str, database: str) -> str:
        where = {"host": str(self.home)}
        return URL.create("postgresql+psycopg", username=user, database=database, query=where).render_as_string(hide_password=False)

    def admin_url(self, database: str = USER) -> str:
        return self.url(USER, database)

    def __enter__(self) -> Self:
        self._call("initdb", "-D", str(self.home / "data"), "-U", USER, "-A", "trust", "--no-sync", "-E", "UTF8", "--locale=C")
        self._call("pg_ctl", "-D", str(self.home / "data"), "-l", str(self.home / "log"), "-w", "-o", f"{SETTINGS} -k {self.home}", "start")
        return self

    def __exit__(self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None) -> None:
        self._call("pg_ctl", "-D", str(self.home / "data"), "-m", "immediate", "-w", "stop")
        shutil.rmtree(self.home, ignore_errors=True)

    def _call(self, program: str, *arguments: str) -> None:
        subprocess.run([str(self.programs / program), *arguments], check=True, user=self.user, cwd=self.home, stdout=subprocess.DEVNULL,
                       stdin=subprocess.DEVNULL)
