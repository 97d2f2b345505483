"""The database clock: `pacing.pacing_now()`. It can be shifted only where somebody set an offset: demo and test homes."""

from datetime import UTC, datetime, timedelta

from sqlalchemy import Connection, delete, func, select
from sqlalchemy.dialects.postgresql import insert

from audit.tables import clock_offset


def now(connection: Connection) -> datetime:
    """The database clock, UTC."""
    return connection.execute(select(func.pacing.pacing_now())).scalar_one().astimezone(UTC)  # type: ignore[no-any-return]


def set_offset(connection: Connection, shift: timedelta | None) -> None:
    """Shift the clock by `shift` from the real time, or end the shift. Only the owner may: the application's role is refused."""
    if shift is None:
        connection.execute(delete(clock_offset))
        return
    statement = insert(clock_offset).values(shift=shift)
    connection.execute(statement.on_conflict_do_update(index_elements=["one"], set_={"shift": shift}))


def is_shifted(connection: Connection) -> bool:
    """Whether this is a demo or test home: a process that knows a real Slack or Snowflake must not start on it."""
    return bool(connection.execute(select(func.count()).select_from(clock_offset)).scalar_one())
