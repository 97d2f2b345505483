"""What people said last about a problem, and until when it keeps the monitor quiet. The rules are those of `pacing_brain.answers`."""

from collections.abc import Collection, Mapping
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any

from sqlalchemy import Connection, Row, Select, select, update
from sqlalchemy.dialects.postgresql import insert

from audit import ledger
from audit.database import Database
from audit.tables import standing_answers
from pacing_brain.answers import OUTLIVES_THE_INCIDENT, Answer, Bounds, Extent, broken


@dataclass(frozen=True)
class Standing:
    """An answer about a problem. person: the human; user_id: as whom they answered. seq: its ledger entry."""

    fingerprint: str
    incident_id: str
    answer: Answer
    person: str
    user_id: str
    reason: str
    at: datetime
    until: datetime
    bounds: Bounds
    seq: int
    ended_at: datetime | None = None
    ended_why: str | None = None


class StandingAnswers:
    def __init__(self, database: Database) -> None:
        self.database = database

    def holding(self) -> dict[str, Standing]:
        """Fingerprint -> the answer about it, of those that have not ended."""
        with self.database.transaction() as connection:
            return holding(connection)


def holding(connection: Connection) -> dict[str, Standing]:
    return _by_fingerprint(connection, select(standing_answers).where(standing_answers.c.ended_at.is_(None)))


def put(connection: Connection, one: Standing) -> None:
    """From now on this is what was said last about its problem."""
    row = {name: getattr(one, name) for name in ("fingerprint", "incident_id", "person", "user_id", "reason", "at", "until", "seq", "ended_at", "ended_why")}
    row |= {"answer": one.answer.value, "bounds": one.bounds.as_json()}
    connection.execute(insert(standing_answers).values(row).on_conflict_do_update(index_elements=["fingerprint"], set_=row))


def end(connection: Connection, extents: Mapping[str, Extent], resolved: Collection[str], now: datetime) -> list[ledger.Entry]:
    """End the answers that hold no longer; part of a seal.

    extents: fingerprint -> how bad the run found it. resolved: fingerprints of incidents that ended. Returns a `silence_ended` entry for each.
    """
    said = []
    for one in _by_fingerprint(connection, select(standing_answers).where(standing_answers.c.ended_at.is_(None)).with_for_update()).values():
        why = _why_it_ended(one, extents.get(one.fingerprint), one.fingerprint in resolved, now)
        if why is not None:
            connection.execute(update(standing_answers).where(standing_answers.c.fingerprint == one.fingerprint).values(ended_at=now, ended_why=why))
            said.append(ledger.Entry("silence_ended", one.incident_id, {"fingerprint": one.fingerprint, "answer": one.answer.value,
                                                                      "set_seq": one.seq, "why": why}))
    return said


def end_of(connection: Connection, seq: int, why: str, now: datetime) -> list[ledger.Entry]:
    """End the answer of one ledger entry, if it stands. Returns its `silence_ended` entry."""
    of_it = standing_answers.c.seq == seq, standing_answers.c.ended_at.is_(None)
    ended = update(standing_answers).where(*of_it).values(ended_at=now, ended_why=why).returning(standing_answers)
    return [ledger.Entry("silence_ended", row.incident_id, {"fingerprint": row.fingerprint, "answer": row.answer, "set_seq": row.seq, "why": why})
            for row in connection.execute(ended)]


def _why_it_ended(one: Standing, extent: Extent | None, resolved: bool, now: datetime) -> str | None:
    if resolved and one.answer not in OUTLIVES_THE_INCIDENT:
        return "the problem is over"
    if extent is not None:
        return broken(one.answer, one.bounds, one.until, extent, now)
    return "its time is over" if now >= one.until else None


def _by_fingerprint(connection: Connection, statement: Select[Any]) -> dict[str, Standing]:
    return {row.fingerprint: _standing(row) for row in connection.execute(statement.order_by(standing_answers.c.fingerprint))}


def _standing(row: Row[Any]) -> Standing:
    fields = row._asdict()
    instants = {name: fields[name].astimezone(UTC) for name in ("at", "until", "ended_at") if fields[name] is not None}
    return Standing(**fields | instants | {"answer": Answer(fields["answer"]), "bounds": Bounds.from_json(fields["bounds"])})
