"""A Slack over real HTTP that the real SDK talks to: keeps what a person would see, enforces Slack's limits, and fails on demand."""

import json
import socket
import struct
import threading
import time
from collections import deque
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any
from urllib.parse import parse_qsl

from notifiers import limits
from notifiers.message import Message

TOKEN = "xoxb-test-token"
HANG_S = 30.0
REFUSED_ABOVE = 13_200  # characters of all blocks, measured (bolt-js#2509)

# What a fault does to one writing call: is the message kept, and what does the caller get?
FAULTS = {"accept_then_drop": True, "accept_then_hang": True, "accept_then_500": True, "reset": False, "hang": False, "500": False,
          "429": False, "garbage": True}


@dataclass
class Posted:
    channel: str
    ts: str
    text: str
    blocks: list[dict[str, Any]]
    metadata: dict[str, Any]
    thread_ts: str | None = None
    edits: int = 0
    files: list[dict[str, Any]] = field(default_factory=list)

    @property
    def delivery_id(self) -> str:
        return str(self.metadata["event_payload"]["delivery_id"])


@dataclass
class SlackServer:
    """State and faults; `api_url` is what goes into SLACK_API_URL."""

    channels: dict[str, str] = field(default_factory=lambda: {"C0TEST": "pacing", "C0ACME": "acme"})  # id -> name
    token: str = TOKEN
    scopes: set[str] = field(default_factory=lambda: {"chat:write", "channels:history", "groups:history", "files:write"})
    not_joined: set[str] = field(default_factory=set)  # channels that the app is not in
    rate_limited: bool = False  # about one message a second and channel, as Slack
    retry_after_s: int = 1
    clock: Callable[[], float] = time.monotonic
    messages: list[Posted] = field(default_factory=list)
    uploads: dict[str, dict[str, Any]] = field(default_factory=dict)  # file id -> name, size asked for, bytes
    shared: list[Posted] = field(default_factory=list)  # messages that show a file
    calls: list[str] = field(default_factory=list)
    faults: deque[str] = field(default_factory=deque)  # one per writing call, in order
    violations: list[str] = field(default_factory=list)
    api_url: str = ""
    stopping: threading.Event = field(default_factory=threading.Event)
    lock: threading.Lock = field(default_factory=threading.Lock)
    last_at: dict[str, float] = field(default_factory=dict)
    socket_url: str = ""  # of Socket Mode (`tests.fakes.slack_socket`)
    users: dict[str, dict[str, Any]] = field(default_factory=dict)  # id -> what differs from a member of the workspace
    user_groups: dict[str, list[str]] = field(default_factory=dict)
    views: list[dict[str, Any]] = field(default_factory=list)  # forms that were opened
    whispers: list[tuple[str, str]] = field(default_factory=list)  # what a person alone saw: (user, text)

    def visible(self, channel: str = "C0TEST") -> list[Posted]:
        """What stands in the channel itself."""
        return [one for one in self.messages if one.channel == channel and one.thread_ts is None]

    def replies(self, channel: str, thread_ts: str) -> list[Posted]:
        return [one for one in self.messages if one.channel == channel and one.thread_ts == thread_ts]

    def delete(self, ts: str) -> None:
        """A person deletes a message."""
        self.messages = [one for one in self.messages if one.ts != ts]

    def answer(self, method: str, given: dict[str, Any], authorization: str) -> dict[str, Any]:
        """What Slack's Web API answers, as its documentation says it for the methods used here."""
        self.calls.append(method)
        if method == "apps.connections.open" and authorization == "Bearer xapp-test-token":
            return {"ok": True, "url": self.socket_url}
        if authorization != f"Bearer {self.token}":
            return {"ok": False, "error": "invalid_auth" if authorization else "not_authed"}
        known: dict[str, Callable[[dict[str, Any]], dict[str, Any]]] = {
            "auth.test": lambda _: {"ok": True, "team": "Test", "team_id": "T0TEST", "user": "pacing", "user_id": "U0BOT", "bot_id": "B0BOT"}, "chat.postMessage": self._post,
            "users.info": self._user, "usergroups.users.list": self._group, "views.open": self._view, "chat.postEphemeral": self._whisper,
            "chat.update": self._update, "conversations.history": self._history, "conversations.replies": self._replies,
            "files.getUploadURLExternal": self._upload_url, "files.completeUploadExternal": self._share}
        return known[method](given) if method in known else {"ok": False, "error": "unknown_method"}

    def _user(self, given: dict[str, Any]) -> dict[str, Any]:
        user = str(given.get("user"))
        if self.users and user not in self.users:
            return {"ok": False, "error": "user_not_found"}
        usual = {"id": user, "team_id": "T0TEST", "deleted": False, "is_bot": False, "is_restricted": False, "is_ultra_restricted": False, "tz": "Europe/London"}
        return {"ok": True, "user": usual | self.users.get(user, {})}

    def _group(self, given: dict[str, Any]) -> dict[str, Any]:
        group = str(given.get("usergroup"))
        return {"ok": True, "users": self.user_groups[group]} if group in self.user_groups else {"ok": False, "error": "no_such_subteam"}

    def _view(self, given: dict[str, Any]) -> dict[str, Any]:
        """A trigger opens one form."""
        if not given.get("trigger_id") or given["trigger_id"] in {one["trigger_id"] for one in self.views}:
            return {"ok": False, "error": "exchanged_trigger_id"}
        self.violations += limits.check_view(given["view"])
        self.views.append({"trigger_id": given["trigger_id"], "view": given["view"]})
        return {"ok": True, "view": {"id": f"V{len(self.views)}"}}

    def _whisper(self, given: dict[str, Any]) -> dict[str, Any]:
        if not self._channel(given.get("channel")):
            return {"ok": False, "error": "channel_not_found"}
        self.whispers.append((str(given["user"]), str(given["text"])))
        return {"ok": True, "message_ts": "1.1"}

    def _post(self, given: dict[str, Any]) -> dict[str, Any]:
        channel = self._channel(given.get("channel"), names=True)
        if not channel:
            return {"ok": False, "error": "channel_not_found"}
        if refused := self._refusal(given):
            return refused
        ts = f"{1_700_000_000 + len(self.calls)}.{len(self.messages):06}"
        self.messages.append(Posted(channel, ts, given["text"], given["blocks"], given["metadata"], given.get("thread_ts")))
        return {"ok": True, "channel": channel, "ts": ts, "message": {"text": given["text"]}}

    def _update(self, given: dict[str, Any]) -> dict[str, Any]:
        if not self._channel(given.get("channel")):
            return {"ok": False, "error": "channel_not_found"}
        found = next((one for one in self.messages if (one.channel, one.ts) == (given["channel"], given.get("ts"))), None)
        if found is None:
            return {"ok": False, "error": "message_not_found"}
        if refused := self._refusal(given):
            return refused
        found.text, found.blocks, found.metadata, found.edits = given["text"], given["blocks"], given["metadata"], found.edits + 1
        return {"ok": True, "channel": found.channel, "ts": found.ts, "text": found.text}

    def _upload_url(self, given: dict[str, Any]) -> dict[str, Any]:
        if "files:write" not in self.scopes:
            return {"ok": False, "error": "missing_scope", "needed": "files:write"}
        file = f"F{len(self.uploads) + 1:08}"
        self.uploads[file] = {"name": given["filename"], "length": int(given["length"]), "alt_txt": given.get("alt_txt"), "bytes": b""}
        return {"ok": True, "upload_url": f"{self.api_url.removesuffix('/').removesuffix('/api')}/upload/{file}", "file_id": file}

    def _share(self, given: dict[str, Any]) -> dict[str, Any]:
        """Shown as a message without metadata, in a thread that is there or in the channel."""
        channel, thread = self._channel(given.get("channel_id")), given.get("thread_ts")
        if not channel:
            return {"ok": False, "error": "channel_not_found"}
        if thread and not any(one.ts == thread for one in self.messages):
            return {"ok": False, "error": "thread_not_found"}
        files = json.loads(given["files"]) if isinstance(given["files"], str) else given["files"]
        known = [{"id": one["id"], "title": one["title"], "name": self.uploads[one["id"]]["name"]} for one in files]
        ts = f"{1_700_000_000 + len(self.calls)}.{len(self.messages) + len(self.shared):06}"
        self.shared.append(Posted(channel, ts, "", [], {}, thread, files=known))
        return {"ok": True, "files": known}

    def _history(self, given: dict[str, Any]) -> dict[str, Any]:
        """Newest first, without replies, by pages; metadata only when asked for."""
        channel = self._channel(given.get("channel"))
        if channel in self.not_joined:
            return {"ok": False, "error": "not_in_channel"}
        return self._page(list(reversed(self.visible(channel))), given) if channel else {"ok": False, "error": "channel_not_found"}

    def _replies(self, given: dict[str, Any]) -> dict[str, Any]:
        thread = [one for one in (*self.messages, *self.shared) if given["ts"] in (one.ts, one.thread_ts)]
        return self._page(thread, given) if thread else {"ok": False, "error": "thread_not_found"}

    def _page(self, found: list[Posted], given: dict[str, Any]) -> dict[str, Any]:
        start, size = int(given.get("cursor") or 0), int(given.get("limit", 100))
        with_metadata = given.get("include_all_metadata") in ("1", "true", True)
        shown = [{"ts": one.ts, "text": one.text, "files": one.files} | ({"metadata": one.metadata} if with_metadata else {}) for one in found[start : start + size]]
        more = str(start + size) if start + size < len(found) else ""
        return {"ok": True, "messages": shown, "response_metadata": {"next_cursor": more}}

    def _channel(self, given: Any, *, names: bool = False) -> str | None:
        by_name = {f"#{name}": channel for channel, name in self.channels.items()} if names else {}
        return given if given in self.channels else by_name.get(given)

    def _refusal(self, given: dict[str, Any]) -> dict[str, Any] | None:
        if not str(given.get("text") or "").strip():
            return {"ok": False, "error": "no_text"}
        if "event_type" not in (given.get("metadata") or {}):
            return {"ok": False, "error": "metadata_must_be_sent_as_json"}
        faults = limits.check(Message(given["text"], tuple(given.get("blocks") or ())))
        if not faults:
            return None
        self.violations += faults
        too_long = sum(limits.size(text) for block in given["blocks"] for text in limits.texts(block)) > REFUSED_ABOVE
        return {"ok": False, "error": "msg_blocks_too_long" if too_long else "invalid_blocks", "response_metadata": {"messages": faults[:5]}}

    def too_fast(self, channel: str) -> bool:
        now, last = self.clock(), self.last_at.get(channel)
        if self.rate_limited and last is not None and now - last < 1.0:
            return True
        self.last_at[channel] = now
        return False


class _Handler(BaseHTTPRequestHandler):
    slack: SlackServer

    def do_POST(self) -> None:
        method = self.path.removeprefix("/api/").partition("?")[0]
        raw = self.rfile.read(int(self.headers.get("Content-Length") or 0))
        if self.path.startswith("/upload/"):
            self.slack.uploads[self.path.rpartition("/")[2]]["bytes"] = raw
            self._send(200, b"OK", {})
            return
        body = raw.decode()
        given = json.loads(body) if "json" in self.headers.get("Content-Type", "") and body else dict(parse_qsl(body))
        given |= dict(parse_qsl(self.path.partition("?")[2]))
        with self.slack.lock:
            writing = method in ("chat.postMessage", "chat.update", "files.completeUploadExternal")
            fault = self.slack.faults.popleft() if writing and self.slack.faults else ""
            limited = fault == "429" or (writing and not fault and self.slack.too_fast(str(given.get("channel") or given.get("channel_id"))))
            kept = not limited and FAULTS.get(fault, True)
            answer = self.slack.answer(method, given, self.headers.get("Authorization", "")) if kept else {}
        if limited:
            self._send(429, b'{"ok": false, "error": "ratelimited"}', {"Retry-After": str(self.slack.retry_after_s)})
        elif fault:
            self._fail(fault)
        else:
            self._send(200, json.dumps(answer).encode(), {"X-OAuth-Scopes": ",".join(sorted(self.slack.scopes))})

    def _fail(self, fault: str) -> None:
        if fault.endswith("hang"):
            self.slack.stopping.wait(HANG_S)
        elif fault.endswith("500"):
            self._send(500, b"<html>upstream</html>", {})
        elif fault == "garbage":
            self._send(200, b"<html>proxy</html>", {})
        else:
            self.connection.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", int(fault == "reset"), 0))
            self.connection.shutdown(socket.SHUT_RDWR) if fault != "reset" else self.connection.close()
        self.close_connection = True

    def _send(self, status: int, body: bytes, headers: dict[str, str]) -> None:
        self.send_response(status)
        for name, value in {"Content-Type": "application/json; charset=utf-8", "Content-Length": str(len(body)), **headers}.items():
            self.send_header(name, value)
        self.end_headers()
        self.wfile.write(body)

    def log_message(self, format: str, *args: Any) -> None:  # noqa: A002  the base class's name
        """Says nothing: tests look at the state."""


class _Server(ThreadingHTTPServer):
    daemon_threads = True

    def handle_error(self, request: Any, client_address: Any) -> None:
        """A caller that hung up is what the faults are for."""


@contextmanager
def running(slack: SlackServer | None = None) -> Iterator[SlackServer]:
    """The server on a free port of 127.0.0.1, until the block ends."""
    slack = slack or SlackServer()
    handler = type("Handler", (_Handler,), {"slack": slack})
    server = _Server(("127.0.0.1", 0), handler)
    slack.api_url = f"http://127.0.0.1:{server.server_address[1]}/api/"
    thread = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.02}, daemon=True)
    thread.start()
    try:
        yield slack
    finally:
        slack.stopping.set()
        server.shutdown()
        server.server_close()
        thread.join()
