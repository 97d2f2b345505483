"""Between runs: nothing undelivered stays, nothing unanswered stays open, and eighteen missed windows are one catch-up run."""

from datetime import timedelta

import pytest

from audit import ledger
from audit.database import Database
from audit.tables import runs
from flows.run_pacing import Request, run_window
from flows.settings import Settings
from flows.upkeep import keep_up
from flows.wiring import open_house
from tests.flows.conftest import NOON, shift_to

STEP = timedelta(hours=4)


@pytest.fixture
def settings(fresh_database, flows_home, monkeypatch, tmp_path):
    monkeypatch.chdir(tmp_path)
    return Settings.read(PACING_HOME=flows_home, PACING_DATABASE_URL=fresh_database.app, PACING_ANCHOR_DIR=tmp_path / "anchors",
                         PACING_SIGNING_KEY_FILE=tmp_path / "key")


def kinds(url, kind):
    database = Database(url)
    with database.transaction() as connection:
        found = list(ledger.read(connection, kinds=[kind]))
    database.close()
    return found


def test_missed_windows_are_said_once_and_one_run_catches_up(settings, fresh_database):
    """After three days of silence every missed window is on the ledger once, and the present one alone is run, once."""
    shift_to(fresh_database.admin, NOON)
    run_window(settings, Request())
    shift_to(fresh_database.admin, NOON + 18 * STEP + timedelta(minutes=15))
    kept = keep_up(settings)
    assert len(kept.missed) == len(kinds(fresh_database.app, "run_missed")) == 17
    assert kept.missed[0] == "2026-05-21T16:00Z"
    assert kept.caught_up.startswith("20260524T1200Z-live")
    again = keep_up(settings)
    assert (again.missed, again.caught_up) == ((), None)
    with open_house(settings, record_only=True) as house, house.database.transaction() as connection:
        windows = connection.execute(runs.select().with_only_columns(runs.c.window_at).order_by(runs.c.window_at)).scalars().all()
    assert len(windows) == 2

    expired = {entry.subject for entry in kinds(fresh_database.app, "recommendation_decided") if entry.content["decision"] == "expired"}
    assert expired == set(kept.expired) != set()
    assert not expired & {entry.subject for entry in kinds(fresh_database.app, "recommendation_renewed")}


def test_the_schedule_comes_first(settings, fresh_database):
    """Before the first live run there is nothing to catch up with; in a window's first minutes its own run is awaited."""
    shift_to(fresh_database.admin, NOON + timedelta(hours=1))
    assert keep_up(settings).caught_up is None
    run_window(settings, Request())
    shift_to(fresh_database.admin, NOON + STEP + timedelta(minutes=5))
    kept = keep_up(settings)
    assert (kept.missed, kept.caught_up, kept.silent) == ((), None, ())
    assert "0 windows missed" in kept.said
