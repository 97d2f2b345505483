"""Buttons, forms and `/pacing` over HTTP, through the real Bolt and the real SDK."""

import logging
import random
import threading
import time
from collections.abc import Iterator
from pathlib import Path

import pytest

from audit.database import Database
from connectors.snowflake_settings import SnowflakeSettings
from flows.slack_service import slack_service
from flows.wiring import House
from notifiers.members import FAILED_S
from notifiers.slack import Slack
from pacing_brain.policy import Policy
from tests.fakes import slack_server
from tests.fakes.slack_server import SlackServer
from tests.fakes.slack_socket import APP_TOKEN, SlackSocket, socket_mode
from tests.integration.answers.conftest import ANA, BEN, DEEP, RESPONDER, SECRET, STRANGER, Desk, flights, settings
from tests.integration.answers.slack_caller import Served, block_actions, filled, form, option, served, signed
from tests.unit.notifiers import world


@pytest.fixture
def slack(monkeypatch) -> Iterator[SlackServer]:
    monkeypatch.setattr(Slack, "interval_s", 0.0)
    with slack_server.running() as server:
        yield server


@pytest.fixture
def desk(fresh_database, tmp_path: Path, slack: SlackServer) -> Iterator[Desk]:
    own = settings(fresh_database, tmp_path, SLACK_API_URL=slack.api_url)
    database = Database(fresh_database.app, pool_size=6)
    yield Desk(fresh_database, House(own, Policy.load(own.policy) if own.policy else Policy(), database, SnowflakeSettings()))
    database.close()


@pytest.fixture
def port(desk: Desk) -> Iterator[Served]:
    with slack_service(desk.house) as events, served(events) as port:
        yield port


def until(true, seconds=10.0):
    """What Slack is told after the acknowledgement arrives a moment later."""
    ends = time.monotonic() + seconds
    while not true() and time.monotonic() < ends:
        time.sleep(0.02)
    return true()


def buttons(posted):
    return [button["action_id"] for block in posted.blocks if block["type"] == "actions" for button in block["elements"]]


def test_a_pause_is_approved_from_the_button_to_the_card(desk, slack, port):
    """The click is acknowledged, the recommendation approved, and the card in Slack loses its buttons without any run."""
    one = desk.seal(*flights(1))["F0"]
    assert until(slack.visible, 15)
    (card,) = slack.visible()
    value = next(button["value"] for block in card.blocks if block["type"] == "actions" for button in block["elements"])
    assert value == f"{one.recommendation_id}:1"
    assert port.press("approve_halt", value, ANA) == 200
    assert desk.now(one).status == "approved"
    assert until(lambda: buttons(slack.visible()[0]) == [])
    assert f"<@{ANA}>" in str(slack.visible()[0].blocks)
    assert slack.violations == []


def test_a_refusal_is_seen_by_the_person_and_on_the_ledger(desk, slack, port):
    """A stranger, a guest, a bot, somebody of another workspace and somebody whom Slack does not know: nothing decided, each told why."""
    one = desk.seal(*flights(1))["F0"]
    slack.users = {STRANGER: {}, "U0GUEST001": {"is_restricted": True}, "U0BOT00001": {"is_bot": True}, "U0OTHER001": {"team_id": "T0OTHER"}, ANA: {}}
    for user in ("U0UNKNOWN1", *[user for user in slack.users if user != ANA]):
        assert port.press("approve_halt", f"{one.recommendation_id}:1", user) == 200
    assert until(lambda: len(slack.whispers) == 5)
    assert len({said for _, said in slack.whispers}) == 5
    assert [entry.content["by"]["user"] for entry in desk.said("click_refused")] == ["U0UNKNOWN1", STRANGER, "U0GUEST001", "U0BOT00001", "U0OTHER001"]
    assert desk.now(one).status == "pending"


def test_a_user_group_may_approve_and_who_left_it_may_not(desk, slack, port):
    """Who is in a group is asked of Slack; while Slack does not say, nothing is decided."""
    desk.house.settings.policy.write_text('[approvals]\napprovers = ["group:S0LEADS001"]\n', encoding="utf-8")
    one = desk.seal(*flights(1))["F0"]
    assert port.press("approve_halt", f"{one.recommendation_id}:1", ANA) == 200
    assert until(lambda: slack.whispers)
    assert "who is in the groups" in slack.whispers[0][1]
    time.sleep(FAILED_S)
    slack.user_groups["S0LEADS001"] = [BEN]
    port.press("approve_halt", f"{one.recommendation_id}:1", ANA)
    assert until(lambda: len(slack.whispers) == 2)
    assert "Only an approver" in slack.whispers[1][1]
    port.press("approve_halt", f"{one.recommendation_id}:1", BEN)
    assert desk.now(one).status == "approved"


def test_forms_ask_for_reason_and_time(desk, slack, port):
    """Each of the three buttons opens its form; what is missing is said in the form; what is sent takes effect once."""
    one = desk.seal(*flights(1))["F0"]
    incident = desk.house.incidents.get(one.incident_id)
    about = f"{one.incident_id}:{incident.version}"
    for number, (action, value) in enumerate([("acknowledge", about), ("snooze", about), ("reject_halt", f"{one.recommendation_id}:1")], 1):
        assert port.press(action, value, ANA) == 200
        assert until(lambda number=number: len(slack.views) == number)
    assert [opened["view"]["private_metadata"].split()[0] for opened in slack.views] == [about, about, f"{one.recommendation_id}:1"]
    assert slack.violations == []
    status, told = port.send("reject_halt", f"{one.recommendation_id}:1 C0TEST", ANA, filled(reason={"value": " "}))
    assert (status, told["response_action"], list(told["errors"])) == (200, "errors", ["reason"])
    port.send("snooze", f"{about} C0TEST", RESPONDER, filled(remind=option("4h")))
    assert desk.now(one).status == "snoozed"
    values = filled(choice=option("expected"), until={"selected_date": "2026-11-20"}, up_to={"value": "15000"}, reason={"value": "agreed"})
    assert port.send("acknowledge", f"{about} C0TEST", RESPONDER, values) == (200, None)
    (said,) = [one for one in desk.house.standing_answers.holding().values() if one.answer == "expected"]
    assert (said.until.isoformat(), said.bounds.up_to_micros, said.reason) == ("2026-11-21T00:00:00+00:00", 15_000 * world.UNITS, "agreed")
    status, told = port.send("reject_halt", f"{one.recommendation_id}:1 C0TEST", ANA, filled(reason={"value": "no"}))
    assert (told["response_action"], "Too late" in str(told["view"])) == ("update", True)


def test_two_people_through_slack(desk, slack, port):
    """The first approval is told to the person, and to everybody on the card."""
    one = desk.seal(*flights(1, budget_micros=200_000 * world.UNITS))["F0"]
    port.press("approve_halt", f"{one.recommendation_id}:1", ANA)
    assert until(lambda: slack.whispers)
    assert "A second person must approve" in slack.whispers[0][1]
    port.press("approve_halt", f"{one.recommendation_id}:1", BEN)
    assert desk.now(one).status == "approved"


def test_when_the_database_is_down_the_click_is_not_acknowledged(desk, slack, port):
    """Slack gets no 200, so the person sees that it failed; when the database is back the same click works."""
    one = desk.seal(*flights(1))["F0"]
    body = form(block_actions("approve_halt", f"{one.recommendation_id}:1", ANA))
    admin = Database(desk.urls.admin)
    with admin.transaction() as connection:
        connection.exec_driver_sql("REVOKE ALL ON ALL TABLES IN SCHEMA pacing FROM pacing_app")
    assert port.post(body)[0] == 503
    assert desk.urls.name  # nothing else in this process needs the database now
    with admin.transaction() as connection:
        connection.exec_driver_sql("GRANT SELECT, INSERT, UPDATE ON ALL TABLES IN SCHEMA pacing TO pacing_app")
    admin.close()
    assert port.post(body)[0] == 200
    assert desk.now(one).status == "approved"


def test_a_replayed_request_has_one_effect(desk, port):
    """The same signed bytes, a hundred times."""
    one = desk.seal(*flights(1))["F0"]
    body = form(block_actions("approve_halt", f"{one.recommendation_id}:1", ANA))
    headers = signed(body)
    assert {port.post(body, headers)[0] for _ in range(100 if DEEP else 10)} == {200}
    assert len(desk.said("recommendation_decided")) == 1
    assert desk.said("click_refused") == []


def test_a_burst_of_clicks_is_acknowledged_in_time(desk, port):
    """Fifty people press fifty buttons at once."""
    count = 50 if DEEP else 12
    asked = desk.seal(*flights(count))
    before = len(port.seconds)
    threads = [threading.Thread(target=port.press, args=("approve_halt", f"{one.recommendation_id}:1", ANA)) for one in asked.values()]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert sum(entry.content["decision"] == "approved" for entry in desk.said("recommendation_decided")) == count
    assert not DEEP or max(port.seconds[before:]) < 1.0  # a busy machine is no fault of the code


def strange(random: random.Random) -> tuple[bytes, dict[str, str]]:
    """A request that Slack does not send, or that is not Slack's."""
    body = random.choice([b"", b"\xff\xfe\x00payload", b"payload=", b"payload={", b"payload=[1]", b"payload=null", b'payload={"type":"block_actions"}',
                          form(block_actions(random.choice(["approve_halt", "nonsense"]), random.choice(["", "R-1:1", "R-x", "\u0000", "I-1:99999999999"]), "U1")),
                          b"x" * random.choice([65_536, 65_537, 200_000]), random.randbytes(random.randint(1, 200)), b'{"type":"url_verification","challenge":"c"}',
                          b"command=/pacing&text=status&user_id=U1&channel_id=C1", b"ssl_check=1"])
    at = time.time() + random.choice([0, 0, -299, 299, -301, 301, 10**6])
    headers = signed(body, at, random.choice([SECRET, SECRET, "wrong"]))
    spoil = random.choice(["", "", "", "stamp", "signature", "none", "type"])
    if spoil == "stamp":
        headers["X-Slack-Request-Timestamp"] = random.choice(["", "now", "1e9", "\u00e9", "9" * 40, "-1"])
    elif spoil == "signature":
        headers["X-Slack-Signature"] = random.choice(["", "v0=", "v1=abc", "\u00ff\u00fe", "v0=" + "0" * 64])
    elif spoil == "none":
        headers = {}
    elif spoil == "type":
        headers["Content-Type"] = random.choice(["application/json", "text/plain; charset=\u00ff", ""])
    return body, headers


def test_strange_requests_are_refused_and_leave_nothing(desk, port, caplog, capfd):
    """401 or 200, never 5xx; nothing of a request in a log, on the ledger, or on the terminal."""
    caplog.set_level(logging.DEBUG)
    dice, seen = random.Random(7), set()
    for _ in range(10_000 if DEEP else 150):
        body, headers = strange(dice)
        seen.add(port.post(body, {name: value.encode("latin-1").decode("latin-1") for name, value in headers.items()})[0])
    assert seen == {200, 401}
    logged = caplog.text + "".join(capfd.readouterr())
    assert "payload" not in logged
    assert "approve_halt" not in logged
    assert desk.said("recommendation_decided") == []


def test_show_the_working_and_status_answer_anyone(desk, slack, port):
    """Anyone of the workspace sees the working in a form, and `/pacing status` as a message of their own."""
    desk.seal(*flights(1))
    (incident,) = desk.house.incidents.open()
    assert port.press("explain", f"{incident.incident_id}:1", STRANGER) == 200
    body = f"command=%2Fpacing&text=help&user_id={STRANGER}&channel_id=C0TEST&team_id=T0TEST".encode()
    status, said = port.post(body)
    assert (status, "/pacing status" in said) == (200, True)


@pytest.fixture
def socketed(fresh_database, tmp_path, slack) -> Iterator[tuple[Desk, SlackSocket]]:
    """The app over Socket Mode alone: no signing secret, no port."""
    with socket_mode(slack) as socket:
        own = settings(fresh_database, tmp_path, SLACK_API_URL=slack.api_url, SLACK_SIGNING_SECRET=None, SLACK_APP_TOKEN=APP_TOKEN)
        database = Database(fresh_database.app, pool_size=6)
        desk = Desk(fresh_database, House(own, Policy.load(own.policy) if own.policy else Policy(), database, SnowflakeSettings()))
        with slack_service(desk.house) as events:
            assert events is None
            assert socket.wait_for_connections(2)
            yield desk, socket
        database.close()


def test_socket_mode_hears_the_same(socketed):
    """Two connections; a click on either is taken and acknowledged; one that cannot be recorded is not acknowledged."""
    desk, socket = socketed
    one, other = desk.seal(*flights(2)).values()
    socket.send("E1", block_actions("approve_halt", f"{one.recommendation_id}:1", ANA))
    assert socket.wait("E1", 20)
    assert desk.now(one).status == "approved"
    admin = Database(desk.urls.admin)
    with admin.transaction() as connection:
        connection.exec_driver_sql("REVOKE ALL ON ALL TABLES IN SCHEMA pacing FROM pacing_app")
    click = block_actions("approve_halt", f"{other.recommendation_id}:1", ANA)
    socket.send("E2", click, connection=1)
    assert not socket.wait("E2", 2)
    with admin.transaction() as connection:
        connection.exec_driver_sql("GRANT SELECT, INSERT, UPDATE ON ALL TABLES IN SCHEMA pacing TO pacing_app")
    admin.close()
    socket.send("E3", click, connection=1)
    assert socket.wait("E3", 20)
    assert desk.now(other).status == "approved"
