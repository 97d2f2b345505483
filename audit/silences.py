"""Silences: set, listed and ended, each said on the ledger in the same transaction."""

import hashlib
from collections.abc import Mapping
from datetime import UTC, datetime
from typing import Any

from sqlalchemy import Connection, Row, insert, select, update

from audit import clock, ledger
from audit.database import Database, storable_text
from audit.tables import silences
from pacing_brain.errors import UsageError
from pacing_brain.told import LONGEST, Silence

TIME_IS_UP = "the clock"
MAX_TEXT = 500


class Silences:
    def __init__(self, database: Database) -> None:
        self.database = database

    def set(self, matcher: Mapping[str, str], author: str, reason: str, until: datetime, claimed: Mapping[str, str] | None = None) -> Silence:
        """Mute what matches until an instant at most 30 days away. claimed: how the author was known, for the ledger.

        Raises:
            UsageError: no reason, or an end that is past or too far away.
        """
        reason = storable_text(" ".join(reason.split()))[:MAX_TEXT]
        if not reason:
            raise UsageError("a silence needs a reason: --reason TEXT")
        with self.database.transaction() as connection:
            now = clock.now(connection)
            if not now < until <= now + LONGEST:
                raise UsageError(f"a silence ends in the future and within {LONGEST.days} days, not {until.astimezone(UTC):%Y-%m-%d %H:%M} UTC")
            named = hashlib.sha256(f"{sorted(matcher.items())}\n{author}\n{now.isoformat()}".encode()).hexdigest()[:10]
            silence = Silence(silence_id=f"S-{named}", matcher={name: storable_text(value) for name, value in matcher.items()},
                              author=storable_text(author)[:MAX_TEXT], reason=reason, set_at=now, ends_at=until.astimezone(UTC))
            connection.execute(insert(silences).values(silence.model_dump()))
            ledger.append(connection, None, [ledger.Entry("silence_set", silence.silence_id, _body(silence) | dict(claimed or {}))], now)
            return silence

    def standing(self) -> list[Silence]:
        """Those in force now, by the database clock, the one that ends first at the head."""
        with self.database.transaction() as connection:
            rows = select(silences).where(silences.c.ended_at.is_(None), silences.c.ends_at > clock.now(connection))
            return [_silence(row) for row in connection.execute(rows.order_by(silences.c.ends_at, silences.c.silence_id))]

    def end(self, silence_id: str, by: str, reason: str, claimed: Mapping[str, str] | None = None) -> Silence:
        """End one before its time.

        Raises:
            UsageError: it is not known, or over already.
        """
        with self.database.transaction() as connection:
            now = clock.now(connection)
            row = connection.execute(select(silences).where(silences.c.silence_id == silence_id).with_for_update()).one_or_none()
            if row is None or row.ended_at is not None or row.ends_at <= now:
                raise UsageError(f"silence {silence_id} is {'not known' if row is None else 'over already'}: `pacing silence list` shows those in force")
            return _end(connection, row, storable_text(by)[:MAX_TEXT], storable_text(reason)[:MAX_TEXT], now, dict(claimed or {}))

    def expire(self) -> list[Silence]:
        """Say of those whose time is up that they are over."""
        with self.database.transaction() as connection:
            now = clock.now(connection)
            late = select(silences).where(silences.c.ended_at.is_(None), silences.c.ends_at <= now)
            rows = connection.execute(late.order_by(silences.c.silence_id).with_for_update(skip_locked=True)).all()
            return [_end(connection, row, TIME_IS_UP, "its time is up", now, {}) for row in rows]


def _end(connection: Connection, row: Row[Any], by: str, reason: str, now: datetime, claimed: dict[str, str]) -> Silence:
    connection.execute(update(silences).where(silences.c.silence_id == row.silence_id).values(ended_at=now, ended_by=by))
    over = _silence(row).model_copy(update={"ended_at": now, "ended_by": by})
    body = _body(over) | {"ended_by": by, "why": reason} | claimed
    ledger.append(connection, None, [ledger.Entry("silence_ended", over.silence_id, body)], now)
    return over


def _body(silence: Silence) -> dict[str, Any]:
    return {"matcher": dict(silence.matcher), "author": silence.author, "reason": silence.reason, "ends_at": silence.ends_at}


def _silence(row: Row[Any]) -> Silence:
    fields = row._asdict()
    return Silence(**fields | {name: fields[name].astimezone(UTC) for name in ("set_at", "ends_at", "ended_at") if fields[name]})
