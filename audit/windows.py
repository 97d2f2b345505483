"""Windows that no live run answered for: said once each on the ledger, never run one by one."""

from collections.abc import Sequence
from datetime import UTC, datetime, timedelta

from sqlalchemy import exists, func, select, text
from sqlalchemy.dialects.postgresql import insert

from audit import clock, ledger
from audit.database import Database
from audit.tables import missed_windows, run_heartbeats, runs

SILENT_AFTER = timedelta(minutes=15)  # a run whose heartbeat is older does not work on its window any more


class Windows:
    def __init__(self, database: Database) -> None:
        self.database = database

    def missed(self, schedule_hours: int, now: datetime) -> list[datetime]:
        """Windows since the first live run and before the present one that have no sealed run, no run at work, and were not said yet.

        None before the first live run: nobody asked for them.
        """
        step = timedelta(hours=schedule_hours)
        first = select(func.min(runs.c.window_at)).where(runs.c.live).scalar_subquery()
        present = datetime.fromtimestamp(now.timestamp() // step.total_seconds() * step.total_seconds(), UTC)
        slot = func.generate_series(first, present - step, text(f"interval '{int(schedule_hours)} hours'")).column_valued("slot")
        of_it = runs.c.window_at == slot, runs.c.live
        sealed = exists().where(*of_it, runs.c.status == "sealed")
        at_work = exists().where(*of_it, runs.c.status == "open", runs.c.run_id == run_heartbeats.c.run_id, run_heartbeats.c.at > now - SILENT_AFTER)
        said = exists().where(missed_windows.c.window_at == slot)
        with self.database.transaction() as connection:
            found = connection.execute(select(slot).where(~sealed, ~at_work, ~said).order_by(slot)).scalars()
            return [each.astimezone(UTC) for each in found]

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
