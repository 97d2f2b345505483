"""Days of a flight that count more, less or not at all: the policy's calendar and the plan's gaps. Text on the flight, days on use.

`2026-11-27 1.8, 2026-12-24 0` in column `day_weights`; null: every day counts 1. A weight is in thousandths, so that shares stay exact.
"""

from functools import lru_cache
from typing import Any

import numpy as np
import numpy.typing as npt
import pandas as pd

from pacing_brain.days import number
from pacing_brain.policy import Policy
from pacing_brain.spend_rate import Codes, Floats

WHOLE = 1000  # a day like any other


def attach(flights: pd.DataFrame, policy: Policy) -> pd.DataFrame:
    """The flights with `day_weights` (null before): days of the calendar that hold for them and lie in them, and their planned gaps, which win."""
    calendar = [(days, policy.selects(selector, flights), weight) for days, selector, weight in policy.calendar_days]
    gapped = flights["pause_from"].notna()
    if not calendar and not gapped.any():
        return flights
    gaps = flights.loc[gapped, ["pause_from", "pause_to"]].drop_duplicates()
    planned = {day for days, _, _ in calendar for day in days} | {day for first, last in gaps.itertuples(index=False) for day in pd.date_range(first, last)}
    texts = np.full(len(flights), "", dtype=object)
    for day in sorted(planned):
        weights = np.ones(len(flights))
        for days, held, weight in calendar:
            weights[held & (day in days)] = weight
        weights[(flights["pause_from"].le(day) & flights["pause_to"].ge(day)).to_numpy(dtype=bool)] = 0.0
        inside = (flights["start_date"].le(day) & flights["end_date"].ge(day)).to_numpy(dtype=bool)
        for weight in np.unique(weights[inside & (weights != 1.0)]):
            texts[inside & (weights == weight)] += f", {day:%Y-%m-%d} {weight:g}"
    return flights.assign(day_weights=pd.Series(texts, index=flights.index).str.removeprefix(", ").replace("", None).astype("str"))


def of(flights: pd.DataFrame, rows: npt.NDArray[Any] | slice = slice(None)) -> list[tuple[Codes, int, int]]:
    """(positions of flights among the `rows`, day as `days.number` counts, weight in thousandths) of every day that is not like the others."""
    said = flights["day_weights"].array[rows] if "day_weights" in flights else None
    if said is None or said.isna().all():
        return []
    codes, texts = pd.factorize(said)
    return [(np.flatnonzero(codes == code), day, weight) for code, text in enumerate(texts) for day, weight in parsed(str(text))]


@lru_cache(maxsize=4096)
def parsed(text: str) -> tuple[tuple[int, int], ...]:
    said = [part.split(" ") for part in text.split(", ")]
    numbers = number(pd.Series(pd.to_datetime([day for day, _ in said])))
    return tuple((int(day), round(float(weight) * WHOLE)) for day, (_, weight) in zip(numbers, said, strict=True))


def without(micros: Floats, flights: pd.DataFrame, closed: Codes) -> Floats:
    """Spend of the last days, the last column `closed`, as it were without their weights; a day of a gap says nothing about the rate."""
    plain = micros.copy()
    for rows, day, weight in of(flights):
        column = micros.shape[1] - 1 - (closed[rows] - day)
        inside = (column >= 0) & (column < micros.shape[1])
        at = rows[inside], column[inside]
        plain[at] = plain[at] * WHOLE / weight if weight else np.nan
    return plain


def more_days(flights: pd.DataFrame, closed: Codes, today: Floats, profile: Floats, weekday: Codes) -> Floats:
    """How many ordinary days the special ones that are still to come add (below 0: take away), by their weekday factors; of the present day what is left of it."""
    added = np.zeros(len(flights))
    end = number(flights["end_date"])
    for rows, day, weight in of(flights):
        coming = rows[(day > closed[rows]) & (day <= end[rows])]
        ahead = day - closed[coming]
        factor = profile[coming, (weekday[coming] + ahead) % 7] * np.where(ahead == 1, 1.0 - today[coming], 1.0)
        added[coming] += (weight - WHOLE) / WHOLE * factor
    return added
