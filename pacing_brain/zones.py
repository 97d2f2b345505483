"""Account days and instants: a day is [its 00:00, the next day's 00:00) on the wall clock of the account's zone.

A day has 23, 24 or 25 real hours. A midnight that does not exist (clocks go forward over it) is the first instant after the gap; one that
happens twice is the first. All functions are vectorised by unique zone and value, keep the index, and give NaT where the day, the instant
or the zone is unknown.
"""

from collections.abc import Iterator
from datetime import UTC, datetime
from functools import lru_cache
from typing import Any
from zoneinfo import ZoneInfo, ZoneInfoNotFoundError

import numpy as np
import numpy.typing as npt
import pandas as pd
from pandas.api.extensions import ExtensionArray

from pacing_brain.errors import DataError

INSTANT, DAY = "datetime64[us, UTC]", "datetime64[us]"
Instants = npt.NDArray[np.datetime64]
ByZone = list[tuple[ZoneInfo, np.ndarray]]
ONE_DAY = pd.Timedelta(days=1)
CALENDAR = np.arange("1995-01-01", "2050-01-01", dtype="datetime64[D]").astype(DAY)  # days whose beginnings are looked up; others are computed
SECOND = np.timedelta64(1, "s")
NEVER = np.datetime64("NaT", "us")  # no day, and no moment
WEEKDAYS = ("Mon", "Tue", "Wed", "Thu", "Fri", "Sat", "Sun")  # not strftime: its words depend on the environment's locale
MONTHS = ("Jan", "Feb", "Mar", "Apr", "May", "Jun", "Jul", "Aug", "Sep", "Oct", "Nov", "Dec")


def midnights(days: pd.Series, zones: pd.Series) -> pd.Series:
    """The instant at which each account day begins.

    Args:
        days: datetime64, naive, at 00:00.
        zones: IANA names, same index.

    Returns:
        datetime64[us, UTC].

    Raises:
        DataError: a zone is not known.
    """
    return pd.Series(pd.DatetimeIndex(begins(days.to_numpy(dtype=DAY), by_zone(zones)), tz="UTC"), index=days.index)


def local_days(instants: pd.Series, zones: pd.Series) -> pd.Series:
    """The account day that each instant lies in: midnights(day) <= instant < midnights(day + 1).

    Returns:
        datetime64[us], naive, at 00:00.

    Raises:
        DataError: a zone is not known.
    """
    return pd.Series(days_of(instants.to_numpy(dtype=DAY), by_zone(zones)), index=instants.index)


def begins(days: np.ndarray, zones: ByZone) -> np.ndarray:
    """`midnights` on arrays: the instants in UTC, NaT where the day or the zone is unknown."""
    starts = np.full(len(days), NEVER, dtype=DAY)
    for zone, rows in _known(days, zones):
        asked = days[rows]
        if _in_calendar(asked):
            starts[rows] = _calendar(zone)[(asked - CALENDAR[0]).astype("timedelta64[D]").astype(np.int64)]
        else:
            unique, inverse = np.unique(asked, return_inverse=True)
            starts[rows] = _starts_of(unique, zone)[inverse]
    return starts


def days_of(instants: np.ndarray, zones: ByZone) -> np.ndarray:
    """`local_days` on arrays of instants in UTC."""
    days = np.full(len(instants), NEVER, dtype=DAY)
    for zone, rows in _known(instants, zones):
        if _in_calendar(instants[rows]):
            days[rows] = CALENDAR[np.searchsorted(_calendar(zone), instants[rows], side="right") - 1]
            continue
        unique, inverse = np.unique(instants[rows], return_inverse=True)
        wall = pd.DatetimeIndex(unique).tz_localize("UTC").tz_convert(zone).tz_localize(None).normalize().as_unit("us")
        # Clocks that go back over a midnight show the old day once more; the new day has begun all the same.
        begun = _starts_of((wall + ONE_DAY).to_numpy(dtype=DAY), zone) <= unique
        days[rows] = np.where(begun, wall + ONE_DAY, wall)[inverse]
    return days


def hours_covered(flights: pd.DataFrame) -> pd.Series:
    """Real hours of each flight up to its watermark; null without one."""
    start, end, reached = (flights[name].to_numpy(dtype=DAY) for name in ("day_start", "day_end", "watermark"))
    return pd.Series((np.where(reached > end, end, reached) - start) / SECOND / 3600.0, index=flights.index)


def instant(at: datetime) -> np.datetime64:
    """A moment as the arrays here have it: in UTC, naive."""
    return np.datetime64(at.astimezone(UTC).replace(tzinfo=None), "us")


def is_zone(name: str) -> bool:
    """Whether it is an IANA time zone."""
    try:
        _zone(name)
    except DataError:
        return False
    return True


def day_text(day: Any) -> str:
    """A day as people read it: `Wed 18 Nov`."""
    at = pd.Timestamp(day)
    return f"{WEEKDAYS[at.weekday()]} {at.day} {MONTHS[at.month - 1]}"


def moment_text(instant: Any, zone: str | None = None) -> str:
    """An instant as people read it: `Wed 18 Nov 06:00` on the zone's wall clock, or `... UTC` without a zone."""
    at = pd.Timestamp(instant).tz_convert(zone or "UTC")
    return f"{day_text(at)} {at.hour:02}:{at.minute:02}{'' if zone else ' UTC'}"


def by_zone(zones: pd.Series | ExtensionArray) -> ByZone:
    """(zone, positions) for every zone that occurs; rows without one are left out.

    Raises:
        DataError: a zone is not known.
    """
    codes, names = pd.factorize(np.asarray(zones, dtype=object))
    return [(_zone(str(name)), np.flatnonzero(codes == code)) for code, name in enumerate(names)]


def _known(values: np.ndarray, zones: ByZone) -> Iterator[tuple[ZoneInfo, np.ndarray]]:
    """The zones with the positions at which there is a value."""
    for zone, rows in zones:
        there = rows[~np.isnat(values[rows])]
        if len(there):
            yield zone, there


def _zone(name: str) -> ZoneInfo:
    try:
        return ZoneInfo(name)
    except (ZoneInfoNotFoundError, ValueError, OSError) as error:  # OSError: a name that is a folder of the zone database
        raise DataError(f"{name!r} is no IANA time zone") from error


def _in_calendar(values: np.ndarray) -> bool:
    """Whether all are well inside the calendar."""
    return bool((values >= CALENDAR[2]).all() and (values < CALENDAR[-2]).all())


@lru_cache(maxsize=64)
def _calendar(zone: ZoneInfo) -> np.ndarray:
    """When each day of CALENDAR begins."""
    return _starts_of(CALENDAR, zone)


def _starts_of(days: np.ndarray, zone: ZoneInfo) -> np.ndarray:
    wall = pd.DatetimeIndex(days)
    first = np.ones(len(wall), dtype=bool)  # of two equal wall clock times, the first
    instants = wall.tz_localize(zone, ambiguous=first, nonexistent="shift_forward")
    return np.asarray(instants.tz_convert("UTC").tz_localize(None), dtype=DAY)
