"""What any outbox must do for the relay. A subclass gives `outbox`, whose `put` adds a message and whose `pass_time` moves its clock."""

from collections.abc import Callable
from typing import Any, Protocol

from notifiers.delivery import LEASE_S, OutboxStore
from notifiers.message import Message


class Outbox(Protocol):
    """The store under test, and two handles that a test needs on it."""

    store: OutboxStore
    put: Callable[[str, str, str, str, Message], None]  # delivery_id, channel, thread_key, kind, message
    pass_time: Callable[[float], None]  # seconds


def message(text: str = "hello") -> Message:
    return Message(text, ({"type": "section", "text": {"type": "mrkdwn", "text": text}},))


def ids(leased: Any) -> list[str]:
    return [entry.delivery_id for entry in leased]


class OutboxContract:
    def test_a_lease_gives_what_was_put(self, outbox: Outbox) -> None:
        """A leased message carries its channel, thread, kind, text, blocks and the number of this try."""
        outbox.put("d1", "C1", "inc-1", "post", message("<b>&amp;"))
        (leased,) = outbox.store.lease(10)
        assert (leased.delivery_id, leased.channel, leased.thread_key, leased.kind) == ("d1", "C1", "inc-1", "post")
        assert (leased.text, list(leased.blocks), leased.attempts) == ("<b>&amp;", list(message("<b>&amp;").blocks), 1)

    def test_one_channel_in_order(self, outbox: Outbox) -> None:
        """A lease holds messages of one channel, in the order in which they were put, at most as many as asked for."""
        for number, channel in enumerate(["C1", "C2", "C1", "C1", "C2"]):
            outbox.put(f"d{number}", channel, f"inc-{number}", "post", message())
        assert ids(outbox.store.lease(2)) == ["d0", "d2"]
        assert {tuple(ids(outbox.store.lease(10))), tuple(ids(outbox.store.lease(10)))} == {("d3",), ("d1", "d4")}
        assert ids(outbox.store.lease(10)) == []

    def test_a_leased_message_is_nobody_elses(self, outbox: Outbox) -> None:
        """What is leased is not leased again until it is given back or its lease lapses; a lapsed lease counts as a try."""
        outbox.put("d1", "C1", "inc-1", "post", message())
        assert ids(outbox.store.lease(1)) == ["d1"]
        assert ids(outbox.store.lease(1)) == []
        outbox.pass_time(LEASE_S + 1)
        (again,) = outbox.store.lease(1)
        assert (again.delivery_id, again.attempts) == ("d1", 2)

    def test_retry_waits_for_its_time(self, outbox: Outbox) -> None:
        """A message given back is due again after its time, as a further try."""
        outbox.put("d1", "C1", "inc-1", "post", message())
        outbox.store.lease(1)
        outbox.store.retry("d1", 30.0, "no answer")
        assert ids(outbox.store.lease(1)) == []
        outbox.pass_time(31)
        (again,) = outbox.store.lease(1)
        assert again.attempts == 2

    def test_a_waiting_message_holds_back_its_own_thread_only(self, outbox: Outbox) -> None:
        """While a message waits, later ones of its thread wait with it; other threads of the channel go on."""
        outbox.put("d1", "C1", "inc-1", "post", message())
        outbox.put("d2", "C1", "inc-1", "update", message())
        outbox.put("d3", "C1", "inc-2", "post", message())
        assert ids(outbox.store.lease(10)) == ["d1", "d3"]
        outbox.store.retry("d1", 30.0, "no answer")
        outbox.store.delivered("d3", "C1", "3.0")
        assert ids(outbox.store.lease(10)) == []
        outbox.pass_time(31)
        assert ids(outbox.store.lease(10)) == ["d1"]
        outbox.store.delivered("d1", "C1", "1.0")
        assert ids(outbox.store.lease(10)) == ["d2"]

    def test_delivered_is_done(self, outbox: Outbox) -> None:
        """A delivered message is never leased again, and its place is the thread's."""
        outbox.put("d1", "C1", "inc-1", "post", message())
        outbox.store.lease(1)
        assert outbox.store.message_ref("inc-1") is None
        outbox.store.delivered("d1", "C0REAL", "17.5")
        outbox.pass_time(LEASE_S + 1)
        assert ids(outbox.store.lease(1)) == []
        assert outbox.store.message_ref("inc-1") == ("C0REAL", "17.5")
        assert outbox.store.message_ref("inc-2") is None

    def test_the_newest_card_is_the_threads_place(self, outbox: Outbox) -> None:
        """After a card was posted anew, the thread's place is the new one; a reply never is."""
        for delivery_id, kind, ts in [("d1", "post", "1.0"), ("d2", "update", "2.0"), ("d3", "reply", "3.0")]:
            outbox.put(delivery_id, "C1", "inc-1", kind, message())
            assert ids(outbox.store.lease(1)) == [delivery_id]
            outbox.store.delivered(delivery_id, "C1", ts)
        assert outbox.store.message_ref("inc-1") == ("C1", "2.0")

    def test_dead_lets_its_thread_go_on(self, outbox: Outbox) -> None:
        """A dead message is never leased again, and later messages of its thread are."""
        outbox.put("d1", "C1", "inc-1", "post", message())
        outbox.put("d2", "C1", "inc-1", "update", message())
        outbox.store.lease(1)
        outbox.store.dead("d1", "invalid_blocks")
        assert ids(outbox.store.lease(10)) == ["d2"]
        outbox.store.delivered("d2", "C1", "2.0")
        outbox.pass_time(LEASE_S + 1)
        assert ids(outbox.store.lease(10)) == []

    def test_putting_twice_is_putting_once(self, outbox: Outbox) -> None:
        """The same delivery id put again, as a resumed run does, is one message."""
        outbox.put("d1", "C1", "inc-1", "post", message())
        outbox.put("d1", "C1", "inc-1", "post", message())
        assert ids(outbox.store.lease(10)) == ["d1"]
