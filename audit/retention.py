"""What the owner may take away again: the body of one entry (personal data), the bodies of a month (volume). Leaves stay, and the tree verifies.

Each needs a login that is above the application's. The server's functions append an entry of their own first (0005_the_owner_writes.sql).
"""

import hashlib
import os
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import UTC, date, datetime, timedelta
from pathlib import Path
from typing import Any

import pyarrow as pa
import pyarrow.parquet as pq
from sqlalchemy import Connection, text
from sqlalchemy.dialects.postgresql import JSONB
from sqlalchemy.sql import bindparam

from audit.database import Database, raw, storable_text
from audit.merkle import leaf_hash
from pacing_brain.errors import LedgerError

BATCH_ROWS = 5000
SCHEMA = pa.schema([("seq", pa.int64()), ("at", pa.timestamp("us", "UTC")), ("run_id", pa.string()), ("kind", pa.string()),
                    ("subject", pa.string()), ("leaf", pa.binary(32)), ("body", pa.binary())])
_TYPES = ("int8", "timestamptz", "text", "text", "text", "bytea", "bytea")
_COPY = """
    COPY (SELECT seq, at, run_id, kind, subject, leaf, body FROM pacing.ledger_entries WHERE at >= '{:%Y-%m-%d} 00:00Z' AND at < '{:%Y-%m-%d} 00:00Z' ORDER BY seq)
    TO STDOUT (FORMAT BINARY)"""
_WITHHOLD = text("SELECT pacing.withhold(:seq, :reason, :by)").bindparams(bindparam("by", type_=JSONB))
_DETACH = text("SELECT pacing.detach(:month, :entries, :file, :sha256, :by)").bindparams(bindparam("by", type_=JSONB))


@dataclass(frozen=True)
class Detached:
    """seq: of the entry that says so. entries: how many the file holds."""

    seq: int
    path: Path
    entries: int
    sha256: str


def withhold(owner: Database, seq: int, reason: str, by: dict[str, Any]) -> int:
    """Drop the body and the subject of an entry; returns the number of the entry that says so. by: who, as `audit.identity` says it.

    Raises:
        LedgerError: there is no such body, others are verified by it, or no reason is given.
        DatabaseRefused: the login may not do it.
    """
    with owner.transaction() as connection:
        return int(connection.execute(_WITHHOLD, {"seq": seq, "reason": storable_text(" ".join(reason.split())), "by": by}).scalar_one())


def detach(owner: Database, month: date, directory: Path, by: dict[str, Any]) -> Detached:
    """Move the bodies of a month to `YYYY-MM.parquet` in a directory; their leaves, and the entries that others are verified by, stay.

    1. write the month to a file, on the disk
    2. read it back: as many entries as were written, each leaf that of its body
    3. the server appends its entry, which names the file and its SHA-256, and lets the bodies go

    One transaction, in which nobody can withhold an entry of the month. Killed before its end, nothing is gone and the file can be deleted.

    Raises:
        LedgerError: the month is not over for a day, has no entries or is detached already; the file is there, or cannot be written.
        DatabaseRefused: the login may not do it.
    """
    first = month.replace(day=1)
    path = directory / f"{first:%Y-%m}.parquet"
    with owner.transaction() as connection:
        part = f"pacing.ledger_entries_{first:%Y_%m}"
        if connection.execute(text("SELECT to_regclass(:part)"), {"part": part}).scalar_one() is None:
            raise LedgerError(f"the ledger has no entries of {first:%Y-%m}")
        connection.exec_driver_sql(f"LOCK TABLE {part} IN SHARE MODE")
        written = _write(connection, first, path)  # 1
        try:
            sha256 = _check(path, written)  # 2
            seq = connection.execute(_DETACH, {"month": first, "entries": written, "file": path.name, "sha256": sha256, "by": by}).scalar_one()  # 3
        except BaseException:
            path.unlink(missing_ok=True)
            raise
    return Detached(int(seq), path, written, sha256)


def _write(connection: Connection, first: date, path: Path) -> int:
    """How many entries were written; the file is whole and on the disk, or not there."""
    unfinished, written = path.with_name(f".{path.name}.part"), 0
    try:
        if path.exists():
            raise LedgerError(f"{path} is there already: nothing is overwritten. Choose another --to.")
        path.parent.mkdir(parents=True, exist_ok=True)
        with pq.ParquetWriter(unfinished, SCHEMA, compression="zstd") as file:
            for rows in _batches(connection, first):
                file.write_table(pa.Table.from_pylist([dict(zip(SCHEMA.names, row, strict=True)) for row in rows], SCHEMA))
                written += len(rows)
        with unfinished.open("rb") as made:
            os.fsync(made.fileno())
        unfinished.rename(path)
    except OSError as error:
        raise LedgerError(f"cannot write {path}: {error.strerror or error}. Choose another --to.") from error
    finally:
        unfinished.unlink(missing_ok=True)
    return written


def _batches(connection: Connection, first: date) -> Iterator[list[tuple[Any, ...]]]:
    after = (first.replace(day=28) + timedelta(days=4)).replace(day=1)
    rows: list[tuple[Any, ...]] = []
    with raw(connection).cursor().copy(_COPY.format(first, after)) as copy:
        copy.set_types(_TYPES)
        for seq, at, *others in copy.rows():
            rows.append((seq, at.astimezone(UTC), *others))
            if len(rows) == BATCH_ROWS:
                yield rows
                rows = []
    yield rows


def _check(path: Path, written: int) -> str:
    """The file's SHA-256, once every leaf in it is that of its body. Raises LedgerError: the disk does not give back what was written."""
    found = 0
    with pq.ParquetFile(path) as file:
        for batch in file.iter_batches(columns=["leaf", "body"]):
            found += len(batch)
            if any(body is not None and leaf_hash(body) != leaf for leaf, body in zip(*(column.to_pylist() for column in batch.columns), strict=True)):
                raise LedgerError(f"an entry in {path} is not what was hashed. Run `pacing audit verify`; nothing was detached.")
    if found != written:
        raise LedgerError(f"{path} gives back {found:,} of {written:,} entries; nothing was detached")
    with path.open("rb") as file:
        return hashlib.file_digest(file, "sha256").hexdigest()


def read_month(said: str) -> date:
    """Raises ValueError: not `YYYY-MM`."""
    return datetime.strptime(said, "%Y-%m").replace(tzinfo=UTC).date()
