"""What people were last told about each problem; written by seals, together with the messages that told them."""

from collections.abc import Collection, Iterable
from datetime import UTC, datetime, timedelta
from typing import Any

from sqlalchemy import ARRAY, Connection, Row, Text, any_, literal, or_, select, update
from sqlalchemy.dialects.postgresql import insert

from audit.database import Database
from audit.tables import incidents, told
from pacing_brain.told import Told

DESK = "desk"  # whose cards have the buttons
KEPT = timedelta(days=2)  # of what is over, twice as long as it matters
INSTANTS = ("alerted_at", "written_at", "noted_at")


class Tellings:
    def __init__(self, database: Database) -> None:
        self.database = database

    def standing(self, now: datetime) -> list[Told]:
        """What is open, and what was over or alerted lately, by subject and place."""
        lately = or_(told.c.is_open, told.c.alerted_at > now - KEPT, told.c.written_at > now - KEPT)
        with self.database.transaction() as connection:
            return [_told(row) for row in connection.execute(select(told).where(lately).order_by(told.c.subject, told.c.place))]


def put(connection: Connection, states: Iterable[Told]) -> None:
    """Write each state in place of what stood for its subject and place; part of a seal."""
    rows = [state.model_dump() | {"changes": [each.isoformat() for each in state.changes]} for state in states]
    if not rows:
        return
    statement = insert(told)
    keys = {"subject", "place"}
    changed = {name: statement.excluded[name] for name in rows[0] if name not in keys}
    connection.execute(statement.on_conflict_do_update(index_elements=sorted(keys, reverse=True), set_=changed), rows)


def desk_card(connection: Connection, subject: str) -> tuple[str, str] | None:
    """(thread, channel) of the card that the desk answers; none: it has none."""
    found = desk_thread(connection, subject)
    return found[:2] if found and found[2] else None


def desk_thread(connection: Connection, subject: str) -> tuple[str, str, bool] | None:
    """(thread, channel, whether the problem stands open there) of the desk's newest card about a problem."""
    of_it = told.c.subject == subject, told.c.place == DESK
    row = connection.execute(select(told.c.thread_key, told.c.channel, told.c.is_open).where(*of_it)).one_or_none()
    return (row.thread_key, row.channel, row.is_open) if row else None


def desk_threads(connection: Connection, incident_ids: Collection[str]) -> set[str]:
    """The threads of the desk's cards about these incidents."""
    wanted = incidents.c.incident_id == any_(literal(sorted(incident_ids), ARRAY(Text)))
    statement = select(told.c.thread_key).join(incidents, incidents.c.fingerprint == told.c.subject).where(wanted, told.c.place == DESK)
    return set(connection.execute(statement).scalars())


def alerted(connection: Connection, subject: str, now: datetime) -> None:
    """People were reminded of a problem at the desk: the daily reminder counts from here."""
    of_it = told.c.subject == subject, told.c.place == DESK
    connection.execute(update(told).where(*of_it).values(alerted_at=now))


def locked(connection: Connection, subject: str, place: str) -> Told | None:
    """One state, held until the transaction ends."""
    row = connection.execute(select(told).where(told.c.subject == subject, told.c.place == place).with_for_update()).one_or_none()
    return _told(row) if row else None


def _told(row: Row[Any]) -> Told:
    fields = row._asdict()
    instants = {name: fields[name].astimezone(UTC) for name in INSTANTS if fields[name]}
    return Told(**fields | instants | {"changes": tuple(datetime.fromisoformat(each) for each in fields["changes"])})
