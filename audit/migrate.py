"""Bringing a database's schema to what this program needs, and refusing one that is not there."""

from pathlib import Path

from alembic import command
from alembic.config import Config
from alembic.runtime.migration import MigrationContext
from alembic.script import ScriptDirectory
from psycopg import sql
from sqlalchemy import Connection, text

from audit.database import Database, raw
from audit.tables import SCHEMA
from pacing_brain.errors import DatabaseRefused, DatabaseUnavailable

MIGRATIONS = Path(__file__).parent / "migrations"
OWNER, APP, READER = "pacing_owner", "pacing_app", "pacing_reader"
UPGRADE_LOCK = 0x70616365  # "pace": one upgrade of a database at a time
ROLE_TRIES = 8  # roles belong to the server: upgrades of other databases may touch them in the same moment


def upgrade(admin_url: str, app_login: str | None = None, app_password: str | None = None) -> None:
    """Bring the schema to the newest migration; safe to repeat and to run several times at once.

    1. the roles pacing_owner, pacing_app, pacing_reader, where they are missing
    2. the migrations, as pacing_owner, in one transaction
    3. the application's login, if named: a member of pacing_app and nothing else

    Raises:
        DatabaseUnavailable: Postgres did not answer.
        DatabaseRefused: this login may not do it, or the schema is newer than this program.
    """
    database = Database(admin_url, pool_size=1)
    try:
        _apply_roles(database, (MIGRATIONS / "roles.sql").read_bytes())  # 1
        with database.transaction() as connection:  # 2
            connection.execute(text("SELECT pg_advisory_xact_lock(:key)"), {"key": UPGRADE_LOCK})
            _refuse_newer(_revision(connection), database)
            connection.execute(text(f"CREATE SCHEMA IF NOT EXISTS {SCHEMA} AUTHORIZATION {OWNER}"))
            connection.execute(text(f"SET LOCAL ROLE {OWNER}"))
            command.upgrade(_config(connection), "head")
        if app_login is not None:  # 3
            _apply_roles(database, _login(app_login, app_password))
    finally:
        database.close()


def current(url: str) -> str:
    """The migration that a database is at; empty: none.

    Raises:
        DatabaseUnavailable: Postgres did not answer.
        DatabaseRefused: it refused the login.
    """
    database = Database(url, pool_size=1)
    try:
        with database.transaction() as connection:
            return _revision(connection)
    finally:
        database.close()


def newest() -> str:
    """The migration that this program needs."""
    return ScriptDirectory.from_config(_config()).get_current_head() or ""


def check(url: str) -> None:
    """Refuses a database whose schema is not the one that this program needs.

    Raises:
        DatabaseUnavailable: Postgres did not answer.
        DatabaseRefused: the schema is missing, behind or ahead; the message says what to run.
    """
    found, database = current(url), Database(url, pool_size=1)
    _refuse_newer(found, database)
    if found != newest():
        what = f"is at migration {found}, this program needs {newest()}" if found else "has no schema yet"
        raise DatabaseRefused(f"the database at {database.where} {what}. Run `pacing db upgrade` with PACING_DATABASE_ADMIN_URL set.")


def _revision(connection: Connection) -> str:
    context = MigrationContext.configure(connection, opts={"version_table_schema": SCHEMA})
    return context.get_current_revision() or ""


def _refuse_newer(found: str, database: Database) -> None:
    known = {script.revision for script in ScriptDirectory.from_config(_config()).walk_revisions()}
    if found and found not in known:
        raise DatabaseRefused(f"the database at {database.where} is at migration {found}, which this program does not know: "
                              "a newer one made it. Upgrade this program.")


def _config(connection: Connection | None = None) -> Config:
    config = Config()
    config.set_main_option("script_location", str(MIGRATIONS).replace("%", "%%"))
    config.set_main_option("path_separator", "os")
    config.attributes["connection"] = connection
    return config


def _apply_roles(database: Database, script: bytes | sql.Composed) -> None:
    """Two upgrades that change one role at once: Postgres lets one of them fail, which tries again."""
    for attempt in range(1, ROLE_TRIES + 1):
        try:
            with database.transaction() as connection:
                raw(connection).execute(script)
        except (DatabaseUnavailable, DatabaseRefused) as error:
            if attempt == ROLE_TRIES or "concurrently" not in str(error):
                raise
        else:
            return


def _login(name: str, password: str | None) -> sql.Composed:
    """A login role that is a member of pacing_app."""
    script = sql.SQL("""
        DO $do$ BEGIN
            IF to_regrole(quote_ident({literal})) IS NULL THEN
                BEGIN
                    CREATE ROLE {name} LOGIN;
                EXCEPTION WHEN duplicate_object OR unique_violation THEN
                    NULL;  -- another upgrade was first
                END;
            END IF;
            IF NOT pg_has_role({literal}, {app}, 'USAGE') THEN
                GRANT pacing_app TO {name};
            END IF;
        END $do$;""").format(name=sql.Identifier(name), literal=sql.Literal(name), app=sql.Literal(APP))
    if password is None:
        return script
    return script + sql.SQL("ALTER ROLE {name} PASSWORD {password};").format(name=sql.Identifier(name), password=sql.Literal(password))
