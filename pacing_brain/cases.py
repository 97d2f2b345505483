"""What is looked at to say why: a flight that is not healthy, its closed days, its account and the run."""

from collections import defaultdict
from collections.abc import Iterator
from dataclasses import dataclass, field
from functools import cached_property
from typing import Any

import numpy as np
import numpy.typing as npt
import pandas as pd

from pacing_brain import curves, zones
from pacing_brain.model import RunContext
from pacing_brain.money import money
from pacing_brain.records import Row, records
from pacing_brain.zones import day_text

PLATFORMS = {"google": "Google Ads", "meta": "Meta", "dv360": "DV360"}
ONE_DAY = pd.Timedelta(days=1)


@dataclass(frozen=True)
class Case:
    """One flight and what the frames show about it. Money is micros, absent values are None."""

    row: Row
    account: Row
    run: RunContext
    spend: dict[pd.Timestamp, int] = field(default_factory=dict)  # by account day, matched rows of the flight
    planned_before_first: int | None = None  # planned for the days before the first one with spend

    def __getitem__(self, name: str) -> Any:
        return self.row.get(name)

    @property
    def platform(self) -> str:
        return PLATFORMS.get(str(self["platform"]), str(self["platform"]))

    @property
    def red(self) -> list[str]:
        return [gate for gate in str(self["red_gates"] or "").split(",") if gate]

    @property
    def off_micros(self) -> int | None:
        """Actual minus target; null when either is unknown."""
        return None if self["actual_micros"] is None or self["target_micros"] is None else self["actual_micros"] - self["target_micros"]

    @cached_property
    def planned_a_day(self) -> int | None:
        """Planned to date per day of the account's calendar: a day of 25 hours is one day."""
        days = self.elapsed_days
        return round(self["target_micros"] / days) if days and self["target_micros"] else None

    @property
    def elapsed_days(self) -> float | None:
        """Days of the account's calendar from the flight's start to the watermark, at most to its end."""
        if self["watermark"] is None:
            return None
        local = self["watermark"].tz_convert(self["account_timezone"]).tz_localize(None)
        return float((min(local, self["end_date"] + ONE_DAY) - self["start_date"]) / ONE_DAY)

    @cached_property
    def closed(self) -> list[tuple[pd.Timestamp, int]]:
        """Every closed day of the flight with its spend; a day without a row is a day with nothing. Empty when its days are not at hand."""
        if self["closed_day"] is None or (not self.spend and self["actual_micros"] != 0):
            return []
        days = pd.date_range(self["start_date"], min(self["closed_day"], self["end_date"]), unit="us")
        return [(day, self.spend.get(day, 0)) for day in days]

    def money(self, micros: int | None) -> str:
        return money(micros, self["currency"])


def cases(flights: pd.DataFrame, where: npt.NDArray[np.intp], days: pd.DataFrame, accounts: pd.DataFrame, run: RunContext) -> Iterator[Case]:
    """A case for every flight at the positions `where`, in order."""
    rows = flights[[*curves.COLUMNS, "flight_id", "first_spend_day"]].take(where)
    spend = _spend_by_flight(rows, days)
    known = {(one["platform"], one["account_id"]): one for one in records(accounts)}
    missed = _planned_before_first(rows)
    for row, before in zip(records(flights, where), missed, strict=True):
        yield Case(row, known.get((row["platform"], row.get("account_id")), {}), run, spend.get(row["flight_id"], {}), before)


def _spend_by_flight(flights: pd.DataFrame, days: pd.DataFrame) -> dict[str, dict[pd.Timestamp, int]]:
    own = days["flight_id"].isin(flights["flight_id"]) & days["bucket"].isin(["matched", "after_watermark"]) & days["spend_micros"].notna()
    columns = (days[name][own].tolist() for name in ("flight_id", "day", "spend_micros"))
    grouped: dict[str, dict[pd.Timestamp, int]] = defaultdict(lambda: defaultdict(int))
    for flight, day, micros in zip(*columns, strict=True):
        grouped[flight][day] += micros
    return grouped


def _planned_before_first(flights: pd.DataFrame) -> list[int | None]:
    """Planned from the start to the first day with spend."""
    begin = zones.midnights(flights["first_spend_day"], flights["account_timezone"])
    planned = curves.planned_micros(flights, begin)
    return [None if gone else int(value) for value, gone in zip(planned.tolist(), planned.isna().tolist(), strict=True)]


def level_change(closed: list[tuple[pd.Timestamp, int]]) -> tuple[pd.Timestamp, int, int] | None:
    """(first day of the new level, mean before, mean after) where daily spend stepped up or down and stayed; null where it did not.

    The split that leaves the least spread within both parts; it counts with two days on each side, a step of 30 % or more, and two thirds
    of the spread gone: ordinary weekday rhythm does not pass.
    """
    values = [micros for _, micros in closed]
    if len(values) < 4:
        return None
    whole = _spread(values)
    at, within = min(((split, _spread(values[:split]) + _spread(values[split:])) for split in range(2, len(values) - 1)),
                     key=lambda pair: (pair[1], pair[0]))
    before, after = _mean(values[:at]), _mean(values[at:])
    step = max(before, after) * 10 >= min(before, after) * 13 and before != after
    return (closed[at][0], before, after) if step and within * 3 <= whole else None


def _mean(values: list[int]) -> int:
    return round(sum(values) / len(values))


def _spread(values: list[int]) -> float:
    mean = sum(values) / len(values)
    return sum((value - mean) ** 2 for value in values)


def days_text(first: pd.Timestamp, last: pd.Timestamp) -> str:
    return day_text(first) if first == last else f"{day_text(first)} to {day_text(last)}"
