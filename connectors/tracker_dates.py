"""Dates and instants as people write them. ISO 8601 first; a date that can be read in two ways is an error, not a guess."""

import re
from datetime import date

import pandas as pd

_MONTHS = {name: number for number, names in enumerate(
    ("jan january", "feb february", "mar march", "apr april", "may", "jun june", "jul july", "aug august", "sep sept september",
     "oct october", "nov november", "dec december"), start=1) for name in names.split()}  # fmt: skip
_ISO = re.compile(r"(\d{4})[-/.](\d{1,2})[-/.](\d{1,2})(?:[T ]\d{1,2}:\d{2}.*)?")
_COMPACT = re.compile(r"(20\d{2})(\d{2})(\d{2})")
_NUMERIC = re.compile(r"(\d{1,2})([-/. ])(\d{1,2})\2(\d{4})(?:[T ]\d{1,2}:\d{2}.*)?")
_DAY_FIRST = re.compile(r"(?:[a-z]+,? )?(\d{1,2})(?:st|nd|rd|th)?[-/. ]+([a-z]+)\.?,?[-/. ]+(\d{4}|\d{2})", re.IGNORECASE)
_MONTH_FIRST = re.compile(r"(?:[a-z]+, )?([a-z]+)\.?[- ](\d{1,2})(?:st|nd|rd|th)?,?[- ]+(\d{4})", re.IGNORECASE)
_YEARS = range(2000, 2101)
_NO_DATE = "is not a date: write it as YYYY-MM-DD"
_NOT_DATES = (
    (re.compile(r"\d{1,2}[-/.]\d{1,2}[-/.]\d{2}"), "can be read in several ways (a year of two digits): write it as YYYY-MM-DD"),
    (re.compile(r"[34]\d{4}(\.\d+)?"), "is a spreadsheet's day number: format the cell as a date, or write YYYY-MM-DD"),
)


def read_days(texts: pd.Series, order: str | None = None) -> tuple[pd.Series, pd.Series]:
    """Days (`datetime64[us]`, null where empty or unreadable) and why one cannot be read (null where it can).

    order: dmy or mdy, where the plan's keeper has said how its dates are written.
    """
    iso = texts.where(texts.str.fullmatch(r"20\d{2}-\d{2}-\d{2}").fillna(False))
    days = pd.to_datetime(iso, format="%Y-%m-%d", errors="coerce").astype("datetime64[us]")
    odd = texts[days.isna() & texts.ne("")]
    reasons = pd.Series(None, index=texts.index, dtype=object)
    read = {text: read_day(text, order) for text in odd.unique()}
    good = odd[[isinstance(read[text], date) for text in odd]]
    days[good.index] = pd.array([read[text] for text in good], dtype="datetime64[us]") if len(good) else []
    bad = odd.drop(good.index)
    reasons[bad.index] = [read[text] for text in bad]
    return days, reasons


def read_day(text: str, order: str | None = None) -> date | str:
    """The day, or why the text is none."""
    if match := _ISO.fullmatch(text) or _COMPACT.fullmatch(text):
        return _day(*map(int, match.groups()[:3]))
    if match := _NUMERIC.fullmatch(text):
        return _numeric(int(match[1]), int(match[3]), int(match[4]), order)
    if (match := _DAY_FIRST.fullmatch(text)) and match[2].casefold() in _MONTHS:
        year = int(match[3]) if len(match[3]) == 4 else 2000 + int(match[3])
        return _day(year, _MONTHS[match[2].casefold()], int(match[1]))
    if (match := _MONTH_FIRST.fullmatch(text)) and match[1].casefold() in _MONTHS:
        return _day(int(match[3]), _MONTHS[match[1].casefold()], int(match[2]))
    return next((reason for pattern, reason in _NOT_DATES if pattern.fullmatch(text)), _NO_DATE)


def _numeric(first: int, second: int, year: int, order: str | None) -> date | str:
    """`13/04/2026` and `04/13/2026` have one reading, `03/04/2026` two, `04/04/2026` one again."""
    if first > 12 or first == second or order == "dmy":
        return _day(year, second, first)
    if second > 12 or order == "mdy":
        return _day(year, first, second)
    one, other = _day(year, second, first), _day(year, first, second)
    return f"can mean {one} or {other}: write it as YYYY-MM-DD, or put ?dates=dmy (or mdy) behind the name in PACING_TRACKER"


def _day(year: int, month: int, day: int) -> date | str:
    if year not in _YEARS:
        return f"has the year {year}: write it as YYYY-MM-DD"
    try:
        return date(year, month, day)
    except ValueError:
        return "is no day of the calendar: write it as YYYY-MM-DD"


def read_instants(texts: pd.Series, order: str | None = None) -> tuple[pd.Series, pd.Series]:
    """Instants in UTC and why one cannot be read. A zone-less one is UTC, a date alone is its 00:00."""
    if texts.eq("").all():
        return pd.Series(pd.NaT, index=texts.index, dtype="datetime64[us, UTC]"), pd.Series(None, index=texts.index, dtype=object)
    instants = pd.to_datetime(texts.where(texts.ne("")), format="ISO8601", utc=True, errors="coerce").astype("datetime64[us, UTC]")
    odd = texts.where(instants.isna(), "")
    days, reasons = read_days(odd, order)
    return instants.fillna(days.dt.tz_localize("UTC")), reasons
