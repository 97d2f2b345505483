"""The relay: what the outbox holds reaches people, once each and in order.

A message is sent at least once and, because Slack has no idempotency key, looked for by its delivery id before any second try; so a
person sees it exactly once, whatever the network does in between.
"""

import time
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Protocol

from notifiers.message import Message
from pacing_brain.errors import SlackRefused, SlackUnavailable

MAX_TRIES = 8
BACKOFF_FIRST_S, BACKOFF_FACTOR, BACKOFF_CAP_S = 5.0, 4.0, 1800.0  # eight tries span an hour and a half: Slack's outages are shorter
HELD_S = 60.0  # a leased message is waited for at most this long, well inside the lease
WORKSPACE_RETRY_S = 300.0  # a refused token is mended by a person, not by trying
CLOCKS_DIFFER_S = 0.1  # the store's clock decides what is due
LEASE_S = 300.0  # what a store must grant: longer than HELD_S and one request together


class Leased(Protocol):
    """An outgoing message that this process alone may send until the lease lapses."""

    @property
    def delivery_id(self) -> str: ...
    @property
    def channel(self) -> str: ...
    @property
    def thread_key(self) -> str:
        """What the message is about: an incident id, or `digest:<day>`. Its first message is the card, the rest update or reply to it."""
        ...

    @property
    def kind(self) -> str:
        """One of post, update, reply."""
        ...

    @property
    def text(self) -> str: ...
    @property
    def blocks(self) -> Sequence[dict[str, Any]]: ...
    @property
    def attempts(self) -> int:
        """Leases of this message so far, this one included: above 1 an earlier try may have reached Slack."""
        ...


class OutboxStore(Protocol):
    """The outbox as the relay needs it. Every call is durable when it returns."""

    def lease(self, limit: int) -> Sequence[Leased]:
        """Up to `limit` due messages of one channel, in the order in which they were put; none: nothing is due.

        Due: not delivered, not dead, not leased by another, its retry time has come, and no earlier message of its thread is still
        waiting (delivered or dead ones do not block). A lease counts as a try at once, so that a process that died while sending
        is known to have tried; it lapses after LEASE_S.
        """
        ...

    def release(self, turns: Mapping[str, float]) -> None:
        """Let other relays write into the channels that this one wrote into. turns: channel -> seconds until its rate allows the next message."""
        ...

    def delivered(self, delivery_id: str, channel: str, ts: str) -> None: ...

    def retry(self, delivery_id: str, after_s: float, error: str) -> None:
        """Give the lease back; due again after `after_s` seconds. `error` is one line for people, without secrets."""
        ...

    def dead(self, delivery_id: str, error: str) -> None:
        """It will not be sent again; later messages of its thread go on."""
        ...

    def message_ref(self, thread_key: str) -> tuple[str, str] | None:
        """(channel, ts) of the newest delivered card of the thread: posts and updates, never replies; none: not delivered yet."""
        ...


@dataclass(frozen=True)
class Sent:
    """Where a message stands: the channel's id as Slack gave it, and its timestamp."""

    channel: str
    ts: str


class Poster(Protocol):
    """Where messages go: Slack, or the terminal.

    Every call raises SlackUnavailable (try later) or SlackRefused (do not).
    """

    @property
    def interval_s(self) -> float:
        """What must lie between two messages of one channel."""
        ...

    def post(self, channel: str, message: Message, delivery_id: str) -> Sent: ...

    def update(self, channel: str, ts: str, message: Message, delivery_id: str) -> Sent | None:
        """None: the message is gone, or can no longer be changed."""
        ...

    def reply(self, channel: str, thread_ts: str, message: Message, delivery_id: str) -> Sent | None:
        """None: the message replied to is gone."""
        ...

    def find(self, channel: str, delivery_id: str, thread_ts: str | None) -> Sent | None:
        """The message that carries this delivery id, in the channel or in the thread."""
        ...


@dataclass(frozen=True)
class DeliveryReport:
    """What a relay did: messages delivered, given back for later, and given up; the distinct errors, in order."""

    delivered: int = 0
    retried: int = 0
    dead: int = 0
    errors: tuple[str, ...] = ()


def relay(
    store: OutboxStore,
    poster: Poster,
    *,
    budget_s: float = 60.0,
    clock: Callable[[], float] = time.monotonic,
    sleep: Callable[[float], None] = time.sleep,
) -> DeliveryReport:
    """Send what is due until nothing is, or the budget is used up.

    1. lease one message, the oldest that is due, and with it its channel
    2. wait for its channel's turn
    3. look for it, if an earlier try may have reached Slack
    4. send it: a card, a new state of the card, or a reply below it
    5. record what became of it: delivered, to be tried again later, or dead
    """
    return _Relay(store, poster, clock, sleep, clock() + budget_s).run()


class _Relay:
    def __init__(
        self, store: OutboxStore, poster: Poster, clock: Callable[[], float], sleep: Callable[[float], None], ends_at: float
    ) -> None:
        self.store, self.poster, self.clock, self.sleep, self.ends_at = store, poster, clock, sleep, ends_at
        self.turn: dict[str, float] = {}  # channel -> when it may be written to again
        self.due_again: list[float] = []  # when messages that this relay gave back come due
        self.counts = {"delivered": 0, "retried": 0, "dead": 0}
        self.errors: list[str] = []
        self.stopped = False

    def run(self) -> DeliveryReport:
        try:
            while not self.stopped and self.clock() < self.ends_at:
                leased = self.store.lease(1)  # 1
                if leased:
                    self._deliver(leased[0])
                elif not self._wait_for_retry():
                    break
        finally:
            self.store.release({channel: at - self.clock() for channel, at in self.turn.items()})
        return DeliveryReport(**self.counts, errors=tuple(dict.fromkeys(self.errors)))

    def _deliver(self, message: Leased) -> None:
        if not self._wait_for_turn(message.channel):  # 2
            self._give_back(message, self.turn[message.channel] - self.clock(), "the channel's turn comes after this relay's time")
            self.stopped = True  # other channels wait as well: the next relay has a whole budget again
            return
        try:
            sent = self._send(message)  # 3, 4
        except SlackUnavailable as error:
            self._unavailable(message, error)
        except SlackRefused as error:
            self._refused(message, error)
        else:
            self.store.delivered(message.delivery_id, sent.channel, sent.ts)  # 5
            self.counts["delivered"] += 1
        self.turn[message.channel] = max(self.turn.get(message.channel, 0.0), self.clock() + self.poster.interval_s)

    def _send(self, message: Leased) -> Sent:
        content = Message(message.text, tuple(message.blocks))
        ref = self.store.message_ref(message.thread_key) if message.kind != "post" else None
        if message.kind == "update" and ref and (sent := self.poster.update(*ref, content, message.delivery_id)):
            return sent
        thread_ts = ref[1] if ref and message.kind == "reply" else None
        channel = ref[0] if ref and thread_ts else message.channel
        if message.attempts > 1 and (found := self._look(message, channel, thread_ts)):
            return found
        if thread_ts and (sent := self.poster.reply(channel, thread_ts, content, message.delivery_id)):
            return sent
        return self.poster.post(message.channel, content, message.delivery_id)

    def _look(self, message: Leased, channel: str, thread_ts: str | None) -> Sent | None:
        """A reply may stand in the channel too: that is where it goes when its thread is gone.

        Where looking is refused (the app may write but not read), it is sent again: twice seen is better than never.
        """
        try:
            if thread_ts and (found := self.poster.find(channel, message.delivery_id, thread_ts)):
                return found
            return self.poster.find(message.channel, message.delivery_id, None)
        except SlackRefused as error:
            self.errors.append(str(error))
            return None

    def _unavailable(self, message: Leased, error: SlackUnavailable) -> None:
        if error.retry_after_s is not None:  # Slack named the time and took nothing: no fault of the message, which stays the channel's next
            self.turn[message.channel] = self.clock() + error.retry_after_s
            self._give_back(message, 0.0, str(error))
        elif message.attempts >= MAX_TRIES:
            self._give_up(message, f"{error} (after {message.attempts} tries)")
        else:
            self._give_back(message, backoff_s(message.attempts), str(error))

    def _refused(self, message: Leased, error: SlackRefused) -> None:
        if error.fault == "workspace":
            self._give_back(message, WORKSPACE_RETRY_S, str(error))
            self.stopped = True
        elif error.fault == "channel" and message.attempts < MAX_TRIES:
            self._give_back(message, backoff_s(message.attempts), str(error))
        else:
            self._give_up(message, str(error))

    def _give_back(self, message: Leased, after_s: float, error: str) -> None:
        self.store.retry(message.delivery_id, max(after_s, 0.0), error)
        self.due_again.append(self.clock() + max(after_s, 0.0) + CLOCKS_DIFFER_S)
        self.counts["retried"] += 1
        self.errors.append(error)

    def _give_up(self, message: Leased, error: str) -> None:
        self.store.dead(message.delivery_id, error)
        self.counts["dead"] += 1
        self.errors.append(error)

    def _wait_for_turn(self, channel: str) -> bool:
        wait = self.turn.get(channel, 0.0) - self.clock()
        if wait > min(HELD_S, self.ends_at - self.clock()):
            return False
        self._pause(wait)
        return True

    def _wait_for_retry(self) -> bool:
        """Nothing is due: wait for what this relay gave back itself, if it comes due in time."""
        now = self.clock()
        self.due_again = [at for at in self.due_again if at > now]
        if not self.due_again or min(self.due_again) >= self.ends_at:
            return False
        self._pause(min(self.due_again) - now)
        return True

    def _pause(self, seconds: float) -> None:
        if seconds > 0:
            self.sleep(seconds)


def backoff_s(attempts: int) -> float:
    """5 s, 20 s, 80 s ... at most half an hour."""
    return min(BACKOFF_FIRST_S * BACKOFF_FACTOR ** (min(attempts, MAX_TRIES) - 1), BACKOFF_CAP_S)
