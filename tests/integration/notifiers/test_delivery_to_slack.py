"""The relay against a Slack server over HTTP, with the real SDK: every message is seen exactly once, whatever the line does."""

import os
import random
from collections.abc import Iterator
from dataclasses import dataclass, field

import pytest

from notifiers.delivery import DeliveryReport, relay
from notifiers.message import Message
from notifiers.slack import Slack
from pacing_brain.errors import SlackRefused, SlackUnavailable
from tests.fakes.outbox import MemoryOutbox
from tests.fakes.slack_server import FAULTS, TOKEN, SlackServer, running

DEEP = os.environ.get("PACING_TEST_DEEP") == "1"
EACH = 200 if DEEP else 24  # messages under each fault
QUICK = {"hang", "accept_then_hang"}  # each costs a timeout


@dataclass
class Time:
    """A clock that sleeping moves: an hour of backoff costs no time."""

    now: float = 1_000.0
    slept: list[float] = field(default_factory=list)

    def __call__(self) -> float:
        return self.now

    def sleep(self, seconds: float) -> None:
        self.slept.append(seconds)
        self.now += seconds


@pytest.fixture
def clock() -> Time:
    return Time()


@pytest.fixture
def server(clock: Time) -> Iterator[SlackServer]:
    with running(SlackServer(clock=clock)) as slack:
        yield slack


def message(text: str = "hello") -> Message:
    return Message(text, ({"type": "section", "text": {"type": "mrkdwn", "text": text}},))


def slack(server: SlackServer, *, token: str = TOKEN, timeout_s: float = 5) -> Slack:
    return Slack(token, server.api_url, timeout_s=timeout_s)


def deliver(outbox: MemoryOutbox, server: SlackServer, clock: Time, *, budget_s: float = 20_000.0, timeout_s: float = 5) -> DeliveryReport:
    return relay(outbox, slack(server, timeout_s=timeout_s), budget_s=budget_s, clock=clock, sleep=clock.sleep)


@pytest.mark.deep
@pytest.mark.parametrize("fault", sorted(FAULTS))
def test_each_message_is_seen_exactly_once_under_a_fault(fault: str, server: SlackServer, clock: Time) -> None:
    """Under each fault every message stands in the channel exactly once, in its newest state, with its replies below it."""
    n = EACH if DEEP or fault not in QUICK else 6
    outbox = MemoryOutbox(clock)
    for number in range(n):
        outbox.put(f"d{number}", "C0TEST", f"inc-{number}", "post", message(f"card {number}"))
        outbox.put(f"u{number}", "C0TEST", f"inc-{number}", "update", message(f"card {number}, new"))
        outbox.put(f"r{number}", "C0TEST", f"inc-{number}", "reply", message(f"reply {number}"))
    chance = random.Random(fault)
    server.faults.extend(fault if chance.random() < 0.4 else "" for _ in range(n * 3))
    report = deliver(outbox, server, clock, timeout_s=0.2 if "hang" in fault else 5)
    assert (report.delivered, report.dead) == (3 * n, 0), report.errors
    assert sorted(one.text for one in server.visible()) == sorted(f"card {number}, new" for number in range(n))
    for card in server.visible():
        assert [one.text for one in server.replies("C0TEST", card.ts)] == [f"reply {card.text.split()[1].rstrip(',')}"]
    assert TOKEN not in repr(report)
    assert report.retried >= 3, "the fault did not happen"


def test_all_faults_mixed(server: SlackServer, clock: Time) -> None:
    """Whatever faults follow each other, each message is seen exactly once."""
    outbox, chance = MemoryOutbox(clock), random.Random(7)
    for number in range(EACH):
        outbox.put(f"d{number}", "C0TEST", f"inc-{number}", "post", message(f"card {number}"))
    server.faults.extend(chance.choice(["", *sorted(set(FAULTS) - QUICK)]) for _ in range(EACH * 2))
    deliver(outbox, server, clock)
    assert sorted(one.delivery_id for one in server.visible()) == sorted(f"d{number}" for number in range(EACH))


def test_a_process_that_dies_after_sending(server: SlackServer, clock: Time) -> None:
    """A message that was posted by a process that died before it could note so is found, not posted again."""
    outbox = MemoryOutbox(clock)
    outbox.put("d1", "C0TEST", "inc-1", "post", message())
    outbox.lease(1)
    posted = slack(server).post("C0TEST", message(), "d1")  # ... and then kill -9
    clock.now += 301
    deliver(outbox, server, clock)
    assert len(server.visible()) == 1
    assert outbox.message_ref("inc-1") == ("C0TEST", posted.ts)


def test_the_channels_rate_is_kept(server: SlackServer, clock: Time) -> None:
    """Messages of one channel go out a second apart and in order, so that Slack never has to slow us down."""
    server.rate_limited = True
    outbox = MemoryOutbox(clock)
    for number in range(10):
        outbox.put(f"d{number}", "C0TEST", f"inc-{number}", "post", message(str(number)))
    report = deliver(outbox, server, clock)
    assert report == DeliveryReport(delivered=10)
    assert [one.text for one in server.visible()] == [str(number) for number in range(10)]
    assert sum(clock.slept) == pytest.approx(9.0)


def test_retry_after_is_honoured(server: SlackServer, clock: Time) -> None:
    """After a 429 nothing is sent to the channel before Slack's time has passed, and the message does not age towards death."""
    server.retry_after_s = 7
    server.faults.extend(["429"] * 12)
    outbox = MemoryOutbox(clock)
    outbox.put("d1", "C0TEST", "inc-1", "post", message())
    report = deliver(outbox, server, clock)
    assert (report.delivered, report.dead) == (1, 0)
    assert clock.now >= 1_000 + 12 * 7


@pytest.mark.deep
def test_a_storm_of_refusals_for_half_an_hour_loses_nothing(server: SlackServer, clock: Time) -> None:
    """Thirty minutes of 429s, then every tenth: each card is there once, in order, and the channel's rate is kept throughout."""
    cards = 300 if DEEP else 30
    server.retry_after_s, server.rate_limited = 30, True
    chance = random.Random(429)
    server.faults.extend(["429"] * 60 + [("429" if chance.random() < 0.1 else "") for _ in range(cards)])
    outbox = MemoryOutbox(clock)
    for number in range(cards):
        outbox.put(f"d{number}", "C0TEST", f"inc-{number}", "post", message(str(number)))
    report = deliver(outbox, server, clock)
    assert (report.delivered, report.dead) == (cards, 0)
    assert [one.text for one in server.visible()] == [str(number) for number in range(cards)]
    assert clock.now - 1_000 >= 1_800 + cards - 1


def test_dead_after_eight_tries_blocks_only_itself(server: SlackServer, clock: Time) -> None:
    """A message that fails eight times is dead; its channel and its thread go on, and a later update is posted as a card."""
    server.faults.extend(["500"] * 8)
    outbox = MemoryOutbox(clock)
    outbox.put("d1", "C0TEST", "inc-1", "post", message("first"))
    outbox.put("d2", "C0TEST", "inc-1", "update", message("newer"))
    report = deliver(outbox, server, clock)
    assert outbox.states() == {"d1": "dead", "d2": "delivered"}
    assert (report.delivered, report.dead) == (1, 1)
    assert [one.text for one in server.visible()] == ["newer"]


def test_other_threads_do_not_wait(server: SlackServer, clock: Time) -> None:
    """While one message waits for its next try, messages of other threads are delivered."""
    server.faults.extend(["500"])
    outbox = MemoryOutbox(clock)
    outbox.put("d1", "C0TEST", "inc-1", "post", message("first"))
    outbox.put("d2", "C0TEST", "inc-2", "post", message("second"))
    deliver(outbox, server, clock)
    assert [one.text for one in server.visible()] == ["second", "first"]


def test_an_update_whose_message_is_gone_posts_anew(server: SlackServer, clock: Time) -> None:
    """When a person deleted the card, its next state is a new card, and later updates go there; so does a reply."""
    outbox = MemoryOutbox(clock)
    outbox.put("d1", "C0TEST", "inc-1", "post", message("first"))
    deliver(outbox, server, clock)
    server.delete(server.visible()[0].ts)
    for delivery_id, text in [("d2", "second"), ("d3", "third")]:
        outbox.put(delivery_id, "C0TEST", "inc-1", "update", message(text))
        deliver(outbox, server, clock)
    (card,) = server.visible()
    assert (card.text, card.edits) == ("third", 1)


def test_a_refused_message_is_dead_at_once(server: SlackServer, clock: Time) -> None:
    """What Slack refuses for its content is not tried again, and the reason names the place."""
    outbox = MemoryOutbox(clock)
    outbox.put("d1", "C0TEST", "inc-1", "post", Message("x", ({"type": "header", "text": {"type": "plain_text", "text": "y" * 151}},)))
    outbox.put("d2", "C0TEST", "inc-2", "post", message())
    report = deliver(outbox, server, clock)
    assert outbox.states() == {"d1": "dead", "d2": "delivered"}
    assert "invalid_blocks (blocks[0].text: 151 of 1 to 150 characters)" in report.errors[0]


def test_a_wrong_token_kills_nothing(server: SlackServer, clock: Time) -> None:
    """A refused token leaves every message waiting; once it is mended they go out."""
    outbox = MemoryOutbox(clock)
    for number in range(3):
        outbox.put(f"d{number}", "C0TEST", f"inc-{number}", "post", message())
    report = relay(outbox, slack(server, token="xoxb-wrong"), budget_s=60, clock=clock, sleep=clock.sleep)
    assert report == DeliveryReport(retried=1, errors=("Slack refused chat.postMessage: invalid_auth. Check SLACK_BOT_TOKEN.",))
    assert set(outbox.states().values()) == {"pending"}
    clock.now += 301
    assert deliver(outbox, server, clock).delivered == 3


def test_a_wrong_channel_does_not_stop_the_others(server: SlackServer, clock: Time) -> None:
    """A channel that is not there is tried eight times and given up, with the next step; other channels are served meanwhile."""
    outbox = MemoryOutbox(clock)
    outbox.put("d1", "C0GONE", "inc-1", "post", message())
    outbox.put("d2", "C0TEST", "inc-2", "post", message())
    report = deliver(outbox, server, clock)
    assert outbox.states() == {"d1": "dead", "d2": "delivered"}
    assert report.errors[0] == ("Slack refused chat.postMessage: channel_not_found. Check SLACK_CHANNEL and [routes]: the channel's id, and the "
                                "app invited to it.")


def test_a_relay_ends_with_its_budget(server: SlackServer, clock: Time) -> None:
    """What does not fit into the budget waits for the next relay, untouched by death."""
    outbox = MemoryOutbox(clock)
    for number in range(10):
        outbox.put(f"d{number}", "C0TEST", f"inc-{number}", "post", message())
    assert deliver(outbox, server, clock, budget_s=3.5).delivered == 4
    assert deliver(outbox, server, clock).delivered == 6
    assert len(server.visible()) == 10


def test_a_channel_name_becomes_its_id(server: SlackServer, clock: Time) -> None:
    """A channel given by name is posted to, and the card is updated under the id that Slack answered."""
    outbox = MemoryOutbox(clock)
    for number, kind in enumerate(["post", "update"]):
        outbox.put(f"d{number}", "#pacing", "inc-1", kind, message(kind))
    deliver(outbox, server, clock)
    assert [(one.text, one.edits) for one in server.visible()] == [("update", 1)]
    assert outbox.message_ref("inc-1") == ("C0TEST", server.visible()[0].ts)


def test_a_card_of_the_terminal_is_posted_anew(server: SlackServer, clock: Time) -> None:
    """A card that was printed before Slack was configured is posted at its next update."""
    outbox = MemoryOutbox(clock)
    outbox.put("d1", "C0TEST", "inc-1", "post", message())
    outbox.lease(1)
    outbox.delivered("d1", "console", "d1")
    outbox.put("d2", "C0TEST", "inc-1", "update", message("now"))
    deliver(outbox, server, clock)
    assert [one.text for one in server.visible()] == ["now"]


def test_no_server_at_all(clock: Time) -> None:
    """A Slack that cannot be reached is unavailable with a known outcome: nothing was sent."""
    with pytest.raises(SlackUnavailable, match="could not be reached") as caught:
        Slack(TOKEN, "http://127.0.0.1:9/api/").post("C0TEST", message(), "d1")
    assert not caught.value.outcome_unknown


@pytest.mark.parametrize(("fault", "unknown"), [("reset", True), ("500", True), ("garbage", True), ("429", False)])
def test_outcome_of_a_failed_post(fault: str, unknown: bool, server: SlackServer) -> None:
    """An error says whether the message may have been posted, and never holds the token."""
    server.faults.append(fault)
    with pytest.raises(SlackUnavailable) as caught:
        slack(server).post("C0TEST", message(), "d1")
    assert caught.value.outcome_unknown is unknown
    assert TOKEN not in str(caught.value)
    assert caught.value.__cause__ is None


def test_the_sdk_says_nothing(server: SlackServer, capfd: pytest.CaptureFixture[str]) -> None:
    """A failing call writes nothing to the console: we raise what the SDK would log."""
    server.faults.append("reset")
    with pytest.raises(SlackUnavailable):
        slack(server).post("C0TEST", message(), "d1")
    assert capfd.readouterr() == ("", "")


def test_find_pages_through_a_busy_channel(server: SlackServer) -> None:
    """A message is found behind several hundred newer ones, and a reply in its thread."""
    poster = slack(server)
    card = poster.post("C0TEST", message(), "wanted")
    reply = poster.reply("C0TEST", card.ts, message("below"), "wanted-reply")
    for number in range(450):
        server.answer("chat.postMessage", {"channel": "C0TEST", "text": "x", "blocks": list(message().blocks),
                                           "metadata": {"event_type": "other", "event_payload": {}}, "n": number}, f"Bearer {TOKEN}")
    assert poster.find("C0TEST", "wanted", None) == card
    assert reply is not None
    assert poster.find("C0TEST", "wanted-reply", card.ts) == reply
    assert poster.find("C0TEST", "wanted-reply", None) is None
    assert poster.find("C0TEST", "never-sent", None) is None


def test_where_looking_is_refused_it_is_sent_again(server: SlackServer, clock: Time) -> None:
    """An app that may write but not read sends again after an unknown outcome: seen twice is better than never."""

    class Blind(Slack):
        def find(self, channel: str, delivery_id: str, thread_ts: str | None) -> None:
            raise SlackRefused("Slack refused conversations.history: missing_scope.", fault="workspace")

    server.faults.append("accept_then_drop")
    outbox = MemoryOutbox(clock)
    outbox.put("d1", "C0TEST", "inc-1", "post", message())
    report = relay(outbox, Blind(TOKEN, server.api_url), budget_s=60, clock=clock, sleep=clock.sleep)
    assert (report.delivered, len(server.visible())) == (1, 2)
    assert "missing_scope" in report.errors[-1]
