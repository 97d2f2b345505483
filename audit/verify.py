"""Is the ledger what was anchored? One pass over all entries, in flat memory; what it goes by are anchors, never the database's own word."""

from collections.abc import Generator, Iterable, Sequence
from contextlib import closing
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from typing import Any

import orjson
from sqlalchemy import Connection

from audit import ledger, verify_runs
from audit.checkpoint import ORIGIN, Checkpoint, Verifier, read_checkpoint
from audit.database import Database, raw, storable_text
from audit.merkle import Frontier, leaf_hash
from audit.verify_runs import RunFacts
from audit.withheld import Declared, declared
from pacing_brain.errors import LedgerError

STEPS = {1: "anchors", 2: "order", 3: "leaves", 4: "columns", 5: "roots", 6: "head", 7: "seals", 8: "inputs"}
MAX_FINDINGS = 20  # of each step; a thousand bad entries are one fault
_COPY = "COPY (SELECT seq, at, run_id, kind, subject, leaf, body FROM pacing.ledger_entries ORDER BY seq) TO STDOUT (FORMAT BINARY)"
_COPY_TYPES = ("int8", "timestamptz", "text", "text", "text", "bytea", "bytea")
_TOLD = {"run_opened", "run_sealed", "inputs_recorded", "policy_adopted"}  # entries that other tables must agree with
Row = tuple[int, datetime, str | None, str, str, bytes, bytes | None]


@dataclass(frozen=True)
class Note:
    """An anchor as it was given. name: its file, for people."""

    name: str
    text: str


@dataclass(frozen=True)
class Finding:
    """What is wrong. step: of `verify`; first_bad: the first entry that cannot be trusted; anchor: the one that proves it."""

    step: int
    what: str
    first_bad: int | None = None
    anchor: str | None = None

    @property
    def line(self) -> str:
        proof = f" ({self.anchor} proves it)" if self.anchor else ""
        return f"step {self.step}, {STEPS[self.step]}: {self.what}{proof}"


@dataclass(frozen=True)
class Verified:
    """size: entries that were read; anchored: how many of them the newest anchor covers; anchored_at: when the last of those was written.

    without_body: how many of them were withheld, or are in a file since their month was detached.
    """

    ledger_id: str
    size: int
    root: str
    anchors: int
    anchored: int
    anchored_at: datetime | None
    findings: tuple[Finding, ...]
    without_body: int = 0

    @property
    def ok(self) -> bool:
        return not self.findings


@dataclass
class _Pass:
    """What one pass over the entries finds and remembers."""

    points: dict[int, list[tuple[str, Checkpoint]]]
    tree: Frontier = field(default_factory=Frontier)
    times: dict[int, datetime] = field(default_factory=dict)  # of the last entry under each anchor
    proven: int = 0  # the largest anchored size whose root was right
    facts: RunFacts = field(default_factory=RunFacts)
    declared: Declared = field(default_factory=Declared)
    without_body: int = 0
    findings: list[Finding] = field(default_factory=list)
    counts: dict[int, int] = field(default_factory=dict)
    texts: dict[object, tuple[bytes, bytes, bytes]] = field(default_factory=dict)

    def report(self, step: int, what: str, first_bad: int | None = None, anchor: str | None = None) -> None:
        self.counts[step] = self.counts.get(step, 0) + 1
        if self.counts[step] <= MAX_FINDINGS:
            self.findings.append(Finding(step, what, first_bad, anchor or (None if first_bad is None else self.covering(first_bad))))

    def covering(self, seq: int) -> str | None:
        """The first anchor that was signed for this entry."""
        size = min((size for size in self.points if size > seq), default=None)
        return None if size is None else self.points[size][0][0]


def verify(database: Database, anchors: Sequence[Note], verifiers: Sequence[Verifier], *, now: datetime, max_age: timedelta,
           inputs: bool = True) -> Verified:
    """Verify the ledger, and what the other tables say of its runs.

    1. anchors: each is a checkpoint of this ledger that a known key signed, and no two of one size differ; the last entry under the
       newest one was written within `max_age`: without that an older copy of everything would pass
    2. order: entries are numbered from 0 without a gap, and there are as many as the largest anchor says
    3. leaves: each is SHA-256(0x00 || body) over the exact bytes; a body may be gone if a later entry says so (audit/withheld.py)
    4. columns: they repeat what the body says
    5. roots: at every anchor's size the tree over the bodies has the anchor's root; so all anchors are consistent with each other
    6. head: it has the size and the root of the entries
    7. seals: every run's seal names its own entries and its shards, and the table of runs agrees with the ledger
    8. inputs: recorded frames and policies have the digests that the ledger names, and each part the digest of what is in it

    Nothing is raised for what is found: the caller looks at `ok`. inputs: leave out step 8, which reads every recorded frame.

    Raises:
        LedgerError: the ledger has no head.
        DatabaseUnavailable, DatabaseRefused: it could not be read.
    """
    with database.snapshot() as connection:
        head = ledger.head(connection)
        seen = _Pass({}, declared=declared(connection))
        seen.points = _points(anchors, verifiers, ORIGIN.format(ledger_id=head.ledger_id), seen)  # 1
        with closing(_rows(connection)) as rows:
            _walk(rows, seen)  # 2 - 5
        _ends(seen, head)  # 2, 5, 6
        newest = max(seen.points, default=0)
        _age(seen, newest, now, max_age)  # 1
        for what, seq in verify_runs.seals(connection, seen.facts):  # 7
            seen.report(7, what, seq)
        if inputs:
            for what, seq in verify_runs.inputs(connection, seen.facts):  # 8
                seen.report(8, what, seq)
    findings = tuple(sorted(seen.findings, key=lambda finding: finding.step))
    return Verified(head.ledger_id, seen.tree.size, seen.tree.root().hex(), len(anchors), newest, seen.times.get(newest), findings,
                    seen.without_body)


def _points(anchors: Iterable[Note], verifiers: Sequence[Verifier], origin: str, seen: _Pass) -> dict[int, list[tuple[str, Checkpoint]]]:
    """The checkpoints by size; what is wrong with one of them is reported, and it counts for nothing."""
    points: dict[int, list[tuple[str, Checkpoint]]] = {}
    for note in anchors:
        try:
            point = read_checkpoint(note.text, verifiers)
        except LedgerError as error:
            seen.report(1, f"{note.name}: {error}")
            continue
        if point.origin != origin:
            seen.report(1, f"{note.name} is of {point.origin}, this database is {origin}: another one was put in its place", anchor=note.name)
            continue
        others = points.setdefault(point.size, [])
        if others and others[0][1].root != point.root:
            seen.report(1, f"{note.name} and {others[0][0]} are signed for {point.size:,} entries with different roots: the ledger was forked")
        others.append((note.name, point))
    return points


def _rows(connection: Connection) -> Generator[Row, None, None]:
    with raw(connection).cursor().copy(_COPY) as copy:
        copy.set_types(_COPY_TYPES)
        yield from copy.rows()


def _walk(rows: Iterable[Row], seen: _Pass) -> None:
    expected, tree, points = 0, seen.tree, seen.points
    for row in rows:
        seq, at, run_id, kind, _subject, leaf, body = row
        if seq != expected:  # 2
            gap = f"entries {expected} to {seq - 1} are missing" if seq - 1 > expected else f"entry {expected} is missing"
            seen.report(2, gap, expected)
        expected = seq + 1
        true_leaf = leaf if body is None else leaf_hash(body)
        if body is None:  # 3
            seen.without_body += 1
            if not seen.declared.covers(seq, f"{at:%Y-%m}", kind):
                seen.report(3, f"entry {seq} has no body, and no entry says why", seq)
        elif true_leaf != leaf:
            seen.report(3, f"entry {seq} is not what was hashed: its leaf is another's", seq)
        if not _repeats(row, seen.texts) and (wrong := _columns_that_differ(row)):  # 4
            seen.report(4, f"entry {seq} says another {', '.join(wrong)} in its columns than in its body", seq)
        tree.append(true_leaf)
        seen.facts.place(run_id, seq)
        if kind in _TOLD and body is not None:
            seen.facts.tell(kind, seq, body)
        if tree.size in points:  # 5
            seen.times[tree.size] = at
            _compare(seen, tree.size)


def _compare(seen: _Pass, size: int) -> None:
    root = seen.tree.root()
    for name, point in seen.points[size]:
        if point.root == root:
            seen.proven = max(seen.proven, size)
        else:
            first = min((finding.first_bad for finding in seen.findings if finding.first_bad is not None and finding.first_bad >= seen.proven),
                        default=seen.proven)
            where = f"entry {first}" if first > seen.proven or size - 1 == first else f"an entry from {seen.proven} to {size - 1}"
            seen.report(5, f"the first {size:,} entries do not have the root that was signed for them: {where} was changed", first, name)


def _ends(seen: _Pass, head: ledger.Head) -> None:
    size = seen.tree.size
    for anchored in sorted(size_ for size_ in seen.points if size_ > size):
        seen.report(2, f"there are {size:,} entries, {anchored:,} were signed for: the last ones are gone", size, seen.points[anchored][0][0])
    for name, point in seen.points.get(0, []):
        if point.root != Frontier().root():
            seen.report(5, "an empty ledger has another root", None, name)
    if (head.size, head.root) != (size, seen.tree.root().hex()):
        seen.report(6, f"the head stands for {head.size:,} entries and root {head.root[:16]}, there are {size:,} with root {seen.tree.root().hex()[:16]}")


def _age(seen: _Pass, newest: int, now: datetime, max_age: timedelta) -> None:
    hours = max_age / timedelta(hours=1)
    if not seen.points:
        seen.report(1, "no anchor: without one an edit that is made everywhere at once cannot be found out")
    elif newest in seen.times and now - seen.times[newest] > max_age:
        age = (now - seen.times[newest]) / timedelta(hours=1)
        seen.report(1, f"the newest anchor covers nothing younger than {age:,.1f} h; the limit is {hours:,.1f} h. Later anchors may have been removed")


def _repeats(row: Row, texts: dict[object, tuple[bytes, bytes, bytes]]) -> bool:
    """Whether the body has each own key exactly once with the column's value, looked for as text: several times as fast as parsing it."""
    seq, at, run_id, kind, subject, _leaf, body = row
    if body is None:
        return True
    own = texts.get((at, run_id, kind))
    if own is None:
        if len(texts) > 10_000:  # flat memory, however many instants there are
            texts.clear()
        stamp = orjson.dumps(at.astimezone(UTC), option=orjson.OPT_UTC_Z)
        own = texts[at, run_id, kind] = b'"at":' + stamp, b'"run_id":' + orjson.dumps(run_id), b'"kind":' + orjson.dumps(kind)
    once = body.count
    return (own[0] in body and own[1] in body and own[2] in body and b'"seq":%d,' % seq in body and b'"subject":' + orjson.dumps(subject) in body
            and once(b'"at":') == 1 and once(b'"run_id":') == 1 and once(b'"kind":') == 1 and once(b'"seq":') == 1 and once(b'"subject":') == 1)


def _columns_that_differ(row: Row) -> list[str]:
    seq, at, run_id, kind, subject, _leaf, body = row
    try:
        said: Any = orjson.loads(body or b"")
        at_said = datetime.fromisoformat(said["at"])
    except (ValueError, KeyError, TypeError):
        return list(ledger.OWN_KEYS)
    columns = {"seq": seq, "run_id": run_id, "kind": kind}
    wrong = [name for name, value in columns.items() if said.get(name) != value]
    wrong += ["at"] if at_said != at else []
    return wrong + (["subject"] if storable_text(str(said.get("subject"))) != subject else [])
