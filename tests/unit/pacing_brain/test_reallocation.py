"""Budget that moves between a client's flights."""

from itertools import product

import numpy as np
import pandas as pd
import pytest
from hypothesis import given, settings, strategies as st

from pacing_brain import reallocation
from pacing_brain.policy import Policy
from tests.unit.pacing_brain import cohort
from tests.unit.pacing_brain.cohort import UNIT

CAPACITIES = st.lists(st.integers(0, 3), min_size=1, max_size=3)


def decided(**columns):
    defaults = {"lane": "warning", "phase": "live", "stake_micros": 25 * UNIT, "zero_delivery": False}
    table = cohort.flights(**defaults | columns)
    return table, Policy().resolve(table)


def found(**columns):
    return [(one.giver, one.taker, one.micros // UNIT) for one in reallocation.moves(*decided(**columns))]


UNDER_AND_OVER = {"campaign_name": ["Under", "Over"], "forecast_hi_micros": [2_600 * UNIT, 3_300 * UNIT]}


def test_what_is_not_spent_goes_where_it_can_be():
    """400 will not be spent of one budget, the other could spend 300 more: 300 move."""
    assert found(**UNDER_AND_OVER) == [("F1", "F2", 300)]


@pytest.mark.parametrize("changes", [
    {"client": ["Acme", "Zeta"]}, {"currency": ["EUR", "GBP"]}, {"lane": ["escalate", "warning"]}, {"zero_delivery": [True, False]},
    {"phase": ["live", "ended"]}, {"stake_micros": 350 * UNIT}, {"forecast_hi_micros": [2_600 * UNIT, None]}])
def test_what_never_moves(changes):
    """Nothing between clients or currencies, of a flight that cannot be trusted, does not deliver or has ended, and nothing below the stake."""
    assert found(**UNDER_AND_OVER | changes) == []


def test_the_nearer_sibling_first():
    """Of two that can take it, the one on the same platform and market does."""
    assert found(forecast_hi_micros=[2_800 * UNIT, 3_300 * UNIT, 3_300 * UNIT], platform=["google", "meta", "google"]) == [("F1", "F3", 200)]


def test_the_table_and_the_sentences():
    """Each side sees its siblings with the amounts, the giver's below nothing; and says it in words."""
    table, values = decided(**UNDER_AND_OVER)
    rows = reallocation.by_flight(reallocation.moves(table, values), table)
    assert rows == {"F1": [{"flight_id": "F2", "campaign_name": "Over", "micros": -300 * UNIT}],
                    "F2": [{"flight_id": "F1", "campaign_name": "Under", "micros": 300 * UNIT}]}
    assert reallocation.sentence(rows["F1"], "EUR") == ("€300 of its budget will not be spent here even at the upper end of its forecast, "
                                                        "and could move within the client to Over (€300).")
    assert reallocation.sentence(rows["F2"], "EUR") == ("If the spend is wanted, €300 more budget could come from flights of the same client "
                                                        "that will not spend it: Under (€300).")


@given(CAPACITIES, CAPACITIES, st.data())
@settings(max_examples=60, deadline=None)
def test_it_is_the_best_there_is(give, take, data):
    """On small cases the program finds the value of the best of all whole allotments."""
    cost = np.array(data.draw(st.lists(st.lists(st.sampled_from([0.0, 0.01, 0.02, 0.03]), min_size=len(take), max_size=len(take)),
                                       min_size=len(give), max_size=len(give))))
    amounts = reallocation.allot(np.array(give), np.array(take), cost)
    assert (amounts * (1 - cost)).sum() == pytest.approx(best(tuple(give), tuple(take), cost))
    assert (amounts.sum(axis=1) <= give).all()
    assert (amounts.sum(axis=0) <= take).all()


def best(give, take, cost):
    """By trying every allotment, giver by giver."""
    if not give:
        return 0.0
    values = []
    for row in product(*(range(min(give[0], most) + 1) for most in take)):
        if sum(row) <= give[0]:
            left = tuple(most - amount for most, amount in zip(take, row, strict=True))
            values.append(sum(amount * (1 - price) for amount, price in zip(row, cost[0], strict=True)) + best(give[1:], left, cost[1:]))
    return max(values)


@given(st.lists(st.tuples(st.integers(100, 10_000), st.integers(0, 20_000), st.sampled_from("AB"), st.sampled_from(["google", "meta"])), min_size=1, max_size=12))
@settings(max_examples=40, deadline=None)
def test_the_total_stays_and_no_flight_gets_more_than_it_can_spend(flights):
    """Budgets after all moves: the client's total is as before, no taker is above its upper forecast, no giver below it, none beyond the cap."""
    budget, upper, client, platform = (list(column) for column in zip(*flights, strict=True))
    table, values = decided(budget_micros=[one * UNIT for one in budget], forecast_hi_micros=[one * UNIT for one in upper], client=client, platform=platform)
    before = table.set_index("flight_id")[["client", "budget_micros", "forecast_hi_micros"]].astype({"budget_micros": "int64", "forecast_hi_micros": "int64"})
    change = pd.Series(0, index=before.index)
    for move in reallocation.moves(table, values):
        assert before.loc[move.giver, "client"] == before.loc[move.taker, "client"]
        change[move.giver] -= move.micros
        change[move.taker] += move.micros
    after = before["budget_micros"] + change
    assert (after.groupby(before["client"]).sum() == before["budget_micros"].groupby(before["client"]).sum()).all()
    assert (after[change > 0] <= before["forecast_hi_micros"][change > 0]).all()
    assert (after[change < 0] >= before["forecast_hi_micros"][change < 0]).all()
    assert (change.abs() * 10 <= before["budget_micros"] * 3).all()
