"""The append-only ledger: entries numbered from 0 without gaps, kept as the exact bytes that were hashed."""

import os
import uuid
from collections.abc import Collection, Generator, Iterable, Iterator
from dataclasses import dataclass, field
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import orjson
from sqlalchemy import Connection, desc, select

from audit.database import Database, raw, storable_text
from audit.merkle import Frontier
from audit.tables import ledger_entries, ledger_head, runs
from pacing_brain.errors import LedgerError

KINDS = frozenset({
    "run_opened", "run_resumed", "policy_adopted", "target_changed", "inputs_recorded", "row_quarantined", "run_reconciled",
    "decisions_restated", "campaign_decided", "incident_opened", "incident_changed", "incident_resolved", "recommendation_opened",
    "recommendation_decided", "message_delivered", "message_failed", "action_attempted", "action_finished", "effect_checked", "pattern_learned",
    "pattern_retired", "click_refused", "recommendation_renewed", "silence_set", "silence_ended", "halts_stopped", "halts_allowed",
    "problem_missed", "narrated", "body_withheld", "partition_detached", "ledger_recovered", "recovery_acknowledged", "error_recorded", "run_failed", "run_sealed",
    "run_missed", "match_answered", "pause_reported",
})
OWN_KEYS = ("seq", "at", "run_id", "kind", "subject")  # of every body; an entry's own keys are others
READ_ROWS = 1000  # fetched at a time
APPEND_ENTRIES = 500  # sent at a time: more than work_mem holds would go through temporary files
_FORMAT = orjson.OPT_SORT_KEYS | orjson.OPT_SERIALIZE_NUMPY | orjson.OPT_NAIVE_UTC | orjson.OPT_UTC_Z
_HOLE = uuid.uuid4().int >> 66  # stands for a number until the server puts it in; nobody outside can know it, so no text can hold it
_MARK = b'"seq":%d' % _HOLE
_APPEND = "SELECT pacing.append(%b::text, %b::timestamptz, %b::text[], %b::text[], %b::bytea[], %b::bytea[])"


@dataclass(frozen=True)
class Entry:
    """Something that happened, in the words of `KINDS`. subject: the flight, incident, window ... that it is about."""

    kind: str
    subject: str
    body: dict[str, Any] = field(default_factory=dict)


@dataclass(frozen=True)
class Recorded:
    """An entry as it stands on the ledger. body: the exact bytes that were hashed; none: they were withheld, or their month detached."""

    seq: int
    at: datetime
    run_id: str | None
    kind: str
    subject: str
    leaf: bytes
    body: bytes | None

    @property
    def content(self) -> dict[str, Any]:
        """What the body says; where there is none, what the columns repeat of it, and that it is gone."""
        if self.body is None:
            return {"seq": self.seq, "at": f"{self.at:%Y-%m-%dT%H:%M:%S.%fZ}", "run_id": self.run_id, "kind": self.kind, "subject": self.subject, "body_gone": True}
        return orjson.loads(self.body)  # type: ignore[no-any-return]


@dataclass(frozen=True)
class Head:
    """What the ledger is at an instant. root: hex."""

    ledger_id: str
    size: int
    root: str


def append(connection: Connection, run_id: str | None, entries: Iterable[Entry], at: datetime) -> range:
    """Put entries on the ledger, in order, and return their numbers. Until the transaction ends, everyone else who appends waits.

    Raises:
        LedgerError: an unknown kind, a body that is no JSON or that names one of `OWN_KEYS`.
    """
    instant = at.astimezone(UTC)
    entries = list(entries)
    parts = [_parts(entry, instant, run_id) for entry in entries]  # before the head is locked
    firsts = []
    for start in range(0, len(entries) or 1, APPEND_ENTRIES):
        some, bodies = entries[start:start + APPEND_ENTRIES], parts[start:start + APPEND_ENTRIES]
        subjects = [storable_text(entry.subject) for entry in some]
        sent = run_id, instant, [entry.kind for entry in some], subjects, [before for before, _ in bodies], [after for _, after in bodies]
        firsts += [row[0] for row in raw(connection).execute(_APPEND, sent)]
    return range(firsts[0], firsts[0] + len(entries))


def render(entry: Entry, seq: int, at: datetime, run_id: str | None) -> bytes:
    """The exact bytes of an entry: UTF-8 JSON with sorted keys."""
    if entry.kind not in KINDS:
        raise LedgerError(f"{entry.kind!r} is no kind of ledger entry")
    if taken := [key for key in OWN_KEYS if key in entry.body]:
        raise LedgerError(f"entry {entry.kind} of {entry.subject}: its body must not name {', '.join(taken)}")
    own = {"seq": seq, "at": at, "run_id": run_id, "kind": entry.kind, "subject": entry.subject}
    return as_json(own | entry.body, f"entry {entry.kind} of {entry.subject}")


def _parts(entry: Entry, at: datetime, run_id: str | None) -> tuple[bytes, bytes]:
    """What stands before and after an entry's number, which only the server knows."""
    before, _, after = render(entry, _HOLE, at, run_id).partition(_MARK)
    return before + b'"seq":', after


def as_json(value: object, what: str) -> bytes:
    """Raises LedgerError: `what` holds something that JSON cannot say."""
    try:
        return orjson.dumps(value, option=_FORMAT, default=_plain)
    except TypeError as error:
        raise LedgerError(f"{what} is no JSON: {error}") from error


def _plain(value: object) -> datetime | None:
    """An instant of pandas is a subclass of datetime, which orjson does not take; NaT is one too, and equals nothing."""
    if isinstance(value, datetime):
        return datetime.fromisoformat(value.isoformat()) if value == value else None  # noqa: PLR0124
    raise TypeError(f"Type is not JSON serializable: {type(value).__name__}")


def head(connection: Connection) -> Head:
    row = connection.execute(select(ledger_head)).one_or_none()
    if row is None:
        raise LedgerError("the ledger has no head. Run `pacing db upgrade`.")
    try:
        root = Frontier.from_bytes(row.size, bytes(row.frontier)).root()
    except ValueError as error:
        raise LedgerError(f"the ledger's head is damaged: {error}") from error
    return Head(str(row.ledger_id), row.size, root.hex())


def read(connection: Connection, *, kinds: Collection[str] = (), subject: str | None = None, run_id: str | None = None, after_seq: int = -1,
         before_seq: int | None = None, since: datetime | None = None, until: datetime | None = None, limit: int | None = None, newest_first: bool = False, standing: bool = False) -> Iterator[Recorded]:
    """Entries in order, fetched as they are consumed; nothing given: all. since, until: of the entries' own instants, half-open.

    standing: only those of sealed live runs: what may be shown as current.
    """
    statement = select(ledger_entries).where(ledger_entries.c.seq > after_seq)
    if before_seq is not None:
        statement = statement.where(ledger_entries.c.seq < before_seq)
    if since is not None:
        statement = statement.where(ledger_entries.c.at >= since)
    if until is not None:
        statement = statement.where(ledger_entries.c.at < until)
    if kinds:
        statement = statement.where(ledger_entries.c.kind.in_(sorted(kinds)))
    if subject is not None:
        statement = statement.where(ledger_entries.c.subject == storable_text(subject))
    if run_id is not None:
        statement = statement.where(ledger_entries.c.run_id == run_id)
    if standing:
        sealed = select(runs.c.run_id).where(runs.c.live, runs.c.sealed_at.is_not(None))
        statement = statement.where(ledger_entries.c.run_id.in_(sealed))
    statement = statement.order_by(desc(ledger_entries.c.seq) if newest_first else ledger_entries.c.seq).limit(limit)
    for row in connection.execute(statement, execution_options={"yield_per": READ_ROWS}):
        yield Recorded(row.seq, row.at, row.run_id, row.kind, row.subject, bytes(row.leaf), None if row.body is None else bytes(row.body))


def leaves(connection: Connection, start: int, end: int) -> Generator[bytes, None, None]:
    """The leaf hashes of entries start to end - 1, in order, fetched as they are consumed."""
    wanted = ledger_entries.c.seq >= start, ledger_entries.c.seq < end
    statement = select(ledger_entries.c.leaf).where(*wanted).order_by(ledger_entries.c.seq)
    with connection.execute(statement, execution_options={"yield_per": 10 * READ_ROWS}) as found:
        for leaf in found.scalars():
            yield bytes(leaf)


def export(database: Database, directory: Path) -> Head:
    """Write `entries.jsonl`: one object per line, in order, with the exact text that was hashed. Returns what was written.

    Raises:
        LedgerError: the directory cannot be written to, or the ledger has a gap.
    """
    try:
        directory.mkdir(parents=True, exist_ok=True)
        unfinished = directory / ".entries.jsonl.part"
        with database.snapshot() as connection:
            written = head(connection)
            with unfinished.open("wb") as file:
                count = sum(file.write(_line(entry, expected)) > 0 for expected, entry in enumerate(read(connection)))
        if count != written.size:
            raise LedgerError(f"the ledger holds {count} entries, its head says {written.size}")
        os.replace(unfinished, directory / "entries.jsonl")  # noqa: PTH105  # in one step: a reader never sees half an export
    except OSError as error:
        raise LedgerError(f"cannot export to {directory}: {error.strerror}. Choose another --to.") from error
    return written


def _line(entry: Recorded, expected: int) -> bytes:
    if entry.seq != expected:
        raise LedgerError(f"the ledger has no entry {expected}")
    body = None if entry.body is None else entry.body.decode()
    return orjson.dumps({"seq": entry.seq, "body": body, "leaf": entry.leaf.hex()}, option=orjson.OPT_APPEND_NEWLINE)
