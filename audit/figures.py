"""The record in a few figures, cheap enough to be asked every few seconds: what `/metrics` and `/readyz` show."""

from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from typing import Any

from sqlalchemy import Connection, and_, func, or_, select

from audit import clock
from audit.database import Database
from audit.tables import ledger_head, outbox, recommendations, runs

UNTRIED = timedelta(minutes=30)  # three upkeeps: a message that is due for longer has no relay
REFUSED_TRIES = 3  # a message that was tried so often and still waits is not being taken


@dataclass(frozen=True)
class Standing:
    """The record at one instant (`now`: the database clock). `sealed`: the newest live run that is sealed, if there is one.

    pending: messages on their way. overdue: those that nobody tried for `UNTRIED`; refused: those tried `REFUSED_TRIES` times or more.
    """

    now: datetime
    run_id: str | None
    sealed_at: datetime | None
    summary: dict[str, Any]
    quarantined: int
    pending: int
    overdue: int
    refused: int
    recommendations: int
    ledger_size: int


class Figures:
    def __init__(self, database: Database) -> None:
        self.database = database

    def standing(self) -> Standing:
        """Every figure, as of one instant.

        Raises:
            DatabaseUnavailable, DatabaseRefused: Postgres did not answer, or its schema is not ours.
        """
        with self.database.snapshot() as connection:
            now = clock.now(connection)
            newest = select(runs.c.run_id, runs.c.sealed_at, runs.c.summary).where(runs.c.live, runs.c.status == "sealed")
            run = connection.execute(newest.order_by(runs.c.window_at.desc()).limit(1)).one_or_none()
            pending, overdue, refused = _waiting(connection, now)
            return Standing(
                now=now, run_id=run.run_id if run else None, sealed_at=run.sealed_at.astimezone(UTC) if run else None,
                summary=run.summary if run else {}, quarantined=_quarantined(connection), pending=pending, overdue=overdue, refused=refused,
                recommendations=connection.execute(select(func.count()).where(recommendations.c.status == "pending")).scalar_one(),
                ledger_size=connection.execute(select(ledger_head.c.size)).scalar_one())


def _waiting(connection: Connection, now: datetime) -> tuple[int, int, int]:
    late = now - UNTRIED
    overdue = or_(and_(outbox.c.status == "pending", outbox.c.next_attempt_at <= late), and_(outbox.c.status == "leased", outbox.c.leased_until <= late))
    row = connection.execute(select(
        func.count(), func.count().filter(overdue), func.count().filter(outbox.c.attempts >= REFUSED_TRIES),
    ).where(outbox.c.status.in_(["pending", "leased"]))).one()
    return row[0], row[1], row[2]


def _quarantined(connection: Connection) -> int:
    """Rows that could not be used, over all sealed live runs: their summaries count them, so that no row is touched."""
    counted = func.sum(runs.c.summary["quarantined"].as_integer())
    return int(connection.execute(select(func.coalesce(counted, 0)).where(runs.c.live, runs.c.status == "sealed")).scalar_one())
