"""What is looked at to say why: a flight that is not healthy, its closed days, its account and the run."""

from collections import defaultdict
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from functools import cached_property, partial
from typing import Any

import numpy as np
import numpy.typing as npt
import pandas as pd

from pacing_brain import curves, zones
from pacing_brain.model import RunContext
from pacing_brain.money import money
from pacing_brain.records import Row, records
from pacing_brain.roster import positions
from pacing_brain.zones import day_text

PLATFORMS = {"google": "Google Ads", "meta": "Meta", "dv360": "DV360"}
ONE_DAY = pd.Timedelta(days=1)


@dataclass(frozen=True)
class Case:
    """One flight and what the frames show about it. Money is micros, absent values are None."""

    row: Row
    account: Row
    run: RunContext
    spent: Callable[[], dict[pd.Timestamp, int]] = dict
    planned_before_first: int | None = None  # planned for the days before the first one with spend

    def __getitem__(self, name: str) -> Any:
        return self.row.get(name)

    @cached_property
    def spend(self) -> dict[pd.Timestamp, int]:
        """By account day, matched rows of the flight."""
        return self.spent()

    @property
    def platform(self) -> str:
        return PLATFORMS.get(str(self["platform"]), str(self["platform"]))

    @cached_property
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
        first, last = self["start_date"], min(self["closed_day"], self["end_date"])
        days = [first + ONE_DAY * number for number in range((last - first).days + 1)]
        return [(day, self.spend.get(day, 0)) for day in days]

    def money(self, micros: int | None) -> str:
        return money(micros, self["currency"])


def cases(flights: pd.DataFrame, where: npt.NDArray[np.intp], days: pd.DataFrame, accounts: pd.DataFrame, run: RunContext) -> Iterator[Case]:
    """A case for every flight at the positions `where`, in order."""
    spend = _Spend(flights["flight_id"].take(where), days)
    known = {(one["platform"], one["account_id"]): one for one in records(accounts)}
    missed = _planned_before_first(flights, where)
    for at, (row, before) in enumerate(zip(records(flights, where), missed, strict=True)):
        yield Case(row, known.get((row["platform"], row.get("account_id")), {}), run, partial(spend.of, at), before)


class _Spend:
    """What was spent on each day of some flights; made into a mapping only for a flight that a rule asks about."""

    def __init__(self, flight_ids: pd.Series, days: pd.DataFrame) -> None:
        flight = positions(days["flight_id"], pd.Index(flight_ids))
        bucket = days["bucket"].to_numpy(dtype=object)
        own = np.flatnonzero((flight >= 0) & ((bucket == "matched") | (bucket == "after_watermark")) & days["spend_micros"].notna().to_numpy())
        own = own[np.argsort(flight[own], kind="stable")]
        self._flight, self._day, self._micros = flight[own], days["day"].array.take(own), days["spend_micros"].to_numpy("int64", na_value=0)[own]

    def of(self, at: int) -> dict[pd.Timestamp, int]:
        """By account day, matched rows of the flight at this position."""
        first, after = np.searchsorted(self._flight, [at, at + 1])
        spent: dict[pd.Timestamp, int] = defaultdict(int)
        for day, micros in zip(self._day[first:after], self._micros[first:after].tolist(), strict=True):
            spent[day] += micros
        return spent


def _planned_before_first(flights: pd.DataFrame, where: npt.NDArray[np.intp]) -> list[int | None]:
    """Planned from the start to the first day with spend; null where that is the start, or not known."""
    late = np.flatnonzero((flights["first_spend_day"].to_numpy() > flights["start_date"].to_numpy())[where])
    missed: list[int | None] = [None] * len(where)
    if len(late):
        rows = flights[[*curves.COLUMNS, "first_spend_day"]].take(where[late])
        planned = curves.planned_micros(rows, zones.midnights(rows["first_spend_day"], rows["account_timezone"]))
        for at, micros in zip(late.tolist(), planned.tolist(), strict=True):
            missed[at] = None if micros is pd.NA else int(micros)
    return missed


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
