"""A tracker as it was read, before any of it is understood: text cells, their row numbers, and rows that cannot be read."""

import re
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import UTC, date, datetime, time
from decimal import Decimal
from typing import Any

import pandas as pd

from pacing_brain.errors import TrackerUnreadable

_MARGIN = " \t\r\n\v\f\u00a0\u2007\u202f\u3000\ufeff\u200b\u200e\u200f"  # blanks and marks that stick to copied cells
_QUOTED_FORMULA = re.compile(r'="(.*)"')  # how some exports keep a leading zero: ="00123"


@dataclass(frozen=True)
class CellFault:
    """A cell or row that cannot be read: `column` is the header as written, or None for the whole row."""

    row: int
    column: str | None
    value: str | None
    reason: str


@dataclass(frozen=True)
class SharedCell:
    """One cell over several rows whose value may be meant once: `column` is the header as written."""

    column: str
    rows: tuple[int, ...]


@dataclass(frozen=True)
class Sheet:
    """`cells`: every column as text (empty = ""), named by its header as written, indexed by the row number that people see."""

    name: str
    cells: pd.DataFrame
    faults: tuple[CellFault, ...] = ()
    shared: tuple[SharedCell, ...] = ()
    dates: str | None = None  # dmy or mdy: how dates of digits alone are written, where that was said


def sheet_of(name: str, header: Sequence[object], rows: Sequence[tuple[int, Sequence[object]]], faults: Sequence[CellFault] = (),
             shared: Sequence[SharedCell] = ()) -> Sheet:
    """A sheet from a header and numbered rows. Blank rows are left out, short ones filled, too long ones faulty.

    Raises:
        TrackerUnreadable: there is no header or no row.
    """
    names = [cell_text(cell) for cell in header]
    while names and not names[-1]:
        names.pop()
    if not any(names):
        raise TrackerUnreadable(f"tracker {name}: the header row is empty. Name the row that holds the headers with ?header_row=.")
    names = [text or f"column {place}" for place, text in enumerate(names, start=1)]
    texts = [(number, [cell_text(cell) for cell in row]) for number, row in rows]
    texts = [(number, row) for number, row in texts if any(row)]
    if not texts:
        raise TrackerUnreadable(f"tracker {name} has a header but no rows. Put the plan back, or point PACING_TRACKER at another file.")
    long = [CellFault(number, None, " | ".join(row[len(names):]), _TOO_LONG.format(len(row), len(names)))
            for number, row in texts if any(row[len(names):])]  # fmt: skip
    width = len(names)
    filled = [row[:width] + [""] * (width - len(row)) for _, row in texts]
    cells = pd.DataFrame(filled, columns=pd.Index(_distinct(names)), index=pd.Index([number for number, _ in texts]), dtype="str")
    return Sheet(name, cells, (*faults, *long), tuple(shared))


_TOO_LONG = "the row has {} cells, the header {}: put quotes around the value that holds the separator"


def cell_text(value: Any) -> str:
    """A cell as text. Numbers that are not whole have six decimals, so that no rule for separators can misread them."""
    if value is None:
        return ""
    if isinstance(value, str):
        text = value.strip(_MARGIN)
        quoted = _QUOTED_FORMULA.fullmatch(text) if text.startswith("=") else None
        return quoted[1] if quoted else text
    if isinstance(value, bool):
        return str(value).lower()
    if isinstance(value, int | float | Decimal):
        return _number_text(value)
    if isinstance(value, datetime):
        return _datetime_text(value)
    return value.isoformat() if isinstance(value, date | time) else str(value)


def _number_text(value: float | Decimal) -> str:
    exact = Decimal(str(value))
    if not exact.is_finite():
        return ""
    return f"{exact:.0f}" if exact == exact.to_integral_value() else f"{exact:.6f}"


def _datetime_text(value: datetime) -> str:
    if value.tzinfo is not None:
        value = value.astimezone(UTC)
        return value.isoformat()
    return value.date().isoformat() if value.time() == time() else value.isoformat()


def _distinct(names: list[str]) -> list[str]:
    """Two headers with one text stay two columns; `tracker_columns` refuses them by name if they mean something."""
    seen: dict[str, int] = {}
    distinct = []
    for name in names:
        seen[name] = seen.get(name, 0) + 1
        distinct.append(name if seen[name] == 1 else f"{name} ({seen[name]})")
    return distinct
