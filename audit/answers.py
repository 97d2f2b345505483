"""Every click and every answer from a terminal, once each, with what became of it."""

from collections.abc import Collection
from dataclasses import dataclass, field
from datetime import UTC, datetime
from typing import Any

from sqlalchemy import ARRAY, Connection, Row, Text, any_, func, literal, select
from sqlalchemy.dialects.postgresql import insert

from audit.database import Database, storable_text
from audit.tables import answers, ledger_head, recommendations

TOOK_EFFECT = ("accepted", "counted")
DECIDE = ("approve_halt", "undo", "report_paused")


@dataclass(frozen=True)
class Given:
    """An answer as it is kept. verdict: accepted | counted (one of two approvals) | asked (a form or the working was shown) | refused."""

    at: datetime
    team: str
    user_id: str
    event: str
    via: str
    person: str
    answer: str
    subject: str
    version: int
    incident_id: str | None
    verdict: str
    said: str
    seq: int | None = None
    facts: dict[str, Any] = field(default_factory=dict)


class Answers:
    def __init__(self, database: Database) -> None:
        self.database = database

    def seen(self) -> int:
        """A mark: every answer that took effect before now has a lower ledger number, every later one this or a higher."""
        with self.database.transaction() as connection:
            return int(connection.execute(select(ledger_head.c.size)).scalar_one())

    def approvers(self, recommendation_id: str, version: int, action: str = "approve_halt") -> list[Given]:
        """Who approved this version, or taking it back (`undo`), in order: one for each person."""
        with self.database.transaction() as connection:
            return approvals(connection, recommendation_id, version, action)



def earlier(connection: Connection, team: str, user_id: str, event: str) -> Given | None:
    """What became of the same click when it came before."""
    of_it = answers.c.team == team, answers.c.user_id == user_id, answers.c.event == event
    row = connection.execute(select(answers).where(*of_it)).one_or_none()
    return _given(row) if row else None


def put(connection: Connection, given: Given) -> bool:
    """Keep an answer; whether it is new."""
    row = {name: getattr(given, name) for name in Given.__dataclass_fields__} | {"said": storable_text(given.said)}
    statement = insert(answers).values(row).on_conflict_do_nothing(index_elements=["team", "user_id", "event"])
    return connection.execute(statement.returning(answers.c.position)).first() is not None


def approvals(connection: Connection, recommendation_id: str, version: int, action: str = "approve_halt") -> list[Given]:
    """Approvals of a version that count, one for each person, in order."""
    of_it = (answers.c.subject == recommendation_id, answers.c.version == version, answers.c.answer == action,
             answers.c.verdict.in_(TOOK_EFFECT))
    rows = [_given(row) for row in connection.execute(select(answers).where(*of_it).order_by(answers.c.position))]
    return list({given.person: given for given in reversed(rows)}.values())[::-1]


def by_policy(connection: Connection, run_id: str) -> int:
    """How many pauses that a run asked for a policy has approved by itself."""
    of_run = select(func.count()).select_from(answers).join(recommendations, recommendations.c.recommendation_id == answers.c.subject)
    return int(connection.execute(of_run.where(answers.c.via == "policy", recommendations.c.run_id == run_id)).scalar_one())


def approved(connection: Connection, recommendation_ids: Collection[str]) -> dict[str, list[Given]]:
    """Recommendation -> the approvals and reports that counted, of every version, in order."""
    of_them = (answers.c.subject == any_(literal(sorted(recommendation_ids), ARRAY(Text))), answers.c.answer.in_(DECIDE),
               answers.c.verdict.in_(TOOK_EFFECT))
    found: dict[str, list[Given]] = {}
    for row in connection.execute(select(answers).where(*of_them).order_by(answers.c.position)):
        found.setdefault(row.subject, []).append(_given(row))
    return found


def since(connection: Connection, mark: int) -> Collection[str]:
    """Incidents that an answer took effect on since a mark was read. (Ledger numbers, unlike positions, become visible in their order.)"""
    newer = answers.c.seq >= mark, answers.c.verdict.in_(TOOK_EFFECT), answers.c.incident_id.is_not(None)
    return set(connection.execute(select(answers.c.incident_id).where(*newer).distinct()).scalars())


def _given(row: Row[Any]) -> Given:
    fields = row._asdict()
    del fields["position"]
    return Given(**fields | {"at": row.at.astimezone(UTC)})
