"""Incidents as they are kept. What a run does to them is decided in `pacing_brain.incidents`; a seal writes it down."""

from collections.abc import Iterable
from datetime import UTC, datetime
from typing import Any

import pandas as pd
from sqlalchemy import ARRAY, Connection, Row, Text, any_, bindparam, insert, literal, select, text, update

from audit.database import Database
from audit.tables import incidents
from pacing_brain.breaker import HISTORY_DAYS
from pacing_brain.errors import LedgerError
from pacing_brain.frames import HISTORY
from pacing_brain.model import Finding, Incident, IncidentChange


# Incidents of single campaigns by account, problem and age in whole days; both ends of the fortnight in, and nothing of the future.
_OPENED = text("""
    SELECT finding->>'platform' AS platform, finding->>'account_id' AS account_id, finding->>'problem' AS problem,
           floor(extract(epoch FROM :as_of - opened_at) / 86400)::bigint AS age_days, count(*) AS opened
    FROM pacing.incidents
    WHERE opened_at <= :as_of AND opened_at > :as_of - make_interval(days => :days + 1) AND finding->>'problem' IN ('over', 'under', 'zero')
      AND finding->>'scope' LIKE 'campaign:%'
    GROUP BY 1, 2, 3, 4 ORDER BY 1, 2, 3, 4""")
_HELD = text("""
    SELECT finding->>'platform' AS platform, finding->>'account_id' AS account_id, kind->>'kind' AS kind, finding->>'scope' AS scope
    FROM pacing.incidents, jsonb_array_elements(finding->'facts'->'kinds') AS kind
    WHERE state = 'open' AND finding->>'problem' = 'surge' ORDER BY 4, 3""")


class Incidents:
    def __init__(self, database: Database) -> None:
        self.database = database

    def open(self) -> list[Incident]:
        """All open incidents, by fingerprint."""
        with self.database.transaction() as connection:
            rows = connection.execute(select(incidents).where(incidents.c.state == "open").order_by(incidents.c.fingerprint))
            return [_incident(row) for row in rows]

    def history(self, as_of: datetime) -> pd.DataFrame:
        """HISTORY: how many incidents of single campaigns were opened on each of the days before an instant, and where pauses are held."""
        with self.database.transaction() as connection:
            rows = [(*row, None) for row in connection.execute(_OPENED, {"as_of": as_of, "days": HISTORY_DAYS})]
            held = [(row.platform, row.account_id, row.kind, 0, 0, row.scope) for row in connection.execute(_HELD)]
        columns = list(HISTORY.columns)
        return HISTORY.check(pd.DataFrame([*rows, *held], columns=columns)) if rows or held else HISTORY.empty()

    def resolved_since(self, instant: datetime) -> list[Incident]:
        """Those that were resolved at an instant or later."""
        statement = select(incidents).where(incidents.c.state == "resolved", incidents.c.changed_at >= instant)
        with self.database.transaction() as connection:
            return [_incident(row) for row in connection.execute(statement.order_by(incidents.c.changed_at, incidents.c.fingerprint))]

    def get(self, incident_id: str) -> Incident | None:
        with self.database.transaction() as connection:
            return find(connection, incident_id)


def find(connection: Connection, incident_id: str) -> Incident | None:
    row = connection.execute(select(incidents).where(incidents.c.incident_id == incident_id)).one_or_none()
    return _incident(row) if row else None


def newest(connection: Connection, fingerprint: str) -> Incident | None:
    """The open incident of a problem, else the last one."""
    of_it = select(incidents).where(incidents.c.fingerprint == fingerprint)
    row = connection.execute(of_it.order_by((incidents.c.state == "open").desc(), incidents.c.opened_at.desc()).limit(1)).one_or_none()
    return _incident(row) if row else None


def locked(connection: Connection, incident_id: str) -> Incident | None:
    """Hold one while an answer about it is taken."""
    row = connection.execute(select(incidents).where(incidents.c.incident_id == incident_id).with_for_update()).one_or_none()
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
