"""What is critical is told on other channels too: PagerDuty's Events API and Apprise, from whole runs, beside a Slack of its own."""

import json
import threading
from datetime import timedelta
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer

import pytest

from audit.silences import Silences
from flows import elsewhere, illness, run_pacing
from flows.upkeep import keep_up
from notifiers import other_channels
from notifiers.other_channels import dedup_key, routing_key, unreadable
from notifiers.slack import Slack
from tests.fakes import slack_server
from tests.fakes.slack_server import TOKEN
from tests.flows.desk import AT, Desk, loaded, planned, spent

NEXT, LAST = AT + timedelta(hours=4), AT + timedelta(hours=8)
KEY = "R0S3CRETKEY"


@pytest.fixture
def slack():
    with slack_server.running() as server:
        yield server


@pytest.fixture
def hook(monkeypatch):
    """A real HTTP server that stands for PagerDuty's Events API and for a web hook of Apprise's: its port, what it took, and answers that it gives first."""
    got, faults = [], []

    class Handler(BaseHTTPRequestHandler):
        def do_POST(self):
            body = json.loads(self.rfile.read(int(self.headers["Content-Length"])))
            code = faults.pop(0) if faults else 202 if self.path == "/v2/enqueue" else 200
            if code < 300:
                got.append(body)
            self.send_response(code)
            self.end_headers()

        def log_message(self, *_):
            return

    server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
    threading.Thread(target=server.serve_forever, daemon=True).start()
    monkeypatch.setitem(other_channels.EVENTS, "us", f"http://127.0.0.1:{server.server_port}/v2/enqueue")
    yield server.server_port, got, faults
    server.shutdown()
    server.server_close()


@pytest.fixture
def desk(fresh_database, warehouse, tmp_path, monkeypatch):
    monkeypatch.setattr(Slack, "interval_s", 0.0)
    for where, name in ((run_pacing, "DELIVERY_BUDGET_S"), (illness, "BUDGET_S"), (elsewhere, "BUDGET_S")):
        monkeypatch.setattr(where, name, 2.0)
    desk = Desk(fresh_database, warehouse, tmp_path)
    desk.plan(planned())
    desk.load(spent(), loaded())
    return desk


def of(slack, addresses=None):
    return {"SLACK_BOT_TOKEN": TOKEN, "SLACK_CHANNEL": "C0TEST", "SLACK_API_URL": slack.api_url} | ({"PACING_ALERTS_TO": addresses} if addresses else {})


def pages(got):
    return [(one["event_action"], one["dedup_key"]) for one in got if "routing_key" in one]


def channels(desk):
    return {entry.content["channel"] for entry in desk.entries() if entry.kind == "message_delivered"}


def later(desk, at):
    desk.load(spent(at), loaded(at - timedelta(hours=1)))
    return at


def test_a_critical_problem_pages_when_the_setting_is_there_and_its_end_closes_the_page(desk, slack, hook, capfd):
    """Nothing without the setting; then one trigger with the fingerprint as its key, and one resolve; a web hook reads the same two; no address stands in a log."""
    port, got, _ = hook
    desk.run(**of(slack))
    assert got == []
    assert channels(desk) == {"C0TEST"}
    settings = of(slack, f"pagerduty://{KEY}, json://127.0.0.1:{port}/s3cretpath")
    desk.run(later(desk, NEXT), **settings)
    trigger, hooked = got
    assert pages(got) == [("trigger", "campaign:G3:over")]
    assert trigger["routing_key"] == KEY
    assert trigger["payload"]["severity"] == "critical"
    assert "G3" in trigger["payload"]["summary"]
    assert hooked["title"] == "Pacing: a critical problem"
    assert hooked["message"] == trigger["payload"]["custom_details"]["said"]
    assert not [mark for mark in ("<@", "<!", "&lt;", "*") if mark in hooked["message"]]
    desk.plan([row | ({"budget": "4500.00"} if row["flight_id"] == "G3" else {}) for row in planned()])
    desk.run(later(desk, LAST), **settings)
    assert pages(got) == [("trigger", "campaign:G3:over"), ("resolve", "campaign:G3:over")]
    assert [one["title"] for one in got if "title" in one] == ["Pacing: a critical problem", "Pacing: a problem is over"]
    assert channels(desk) == {"C0TEST", "other:1", "other:2"}
    assert not [word for word in (KEY, "s3cretpath") if word in "".join(capfd.readouterr())]
    assert not slack.violations


def test_a_pagerduty_that_fails_is_tried_again_and_holds_nothing_up(desk, slack, hook):
    """A 500 leaves the page in the outbox while Slack has its cards; upkeep sends it, and no run while the problem lasts says it again."""
    _, got, faults = hook
    settings = of(slack, f"pagerduty://{KEY}@token")
    faults += [500]
    desk.run(**settings)
    assert got == []
    assert any("G3" in posted.text for posted in slack.visible())
    assert desk.outbox()["pending"] == 1
    desk.at(AT + timedelta(minutes=10))
    keep_up(desk.settings(**settings), catch_up=lambda *_: {"run_id": "none"})
    assert pages(got) == [("trigger", "campaign:G3:over")]
    desk.run(later(desk, NEXT), **settings)
    assert len(got) == 1
    assert desk.outbox()["pending"] == 0


def test_a_slack_that_refuses_the_token_does_not_hold_a_page_up(desk, slack, hook):
    """The relay to Slack stops at a refused token; the page is out all the same."""
    _, got, _ = hook
    desk.run(**of(slack, f"pagerduty://{KEY}") | {"SLACK_BOT_TOKEN": "xoxb-refused"})
    assert pages(got) == [("trigger", "campaign:G3:over")]
    assert not slack.visible()


@pytest.mark.parametrize("mute", ["observe", "silence"])
def test_what_the_desk_is_not_told_pages_nobody(desk, slack, hook, tmp_path, mute):
    """With `mode = "observe"`, and of what is silenced, nothing is said elsewhere."""
    policy = tmp_path / "policy.toml"
    policy.write_text(f'mode = "{"observe" if mute == "observe" else "recommend"}"', encoding="utf-8")
    if mute == "silence":
        desk.at(AT)
        with desk.record() as database:
            Silences(database).set({"client": "acme"}, "U0BUYERUK", "agreed by phone", AT + timedelta(days=2))
    desk.run(**of(slack, f"pagerduty://{KEY}"), PACING_POLICY=policy)
    assert hook[1] == []
    assert channels(desk) == {"C0TEST"}


@pytest.mark.parametrize(("address", "key"), [
    (f"pagerduty://{KEY}", KEY), (f"pagerduty://{KEY}@token/source?region=eu", KEY), (f"pagerduty://token?integrationkey={KEY}", KEY), ("pagerduty://", None)])
def test_the_integration_key_of_an_address(address, key):
    """It is read as Apprise reads it, and alone it is enough."""
    assert routing_key(address) == key


def test_addresses_that_cannot_be_used_are_named_by_their_kind():
    """A key or region that PagerDuty does not have, and what Apprise does not know."""
    assert unreadable([f"pagerduty://{KEY}", "pagerduty://", f"pagerduty://{KEY}?region=mars", "json://127.0.0.1", "nobody://x"]) == ["pagerduty", "pagerduty", "nobody"]


def test_a_long_fingerprint_is_a_key_that_pagerduty_takes():
    """At most 255 characters, and no two problems have the same."""
    assert dedup_key("campaign:1:over") == "campaign:1:over"
    assert len(dedup_key("x" * 300)) <= 255
    assert dedup_key("x" * 300) != dedup_key("x" * 299)
