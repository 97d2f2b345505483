"""An Excel workbook: the values that Excel last computed, with the formulas it never did named as faults."""

import io
import re
import warnings
import zipfile
from collections.abc import Iterator
from typing import Any

import openpyxl
from openpyxl.utils import get_column_letter, range_boundaries
from openpyxl.utils.exceptions import InvalidFileException

from connectors.tracker_columns import meaning_of
from connectors.tracker_sheet import CellFault, SharedCell, Sheet, cell_text, sheet_of
from pacing_brain.errors import TrackerUnreadable

_MAX_UNPACKED = 1_000_000_000  # bytes: a small file that unpacks to more is no tracker
_EXACT_BELOW = 1e15
_EXCEL_ERROR = re.compile(r"#(REF!|N/A|VALUE!|NAME\?|DIV/0!|NULL!|NUM!)")
_FORMULA = re.compile(rb"<f[ >/]")
_MERGED = re.compile(rb"<(?:\w+:)?mergeCell\s[^>]*?ref=[\"']([A-Z]{1,3}[0-9]{1,7}:[A-Z]{1,3}[0-9]{1,7})[\"']")
_ONCE = ("budget", "target_to_date")  # one amount over several rows may be one for all of them, or one for each
Merged = list[tuple[int, int, int]]  # column (from 0), first and last row (from 1)


def read_xlsx(data: bytes, name: str, sheet: str | None = None, header_row: int = 1) -> Sheet:
    """One sheet of a workbook: the one named, else the first visible one.

    Raises:
        TrackerUnreadable: no workbook, no such sheet, no header or no rows.
    """
    try:
        with warnings.catch_warnings():  # openpyxl warns about drawings and validations that we do not read
            warnings.simplefilter("ignore")
            formulas = _has_formulas(data, name)
            merged: Merged = []
            values = list(_rows(data, name, sheet, computed=True, merged=merged))
            written = list(_rows(data, name, sheet, computed=False)) if formulas else []
    except (InvalidFileException, zipfile.BadZipFile, KeyError, ValueError, EOFError, SyntaxError) as error:
        raise TrackerUnreadable(f"tracker {name} is no readable .xlsx workbook. Open it in a spreadsheet and save it as .xlsx.") from error
    if len(values) < header_row:
        raise TrackerUnreadable(f"tracker {name} has no row {header_row} to take the headers from. Put the plan back, or mend ?header_row=.")
    header = values[header_row - 1]
    rows = list(enumerate(values[header_row:], start=header_row + 1))
    rows, shared = _filled_down(header, rows, merged)
    faults = [*_errors(header, rows), *_uncomputed(header, rows, written)]
    marked = {fault.row for fault in faults}
    # A row whose only content is an uncomputed formula must not pass for a blank one.
    rows = [(number, row if any(map(cell_text, row)) or number not in marked else ("?", *row[1:])) for number, row in rows]
    return sheet_of(name, header, rows, faults, shared)


def _filled_down(header: tuple[Any, ...], rows: list[tuple[int, tuple[Any, ...]]], merged: Merged) -> tuple[list[tuple[int, tuple[Any, ...]]], list[SharedCell]]:
    """Rows in which a merged cell says in each of its rows what its first one says; an amount is not filled down, for it may be meant once."""
    known = {number: list(row) for number, row in rows}
    shared = []
    for place, first, last in merged:
        inside = tuple(number for number in range(first, last + 1) if number in known and any(map(cell_text, known[number])))
        if first not in known or place >= len(known[first]) or not cell_text(known[first][place]) or len(inside) < 2:
            continue
        if meaning_of(_header(header, place)) in _ONCE:
            shared.append(SharedCell(_header(header, place), inside))
            continue
        for number in inside[1:]:
            row = known[number]
            row += [None] * (place + 1 - len(row))
            row[place] = known[first][place]
    return [(number, tuple(row)) for number, row in known.items()], shared


def _has_formulas(data: bytes, name: str) -> bool:
    with zipfile.ZipFile(io.BytesIO(data)) as archive:
        if sum(info.file_size for info in archive.infolist()) > _MAX_UNPACKED:
            raise TrackerUnreadable(f"tracker {name} unpacks to more than {_MAX_UNPACKED // 10**6} MB. Keep only the plan in the workbook.")
        sheets = [info for info in archive.infolist() if info.filename.startswith("xl/worksheets/")]
        return any(_FORMULA.search(archive.read(info)) for info in sheets)


def _rows(data: bytes, name: str, wanted: str | None, *, computed: bool, merged: Merged | None = None) -> Iterator[tuple[Any, ...]]:
    """The chosen sheet's rows; `merged` is given the cells of it that stand over several rows of one column."""
    book = openpyxl.load_workbook(io.BytesIO(data), read_only=True, data_only=computed)
    try:
        if wanted is not None and wanted not in book.sheetnames:
            raise TrackerUnreadable(f"tracker {name} has no sheet {wanted!r}; it has {', '.join(map(repr, book.sheetnames))}. Mend ?sheet=.")
        visible = [each for each in book.worksheets if each.sheet_state == "visible"] or book.worksheets
        chosen = book[wanted] if wanted is not None else visible[0]
        chosen.reset_dimensions()  # some writers record a wrong extent
        for row in chosen.iter_rows():
            yield tuple(_value(cell) for cell in row)
        if merged is not None:
            merged += _merged(data, chosen)
    finally:
        book.close()


def _merged(data: bytes, chosen: Any) -> Iterator[tuple[int, int, int]]:
    """A streaming reader does not say which cells are merged: the sheet's own text does. One that spans columns is a title, no value."""
    with zipfile.ZipFile(io.BytesIO(data)) as archive:
        text = archive.read(chosen._worksheet_path)  # noqa: SLF001  openpyxl has no other way to it
    for ref in _MERGED.findall(text):
        left, top, right, bottom = range_boundaries(ref.decode("ascii"))
        if left == right and bottom > top:
            yield left - 1, top, bottom


def _value(cell: Any) -> Any:
    """The cell's value; a number shown as a percentage becomes one (0.15 -> 15%), a float beyond 15 digits shows that it is rounded."""
    value = cell.value
    if isinstance(value, float) and abs(value) >= _EXACT_BELOW:
        return f"{value:.14E}"
    if isinstance(value, int | float) and not isinstance(value, bool) and "%" in (cell.number_format or ""):
        return f"{round(value * 100, 9):g}%"
    return value


def _errors(header: tuple[Any, ...], rows: list[tuple[int, tuple[Any, ...]]]) -> Iterator[CellFault]:
    for number, row in rows:
        for place, value in enumerate(row):
            if isinstance(value, str) and value.startswith("#") and _EXCEL_ERROR.fullmatch(value):
                yield CellFault(number, _header(header, place), value, "the formula gives an error in the spreadsheet: mend it there")


def _uncomputed(header: tuple[Any, ...], rows: list[tuple[int, tuple[Any, ...]]], written: list[tuple[Any, ...]]) -> Iterator[CellFault]:
    for number, row in rows:
        for place, formula in enumerate(written[number - 1] if number <= len(written) else ()):
            text = getattr(formula, "text", formula)  # an array formula is an object
            if isinstance(text, str) and text.startswith("=") and (place >= len(row) or row[place] is None):
                yield CellFault(number, _header(header, place), text, "the formula has no computed value in the file: open it in a "
                                "spreadsheet and save it, or put the value in place of the formula")  # fmt: skip


def _header(header: tuple[Any, ...], place: int) -> str:
    return (cell_text(header[place]) if place < len(header) else "") or get_column_letter(place + 1)
