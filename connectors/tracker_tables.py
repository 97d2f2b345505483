"""A tracker that is a table: in Postgres, read-only and bounded in time, or in Snowflake."""

import re
from pathlib import Path
from urllib.parse import parse_qsl, urlencode, urlsplit, urlunsplit

import psycopg
from psycopg import sql

from connectors.queries import identifier, query
from connectors.snowflake import Warehouse
from connectors.snowflake_settings import SnowflakeSettings
from connectors.tracker_sheet import Sheet, cell_text, sheet_of
from pacing_brain.errors import PacingError, TrackerUnreadable

_CONNECT_S, _STATEMENT_MS = 10, 60_000
_NAME = re.compile(r"[A-Za-z_][\w$]*(\.[A-Za-z_][\w$]*){0,2}")


def read_postgres(location: str) -> Sheet:
    """`postgresql://user@host/db?table=plans.flights`, or `?query_file=plan.sql` with one SELECT. Other parameters go to the driver.

    A table's rows are numbered in the order of their text, since a table has none of its own; a query's as it returns them.

    Raises:
        TrackerUnreadable: unreachable, refused, no such table, or no rows. The message never holds the address's password.
    """
    parts = urlsplit(location.replace("+psycopg", "", 1))
    given = parse_qsl(parts.query)
    options = dict(given)
    table, file = options.get("table"), options.get("query_file")
    name = f"postgresql://{parts.hostname or 'local'}{parts.path} {table or Path(file or '').name}".rstrip()
    if (table is None) == (file is None):
        raise TrackerUnreadable(f"tracker {name}: name either ?table= or ?query_file=.")
    address = urlunsplit(parts._replace(query=urlencode([pair for pair in given if pair[0] not in {"table", "query_file"}])))
    statement = _statement(file, name) if file else sql.SQL("SELECT * FROM {}").format(sql.Identifier(*str(table).split(".")))
    header, rows = _ask(address, statement, name)
    texts = [[cell_text(cell) for cell in row] for row in rows]
    return sheet_of(name, header, list(enumerate(texts if file else sorted(texts), start=2)))


def _statement(file: str, name: str) -> sql.SQL:
    try:
        return sql.SQL(Path(file).read_text(encoding="utf-8-sig").strip().rstrip(";"))  # the operator's own text
    except (OSError, UnicodeDecodeError) as error:
        raise TrackerUnreadable(f"tracker {name}: query_file {file} cannot be read as UTF-8 text. Check the path.") from error


def _ask(address: str, statement: sql.SQL | sql.Composed, name: str) -> tuple[list[str], list[tuple[object, ...]]]:
    options = f"-c default_transaction_read_only=on -c statement_timeout={_STATEMENT_MS}"
    try:
        with psycopg.connect(address, connect_timeout=_CONNECT_S, options=options) as connection, connection.cursor() as cursor:
            cursor.execute(statement)
            if cursor.description is None:
                raise TrackerUnreadable(f"tracker {name}: the query returns no rows at all. Write one SELECT.")
            return [column.name for column in cursor.description], cursor.fetchall()
    except psycopg.OperationalError as error:
        raise TrackerUnreadable(f"tracker {name}: Postgres does not answer or refuses the login. Check host, user and password in PACING_TRACKER.") from error
    except psycopg.Error as error:
        said = error.diag.message_primary or type(error).__name__
        raise TrackerUnreadable(f"tracker {name}: {said}. Check the table or query, and GRANT SELECT.") from error


def read_snowflake(location: str, settings: SnowflakeSettings | None, query_tag: str) -> Sheet:
    """`snowflake:TABLE`, `snowflake:SCHEMA.TABLE` or `snowflake:DATABASE.SCHEMA.TABLE`; unquoted names, as Snowflake folds them.

    Raises:
        TrackerUnreadable: no such table, no rows, or Snowflake did not answer.
    """
    table = location.removeprefix("snowflake:").strip("/")
    name = f"snowflake:{table}"
    if not _NAME.fullmatch(table):
        raise TrackerUnreadable(f"tracker {name}: write snowflake:TABLE or snowflake:DATABASE.SCHEMA.TABLE.")
    if settings is None:
        raise TrackerUnreadable(f"tracker {name}: no Snowflake is configured. Set the SNOWFLAKE_ settings.")
    try:
        with Warehouse(settings, query_tag) as warehouse:
            header, rows = warehouse.rows(query("tracker_table", TABLE=identifier(*table.upper().split("."))), f"the tracker {table}")
    except PacingError as error:
        raise TrackerUnreadable(f"tracker {name} cannot be read: {error}") from error
    return sheet_of(name, header, list(enumerate(sorted([cell_text(cell) for cell in row] for row in rows), start=2)))
