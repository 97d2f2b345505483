"""Spend and loads from a CSV file, for the embedded warehouse: every column at fault is named, with the first row that shows it. Pure."""

import io
from collections.abc import Callable, Iterator
from typing import Any

import pandas as pd

from flows.local_warehouse import ACCOUNT_LOADS, CAMPAIGN_SPEND
from pacing_brain.errors import DataError

REQUIRED = ("PLATFORM", "ACCOUNT_ID", "CAMPAIGN_ID", "CAMPAIGN_NAME", "CURRENCY", "DAY", "SPEND", "LOADED_AT")
NEVER_EMPTY = ("PLATFORM", "ACCOUNT_ID", "CURRENCY", "DAY", "LOADED_AT")
SEPARATOR_NAMES = {";": "semicolons", "\t": "tabs", "|": "bars"}
DECIMAL = r"[+-]?\d{1,12}(\.\d{1,6}0*)?"  # of micros, whole ones
MADE_OF = {"DATE": "a day as YYYY-MM-DD", "TIMESTAMP_NTZ": "an instant as 2026-11-05T08:00:00Z", "NUMBER(38,6)": "an amount with at most 6 decimals",
           "NUMBER(38,0)": "a whole number", "FLOAT": "a number"}


def spend_of(data: bytes, name: str) -> pd.DataFrame:
    """The frame that `EmbeddedWarehouse.load` takes, from a CSV with the columns of CAMPAIGN_SPEND.

    Raises:
        DataError: no CSV, or columns that are missing, unknown or hold what they cannot; each is named.
    """
    frame = _read(data, name, CAMPAIGN_SPEND, REQUIRED, NEVER_EMPTY)
    return frame.rename(columns={"spend": "spend_micros"})


def remarks(spend: pd.DataFrame) -> list[str]:
    """What can be loaded and is probably not meant: a campaign's day that stands more than once, and spend below zero."""
    key = spend["campaign_id"].where(spend["campaign_id"].notna(), spend["campaign_name"])
    repeated = spend.assign(campaign_id=key).duplicated(["platform", "account_id", "campaign_id", "day"])
    negative = spend["spend_micros"].lt(0).fillna(value=False)
    said = ((repeated, "rows that repeat a day of a campaign (a run sets them aside, and the campaign goes to a person)"),
            (negative, "rows with spend below zero (right for a correction, else look at the export)"))
    return [f"{what}: {int(rows.sum())}, the first in row {rows.idxmax() + 2}" for rows, what in said if rows.any()]


def loads_of(data: bytes, name: str) -> pd.DataFrame:
    """account_id and loaded_at, from a CSV with the columns of ACCOUNT_LOADS.

    Raises:
        DataError: as `spend_of`.
    """
    return _read(data, name, ACCOUNT_LOADS, tuple(ACCOUNT_LOADS), tuple(ACCOUNT_LOADS))


def _read(data: bytes, name: str, columns: dict[str, str], required: tuple[str, ...], never_empty: tuple[str, ...]) -> pd.DataFrame:
    try:
        text = pd.read_csv(io.BytesIO(data), dtype="str", keep_default_na=False, encoding="utf-8-sig")
    except (ValueError, pd.errors.ParserError, pd.errors.EmptyDataError) as error:
        raise DataError(f"{name} is no readable CSV in UTF-8: {str(error).splitlines()[0]}") from error
    if not isinstance(text.index, pd.RangeIndex):  # pandas takes what is too much for row names
        raise DataError(f"{name} cannot be loaded: its rows have more fields than its header. Look for a separator at the end of each line.")
    if len(text.columns) == 1 and (other := next((mark for mark in ";\t|" if mark in str(text.columns[0])), None)):
        raise DataError(f"{name} cannot be loaded: its columns are separated by {SEPARATOR_NAMES[other]}. Save it as a CSV with commas.")
    text.columns = pd.Index([str(column).strip().upper().replace(" ", "_") for column in text.columns])
    faults = [f"column {column} is missing" for column in required if column not in text.columns]
    faults += [f"column {column} is not known" for column in text.columns if column not in columns]
    faults += [f"column {column} stands twice" for column in text.columns[text.columns.duplicated()].unique()]
    read = {}
    for column in (column for column in columns if column in text.columns and not isinstance(text[column], pd.DataFrame)):
        values = text[column].fillna("").str.strip()
        read[column.lower()] = READERS[columns[column]](values)
        faults += _value_faults(column, columns[column], values, read[column.lower()], required=column in never_empty)
    if faults:
        raise DataError(f"{name} cannot be loaded: {'; '.join(faults)}. Nothing was changed.")
    return pd.DataFrame(read, index=text.index)


def _value_faults(column: str, kind: str, values: pd.Series, read: Any, *, required: bool) -> Iterator[str]:
    """At most two sentences: values that are not of the column's kind, and empty ones where none may be."""
    bad = values[values.ne("") & read.isna()]
    if len(bad):
        are = "1 value is" if len(bad) == 1 else f"{len(bad)} values are"
        yield f"column {column} must be {MADE_OF.get(kind, 'text')}, which {are} not (row {bad.index[0] + 2}: {bad.iloc[0][:60]!r})"
    empty = values[values.eq("")]
    if required and len(empty):
        yield f"column {column} is empty in {len(empty)} {'row' if len(empty) == 1 else 'rows'} (row {empty.index[0] + 2})"


def _text(values: pd.Series) -> Any:
    return values.where(values.ne(""), None).astype("str")


def _day(values: pd.Series) -> Any:
    return pd.to_datetime(values.where(values.str.fullmatch(r"\d{4}-\d{2}-\d{2}"), None), format="%Y-%m-%d", errors="coerce")


def _instant(values: pd.Series) -> Any:
    """Without a zone: UTC, as the warehouse's own timestamps are."""
    return pd.to_datetime(values.where(values.ne(""), None), format="ISO8601", errors="coerce", utc=True)


def _whole(values: pd.Series) -> Any:
    return pd.to_numeric(values.where(values.str.fullmatch(r"[+-]?\d{1,18}"), None), errors="coerce").astype("Int64")


def _ratio(values: pd.Series) -> Any:
    return pd.to_numeric(values.where(values.ne(""), None), errors="coerce").astype("float64")


def _micros(values: pd.Series) -> Any:
    """Exact: the digits are moved, nothing is multiplied."""
    known = values.where(values.str.fullmatch(DECIMAL), None)
    parts = known.str.extract(r"^([^.]*)\.?(.*)$")
    digits = parts[0] + parts[1].str.slice(0, 6).str.pad(6, side="right", fillchar="0")
    return pd.Series([None if pd.isna(text) else int(text) for text in digits], index=values.index, dtype="Int64")


READERS: dict[str, Callable[[pd.Series], Any]] = {
    "TEXT": _text, "DATE": _day, "TIMESTAMP_NTZ": _instant, "NUMBER(38,0)": _whole, "FLOAT": _ratio, "NUMBER(38,6)": _micros}
