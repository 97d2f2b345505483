"""A server of the embedded default: started by the first process that needs it, shared, stopped by the last one that leaves.

Every user holds a shared lock on `<name>.users`; whoever can make it exclusive was the last. The kernel drops the lock of a killed
process, so a crash never keeps a server alive for the others' count, and the next start finds and reuses what was left running.
"""

import atexit
import fcntl
import os
from abc import ABC, abstractmethod
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from types import TracebackType
from typing import Self


class SharedServer(ABC):
    """`start()` and `stop()` are idempotent; as a context manager it is started on entry and left on exit.

    A subclass says whether its server answers, how it is launched and how it is halted; each is called under the server's lock.
    """

    name: str

    def __init__(self, home: Path) -> None:
        self.home = home.expanduser().resolve()
        self._users: int | None = None  # file descriptor of our share of the server

    @abstractmethod
    def _answers(self) -> bool: ...

    @abstractmethod
    def _launch(self) -> None: ...

    @abstractmethod
    def _halt(self) -> None: ...

    def start(self) -> Self:
        """Use the running server, or start it.

        Raises:
            Unavailable: it did not come up; the message names its log.
        """
        if self._users is None:
            self.home.mkdir(parents=True, exist_ok=True)
            with self._alone():
                users = self._open("users")
                fcntl.flock(users, fcntl.LOCK_SH)
                try:
                    if not self._answers():
                        self._launch()
                except BaseException:
                    os.close(users)
                    raise
                self._users = users
            atexit.register(self.stop)
        return self

    def stop(self) -> None:
        """Leave the server; the last user halts it."""
        if self._users is None:
            return
        atexit.unregister(self.stop)
        users, self._users = self._users, None
        try:
            if not self.home.exists():  # someone removed it under us: nobody can find the server any more
                self._halt()
                return
            with self._alone():
                if _is_last(users):
                    self._halt()
        finally:
            os.close(users)

    @contextmanager
    def _alone(self) -> Iterator[None]:
        lock = self._open("lock")
        try:
            fcntl.flock(lock, fcntl.LOCK_EX)
            yield
        finally:
            os.close(lock)

    def _open(self, kind: str) -> int:
        return os.open(self.home / f"{self.name}.{kind}", os.O_RDWR | os.O_CREAT, 0o600)

    def __enter__(self) -> Self:
        return self.start()

    def __exit__(self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None) -> None:
        self.stop()


def _is_last(users: int) -> bool:
    try:
        fcntl.flock(users, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except BlockingIOError:
        return False
    return True
