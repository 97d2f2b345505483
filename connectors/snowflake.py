"""Snowflake, through the real connector: one short session per run, bounded in time and attempts, errors as ours."""

from collections.abc import Callable, Sequence
from types import TracebackType
from typing import Any, Self, TypeVar

import pandas as pd
import snowflake.connector
from snowflake.connector import errors as sf
from tenacity import Retrying, retry_if_exception, stop_after_attempt, wait_exponential

from connectors.arrow import EMPTY_INSTANT, frame_of
from connectors.queries import query
from connectors.snowflake_errors import NOT_WORTH_REPEATING, login_error, query_error
from connectors.snowflake_settings import SnowflakeSettings
from pacing_brain.errors import SpendRefused, SpendUnavailable

Catalog = dict[tuple[str, str], dict[str, str]]
"""(schema, table) -> column -> type, as Snowflake spells them; tables of the session's own schema come first."""

_T = TypeVar("_T")
_EMPTY_INSTANT = EMPTY_INSTANT.tz_localize(None).to_pydatetime()
_KINDS = {0: "NUMBER", 1: "FLOAT", 2: "TEXT"}  # the connector's type codes


class Warehouse:
    """A session. Open and close it within one run: its master token lives four hours.

    Raises (from `with` and from every method):
        SpendUnavailable: no answer, after `settings.attempts` attempts.
        SpendRefused: the login or a privilege was refused.
        SpendShapeError: a table or column is not there.
    """

    def __init__(self, settings: SnowflakeSettings, query_tag: str) -> None:
        self._settings = settings
        self._query_tag = query_tag
        self._connection: Any = None

    def __enter__(self) -> Self:
        self._patiently(self._open)
        return self

    def __exit__(self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None) -> None:
        self._close()

    def catalog(self) -> Catalog:
        """Every table that the role may see in the database."""
        listed = self.frame(query("columns"), (), "the list of columns")
        own = listed["table_schema"].eq(listed["own_schema"])
        tables: Catalog = {}
        for row in pd.concat([listed[own], listed[~own]]).itertuples(index=False):
            tables.setdefault((row.table_schema, row.table_name), {})[row.column_name] = row.data_type
        return tables

    def describe(self, sql: str, what: str) -> dict[str, str]:
        """Column -> type (NUMBER, FLOAT, TEXT or another) of a query."""
        return self._ask(sql, (), what, lambda cursor: {c.name: _KINDS.get(c.type_code, str(c.type_code)) for c in cursor.description})

    def frame(self, sql: str, binds: Sequence[object], what: str) -> pd.DataFrame:
        """The rows of a query with lower-case column names; integers exact, instants in UTC."""
        table = self._ask(sql, binds, what, lambda cursor: cursor.fetch_arrow_all(force_return_table=True))
        return frame_of(table, what)

    def rows(self, sql: str, what: str) -> tuple[list[str], list[tuple[Any, ...]]]:
        """Column names and rows as Python values, decimals exact: for tables that people keep."""
        header, rows = self._ask(sql, (), what, lambda cursor: ([c.name for c in cursor.description], cursor.fetchall()))
        return header, [tuple(None if value == _EMPTY_INSTANT else value for value in row) for row in rows]

    def _ask(self, sql: str, binds: Sequence[object], what: str, fetch: Callable[[Any], _T]) -> _T:
        def once() -> _T:
            if self._connection is None:
                self._open()
            try:
                with self._connection.cursor() as cursor:
                    cursor.execute(sql, tuple(binds) or None)
                    return fetch(cursor)
            except sf.Error as error:
                translated = query_error(error, self._settings, what)
                if isinstance(translated, SpendUnavailable):
                    self._close()  # a fresh session for the next attempt
                    translated.__cause__ = error
                raise translated from error

        return self._patiently(once)

    def _patiently(self, attempt: Callable[[], _T]) -> _T:
        settings = self._settings
        retrying = Retrying(stop=stop_after_attempt(settings.attempts), retry=retry_if_exception(_worth_repeating), reraise=True,
                            wait=wait_exponential(multiplier=settings.first_wait_s, max=8))  # fmt: skip
        return retrying(attempt)

    def _open(self) -> None:
        settings = self._settings
        key = settings.private_key_file
        if key is not None and not key.is_file():
            raise SpendRefused(f"SNOWFLAKE_PRIVATE_KEY_FILE {key} cannot be read. Check the path and its permissions.")
        try:
            self._connection = snowflake.connector.connect(**settings.connect_arguments(self._query_tag))
        except (sf.Error, OSError, TypeError, ValueError) as error:  # the last two: an unreadable key or a wrong passphrase
            raise login_error(error, settings) from error

    def _close(self) -> None:
        connection, self._connection = self._connection, None
        if connection is not None:
            try:
                connection.close()
            except (sf.Error, OSError):
                return  # the server is gone, and the session with it


def _worth_repeating(error: BaseException) -> bool:
    return isinstance(error, SpendUnavailable) and getattr(error.__cause__, "errno", None) not in NOT_WORTH_REPEATING
