"""The monitor itself is ill: one card, as long as it lasts, and a second route when Slack is not one."""

import json
import threading
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer

from datetime import timedelta

import pytest

from flows import illness, run_pacing
from flows.run_pacing import Request, run_window
from flows.upkeep import keep_up
from notifiers.slack import Slack
from pacing_brain.errors import PacingError
from tests.fakes import slack_server
from tests.fakes.slack_server import TOKEN
from tests.flows.desk import AT, Desk, loaded, planned, spent

SECOND, THIRD = AT + timedelta(hours=4), AT + timedelta(hours=8)


@pytest.fixture
def slack():
    with slack_server.running() as server:
        yield server


@pytest.fixture
def hook():
    """A real HTTP server that Apprise's json:// address posts to; what it got."""
    got = []

    class Handler(BaseHTTPRequestHandler):
        def do_POST(self):
            got.append(json.loads(self.rfile.read(int(self.headers["Content-Length"]))))
            self.send_response(200)
            self.end_headers()

        def log_message(self, *_):
            return

    server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
    thread = threading.Thread(target=server.serve_forever, daemon=True)
    thread.start()
    yield f"json://127.0.0.1:{server.server_port}/s3cretpath", got
    server.shutdown()
    server.server_close()


@pytest.fixture
def desk(fresh_database, warehouse, tmp_path, monkeypatch):
    monkeypatch.setattr(Slack, "interval_s", 0.0)
    monkeypatch.setattr(run_pacing, "DELIVERY_BUDGET_S", 2.0)
    monkeypatch.setattr(illness, "BUDGET_S", 2.0)
    desk = Desk(fresh_database, warehouse, tmp_path)
    desk.plan(planned())
    desk.load(spent(), loaded())
    return desk


def of(slack, **more):
    return {"SLACK_BOT_TOKEN": TOKEN, "SLACK_CHANNEL": "C0TEST", "SLACK_API_URL": slack.api_url} | more


def own(slack):
    return [posted for posted in slack.visible() if "monitor is" in posted.text]


def test_a_snowflake_that_refuses_is_one_card_until_a_run_watches_everything(desk, slack):
    """A run that fails is told once, with the money that nobody watches; a second failure updates it; a complete run says that it is over, below it."""
    desk.run(**of(slack))
    for at in (SECOND, SECOND + timedelta(minutes=5)):
        desk.at(at)
        with pytest.raises(PacingError):
            run_window(desk.settings(**of(slack, SNOWFLAKE_DATABASE="NOT_THERE")), Request(as_of=at))
    (card,) = own(slack)
    assert "The monitor is ill: the run failed. Nothing has been watched since Thu 5 Nov 08:00 UTC." in card.text
    assert "*€300 and £300 a day* is planned in 6 flights" in str(card.blocks)
    assert card.edits == 1
    desk.load(spent(THIRD), loaded(THIRD - timedelta(hours=1)))
    desk.run(THIRD, **of(slack))
    (card,) = own(slack)
    assert "The monitor is well" in card.text
    assert [reply.text[:24] for reply in slack.replies("C0TEST", card.ts)] == ["✅ The monitor is well ag"]
    assert not slack.violations


def test_a_first_run_that_fails_without_slack_tells_nobody_else(desk, capsys):
    """Who sets it up reads the error; no card on the terminal beside it."""
    desk.at(AT)
    with pytest.raises(PacingError):
        run_window(desk.settings(SNOWFLAKE_DATABASE="NOT_THERE"), Request(as_of=AT))
    assert sum(desk.outbox().values()) == 0


def test_missed_windows_are_one_card(desk, slack):
    """Upkeep says once that nobody ran; where it cannot catch up the card stays."""
    desk.run(**of(slack))
    desk.at(AT + timedelta(hours=17))
    for _ in range(2):
        keep_up(desk.settings(**of(slack)), catch_up=lambda *_: {"run_id": "none"})
    (card,) = own(slack)
    assert "runs were missed" in card.text
    assert "3 windows were not run: 2026-11-05 12:00 UTC to 2026-11-05 20:00 UTC" in str(card.blocks)


def test_slack_down_is_said_on_the_second_route_and_once(desk, slack, hook, capfd):
    """What waits is said where PACING_ALERT_URL leads, once, then that it is over; its address stands in no log."""
    url, got = hook
    slack.faults.extend(["reset"] * 60)
    desk.run(**of(slack, PACING_ALERT_URL=url))
    assert len(got) == 1
    assert "Slack does not take its messages" in got[0]["title"]
    assert "G3" in got[0]["message"]
    keep_up(desk.settings(**of(slack, PACING_ALERT_URL=url)), catch_up=lambda *_: {"run_id": "none"})
    assert len(got) == 1
    slack.faults.clear()
    desk.at(AT + timedelta(minutes=30))
    keep_up(desk.settings(**of(slack, PACING_ALERT_URL=url)), catch_up=lambda *_: {"run_id": "none"})
    assert [one["title"] for one in got[1:]] == ["The pacing monitor: over"]
    assert "s3cretpath" not in "".join(capfd.readouterr())


def test_a_record_that_cannot_be_opened_is_said_on_the_second_route(desk, hook):
    """Postgres is down: the run fails, and the second route is told without it."""
    url, got = hook
    with pytest.raises(PacingError):
        run_window(desk.settings(PACING_DATABASE_URL="postgresql://nobody@127.0.0.1:1/none", PACING_ALERT_URL=url), Request(as_of=AT))
    assert [one["title"] for one in got] == ["The pacing monitor is ill"]
    assert "did not answer" in got[0]["message"]


def test_without_slack_the_second_route_says_that_it_is_ill_and_well(desk, hook):
    """No Slack is configured: the monitor's own state goes to PACING_ALERT_URL, its beginning and its end."""
    url, got = hook
    desk.run(PACING_ALERT_URL=url)
    assert got == []
    desk.at(SECOND)
    with pytest.raises(PacingError):
        run_window(desk.settings(SNOWFLAKE_DATABASE="NOT_THERE", PACING_ALERT_URL=url), Request(as_of=SECOND))
    desk.load(spent(THIRD), loaded(THIRD - timedelta(hours=1)))
    desk.run(THIRD, PACING_ALERT_URL=url)
    assert [one["title"] for one in got] == ["The pacing monitor is ill", "The pacing monitor: over"]
