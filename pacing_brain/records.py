"""Rows of a frame as mappings; a column is converted when it is first read, so that a sentence about two columns costs two."""

from collections.abc import Iterator, Mapping
from typing import Any, TypeAlias

import numpy as np
import numpy.typing as npt
import pandas as pd

Row = Mapping[str, Any]
Table: TypeAlias = pd.DataFrame | Mapping[str, Any]  # or columns (arrays, Series) by name


def records(table: pd.DataFrame, where: npt.NDArray[np.intp] | None = None, *beside: Table) -> list[Row]:
    """One mapping per row (of those at the positions `where`); whole numbers are int, days and instants Timestamps, every missing value None.

    beside: tables with the same rows and other columns.
    """
    columns = _Columns((table, *beside), where)
    return [_Record(columns, at) for at in range(len(table) if where is None else len(where))]


class _Columns(dict[str, list[Any]]):
    """The values of every column that was read."""

    def __init__(self, tables: tuple[Table, ...], where: npt.NDArray[np.intp] | None) -> None:
        super().__init__()
        self._tables, self._where = tables, where

    @property
    def names(self) -> list[str]:
        return [str(name) for table in self._tables for name in table]

    def __missing__(self, name: str) -> list[Any]:
        column = next((one for one in self._tables if name in one), self._tables[0])[name]
        values = column.array if isinstance(column, pd.Series) else column
        values = values if self._where is None else values.take(self._where)
        plain = np.array(values, dtype=object)
        plain[pd.isna(values)] = None
        listed: list[Any] = plain.tolist()
        self[name] = listed
        return listed


class _Record(Mapping[str, Any]):
    __slots__ = ("_at", "_columns")

    def __init__(self, columns: _Columns, at: int) -> None:
        self._columns, self._at = columns, at

    def __getitem__(self, name: str) -> Any:
        return self._columns[name][self._at]

    def get(self, name: str, default: Any = None) -> Any:
        try:
            return self._columns[name][self._at]
        except KeyError:
            return default

    def __iter__(self) -> Iterator[str]:
        return iter(self._columns.names)

    def __len__(self) -> int:
        return len(self._columns.names)
