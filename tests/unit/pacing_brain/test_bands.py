"""Bands on the variance, compared in integers."""

from fractions import Fraction

import numpy as np
import pandas as pd
import pytest
from hypothesis import given, settings, strategies as st

from pacing_brain import bands
from pacing_brain.policy import Policy

MICROS = st.one_of(st.integers(0, 10**16), st.integers(0, 2000))
PERCENTS = st.one_of(st.sampled_from([10.0, 25.0, 12.5, 33.3, 0.1, 7.77, 250.0]), st.floats(0.01, 500.0))
CRITICAL_EDGE, WARNING_EDGE = 25, 10
TARGET = 34_500_000_001


def ints(*numbers):
    return np.array(numbers, dtype=np.int64)


def policy_values(n, **variance):
    return Policy.model_validate({"variance": variance}).resolve(pd.DataFrame(index=range(n)))


def word(actual, target, **variance):
    return bands.WORDS[bands.rank(ints(actual), ints(target), policy_values(1, **variance))][0]


@settings(deadline=None)
@given(st.lists(st.tuples(MICROS, MICROS, PERCENTS), min_size=1, max_size=10))
def test_an_edge_is_reached_exactly_as_in_fractions(rows):
    """reaches(|a - t|) is |a - t| >= pct / 100 * t in exact fractions, for any amounts to 1e16 micros and any percent."""
    actual, target, pct = ints(*(a for a, _, _ in rows)), ints(*(t for _, t, _ in rows)), pd.Series([p for _, _, p in rows])
    slow = [a != t and abs(a - t) >= Fraction(repr(p)) / 100 * t for a, t, p in rows]
    assert bands.reaches(np.abs(actual - target), target, pct).tolist() == slow


@settings(deadline=None)
@given(st.lists(st.tuples(st.integers(-10**17, 10**17), st.integers(0, 10**17)), min_size=1, max_size=10))
def test_bands_equal_their_definition(rows):
    """healthy < 10 <= warning < 25 <= critical on |a - t| * 100 against pct * t; against a zero target only spend is off plan."""
    def slow(a, t):
        if t == 0:
            return "critical" if a > 0 else "healthy"
        return "critical" if abs(a - t) * 100 >= 25 * t else "warning" if abs(a - t) * 100 >= 10 * t else "healthy"

    found = bands.rank(ints(*(a for a, _ in rows)), ints(*(t for _, t in rows)), policy_values(len(rows)))
    assert bands.WORDS[found].tolist() == [slow(a, t) for a, t in rows]


@pytest.mark.parametrize("side", [1, -1])
@pytest.mark.parametrize(("pct", "below", "at"), [(WARNING_EDGE, "healthy", "warning"), (CRITICAL_EDGE, "warning", "critical")])
def test_every_edge_belongs_to_the_band_above_it(side, pct, below, at):
    """Exactly 10 % is a warning and exactly 25 % is critical, over and under; one micro less is not."""
    target = 34_500_000_000
    off = target * pct // 100
    assert word(target + side * off, target) == at
    assert word(target + side * (off - 1), target) == below


@pytest.mark.parametrize("side", [1, -1])
def test_an_edge_between_two_micros_rounds_up(side):
    """Where 25 % is no whole number of micros, the next whole micro is the first one that is critical."""
    off = -(-TARGET * CRITICAL_EDGE // 100)
    assert word(TARGET + side * off, TARGET) == "critical"
    assert word(TARGET + side * (off - 1), TARGET) == "warning"


def test_edges_are_exact_where_floats_are_not():
    """At 1e15 micros and more one micro decides, which a float could not tell."""
    target = 9_007_199_254_740_993 * 4
    assert word(target + target // 4, target) == "critical"
    assert word(target + target // 4 - 1, target) == "warning"


def test_a_percent_is_the_decimal_that_people_wrote():
    """33.3 % of 1,000 is 333, not the binary neighbour above it."""
    assert word(1333, 1000, critical_pct=33.3) == "critical"
    assert word(1332, 1000, critical_pct=33.3) == "warning"


def test_the_edges_come_from_the_policy():
    """Other percents move both edges."""
    assert [word(a, 100, warning_pct=5.0, critical_pct=40.0) for a in (104, 105, 139, 140)] == ["healthy", "warning", "warning", "critical"]


def test_target_zero_is_never_a_division_by_zero():
    """Against a target of zero one micro of spend is critical, nothing is healthy, and a credit is healthy."""
    assert [word(a, 0) for a in (1, 0, -5)] == ["critical", "healthy", "healthy"]


@pytest.mark.parametrize(("budget", "currency", "least"), [
    (10_000_000_000, "EUR", 50_000_000), (1_000_000_000, "EUR", 25_000_000), (5_000_000_000, "EUR", 25_000_000),
    (5_000_000_200, "EUR", 25_000_001), (100_000_000_000, "JPY", 2_500_000_000), (1, "USD", 25_000_000)])
def test_the_stake_is_the_larger_of_a_share_and_an_amount(budget, currency, least):
    """0.5 % of the budget or 25 units of the currency (its own number where one is given), whichever is larger, rounded up to a micro."""
    rows = pd.DataFrame({"currency": [currency]})
    assert bands.least_at_stake(ints(budget), Policy().resolve(rows))[0] == least
