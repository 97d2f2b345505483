"""From text cells to the values of a plan. Each reader takes a column and gives its values and, beside them, why one cannot be used."""

import re
from functools import cache
from zoneinfo import available_timezones

import pandas as pd

from connectors.iso4217 import CURRENCIES
from connectors.tracker_columns import folded
from connectors.tracker_money import read_money

Read = tuple[pd.Series, pd.Series]

PLATFORMS: dict[str, tuple[str, ...]] = {
    "google": ("google ads", "adwords", "google adwords", "gads"),
    "meta": ("meta ads", "facebook", "facebook ads", "fb", "instagram", "facebook instagram"),
    "dv360": ("dv 360", "display & video 360", "display and video 360", "google dv360", "google display & video 360", "dbm"),
    "linkedin": ("linkedin ads",), "tiktok": ("tiktok ads",), "pinterest": ("pinterest ads",), "reddit": ("reddit ads",),
    "snapchat": ("snapchat ads", "snap"), "microsoft": ("microsoft ads", "microsoft advertising", "bing", "bing ads"),
    "x": ("twitter", "twitter ads", "x ads"), "amazon": ("amazon ads",), "thetradedesk": ("the trade desk", "ttd"),
}  # fmt: skip
_PLATFORM = {folded(text): name for name, others in PLATFORMS.items() for text in (name, *others)}
_CURVE = re.compile(r"(even|ahead|asap|custom)|(front|back)\s*:\s*(\d{1,3}(?:\.\d+)?)\s*%?", re.IGNORECASE)
EMPTY = "is empty: fill it in"


def read_each(texts: pd.Series, read: dict[str, str | None], reason: str) -> Read:
    """Values by a table: text -> value, None where the text has none (that is `reason`)."""
    values = texts.map(read)
    return values.astype("str"), pd.Series(reason, index=texts.index[values.isna() & texts.ne("")], dtype=object)


def read_platforms(texts: pd.Series) -> Read:
    table = {text: _PLATFORM.get(folded(text)) for text in texts.unique()}
    return read_each(texts, table, f"is no platform that is known here: write one of {', '.join(PLATFORMS)}")


def read_currencies(texts: pd.Series) -> Read:
    table = {text: text.upper() if text.upper() in CURRENCIES else None for text in texts.unique()}
    return read_each(texts, table, "is no ISO 4217 currency: write for instance USD or EUR")


def read_zones(texts: pd.Series) -> Read:
    table = {text: _zones().get(text.casefold()) for text in texts.unique()}
    return read_each(texts, table, "is no IANA time zone: write for instance Europe/Berlin")


@cache
def _zones() -> dict[str, str]:
    return {zone.casefold(): zone for zone in available_timezones()}


def read_ids(texts: pd.Series) -> Read:
    """Ids stay text. One that a spreadsheet rounded is refused: it would name another campaign, or none.

    A spreadsheet keeps 15 digits of a number and fills the rest with zeros. Of 16 digits the last one alone is such a zero, and one id in ten
    ends so by nature: they are refused only when every 16-digit id of the column ends so. An id that truly ends in zeros can be
    written with an apostrophe before it, as for a spreadsheet.
    """
    marked = texts.str.startswith("'")
    digits = texts.str.fullmatch(r"[0-9]{16,}") & ~marked
    rounded = digits & texts.str[15:].str.fullmatch("0+")
    of_16 = digits & texts.str.len().eq(16)
    if (of_16 & ~rounded).any():
        rounded &= ~of_16
    exponent = texts.str.fullmatch(r"[0-9][0-9.,]*[eE]\+?[0-9]+") & ~marked
    fraction = texts.str.fullmatch(r"[0-9]+\.[0-9]{6}")
    reason = "was rounded by a spreadsheet: format the column as text and enter the id again (one that truly ends so: with ' before it)"
    values = texts.str.replace(r"^'", "", regex=True)
    return values.where(values.ne("")), pd.Series(reason, index=texts.index[rounded | exponent | fraction], dtype=object)


def read_curves(texts: pd.Series) -> tuple[pd.Series, pd.Series, pd.Series]:
    """Curve, its percentage (null unless front or back), and why one cannot be used. Empty is even."""
    read = {text: _CURVE.fullmatch(text or "even") for text in texts.unique()}
    curves = texts.map({text: (found[1] or found[2]).casefold() if found else "even" for text, found in read.items()})
    shares = texts.map({text: float(found[3]) if found and found[3] else None for text, found in read.items()}).astype("float64")
    wrong = texts.map({text: found is None for text, found in read.items()}).astype(bool) | (shares > 100)
    reason = "is no curve: write even, ahead, asap, custom, front:60 or back:60"
    return curves.astype("str"), shares, pd.Series(reason, index=texts.index[wrong], dtype=object)


def read_percents(texts: pd.Series) -> Read:
    """Percent as millionths of a percent (`Int64`): `15`, `15%`, `7.5 %`. A bare 0.15 may be a share or a percentage: an error."""
    with_sign = texts.str.endswith("%")
    amounts, reasons = read_money(texts.str.removesuffix("%").str.strip())
    share = amounts.gt(0).fillna(value=False) & amounts.lt(1_000_000).fillna(value=False) & ~with_sign
    beyond = amounts.lt(0).fillna(value=False) | amounts.ge(100_000_000).fillna(value=False)
    reasons = reasons.mask(share, "may be a share or a percentage: write 15% or 0.15%")
    return amounts, reasons.mask(beyond, "is not between 0 and 100 percent: mend it")
