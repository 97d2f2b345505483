"""Where a tracker is: a file, an https address, a Postgres table or query, a Snowflake table. Each reader gives a Sheet."""

from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING
from urllib.parse import parse_qs, urlsplit

from connectors.snowflake_settings import SnowflakeSettings
from connectors.tracker_csv import read_csv
from connectors.tracker_sheet import Sheet
from pacing_brain.errors import TrackerUnreadable

if TYPE_CHECKING:
    import httpx

MAX_BYTES = 50_000_000
_POSTGRES = ("postgresql:", "postgres:", "postgresql+psycopg:")
_ZIP, _OLE = b"PK\x03\x04", b"\xd0\xcf\x11\xe0"


def read_sheet(location: str, *, http: "httpx.Client | None", snowflake: SnowflakeSettings | None, query_tag: str) -> Sheet:
    """The sheet at a location, by its scheme.

    Raises:
        TrackerUnreadable: it cannot be read; the message names the place without secrets and the next step.
    """
    if location.startswith((*_POSTGRES, "snowflake:")):
        from connectors.tracker_tables import read_postgres, read_snowflake  # noqa: PLC0415  Snowflake's connector takes a second to load

        return read_postgres(location) if location.startswith(_POSTGRES) else read_snowflake(location, snowflake, query_tag)
    if location.startswith("https://"):
        from connectors.tracker_web import fetch  # noqa: PLC0415  most trackers are files

        data, name = fetch(location, http)
        return sheet_of_bytes(data, name, urlsplit(location).query)
    if "://" in location:
        raise TrackerUnreadable(f"tracker: {location.partition(':')[0]}:// is not read. Use a path, https://, postgresql:// or snowflake:TABLE.")
    return _read_path(location)


def is_path(location: str) -> bool:
    """Whether it is a file of this machine."""
    return "://" not in location and not location.startswith((*_POSTGRES, "snowflake:"))


def _read_path(location: str) -> Sheet:
    """`plan.xlsx?sheet=Q4&header_row=3&dates=dmy`; a file whose own name holds a question mark wins."""
    path, _, options = (location, "", "") if Path(location).is_file() else location.rpartition("?") if "?" in location else (location, "", "")
    try:
        size = Path(path).stat().st_size
        data = Path(path).read_bytes() if size <= MAX_BYTES else b""
    except (OSError, ValueError) as error:
        why = getattr(error, "strerror", None) or "no such path"
        raise TrackerUnreadable(f"tracker {path} cannot be read: {why}. Check PACING_TRACKER.") from error
    name = Path(path).name
    if size > MAX_BYTES:
        raise TrackerUnreadable(f"tracker {name} is larger than {MAX_BYTES // 10**6} MB. Keep only the plan in it.")
    return sheet_of_bytes(data, name, options)


def sheet_of_bytes(data: bytes, name: str, options: str = "") -> Sheet:
    """A CSV or a workbook, by its content: what a name or a server says about a file is often wrong."""
    given = parse_qs(options)
    sheet, header_row = given.get("sheet", [None])[0], _header_row(given.get("header_row", ["1"])[0], name)
    dates = _dates(given.get("dates", [None])[0], name)
    if data.startswith(_ZIP):
        from connectors.tracker_xlsx import read_xlsx  # noqa: PLC0415  so does the reader of workbooks

        return replace(read_xlsx(data, name, sheet, header_row), dates=dates)
    if data.startswith(_OLE):
        raise TrackerUnreadable(f"tracker {name} is an old .xls or a workbook with a password. Save it as .xlsx without a password.")
    start = data[:500].lstrip(b"\xef\xbb\xbf \r\n\t").lower()
    if start.startswith((b"<!doctype", b"<html", b"<?xml", b"{", b"%pdf")):
        raise TrackerUnreadable(f"tracker {name} is a web page or another document, not a table. Publish the sheet as CSV or .xlsx and use "
                                "that address (in Google Sheets: File, Share, Publish to web).")  # fmt: skip
    return replace(read_csv(data, name, header_row), dates=dates)


def _dates(text: str | None, name: str) -> str | None:
    if text not in (None, "dmy", "mdy"):
        raise TrackerUnreadable(f"tracker {name}: ?dates={text[:20]} must be dmy (day first) or mdy (month first).")
    return text


def _header_row(text: str, name: str) -> int:
    if not text.isdecimal() or not 1 <= int(text) <= 1000:
        raise TrackerUnreadable(f"tracker {name}: ?header_row={text[:20]} must be a number from 1 to 1000.")
    return int(text)
