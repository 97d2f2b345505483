"""Flights on which a node of the brain failed: escalated by that run, tried again by the next."""

from collections.abc import Iterable, Mapping

from sqlalchemy import Connection, insert, select

from audit.database import Database, storable_text
from audit.tables import dead_letters, runs


def put(connection: Connection, run_id: str, letters: Iterable[Mapping[str, str]]) -> None:
    """Keep a run's dead letters; part of its seal. Each names at least `flight_id` and `error`."""
    rows = [{"run_id": run_id, "flight_id": storable_text(letter["flight_id"]), "error": storable_text(letter["error"]), "facts": dict(letter)}
            for letter in letters]
    if rows:
        connection.execute(insert(dead_letters), rows)


class DeadLetters:
    def __init__(self, database: Database) -> None:
        self.database = database

    def standing(self) -> list[dict[str, str]]:
        """Those of the last sealed live run, by flight."""
        last = select(runs.c.run_id).where(runs.c.live, runs.c.status == "sealed").order_by(runs.c.window_at.desc()).limit(1)
        statement = select(dead_letters.c.facts).where(dead_letters.c.run_id == last.scalar_subquery()).order_by(dead_letters.c.flight_id)
        with self.database.transaction() as connection:
            return [dict(facts) for facts in connection.execute(statement).scalars()]
