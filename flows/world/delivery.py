"""How spend comes about and when it becomes visible: pure integer functions of (seed, account, campaign, day, instant).

Nothing here draws random numbers in an order: every wobble is a hash of what it belongs to, so that any part of a world, at any instant
and in any process, comes out the same without the rest being made. Times are integer microseconds since 1970 UTC, money is micros.
"""

import math
from dataclasses import dataclass
from typing import Any

import numpy as np
import numpy.typing as npt
import pandas as pd

Ints = npt.NDArray[np.int64]

HOUR = 3_600_000_000  # microseconds
DAY = 24 * HOUR
PPM = 1_000_000
WEEKDAYS_PPM = np.array([1_020_000, 1_030_000, 1_030_000, 1_020_000, 1_000_000, 950_000, 950_000], dtype=np.int64)  # Monday first; sum 7
NOISE_PPM = 30_000  # standard deviation of a day
REVISION = 3 * DAY  # rows are written again until this long after their day

# platform -> least and most of what a load lacks, in minutes; below the policy's lag, so that its watermark is safe
LAG_MINUTES = {"google": (70, 110), "meta": (210, 290)}
DAILY = "dv360"  # loads once a day, at 08:00 +-1 h of the account's zone, whole days only


def _intraday(hour: float) -> int:
    """Share of a day that is spent by an hour, in ppm: nights are an eighth below the average, afternoons an eighth above."""
    swing = math.sin(2 * math.pi * (hour - 3) / 24) + math.sin(2 * math.pi * 3 / 24)
    return round(PPM * (hour / 24 - 0.125 / (2 * math.pi) * swing))


INTRADAY_PPM = np.array([_intraday(quarter / 4) for quarter in range(97)], dtype=np.int64)


@dataclass(frozen=True)
class Calendar:
    """Days of the world and their midnights in every zone; day numbers count from the first day."""

    first: pd.Timestamp
    days: int
    zones: tuple[str, ...]

    def midnights(self) -> Ints:
        """[zone, day] -> instant at which the day begins there; one day more than the world has."""
        local = pd.date_range(self.first, periods=self.days + 1, freq="D")
        rows = [local.tz_localize(zone).tz_convert("UTC").tz_localize(None).to_numpy("datetime64[us]").astype(np.int64) for zone in self.zones]
        return np.array(rows, dtype=np.int64)

    def weekdays(self) -> Ints:
        return np.asarray((self.first.weekday() + np.arange(self.days, dtype=np.int64)) % 7, dtype=np.int64)


def mixed(seed: int, *parts: Any) -> npt.NDArray[np.uint64]:
    """splitmix64 over the parts, broadcast: 64 bits that look random and depend on nothing else."""
    state: Any = np.uint64(seed)
    with np.errstate(over="ignore"):
        for part in parts:
            state = state ^ np.asarray(part).astype(np.uint64)
            state = state + np.uint64(0x9E3779B97F4A7C15)
            state = (state ^ (state >> np.uint64(30))) * np.uint64(0xBF58476D1CE4E5B9)
            state = (state ^ (state >> np.uint64(27))) * np.uint64(0x94D049BB133111EB)
            state = state ^ (state >> np.uint64(31))
    return np.asarray(state, dtype=np.uint64)


def between(bits: npt.NDArray[np.uint64], least: Any, most: Any) -> Ints:
    """Integers from least to most, both included, from hashed bits."""
    width = (np.asarray(most) - np.asarray(least) + 1).astype(np.uint64)
    return np.asarray((bits >> np.uint64(11)) % width, dtype=np.int64) + np.asarray(least, dtype=np.int64)


def noise_ppm(bits: npt.NDArray[np.uint64]) -> Ints:
    """Near-normal noise around one million: the sum of four 16-bit numbers, cut at two standard deviations."""
    total = sum((bits >> np.uint64(16 * part)) & np.uint64(0xFFFF) for part in range(4))
    centred = np.asarray(total, dtype=np.int64) - 2 * 0xFFFF
    deviation = 37_837  # of the sum of four uniform 16-bit numbers
    return PPM + np.clip(centred, -2 * deviation, 2 * deviation) * NOISE_PPM // deviation


def last_loads(seed: int, accounts: pd.DataFrame, calendar: Calendar, instant: int) -> tuple[Ints, Ints]:
    """(last load at or before the instant, instant up to which that load is complete), per account.

    accounts: columns number, platform, zone (index into the calendar's) and silent_from (instant of the last load of a feed that stopped).
    """
    number, zone = accounts["number"].to_numpy(np.int64), accounts["zone"].to_numpy(np.int64)
    asked = np.minimum(instant, accounts["silent_from"].to_numpy(np.int64))
    daily = accounts["platform"].eq(DAILY).to_numpy()
    offset = between(mixed(seed, 1, number), 0, 4 * 60 - 25) * (HOUR // 60)
    slot = (asked - offset) // (4 * HOUR)
    hourly = slot * 4 * HOUR + offset + _jitter(seed, number, slot, 20)
    earlier = (slot - 1) * 4 * HOUR + offset + _jitter(seed, number, slot - 1, 20)
    hourly = np.where(instant > asked, asked, np.where(hourly <= asked, hourly, earlier))

    midnights = calendar.midnights()
    today = np.array([np.searchsorted(midnights[z], at, "right") - 1 for z, at in zip(zone, asked, strict=True)]) if len(zone) else zone
    today = np.clip(today, 1, calendar.days)
    morning = midnights[zone, today] + 7 * HOUR + _jitter(seed, number, today, 120)
    yesterday = midnights[zone, today - 1] + 7 * HOUR + _jitter(seed, number, today - 1, 120)
    loads = np.where(daily, np.where(morning <= asked, morning, yesterday), hourly)

    least = accounts["platform"].map({name: lag[0] for name, lag in LAG_MINUTES.items()}).fillna(0).to_numpy(np.int64)
    most = accounts["platform"].map({name: lag[1] for name, lag in LAG_MINUTES.items()}).fillna(0).to_numpy(np.int64)
    lag = between(mixed(seed, 3, number, loads // HOUR), least, most) * (HOUR // 60)
    whole_days = midnights[zone, np.where(morning <= asked, today, today - 1)]
    return loads, np.where(daily, whole_days, loads - lag)


def _jitter(seed: int, number: Ints, slot: Ints, minutes: int) -> Ints:
    return between(mixed(seed, 2, number, slot), 0, minutes) * (HOUR // 60)


def delivered_ppm(complete_to: Ints, zone: Ints, calendar: Calendar) -> Ints:
    """[account, day] -> share of the day's spend that is reported, by the intraday curve over the day's real hours."""
    midnights = calendar.midnights()[zone]
    length = midnights[:, 1:] - midnights[:, :-1]
    elapsed = np.clip(complete_to[:, None] - midnights[:, :-1], 0, length)
    quarters = elapsed * 96
    index = quarters // length
    rest = (quarters - index * length) * PPM // length
    following = INTRADAY_PPM[np.minimum(index + 1, 96)]
    return np.asarray(INTRADAY_PPM[index] + (following - INTRADAY_PPM[index]) * rest // PPM, dtype=np.int64)


def final_micros(seed: int, campaigns: pd.DataFrame, calendar: Calendar, columns: slice) -> tuple[Ints, npt.NDArray[np.bool_]]:
    """[campaign, day] -> (what the day will have cost once all is reported, whether the platform reports a row), for a slice of days.

    A day is daily_micros * weekday * noise * factor * step (from step_day on), at most cap_micros, in whole `quantum`s; zero from
    zero_day, and no row from gone_day. `shape` leans the plan: half_day splits the flight and first_ppm / second_ppm weigh its halves.
    """
    day = np.arange(calendar.days, dtype=np.int64)[None, columns]
    field = {name: campaigns[name].to_numpy(np.int64)[:, None] for name in campaigns.columns if campaigns[name].dtype == np.int64}
    lean = np.where(day < field["half_day"], field["first_ppm"], field["second_ppm"])
    step = np.where(day >= field["step_day"], field["step_ppm"], PPM)
    micros = field["daily_micros"] * lean // PPM * WEEKDAYS_PPM[calendar.weekdays()[None, columns]] // PPM
    micros = micros * noise_ppm(mixed(seed, 4, field["number"], day)) // PPM * field["factor_ppm"] // PPM * step // PPM
    micros = np.minimum(micros, field["cap_micros"]) // field["quantum"] * field["quantum"]
    live = (day >= field["first_day"]) & (day <= field["last_day"])
    return np.where(live & (day < field["zero_day"]), micros, 0), live & (day < field["gone_day"])
