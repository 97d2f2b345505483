"""A server of the embedded default that is a child process speaking HTTP: port and process are kept in `<name>.json`.

The child has a process group of its own, so that Ctrl-C reaches the program and not its servers; its output goes to `<name>.log`.
"""

import http.client
import json
import os
import socket
import time
from abc import abstractmethod
from pathlib import Path
from typing import TYPE_CHECKING

from flows.local_server import SharedServer
from pacing_brain.errors import Unavailable

if TYPE_CHECKING:
    import psutil

HOST = "127.0.0.1"
PORTS_TRIED = 3  # a free port may be taken between being found and being bound


class HttpChild(SharedServer):
    """A subclass names the command, its environment and the path that answers 200 once the server is ready."""

    health_path: str
    start_seconds: float = 60.0
    stop_seconds: float = 10.0
    unavailable: type[Unavailable] = Unavailable

    def __init__(self, home: Path) -> None:
        super().__init__(home)
        self.log = self.home / f"{self.name}.log"
        self._state_file = self.home / f"{self.name}.json"
        self._port: int | None = None
        self._pid: int | None = None

    @abstractmethod
    def command(self, port: int) -> list[str]: ...

    @abstractmethod
    def environment(self) -> dict[str, str]:
        """What the child gets on top of our own environment."""

    @property
    def port(self) -> int:
        if self._port is None:
            raise self.unavailable(f"the embedded {self.name} server is not started. Start it first.")
        return self._port

    def _answers(self) -> bool:
        process, port = self._recorded()
        if process is None or not _responds(port, self.health_path):
            return False
        self._pid, self._port = process.pid, port
        return True

    def _launch(self) -> None:
        self._end()  # one that runs and does not answer
        for _ in range(PORTS_TRIED):
            port = _free_port()
            pid = self._spawn(port)
            _write(self._state_file, {"pid": pid, "port": port, "created": _created(pid)})
            if self._comes_up():
                return
            self._end()
        raise self.unavailable(f"the embedded {self.name} server did not start; see {self.log}")

    def _halt(self) -> None:
        self._end()
        self._port = None

    def _spawn(self, port: int) -> int:
        command = self.command(port)
        flags = os.O_WRONLY | os.O_CREAT | os.O_TRUNC
        actions = [
            (os.POSIX_SPAWN_OPEN, 0, os.devnull, os.O_RDONLY, 0),
            (os.POSIX_SPAWN_OPEN, 1, str(self.log), flags, 0o600),
            (os.POSIX_SPAWN_DUP2, 1, 2),
        ]
        environment = dict(os.environ) | self.environment()
        return os.posix_spawn(command[0], command, environment, file_actions=actions, setpgroup=0)

    def _comes_up(self) -> bool:
        end = time.monotonic() + self.start_seconds
        while time.monotonic() < end:
            if self._answers():
                return True
            if self._recorded()[0] is None:  # it has died
                return False
            time.sleep(0.05)
        return False

    def _end(self) -> None:
        import psutil  # noqa: PLC0415

        process, _ = self._recorded()
        if process is not None:
            try:
                process.terminate()
                process.wait(self.stop_seconds)
            except psutil.TimeoutExpired:
                process.kill()
                process.wait(self.stop_seconds)
            except psutil.NoSuchProcess:
                pass
        self._state_file.unlink(missing_ok=True)

    def _recorded(self) -> "tuple[psutil.Process | None, int]":
        """The process that the state file names, if it is still that process and alive."""
        import psutil  # noqa: PLC0415

        try:
            state = json.loads(self._state_file.read_text(encoding="utf-8"))
        except (FileNotFoundError, json.JSONDecodeError):
            state = {"pid": self._pid, "port": self._port, "created": None}
        if state["pid"] is None:
            return None, 0
        try:
            process = psutil.Process(state["pid"])
            alive = process.status() != psutil.STATUS_ZOMBIE and state["created"] in (None, process.create_time())
        except psutil.NoSuchProcess:
            return None, 0
        return (process if alive else None), state["port"] or 0


def _created(pid: int) -> float | None:
    import psutil  # noqa: PLC0415

    try:
        return float(psutil.Process(pid).create_time())
    except psutil.NoSuchProcess:
        return None


def _write(path: Path, state: dict[str, object]) -> None:
    fresh = path.with_suffix(".new")
    fresh.write_text(json.dumps(state), encoding="utf-8")
    fresh.replace(path)


def _free_port() -> int:
    with socket.socket() as probe:
        probe.bind((HOST, 0))
        return int(probe.getsockname()[1])


def _responds(port: int, path: str) -> bool:
    connection = http.client.HTTPConnection(HOST, port, timeout=5)
    try:
        connection.request("GET", path)
        return connection.getresponse().status == http.client.OK
    except (OSError, http.client.HTTPException):
        return False
    finally:
        connection.close()
