"""An Excel workbook: the values that Excel last computed, with the formulas it never did named as faults."""

import io
import re
import warnings
import zipfile
from collections.abc import Iterator
from typing import Any

import openpyxl
from openpyxl.utils import get_column_letter
from openpyxl.utils.exceptions import InvalidFileException

from connectors.tracker_sheet import CellFault, Sheet, cell_text, sheet_of
from pacing_brain.errors import TrackerUnreadable

_MAX_UNPACKED = 1_000_000_000  # bytes: a small file that unpacks to more is no tracker
_EXACT_BELOW = 1e15
_EXCEL_ERROR = re.compile(r"#(REF!|N/A|VALUE!|NAME\?|DIV/0!|NULL!|NUM!)")
_FORMULA = re.compile(rb"<f[ >/]")


def read_xlsx(data: bytes, name: str, sheet: str | None = None, header_row: int = 1) -> Sheet:
    """One sheet of a workbook: the one named, else the first visible one.

    Raises:
        TrackerUnreadable: no workbook, no such sheet, no header or no rows.
    """
    try:
        with warnings.catch_warnings():  # openpyxl warns about drawings and validations that we do not read
            warnings.simplefilter("ignore")
            formulas = _has_formulas(data, name)
            values = list(_rows(data, name, sheet, computed=True))
            written = list(_rows(data, name, sheet, computed=False)) if formulas else []
    except (InvalidFileException, zipfile.BadZipFile, KeyError, ValueError, EOFError, SyntaxError) as error:
        raise TrackerUnreadable(f"tracker {name} is no readable .xlsx workbook. Open it in a spreadsheet and save it as .xlsx.") from error
    if len(values) < header_row:
        raise TrackerUnreadable(f"tracker {name} has no row {header_row} to take the headers from. Put the plan back, or mend ?header_row=.")
    header = values[header_row - 1]
    rows = list(enumerate(values[header_row:], start=header_row + 1))
    faults = [*_errors(header, rows), *_uncomputed(header, rows, written)]
    marked = {fault.row for fault in faults}
    # A row whose only content is an uncomputed formula must not pass for a blank one.
    rows = [(number, row if any(map(cell_text, row)) or number not in marked else ("?", *row[1:])) for number, row in rows]
    return sheet_of(name, header, rows, faults)


def _has_formulas(data: bytes, name: str) -> bool:
    with zipfile.ZipFile(io.BytesIO(data)) as archive:
        if sum(info.file_size for info in archive.infolist()) > _MAX_UNPACKED:
            raise TrackerUnreadable(f"tracker {name} unpacks to more than {_MAX_UNPACKED // 10**6} MB. Keep only the plan in the workbook.")
        sheets = [info for info in archive.infolist() if info.filename.startswith("xl/worksheets/")]
        return any(_FORMULA.search(archive.read(info)) for info in sheets)


def _rows(data: bytes, name: str, wanted: str | None, *, computed: bool) -> Iterator[tuple[Any, ...]]:
    book = openpyxl.load_workbook(io.BytesIO(data), read_only=True, data_only=computed)
    try:
        if wanted is not None and wanted not in book.sheetnames:
            raise TrackerUnreadable(f"tracker {name} has no sheet {wanted!r}; it has {', '.join(map(repr, book.sheetnames))}. Mend ?sheet=.")
        visible = [each for each in book.worksheets if each.sheet_state == "visible"] or book.worksheets
        chosen = book[wanted] if wanted is not None else visible[0]
        chosen.reset_dimensions()  # some writers record a wrong extent
        for row in chosen.iter_rows():
            yield tuple(_value(cell) for cell in row)
    finally:
        book.close()


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
