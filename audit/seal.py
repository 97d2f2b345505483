"""The seal: the one small transaction that makes a run stand."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any, Literal
from uuid import UUID

from sqlalchemy import Connection, Row, select, update

from audit import acts, answers, dead_letters, incidents, ledger, outbox, patterns, recommendations, standing, told
from audit.ledger import Entry, Head
from audit.outbox import OutgoingMessage
from audit.recommendations import Asked, Settled
from audit.tables import recorded_frames, run_shards, runs
from pacing_brain.answers import Extent
from pacing_brain.errors import LedgerError, RunInterrupted
from pacing_brain.model import Effect, IncidentChange
from pacing_brain.told import Told


@dataclass(frozen=True)
class Seal:
    """What a run leaves behind, beside its shards.

    summary: what `pacing run --json` prints. counts: into the `run_sealed` entry. entries: about incidents, recommendations, messages.
    frames: digests by name of the frames that the run kept and that stand with it (memory, decisions).
    asks: what the run asks people, one per flight that needs an answer; null: it asks nothing and ends nothing.
    extents: fingerprint -> how bad its problem is; what people said is held against it. answers_seen: `Answers.seen` when the run
    looked: what it says and asks about an incident that was answered later is left out, and the next run sees the answer.
    A rehearsal has no incidents, asks, messages or dead letters.
    """

    summary: dict[str, Any]
    completeness: Literal["complete", "partial"] = "complete"
    counts: Mapping[str, Any] = field(default_factory=dict)
    entries: Sequence[Entry] = ()
    incidents: Sequence[IncidentChange] = ()
    asks: Sequence[Asked] | None = None
    extents: Mapping[str, Extent] = field(default_factory=dict)
    answers_seen: int = 0
    messages: Sequence[OutgoingMessage] = ()
    effects: Sequence[Effect] = ()
    told: Sequence[Told] = ()
    dead_letters: Sequence[Mapping[str, str]] = ()
    frames: Mapping[str, str] = field(default_factory=dict)


@dataclass(frozen=True)
class Sealed:
    """seqs: of the entries of the seal, `run_sealed` the last; empty when it was sealed before. head: the ledger with it."""

    run_id: str
    seqs: range
    head: Head
    summary: dict[str, Any]


def own(connection: Connection, run_id: str, token: UUID) -> Row[Any]:
    """Lock the run's row, and make sure that this process still works on it: a lock that was lost with its connection fences nobody.

    Raises:
        RunInterrupted: another process took the run over, or it was sealed or failed.
    """
    row = connection.execute(select(runs).where(runs.c.run_id == run_id).with_for_update()).one_or_none()
    if row is None or row.token != token:
        raise RunInterrupted(f"run {run_id} was taken over by another process, which completes it")
    if row.status != "open":
        raise RunInterrupted(f"run {run_id} is {row.status} already")
    return row


def write(connection: Connection, run_id: str, token: UUID, seal: Seal, at: datetime) -> Sealed:
    """The seal's transaction. The ledger's head is locked last and shortest.

    1. the run is ours, its shards are all there, its frames are kept
    2. incidents, recommendations, messages, dead letters
    3. the entries and `run_sealed`
    4. the run is sealed; a partial run of the same window is superseded
    """
    again = connection.execute(select(runs).where(runs.c.run_id == run_id, runs.c.token == token, runs.c.status == "sealed")).one_or_none()
    if again is not None:  # the answer to the first commit was lost
        return Sealed(run_id, range(0), ledger.head(connection), again.summary)
    run = own(connection, run_id, token)  # 1
    shards = _shards(connection, run_id)
    _check_frames(connection, run_id, seal.frames)
    settled = _tell(connection, run, seal, at)  # 2
    before = _supersede(connection, run)
    sealed = Entry("run_sealed", run_id, {
        "window": run.window_at, "as_of": run.as_of, "live": run.live, "completeness": seal.completeness, "seqs": shards,
        "counts": dict(seal.counts), "frames": dict(seal.frames), "supersedes": before})
    seqs = ledger.append(connection, run_id, [*seal.entries, *settled.entries, sealed], at)  # 3
    recommendations.cite(connection, settled, seqs[len(seal.entries):-1])
    head = ledger.head(connection)
    summary = seal.summary | {"recommendations_opened": settled.opened, "checkpoint": {"size": head.size, "root": head.root}}
    connection.execute(update(runs).where(runs.c.run_id == run_id).values(  # 4
        status="sealed", sealed_at=at, completeness=seal.completeness, summary=summary))
    return Sealed(run_id, seqs, head, summary)


def _shards(connection: Connection, run_id: str) -> list[list[int]]:
    """First and last number of each shard, in order.

    Raises:
        LedgerError: a shard between two recorded ones is missing.
    """
    rows = connection.execute(select(run_shards).where(run_shards.c.run_id == run_id).order_by(run_shards.c.shard_no)).all()
    missing = set(range(len(rows))) - {row.shard_no for row in rows}
    if missing:
        raise LedgerError(f"run {run_id} cannot be sealed: shard {min(missing)} was not recorded")
    return [[row.first_seq, row.last_seq] for row in rows]


def _check_frames(connection: Connection, run_id: str, frames: Mapping[str, str]) -> None:
    rows = connection.execute(select(recorded_frames.c.name, recorded_frames.c.digest).where(recorded_frames.c.run_id == run_id))
    kept = {row.name: row.digest for row in rows}
    for name, digest in frames.items():
        if kept.get(name) != digest:
            raise LedgerError(f"run {run_id} cannot be sealed: its frame {name} was not kept")


def _tell(connection: Connection, run: Row[Any], seal: Seal, at: datetime) -> Settled:
    """Incidents first: their rows, once held, keep answers about them waiting."""
    if not run.live and (seal.incidents or seal.asks or seal.messages or seal.told or seal.dead_letters):
        raise LedgerError(f"run {run.run_id} is a rehearsal: it opens no incidents and tells nobody")
    incidents.apply(connection, seal.incidents)
    answered = answers.since(connection, seal.answers_seen)
    edited = told.desk_threads(connection, answered)  # by the answer, with newer words than the run's
    outbox.put(connection, [one for one in seal.messages if one.kind == "reply" or one.thread_key not in edited], run.run_id)
    told.put(connection, seal.told)
    dead_letters.put(connection, run.run_id, seal.dead_letters)
    if seal.asks is None:
        return Settled({}, [], [], 0)
    proofs = acts.prove(connection, seal.effects, at)  # first: a pause that did not hold may be asked for again
    settled = recommendations.settle(connection, seal.asks, at, answered)
    resolved = {change.incident.fingerprint for change in seal.incidents if change.kind == "resolved"}
    ended = standing.end(connection, seal.extents, resolved, at)
    broken = patterns.broken_off(connection, {int(entry.body["set_seq"]): str(entry.body["why"]) for entry in ended}, at)
    settled.entries.extend([*proofs, *ended, *broken])
    return settled


def _supersede(connection: Connection, run: Row[Any]) -> str | None:
    """A live window has one sealed run that stands: the newest."""
    if not run.live:
        return None
    older = update(runs).where(runs.c.window_at == run.window_at, runs.c.live, runs.c.status == "sealed")
    return connection.execute(older.values(status="superseded").returning(runs.c.run_id)).scalar_one_or_none()
