"""Recommendations: halts that people are asked about. Opened, renewed, superseded and withdrawn by seals; answered in `audit.approvals`.

The row is the queue: what is `approved` waits to be carried out, and whoever carries it out moves it on from there.
"""

from collections.abc import Collection, Iterable, Mapping, Sequence
from dataclasses import asdict, dataclass, field, replace
from datetime import UTC, datetime
from typing import Any

from sqlalchemy import Connection, Row, and_, exists, or_, select
from sqlalchemy.dialects.postgresql import insert

from audit import ledger, standing
from audit.database import Database
from audit.standing import Standing
from audit.tables import incidents, recommendations
from pacing_brain import lifetime
from pacing_brain.answers import Answer, Extent, broken

INSTANTS = ("opened_at", "renewed_at", "expires_at", "snoozed_until", "reminded_at", "ended_at")


@dataclass(frozen=True)
class Recommendation:
    """A halt on the account and campaign id of the decision that it cites.

    status: pending | snoozed (both can be answered) | rejected | acknowledged | expired | superseded | withdrawn (asked no more)
        | approved (the queue) | attempting | done | aborted | unknown | handed_over.
    version: rises when what is asked has changed (`pacing_brain.lifetime`); the newest card carries it. decision_seq: the ledger entry of the
    decision. basis: what the version rests on; facts: the newest figures. ended_at, ended_seq: when and by which entry it last left the open states.
    """

    recommendation_id: str
    version: int
    incident_id: str
    flight_id: str
    platform: str
    account_id: str
    campaign_id: str
    status: str
    run_id: str
    decision_seq: int
    opened_at: datetime
    renewed_at: datetime
    expires_at: datetime
    facts: dict[str, Any] = field(default_factory=dict)
    basis: dict[str, Any] = field(default_factory=dict)
    snoozed_until: datetime | None = None
    reminded_at: datetime | None = None
    ended_at: datetime | None = None
    ended_seq: int | None = None

    @property
    def open(self) -> bool:
        """Whether it can be answered."""
        return self.status in lifetime.OPEN


@dataclass(frozen=True)
class Asked:
    """What a run asks about one flight. recommendation_id: of the one that is opened, if one is. extent: what standing answers are held against."""

    recommendation_id: str
    incident_id: str
    fingerprint: str
    flight_id: str
    platform: str
    account_id: str
    campaign_id: str
    run_id: str
    decision_seq: int
    at: datetime
    expires_at: datetime
    basis: Mapping[str, Any]
    facts: Mapping[str, Any]
    extent: Extent


@dataclass(frozen=True)
class Settled:
    """What a run's asks come to. now: by flight, everything that is open after it. entries: in order. opened: how many are new questions."""

    now: dict[str, Recommendation]
    changed: list[Recommendation]
    entries: list[ledger.Entry]
    opened: int


class Recommendations:
    def __init__(self, database: Database) -> None:
        self.database = database

    def pending(self) -> list[Recommendation]:
        """Those that can be answered, oldest first."""
        return self.with_status(lifetime.OPEN)

    def with_status(self, statuses: Collection[str]) -> list[Recommendation]:
        """Those in any of these states, oldest first."""
        with self.database.transaction() as connection:
            return with_status(connection, statuses)

    def get(self, recommendation_id: str) -> Recommendation | None:
        with self.database.transaction() as connection:
            row = connection.execute(select(recommendations).where(recommendations.c.recommendation_id == recommendation_id)).one_or_none()
            return of_row(row) if row else None

    def newest(self, limit: int) -> list[Recommendation]:
        """The newest, whatever became of them."""
        with self.database.transaction() as connection:
            order = recommendations.c.opened_at.desc(), recommendations.c.recommendation_id
            return [of_row(row) for row in connection.execute(select(recommendations).order_by(*order).limit(limit))]

    def preview(self, asks: Sequence[Asked], now: datetime) -> Settled:
        """What `settle` will do unless somebody answers meanwhile: what the cards of a run say."""
        with self.database.transaction() as connection:
            return _settled(asks, _current(connection), standing.holding(connection), now)


def with_status(connection: Connection, statuses: Collection[str], incident_id: str | None = None) -> list[Recommendation]:
    """Those in any of these states, oldest first; of one incident, if it is given."""
    wanted = [recommendations.c.status.in_(sorted(statuses)), *([recommendations.c.incident_id == incident_id] if incident_id else [])]
    order = recommendations.c.opened_at, recommendations.c.recommendation_id
    return [of_row(row) for row in connection.execute(select(recommendations).where(*wanted).order_by(*order))]


def settle(connection: Connection, asks: Sequence[Asked], now: datetime, answered: Collection[str] = ()) -> Settled:
    """What a run asks, against what stands; part of a seal.

    answered: incidents that somebody answered about since the run read them: left as they are, but for a question that can still be answered and is
    asked again: it is renewed, so that the second of two people need not wait for the next run.
    """
    rows = _current(connection, lock=True)
    asked = {(ask.flight_id, ask.incident_id): ask for ask in asks if ask.incident_id in answered}
    again = {row.incident_id for row in rows if row.open and (ask := asked.get((row.flight_id, row.incident_id))) and not lifetime.changed(row.basis, ask.basis)}
    left = set(answered) - again
    asks, rows = [ask for ask in asks if ask.incident_id not in left], [row for row in rows if row.incident_id not in left]
    settled = _settled(asks, rows, standing.holding(connection), now)
    put(connection, settled.changed)
    return settled


def incident_of(connection: Connection, recommendation_id: str) -> str | None:
    statement = select(recommendations.c.incident_id).where(recommendations.c.recommendation_id == recommendation_id)
    return connection.execute(statement).scalar_one_or_none()


def locked(connection: Connection, recommendation_id: str) -> Recommendation | None:
    """Hold one for a change."""
    row = connection.execute(select(recommendations).where(recommendations.c.recommendation_id == recommendation_id).with_for_update()).one_or_none()
    return of_row(row) if row else None


def open_of_incident(connection: Connection, incident_id: str) -> Recommendation | None:
    """The one that can be answered about an incident, held for a change."""
    of_it = recommendations.c.incident_id == incident_id, recommendations.c.status.in_(lifetime.OPEN)
    row = connection.execute(select(recommendations).where(*of_it).with_for_update()).one_or_none()
    return of_row(row) if row else None


def put(connection: Connection, found: Iterable[Recommendation]) -> None:
    """Write them as they are, held rows or new ones; those that end first, so that a flight may be asked about again."""
    rows = [asdict(each) for each in sorted(found, key=lambda each: (each.open, each.recommendation_id))]
    if rows:
        statement = insert(recommendations)
        newest = {column.name: statement.excluded[column.name] for column in recommendations.c}
        connection.execute(statement.on_conflict_do_update(index_elements=["recommendation_id"], set_=newest), rows)


def end(connection: Connection, one: Recommendation, status: str, said: Mapping[str, Any], at: datetime) -> Recommendation:
    """A held one leaves the open states, and the ledger says why."""
    entry = ledger.Entry("recommendation_decided", one.recommendation_id, body(one) | {"decision": status} | dict(said))
    (seq,) = ledger.append(connection, None, [entry], at)
    ended = replace(one, status=status, snoozed_until=None, ended_at=at, ended_seq=seq)
    put(connection, [ended])
    return ended


def cite(connection: Connection, settled: Settled, seqs: range) -> None:
    """Give those that a seal ended the number of their entry. seqs: of `settled.entries`."""
    seq_of = {entry.subject: seq for seq, entry in zip(seqs, settled.entries, strict=True) if entry.kind == "recommendation_decided"}
    put(connection, [replace(one, ended_seq=seq_of[one.recommendation_id]) for one in settled.changed if not one.open])


def late(connection: Connection, now: datetime) -> list[Recommendation]:
    """Those whose time is over, held for their end."""
    over = recommendations.c.status.in_(lifetime.OPEN), recommendations.c.expires_at <= now
    rows = connection.execute(select(recommendations).where(*over).order_by(recommendations.c.recommendation_id).with_for_update())
    return [of_row(row) for row in rows]


def due(connection: Connection, now: datetime, opened_before: datetime) -> list[Recommendation]:
    """Those of which people are to be reminded, held: snoozed ones whose time has come, and pending ones opened by then of which nobody was reminded."""
    snoozed = and_(recommendations.c.status == "snoozed", recommendations.c.snoozed_until <= now)
    silent = and_(recommendations.c.status == "pending", recommendations.c.reminded_at.is_(None), recommendations.c.opened_at <= opened_before)
    statement = select(recommendations).where(or_(snoozed, silent), recommendations.c.expires_at > now)
    return [of_row(row) for row in connection.execute(statement.order_by(recommendations.c.recommendation_id).with_for_update())]


def reminded(connection: Connection, one: Recommendation, now: datetime) -> None:
    """People were reminded of a held one, which can be answered as before."""
    put(connection, [replace(one, status="pending", snoozed_until=None, reminded_at=now)])


def of_row(row: Row[Any]) -> Recommendation:
    fields = row._asdict()
    return Recommendation(**fields | {name: fields[name].astimezone(UTC) for name in INSTANTS if fields[name] is not None})


def body(one: Recommendation) -> dict[str, Any]:
    """What every ledger entry about a recommendation says."""
    return {"version": one.version, "flight_id": one.flight_id, "incident": one.incident_id, "decision_seq": one.decision_seq,
            "platform": one.platform, "account_id": one.account_id, "campaign_id": one.campaign_id, "expires_at": one.expires_at, **one.facts}


def _current(connection: Connection, *, lock: bool = False) -> list[Recommendation]:
    """Whatever is open, is being acted upon, or stopped a campaign whose incident is still open."""
    problem_open = exists().where(incidents.c.incident_id == recommendations.c.incident_id, incidents.c.state == "open")
    alive = or_(recommendations.c.status.in_([*lifetime.OPEN, *lifetime.ACTED_UPON]), and_(recommendations.c.status.in_(lifetime.STOPPED), problem_open))
    statement = select(recommendations).where(alive).order_by(recommendations.c.recommendation_id)
    return [of_row(row) for row in connection.execute(statement.with_for_update() if lock else statement)]


def _settled(asks: Sequence[Asked], rows: Sequence[Recommendation], said: Mapping[str, Standing], now: datetime) -> Settled:
    open_now = {row.flight_id: row for row in rows if row.open}
    settled = Settled(dict(open_now), [], [], 0)
    opened = 0
    for ask in asks:
        before = open_now.get(ask.flight_id)
        if before is not None and before.incident_id == ask.incident_id:
            opened += _renew(settled, before, ask)
        elif not any(row.flight_id == ask.flight_id and lifetime.blocks(row.status, row.incident_id == ask.incident_id) for row in rows) and (
                not _quiet(said.get(ask.fingerprint), ask, now)):
            if before is not None:
                _end(settled, before, "superseded", "another problem of the flight is asked about now", ask.at)
            opened += 1
            _keep(settled, _opened(ask), "recommendation_opened")
    still = {ask.flight_id: ask.incident_id for ask in asks}
    for flight, row in open_now.items():
        if flight not in still:
            _end(settled, row, "withdrawn", "the run no longer asks for it", now)
    return replace(settled, opened=opened)


def _renew(settled: Settled, before: Recommendation, ask: Asked) -> int:
    """The same question with new figures; 1 when it is another question, with the next version."""
    newest = replace(before, run_id=ask.run_id, decision_seq=ask.decision_seq, renewed_at=ask.at, expires_at=ask.expires_at, facts=dict(ask.facts),
                     basis={**before.basis, "action": ask.basis.get("action")})
    what = lifetime.changed(before.basis, ask.basis)
    if not what:
        _keep(settled, newest, "recommendation_renewed")
        return 0
    why = {"decision": "superseded", "why": "what is asked has changed", "changed": list(what)}
    settled.entries.append(ledger.Entry("recommendation_decided", before.recommendation_id, body(before) | why))
    again = replace(newest, version=before.version + 1, status="pending", snoozed_until=None, basis=dict(ask.basis), platform=ask.platform,
                    account_id=ask.account_id, campaign_id=ask.campaign_id)
    _keep(settled, again, "recommendation_opened")
    return 1


def _opened(ask: Asked) -> Recommendation:
    return Recommendation(
        recommendation_id=ask.recommendation_id, version=1, incident_id=ask.incident_id, flight_id=ask.flight_id, platform=ask.platform,
        account_id=ask.account_id, campaign_id=ask.campaign_id, status="pending", run_id=ask.run_id, decision_seq=ask.decision_seq,
        opened_at=ask.at, renewed_at=ask.at, expires_at=ask.expires_at, facts=dict(ask.facts), basis=dict(ask.basis))


def _keep(settled: Settled, one: Recommendation, kind: str) -> None:
    settled.now[one.flight_id] = one
    settled.changed.append(one)
    settled.entries.append(ledger.Entry(kind, one.recommendation_id, body(one)))


def _end(settled: Settled, one: Recommendation, status: str, why: str, at: datetime) -> None:
    settled.now.pop(one.flight_id, None)
    settled.changed.append(replace(one, status=status, snoozed_until=None, ended_at=at))
    settled.entries.append(ledger.Entry("recommendation_decided", one.recommendation_id, body(one) | {"decision": status, "why": why}))


def _quiet(said: Standing | None, ask: Asked, now: datetime) -> bool:
    """Whether somebody's answer about this very problem still holds: then nobody is asked."""
    if said is None or said.answer in (Answer.FIXING, Answer.BUDGET_LOWERED, Answer.REMIND_LATER):
        return False
    return broken(said.answer, said.bounds, said.until, ask.extent, now) is None
