"""The whole record from one database into an empty one: one snapshot, one transaction, verified before it stands."""

from collections.abc import Mapping
from typing import Any

import psycopg
from psycopg import sql
from sqlalchemy import Connection, text

from audit import ledger
from audit.clock import is_shifted
from audit.database import Database, raw
from audit.migrate import OWNER
from audit.tables import SCHEMA, metadata
from pacing_brain.errors import DatabaseRefused, LedgerError

KEPT = "alembic_version"  # says what migrations a database has had; both are at the newest
HEAD = "ledger_head"  # one row, made by the migrations
_MONTHS = text(f"SELECT min(at) FROM {SCHEMA}.ledger_entries GROUP BY date_trunc('month', at AT TIME ZONE 'UTC')")
_MAKE_MONTH = text(f"SELECT {SCHEMA}.make_month(:month)")
COPY_STATEMENT_S = 4 * 3600.0


def refuse_filled(connection: Connection, where: str) -> None:
    """A target must hold nothing: no schema, or one without a row.

    Raises:
        DatabaseRefused: a table of ours has rows.
    """
    for name in tables_of(connection):
        rows = "SELECT 1 FROM {table} WHERE size > 0" if name == HEAD else "SELECT 1 FROM {table}"
        if raw(connection).execute(sql.SQL(rows + " LIMIT 1").format(table=_table(name))).fetchone():
            raise DatabaseRefused(f"the database at {where} holds a record already (rows in {SCHEMA}.{name}). Nothing was changed; name an empty database.")


def tables_of(connection: Connection) -> set[str]:
    """The tables of the record that a database has; partitions belong to their parent."""
    found = connection.execute(text("SELECT relname FROM pg_class WHERE relnamespace = to_regnamespace(:schema) AND relkind IN ('r', 'p') "
                                    "AND NOT relispartition AND relname <> :kept"), {"schema": SCHEMA, "kept": KEPT})
    return set(found.scalars())


def move(source: Database, target: Database) -> dict[str, int]:
    """Copy every table of `source` into the migrated, empty `target`; rows by table. All of it or nothing.

    1. one snapshot of the source, which must be no demo's or test's
    2. every table by COPY, parents first; the ledger has a partition for each month
    3. numbering goes on where it stood
    4. each table has the same rows, and the ledger the same size and root

    Raises:
        DatabaseRefused: the target is not empty, the source's clock is shifted, or the two have other tables.
        LedgerError: what arrived is not what was sent; nothing was kept.
    """
    with source.snapshot() as there, target.transaction() as here:
        if is_shifted(there):  # 1
            raise DatabaseRefused("its clock is shifted: a demo's or a test's record is not moved")
        refuse_filled(here, target.where)
        order = [table.name for table in metadata.sorted_tables]
        if not tables_of(there) == tables_of(here) == set(order):
            raise DatabaseRefused("the two databases do not have the same tables. Bring both to the newest migration.")
        here.execute(text(f"SET LOCAL ROLE {OWNER}"))
        for month in there.execute(_MONTHS).scalars().all():
            here.execute(_MAKE_MONTH, {"month": month})
        for name in order:  # 2
            _copy(raw(there), raw(here), name)
        _renumber(here)  # 3
        rows = {name: _count(raw(here), name) for name in order}
        _same(rows, {name: _count(raw(there), name) for name in order}, there, here)  # 4
    return rows


def _copy(there: psycopg.Connection[Any], here: psycopg.Connection[Any], name: str) -> None:
    if name == HEAD:
        _replace_head(there, here)
        return
    columns = sql.SQL(", ").join(sql.Identifier(column.name) for column in metadata.tables[f"{SCHEMA}.{name}"].columns)
    out = sql.SQL("COPY (SELECT {columns} FROM {table}) TO STDOUT").format(columns=columns, table=_table(name))
    into = sql.SQL("COPY {table} ({columns}) FROM STDIN").format(columns=columns, table=_table(name))
    with there.cursor().copy(out) as sent, here.cursor().copy(into) as received:
        for data in sent:
            received.write(data)


def _replace_head(there: psycopg.Connection[Any], here: psycopg.Connection[Any]) -> None:
    """The ledger keeps its id, so the trigger that holds for everyone is off for this one statement of the owner."""
    head = there.execute(sql.SQL("SELECT ledger_id, size, frontier FROM {table}").format(table=_table(HEAD))).fetchone()
    here.execute(sql.SQL("ALTER TABLE {table} DISABLE TRIGGER only_grows").format(table=_table(HEAD)))
    here.execute(sql.SQL("UPDATE {table} SET (ledger_id, size, frontier) = (%s, %s, %s)").format(table=_table(HEAD)), head)
    here.execute(sql.SQL("ALTER TABLE {table} ENABLE ALWAYS TRIGGER only_grows").format(table=_table(HEAD)))


def _renumber(here: Connection) -> None:
    for table in metadata.sorted_tables:
        for column in table.columns:
            if column.identity is not None:
                here.execute(text(f"SELECT setval(pg_get_serial_sequence('{SCHEMA}.{table.name}', '{column.name}'), "
                                  f"coalesce((SELECT max({column.name}) FROM {SCHEMA}.{table.name}), 0) + 1, false)"))


def _count(connection: psycopg.Connection[Any], name: str) -> int:
    row = connection.execute(sql.SQL("SELECT count(*) FROM {table}").format(table=_table(name))).fetchone()
    return int(row[0]) if row else 0


def _same(arrived: Mapping[str, int], sent: Mapping[str, int], there: Connection, here: Connection) -> None:
    if different := sorted(name for name in sent if arrived[name] != sent[name]):
        raise LedgerError(f"{different[0]} has {arrived[different[0]]} rows after the copy, and {sent[different[0]]} before. Nothing was kept.")
    if ledger.head(here) != ledger.head(there):
        raise LedgerError("the copied ledger has another root. Nothing was kept.")


def _table(name: str) -> sql.Identifier:
    return sql.Identifier(SCHEMA, name)
