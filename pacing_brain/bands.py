"""Bands on the variance, compared in integers: an edge is hit at exactly its percent, whatever floats would say.

    |actual - target| * 100 >= pct * target

Percents are taken as the decimal numbers that people wrote (33.3 is 333/10).
"""

import numpy as np
import pandas as pd

from pacing_brain.curves import fractions

SAFE = 2**62


def off_micros(actual: pd.Series, target: pd.Series) -> pd.Series:
    """|actual - target| as Int64."""
    return (actual.astype("Int64") - target.astype("Int64")).abs()


def reaches(actual: pd.Series, target: pd.Series, pct: pd.Series, of_pct: pd.Series | float = 100.0) -> np.ndarray:
    """Where |actual - target| is at least pct percent of target (times of_pct percent); false where either is unknown.

    A zero target is reached by any amount above nothing, so it never needs a division.
    """
    known = (actual.notna() & target.notna()).to_numpy()
    off = off_micros(actual, target).fillna(0).to_numpy("int64")
    base = target.astype("Int64").fillna(0).to_numpy("int64")
    return np.asarray(known & (off > 0) & (off >= threshold(base, pct, of_pct)), dtype=bool)


def threshold(base: np.ndarray, pct: pd.Series, of_pct: pd.Series | float = 100.0) -> np.ndarray:
    """The least whole number of micros that is pct percent of base (times of_pct percent), exactly: an object or int64 array."""
    factor = of_pct if isinstance(of_pct, pd.Series) else pd.Series(of_pct, index=pct.index)
    p, q = fractions(pct, 100)
    f, g = fractions(factor, 100)
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
    warning = reaches(actual, target, values["variance_warning_pct"], of_pct)
    critical = reaches(actual, target, values["variance_critical_pct"], of_pct)
    credit = (target.eq(0) & actual.le(0)).fillna(value=False).to_numpy(dtype=bool)
    words = np.select([credit, critical, warning], ["healthy", "critical", "warning"], "healthy")
    return pd.Series(words, index=actual.index, dtype="str").mask(actual.isna() | target.isna())


def least_at_stake(budgets: pd.Series, values: pd.DataFrame) -> pd.Series:
    """The larger of a share of the budget and an amount of the currency, in micros: less than this is not worth an alert."""
    share = threshold(budgets.to_numpy("int64"), values["stake_minimum_pct_of_budget"])
    units, per = fractions(values["stake_units"])
    amount = -(-(units * 1_000_000) // per)
    return pd.Series(np.maximum(share.astype(object), amount).astype("int64"), index=budgets.index)
