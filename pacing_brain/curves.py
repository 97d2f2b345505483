"""What a flight's curve has planned up to an instant, exact to the micro.

A flight of N account days, k of them over at the instant, and e of the present day's D real microseconds gone, has

    elapsed share  x / y = (k * D + e) / (N * D)            every account day counts the same, whether it has 23, 24 or 25 hours

Where days have weights (`day_weights`: sale days and holidays of the policy's calendar, planned gaps), a day counts by its weight instead of 1, so
that k is the weight of the days over, N that of all days, and e / D counts by the present day's. A curve is a share of the budget as a function of it:

    even      x / y
    ahead     min(1, 1.2 x / y)
    front:P   P % of the budget over the first half of x / y, the rest over the second; back:P the other way round
    asap      1: there is no under-target, and over is only over the budget
    custom    even, anchored

A stated `target_to_date` T anchors the curve C at the end of `updated_at`'s day in the account's zone, u (without `updated_at`: at the
watermark): T * C(t) / C(u) before u, T + (budget - T) * (C(t) - C(u)) / (1 - C(u)) after, so it lands on the budget at the end.

Shares are pairs of Python integers in object arrays: floats would be off by a micro from 2^53 on, int64 would overflow.
Source: DESIGN.md, Definitions, Watermark and Curve.
"""

from dataclasses import dataclass, replace
from fractions import Fraction
from typing import Self

import numpy as np
import numpy.typing as npt
import pandas as pd

from pacing_brain import day_weights, zones
from pacing_brain.days import number

Flags = npt.NDArray[np.bool_]
Codes = npt.NDArray[np.int64]
Share = tuple[np.ndarray, np.ndarray]  # numerator, denominator
ONE_DAY, HOUR = np.timedelta64(1, "D"), np.timedelta64(1, "h")
COLUMNS = ["start_date", "end_date", "account_timezone", "budget_micros", "curve", "curve_pct", "target_to_date_micros", "updated_at", "watermark", "day_weights"]
SMALL = 2**31  # a product of two such numbers fits 64 bits
CURVES = ("even", "ahead", "asap", "front", "back", "custom")


def planned_micros(flights: pd.DataFrame, at: pd.Series) -> pd.Series:
    """Planned from the flight's start to each instant, clipped at its end, rounded half-even once.

    Args:
        flights: with `COLUMNS`.
        at: instants, same index.

    Returns:
        Int64 micros; null where the instant, the zone, the curve's percent or a custom curve's target is not known.
    """
    planned, known = Plans.of(flights).micros(at.to_numpy(zones.DAY))
    return pd.Series(pd.arrays.IntegerArray(planned, ~known), index=flights.index)


@dataclass(frozen=True)
class Plans:
    """What the curves of some flights are made of, read from their frame once, so that any number of instants can be asked; one row per flight."""

    zone: zones.ByZone
    first: Codes  # day numbers
    last: Codes
    budget: np.ndarray
    curve: np.ndarray
    known: Flags  # whether the zone and the curve's own figures are there
    halves: Share | None  # of the flights with front or back, if there are any: what share of the budget the first half has
    weights: list[tuple[Codes, int, int]]  # `day_weights.of`
    stated: Flags  # where a target to date is stated, which bends the curve
    anchor: tuple[np.ndarray, Share] | None = None  # of those: the target, and the curve's own share at the instant at which it holds

    @classmethod
    def of(cls, flights: pd.DataFrame, rows: Flags | Codes | slice = slice(None)) -> Self:
        """The plans of the flights in `rows`; `flights` with `COLUMNS`."""
        plans = cls._unbent(flights, rows)
        if not plans.stated.any():
            return plans
        where = np.arange(len(flights))[rows][plans.stated]
        unbent = cls._unbent(flights, where)
        target = flights["target_to_date_micros"].array[where].to_numpy("int64").astype(object)
        return replace(plans, anchor=(np.clip(target, 0, unbent.budget), unbent.share(_anchors(flights, where, unbent.zone))))

    @classmethod
    def _unbent(cls, flights: pd.DataFrame, rows: Flags | Codes | slice) -> Self:
        zone, start, end, budget, pct, target = (flights[name].array[rows] for name in (
            "account_timezone", "start_date", "end_date", "budget_micros", "curve_pct", "target_to_date_micros"))
        curve, percent = words(flights)[rows], np.asarray(pct, dtype="float64")
        half, stated = (curve == "front") | (curve == "back"), ~target.isna() & (curve != "asap")
        named = np.logical_or.reduce([curve == one for one in CURVES])
        known = named & ~(half & np.isnan(percent)) & (stated | (curve != "custom")) & ~zone.isna()
        return cls(zones.by_zone(zone), number(start), number(end), np.asarray(budget, dtype="int64").astype(object), curve, known,
                   _first_halves(curve[half], percent[half]) if half.any() else None, day_weights.of(flights, rows), stated)

    def micros(self, at: zones.Instants) -> tuple[Codes, Flags]:
        """(planned to each instant, whether it is known): `planned_micros` on arrays."""
        top, bottom = self._bent(*self.share(at))
        known = self.known & ~np.isnat(at)
        return np.where(known, _half_even(self.budget * top, bottom), 0).astype("int64"), known

    def elapsed(self, at: zones.Instants) -> tuple[Codes, Codes]:
        """The elapsed share x / y of each flight at the instants: 0 before its start (and where unknown), 1 from its end on."""
        day = zones.days_of(at, self.zone)
        begin, end = zones.begins(day, self.zone), zones.begins(day + ONE_DAY, self.zone)
        known = ~np.isnat(day)
        length = np.where(known, (end - begin).astype(np.int64), 1)
        gone = np.where(known, (at - begin).astype(np.int64), 0)
        before = np.where(known, number(day) - self.first, 0)
        whole = (self.last - self.first + 1) * length
        return np.clip(before * length + gone, 0, whole), whole

    def share(self, at: zones.Instants) -> Share:
        """The share of the budget that the curve has at the instants, without what a stated target bends."""
        x, y = self._weighted(*self.elapsed(at))
        ahead, asap = self.curve == "ahead", self.curve == "asap"
        top, bottom = x.copy(), y.copy()
        top[ahead], bottom[ahead] = np.minimum(6 * x[ahead], 5 * y[ahead]), 5 * y[ahead]
        top[asap] = y[asap]
        if self.halves is not None:
            half = (self.curve == "front") | (self.curve == "back")
            top[half], bottom[half] = _halved(self.halves, x[half], y[half])
        return top, bottom

    def _weighted(self, elapsed: Codes, whole: Codes) -> Share:
        """The elapsed share with each day counted by its weight."""
        x, y = elapsed.astype(object), whole.astype(object)
        if not self.weights:
            return x, y
        length = y // np.maximum(self.last - self.first + 1, 1)
        gone, all_days = x * day_weights.WHOLE, y * day_weights.WHOLE
        for rows, day, weight in self.weights:
            inside = rows[(self.first[rows] <= day) & (day <= self.last[rows])]
            of_day = np.clip(x[inside] - (day - self.first[inside]).astype(object) * length[inside], 0, length[inside])
            gone[inside] += (weight - day_weights.WHOLE) * of_day
            all_days[inside] += (weight - day_weights.WHOLE) * length[inside]
        nothing = all_days <= 0  # a flight of gaps alone is paced as if there were none
        return np.where(nothing, x, gone), np.where(nothing, y, all_days)

    def _bent(self, top: np.ndarray, bottom: np.ndarray) -> Share:
        """Shares bent through the stated target to date, where one is stated."""
        if self.anchor is None:
            return top, bottom
        target, (ux, uy) = self.anchor
        cx, cy, budget = top[self.stated], bottom[self.stated], self.budget[self.stated]
        rising = cx * uy < ux * cy  # before the anchor
        low_x, low_y = target * cx * uy, np.maximum(ux, 1) * cy
        open_end = np.maximum(uy - ux, 0)
        high_x, high_y = target * open_end * cy + (budget - target) * (cx * uy - ux * cy), np.where(open_end == 0, 1, open_end) * cy
        high_x, high_y = np.where(open_end == 0, target, high_x), np.where(open_end == 0, 1, high_y)
        bent_x, bent_y = top.copy(), bottom.copy()
        bent_x[self.stated], bent_y[self.stated] = np.where(rising, low_x, high_x), np.where(rising, low_y, high_y) * np.maximum(budget, 1)
        return bent_x, bent_y


def words(flights: pd.DataFrame) -> np.ndarray:
    """The curves as an object array."""
    return np.asarray(flights["curve"].to_numpy(dtype=object))


def _anchors(flights: pd.DataFrame, rows: Codes, zone: zones.ByZone) -> zones.Instants:
    """The instants at which the stated targets of the flights in `rows` hold."""
    updated, reached = (flights[name].to_numpy(zones.DAY)[rows] for name in ("updated_at", "watermark"))
    ends = zones.begins(zones.days_of(updated, zone) + ONE_DAY, zone)
    return np.where(np.isnat(ends), reached, ends)


def _first_halves(curve: np.ndarray, pct: np.ndarray) -> Share:
    """What share of the budget front and back have in the first half."""
    p, q = fractions(np.nan_to_num(pct), 100)
    return np.where(curve == "back", q - p, p), q


def _halved(first_half: Share, x: np.ndarray, y: np.ndarray) -> Share:
    """A share p / q of the budget over the first half, the rest over the second; with an odd number of days the middle one has half of each rate."""
    p, q = first_half
    first, second = p * 2 * x, p * y + (q - p) * (2 * x - y)
    return np.where(2 * x <= y, first, second), q * y


def fractions(values: pd.Series | np.ndarray, scale: int = 1) -> Share:
    """Decimal numbers as exact numerators and denominators, divided by `scale`: 33.3 is 333/10, not its binary neighbour.

    In 64 bits where the product of any two of them fits, else Python integers.
    """
    codes, unique = pd.factorize(np.asarray(values, dtype="float64"))
    exact = [fraction(value, scale) for value in unique]
    dtype = np.int64 if all(max(pair) < SMALL for pair in exact) else object
    numerators, denominators = (np.array([pair[at] for pair in exact], dtype=dtype) for at in range(2))
    return numerators[codes], denominators[codes]


def fraction(value: float, scale: int = 1) -> tuple[int, int]:
    """A decimal number as its exact numerator and denominator, divided by `scale`."""
    exact = Fraction(repr(float(value))) / scale
    return exact.numerator, exact.denominator


def _half_even(numerators: np.ndarray, denominators: np.ndarray) -> np.ndarray:
    """The quotients as whole numbers, rounded half-even. Numerators are not negative."""
    floor = numerators // denominators
    twice = 2 * (numerators - floor * denominators)
    up = (twice > denominators) | ((twice == denominators) & (floor % 2 == 1))
    return np.asarray(floor + up.astype(bool))


def reached_at(flights: pd.DataFrame, micros: pd.Series) -> pd.Series:
    """The first full hour after the watermark, counted from it, by which the plan has reached an amount; NaT where it never does."""
    plans, start, wanted = Plans.of(flights), flights["watermark"].to_numpy(zones.DAY), micros.to_numpy("int64", na_value=0)

    def reached(at: zones.Instants) -> Flags:
        planned, known = plans.micros(at)
        return np.asarray(known & (planned >= wanted))

    end = zones.begins(flights["end_date"].to_numpy(zones.DAY) + ONE_DAY, plans.zone)
    low, high = np.zeros(len(flights), dtype="int64"), np.maximum(np.ceil(np.nan_to_num((end - start) / HOUR)), 0).astype("int64")
    never = ~reached(end) | np.isnat(start) | micros.isna().to_numpy()
    while (low < high).any():
        middle = (low + high) // 2
        enough = reached(start + middle * HOUR)
        low, high = np.where(enough, low, middle + 1), np.where(enough, middle, high)
    return pd.Series(pd.DatetimeIndex(start + low * HOUR, tz="UTC"), index=flights.index).mask(never)
