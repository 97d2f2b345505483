"""Runs: one live run per window, worked on by one process, recorded in shards, resumed where it stopped."""

import hashlib
import time
import uuid
from collections.abc import Iterable
from contextlib import ExitStack
from dataclasses import dataclass, field
from datetime import UTC, datetime
from types import TracebackType
from typing import Any, Literal, Self

from sqlalchemy import Connection, Row, exists, func, insert, select, true, update
from sqlalchemy.dialects.postgresql import insert as upsert

from audit import clock, ledger
from audit import seal as sealing
from audit.database import Database, storable_text, translated
from audit.seal import Seal, Sealed
from audit.tables import recorded_frames, run_heartbeats, run_shards, runs
from pacing_brain.errors import LedgerError, WindowBusy

WINDOW_LOCKS = 0x77696E64  # "wind": class of the advisory locks on windows
LOCK_POLL_S = 0.2
MAX_ERROR_CHARACTERS = 500


@dataclass
class RunHandle:
    """A run that this process holds until `close`; a context manager.

    state: new | resumed (it stopped before its seal: policy_digest, code_version and, once inputs were kept, as_of are those of its first start) | sealed
    (nothing to do: `summary` says what it found). shards: the numbers of the entries of each shard that is on the ledger.
    """

    run_id: str
    window: datetime
    as_of: datetime
    live: bool
    state: Literal["new", "resumed", "sealed"]
    policy_digest: str
    code_version: str
    token: uuid.UUID
    shards: dict[int, range] = field(default_factory=dict)
    summary: dict[str, Any] | None = None
    completeness: str | None = None
    lock: Connection | None = None

    def close(self) -> None:
        """Let go of the window. The server does the same when the process dies."""
        if self.lock is not None:
            lock, self.lock = self.lock, None
            with translated(lock.engine.url):
                lock.close()

    def __enter__(self) -> Self:
        return self

    def __exit__(self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None) -> None:
        self.close()


@dataclass(frozen=True)
class Opening:
    """What is fixed when a run is opened, and stands in its `run_opened` entry. tracker, spend_source: names without secrets.

    libraries: name -> version of what decisions are computed with.
    """

    window: datetime
    as_of: datetime
    live: bool
    policy_digest: str
    code_version: str
    spend_source: str
    tracker: str
    libraries: dict[str, str] = field(default_factory=dict)


@dataclass(frozen=True)
class SealedRun:
    run_id: str
    window: datetime
    as_of: datetime
    live: bool
    sealed_at: datetime
    completeness: str
    policy_digest: str
    summary: dict[str, Any]


class Runs:
    def __init__(self, database: Database) -> None:
        self.database = database

    def open(self, opening: Opening, *, wait_seconds: float = 0.0) -> RunHandle:
        """Start a run, resume the one that stopped, or hand back the sealed one.

        1. a live window that is sealed complete needs nothing; a partial one is run again
        2. hold the window: an advisory lock on a connection of its own
        3. look again (another process may have sealed it meanwhile), then resume or start

        Raises:
            WindowBusy: another process still works on the window after `wait_seconds`.
        """
        if not opening.live:
            return self._start(opening)
        lock = self._hold(opening.window, time.monotonic() + wait_seconds)  # 1, 2
        try:
            run = self._start(opening)  # 3
        except BaseException:
            _release(lock)
            raise
        if run.state == "sealed":
            _release(lock)
        else:
            run.lock = lock
        return run

    def record_shard(self, run: RunHandle, shard_no: int, entries: Iterable[ledger.Entry], at: datetime | None = None) -> range:
        """Put a shard's entries on the ledger, in a short transaction of its own; one that is there is left as it is.

        Returns the numbers of its entries. `at`: the database clock unless given.

        Raises:
            RunInterrupted: another process took the run over.
            LedgerError: the shard is on the ledger with other content.
        """
        entries = list(entries)
        digest = _digest(entries)
        with self.database.transaction() as connection:
            sealing.own(connection, run.run_id, run.token)
            of_it = run_shards.c.run_id == run.run_id, run_shards.c.shard_no == shard_no
            known = connection.execute(select(run_shards).where(*of_it)).one_or_none()
            if known is not None:
                if known.digest != digest:
                    raise LedgerError(f"shard {shard_no} of run {run.run_id} is on the ledger with other content")
                seqs = range(known.first_seq, known.last_seq + 1)
            else:
                seqs = ledger.append(connection, run.run_id, entries, at or clock.now(connection))
                row = {"run_id": run.run_id, "shard_no": shard_no, "first_seq": seqs.start, "last_seq": seqs.stop - 1, "digest": digest}
                connection.execute(insert(run_shards).values(row))
        run.shards[shard_no] = seqs
        return seqs

    def seal(self, run: RunHandle, seal: Seal, at: datetime | None = None) -> Sealed:
        """Make the run stand: everything in `seal` and the `run_sealed` entry in one small transaction. Sealing again changes nothing.

        Raises:
            RunInterrupted: another process took the run over.
            LedgerError: a shard or a frame is missing, or a rehearsal was to tell people something.
        """
        with self.database.transaction() as connection:
            return sealing.write(connection, run.run_id, run.token, seal, at or clock.now(connection))

    def fail(self, run: RunHandle, error: str) -> None:
        """Say on the ledger that the run failed (`run_failed`); the next start of its window resumes it."""
        said = storable_text(" ".join(error.split()))[:MAX_ERROR_CHARACTERS]
        with self.database.transaction() as connection:
            sealing.own(connection, run.run_id, run.token)
            connection.execute(update(runs).where(runs.c.run_id == run.run_id).values(status="failed", error=said))
            entry = ledger.Entry("run_failed", run.run_id, {"window": run.window, "error": said, "shards": len(run.shards)})
            ledger.append(connection, run.run_id, [entry], clock.now(connection))

    def heartbeat(self, run: RunHandle, step: str) -> None:
        """Show that the run is alive, and where it is."""
        with self.database.transaction() as connection:
            beat = {"run_id": run.run_id, "at": clock.now(connection), "step": step}
            connection.execute(upsert(run_heartbeats).values(beat).on_conflict_do_update(index_elements=["run_id"], set_=beat))

    def add_to_summary(self, run_id: str, more: dict[str, Any]) -> None:
        """Complete a sealed run's summary with what is known after the seal: deliveries, seconds. It is no part of the ledger."""
        with self.database.transaction() as connection:
            summary = connection.execute(select(runs.c.summary).where(runs.c.run_id == run_id).with_for_update()).scalar_one_or_none()
            if summary is None:
                raise LedgerError(f"run {run_id} is not sealed")
            connection.execute(update(runs).where(runs.c.run_id == run_id).values(summary=summary | more))

    def last_sealed(self, *, live: bool = True, complete: bool = False) -> SealedRun | None:
        """The sealed run of the newest window: what stands (live), or the newest rehearsal. complete: no partial one."""
        whole = runs.c.completeness == "complete" if complete else true()
        newest = select(runs).where(runs.c.live == live, runs.c.status == "sealed", whole).order_by(runs.c.window_at.desc(), runs.c.sealed_at.desc())
        with self.database.transaction() as connection:
            row = connection.execute(newest.limit(1)).one_or_none()
            return _sealed_run(row) if row else None

    def get(self, run_id: str) -> SealedRun | None:
        """A sealed run by its id, a superseded one too."""
        with self.database.transaction() as connection:
            return sealed(connection, run_id)

    def sealed_between(self, first: datetime, end: datetime) -> list[SealedRun]:
        """Sealed live runs of the windows from `first` on and before `end`, in the order in which they were sealed; superseded ones too."""
        wanted = select(runs).where(runs.c.live, runs.c.sealed_at.is_not(None), runs.c.window_at >= first, runs.c.window_at < end)
        with self.database.transaction() as connection:
            return [_sealed_run(row) for row in connection.execute(wanted.order_by(runs.c.window_at, runs.c.sealed_at))]

    def _hold(self, window: datetime, deadline: float) -> Connection | None:
        """The lock on the window, or none when it is sealed complete."""
        with ExitStack() as stack:
            session = self.database.session()
            stack.callback(_release, session)
            while not self._is_done(window):
                if self._try_lock(session, window):
                    stack.pop_all()
                    return session
                if time.monotonic() >= deadline:
                    break
                time.sleep(LOCK_POLL_S)
            else:
                return None
        raise WindowBusy(self._who_works_on(window))

    def _try_lock(self, session: Connection, window: datetime) -> bool:
        with translated(self.database.url):
            minute = int(window.timestamp()) // 60  # the lock's key has 32 bits
            return bool(session.execute(select(func.pg_try_advisory_lock(WINDOW_LOCKS, minute))).scalar_one())

    def _is_done(self, window: datetime) -> bool:
        with self.database.transaction() as connection:
            done = _sealed_live(connection, window)
            return done is not None and done.completeness == "complete"

    def _who_works_on(self, window: datetime) -> str:
        statement = select(runs.c.run_id, run_heartbeats.c.step, run_heartbeats.c.at).join_from(runs, run_heartbeats).where(
            runs.c.window_at == window, runs.c.live, runs.c.status.in_(["open", "failed"]))
        with self.database.transaction() as connection:
            row, now = connection.execute(statement).one_or_none(), clock.now(connection)
        what = f"run {row.run_id}, in step {row.step}, last seen {(now - row.at).total_seconds():.0f} s ago" if row else "just started"
        return f"another process works on window {window:%Y-%m-%dT%H:%MZ} ({what}). Wait for it, or end it: the next start resumes its run."

    def _start(self, opening: Opening) -> RunHandle:
        with self.database.transaction() as connection:
            at = clock.now(connection)
            if opening.live:
                done = _sealed_live(connection, opening.window)
                if done is not None and done.completeness == "complete":
                    return _handle(done, "sealed")
                stopped = connection.execute(select(runs).where(
                    runs.c.window_at == opening.window, runs.c.live, runs.c.status.in_(["open", "failed"])).with_for_update()).one_or_none()
                if stopped is not None:
                    return _resume(connection, stopped, opening, at)
            return _new(connection, opening, at)


def sealed(connection: Connection, run_id: str) -> SealedRun | None:
    row = connection.execute(select(runs).where(runs.c.run_id == run_id, runs.c.sealed_at.is_not(None))).one_or_none()
    return _sealed_run(row) if row else None


def _new(connection: Connection, opening: Opening, at: datetime) -> RunHandle:
    row = {"window_at": opening.window, "live": opening.live, "status": "open", "as_of": opening.as_of, "policy_digest": opening.policy_digest,
           "code_version": opening.code_version, "spend_source": opening.spend_source, "tracker": opening.tracker, "token": uuid.uuid4(),
           "opened_at": at}
    number = connection.execute(
        select(func.count()).where(runs.c.window_at == opening.window, runs.c.live == opening.live)).scalar_one()
    while True:  # rehearsals of one window may start at the same moment: the next number is free then
        made = connection.execute(upsert(runs).values(row | {"run_id": run_id(opening, number)}).on_conflict_do_nothing().returning(runs))
        if (found := made.one_or_none()) is not None:
            break
        number += 1
    _beat(connection, found.run_id, at)
    body = {"window": opening.window, "as_of": opening.as_of, "live": opening.live, "policy_digest": opening.policy_digest,
            "code_version": opening.code_version, "libraries": opening.libraries, "spend_source": opening.spend_source, "tracker": opening.tracker}
    ledger.append(connection, found.run_id, [ledger.Entry("run_opened", found.run_id, body)], at)
    return _handle(found, "new")


def _resume(connection: Connection, stopped: Row[Any], opening: Opening, at: datetime) -> RunHandle:
    """Take a run over: whoever worked on it before is fenced off by the new token.

    Its instant is that of its first start once it has kept what it read; before that it is now, since it reads what is there now.
    """
    kept = connection.execute(select(exists().where(recorded_frames.c.run_id == stopped.run_id))).scalar_one()
    mine = update(runs).where(runs.c.run_id == stopped.run_id).values(
        status="open", error=None, token=uuid.uuid4(), as_of=stopped.as_of if kept else opening.as_of)
    run = _handle(connection.execute(mine.returning(runs)).one(), "resumed")
    shards = connection.execute(select(run_shards).where(run_shards.c.run_id == run.run_id).order_by(run_shards.c.shard_no))
    run.shards = {shard.shard_no: range(shard.first_seq, shard.last_seq + 1) for shard in shards}
    _beat(connection, run.run_id, at)
    body = {"window": run.window, "as_of": run.as_of, "code_version": opening.code_version, "libraries": opening.libraries,
            "shards": len(run.shards)}
    ledger.append(connection, run.run_id, [ledger.Entry("run_resumed", run.run_id, body)], at)
    return run


def run_id(opening: Opening, number: int) -> str:
    """Readable, and the same for the same start: `20260521T0800Z-live-3f9a1c`."""
    mode = "live" if opening.live else "rehearsal"
    window = f"{opening.window.astimezone(UTC):%Y%m%dT%H%MZ}"
    suffix = hashlib.sha256(f"{window}\n{mode}\n{opening.policy_digest}\n{number}".encode()).hexdigest()[:6]
    return f"{window}-{mode}-{suffix}"


def _beat(connection: Connection, run_id: str, at: datetime) -> None:
    beat = {"run_id": run_id, "at": at, "step": "open"}
    connection.execute(upsert(run_heartbeats).values(beat).on_conflict_do_update(index_elements=["run_id"], set_=beat))


def _sealed_live(connection: Connection, window: datetime) -> Row[Any] | None:
    return connection.execute(select(runs).where(runs.c.window_at == window, runs.c.live, runs.c.status == "sealed")).one_or_none()


def _handle(row: Row[Any], state: Literal["new", "resumed", "sealed"]) -> RunHandle:
    return RunHandle(row.run_id, row.window_at.astimezone(UTC), row.as_of.astimezone(UTC), row.live, state, row.policy_digest,
                     row.code_version, row.token, summary=row.summary, completeness=row.completeness)


def _sealed_run(row: Row[Any]) -> SealedRun:
    return SealedRun(row.run_id, row.window_at.astimezone(UTC), row.as_of.astimezone(UTC), row.live, row.sealed_at.astimezone(UTC),
                     row.completeness, row.policy_digest, row.summary)


def _release(lock: Connection | None) -> None:
    if lock is not None:
        with translated(lock.engine.url):
            lock.close()


def _digest(entries: Iterable[ledger.Entry]) -> str:
    """SHA-256 of what the entries say, without their numbers and their time."""
    digest = hashlib.sha256()
    for entry in entries:
        digest.update(ledger.as_json([entry.kind, entry.subject, entry.body], f"entry {entry.kind} of {entry.subject}") + b"\n")
    return digest.hexdigest()
