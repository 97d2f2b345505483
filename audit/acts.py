"""What was done about an approval: leased, attempted, finished; and the switch that stops every pause.

Record before act: an act is `attempting` in a committed transaction, which reads the switch, before the platform is asked; and its outcome is
another. Whoever dies between the two leaves an act whose outcome is not known: the next reads first.
"""

import uuid
from collections.abc import Iterable
from dataclasses import dataclass, replace
from datetime import UTC, datetime, timedelta
from typing import Any, Literal

import pandas as pd
from sqlalchemy import Connection, Row, and_, case, func, select, update
from sqlalchemy.dialects.postgresql import insert

from audit import clock, ledger, recommendations
from audit.database import Database
from audit.recommendations import Recommendation
from audit.tables import acts, halts
from audit.tables import recommendations as asked
from pacing_brain import lifetime
from pacing_brain.errors import LedgerError
from pacing_brain.frames import ACTS
from pacing_brain.model import Effect

LEASE = timedelta(minutes=5)  # longer than one try takes: a query of 30 s and three calls of 30 s
TO_BE_DONE = lifetime.ACTED_UPON
STATUS = {"pause": {"attempting": "attempting"}, "resume": {  # of the recommendation, where it is not the outcome itself
    "attempting": "resuming", "done": "resumed", "aborted": "done", "returned": "done", "unknown": "resume_unknown"}}
AGAIN_AFTER = timedelta(minutes=5)  # an unknown outcome is read again so often
INSTANTS = ("leased_until", "opened_at", "attempted_at", "finished_at", "effect_at", "reported_at")
Outcome = Literal["done", "aborted", "unknown", "handed_over", "returned"]


@dataclass(frozen=True)
class Act:
    """One approval on its way, of a pause or (kind) of taking one back. outcome null: not finished. effect: awaited | proven | failed | not_done.

    reported_at, reported_seq: a person said that they made it by hand.
    """

    recommendation_id: str
    version: int
    token: uuid.UUID
    leased_until: datetime
    opened_at: datetime
    attempted_at: datetime | None = None
    attempted_seq: int | None = None
    tries: int = 0
    finished_at: datetime | None = None
    outcome: str | None = None
    why: str = ""
    effect: str | None = None
    effect_at: datetime | None = None
    kind: str = "pause"
    reported_at: datetime | None = None
    reported_seq: int | None = None


@dataclass(frozen=True)
class Leased:
    """An act and what it is about, held by this process for LEASE. now: the database clock."""

    act: Act
    recommendation: Recommendation
    approved_at: datetime
    now: datetime


@dataclass(frozen=True)
class Stopped:
    """Pauses are stopped by the switch. why: one sentence, by whom and why."""

    why: str


class Acts:
    def __init__(self, database: Database) -> None:
        self.database = database

    def waiting(self) -> list[str]:
        """Recommendations that somebody approved and that are not finished, oldest approval first; those held by another process are left out."""
        with self.database.transaction() as connection:
            now = clock.now(connection)
            busy = select(acts.c.recommendation_id).where(acts.c.leased_until > now, acts.c.version == asked.c.version,
                                                         acts.c.recommendation_id == asked.c.recommendation_id)
            order = asked.c.ended_at, asked.c.recommendation_id
            found = select(asked.c.recommendation_id).where(asked.c.status.in_(TO_BE_DONE), ~busy.exists()).order_by(*order)
            return list(connection.execute(found).scalars())

    def lease(self, recommendation_id: str) -> Leased | None:
        """Hold one for this process; none: it is finished, or another process has it."""
        with self.database.transaction() as connection:
            one, now = recommendations.locked(connection, recommendation_id), clock.now(connection)
            if one is None or one.status not in TO_BE_DONE or one.ended_at is None:
                return None
            before = _of(connection, one)
            if before is not None and before.leased_until > now:
                return None
            kind = "resume" if one.status in lifetime.TAKEN_BACK else "pause"
            fresh = Act(one.recommendation_id, one.version, uuid.uuid4(), now + LEASE, now, kind=kind)
            act = fresh if before is None else replace(before, token=fresh.token, leased_until=fresh.leased_until)
            _put(connection, act)
            return Leased(act, one, one.ended_at, now)

    def attempt(self, leased: Leased, said: dict[str, Any]) -> Act | Stopped:
        """Write "attempting", in the transaction that reads the switch (which stops pauses). Only after this may the platform be asked to change anything.

        Raises:
            LedgerError: the lease was lost, or is over: what was looked at under it is too old to act upon.
        """
        with self.database.transaction() as connection:
            one, act = _held(connection, leased)
            stopped = connection.execute(select(halts).with_for_update(read=True)).one_or_none()
            if stopped is not None and stopped.stopped and act.kind == "pause":
                return Stopped(f"Pauses are stopped since {stopped.at.astimezone(UTC):%a %d %b %H:%M} UTC by {stopped.who}: {stopped.reason}")
            now = clock.now(connection)
            if now >= act.leased_until:  # this process stood still: the approval may be over, or not permitted any more
                raise LedgerError(f"recommendation {one.recommendation_id} was held for too long before the attempt: it is looked at anew")
            entry = ledger.Entry("action_attempted", one.recommendation_id, recommendations.body(one) | {"act": act.kind, "try": act.tries + 1} | said)
            (seq,) = ledger.append(connection, None, [entry], now)
            recommendations.put(connection, [replace(one, status=STATUS[act.kind]["attempting"])])
            act = replace(act, attempted_at=now, attempted_seq=seq, tries=act.tries + 1)
            _put(connection, act)
            return act

    def finish(self, connection: Connection, leased: Leased, outcome: Outcome, why: str, said: dict[str, Any]) -> Recommendation:
        """Write what became of it, and let it go. `returned`: back to people, as another version, so that it is approved anew.

        Raises:
            LedgerError: the lease was lost.
        """
        one, act = _held(connection, leased)
        now = clock.now(connection)
        returned = outcome == "returned" and now < one.expires_at and act.kind == "pause"
        status = "pending" if returned else STATUS[act.kind].get(outcome, "aborted" if outcome == "returned" else outcome)
        entry = ledger.Entry("action_finished", one.recommendation_id, recommendations.body(one) | {
            "act": act.kind, "outcome": "returned" if returned else status, "why": why, "attempted_seq": act.attempted_seq, "tries": act.tries} | said)
        (seq,) = ledger.append(connection, None, [entry], now)
        ended = replace(one, status=status, version=one.version + 1, ended_at=None, ended_seq=None) if returned else (
            replace(one, status=status, ended_seq=seq))
        recommendations.put(connection, [ended])
        unknown = outcome == "unknown"
        effect = "awaited" if outcome in ("done", "handed_over") else None
        _put(connection, replace(act, outcome=outcome, why=why, effect=effect, finished_at=None if unknown else now,
                                 leased_until=now + AGAIN_AFTER if unknown else now))
        return ended

    def wait(self, connection: Connection, leased: Leased) -> None:
        """Let an outcome that is still unknown go until it is looked at again."""
        _, act = _held(connection, leased)
        _put(connection, replace(act, leased_until=clock.now(connection) + AGAIN_AFTER))

    def awaiting_effect(self, at: datetime) -> pd.DataFrame:
        """ACTS: what was done before an instant and stands, whose effect no run has seen yet."""
        unsaid = and_(acts.c.outcome == "handed_over", acts.c.reported_at.is_(None))
        columns = {"recommendation_id": acts.c.recommendation_id, "paused_at": func.coalesce(acts.c.reported_at, acts.c.finished_at),
                   "kind": case((unsaid, "hand_over"), else_=acts.c.kind)} | {
            name: asked.c[name] for name in ("flight_id", "platform", "account_id", "campaign_id")}
        stands = asked.c.status == case((acts.c.kind == "resume", "resumed"), else_=acts.c.outcome)
        waiting = select(*(columns[name].label(name) for name in ACTS.columns)).join(asked, asked.c.recommendation_id == acts.c.recommendation_id)
        waiting = waiting.where(acts.c.effect == "awaited", acts.c.finished_at <= at, stands).order_by(acts.c.recommendation_id)
        with self.database.transaction() as connection:
            rows = connection.execute(waiting).all()
        return ACTS.check(pd.DataFrame(rows, columns=list(ACTS.columns))) if rows else ACTS.empty()

    def paused_at(self, recommendation_id: str) -> datetime | None:
        """When a pause of ours was finished last; none: it never was."""
        of_it = acts.c.recommendation_id == recommendation_id, acts.c.kind == "pause", acts.c.outcome == "done"
        with self.database.transaction() as connection:
            found = connection.execute(select(func.max(acts.c.finished_at)).where(*of_it)).scalar_one()
            return found.astimezone(UTC) if found else None

    def slow(self, now: datetime, limit: timedelta) -> list[str]:
        """Approvals that wait longer than `limit` for their first try."""
        with self.database.transaction() as connection:
            late = select(asked.c.recommendation_id).where(asked.c.status.in_(("approved", "resume_approved")), asked.c.ended_at < now - limit)
            return list(connection.execute(late.order_by(asked.c.recommendation_id)).scalars())


def prove(connection: Connection, effects: Iterable[Effect], at: datetime) -> list[ledger.Entry]:
    """A run has seen whether spend really stopped; part of its seal. Returns an `effect_checked` entry for each.

    A pause that did not hold, or that nobody made, is `aborted` from here on, so that the next run may ask again.
    """
    said = []
    for effect in effects:
        one = recommendations.locked(connection, effect.recommendation_id)
        done_as = "resume" if effect.kind == "resume" else "pause"
        waiting = acts.c.recommendation_id == effect.recommendation_id, acts.c.effect == "awaited", acts.c.kind == done_as
        done = update(acts).where(*waiting).values(effect=effect.effect, effect_at=at)
        if one is None or connection.execute(done).rowcount != 1:
            continue
        if effect.effect in ("failed", "not_done") and done_as == "pause":
            recommendations.put(connection, [replace(one, status="aborted")])
        said.append(ledger.Entry("effect_checked", one.recommendation_id, recommendations.body(one) | {
            "act": effect.kind, "effect": effect.effect, "since": effect.since, "spend_micros": effect.spend_micros, "spend_currency": effect.currency}))
    return said


def stopped(connection: Connection) -> dict[str, datetime]:
    """Incident -> when a run saw that spend had stopped after its pause, which still stands."""
    seen = select(asked.c.incident_id, func.max(acts.c.effect_at)).join(asked, asked.c.recommendation_id == acts.c.recommendation_id).where(
        acts.c.kind == "pause", acts.c.effect == "proven", asked.c.status.in_(lifetime.STOPPED))
    return {incident_id: at.astimezone(UTC) for incident_id, at in connection.execute(seen.group_by(asked.c.incident_id))}


def of(connection: Connection, one: Recommendation) -> Act | None:
    """What was or is done about a recommendation as it stands, held."""
    of_it = acts.c.recommendation_id == one.recommendation_id, acts.c.version <= one.version, acts.c.kind == "pause"
    row = connection.execute(select(acts).where(*of_it).order_by(acts.c.version.desc()).limit(1).with_for_update()).one_or_none()
    return _act(row) if row else None


def report(connection: Connection, act: Act, seq: int, at: datetime) -> None:
    """A person made a pause that was handed over: its proof counts from here."""
    _put(connection, replace(act, reported_at=at, reported_seq=seq))


class Halts:
    """The switch that stops every pause, whoever approved it."""

    def __init__(self, database: Database) -> None:
        self.database = database

    def stopped(self) -> Row[Any] | None:
        """Who stopped pauses, when and why; none: they go on."""
        with self.database.transaction() as connection:
            row = connection.execute(select(halts)).one_or_none()
            return row if row is not None and row.stopped else None

    def set(self, *, stopped: bool, who: str, reason: str, by: dict[str, Any]) -> int:
        """Stop or allow; the ledger entry's number. It holds from the next "attempting" on."""
        with self.database.transaction() as connection:
            now = clock.now(connection)
            row = {"one": True, "stopped": stopped, "who": who, "reason": reason, "at": now}
            connection.execute(insert(halts).values(row).on_conflict_do_update(index_elements=["one"], set_=row))
            entry = ledger.Entry("halts_stopped" if stopped else "halts_allowed", "halts", {"reason": reason, "by": by})
            (seq,) = ledger.append(connection, None, [entry], now)
            return int(seq)


def _held(connection: Connection, leased: Leased) -> tuple[Recommendation, Act]:
    one = recommendations.locked(connection, leased.recommendation.recommendation_id)
    act = _of(connection, one) if one else None
    if one is None or act is None or act.token != leased.act.token or one.status not in TO_BE_DONE:
        raise LedgerError(f"recommendation {leased.recommendation.recommendation_id} was taken over by another process")
    return one, act


def _of(connection: Connection, one: Recommendation) -> Act | None:
    of_it = acts.c.recommendation_id == one.recommendation_id, acts.c.version == one.version
    row = connection.execute(select(acts).where(*of_it).with_for_update()).one_or_none()
    return _act(row) if row else None


def _put(connection: Connection, act: Act) -> None:
    row = {name: getattr(act, name) for name in Act.__dataclass_fields__}
    connection.execute(insert(acts).values(row).on_conflict_do_update(index_elements=["recommendation_id", "version"], set_=row))


def _act(row: Row[Any]) -> Act:
    fields = row._asdict()
    return Act(**fields | {name: fields[name].astimezone(UTC) for name in INSTANTS if fields[name] is not None})
