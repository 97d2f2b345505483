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

from fractions import Fraction

import numpy as np
import pandas as pd

from pacing_brain import day_weights, zones
from pacing_brain.days import number

Share = tuple[np.ndarray, np.ndarray]  # numerator, denominator: Python integers
ONE_DAY = np.timedelta64(1, "D")
COLUMNS = ["start_date", "end_date", "account_timezone", "budget_micros", "curve", "curve_pct", "target_to_date_micros", "updated_at", "watermark", "day_weights"]
CURVES = ("even", "ahead", "asap", "front", "back", "custom")


def planned_micros(flights: pd.DataFrame, at: pd.Series) -> pd.Series:
    """Planned from the flight's start to each instant, clipped at its end, rounded half-even once.

    Args:
        flights: with `COLUMNS`.
        at: instants, same index.

    Returns:
        Int64 micros; null where the instant, the zone, the curve's percent or a custom curve's target is not known.
    """
    share = _curve(flights, *weighted(flights, at))
    budgets = flights["budget_micros"].to_numpy("int64").astype(object)
    stated = flights["target_to_date_micros"].notna().to_numpy(dtype=bool) & (words(flights) != "asap")
    share = _anchored(flights, share, budgets, stated)
    known = ~np.isnat(at.to_numpy(zones.DAY)) & ~flights["account_timezone"].array.isna() & _has_figures(flights, stated)
    planned = np.where(known, _half_even(budgets * share[0], share[1]), 0)
    return pd.Series(pd.arrays.IntegerArray(planned.astype("int64"), ~known), index=flights.index)


def elapsed(flights: pd.DataFrame, at: pd.Series) -> Share:
    """The elapsed share x / y of each flight at the instants: 0 before its start (and where unknown), 1 from its end on."""
    zone, instants = zones.by_zone(flights["account_timezone"]), at.to_numpy(dtype=zones.DAY)
    day = zones.days_of(instants, zone)
    begin, end = zones.begins(day, zone), zones.begins(day + ONE_DAY, zone)
    known = ~np.isnat(day)
    length = np.where(known, (end - begin).astype(np.int64), 1)
    gone = np.where(known, (instants - begin).astype(np.int64), 0)
    first, last = number(flights["start_date"]), number(flights["end_date"])
    before = np.where(known, number(day) - first, 0)
    whole = (last - first + 1) * length
    return np.clip(before * length + gone, 0, whole).astype(object), whole.astype(object)


def weighted(flights: pd.DataFrame, at: pd.Series) -> Share:
    """The elapsed share with each day counted by its weight."""
    x, y = elapsed(flights, at)
    special = day_weights.of(flights)
    if not special:
        return x, y
    start, end = number(flights["start_date"]), number(flights["end_date"])
    length = y // np.maximum(end - start + 1, 1)
    gone, all_days = x.copy() * day_weights.WHOLE, y.copy() * day_weights.WHOLE
    for rows, day, weight in special:
        inside = rows[(start[rows] <= day) & (day <= end[rows])]
        of_day = np.clip(x[inside] - (day - start[inside]).astype(object) * length[inside], 0, length[inside])
        gone[inside] += (weight - day_weights.WHOLE) * of_day
        all_days[inside] += (weight - day_weights.WHOLE) * length[inside]
    nothing = all_days <= 0  # a flight of gaps alone is paced as if there were none
    return np.where(nothing, x, gone), np.where(nothing, y, all_days)


def words(flights: pd.DataFrame) -> np.ndarray:
    """The curves as an object array."""
    return np.asarray(flights["curve"], dtype=object)


def _has_figures(flights: pd.DataFrame, stated: np.ndarray) -> np.ndarray:
    """Whether the curve's own figures are there."""
    curve = words(flights)
    halves = (curve == "front") | (curve == "back")
    named = np.logical_or.reduce([curve == one for one in CURVES])
    return np.asarray(named & (flights["curve_pct"].notna().to_numpy() | ~halves) & (stated | (curve != "custom")))


def _curve(flights: pd.DataFrame, x: np.ndarray, y: np.ndarray) -> Share:
    """The planned share at elapsed share x / y."""
    curve = words(flights)
    ahead, asap, halves = curve == "ahead", curve == "asap", (curve == "front") | (curve == "back")
    share_x, share_y = x.copy(), y.copy()
    share_x[ahead], share_y[ahead] = np.minimum(6 * x[ahead], 5 * y[ahead]), 5 * y[ahead]
    share_x[asap] = y[asap]
    if halves.any():
        share_x[halves], share_y[halves] = _halves(flights[halves], x[halves], y[halves])
    return share_x, share_y


def _halves(flights: pd.DataFrame, x: np.ndarray, y: np.ndarray) -> Share:
    """A share p of the budget over the first half, 1 - p over the second; with an odd number of days the middle one has half of each rate."""
    p, q = fractions(flights["curve_pct"].fillna(0.0), 100)
    p = np.where(flights["curve"].eq("back"), q - p, p)
    first, second = p * 2 * x, p * y + (q - p) * (2 * x - y)
    return np.where(2 * x <= y, first, second), q * y


def _anchored(flights: pd.DataFrame, share: Share, budgets: np.ndarray, stated: np.ndarray) -> Share:
    """Shares bent through the stated target to date, where one is stated."""
    if not stated.any():
        return share
    rows = flights[stated]
    target = np.clip(rows["target_to_date_micros"].astype("int64").to_numpy(), 0, rows["budget_micros"].to_numpy("int64")).astype(object)
    cx, cy = share[0][stated], share[1][stated]
    ux, uy = _curve(rows, *weighted(rows, _anchors(rows)))
    budget = budgets[stated]
    rising = cx * uy < ux * cy  # before the anchor
    low_x, low_y = target * cx * uy, np.maximum(ux, 1) * cy
    open_end = np.maximum(uy - ux, 0)
    high_x, high_y = target * open_end * cy + (budget - target) * (cx * uy - ux * cy), np.where(open_end == 0, 1, open_end) * cy
    high_x, high_y = np.where(open_end == 0, target, high_x), np.where(open_end == 0, 1, high_y)
    bent_x, bent_y = share[0].copy(), share[1].copy()
    bent_x[stated], bent_y[stated] = np.where(rising, low_x, high_x), np.where(rising, low_y, high_y) * np.maximum(budget, 1)
    return bent_x, bent_y


def _anchors(flights: pd.DataFrame) -> pd.Series:
    """The instant at which the stated target holds."""
    zone = flights["account_timezone"]
    updated = zones.midnights(zones.local_days(flights["updated_at"], zone) + ONE_DAY, zone)
    return updated.where(updated.notna(), flights["watermark"].astype(zones.INSTANT))


def fractions(values: pd.Series | np.ndarray, scale: int = 1) -> Share:
    """Decimal numbers as exact numerators and denominators, divided by `scale`: 33.3 is 333/10, not its binary neighbour."""
    codes, unique = pd.factorize(np.asarray(values, dtype="float64"))
    exact = [fraction(value, scale) for value in unique]
    numerators, denominators = (np.array([pair[at] for pair in exact], dtype=object) for at in range(2))
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
    start = flights["watermark"].astype(zones.INSTANT)
    end = zones.midnights(flights["end_date"] + ONE_DAY, flights["account_timezone"])
    hours = np.ceil(np.asarray((end - start).dt.total_seconds().fillna(0), dtype="float64") / 3600.0)
    low, high = np.zeros(len(flights), dtype="int64"), np.maximum(hours, 0).astype("int64")
    never = planned_micros(flights, end).lt(micros).fillna(value=True) | start.isna() | micros.isna()
    while (low < high).any():
        middle = (low + high) // 2
        enough = planned_micros(flights, start + pd.to_timedelta(middle, unit="h")).ge(micros).fillna(value=True).to_numpy(dtype=bool)
        low, high = np.where(enough, low, middle + 1), np.where(enough, middle, high)
    return (start + pd.to_timedelta(low, unit="h")).mask(never)
