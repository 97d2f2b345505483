"""Account days and instants."""

from datetime import UTC, date, datetime, timedelta
from zoneinfo import ZoneInfo

import pandas as pd
import pytest
from hypothesis import given, settings, strategies as st

from pacing_brain import zones
from pacing_brain.errors import DataError

NAMES = ("Europe/Berlin", "Europe/London", "America/New_York", "America/Havana", "America/Sao_Paulo", "Asia/Beirut",
         "Africa/Cairo", "Pacific/Apia", "Asia/Kolkata", "Australia/Lord_Howe", "Asia/Amman", "Pacific/Kiritimati", "UTC")
DAYS = st.dates(date(1995, 1, 1), date(2045, 12, 31))


def days_of(values):
    return pd.Series(pd.to_datetime(list(values))).astype("datetime64[us]")


def instants_of(values):
    return pd.Series(pd.to_datetime(list(values), utc=True, format="ISO8601")).astype("datetime64[us, UTC]")


def names_of(values):
    return pd.Series(list(values), dtype="str")


def one_midnight(day, zone):
    return zones.midnights(days_of([day]), names_of([zone]))[0].isoformat()


def slow_midnight(day, name):
    """The first instant, half hour by half hour of UTC, whose wall clock in the zone is on the day or later."""
    at = datetime(day.year, day.month, day.day, tzinfo=UTC) - timedelta(hours=15)
    while at.astimezone(ZoneInfo(name)).date() < day:
        at += timedelta(minutes=30)
    return at


@settings(deadline=None)
@given(st.lists(st.tuples(DAYS, st.sampled_from(NAMES)), min_size=1, max_size=4))
def test_a_day_begins_when_its_wall_clock_date_is_first_seen(rows):
    """A day begins at the first instant at which the zone's wall clock shows it or a later one."""
    found = zones.midnights(days_of(day for day, _ in rows), names_of(name for _, name in rows))
    assert list(found) == [pd.Timestamp(slow_midnight(day, name)) for day, name in rows]


@settings(deadline=None)
@given(st.lists(st.tuples(st.datetimes(datetime(1995, 1, 1), datetime(2045, 1, 1)), st.sampled_from(NAMES)), min_size=1, max_size=8))
def test_every_instant_lies_in_its_day(rows):
    """midnights(local_days(t)) <= t < midnights(local_days(t) + 1): days neither overlap nor leave a gap."""
    instants, names = instants_of(at for at, _ in rows), names_of(name for _, name in rows)
    days = zones.local_days(instants, names)
    assert (zones.midnights(days, names) <= instants).all()
    assert (instants < zones.midnights(days + pd.Timedelta(days=1), names)).all()


def test_a_midnight_that_does_not_exist_moves_forward():
    """Sao Paulo skipped 00:00 to 01:00 on 4 Nov 2018: the day began at 01:00, 03:00 UTC."""
    assert one_midnight("2018-11-04", "America/Sao_Paulo") == "2018-11-04T03:00:00+00:00"


def test_an_ambiguous_midnight_is_the_first():
    """Havana saw 00:00 twice on 3 Nov 2024, at 04:00 and at 05:00 UTC: the day began at the first."""
    assert one_midnight("2024-11-03", "America/Havana") == "2024-11-03T04:00:00+00:00"


@pytest.mark.parametrize(("day", "hours"), [("2026-03-29", 23), ("2026-10-25", 25), ("2026-11-18", 24)])
def test_a_day_has_its_real_hours(day, hours):
    """Days in Berlin have 23, 25 and 24 real hours around the clock changes."""
    both = days_of([day, pd.Timestamp(day) + pd.Timedelta(days=1)])
    begin, end = zones.midnights(both, names_of(["Europe/Berlin"] * 2))
    assert (end - begin) == pd.Timedelta(hours=hours)


def test_midnight_belongs_to_the_day_that_begins_there():
    """The instant of 00:00 lies in the day it opens, a microsecond before in the one it ends."""
    instants = instants_of(["2026-11-17T23:00:00Z", "2026-11-17T22:59:59.999999Z"])
    found = zones.local_days(instants, names_of(["Europe/Berlin"] * 2))
    assert [str(day.date()) for day in found] == ["2026-11-18", "2026-11-17"]


def test_unknown_values_stay_unknown_and_the_index_is_kept():
    """A missing day, instant or zone gives NaT, and results carry the index they came with."""
    days = pd.Series(pd.to_datetime(["2026-11-18", None, "2026-11-18"]), index=[7, 3, 5]).astype("datetime64[us]")
    names = pd.Series(["UTC", "UTC", None], index=[7, 3, 5], dtype="str")
    found = zones.midnights(days, names)
    assert found.isna().tolist() == [False, True, True]
    assert list(found.index) == [7, 3, 5]
    back = zones.local_days(found, names)
    assert back.isna().tolist() == [False, True, True]
    assert (str(found.dtype), str(back.dtype)) == ("datetime64[us, UTC]", "datetime64[us]")


def test_no_rows_give_no_rows():
    """Empty series give empty series of the declared dtypes."""
    empty = days_of([])
    assert str(zones.midnights(empty, names_of([])).dtype) == "datetime64[us, UTC]"
    assert str(zones.local_days(instants_of([]), names_of([])).dtype) == "datetime64[us]"


def test_an_unknown_zone_is_named():
    """A zone that does not exist is refused by name."""
    with pytest.raises(DataError, match="'Mars/Olympus' is no IANA time zone"):
        zones.midnights(days_of(["2026-11-18"]), names_of(["Mars/Olympus"]))


def test_days_and_instants_read_as_on_a_card():
    """People read `Wed 18 Nov` and `Wed 18 Nov 06:00`, in the account's zone where it is known."""
    assert zones.day_text("2026-11-18") == "Wed 18 Nov"
    assert zones.moment_text("2026-11-18T06:00:00Z") == "Wed 18 Nov 06:00 UTC"
    assert zones.moment_text("2026-11-18T23:30:00Z", "Europe/Berlin") == "Thu 19 Nov 00:30"


@pytest.mark.parametrize(("name", "known"), [("Europe/Berlin", True), ("UTC", True), ("Europe", False), ("../etc", False), ("", False)])
def test_a_zone_is_known_by_its_iana_name(name, known):
    """Only names of the IANA database are zones; folders and paths are not."""
    assert zones.is_zone(name) is known
