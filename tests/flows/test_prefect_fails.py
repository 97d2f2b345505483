"""Whatever Prefect does, the window is on the record, its cards are out once, and the console says so in one line."""

import os
import shutil
import socket

import pytest

from audit.database import Database
from audit.outbox import Outbox
from audit.tables import outbox
from flows.local_prefect import ChildPrefect
from tests.fakes.prefect_line import PrefectLine
from tests.flows.conftest import NOON, environment, recorded, run_window, shift_to

DEEP = os.environ.get("PACING_TEST_DEEP") == "1"
ALL = [(when, mode) for mode in ("cut", "hanging", "failing") for when in ("first_task", "decide", "in_record", "deliver")]
USUAL = [("in_record", "hanging")]
LONGEST_S = 30.0  # that Prefect may add to a window


@pytest.fixture(scope="module")
def without_prefect(postgres, template_database, flows_home, short_tmp):
    """The ledger of the window where there never was a Prefect, and the seconds that it took."""
    from tests.conftest import _execute

    _execute(postgres, f'CREATE DATABASE "plain_window" TEMPLATE "{template_database}"')
    shift_to(postgres.admin_url("plain_window"), NOON)
    url = postgres.url("pacing_app_test", "plain_window")
    ended = run_window(environment(flows_home, url, "http://127.0.0.1:9/api", short_tmp / "client"))
    return ended, recorded(url)


def check(ended, database_url, plain):
    """The same bytes, every message once, one line of warning."""
    assert ended.code == 0, ended.err
    assert recorded(database_url) == plain[1]
    database = Database(database_url)
    counts = Outbox(database).counts()
    with database.transaction() as connection:
        attempts = set(connection.execute(outbox.select().with_only_columns(outbox.c.attempts)).scalars())
    database.close()
    assert counts["delivered"] == sum(counts.values()) > 0
    assert attempts == {1}
    assert len(ended.err.splitlines()) == 1, ended.err
    assert ended.err.startswith("pacing: Prefect at 127.0.0.1:")
    assert ended.summary["already_sealed"] is False
    print(f"{ended.seconds} s, of which the window {ended.summary['wall_s']} s; without Prefect {plain[0].summary['wall_s']} s: {ended.err.strip()}")


def test_without_prefect_a_window_runs_with_one_line_of_warning(without_prefect):
    """An API that nobody listens on costs one line and no time."""
    ended, bodies = without_prefect
    assert ended.code == 0, ended.err
    assert len(ended.err.splitlines()) == 1
    assert "does not answer" in ended.err
    assert bodies


@pytest.mark.deep
@pytest.mark.skipif(not DEEP, reason="the cut line stands for it: PACING_TEST_DEEP=1 turns it on")
@pytest.mark.parametrize("when", ["first_task", "decide", "in_record", "deliver"])
def test_the_server_is_killed_in_the_middle(when, without_prefect, prefect_server, fresh_database, flows_home, short_tmp):
    """SIGKILL to a Prefect server of its own, at any verb, changes no byte of the record and no card."""
    shift_to(fresh_database.admin, NOON)
    home = short_tmp / f"killed_{when}"
    home.mkdir()
    for template in prefect_server.home.glob("prefect-*.db"):
        shutil.copy(template, home)
    with ChildPrefect(home) as server, PrefectLine(server.port, server._pid) as line:
        ended = run_window(environment(flows_home, fresh_database.app, line.api_url, short_tmp / "client"), when, "killed", line.command_port)
        with pytest.raises(OSError, match="refused"):
            socket.create_connection(("127.0.0.1", server.port)).close()
    check(ended, fresh_database.app, without_prefect)


@pytest.mark.deep
@pytest.mark.parametrize(("when", "mode"), ALL if DEEP else USUAL)
def test_prefect_fails_in_the_middle(when, mode, without_prefect, fresh_database, line, flows_home, short_tmp):
    """A server that is cut off, hangs or answers 500, at any verb, changes no byte of the record and no card."""
    shift_to(fresh_database.admin, NOON)
    ended = run_window(environment(flows_home, fresh_database.app, line.api_url, short_tmp / "client"), when, mode, line.command_port)
    check(ended, fresh_database.app, without_prefect)
    assert ended.seconds < without_prefect[0].seconds + LONGEST_S
