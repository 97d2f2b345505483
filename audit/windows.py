"""Windows that no live run answered for: said once each on the ledger, never run one by one."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta

from sqlalchemy import and_, exists, func, or_, select, text
from sqlalchemy.dialects.postgresql import insert

from audit import clock, ledger
from audit.database import Database
from audit.tables import missed_windows, run_heartbeats, runs

SILENT_AFTER = timedelta(minutes=15)  # a run whose heartbeat is older does not work on its window any more


@dataclass(frozen=True)
class SilentRun:
    """An open run whose heartbeat is old: its process died, or hangs in `step`."""

    run_id: str
    window: datetime
    step: str
    age: timedelta


class Windows:
    def __init__(self, database: Database) -> None:
        self.database = database

    def missed(self, schedule_hours: int, now: datetime) -> list[datetime]:
        """Windows since the first live run and before the present one that have no sealed run, no run at work, and were not said yet.

        None before the first live run: nobody asked for them.
        """
        step = timedelta(hours=schedule_hours)
        first = select(func.min(runs.c.window_at)).where(runs.c.live).scalar_subquery()
        present = _slot(now, schedule_hours)
        slot = func.generate_series(first, present - step, text(f"interval '{int(schedule_hours)} hours'")).column_valued("slot")
        of_it = runs.c.window_at == slot, runs.c.live
        sealed = exists().where(*of_it, runs.c.status == "sealed")
        at_work = exists().where(*of_it, runs.c.status == "open", runs.c.run_id == run_heartbeats.c.run_id, run_heartbeats.c.at > now - SILENT_AFTER)
        said = exists().where(missed_windows.c.window_at == slot)
        with self.database.transaction() as connection:
            found = connection.execute(select(slot).where(~sealed, ~at_work, ~said).order_by(slot)).scalars()
            return [each.astimezone(UTC) for each in found]

    def present_lacks_run(self, schedule_hours: int, now: datetime, *, grace: timedelta, again_after: timedelta) -> datetime | None:
        """The present window, when nobody answers for it although its start is `grace` ago.

        A run that seals, works, or failed less than `again_after` ago does. None before the first live run: nobody asked for one.
        """
        present = _slot(now, schedule_hours)
        of_it = runs.c.window_at == present, runs.c.live
        beat = exists().where(run_heartbeats.c.run_id == runs.c.run_id, run_heartbeats.c.at > now - SILENT_AFTER).correlate(runs)
        tried = exists().where(run_heartbeats.c.run_id == runs.c.run_id, run_heartbeats.c.at > now - again_after).correlate(runs)
        answered = or_(runs.c.status == "sealed", and_(runs.c.status == "open", beat), and_(runs.c.status == "failed", tried))
        with self.database.transaction() as connection:
            asked = connection.execute(select(exists().where(runs.c.live))).scalar_one()
            busy = connection.execute(select(exists(select(runs.c.run_id).where(*of_it, answered)))).scalar_one()
        return present if asked and not busy and now - present >= grace else None

    def silent(self, now: datetime) -> list[SilentRun]:
        """Open live runs that have shown no sign of life for `SILENT_AFTER`, oldest first."""
        statement = select(runs.c.run_id, runs.c.window_at, run_heartbeats.c.step, run_heartbeats.c.at).join_from(runs, run_heartbeats).where(
            runs.c.live, runs.c.status == "open", run_heartbeats.c.at <= now - SILENT_AFTER)
        with self.database.transaction() as connection:
            rows = connection.execute(statement.order_by(run_heartbeats.c.at)).all()
            return [SilentRun(row.run_id, row.window_at.astimezone(UTC), row.step, now - row.at) for row in rows]

    def record_missed(self, windows: Sequence[datetime], at: datetime | None = None) -> list[datetime]:
        """A `run_missed` entry for each window that has none; returns those."""
        recorded = []
        with self.database.transaction() as connection:
            said_at = at or clock.now(connection)
            for window in sorted(windows):
                if connection.execute(select(missed_windows.c.seq).where(missed_windows.c.window_at == window)).first():
                    continue
                entry = ledger.Entry("run_missed", f"{window.astimezone(UTC):%Y-%m-%dT%H:%MZ}", {"window": window})
                (seq,) = ledger.append(connection, None, [entry], said_at)
                connection.execute(insert(missed_windows).values(window_at=window, seq=seq))
                recorded.append(window)
        return recorded

    def said(self, since: datetime) -> list[datetime]:
        """Windows from an instant on that the ledger calls missed."""
        with self.database.transaction() as connection:
            found = select(missed_windows.c.window_at).where(missed_windows.c.window_at >= since).order_by(missed_windows.c.window_at)
            return [each.astimezone(UTC) for each in connection.execute(found).scalars()]


def _slot(now: datetime, schedule_hours: int) -> datetime:
    seconds = schedule_hours * 3600
    return datetime.fromtimestamp(now.timestamp() // seconds * seconds, UTC)
