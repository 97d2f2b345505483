"""Messages on their way to people: put by seals, leased by the relay, in order within a thread, by the database clock."""

import uuid
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any

from sqlalchemy import ARRAY, ColumnElement, Connection, Row, Text, and_, any_, func, literal, or_, select, update
from sqlalchemy.dialects.postgresql import insert

from audit import clock, ledger
from audit.database import Database, storable_text
from audit.tables import channel_turns, outbox
from pacing_brain.errors import LedgerError

LEASE_S = 300.0  # longer than the relay waits for a channel's turn and one request together
CHANNEL_LEASE_S = 90.0  # longer than the relay waits for a turn, and one request
DELIVERIES = uuid.UUID("6c1d0e52-6d0b-5b6e-9e5a-0b6f2d1c7a10")  # namespace of delivery ids
MAX_ERROR_CHARACTERS = 500
ELSEWHERE = "other:"  # begins the name of a channel that is none of Slack's: a relay of its own sends there, and neither holds the other up


@dataclass(frozen=True)
class OutgoingMessage:
    """What a seal puts in the outbox. kind: post | update | reply. thread_key: an incident id, or `digest:<day>`.

    send_after: it can wait until then (quiet hours); unless something that cannot is put into its thread.
    """

    delivery_id: str
    channel: str
    thread_key: str
    kind: str
    text: str
    blocks: Sequence[dict[str, Any]]
    send_after: datetime | None = None


@dataclass(frozen=True)
class LeasedMessage(OutgoingMessage):
    """attempts: leases so far, this one included; above 1 an earlier try may have reached Slack."""

    attempts: int = 0


def delivery_id(run_id: str, thread_key: str, kind: str) -> str:
    """The same for the same run, thread and kind, however often the run is resumed."""
    return str(uuid.uuid5(DELIVERIES, f"{run_id}\n{thread_key}\n{kind}"))


def put(connection: Connection, messages: Iterable[OutgoingMessage], run_id: str | None = None) -> None:
    """Queue messages, in order; part of a seal. Putting a delivery id again changes nothing.

    What cannot wait takes with it what waits before it in its thread.
    """
    messages, due = list(messages), clock.now(connection)
    rows = [{"delivery_id": message.delivery_id, "run_id": run_id, "channel": message.channel, "thread_key": message.thread_key,
             "kind": message.kind, "text": storable_text(message.text), "blocks": list(message.blocks), "status": "pending", "attempts": 0,
             "next_attempt_at": max(due, message.send_after or due)} for message in messages]
    if at_once := sorted({message.thread_key for message in messages if message.send_after is None and message.kind != "update"}):
        held = outbox.c.thread_key == any_(literal(at_once, ARRAY(Text))), outbox.c.status == "pending", outbox.c.attempts == 0
        connection.execute(update(outbox).where(*held, outbox.c.next_attempt_at > due).values(next_attempt_at=due))
    if rows:
        connection.execute(insert(outbox).on_conflict_do_nothing(index_elements=["delivery_id"]), rows)


def holds(connection: Connection, thread_key: str) -> bool:
    """Whether anything was ever put for this thread."""
    return connection.execute(select(outbox.c.position).where(outbox.c.thread_key == thread_key).limit(1)).first() is not None


def newest_thread(connection: Connection, prefix: str) -> tuple[str, str] | None:
    """(thread_key, channel) of the card that was put last among the threads of this kind."""
    cards = select(outbox.c.thread_key, outbox.c.channel).where(outbox.c.thread_key.startswith(prefix, autoescape=True), outbox.c.kind != "reply")
    row = connection.execute(cards.order_by(outbox.c.position.desc()).limit(1)).one_or_none()
    return (row.thread_key, row.channel) if row else None


class Outbox:
    """What the relay works on (`notifiers.delivery.OutboxStore`). elsewhere: it leases the messages to channels that are none of Slack's, and else the others."""

    def __init__(self, database: Database, *, elsewhere: bool = False) -> None:
        self.database, self.holder, self.elsewhere = database, uuid.uuid4(), elsewhere

    def lease(self, limit: int) -> list[LeasedMessage]:
        """Up to `limit` due messages of one channel, in order; none: nothing is due.

        Due: pending or with a lapsed lease, its time has come, no earlier message of its thread waits, and nobody else writes into its channel. The channel is
        this outbox's for CHANNEL_LEASE_S from now, or until `release`.
        """
        with self.database.transaction() as connection:
            now = clock.now(connection)
            due = and_(_due(now), outbox.c.channel.startswith(ELSEWHERE, autoescape=True) == self.elsewhere, ~self._busy(now))
            channel = select(outbox.c.channel).where(due).order_by(outbox.c.position).limit(1).scalar_subquery()
            chosen = select(outbox.c.position).where(due, outbox.c.channel == channel).order_by(outbox.c.position).limit(limit)
            positions = connection.execute(chosen.with_for_update(skip_locked=True)).scalars().all()
            if positions and not self._hold(connection, positions[0], now):
                return []
            lease = update(outbox).where(outbox.c.position.in_(positions)).values(
                status="leased", attempts=outbox.c.attempts + 1, leased_until=now + timedelta(seconds=LEASE_S))
            rows = connection.execute(lease.returning(outbox)).all() if positions else []
            return [LeasedMessage(row.delivery_id, row.channel, row.thread_key, row.kind, row.text, row.blocks, attempts=row.attempts)
                    for row in sorted(rows, key=lambda row: row.position)]

    def release(self, turns: Mapping[str, float]) -> None:
        """Let go of every channel. turns: channel -> seconds until anybody may write into it again."""
        with self.database.transaction() as connection:
            now = clock.now(connection)
            mine = update(channel_turns).where(channel_turns.c.holder == self.holder, channel_turns.c.leased_until > now)
            for channel in connection.execute(mine.values(leased_until=now).returning(channel_turns.c.channel)).scalars().all():
                if (wait := turns.get(channel, 0.0)) > 0:
                    of_it = update(channel_turns).where(channel_turns.c.channel == channel, channel_turns.c.holder == self.holder)
                    connection.execute(of_it.values(turn_at=now + timedelta(seconds=wait)))

    def _busy(self, now: datetime) -> ColumnElement[bool]:
        """Another relay writes into the message's channel, or has just done so."""
        busy = or_(channel_turns.c.leased_until > now, channel_turns.c.turn_at > now)
        return select(channel_turns.c.channel).where(channel_turns.c.channel == outbox.c.channel, channel_turns.c.holder != self.holder, busy).exists()

    def _hold(self, connection: Connection, position: int, now: datetime) -> bool:
        """Lease the channel of a message; whether it is ours: another relay may have been first."""
        channel = select(outbox.c.channel).where(outbox.c.position == position).scalar_subquery()
        ours = {"holder": self.holder, "leased_until": now + timedelta(seconds=CHANNEL_LEASE_S)}
        free = or_(channel_turns.c.holder == self.holder, and_(channel_turns.c.leased_until <= now, channel_turns.c.turn_at <= now))
        statement = insert(channel_turns).values(channel=channel, turn_at=now, **ours)
        held = statement.on_conflict_do_update(index_elements=["channel"], set_=ours, where=free).returning(channel_turns.c.channel)
        return connection.execute(held).first() is not None

    def delivered(self, delivery_id: str, channel: str, ts: str) -> None:
        """It stands in Slack, in the channel and at the timestamp that Slack gave it, which the ledger says."""
        with self.database.transaction() as connection:
            now = clock.now(connection)
            row = _end(connection, delivery_id, status="delivered", sent_channel=channel, slack_ts=ts, delivered_at=now, last_error=None)
            said = {"channel": channel, "ts": ts, "thread": row.thread_key, "what": row.kind}
            ledger.append(connection, None, [ledger.Entry("message_delivered", delivery_id, said)], now)

    def retry(self, delivery_id: str, after_s: float, error: str) -> None:
        """Give the lease back; due again after `after_s` seconds."""
        with self.database.transaction() as connection:
            due = clock.now(connection) + timedelta(seconds=after_s)
            _end(connection, delivery_id, status="pending", next_attempt_at=due, last_error=_one_line(error))

    def dead(self, delivery_id: str, error: str) -> None:
        """It will not be sent again, which the ledger says; later messages of its thread go on."""
        with self.database.transaction() as connection:
            row = _end(connection, delivery_id, status="dead", last_error=_one_line(error))
            said = {"channel": row.channel, "thread": row.thread_key, "what": row.kind, "tries": row.attempts, "error": _one_line(error)}
            ledger.append(connection, None, [ledger.Entry("message_failed", delivery_id, said)], clock.now(connection))

    def message_ref(self, thread_key: str) -> tuple[str, str] | None:
        """(channel, ts) of the newest delivered card of a thread: posts and updates, never replies."""
        card = select(outbox.c.sent_channel, outbox.c.slack_ts).where(
            outbox.c.thread_key == thread_key, outbox.c.kind != "reply", outbox.c.status == "delivered")
        with self.database.transaction() as connection:
            row = connection.execute(card.order_by(outbox.c.position.desc()).limit(1)).one_or_none()
            return (row.sent_channel, row.slack_ts) if row else None

    def written(self, thread_keys: Iterable[str]) -> set[str]:
        """Those of the threads that have a card, delivered or on its way."""
        statement = select(outbox.c.thread_key).distinct().where(
            outbox.c.thread_key.in_(list(thread_keys)), outbox.c.kind != "reply", outbox.c.status != "dead")
        with self.database.transaction() as connection:
            return set(connection.execute(statement).scalars())

    def owed(self, limit: int) -> list[str]:
        """Fallback texts of what has not reached people: waiting, or given up within a day; what the monitor says of itself first, then the newest."""
        with self.database.transaction() as connection:
            lately = clock.now(connection) - timedelta(days=1)
            not_out = or_(outbox.c.status.in_(["pending", "leased"]), and_(outbox.c.status == "dead", outbox.c.next_attempt_at > lately))
            own = outbox.c.thread_key.startswith("monitor:", autoescape=True)
            return list(connection.execute(select(outbox.c.text).where(not_out).order_by(own.desc(), outbox.c.position.desc()).limit(limit)).scalars())

    def texts_of(self, thread_key: str) -> list[str]:
        """Fallback texts of a thread, in order."""
        with self.database.transaction() as connection:
            return list(connection.execute(select(outbox.c.text).where(outbox.c.thread_key == thread_key).order_by(outbox.c.position)).scalars())

    def of_run(self, run_id: str) -> list[OutgoingMessage]:
        """What a run's seal put here, in order, delivered or not."""
        with self.database.transaction() as connection:
            rows = connection.execute(select(outbox).where(outbox.c.run_id == run_id).order_by(outbox.c.position))
            return [OutgoingMessage(row.delivery_id, row.channel, row.thread_key, row.kind, row.text, row.blocks) for row in rows]

    def counts(self) -> dict[str, int]:
        """Messages by status: pending | leased | delivered | dead."""
        with self.database.transaction() as connection:
            rows = connection.execute(select(outbox.c.status, func.count().label("messages")).group_by(outbox.c.status))
            return dict.fromkeys(("pending", "leased", "delivered", "dead"), 0) | {row.status: row.messages for row in rows}


def _due(now: datetime) -> ColumnElement[bool]:
    earlier = outbox.alias()
    waiting = select(earlier.c.position).where(
        earlier.c.thread_key == outbox.c.thread_key, earlier.c.position < outbox.c.position, earlier.c.status.in_(["pending", "leased"]))
    free = or_(and_(outbox.c.status == "pending", outbox.c.next_attempt_at <= now), and_(outbox.c.status == "leased", outbox.c.leased_until <= now))
    return and_(free, ~waiting.exists())


def _end(connection: Connection, delivery_id: str, **values: Any) -> Row[Any]:
    """End a lease. One that lapsed meanwhile may be ended too (the message is known to be out), one that is delivered may not."""
    of_it = outbox.c.delivery_id == delivery_id, outbox.c.status != "delivered"
    row = connection.execute(update(outbox).where(*of_it).values(leased_until=None, **values).returning(outbox)).one_or_none()
    if row is None:
        raise LedgerError(f"message {delivery_id} is not in the outbox, or was delivered before")
    return row


def _one_line(error: str) -> str:
    return storable_text(" ".join(error.split()))[:MAX_ERROR_CHARACTERS]
