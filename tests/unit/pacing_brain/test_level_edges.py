"""The edges of the level test, one at a time: how far, how sure and how long before it is a warning, and before it is critical."""

from typing import Any

import numpy as np
import pytest

from pacing_brain import unexplained
from pacing_brain.frames import MEMORY
from pacing_brain.policy import Policy
from tests.unit.pacing_brain import builders, cohort

FAR: dict[str, Any] = {"level_z": -3.0, "level_pct": -40.0, "off_plan_pct": -45.0, "p_under": 0.5, "p_over": 0.05, "swing": 0.0}
ALREADY = {"level_windows": -1, "side": "under"}


def _judged(before: dict[str, Any] | None, **columns: Any) -> str:
    """The severity of a flight on plan to date whose last 24 hours are 60 where its level and its plan are 100."""
    row = cohort.flights(**({"phase": "live", "severity": "healthy", "direction": "none", "band_severity": "healthy", "zero_delivery": False, "zero_kind": "",
                             "silent": False, "target_micros": 1_000 * cohort.UNIT, "variance_pct": 0.0, "elapsed_hours": 240.0, "stake_micros": 25 * cohort.UNIT,
                             "noise_pct": 15.0, "own_noise_pct": 15.0, "allowed_micros": 0, "last24_micros": 60 * cohort.UNIT, "usual_micros": 100 * cohort.UNIT,
                             "planned24_micros": 100 * cohort.UNIT, "feed_daily": False, "forecast_micros": 2_900 * cohort.UNIT, "p_astray": 0.1, "weekday_pct": 0.0,
                             "forecast_lo_micros": 2_000 * cohort.UNIT, "forecast_hi_micros": 3_200 * cohort.UNIT} | FAR | columns))
    row = row.assign(reasons=[["On plan."]])
    memory = MEMORY.empty() if before is None else builders.memory(**before)
    values = Policy().resolve(row)
    return str(unexplained.explain(row, values, memory, np.array([True]), np.array([False]))["severity"].iloc[0])


def test_critical_needs_two_runs_in_a_row() -> None:
    """The first run is a warning, the second critical; of a feed read by closed days, and where the pace broke within a day, one run is enough."""
    assert _judged(None) == "warning"
    assert _judged(ALREADY) == "critical"
    assert _judged(None, feed_daily=True) == "critical"
    assert _judged(None, swing=-4.5) == "critical"
    assert _judged(None, swing=4.5) == "warning"  # a break to the other side


@pytest.mark.parametrize(("edge", "short", "enough"), [
    ("level_z", -2.0, -2.2), ("level_pct", -17.0, -19.0), ("off_plan_pct", -25.0, -27.0), ("p_under", 0.24, 0.26)])
def test_each_edge_of_critical_is_asked(edge: str, short: float, enough: float) -> None:
    """One figure below its edge is a warning, whatever the others are; a percentage counts as a ratio: 22 % more is 18 % less."""
    assert _judged(ALREADY, **{edge: short}) == "warning"
    assert _judged(ALREADY, **{edge: enough}) == "critical"


def test_what_surely_does_not_land_needs_less_of_its_noise() -> None:
    """At 1.5 times its noise: critical where the forecast is 85 % sure that it does not land, a warning where it is 80 % sure."""
    assert _judged(ALREADY, level_z=-1.5, p_under=0.86) == "critical"
    assert _judged(ALREADY, level_z=-1.5, p_under=0.80) == "warning"
    assert _judged(ALREADY, level_z=-1.1, p_under=0.95) == "healthy"


@pytest.mark.parametrize(("edge", "short", "enough"), [
    ("level_z", -1.4, -1.6), ("level_pct", -13.0, -14.5), ("off_plan_pct", -8.0, -10.0), ("p_under", 0.04, 0.06)])
def test_each_edge_of_a_warning_is_asked(edge: str, short: float, enough: float) -> None:
    """A day that is odd, and yet will land as surely as 96 %, is nobody's question."""
    mild: dict[str, Any] = {"level_z": -1.8, "level_pct": -20.0, "off_plan_pct": -20.0, "p_under": 0.1}
    assert _judged(None, **mild | {edge: short}) == "healthy"
    assert _judged(None, **mild | {edge: enough}) == "warning"


def test_a_raised_level_is_held_down_to_four_fifths_of_its_edges() -> None:
    """Two runs of critical stand; at 1.8 times the noise it is held, at 1.6 it is over."""
    raised = {"level_windows": -2, "side": "under", "severity": "critical"}
    assert _judged(raised, level_z=-1.8) == "critical"
    assert _judged(raised, level_z=-1.6) == "warning"


def test_less_money_than_is_worth_an_alert_is_none() -> None:
    """A day's difference of 0.6 that goes on for twenty days is 12, less than the 25 that count."""
    assert _judged(ALREADY, last24_micros=round(0.4 * cohort.UNIT), planned24_micros=cohort.UNIT) == "healthy"
