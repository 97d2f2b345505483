"""Weekdays on which a campaign rests by habit: its last two of them had no spend, while most other days did. Such a day says nothing about its level.

One silent weekday is no habit yet, and what lies before the first day with spend says nothing.
"""

import numpy as np
import numpy.typing as npt

Flags = npt.NDArray[np.bool_]
Codes = npt.NDArray[np.int64]

WEEK, LEAST_DAYS = 7, 6  # days with spend, of the last fourteen: a campaign with fewer is not resting but over


def weekdays(delivered: Flags) -> Flags:
    """(n, 7): whether the weekday of columns k, k + 7, ... is one of rest. delivered: (n, days in whole weeks, two at least) with spend, the newest day last."""
    nothing = (np.logical_or.accumulate(delivered, axis=1) & ~delivered).reshape(len(delivered), delivered.shape[1] // WEEK, WEEK)
    lives = delivered[:, -2 * WEEK:].sum(axis=1) >= LEAST_DAYS
    return np.asarray(nothing[:, -1] & nothing[:, -2] & lives[:, None])


def at_rest(n: int, flight: Codes, day: Codes, closed: Codes) -> Flags:
    """Whether each of n flights had no spend on its last `closed` day, and all days since the last one with spend are days of rest: nothing is missing.

    `flight` and `day` are those of each day with spend, days as `days.number` counts.
    """
    delivered = np.zeros((n, 3 * WEEK), dtype=bool)
    column = 3 * WEEK - 1 - (closed[flight] - day)
    inside = (column >= 0) & (column < 3 * WEEK)
    delivered[flight[inside], column[inside]] = True
    last_week = delivered[:, :-WEEK - 1:-1]  # the newest day first
    rests = weekdays(delivered[:, :-WEEK])[:, ::-1]
    silent = ~np.logical_or.accumulate(last_week, axis=1)
    return np.asarray(silent[:, 0] & ~silent[:, -1] & ~(silent & ~rests).any(axis=1))
