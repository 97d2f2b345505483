"""What was learned: in force from the moment it is learned until it expires or is retired."""

from collections.abc import Mapping
from datetime import datetime
from typing import Any

import pandas as pd
from sqlalchemy import Connection, or_, select, update
from sqlalchemy.dialects.postgresql import insert

from audit import ledger
from audit.database import Database
from audit.tables import patterns
from pacing_brain.errors import UsageError
from pacing_brain.frames import PATTERNS


class Patterns:
    def __init__(self, database: Database) -> None:
        self.database = database

    def in_force(self, at: datetime) -> pd.DataFrame:
        """PATTERNS: what was known and held at an instant, by id."""
        statement = select(*(patterns.c[name] for name in PATTERNS.columns)).where(
            patterns.c.learned_at <= at, or_(patterns.c.retired_at.is_(None), patterns.c.retired_at > at),
            or_(patterns.c.expires_at.is_(None), patterns.c.expires_at > at))
        with self.database.transaction() as connection:
            rows = connection.execute(statement.order_by(patterns.c.pattern_id)).all()
        return PATTERNS.check(pd.DataFrame(rows, columns=PATTERNS.columns)) if rows else PATTERNS.empty()


def learn(connection: Connection, run_id: str | None, learned: pd.DataFrame, at: datetime, *, by: Mapping[str, Any] | None = None) -> range:
    """Put patterns in force; one known by its id stays as it is. One `pattern_learned` entry for each new one. by: the person whose answer it is.

    Raises:
        FrameError: not a PATTERNS frame.
    """
    new = []
    for row in PATTERNS.check(learned).to_dict("records"):
        values = {str(name): None if pd.isna(value) else value for name, value in row.items()} | {"learned_at": at}
        statement = insert(patterns).values(values).on_conflict_do_nothing().returning(patterns.c.pattern_id)
        if connection.execute(statement).first() is not None:
            said = {name: values[name] for name in ("kind", "scope", "value", "support", "confidence", "expires_at")}
            new.append(ledger.Entry("pattern_learned", str(values["pattern_id"]), {f"pattern_{name}": what for name, what in said.items()} | ({"by": dict(by)} if by else {})))
    return ledger.append(connection, run_id, new, at)


def retire(connection: Connection, pattern_id: str, *, who: str, reason: str, at: datetime, run_id: str | None = None) -> None:
    """End a pattern, with a `pattern_retired` entry.

    Raises:
        UsageError: no such pattern is in force.
    """
    held = update(patterns).where(patterns.c.pattern_id == pattern_id, patterns.c.retired_at.is_(None)).values(retired_at=at)
    if connection.execute(held).rowcount != 1:
        raise UsageError(f"no pattern {pattern_id} is in force. See `pacing patterns list`.")
    ledger.append(connection, run_id, [ledger.Entry("pattern_retired", pattern_id, {"who": who, "reason": reason})], at)
