"""Dates have one reading or none."""

import datetime as dt

import pandas as pd
from hypothesis import given, settings
from hypothesis import strategies as st

from connectors.tracker_dates import read_day, read_days, read_instants

unhurried = settings(deadline=None, max_examples=60)  # a busy machine is no fault
days = st.dates(min_value=dt.date(2000, 1, 1), max_value=dt.date(2099, 12, 31))


@unhurried
@given(days)
def test_plain_spellings_agree(day):
    """ISO, compact, month names in both orders: one day."""
    for spelling in (f"{day:%Y-%m-%d}", f"{day:%Y/%m/%d}", f"{day:%Y%m%d}", f"{day:%d %b %Y}", f"{day:%B} {day.day}, {day.year}",
                     f"{day:%d-%b-%y}", f"{day:%Y-%m-%d} 00:00:00"):
        assert read_day(spelling) == day, spelling


@unhurried
@given(days)
def test_a_numeric_date_is_read_only_when_one_reading_exists(day):
    """13/04/2026 and 04/13/2026 have one reading; 03/04/2026 has two and is refused, whichever the separator."""
    for mark in "/.-":
        for spelling in (f"{day:%d}{mark}{day:%m}{mark}{day.year}", f"{day:%m}{mark}{day:%d}{mark}{day.year}"):
            if day.day > 12 or day.day == day.month:
                assert read_day(spelling) == day, spelling
            else:
                assert "can mean" in str(read_day(spelling)), spelling


@unhurried
@given(st.text(max_size=12))
def test_no_text_breaks_the_reader(text):
    """Any text is a day or has a reason; empty is neither."""
    values, reasons = read_days(pd.Series([text], dtype="str"))
    assert bool(values.isna().all()) == bool(reasons.notna().all() or text == "")


def test_instants_are_utc():
    """An offset is converted, a zone-less instant is UTC, a date alone is its midnight."""
    texts = pd.Series(["2026-04-09T08:00:00+02:00", "2026-04-09 08:00", "2026-04-09", "9 Apr 2026", ""], dtype="str")
    values, reasons = read_instants(texts)
    assert values.dt.hour.tolist()[:4] == [6, 8, 0, 0]
    assert values.isna().tolist() == [False] * 4 + [True]
    assert reasons.isna().all()
