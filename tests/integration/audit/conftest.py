"""A migrated database of the test's own, and what most tests of the record need."""

from collections.abc import Iterator
from datetime import UTC, datetime

import pytest

from audit.database import Database
from audit.runs import Opening, Runs

WINDOW = datetime(2026, 5, 21, 8, tzinfo=UTC)


@pytest.fixture
def database(fresh_database) -> Iterator[Database]:
    """As the application's login."""
    database = Database(fresh_database.app)
    yield database
    database.close()


@pytest.fixture
def admin(fresh_database) -> Iterator[Database]:
    """As the superuser."""
    database = Database(fresh_database.admin)
    yield database
    database.close()


@pytest.fixture
def runs(database) -> Runs:
    return Runs(database)


@pytest.fixture
def other_runs(fresh_database) -> Iterator[Runs]:
    """As another process has it: with connections of its own."""
    database = Database(fresh_database.app)
    yield Runs(database)
    database.close()


@pytest.fixture
def opening():
    """Makes an `Opening` of a live run of the window, with changes."""
    def make(**changes):
        usual = {"window": WINDOW, "as_of": WINDOW.replace(minute=1), "live": True, "policy_digest": "p", "code_version": "1",
                 "spend_source": "campaign_spend", "tracker": "plan.csv"}
        return Opening(**usual | changes)

    return make
