"""A language model over real HTTP that speaks OpenAI's chat completions: it says what a test tells it to, or fails on demand."""

import json
import threading
from collections import deque
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any

KEY = "chat-test-key"


@dataclass
class ChatServer:
    """answers: one per request, in order, then `says`: a text, a function of the data, or a fault: 429, 500, 401, hang, garbage."""

    url: str = ""
    says: str | Callable[[str], str] = "Nothing to add."
    answers: deque[str | Callable[[str], str]] = field(default_factory=deque)
    asked: list[dict[str, Any]] = field(default_factory=list)
    keys: set[str] = field(default_factory=set)
    at_once: int = 0
    most_at_once: int = 0
    delay_s: float = 0.0
    counts_tokens: bool = True
    stopping: threading.Event = field(default_factory=threading.Event)
    lock: threading.Lock = field(default_factory=threading.Lock)

    def next(self, body: dict[str, Any]) -> str:
        with self.lock:
            self.asked.append(body)
            answer = self.answers.popleft() if self.answers else self.says
        return answer if isinstance(answer, str) else answer(body["messages"][-1]["content"])


def facts_of(data: str) -> dict[str, Any]:
    """What stands between the fences."""
    fence, _, rest = data.partition("\n")
    assert data.endswith(f"\n{fence}")
    return json.loads(rest.removesuffix(f"\n{fence}"))  # type: ignore[no-any-return]


class _Handler(BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"
    server: Any

    def do_POST(self) -> None:
        chat: ChatServer = self.server.chat
        body = json.loads(self.rfile.read(int(self.headers["Content-Length"])))
        assert self.path == "/v1/chat/completions", self.path
        with chat.lock:
            chat.keys.add(self.headers["Authorization"])
            chat.at_once += 1
            chat.most_at_once = max(chat.most_at_once, chat.at_once)
        try:
            self._answer(chat, chat.next(body), body)
        finally:
            with chat.lock:
                chat.at_once -= 1

    def _answer(self, chat: ChatServer, said: str, body: dict[str, Any]) -> None:
        chat.stopping.wait(30 if said == "hang" else chat.delay_s)
        if said == "hang":
            self.close_connection = True
        elif said in ("401", "429", "500"):
            self._send(int(said), json.dumps({"error": {"message": f"no: {body['messages'][-1]['content'][:50]}", "type": "error", "code": None}}))
        elif said == "garbage":
            self._send(200, "<html>")
        else:
            usage = {"usage": {"prompt_tokens": 200, "completion_tokens": 50, "total_tokens": 250}} if chat.counts_tokens else {}
            message = {"role": "assistant", "content": said}
            self._send(200, json.dumps({"id": "c1", "object": "chat.completion", "created": 0, "model": body["model"],
                                        "choices": [{"index": 0, "message": message, "finish_reason": "stop"}]} | usage))

    def _send(self, status: int, text: str) -> None:
        data = text.encode()
        self.send_response(status)
        self.send_header("Content-Type", "application/json")
        self.send_header("Content-Length", str(len(data)))
        self.end_headers()
        self.wfile.write(data)

    def log_message(self, *_: Any) -> None:
        return


@contextmanager
def running() -> Iterator[ChatServer]:
    with ThreadingHTTPServer(("127.0.0.1", 0), _Handler) as server:
        server.daemon_threads = True
        chat = ChatServer(url=f"http://127.0.0.1:{server.server_address[1]}/v1")
        server.chat = chat  # type: ignore[attr-defined]
        thread = threading.Thread(target=server.serve_forever, daemon=True)
        thread.start()
        yield chat
        chat.stopping.set()
        server.shutdown()
        thread.join()
