"""Recommendations that await an answer. Opened, renewed and withdrawn by seals; answering them is an issue of its own."""

from collections.abc import Iterable
from dataclasses import asdict, dataclass, field, replace
from datetime import UTC, datetime
from typing import Any

from sqlalchemy import Connection, Row, select
from sqlalchemy.dialects.postgresql import insert

from audit import clock, ledger
from audit.database import Database
from audit.tables import recommendations
from pacing_brain.errors import LedgerError


@dataclass(frozen=True)
class Recommendation:
    """A halt that awaits an answer. It acts on the account and campaign id of the decision that it cites.

    status: pending | withdrawn | expired. decision_seq: the ledger entry of the decision. facts: figures for the card.
    """

    recommendation_id: str
    version: int
    incident_id: str
    flight_id: str
    platform: str
    account_id: str
    campaign_id: str
    status: str
    run_id: str
    decision_seq: int
    opened_at: datetime
    renewed_at: datetime
    expires_at: datetime
    facts: dict[str, Any] = field(default_factory=dict)


class Recommendations:
    def __init__(self, database: Database) -> None:
        self.database = database

    def pending(self) -> list[Recommendation]:
        """Those that await an answer, oldest first."""
        order = recommendations.c.opened_at, recommendations.c.recommendation_id
        return self._select(recommendations.c.status == "pending", order)

    def get(self, recommendation_id: str) -> Recommendation | None:
        found = self._select(recommendations.c.recommendation_id == recommendation_id, ())
        return found[0] if found else None

    def expire(self) -> list[Recommendation]:
        """Those that nobody answered in time, by the database clock: `expired` from now on, and said on the ledger."""
        with self.database.transaction() as connection:
            now = clock.now(connection)
            late = select(recommendations).where(recommendations.c.status == "pending", recommendations.c.expires_at <= now)
            rows = connection.execute(late.order_by(recommendations.c.recommendation_id).with_for_update()).all()
            gone = [replace(each, version=each.version + 1, status="expired") for each in map(_recommendation, rows)]
            put(connection, gone)
            ledger.append(connection, None, [_expired(each) for each in gone], now)
            return gone

    def _select(self, condition: Any, order: Any) -> list[Recommendation]:
        with self.database.transaction() as connection:
            return [_recommendation(row) for row in connection.execute(select(recommendations).where(condition).order_by(*order))]


def put(connection: Connection, found: Iterable[Recommendation]) -> None:
    """Open, renew or withdraw; part of a seal. A renewal has the next version.

    Raises:
        LedgerError: a recommendation is no longer what the run read.
    """
    for recommendation in sorted(found, key=lambda each: (each.status == "pending", each.recommendation_id)):
        row = asdict(recommendation)
        statement = insert(recommendations).values(row)
        known = (recommendations.c.version == recommendation.version - 1) & (recommendations.c.status == "pending")
        statement = statement.on_conflict_do_update(index_elements=["recommendation_id"], set_=row, where=known)
        if connection.execute(statement.returning(recommendations.c.version)).first() is None:
            raise LedgerError(f"recommendation {recommendation.recommendation_id} changed while the run decided on it. Start the run again.")


def _expired(gone: Recommendation) -> ledger.Entry:
    body = {"version": gone.version, "flight_id": gone.flight_id, "incident": gone.incident_id, "decision_seq": gone.decision_seq,
            "expires_at": gone.expires_at, "decision": "expired", "why": "nobody answered in time"}
    return ledger.Entry("recommendation_decided", gone.recommendation_id, body)


def _recommendation(row: Row[Any]) -> Recommendation:
    fields = row._asdict()
    return Recommendation(**fields | {name: fields[name].astimezone(UTC) for name in ("opened_at", "renewed_at", "expires_at")})
