"""Zero delivery: campaigns that should be spending and are not. Own rows only; whole accounts are seen by `context`.

Source: DESIGN.md, Definitions, Zero delivery.
"""

from typing import Any, TypeAlias

import numpy as np
import numpy.typing as npt
import pandas as pd
from pandas.api.extensions import ExtensionArray

from pacing_brain.bands import threshold
from pacing_brain.curves import ONE_DAY, Plans
from pacing_brain.model import MatchKind, RunContext
from pacing_brain.zones import DAY, begins, hours_covered, instant

Flags = npt.NDArray[np.bool_]
Floats = npt.NDArray[np.float64]
Column: TypeAlias = npt.NDArray[Any] | ExtensionArray
HOUR_US = 3_600_000_000
MATCHED = [MatchKind.ID.value, MatchKind.ALIAS.value, MatchKind.NAME.value]


def find(flights: pd.DataFrame, values: pd.DataFrame, run: RunContext) -> tuple[dict[str, Column], Flags]:
    """(columns by name; whether silence would mean something: budget is left, and the last closed day had a plan).

    target_micros and elapsed_hours: planned and covered to the watermark. zero_delivery; zero_kind: never | stopped | not_found | ''; cost_fault.

    The load must cover `zero.planned_hours` of the flight, by the watermark and not by the clock, and something must have been planned.
    never: no spend, and no impressions where known, since the first day.
    stopped: it delivered before, has not in the last closed account day (a credit alone does not say so, nor a weekday on which it rests, nor a platform that has spent
        its period's daily budgets), and nothing is reported after it; while the flight lasts, and
        not once its budget is spent.
    not_found: the plan's campaign id was never seen on the platform, in no spend row and no campaign list.
    cost_fault: impressions without spend, on all days or on the last closed one; the cost is missing, which is not the same as no delivery.
    """
    plans, hours = Plans.of(flights), hours_covered(flights).to_numpy()
    target, known = plans.micros(flights["watermark"].to_numpy(DAY))
    left, due = ~_budget_spent(flights, values), _closed_day_due(flights, plans)
    covered = _covered(flights, values, run, hours)
    nothing = covered & _nothing_spent(flights)
    kind = flights["match_kind"].to_numpy(dtype=object)
    found = np.isin(kind, MATCHED) | flights["known_on_platform"].to_numpy(dtype=bool)
    shown, served = _micros(flights, "impressions") > 0, _micros(flights, "closed_day_impressions") > 0
    named = (kind == MatchKind.NONE.value) & ~flights["campaign_id"].array.isna()
    unseen = covered & named & ~found & ~_source_down(flights, run)
    stopped = found & covered & left & due & _stopped(flights, run)
    planned = known & (target > 0)
    kinds = np.where(planned, np.select([unseen, nothing & found & ~shown, stopped & ~served & ~nothing], ["not_found", "never", "stopped"], ""), "")
    columns = {"target_micros": pd.arrays.IntegerArray(target, ~known), "elapsed_hours": hours, "zero_delivery": kinds != "", "zero_kind": pd.array(kinds, dtype="str"),
               "cost_fault": ((nothing & found & shown) | (stopped & served)) & planned}
    return columns, left & (due | flights["closed_day"].array.isna())


def final(flights: pd.DataFrame, values: pd.DataFrame, run: RunContext) -> Flags:
    """Where a flight ended so long ago that its data are final."""
    after = np.round(values["ended_final_after_hours"].to_numpy("float64") * HOUR_US).astype("timedelta64[us]")
    return np.asarray(flights["day_end"].to_numpy(DAY) + after <= instant(run.as_of))


def _covered(flights: pd.DataFrame, values: pd.DataFrame, run: RunContext, hours: Floats) -> Flags:
    """Where the load covers enough of the flight, and its data are not final yet."""
    long_enough = hours >= values["zero_planned_hours"].to_numpy("float64")
    once = flights["overlaps"].to_numpy(dtype=object, na_value="") == ""  # spend of days that are planned twice counts for none: that is not nothing
    return np.asarray(long_enough & ~final(flights, values, run) & once)


def _nothing_spent(flights: pd.DataFrame) -> Flags:
    """No day with spend, to the watermark or after it. An unknown actual is not nothing."""
    spent = (_micros(flights, "actual_micros") > 0) | (_micros(flights, "spend_days") != 0) | (_micros(flights, "after_watermark_micros") > 0)
    return np.asarray(~flights["actual_micros"].array.isna() & ~spent)


def _stopped(flights: pd.DataFrame, run: RunContext) -> Flags:
    """Where nothing was spent in the last closed day and after it, and it neither rests nor waits nor is over."""
    nothing = ~flights["closed_day_micros"].array.isna() & (_micros(flights, "closed_day_micros") == 0)
    before = flights["last_spend_day"].to_numpy(DAY) < flights["closed_day"].to_numpy(DAY)
    rests, through = (flights[name].to_numpy(dtype=bool, na_value=False) for name in ("at_rest", "spent_out"))
    lasts = flights["day_end"].to_numpy(DAY) > instant(run.as_of)
    return np.asarray(nothing & before & ~rests & ~through & (_micros(flights, "after_watermark_micros") <= 0) & lasts)


def _budget_spent(flights: pd.DataFrame, values: pd.DataFrame) -> Flags:
    """Less of the budget is left than is worth an alert: the campaign has stopped because it is through."""
    budgets = _micros(flights, "budget_micros")
    left = budgets - _micros(flights, "actual_micros")
    return np.asarray(left < threshold(budgets, values["stake_minimum_pct_of_budget"]), dtype=bool)


def _micros(flights: pd.DataFrame, name: str) -> np.ndarray:
    """Whole numbers; 0 where unknown."""
    return np.asarray(flights[name].to_numpy("int64", na_value=0))


def _closed_day_due(flights: pd.DataFrame, plans: Plans) -> Flags:
    """Whether the plan has something for the last closed day; of an asap flight it always has."""
    day = flights["closed_day"].to_numpy(DAY)
    (before, known), (after, _) = (plans.micros(begins(on, plans.zone)) for on in (day, day + ONE_DAY))
    return np.asarray((known & (after > before)) | (plans.curve == "asap"))


def _source_down(flights: pd.DataFrame, run: RunContext) -> Flags:
    down = {state.platform for state in run.sources if not state.available}
    return np.isin(flights["platform"].to_numpy(dtype=object), [name for name in down if name]) | (None in down)
