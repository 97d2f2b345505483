"""Slack as `pacing serve` hears it: signed requests over HTTP, as the documentation shapes them."""

import hashlib
import hmac
import http.client
import itertools
import json
import socket
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from typing import Any
from urllib.parse import urlencode

import uvicorn
from starlette.types import ASGIApp

from notifiers.app import public_app
from tests.integration.answers.conftest import SECRET, TEAM

_numbers = itertools.count(1)


def block_actions(action: str, value: str, user: str, **changes: Any) -> dict[str, Any]:
    number = next(_numbers)
    return {"type": "block_actions", "user": {"id": user, "team_id": TEAM}, "team": {"id": TEAM, "domain": "test"}, "api_app_id": "A1", "token": "old",
            "trigger_id": f"{number}.trigger", "container": {"type": "message", "message_ts": "1.1", "channel_id": "C0TEST"},
            "channel": {"id": "C0TEST", "name": "pacing"}, "response_url": "http://127.0.0.1:1/never",
            "actions": [{"type": "button", "action_id": action, "block_id": "b", "value": value, "action_ts": f"{number}.{number:06}"}]} | changes


def view_submission(action: str, metadata: str, user: str, values: dict[str, Any], **changes: Any) -> dict[str, Any]:
    view = {"id": f"V{next(_numbers)}", "type": "modal", "callback_id": action, "private_metadata": metadata, "state": {"values": values}}
    return {"type": "view_submission", "user": {"id": user, "team_id": TEAM}, "team": {"id": TEAM}, "view": view | changes}


def filled(**fields: Any) -> dict[str, Any]:
    return {name: {name: value} for name, value in fields.items()}


def option(value: str) -> dict[str, Any]:
    return {"selected_option": {"value": value}}


def signed(body: bytes, at: float | None = None, secret: str = SECRET) -> dict[str, str]:
    stamp = str(int(time.time() if at is None else at))
    mac = hmac.new(secret.encode(), b"v0:" + stamp.encode() + b":" + body, hashlib.sha256).hexdigest()
    return {"X-Slack-Request-Timestamp": stamp, "X-Slack-Signature": f"v0={mac}", "Content-Type": "application/x-www-form-urlencoded"}


def form(payload: dict[str, Any]) -> bytes:
    return urlencode({"payload": json.dumps(payload)}).encode()


@dataclass
class Served:
    port: int
    seconds: list[float] = field(default_factory=list)

    def post(self, body: bytes, headers: dict[str, str] | None = None) -> tuple[int, str]:
        connection = http.client.HTTPConnection("127.0.0.1", self.port, timeout=30)
        started = time.perf_counter()
        try:
            connection.request("POST", "/slack/events", body, signed(body) if headers is None else headers)
            answer = connection.getresponse()
            return answer.status, answer.read().decode()
        finally:
            connection.close()
            self.seconds.append(time.perf_counter() - started)

    def press(self, action: str, value: str, user: str, **changes: Any) -> int:
        return self.post(form(block_actions(action, value, user, **changes)))[0]

    def send(self, action: str, metadata: str, user: str, values: dict[str, Any]) -> tuple[int, Any]:
        status, text = self.post(form(view_submission(action, metadata, user, values)))
        return status, json.loads(text) if text else None


@contextmanager
def served(events: ASGIApp | None) -> Iterator[Served]:
    """The public port, until the block ends."""
    with socket.create_server(("127.0.0.1", 0)) as listener:
        server = uvicorn.Server(uvicorn.Config(public_app(events), log_config=None, access_log=False, lifespan="off"))
        thread = threading.Thread(target=server.run, kwargs={"sockets": [listener]}, daemon=True)
        thread.start()
        while not server.started:
            time.sleep(0.01)
        try:
            yield Served(listener.getsockname()[1])
        finally:
            server.should_exit = True
            thread.join()
