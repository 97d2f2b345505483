"""The line to a real Prefect server, which can be cut, stopped or answered with errors; a command port switches it from any process."""

import contextlib
import os
import selectors
import signal
import socket
import threading
from types import TracebackType
from typing import Self

HOST = "127.0.0.1"
ERROR = b"HTTP/1.1 500 Internal Server Error\r\nContent-Type: application/json\r\nContent-Length: 2\r\nConnection: close\r\n\r\n{}"
MODES = ("open", "cut", "hanging", "failing", "killed")


class PrefectLine:
    """Forwards TCP to the server. open: as it is; cut: as if the server were killed; hanging: takes everything and answers nothing;
    failing: answers every request with HTTP 500; killed: the server's own process gets SIGKILL, `pid` says which."""

    def __init__(self, port: int, pid: int | None = None) -> None:
        self.target, self.pid = port, pid
        self.mode = "open"
        self._door = _listening()
        self.port = self._door.getsockname()[1]
        self._commands = _listening()
        self.command_port = self._commands.getsockname()[1]
        self._lock = threading.Lock()
        self._open: set[socket.socket] = set()
        self._closed = False

    @property
    def api_url(self) -> str:
        return f"http://{HOST}:{self.port}/api"

    def switch(self, mode: str) -> None:
        assert mode in MODES
        with self._lock:
            self.mode = mode
            if mode == "killed":
                assert self.pid is not None, "whose server is it?"
                os.killpg(self.pid, signal.SIGKILL)
            if mode == "cut":
                self._door.close()
                self._drop()

    def _drop(self) -> None:
        for each in self._open:
            with contextlib.suppress(OSError):
                each.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, b"\x01\x00\x00\x00\x00\x00\x00\x00")
                each.shutdown(socket.SHUT_RDWR)
        self._open.clear()

    def __enter__(self) -> Self:
        for serve in (self._serve, self._obey):
            threading.Thread(target=serve, daemon=True).start()
        return self

    def __exit__(self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None) -> None:
        self._closed = True
        with self._lock:
            self._drop()
        for door in (self._door, self._commands):
            door.close()

    def _serve(self) -> None:
        while True:
            try:
                client, _ = self._door.accept()
            except OSError:
                return
            threading.Thread(target=self._forward, args=(client,), daemon=True).start()

    def _obey(self) -> None:
        while True:
            try:
                caller, _ = self._commands.accept()
            except OSError:
                return
            with caller:
                self.switch(caller.recv(20).decode())
                caller.sendall(b"done")

    def _forward(self, client: socket.socket) -> None:
        with contextlib.suppress(OSError, ValueError), client, socket.create_connection((HOST, self.target)) as server:
            with self._lock:
                self._open |= {client, server}
            ways = {client: server, server: client}
            with selectors.DefaultSelector() as ready:
                for each in ways:
                    ready.register(each, selectors.EVENT_READ)
                while not self._closed:
                    for key, _ in ready.select(timeout=0.5):
                        if not self._pass(key.fileobj, ways[key.fileobj], client):  # type: ignore[index]
                            return

    def _pass(self, giver: socket.socket, taker: socket.socket, client: socket.socket) -> bool:
        data = giver.recv(65536)
        if not data:
            return False
        if self.mode in ("open", "killed"):
            taker.sendall(data)
        elif self.mode == "failing" and giver is client:
            client.sendall(ERROR)
            return False
        return self.mode != "cut"


def _listening() -> socket.socket:
    door = socket.socket()
    door.bind((HOST, 0))
    door.listen(50)
    return door
