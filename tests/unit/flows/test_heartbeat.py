import threading
from http.server import BaseHTTPRequestHandler, HTTPServer

import pytest

from flows import heartbeat


@pytest.fixture
def alarm():
    """An address that counts its calls and answers what its path says."""
    calls = []

    class Handler(BaseHTTPRequestHandler):
        def do_GET(self):
            calls.append(self.path)
            self.send_response(int(self.path.rsplit("/", 1)[-1]))
            self.end_headers()

        def log_message(self, *_):
            """Quiet."""

    server = HTTPServer(("127.0.0.1", 0), Handler)
    thread = threading.Thread(target=server.serve_forever)
    thread.start()
    yield f"http://127.0.0.1:{server.server_port}", calls
    server.shutdown()
    thread.join()
    server.server_close()


def test_a_sealed_run_calls_the_address_once(alarm):
    """The switch outside hears of each sealed run."""
    url, calls = alarm
    assert heartbeat.call(f"{url}/200")
    assert calls == ["/200"]


def test_a_call_that_fails_is_one_line_without_the_address(alarm, capsys):
    """The address may hold a secret, and a run does not fail for it."""
    url, _ = alarm
    assert not heartbeat.call(f"{url}/secret/500")
    assert not heartbeat.call("http://127.0.0.1:1/secret")
    said = capsys.readouterr().err
    assert said.count("\n") == 2
    assert "PACING_HEARTBEAT_URL" in said
    assert "secret" not in said


def test_nothing_is_called_when_it_is_not_set():
    """Unset means off."""
    assert not heartbeat.call(None)
