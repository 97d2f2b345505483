"""A CSV as people have it: UTF-8, UTF-16 or Windows-1252, separated by commas, semicolons, tabs or bars."""

import codecs
import csv
import io

from connectors.tracker_sheet import Sheet, sheet_of
from pacing_brain.errors import TrackerUnreadable

_MARKS = ((codecs.BOM_UTF8, "utf-8-sig"), (codecs.BOM_UTF16_LE, "utf-16"), (codecs.BOM_UTF16_BE, "utf-16"))
_DELIMITERS = ",;\t|"


def read_csv(data: bytes, name: str, header_row: int = 1) -> Sheet:
    """The sheet of a CSV file. Rows are counted as a spreadsheet counts them: the header is row 1, a quoted line break is no new row.

    Raises:
        TrackerUnreadable: no text, no header, no rows, or a quote that is never closed.
    """
    text = _text(data, name)
    if text[:4].casefold() == "sep=":  # Excel's own hint
        delimiter, text, shift = text[4], text.partition("\n")[2], 1
    else:
        delimiter, shift = _delimiter(text, header_row), 0
    try:
        rows = list(csv.reader(io.StringIO(text, newline=""), delimiter=delimiter, strict=True))
    except csv.Error as error:
        raise TrackerUnreadable(f"tracker {name} is no readable CSV: {error}. Look for a quote that is opened and never closed.") from error
    at = header_row - 1 - shift
    if not 0 <= at < len(rows):
        raise TrackerUnreadable(f"tracker {name} has no row {header_row} to take the headers from. Put the plan back, or mend ?header_row=.")
    return sheet_of(name, rows[at], list(enumerate(rows[at + 1 :], start=header_row + 1)))


def _text(data: bytes, name: str) -> str:
    if not data.strip(b"\0 \r\n\t\xff\xfe\xef\xbb\xbf"):
        raise TrackerUnreadable(f"tracker {name} is empty. Put the plan back, or point PACING_TRACKER at another file.")
    for encoding in _encodings(data):
        try:
            return data.decode(encoding).lstrip("\ufeff")
        except UnicodeDecodeError:
            continue
    raise TrackerUnreadable(f"tracker {name} is no text in UTF-8, UTF-16 or Windows-1252. Save it as CSV UTF-8.")


def _encodings(data: bytes) -> tuple[str, ...]:
    """By byte order mark; without one UTF-16 shows by its zero bytes, and what is not UTF-8 is Windows-1252."""
    for mark, encoding in _MARKS:
        if data.startswith(mark):
            return (encoding,)
    head = data[:2000]
    if b"\0" in head:
        return ("utf-16-le",) if head[1::2].count(0) > head[::2].count(0) else ("utf-16-be",)
    return "utf-8", "cp1252"


def _delimiter(text: str, header_row: int) -> str:
    """The separator that the header line uses most, outside of quotes."""
    line = next((line for number, line in enumerate(text.splitlines(), start=1) if number == header_row), "")
    bare = "".join(line.split('"')[::2])
    return max(_DELIMITERS, key=lambda delimiter: (bare.count(delimiter), -_DELIMITERS.index(delimiter)))
