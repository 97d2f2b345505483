"""Postgres' errors as ours: which kind, one line, the next step, no secret."""

import threading
import time
from datetime import UTC, datetime

import psycopg
import pytest
from sqlalchemy import text

from audit import ledger
from audit.database import Database, storable_json
from pacing_brain.errors import DatabaseRefused, DatabaseUnavailable, PacingError, SettingError


def said(url, *, error, statement="SELECT 1"):
    database = Database(url)
    with pytest.raises(error) as caught, database.transaction() as connection:
        connection.execute(text(statement))
    database.close()
    assert "\n" not in str(caught.value)
    assert "s3cret" not in str(caught.value)
    return str(caught.value)


def test_nobody_at_the_address():
    """A server that does not answer is DatabaseUnavailable and names where."""
    assert "127.0.0.1/db" in said("postgresql://me:s3cret@127.0.0.1:1/db", error=DatabaseUnavailable)


def test_a_refused_login(postgres):
    """An unknown login and an unknown database are DatabaseRefused: trying again will not help."""
    assert "nobody" in said(postgres.url("nobody", "postgres"), error=DatabaseRefused)
    assert "nowhere" in said(postgres.admin_url("nowhere"), error=DatabaseRefused)


def test_a_missing_table_says_what_to_run(postgres):
    """A missing schema leads to `pacing db upgrade`."""
    assert "pacing db upgrade" in said(postgres.admin_url(), error=DatabaseRefused, statement="SELECT 1 FROM pacing.runs")


def test_a_missing_right_says_which_role(fresh_database):
    """A refused statement leads to the role pacing_app, and does not quote the statement."""
    message = said(fresh_database.app, error=DatabaseRefused, statement="DELETE FROM pacing.runs WHERE error = 's3cret'")
    assert "pacing_app" in message


@pytest.mark.parametrize(("url", "what"), [("nonsense", "no database URL"), ("mysql://h/d", "needs PostgreSQL")])
def test_a_malformed_url_names_the_setting(url, what):
    """A URL that is none, or of another database, names PACING_DATABASE_URL."""
    with pytest.raises(SettingError, match=rf"PACING_DATABASE_URL.*{what}"):
        Database(url)


def test_waiting_ends(fresh_database):
    """A statement that takes too long, and a lock that is not given, are DatabaseUnavailable."""
    quick = Database(fresh_database.app, statement_timeout_s=1.0, lock_timeout_s=0.2)
    with pytest.raises(DatabaseUnavailable, match="statement timeout"), quick.transaction() as connection:
        connection.execute(text("SELECT pg_sleep(5)"))
    with quick.transaction() as first:
        ledger.append(first, None, [], datetime.now(UTC))
        with pytest.raises(DatabaseUnavailable, match="lock timeout"), quick.transaction() as second:
            ledger.append(second, None, [], datetime.now(UTC))
    quick.close()


def test_a_connection_that_breaks_in_a_transaction(fresh_database, admin):
    """A connection that the server ends is DatabaseUnavailable, and the next transaction gets a new one."""
    database = Database(fresh_database.app)

    def end_it(pid):
        time.sleep(0.2)
        with admin.transaction() as connection:
            connection.execute(text("SELECT pg_terminate_backend(:pid)"), {"pid": pid})

    def wait():
        with database.transaction() as connection:
            ender = threading.Thread(target=end_it, args=(connection.execute(text("SELECT pg_backend_pid()")).scalar_one(),))
            ender.start()
            connection.execute(text("SELECT pg_sleep(5)"))

    with pytest.raises(DatabaseUnavailable):
        wait()
    with database.transaction() as connection:
        assert connection.execute(text("SELECT 1")).scalar_one() == 1
    database.close()


def test_errors_of_ours_pass_through(database):
    """An error raised inside a transaction that is not Postgres' is left as it is, and undoes the transaction."""
    with pytest.raises(PacingError, match="mine"), database.transaction():
        raise PacingError("mine")
    with pytest.raises(ZeroDivisionError), database.transaction():
        raise ZeroDivisionError


def test_raw_psycopg_errors_are_translated(database):
    """What psycopg raises itself (COPY) becomes ours too."""
    with pytest.raises(DatabaseUnavailable), database.transaction():
        raise psycopg.OperationalError("the connection is lost")


def test_character_zero_is_storable():
    """jsonb knows no character 0: it is replaced in keys and values, and only there."""
    assert storable_json({"a\x00": ["b\x00", 1, None], "c": "\\u0000"}) == '{"a\ufffd":["b\ufffd",1,null],"c":"\\\\u0000"}'


def test_every_transaction_has_its_limits(database):
    """Timeouts and the zone are set on every connection."""
    with database.transaction() as connection:
        shown = {name: connection.execute(text(f"SHOW {name}")).scalar_one()
                 for name in ("lock_timeout", "statement_timeout", "idle_in_transaction_session_timeout", "timezone")}
    assert shown == {"lock_timeout": "30s", "statement_timeout": "5min", "idle_in_transaction_session_timeout": "10min", "timezone": "UTC"}
