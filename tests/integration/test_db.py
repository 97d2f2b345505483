"""`pacing db upgrade` on real databases: what it migrates, whom it lets in, and when it refuses."""

import json
import subprocess
import sys
from pathlib import Path

import psycopg
import pytest

from audit import migrate
from audit.database import Database
from flows.commands.db import upgraded
from flows.settings import Settings
from pacing_brain.errors import DatabaseRefused, LedgerError, SettingError
from tests.integration.doctor_house import clean_environment

__all__ = ["clean_environment"]
PACING = str(Path(sys.executable).with_name("pacing"))


@pytest.fixture
def empty(postgres):
    """URLs of a database without our schema: the superuser's, and that of a login that does not exist yet."""
    with psycopg.connect(postgres.admin_url().replace("+psycopg", ""), autocommit=True) as connection:
        connection.execute("CREATE DATABASE pacing_empty")
        yield postgres.admin_url("pacing_empty"), postgres.url("pacing_new_login", "pacing_empty")
        connection.execute("DROP DATABASE pacing_empty WITH (FORCE)")
        connection.execute("DROP ROLE IF EXISTS pacing_new_login")


def settings(**values: object) -> Settings:
    return Settings.read(_env_file=None, **values)


def test_a_server_is_migrated_and_its_application_let_in(clean_environment, empty) -> None:
    """From nothing to the newest migration; the application's login is made, may add to the ledger and may not change it; again changes nothing."""
    admin, application = empty
    both = settings(PACING_DATABASE_ADMIN_URL=admin, PACING_DATABASE_URL=application)
    first, again = upgraded(both), upgraded(both)
    assert (first["from"], first["to"], again["from"]) == ("", migrate.newest(), migrate.newest())
    database = Database(application, pool_size=1)
    with pytest.raises((DatabaseRefused, LedgerError)), database.transaction() as connection:
        connection.exec_driver_sql("UPDATE pacing.ledger_entries SET kind = 'x'")
    database.close()


def test_without_an_admin_it_refuses(clean_environment, fresh_database) -> None:
    """With PACING_DATABASE_URL alone the missing setting is named."""
    with pytest.raises(SettingError, match=r"^PACING_DATABASE_ADMIN_URL is missing"):
        upgraded(settings(PACING_DATABASE_URL=fresh_database.app))


def test_another_database_than_the_one_in_use_is_found_out(clean_environment, empty, fresh_database, postgres) -> None:
    """When the two settings name different databases, the one in use is still without schema, and that is said."""
    with pytest.raises(DatabaseRefused, match="has no schema yet"):
        upgraded(settings(PACING_DATABASE_ADMIN_URL=fresh_database.admin, PACING_DATABASE_URL=empty[0]))


def test_a_login_that_may_not_migrate_is_refused(clean_environment, empty, fresh_database) -> None:
    """The application's own login as administrator is refused in one line."""
    with pytest.raises(DatabaseRefused):
        upgraded(settings(PACING_DATABASE_ADMIN_URL=fresh_database.app.replace(fresh_database.name, "pacing_empty")))


def test_the_embedded_database_through_the_command(clean_environment, short_tmp) -> None:
    """Nothing configured: the embedded database is made, and the second call says that there is nothing to do."""
    import os

    environment = os.environ | {"PACING_HOME": str(short_tmp / "db-home")}
    first = subprocess.run([PACING, "db", "upgrade", "--json"], capture_output=True, text=True, check=True, env=environment)
    again = subprocess.run([PACING, "db", "upgrade"], capture_output=True, text=True, check=True, env=environment)
    found = json.loads(first.stdout)
    assert (found["from"], found["to"]) == ("", migrate.newest())
    assert "already" in again.stdout
