"""Is the ledger what was anchored? One pass over all entries, in flat memory; what it goes by are anchors, never the database's own word."""

import hashlib
from collections.abc import Generator, Iterable, Mapping, Sequence
from contextlib import closing
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from typing import Any

import orjson
from sqlalchemy import Connection

from audit import ledger, verify_runs
from audit.checkpoint import ORIGIN, Checkpoint, Verifier, read_checkpoint
from audit.database import Database, raw, storable_text
from audit.merkle import EXTENDED_LEAVES, Frontier
from audit.recovery import Break, breaks
from audit.verify_runs import RunFacts
from audit.withheld import Declared, declared
from pacing_brain.errors import LedgerError

STEPS = {1: "anchors", 2: "order", 3: "leaves", 4: "columns", 5: "roots", 6: "head", 7: "seals", 8: "inputs", 9: "recoveries"}
MAX_FINDINGS = 20  # of each step; a thousand bad entries are one fault
_ENTRIES = "SELECT seq, at, run_id, kind, subject, leaf, body FROM pacing.ledger_entries WHERE seq >= %s ORDER BY seq"
FETCHED = 2_000  # rows at a time: flat memory
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
class Since:
    """A checkpoint that was verified before: entries before it are not read again. at: of the last entry under it."""

    frontier: Frontier
    at: datetime


@dataclass(frozen=True)
class Verified:
    """size: entries that were read; anchored: how many of them the newest anchor covers; anchored_at: when the last of those was written.

    without_body: how many of them were withheld, or are in a file since their month was detached. since: the first entry that was read.
    """

    ledger_id: str
    size: int
    root: str
    anchors: int
    anchored: int
    anchored_at: datetime | None
    findings: tuple[Finding, ...]
    without_body: int = 0
    since: int = 0
    anchored_root: str | None = None

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

    def report(self, step: int, what: str, first_bad: int | None = None, anchor: str | None = None) -> None:
        self.counts[step] = self.counts.get(step, 0) + 1
        if self.counts[step] <= MAX_FINDINGS:
            self.findings.append(Finding(step, what, first_bad, anchor or (None if first_bad is None else self.covering(first_bad))))

    def covering(self, seq: int) -> str | None:
        """The first anchor that was signed for this entry."""
        size = min((size for size in self.points if size > seq), default=None)
        return None if size is None else self.points[size][0][0]


def verify(database: Database, anchors: Sequence[Note], verifiers: Sequence[Verifier], *, now: datetime, max_age: timedelta,
           inputs: bool = True, since: Since | None = None) -> Verified:
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
    9. recoveries: where the ledger was closed and opened anew after a restore, the entry that says so cites its last anchor, no known anchor of
       the closed one is newer, those that it says are kept still hold, and two approvers have acknowledged it (audit/recovery.py)

    Nothing is raised for what is found: the caller looks at `ok`. inputs: leave out step 8, which reads every recorded frame.
    since: read only what came after a checkpoint that was verified before; steps 2 to 8 are then about those entries and their runs.

    Raises:
        LedgerError: the ledger has no head.
        DatabaseUnavailable, DatabaseRefused: it could not be read.
    """
    with database.snapshot() as connection:
        head = ledger.head(connection)
        start = since.frontier.size if since else 0
        seen = _Pass({}, declared=declared(connection), facts=RunFacts(first=start), proven=start)
        if since:
            seen.tree, seen.times = Frontier(start, list(since.frontier.hashes)), {start: since.at}
        declared_breaks = {one.origin: one for one in breaks(connection)}
        seen.points = _points(anchors, verifiers, ORIGIN.format(ledger_id=head.ledger_id), declared_breaks, seen)  # 1, 9
        for one in declared_breaks.values():
            if wrong := one.wrong_with(verifiers):
                seen.report(9, wrong, one.seq)
        if start in seen.points and start:
            _compare(seen, start)
        with closing(_rows(connection, start)) as rows:
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
                    seen.without_body, start, seen.points[newest][0][1].root.hex() if newest else None)


def _points(anchors: Iterable[Note], verifiers: Sequence[Verifier], origin: str, closed: Mapping[str, Break], seen: _Pass) -> dict[int, list[tuple[str, Checkpoint]]]:
    """The checkpoints by size; what is wrong with one of them is reported, and it counts for nothing. closed: ledgers before this one."""
    points: dict[int, list[tuple[str, Checkpoint]]] = {}
    known = [*verifiers, *(Verifier(before, one.public) for before in closed for one in verifiers)]
    of_this = False
    for note in anchors:
        try:
            point = read_checkpoint(note.text, known)
        except LedgerError as error:
            seen.report(1, f"{note.name}: {error}")
            continue
        before = closed.get(point.origin)
        if before is not None and point.size > before.kept:
            if point.size > before.lost_to:
                seen.report(9, f"{note.name} was signed for {point.size:,} entries, the recovery in entry {before.seq} cites an anchor of {before.lost_to:,}: "
                            "this break was not declared", anchor=note.name)
            continue
        if before is None and point.origin != origin:
            seen.report(1, f"{note.name} is of {point.origin}, this database is {origin}: another one was put in its place", anchor=note.name)
            continue
        of_this |= before is None
        others = points.setdefault(point.size, [])
        if others and others[0][1].root != point.root:
            seen.report(1, f"{note.name} and {others[0][0]} are signed for {point.size:,} entries with different roots: the ledger was forked")
        others.append((note.name, point))
    if closed and not of_this:
        seen.report(1, "no anchor of the ledger since it was recovered")
    return points


def _rows(connection: Connection, start: int) -> Generator[Row, None, None]:
    """Through a cursor of the server, in its binary form: less work for each row than COPY, whose rows come one at a time."""
    with raw(connection).cursor("entries", binary=True) as cursor:
        cursor.execute(_ENTRIES, (start,))
        while rows := cursor.fetchmany(FETCHED):
            yield from rows


def _walk(rows: Iterable[Row], seen: _Pass) -> None:
    """Steps 2 to 5 over entries in order. Leaves wait until an anchor's size is reached, or there are many of them, and join the tree together."""
    points, sha256 = seen.points, hashlib.sha256
    leaves: list[bytes] = []
    expected = size = seen.tree.size
    instant, stamp = None, ""
    for row in rows:
        seq, at, run_id, kind, subject, leaf, body = row
        if seq != expected:  # 2
            gap = f"entries {expected} to {seq - 1} are missing" if seq - 1 > expected else f"entry {expected} is missing"
            seen.report(2, gap, expected)
        expected = seq + 1
        if at != instant:
            instant, stamp = at, _stamp(at)
        if body is None:
            _without_body(row, seen)
        else:
            true_leaf = sha256(b"\x00" + body).digest()
            if true_leaf != leaf:  # 3
                seen.report(3, f"entry {seq} is not what was hashed: its leaf is another's", seq)
                leaf = true_leaf
            if _said(body) != (seq, stamp, run_id, kind, subject) and (wrong := _columns_that_differ(row)):  # 4
                seen.report(4, f"entry {seq} says another {', '.join(wrong)} in its columns than in its body", seq)
            if kind in _TOLD:
                seen.facts.tell(kind, seq, body)
        seen.facts.place(run_id, seq)
        leaves.append(leaf)
        size += 1
        if size in points or len(leaves) == EXTENDED_LEAVES:
            seen.tree.extend(leaves)
            leaves.clear()
            if size in points:  # 5
                seen.times[size] = at
                _compare(seen, size)
    seen.tree.extend(leaves)


def _without_body(row: Row, seen: _Pass) -> None:
    seq, at, _run_id, kind, _subject, _leaf, _body = row
    seen.without_body += 1
    if not seen.declared.covers(seq, f"{at:%Y-%m}", kind):  # 3
        seen.report(3, f"entry {seq} has no body, and no entry says why", seq)


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


def _said(body: bytes) -> tuple[object, ...] | None:
    """What the body says in its own keys, as the columns have it in nearly every entry; else none or something else, which is looked at closer."""
    try:
        said = orjson.loads(body)
        return said["seq"], said["at"], said["run_id"], said["kind"], said["subject"]
    except (ValueError, KeyError, TypeError):
        return None


def _stamp(at: datetime) -> str:
    """An instant as `ledger.render` writes it."""
    return orjson.dumps(at.astimezone(UTC), option=orjson.OPT_UTC_Z)[1:-1].decode()


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
