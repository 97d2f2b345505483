"""Rows that a run could not use, kept with their place and the reason."""

from collections.abc import Sequence
from typing import Any

from sqlalchemy import Connection, Row, select
from sqlalchemy.dialects.postgresql import insert

from audit.database import Database, storable_text
from audit.tables import quarantined_rows
from pacing_brain.model import Quarantined


def keep(connection: Connection, run_id: str, rows: Sequence[Quarantined]) -> None:
    """Keep a run's quarantined rows, numbered in the order given: a resumed run gives them again, and none is kept twice."""
    values = [{"run_id": run_id, "number": number, "source": row.source, "place": row.place, "row_number": row.row, "column_name": row.column,
               "value": row.value, "reason": row.reason, "subject": row.subject} for number, row in enumerate(rows)]
    if values:
        stored = [{name: storable_text(value) if isinstance(value, str) else value for name, value in each.items()} for each in values]
        connection.execute(insert(quarantined_rows).on_conflict_do_nothing(), stored)


class Quarantine:
    def __init__(self, database: Database) -> None:
        self.database = database

    def keep(self, run_id: str, rows: Sequence[Quarantined]) -> None:
        """The same as `keep`, in a transaction of its own: what is quarantined may be much, and a seal is small."""
        with self.database.transaction() as connection:
            keep(connection, run_id, rows)

    def of_run(self, run_id: str) -> list[Quarantined]:
        with self.database.transaction() as connection:
            rows = connection.execute(select(quarantined_rows).where(quarantined_rows.c.run_id == run_id).order_by(quarantined_rows.c.number))
            return [_quarantined(row) for row in rows]


def _quarantined(row: Row[Any]) -> Quarantined:
    return Quarantined(source=row.source, place=row.place, row=row.row_number, column=row.column_name, value=row.value, reason=row.reason,
                       subject=row.subject)
