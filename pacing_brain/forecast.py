"""Where a flight will land if it is left alone: its spend at its end, with intervals, and what follows from it. Vectorised.

    own        spent + level * (weekday factors of what is left)                     `spend_rate`; where the plan is not even, its days are taken and
               put back in units of what the plan has for them: a campaign that follows a curve has one level
    landing    own, its rest moved towards the budget that is left by STEERED of their distance (in logarithms) while the two are near: people and
               platforms correct small gaps; from about STEERED_WITHIN apart on, nothing is assumed to be corrected
    scale      rest * SPREAD * sqrt(LEVEL^2 + undecided^2 + (DRIFT drift)^2 + ((DAY spread)^2 + DAILY^2) / days left), of the error (`landing`)

The constants are calibrated on days that the forecast did not see: tests/bench/forecast/README.md says how, and what it printed. Nothing of a
flight's siblings enters: a flight alone has the same forecast.
"""

from dataclasses import dataclass, replace
from typing import Any

import numpy as np
import numpy.typing as npt
import pandas as pd

from pacing_brain import curves, day_weights, pacing, resting, spend_days, spend_rate, zones
from pacing_brain.days import days as as_days
from pacing_brain.landing import Landing
from pacing_brain.spend_rate import Codes, Flags, Floats, Rate
from pacing_brain.widened import widened

STEERED, STEERED_WITHIN = 0.3, 0.3
SPREAD, LEVEL, DRIFT, DAY, DAILY = 0.87, 0.06, 0.2, 0.7, 0.15
LEAST_SCALE = 0.02  # of the budget that is left: a campaign that spends nothing now may start again
BENT = ["front", "back", "custom", "ahead"]
KEPT_WITHIN, KEPT_FROM = 0.35, 0.8  # of a daily budget: so little behind what was due in its month or week, and so much a day in a week, a campaign is kept to it by its platform
NEW_DAYS, ON_LINE = 5, 0.10  # closed days; share of the target: a flight that is new, and keeps to its plan
OTHER_LEVEL, OTHER_PLAN = 1.9, 1.2  # factors: days before a flight are another plan's, where none is known and where one is
LEAST_WEIGHT = 0.05  # of an even day: a day for which less is planned says nothing about the level
AHEAD = 1.2  # an even day's budget, until the flight's is reached
DAY_HOURS, DAY_US = 24.0, 86_400_000_000

MICROS = ("forecast_micros", "forecast_lo50_micros", "forecast_hi50_micros", "forecast_lo_micros", "forecast_hi_micros", "forecast_lo95_micros",
          "forecast_hi95_micros", "expected_over_micros", "expected_under_micros", "needed_daily_micros", "rate_daily_micros",
          "wait_window_micros", "wait_window_off_micros", "wait_answer_micros", "wait_answer_off_micros")
READ = [*curves.COLUMNS, "day_end", "target_micros", "actual_micros", "campaign_key", "campaigns", "daily_budget_micros", "allowed_micros", "lent_micros"]
NUMBERS = ["allowance_ahead_pct", "forecast_tolerance_pct", "variance_warning_pct", "forecast_answer_hours"]
NO_DAY = "No day of the campaign is complete yet, so there is no rate to go by."


@dataclass(frozen=True)
class _Left:
    """What is left of each flight at its watermark, in account days."""

    plans: curves.Plans
    closed: Codes  # the last closed day, as `days.number` counts
    today: Floats  # share of the present day that is over
    whole: Codes  # days after the closed one: the present day and those after it
    spent: Floats  # micros to the watermark
    budget: Floats  # micros of it that are left; may be negative
    planned: Floats  # micros a day that the plan has for the rest

    @classmethod
    def of(cls, flights: pd.DataFrame) -> "_Left":
        plans = curves.Plans.of(flights)
        x, y = plans.elapsed(flights["watermark"].to_numpy(zones.DAY))
        length = plans.last - plans.first + 1
        over = x / y * length
        closed = np.floor(over + 1e-9).astype("int64")
        left = length - over
        spent, budget, target = (flights[name].to_numpy("float64", na_value=np.nan) for name in ("actual_micros", "budget_micros", "target_micros"))
        return cls(plans, plans.first + closed - 1, np.clip(over - closed, 0.0, 1.0), length - closed, spent, budget - spent,
                   np.divide(budget - target, left, out=np.zeros_like(left), where=left > 0))

    @property
    def days(self) -> Floats:
        return np.asarray(self.whole - self.today)

    @property
    def even(self) -> Floats:
        """Micros of an even day."""
        return np.asarray(np.maximum(self.plans.budget.astype("float64") / (self.plans.last - self.plans.first + 1), 1.0))

    @property
    def bent(self) -> Codes:
        """The flights whose plan is not even."""
        return np.flatnonzero(np.isin(self.plans.curve, BENT))


def outlook(flights: pd.DataFrame, days: pd.DataFrame, values: pd.DataFrame, window_hours: float) -> pd.DataFrame:
    """The flights with the `forecast` columns of FLIGHT_COLUMNS; without a forecast they are null, and forecast_why_not says why.

    Args:
        flights: with the columns of plan, match, reconcile, variance and allowance.
        days: the cohort's spend rows, those from before a flight's start included.
        values: `Policy.resolve(flights)`, same index.
        window_hours: until the next run.
    """
    why = _why_not(flights)
    told = why == ""
    rows = pd.DataFrame({name: flights[name].array[told] for name in READ})
    left = _Left.of(rows)
    known = spend_days.history(rows, days, left.closed)
    rate = _rate(_own_only(_plain(known.micros, rows, left), rows, left, days), known.micros, known.weekday)
    usable = (rate.known_days > 0) | (left.whole <= 0)
    figures = _figures(rows, left, rate, known, {name: values[name].to_numpy("float64")[told] for name in NUMBERS}, window_hours)
    why[told], why[np.flatnonzero(told)[~usable]] = None, NO_DAY
    columns = _spread_out({name: np.where(usable, numbers, np.nan) for name, numbers in figures.items()}, told)
    columns["used_up_day"] = _used_up(left, figures["rate_daily_micros"], usable, told)
    columns["forecast_why_not"] = pd.array(why, dtype="str")
    return widened(flights, columns)


def _why_not(flights: pd.DataFrame) -> npt.NDArray[Any]:
    known = pacing.comparable(flights) & ~flights["watermark"].array.isna()
    begun = flights["phase"].to_numpy(dtype=object) != "before"
    return np.select([~begun, ~known], ["The flight has not started.", "Spend or plan to date is not known."], "").astype(object)


def _spread_out(figures: dict[str, Floats], told: Flags) -> dict[str, Any]:
    """Columns of every flight from the figures of those that are told; NaN is null, MICROS are whole."""
    table = np.full((len(figures), len(told)), np.nan)
    table[:, told] = list(figures.values())
    unknown = np.isnan(table)
    whole = np.rint(np.where(unknown, 0.0, table)).astype("int64")
    return {name: pd.arrays.IntegerArray(whole[at], unknown[at]) if name in MICROS else table[at] for at, name in enumerate(figures)}


def _figures(flights: pd.DataFrame, left: _Left, rate: Rate, known: spend_days.SpendDays, values: dict[str, Floats], window_hours: float) -> dict[str, Floats]:
    """Every figure of the forecast by its column's name."""
    weekday = known.weekday
    level = np.nan_to_num(rate.level)
    coming, now = _coming(flights, left, rate, weekday)
    landing = _landing(left, rate, _taken_back(flights, left, level * coming, known.micros), values["allowance_ahead_pct"] > 0)
    pace = level * now
    today = pace * rate.profile[np.arange(len(level)), (weekday + 1) % 7]
    budget = left.spent + left.budget
    tolerance = values["forecast_tolerance_pct"] / 100.0
    figures = {"forecast_micros": landing.middle}
    for name, covered in (("50", 0.50), ("", 0.80), ("95", 0.95)):
        figures[f"forecast_lo{name}_micros"], figures[f"forecast_hi{name}_micros"] = landing.interval(covered)
    over, band = landing.expected_over(budget), values["variance_warning_pct"] / 100.0
    figures |= {"p_over": landing.chance_over(budget * (1.0 + tolerance)), "p_under": 1.0 - landing.chance_over(budget * (1.0 - tolerance)),
                "p_astray": np.maximum(landing.chance_over(budget * (1.0 + band)), 1.0 - landing.chance_over(budget * (1.0 - band))),
                "expected_over_micros": over, "expected_under_micros": np.maximum(over - (landing.middle - budget), 0.0),
                "needed_daily_micros": _needed(flights), "weekday_pct": _weekday_pct(flights, left, rate, weekday),
                "rate_daily_micros": np.where(left.whole > 0, pace, np.nan)}
    hours = {"window": np.full(len(level), window_hours), "answer": values["forecast_answer_hours"]}
    for name, waited in hours.items():
        share = np.minimum(waited / DAY_HOURS, left.days)
        figures |= {f"wait_{name}_micros": today * share, f"wait_{name}_off_micros": (today - left.planned) * share}
    return figures


def _taken_back(flights: pd.DataFrame, left: _Left, own: Floats, micros: Floats) -> Floats:
    """The rest of each flight: of a campaign that its platform keeps to its daily budget, lending and taking back, that budget a day less what is lent."""
    daily, lent, allowed = (flights[name].to_numpy("float64", na_value=np.nan) for name in ("daily_budget_micros", "lent_micros", "allowed_micros"))
    last = micros[:, -7:]
    week = np.nan_to_num(last).sum(axis=1) / np.maximum((~np.isnan(last)).sum(axis=1), 1)
    with np.errstate(invalid="ignore"):
        kept = (daily > 0) & ((allowed > 0) | ((lent >= -KEPT_WITHIN * daily) & (week >= KEPT_FROM * daily)))
        return np.where(kept, np.maximum(daily * left.days - np.nan_to_num(allowed), 0.0), own)


def _landing(left: _Left, rate: Rate, own: Floats, ahead: Flags) -> Landing:
    stops = np.isin(left.plans.curve, ["asap", "ahead"]) | ahead  # the platform ends them at the budget
    own = np.where(stops, np.minimum(own, np.maximum(left.budget, 0.0)), own)
    both = (own > 0) & (left.budget > 0)
    apart = np.log(np.where(both, own, 1.0) / np.where(both, left.budget, 1.0))
    rest = own * np.exp(-STEERED * apart * np.exp(-((apart / STEERED_WITHIN) ** 2) / 2.0))
    daily = _divided((DAY * rate.spread) ** 2 + DAILY**2, left.days)
    scale = rest * np.sqrt(LEVEL**2 + rate.undecided**2 + (DRIFT * rate.drift) ** 2 + np.nan_to_num(daily))
    scale = SPREAD * np.maximum(scale, LEAST_SCALE * np.maximum(left.budget, 0.0))
    return Landing(left.spent + np.where(left.days > 0, rest, 0.0), np.where(left.days > 0, scale, 0.0), left.spent)


def _days_left(left: _Left, rate: Rate, weekday: Codes) -> Floats:
    """Ordinary days that are left, by their weekday factors; the present day by what of it is left."""
    order = (weekday[:, None] + 1 + np.arange(7)[None, :]) % 7
    coming = np.take_along_axis(rate.profile, order, axis=1)
    sums = np.cumsum(np.pad(coming, ((0, 0), (1, 0))), axis=1)
    weeks, rest = np.divmod(np.maximum(left.whole, 0), 7)
    return np.where(left.whole > 0, 7.0 * weeks + sums[np.arange(len(sums)), rest] - left.today * coming[:, 0], 0.0)


def _rate(plain: Floats, micros: Floats, weekday: Codes) -> Rate:
    """The rate of days on which each campaign works; on its weekdays of rest it has none."""
    rests = resting.weekdays(~(micros <= 0))
    rate = spend_rate.rate(np.where(np.tile(rests, plain.shape[1] // 7), np.nan, plain), weekday)
    of = (weekday[:, None] - np.arange(plain.shape[1] - 1, plain.shape[1] - 8, -1)) % 7  # the weekday of the first seven columns
    profile = rate.profile.copy()
    np.put_along_axis(profile, of, np.where(rests, 0.0, np.take_along_axis(profile, of, axis=1)), axis=1)
    return replace(rate, profile=profile)


def _plain(micros: Floats, flights: pd.DataFrame, left: _Left) -> Floats:
    """Spend of the last days as it were on even ones: without the weights of the calendar, and without the bends of the plan."""
    plain = day_weights.without(micros, flights, left.closed)
    if len(bent := left.bent):
        width = micros.shape[1]
        day = left.closed[bent][:, None] - np.arange(width)[::-1]
        weight = _weight(flights, left, np.repeat(bent, width), day.ravel()).reshape(day.shape)
        plain[bent] = np.divide(micros[bent], weight, out=np.full(day.shape, np.nan), where=weight >= LEAST_WEIGHT)
    return plain


def _planned_before(flights: pd.DataFrame, days: pd.DataFrame) -> Flags:
    """Whether the days of a flight's campaign belong to several lines of the plan."""
    planned = ~days["flight_id"].array.isna()
    (campaign, keys), (line, lines) = (pd.factorize(days[name].array[planned]) for name in ("campaign_key", "flight_id"))
    of_each = np.bincount(np.unique(campaign * (len(lines) + 1) + line) // (len(lines) + 1), minlength=len(keys))
    return np.asarray(flights["campaign_key"].isin(keys[of_each > 1]).to_numpy(dtype=bool))


def _own_only(plain: Floats, flights: pd.DataFrame, left: _Left, days: pd.DataFrame) -> Floats:
    """Without the days before a flight where they say nothing about it: it is new, its own days keep to its plan, and those before were at another level."""
    own = left.closed - left.plans.first + 1
    target = flights["target_micros"].to_numpy("float64", na_value=np.nan)
    new = (own >= 1) & (own < NEW_DAYS) & (np.abs(left.spent - target) <= ON_LINE * target)
    if not new.any():
        return plain
    before = (left.closed[:, None] - np.arange(plain.shape[1])[::-1]) < left.plans.first[:, None]
    count = (before & ~np.isnan(plain)).sum(axis=1)
    usual = np.where(before, np.nan_to_num(plain), 0.0).sum(axis=1) / np.maximum(count, 1) / left.even
    factor = np.where(_planned_before(flights, days), OTHER_PLAN, OTHER_LEVEL)
    other = (count > 0) & ((usual >= factor) | (usual <= 1.0 / factor))
    return np.where((new & other)[:, None] & before, np.nan, plain)


def _weight(flights: pd.DataFrame, left: _Left, of: Codes, day: Codes) -> Floats:
    """What the plan has for account days, each `of` a flight by its position, in even days; 1 before the flight."""
    plans = curves.Plans.of(flights, of)
    (before, known), (after, _) = (plans.micros(zones.begins(as_days(at).to_numpy(zones.DAY), plans.zone)) for at in (day, day + 1))
    return np.where(day < plans.first, 1.0, np.where(known, after - before, np.nan) / left.even[of])


def _coming(flights: pd.DataFrame, left: _Left, rate: Rate, weekday: Codes) -> tuple[Floats, Floats]:
    """(ordinary days that are left, by their weekday factors and by what the plan has for them; how much of one the present day is)."""
    plain = _days_left(left, rate, weekday)
    coming = np.maximum(plain + day_weights.more_days(flights, left.closed, left.today, rate.profile, weekday), 0.0)
    now, ahead = np.ones(len(flights)), left.plans.curve == "ahead"
    if len(bent := left.bent):
        days = left.days[bent]
        mix = np.nan_to_num(_divided(plain[bent], days), nan=1.0)
        coming[bent] = np.maximum(left.planned[bent], 0.0) * np.maximum(days, 0.0) / left.even[bent] * mix
        now[bent] = _weight(flights, left, bent, left.closed[bent] + 1)
    coming[ahead], now[ahead] = AHEAD * np.maximum(plain[ahead], 0.0), AHEAD  # the platform ends it at the budget
    return coming, np.nan_to_num(now, nan=1.0)


def _weekday_pct(flights: pd.DataFrame, left: _Left, rate: Rate, weekday: Codes) -> Floats:
    """What its own weekdays add to an even plan to date, in percent of it: the mean factor of the days that are over against that of all its days."""
    begun = left.closed - left.plans.first + 1
    over = begun + left.today
    coming = _days_left(left, rate, weekday)
    weeks, rest = np.divmod(np.maximum(begun, 0), 7)
    order = (weekday[:, None] - np.arange(7)[None, :]) % 7
    back = np.cumsum(np.pad(np.take_along_axis(rate.profile, order, axis=1), ((0, 0), (1, 0))), axis=1)
    done = 7.0 * weeks + back[np.arange(len(back)), rest] + left.today * rate.profile[np.arange(len(back)), (weekday + 1) % 7]
    mean = _divided(done + coming, (begun + left.whole).astype("float64"))
    return np.where((left.plans.curve == "even") & flights["day_weights"].array.isna(), (_divided(_divided(done, over), mean) - 1.0) * 100.0, np.nan)


def _needed(flights: pd.DataFrame) -> Floats:
    """What each 24 hours that are left may take, cut to whole micros; 0 once the budget is spent, NaN without time left."""
    micros = np.maximum(flights["budget_micros"].to_numpy("int64") - flights["actual_micros"].to_numpy("int64"), 0).astype(object)
    left = np.maximum((flights["day_end"].to_numpy(zones.DAY) - flights["watermark"].to_numpy(zones.DAY)).astype("int64"), 0).astype(object)
    there = left > 0
    return np.where(there, micros * DAY_US // np.where(there, left, 1), np.nan).astype("float64")


def _used_up(left: _Left, level: Floats, usable: Flags, told: Flags) -> npt.NDArray[np.datetime64]:
    """The account day on which the budget of those told is used up at today's rate; null where it is not before the flight's end, or is already."""
    ahead = _divided(left.budget, level)
    inside = usable & (left.budget > 0) & (ahead < left.days - 1e-6)
    day = left.closed + 1 + np.floor(left.today + np.where(inside, ahead, 0.0)).astype("int64")
    found = np.full(len(told), zones.NEVER, dtype=zones.DAY)
    found[told] = np.where(inside, as_days(day).to_numpy(zones.DAY), zones.NEVER)
    return found


def _divided(top: Floats, bottom: Floats) -> Floats:
    """The quotient; NaN where the bottom is not above zero."""
    return np.asarray(np.divide(top, bottom, out=np.full(len(bottom), np.nan), where=bottom > 0))
