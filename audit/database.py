"""The one database: a pool with timeouts, transactions, and Postgres' errors as ours."""

from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

import orjson
import psycopg
from sqlalchemy import URL, Connection, Engine, create_engine, make_url
from sqlalchemy import exc as sa

from pacing_brain.errors import DatabaseRefused, DatabaseUnavailable, LedgerError, SettingError

CONNECT_TIMEOUT_S = 5
LOCK_TIMEOUT_S = 30  # the ledger's head is held for a shard at most
STATEMENT_TIMEOUT_S = 300
IDLE_IN_TRANSACTION_S = 600  # a process that hangs in a transaction must not hold the ledger for ever
APPEND_ONLY_STATE = "PA001"  # what our triggers raise

_PASSING_STATES = ("08", "40", "53", "55", "57", "58")  # connection, rollback, resources, locks, operator, system: trying again may help
_LOGIN_REFUSED = ("authentication failed", "does not exist", "no pg_hba.conf entry", "permission denied", "not permitted", "no password supplied")
_NEXT_STEP = {"42P01": "Run `pacing db upgrade`.", "3F000": "Run `pacing db upgrade`.", "42883": "Run `pacing db upgrade`.",
              "42703": "Run `pacing db upgrade`.", "42501": "Grant the login the role pacing_app."}


class Database:
    """A Postgres database by URL. Every method and every transaction raises errors of ours only."""

    def __init__(self, url: str, *, pool_size: int = 5, statement_timeout_s: float = STATEMENT_TIMEOUT_S,
                 lock_timeout_s: float = LOCK_TIMEOUT_S) -> None:
        self.url = _parsed(url)
        limits = {"lock_timeout": lock_timeout_s, "statement_timeout": statement_timeout_s,
                  "idle_in_transaction_session_timeout": IDLE_IN_TRANSACTION_S}
        options = " ".join(["-c timezone=UTC", *(f"-c {name}={int(seconds * 1000)}ms" for name, seconds in limits.items())])
        self.engine: Engine = create_engine(
            self.url, pool_size=pool_size, max_overflow=pool_size, pool_timeout=10, pool_pre_ping=True, json_serializer=storable_json,
            json_deserializer=orjson.loads,
            connect_args={"connect_timeout": CONNECT_TIMEOUT_S, "options": options, "application_name": "pacing"})

    @property
    def where(self) -> str:
        """For people, without secrets."""
        return _where(self.url)

    @contextmanager
    def transaction(self) -> Iterator[Connection]:
        """One transaction: committed at the end, rolled back on any error.

        Raises:
            DatabaseUnavailable: Postgres did not answer, gave up waiting or broke off; trying again may help.
            DatabaseRefused: it refused the login, the statement or a row.
            LedgerError: an append-only table was to be changed.
        """
        with translated(self.url), self.engine.begin() as connection:
            yield connection

    @contextmanager
    def snapshot(self) -> Iterator[Connection]:
        """Reads that all see the same instant."""
        with translated(self.url), self.engine.connect().execution_options(isolation_level="REPEATABLE READ") as connection:
            yield connection

    def session(self) -> Connection:
        """A connection outside the pool, without transactions: for a lock that lives as long as a run."""
        with translated(self.url):
            connection = self.engine.connect().execution_options(isolation_level="AUTOCOMMIT")
            connection.detach()
            return connection

    def close(self) -> None:
        self.engine.dispose()


@contextmanager
def translated(url: URL) -> Iterator[None]:
    """Turns what SQLAlchemy and psycopg raise into our errors: one line, with the next step, without secrets."""
    try:
        yield
    except sa.TimeoutError as error:
        raise DatabaseUnavailable(f"Postgres at {_where(url)}: all connections of this process are busy") from error
    except sa.DBAPIError as error:
        raise _ours(error.orig, url) from error
    except (psycopg.Error, sa.SQLAlchemyError) as error:
        raise _ours(error, url) from error


def raw(connection: Connection) -> psycopg.Connection[Any]:
    """The psycopg connection under a SQLAlchemy one, for COPY and scripts; the same transaction."""
    driver = connection.connection.driver_connection
    if not isinstance(driver, psycopg.Connection):
        raise DatabaseRefused("the database URL must name psycopg: postgresql+psycopg://")
    return driver


def storable_json(value: object) -> str:
    """JSON as Postgres' jsonb takes it: it knows no character 0, which a campaign's name may well contain."""
    text = orjson.dumps(value, option=orjson.OPT_SERIALIZE_NUMPY | orjson.OPT_NON_STR_KEYS)
    return orjson.dumps(_without_nul(orjson.loads(text))).decode() if b"\\u0000" in text else text.decode()


def storable_text(value: str) -> str:
    """Text as Postgres takes it: without character 0."""
    return value.replace("\x00", "\N{REPLACEMENT CHARACTER}")


def _without_nul(value: Any) -> Any:
    if isinstance(value, str):
        return storable_text(value)
    if isinstance(value, dict):
        return {storable_text(key): _without_nul(inner) for key, inner in value.items()}
    return [_without_nul(inner) for inner in value] if isinstance(value, list) else value


def _parsed(url: str) -> URL:
    try:
        parsed = make_url(url)
    except (sa.ArgumentError, ValueError):
        raise SettingError("PACING_DATABASE_URL is no database URL: write postgresql://user:password@host:5432/database") from None
    if parsed.get_backend_name() not in {"postgresql", "postgres"}:
        raise SettingError(f"PACING_DATABASE_URL names {parsed.get_backend_name()}: the record needs PostgreSQL 14 or newer")
    return parsed.set(drivername="postgresql+psycopg")


def _where(url: URL) -> str:
    host = url.query.get("host") or url.host or "the local socket"
    return f"{host if isinstance(host, str) else host[0]}/{url.database or ''}"


def _ours(error: BaseException | None, url: URL) -> DatabaseUnavailable | DatabaseRefused | LedgerError:
    state = error.sqlstate if isinstance(error, psycopg.Error) else None
    said = _one_line(error, url)
    if state == APPEND_ONLY_STATE:
        return LedgerError(said)
    passing = state.startswith(_PASSING_STATES) if state else isinstance(error, psycopg.OperationalError) and not any(
        phrase in said for phrase in _LOGIN_REFUSED)
    if passing:
        return DatabaseUnavailable(f"Postgres at {_where(url)} did not answer: {said}. Check that it runs, and PACING_DATABASE_URL.")
    step = _NEXT_STEP.get(state or "", "Check PACING_DATABASE_URL and the login's rights.")
    return DatabaseRefused(f"Postgres at {_where(url)} refused: {said}. {step}")


def _one_line(error: BaseException | None, url: URL) -> str:
    """The first line: what follows quotes the statement or the row."""
    lines = [line.strip() for line in str(error).splitlines() if line.strip()]
    said = lines[0].removesuffix(".") if lines else type(error).__name__
    return said.replace(str(url.password), "***") if url.password else said
