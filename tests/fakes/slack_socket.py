"""Slack's side of Socket Mode: `apps.connections.open` and websockets that hand out envelopes and wait for their acknowledgement."""

import json
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from typing import Any

from websockets.exceptions import ConnectionClosed
from websockets.sync.server import ServerConnection, serve

from tests.fakes.slack_server import SlackServer

APP_TOKEN = "xapp-test-token"


@dataclass
class SlackSocket:
    """connections: those that are open. acknowledged: envelope id -> what the app answered."""

    url: str = ""
    connections: list[ServerConnection] = field(default_factory=list)
    acknowledged: dict[str, Any] = field(default_factory=dict)
    heard: threading.Condition = field(default_factory=threading.Condition)

    def send(self, envelope_id: str, payload: dict[str, Any], connection: int = 0, kind: str = "interactive") -> None:
        self.connections[connection].send(json.dumps({"envelope_id": envelope_id, "type": kind, "accepts_response_payload": True, "payload": payload}))

    def wait(self, envelope_id: str, seconds: float) -> bool:
        """Whether the envelope is acknowledged in time."""
        with self.heard:
            return self.heard.wait_for(lambda: envelope_id in self.acknowledged, seconds)

    def wait_for_connections(self, count: int, seconds: float = 20.0) -> bool:
        with self.heard:
            return self.heard.wait_for(lambda: len(self.connections) >= count, seconds)

    def _handle(self, connection: ServerConnection) -> None:
        connection.send(json.dumps({"type": "hello", "num_connections": 1, "connection_info": {"app_id": "A1"}}))
        with self.heard:
            self.connections.append(connection)
            self.heard.notify_all()
        try:
            for message in connection:
                found = json.loads(message) if str(message).startswith("{") else {}
                with self.heard:
                    self.acknowledged[str(found.get("envelope_id"))] = found.get("payload")
                    self.heard.notify_all()
        except ConnectionClosed:
            return
        finally:
            with self.heard:
                self.connections.remove(connection)


@contextmanager
def socket_mode(slack: SlackServer) -> Iterator[SlackSocket]:
    """Socket Mode of this Slack, until the block ends."""
    socket = SlackSocket()
    with serve(socket._handle, "127.0.0.1", 0) as server:
        socket.url = f"ws://127.0.0.1:{server.socket.getsockname()[1]}/link"
        slack.socket_url = socket.url
        thread = threading.Thread(target=server.serve_forever, daemon=True)
        thread.start()
        try:
            yield socket
        finally:
            server.shutdown()
            thread.join()
