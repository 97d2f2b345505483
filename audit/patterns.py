"""What was learned: in force from the moment it is learned until it expires or is retired."""

import hashlib
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any

import pandas as pd
from sqlalchemy import Connection, or_, select, update
from sqlalchemy.dialects.postgresql import insert

from audit import ledger, standing
from audit.database import Database
from audit.standing import Standing
from audit.tables import patterns
from pacing_brain.errors import UsageError
from pacing_brain.frames import PATTERNS
from pacing_brain.learning import tolerance


@dataclass(frozen=True)
class Pattern:
    """One row, as people look at it. state: in force | expired | retired | superseded."""

    pattern_id: str
    kind: str
    scope: str
    value: str
    support: int
    confidence: float
    learned_at: datetime
    expires_at: datetime | None
    retired_at: datetime | None
    evidence: list[int]
    superseded_by: str | None

    def state(self, at: datetime) -> str:
        if self.retired_at is not None:
            return "superseded" if self.superseded_by else "retired"
        return "expired" if self.expires_at is not None and self.expires_at <= at else "in force"


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


    def all(self) -> list[Pattern]:
        """Everything ever learned, the newest first."""
        with self.database.transaction() as connection:
            return [Pattern(**row._asdict()) for row in connection.execute(select(patterns).order_by(patterns.c.learned_at.desc(), patterns.c.pattern_id))]


def learn(connection: Connection, run_id: str | None, learned: pd.DataFrame, at: datetime, *, by: Mapping[str, Any] | None = None,
          evidence: Sequence[int] = ()) -> range:
    """Put patterns in force; one known by its id stays as it is. One `pattern_learned` entry for each new one. by: the person whose answer it is.
    evidence: ledger numbers.

    Raises:
        FrameError: not a PATTERNS frame.
    """
    new = []
    for row in PATTERNS.check(learned).to_dict("records"):
        values = {str(name): None if pd.isna(value) else value for name, value in row.items()} | {"learned_at": at, "evidence": list(evidence)}
        statement = insert(patterns).values(values).on_conflict_do_nothing().returning(patterns.c.pattern_id)
        if connection.execute(statement).first() is not None:
            said = {name: values[name] for name in ("kind", "scope", "value", "support", "confidence", "expires_at")}
            new.append(ledger.Entry("pattern_learned", str(values["pattern_id"]), {f"pattern_{name}": what for name, what in said.items()} | ({"by": dict(by)} if by else {}) | ({"evidence": list(evidence)} if evidence else {})))
    return ledger.append(connection, run_id, new, at)


def learn_match(connection: Connection, flight_id: str, campaign_key: str, *, same: bool, seq: int, by: Mapping[str, Any], at: datetime) -> str:
    """A person said whether a platform's campaign is the flight's: certain from the next run on, or never proposed again. Returns the pattern's id.

    Whatever was answered about the two before gives way; a flight has one confirmed campaign. seq: the entry of the answer.
    """
    kind, scope = "alias" if same else "not_alias", f"flight:{flight_id}"
    pattern_id = "P-" + hashlib.sha256(f"{kind}\n{scope}\n{campaign_key}\n{seq}".encode()).hexdigest()[:10]
    about = patterns.c.value == campaign_key if not same else or_(patterns.c.value == campaign_key, patterns.c.kind == "alias")
    held = patterns.c.scope == scope, patterns.c.kind.in_(("alias", "not_alias")), about, patterns.c.retired_at.is_(None)
    ended = update(patterns).where(*held).values(retired_at=at, superseded_by=pattern_id).returning(patterns.c.pattern_id)
    gone = sorted(connection.execute(ended).scalars())
    ledger.append(connection, None, [ledger.Entry("pattern_retired", one, {"superseded_by": pattern_id, "by": dict(by)}) for one in gone], at)
    row: dict[str, Any] = {"pattern_id": pattern_id, "kind": kind, "scope": scope, "value": campaign_key, "support": 1, "confidence": 1.0}
    learn(connection, None, pd.DataFrame([row]), at, by=by, evidence=[seq])
    return pattern_id


def learn_tolerance(connection: Connection, said: Standing, currency: str | None, *, by: Mapping[str, Any]) -> None:
    """Somebody said that a problem is expected, or none: within what was said and until then it asks nobody. What was said before gives way."""
    row = tolerance(said.fingerprint, str(said.seq), said.answer, said.bounds, pd.Timestamp(said.until), currency)
    give_way(connection, "tolerance", said.fingerprint, None, str(row["pattern_id"]), said.at)
    learn(connection, None, pd.DataFrame([row]), said.at, by=by, evidence=[said.seq])


def give_way(connection: Connection, kind: str, scope: str, value: str | None, to: str, at: datetime, run_id: str | None = None) -> None:
    """What was known of a scope (and value, if it is given) ends, because something newer is known. to: the newer one."""
    of_it = [patterns.c.kind == kind, patterns.c.scope == scope, patterns.c.retired_at.is_(None), *([patterns.c.value == value] if value else [])]
    ended = update(patterns).where(*of_it).values(retired_at=at, superseded_by=to).returning(patterns.c.pattern_id)
    gone = sorted(connection.execute(ended).scalars())
    ledger.append(connection, run_id, [ledger.Entry("pattern_retired", one, {"superseded_by": to}) for one in gone], at)


def broken_off(connection: Connection, ended: Mapping[int, str], at: datetime) -> list[ledger.Entry]:
    """Tolerances whose answers hold no longer end with them; part of a seal. ended: number of the answer's entry -> why. An entry for each."""
    rows = select(patterns.c.pattern_id, patterns.c.evidence).where(patterns.c.kind == "tolerance", patterns.c.retired_at.is_(None))
    over = {row.pattern_id: ended[row.evidence[0]] for row in connection.execute(rows) if row.evidence and row.evidence[0] in ended} if ended else {}
    if over:
        connection.execute(update(patterns).where(patterns.c.pattern_id.in_(list(over))).values(retired_at=at))
    return [ledger.Entry("pattern_retired", one, {"why": why}) for one, why in sorted(over.items())]


def retire(connection: Connection, pattern_id: str, *, by: Mapping[str, Any], reason: str, at: datetime) -> None:
    """End a pattern, with a `pattern_retired` entry; the next run decides without it. With a tolerance the answer behind it ends.

    Raises:
        UsageError: no such pattern is in force.
    """
    held = update(patterns).where(patterns.c.pattern_id == pattern_id, patterns.c.retired_at.is_(None)).values(retired_at=at)
    found = connection.execute(held.returning(patterns.c.kind, patterns.c.evidence)).one_or_none()
    if found is None:
        raise UsageError(f"no pattern {pattern_id} is in force. See `pacing patterns list`.")
    over = standing.end_of(connection, found.evidence[0], f"the pattern was retired: {reason}", at) if found.kind == "tolerance" and found.evidence else []
    ledger.append(connection, None, [ledger.Entry("pattern_retired", pattern_id, {"by": dict(by), "reason": reason}), *over], at)
