"""Bands on the variance, compared in integers: an edge is hit at exactly its percent, whatever floats would say.

    |actual - target| * 100 >= pct * target

Percents are taken as the decimal numbers that people wrote (33.3 is 333/10).
"""

from collections.abc import Mapping

import numpy as np
import pandas as pd

from pacing_brain.curves import fraction, fractions

SAFE = 2**62


HEALTHY, WARNING, CRITICAL = range(3)
RANKS: Mapping[str, int] = {"healthy": HEALTHY, "warning": WARNING, "critical": CRITICAL}
WORDS = np.array(list(RANKS))


def ranks(words: pd.Series) -> np.ndarray:
    """Severities as numbers; what is not known counts as healthy."""
    return np.array([RANKS.get(word, HEALTHY) for word in words.tolist()], dtype=np.int64)


def off_micros(actual: pd.Series, target: pd.Series) -> np.ndarray:
    """|actual - target|; 0 where either is unknown."""
    known = ~(actual.array.isna() | target.array.isna())
    return np.where(known, np.abs(_whole(actual) - _whole(target)), 0)


def _whole(micros: pd.Series) -> np.ndarray:
    return np.asarray(micros.to_numpy("int64", na_value=0))


def reaches(actual: pd.Series, target: pd.Series, pct: pd.Series, of_pct: pd.Series | float = 100.0) -> np.ndarray:
    """Where |actual - target| is at least pct percent of target (times of_pct percent); false where either is unknown.

    A zero target is reached by any amount above nothing, so it never needs a division.
    """
    return _reached(off_micros(actual, target), _whole(target), pct, of_pct)


def _reached(off: np.ndarray, base: np.ndarray, pct: pd.Series, of_pct: pd.Series | float) -> np.ndarray:
    return np.asarray((off > 0) & (off >= threshold(base, pct, of_pct)), dtype=bool)


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


def severity(actual: pd.Series, target: pd.Series, values: pd.DataFrame, of_pct: float | pd.Series = 100.0) -> pd.Series:
    """The raw band: healthy < warning_pct <= warning < critical_pct <= critical; null where the actual or the target is unknown.

    Against a zero target only spend is off plan: it is critical; a credit is not.
    """
    words = pd.Series(WORDS[rank(actual, target, values, of_pct)], index=actual.index, dtype="str")
    return words.mask(actual.isna() | target.isna())


def rank(actual: pd.Series, target: pd.Series, values: pd.DataFrame, of_pct: float | pd.Series = 100.0) -> np.ndarray:
    """`severity` as numbers; healthy where the actual or the target is unknown."""
    off, base = off_micros(actual, target), _whole(target)
    warning, critical = (_reached(off, base, values[f"variance_{band}_pct"], of_pct) for band in ("warning", "critical"))
    credit = (base == 0) & (_whole(actual) <= 0)
    return np.select([credit, critical, warning], [HEALTHY, CRITICAL, WARNING], HEALTHY)


def least_at_stake(budgets: pd.Series, values: pd.DataFrame) -> pd.Series:
    """The larger of a share of the budget and an amount of the currency, in micros: less than this is not worth an alert."""
    share = threshold(budgets.to_numpy("int64"), values["stake_minimum_pct_of_budget"])
    units, per = fractions(values["stake_units"])
    amount = -(-(units * 1_000_000) // per)
    return pd.Series(np.maximum(share.astype(object), amount).astype("int64"), index=budgets.index)
