"""Incidents as they are kept. What a run does to them is decided in `pacing_brain.incidents`; a seal writes it down."""

from collections.abc import Iterable
from datetime import UTC
from typing import Any

from sqlalchemy import ARRAY, Connection, Row, Text, any_, bindparam, insert, literal, select, update

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
    changes = sorted(changes, key=lambda change: change.incident.fingerprint)
    known = {change.incident.incident_id: change.before.version for change in changes if change.before is not None}
    _lock(connection, known)
    for group in (
        [change.incident for change in changes if change.before is not None and change.kind == "resolved"],
        [change.incident for change in changes if change.before is not None and change.kind != "resolved"],
    ):
        if group:
            of_it = update(incidents).where(incidents.c.incident_id == bindparam("the_incident"))
            values: dict[str, Any] = {name: bindparam(f"new_{name}") for name in incidents.c.keys()}  # noqa: SIM118  # a column collection
            connection.execute(of_it.values(values), [_changed(incident) for incident in group])
    if opened := [_row(change.incident) for change in changes if change.before is None]:
        connection.execute(insert(incidents), opened)


def _lock(connection: Connection, known: dict[str, int]) -> None:
    """Hold the incidents that a run changes, and make sure that they are what it read."""
    ids = literal(list(known), ARRAY(Text))  # one parameter: Postgres takes 65,535 of them
    rows = connection.execute(select(incidents.c.incident_id, incidents.c.version).where(
        incidents.c.incident_id == any_(ids), incidents.c.state == "open").order_by(incidents.c.incident_id).with_for_update())
    kept = {row.incident_id: row.version for row in rows}
    for incident_id, version in known.items():
        if kept.get(incident_id) != version:
            raise LedgerError(f"incident {incident_id} changed while the run decided on it. Start the run again.")


def _changed(incident: Incident) -> dict[str, Any]:
    return {"the_incident": incident.incident_id} | {f"new_{name}": value for name, value in _row(incident).items()}


def _row(incident: Incident) -> dict[str, Any]:
    fields = {name: getattr(incident, name) for name in incidents.c.keys() if name != "finding"}  # noqa: SIM118  # a column collection
    return fields | {"finding": incident.finding.model_dump(mode="json")}


def _incident(row: Row[Any]) -> Incident:
    fields = row._asdict()
    instants = {name: fields[name].astimezone(UTC) for name in ("opened_at", "changed_at")}
    return Incident(**fields | instants | {"finding": Finding.model_validate(fields["finding"])})
