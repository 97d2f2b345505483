"""Incidents as they are kept. What a run does to them is decided in `pacing_brain.incidents`; a seal writes it down."""

from collections.abc import Iterable
from datetime import UTC
from typing import Any

from sqlalchemy import Connection, Row, insert, select, update

from audit.database import Database
from audit.tables import incidents
from pacing_brain.errors import LedgerError
from pacing_brain.model import Finding, Incident, IncidentChange


class Incidents:
    def __init__(self, database: Database) -> None:
        self.database = database

    def open(self) -> list[Incident]:
        """All open incidents, by fingerprint."""
        with self.database.transaction() as connection:
            rows = connection.execute(select(incidents).where(incidents.c.state == "open").order_by(incidents.c.fingerprint))
            return [_incident(row) for row in rows]

    def get(self, incident_id: str) -> Incident | None:
        with self.database.transaction() as connection:
            row = connection.execute(select(incidents).where(incidents.c.incident_id == incident_id)).one_or_none()
            return _incident(row) if row else None


def apply(connection: Connection, changes: Iterable[IncidentChange]) -> None:
    """Write what a run did to incidents; part of its seal. Resolved ones first, so that a problem may return in the same run.

    Raises:
        LedgerError: an incident is no longer what the run read: somebody else changed it.
        DatabaseRefused: a second open incident of one fingerprint.
    """
    for change in sorted(changes, key=lambda change: (change.kind != "resolved", change.incident.fingerprint)):
        row = _row(change.incident)
        if change.before is None:
            connection.execute(insert(incidents).values(row))
            continue
        known = incidents.c.incident_id == change.incident.incident_id, incidents.c.version == change.before.version
        if connection.execute(update(incidents).where(*known, incidents.c.state == "open").values(row)).rowcount != 1:
            raise LedgerError(f"incident {change.incident.incident_id} changed while the run decided on it. Start the run again.")


def _row(incident: Incident) -> dict[str, Any]:
    fields = {name: getattr(incident, name) for name in incidents.c.keys() if name != "finding"}  # noqa: SIM118  # a column collection
    return fields | {"finding": incident.finding.model_dump(mode="json")}


def _incident(row: Row[Any]) -> Incident:
    fields = row._asdict()
    instants = {name: fields[name].astimezone(UTC) for name in ("opened_at", "changed_at")}
    return Incident(**fields | instants | {"finding": Finding.model_validate(fields["finding"])})
