"""At what rate a campaign spends now, from its own last days: weekday profile, present level, and how uncertain that level is.

A matrix has one row per flight and a column per account day, the last closed day last; a day that is not known is NaN. Each row is computed
from itself alone, so that a flight has the same figures whoever else is in the cohort.

    profile    a weekday's spend over the centred mean of the week around it, cut to [1/2, 2], shrunk towards 1 as if `PROFILE_DAYS` more weeks
               had shown nothing; seven factors of mean 1
    noise      spread of the logarithms of neighbouring days (median of differences), shrunk towards `NOISE_PRIOR`
    level      the mean of what the days show without their weekday, recent days weighing more (half-life `HALF_LIFE_DAYS`); outliers are cut to
               `OUTLIER` times the noise around the median of their five days
    shift      the present level may have begun 1 to `SHIFT_DAYS` days ago. Each beginning is weighed by how much better two levels fit than one
               (a Gaussian likelihood, its gain divided by `SHIFT_CAUTION`, since real days are not independent), against a prior of
               exp(-`SHIFT_PENALTY`) that there was any; the level is the mean over all beginnings

Why these numbers: tests/bench/forecast/README.md.
"""

from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

Floats = npt.NDArray[np.float64]
Codes = npt.NDArray[np.int64]
Flags = npt.NDArray[np.bool_]

HISTORY_DAYS = 28
PROFILE_DAYS = 4.0
PROFILE_CUT = 2.0
NOISE_PRIOR, NOISE_PRIOR_DAYS = 0.15, 7.0
HALF_LIFE_DAYS = 6.0
OUTLIER = 2.5
SHIFT_DAYS, SHIFT_WINDOW = 14, 21
SHIFT_CAUTION, SHIFT_PENALTY = 5.0, 4.0
LEAST_BEFORE, LEAST_AFTER = 5, 1  # days on each side of a shift; fewer cannot tell a level
RECENT_DAYS = 14  # of the spread and the drift
FLOOR = 0.05  # of the median day: what a day without spend counts as in logarithms
MAD_TO_SD = 1.4826 / np.sqrt(2.0)  # of differences of two equal Gaussians


@dataclass(frozen=True)
class Rate:
    """Of each flight. level: micros per ordinary day, NaN where no day is known. profile: (n, 7), Monday first. The rest are relative spreads."""

    level: Floats
    profile: Floats
    undecided: Floats  # between the levels that a shift may have left
    drift: Floats  # of the level from half-week to half-week
    spread: Floats  # of a day around its level
    known_days: Codes


def rate(days: Floats, weekday: Codes) -> Rate:
    """The rate of each row.

    Args:
        days: (n, HISTORY_DAYS) micros, NaN where unknown, the last closed day last.
        weekday: (n,) of the last column, Monday 0.
    """
    known = ~np.isnan(days)
    of = (weekday[:, None] - np.arange(days.shape[1])[::-1][None, :]) % 7
    profile = _profile(days, known, of)
    plain = np.where(known, days, 0.0) / np.take_along_axis(profile, of, axis=1)
    logs, middle = _logs(plain, known)
    noise = _noise(logs, known)
    near = _running_median(logs)
    cut = np.clip(logs, near - OUTLIER * noise[:, None], near + OUTLIER * noise[:, None])
    level, undecided = _level(_Days(known, logs, cut, middle), noise)
    return Rate(np.where(known.any(axis=1), level, np.nan), profile, undecided, _drift(logs, known), _spread(logs, known), known.sum(axis=1))


def _profile(days: Floats, known: Flags, of: Codes) -> Floats:
    """Seven factors per row from the days whose whole week around them is known."""
    width = days.shape[1]
    first = np.clip(np.arange(width) - 3, 0, max(width - 7, 0))
    sums = np.cumsum(np.pad(np.where(known, days, 0.0), ((0, 0), (1, 0))), axis=1)
    counts = np.cumsum(np.pad(known, ((0, 0), (1, 0))), axis=1)
    week = (sums[:, first + 7] - sums[:, first]) / 7.0
    usable = known & (counts[:, first + 7] - counts[:, first] == 7) & (week > 0)
    ratio = np.clip(np.divide(days, week, out=np.ones_like(days), where=usable), 1 / PROFILE_CUT, PROFILE_CUT)
    factors = np.empty((len(days), 7))
    for day in range(7):
        mine = usable & (of == day)
        factors[:, day] = (np.where(mine, ratio, 0.0).sum(axis=1) + PROFILE_DAYS) / (mine.sum(axis=1) + PROFILE_DAYS)
    return np.asarray(factors / factors.mean(axis=1, keepdims=True))


def _logs(plain: Floats, known: Flags) -> tuple[Floats, Floats]:
    """(logarithms over the median day, that median); a day with nothing is FLOOR of it, an unknown one is as the one before it, else the next."""
    middle = _median(plain, known)
    logs = np.log(np.maximum(plain / np.where(middle > 0, middle, 1.0)[:, None], FLOOR))
    at = np.where(known, np.arange(plain.shape[1]), -1)
    before = np.maximum.accumulate(at, axis=1)
    first = np.where(known.any(axis=1), known.argmax(axis=1), 0)
    return np.take_along_axis(logs, np.where(before >= 0, before, first[:, None]), axis=1), middle


def _median(values: Floats, known: Flags) -> Floats:
    """The lower median of each row's known days in the last SHIFT_WINDOW; 0 without any."""
    recent = slice(-SHIFT_WINDOW, None)
    ordered = np.sort(np.where(known[:, recent], values[:, recent], np.inf), axis=1)
    count = known[:, recent].sum(axis=1)
    middle = np.take_along_axis(ordered, np.maximum(count - 1, 0)[:, None] // 2, axis=1)[:, 0]
    return np.where(count > 0, middle, 0.0)


def _spend(logs: Floats, middle: Floats) -> Floats:
    """Back from logarithms; what was at the floor is nothing."""
    return np.where(logs <= np.log(FLOOR) + 1e-9, 0.0, np.exp(logs)) * middle[:, None]


def _noise(logs: Floats, known: Flags) -> Floats:
    both = known[:, 1:] & known[:, :-1]
    size = np.sort(np.where(both, np.abs(np.diff(logs, axis=1)), np.inf), axis=1)
    count = both.sum(axis=1)
    middle = np.take_along_axis(size, np.maximum(count - 1, 0)[:, None] // 2, axis=1)[:, 0]
    own = np.where(count > 0, middle, 0.0) * MAD_TO_SD
    return np.asarray(np.sqrt((own**2 * count + NOISE_PRIOR**2 * NOISE_PRIOR_DAYS) / (count + NOISE_PRIOR_DAYS)))


def _running_median(logs: Floats) -> Floats:
    """The median of the five days around each day; at the ends of the last or first five, so that a new level is not cut away."""
    width = logs.shape[1]
    first = np.clip(np.arange(width) - 2, 0, width - 5)
    return np.asarray(np.sort(logs[:, first[:, None] + np.arange(5)], axis=2)[:, :, 2])


@dataclass(frozen=True)
class _Days:
    known: Flags
    logs: Floats
    cut: Floats  # without outliers
    middle: Floats  # micros of logarithm 0


def _level(days: _Days, noise: Floats) -> tuple[Floats, Floats]:
    """(level, spread between the levels that are possible), averaged over when the present level may have begun.

    Outliers are cut out of what was before a shift, not out of what came after it: there they may be the shift.
    """
    age = np.arange(days.known.shape[1])[::-1]
    steady = _recent_mean(_spend(days.cut, days.middle), days.known, age)[:, -1:]
    shifted = _recent_mean(_spend(days.logs, days.middle), days.known, age)[:, :SHIFT_DAYS]
    inside = days.known & (age < SHIFT_WINDOW)
    count, whole, plain = (_from_end(np.where(inside, values, 0.0)) for values in (np.ones_like(days.logs), days.cut, days.logs))
    after, before = count[:, :SHIFT_DAYS], count[:, -1:] - count[:, :SHIFT_DAYS]
    step = plain[:, :SHIFT_DAYS] / np.maximum(after, 1.0) - (whole[:, -1:] - whole[:, :SHIFT_DAYS]) / np.maximum(before, 1.0)
    gain = after * before / np.maximum(count[:, -1:], 1.0) * (step / noise[:, None]) ** 2
    possible = (before >= LEAST_BEFORE) & (after >= LEAST_AFTER) & days.known[:, ::-1][:, :SHIFT_DAYS]
    chance = np.where(possible, np.exp(np.minimum(0.5 * gain / SHIFT_CAUTION - SHIFT_PENALTY, 600.0)) / SHIFT_DAYS, 0.0)
    chances = np.concatenate([np.ones((len(chance), 1)), chance], axis=1)
    chances /= chances.sum(axis=1, keepdims=True)
    levels = np.concatenate([steady, shifted], axis=1)
    level = (chances * levels).sum(axis=1)
    apart = np.log(np.maximum(levels, 1.0)) - np.log(np.maximum(level, 1.0))[:, None]
    return level, np.sqrt((chances * apart**2).sum(axis=1))


def _recent_mean(plain: Floats, known: Flags, age: Codes) -> Floats:
    """Column r: the mean of the last r + 1 days, recent ones weighing more."""
    weight = np.where(known, 0.5 ** (age / HALF_LIFE_DAYS), 0.0)
    return np.asarray(_from_end(weight * plain) / np.maximum(_from_end(weight), 1e-12))


def _from_end(values: Floats) -> Floats:
    """Running sums from the last column backwards: column r is the sum of the last r + 1."""
    return np.cumsum(values[:, ::-1], axis=1)


def _drift(logs: Floats, known: Flags) -> Floats:
    """Root mean square of the changes between the means of the last 3, 4, 3 and 4 days, as far as they are known."""
    means, there, last = [], [], logs.shape[1]
    for days in (3, 4, 3, 4):
        part = slice(last - days, last)
        means.append(logs[:, part].mean(axis=1))
        there.append(known[:, part].all(axis=1))
        last -= days
    changes = np.stack([np.where(there[i] & there[i + 1], (means[i] - means[i + 1]) ** 2, 0.0) for i in range(3)])
    count = np.stack([there[i] & there[i + 1] for i in range(3)]).sum(axis=0)
    return np.asarray(np.sqrt(changes.sum(axis=0) / np.maximum(count, 1)))


def _spread(logs: Floats, known: Flags) -> Floats:
    """Standard deviation of the last RECENT_DAYS known logarithms; the prior where there are fewer than three."""
    part, there = logs[:, -RECENT_DAYS:], known[:, -RECENT_DAYS:]
    count = there.sum(axis=1)
    mean = np.where(there, part, 0.0).sum(axis=1) / np.maximum(count, 1)
    square = np.where(there, (part - mean[:, None]) ** 2, 0.0).sum(axis=1) / np.maximum(count, 1)
    return np.where(count >= 3, np.sqrt(square), NOISE_PRIOR)
