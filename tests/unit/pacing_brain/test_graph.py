"""The graph itself: its picture in the README, and nothing of it leaves the process."""

import os
import re
import subprocess
import sys
import threading
from http.server import BaseHTTPRequestHandler, HTTPServer
from pathlib import Path

import pytest

from pacing_brain import graph

ROOT = Path(__file__).parents[3]
PICTURE = re.compile(r"<!-- graph:begin[^>]*-->\n(.*?)<!-- graph:end -->", re.DOTALL)
DECIDE = ("from tests.unit.pacing_brain import builders as world; from pacing_brain.brain import PacingBrain; import langsmith, time; "
          "from langsmith.utils import tracing_is_enabled; assert tracing_is_enabled(); "
          "print(len(PacingBrain().decide(world.inputs()).decisions)); time.sleep(1.0)")


@pytest.fixture
def sink():
    """An HTTP server that takes whatever it is sent; the paths of what it got."""
    got = []

    class Sink(BaseHTTPRequestHandler):
        def _take(self):
            got.append(self.path)
            self.send_response(200)
            self.end_headers()

        do_GET = do_POST = do_PATCH = _take  # noqa: N815  the base class asks for these names

        def log_message(self, *args):
            pass

    server = HTTPServer(("127.0.0.1", 0), Sink)
    thread = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.05})
    thread.start()
    yield f"http://127.0.0.1:{server.server_address[1]}", got
    server.shutdown()
    thread.join()
    server.server_close()


def test_nothing_is_traced_whatever_the_environment_says(sink):
    """Tracing is switched on and has an endpoint: the decision is made, and the endpoint hears nothing."""
    url, got = sink
    told = {"LANGSMITH_TRACING": "true", "LANGCHAIN_TRACING_V2": "true", "LANGSMITH_ENDPOINT": url, "LANGCHAIN_ENDPOINT": url,
            "LANGSMITH_API_KEY": "test", "PYTHONPATH": str(ROOT)}
    done = subprocess.run([sys.executable, "-c", DECIDE], cwd=ROOT, env=os.environ | told, capture_output=True, text=True, check=True)
    assert done.stdout.strip() == "1"
    assert got == []


@pytest.mark.parametrize("page", ["README.md", "docs/decisions.md"])
def test_the_picture_on_the_page_is_the_graph(page):
    """Generated, not drawn: what the README and the page on decisions show is what runs."""
    shown = PICTURE.search((ROOT / page).read_text(encoding="utf-8"))
    assert shown is not None
    assert shown.group(1) == f"```mermaid\n{graph.picture().strip()}\n```\n"


def test_the_lanes_are_the_routes():
    """confidence leads to every lane, and every lane to the root cause."""
    edges = {(edge.source, edge.target) for edge in graph.compiled().get_graph().edges}
    lanes = {"escalate", "healthy", "warning", "critical"}
    assert {target for source, target in edges if source == "confidence"} == lanes
    assert {source for source, target in edges if target == "root_cause"} == lanes


def test_it_is_compiled_once():
    """Every brain shares the one compiled graph."""
    assert graph.compiled() is graph.compiled()
