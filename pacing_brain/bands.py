"""Bands on the variance, compared in integers: an edge is hit at exactly its percent, whatever floats would say.

    |actual - target| * 100 >= pct * target

Percents are taken as the decimal numbers that people wrote (33.3 is 333/10).
"""

from collections.abc import Mapping
from typing import Any

import numpy as np
import numpy.typing as npt
import pandas as pd

from pacing_brain.curves import fraction, fractions

SAFE = 2**62

Flags = npt.NDArray[np.bool_]
Micros = npt.NDArray[np.int64]
HEALTHY, WARNING, CRITICAL = range(3)
RANKS: Mapping[str, int] = {"healthy": HEALTHY, "warning": WARNING, "critical": CRITICAL}
WORDS = np.array(list(RANKS), dtype=object)


def ranks(words: pd.Series | npt.NDArray[Any]) -> npt.NDArray[np.int64]:
    """Severities as numbers; what is not known counts as healthy."""
    said = np.asarray(words.to_numpy(dtype=object) if isinstance(words, pd.Series) else words)
    return np.where(said == "critical", CRITICAL, np.where(said == "warning", WARNING, HEALTHY))


def reaches(off: Micros, target: Micros, pct: pd.Series, of_pct: pd.Series | float = 100.0) -> Flags:
    """Where an amount off the target is at least pct percent of it (times of_pct percent).

    A zero target is reached by any amount above nothing, so it never needs a division.
    """
    return np.asarray((off > 0) & (off >= threshold(target, pct, of_pct)), dtype=bool)


def threshold(base: np.ndarray, pct: pd.Series, of_pct: pd.Series | float = 100.0) -> np.ndarray:
    """The least whole number of micros that is pct percent of base (times of_pct percent), exactly: an object or int64 array."""
    p, q = fractions(pct, 100)
    f, g = fractions(of_pct, 100) if isinstance(of_pct, pd.Series) else fraction(of_pct, 100)
    top, bottom = p * f, q * g
    if len(base) and int(top.max()) * int(bottom.max()) < SAFE and int(base.max()) // int(bottom.min()) * int(top.max()) < SAFE:
        return _ceiling(base, top.astype("int64"), bottom.astype("int64"))
    return _ceiling(base.astype(object), top, bottom)


def _ceiling(base: np.ndarray, top: np.ndarray, bottom: np.ndarray) -> np.ndarray:
    """Ceiling of base * top / bottom, split so that no product is larger than it need be."""
    whole, rest = base // bottom, base % bottom
    return np.asarray(whole * top - (-(rest * top) // bottom))


def rank(actual: Micros, target: Micros, values: pd.DataFrame, of_pct: float | pd.Series = 100.0) -> npt.NDArray[np.int64]:
    """The raw band as a number: healthy < warning_pct <= warning < critical_pct <= critical.

    Against a zero target only spend is off plan: it is critical; a credit is not.
    """
    off = np.abs(actual - target)
    warning, critical = (reaches(off, target, values[f"variance_{band}_pct"], of_pct) for band in ("warning", "critical"))
    credit = (target == 0) & (actual <= 0)
    return np.select([credit, critical, warning], [HEALTHY, CRITICAL, WARNING], HEALTHY)


def least_at_stake(budgets: Micros, values: pd.DataFrame) -> Micros:
    """The larger of a share of the budget and an amount of the currency, in micros: less than this is not worth an alert."""
    share = threshold(budgets, values["stake_minimum_pct_of_budget"])
    units, per = fractions(values["stake_units"])
    amount = -(-(units * 1_000_000) // per)
    return np.asarray(np.maximum(share, amount), dtype=np.int64)
