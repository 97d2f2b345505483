"""Errors of ours, with Prefect in good health: they are raised as themselves, and tried again only when that may help."""

from audit import ledger
from audit.database import Database
from tests.flows.conftest import NOON, environment, run_window, shift_to


def kinds(url):
    database = Database(url)
    with database.transaction() as connection:
        found = [entry.kind for entry in ledger.read(connection)]
    database.close()
    return found


def test_a_run_that_cannot_be_done_fails_once_as_itself(fresh_database, flows_home, prefect_server, short_tmp):
    """A plan that cannot be read is one line and exit 1: no second try beside Prefect, no word about Prefect."""
    shift_to(fresh_database.admin, NOON)
    env = environment(flows_home, fresh_database.app, prefect_server.api_url, short_tmp / "client")
    ended = run_window(env | {"PACING_TRACKER": str(short_tmp / "no-plan.csv")})
    assert ended.code == 1
    assert len(ended.err.splitlines()) == 1, ended.err
    assert "no-plan.csv" in ended.err
    assert "Prefect" not in ended.err
    assert kinds(fresh_database.app).count("run_failed") == 1


def test_a_transient_error_is_tried_again(fresh_database, flows_home, prefect_server, short_tmp):
    """A step whose other side does not answer once is done at the second try, in silence."""
    shift_to(fresh_database.admin, NOON)
    env = environment(flows_home, fresh_database.app, prefect_server.api_url, short_tmp / "client")
    ended = run_window(env, "flaky")
    assert (ended.code, ended.err) == (0, "")
    assert {"run_failed", "run_resumed"}.isdisjoint(kinds(fresh_database.app))
    assert ended.summary["already_sealed"] is False
