"""Zero delivery: campaigns that should be spending and are not. Own rows only; whole accounts are seen by `context`.

Source: DESIGN.md, Definitions, Zero delivery.
"""

import numpy as np
import numpy.typing as npt
import pandas as pd

from pacing_brain.bands import threshold
from pacing_brain.curves import ONE_DAY, Plans, words
from pacing_brain.model import MatchKind, RunContext
from pacing_brain.zones import DAY, begins, hours_covered, instant

Flags = npt.NDArray[np.bool_]
HOUR_US = 3_600_000_000
MATCHED = [MatchKind.ID.value, MatchKind.ALIAS.value, MatchKind.NAME.value]


def find(flights: pd.DataFrame, values: pd.DataFrame, run: RunContext) -> pd.DataFrame:
    """Columns zero_delivery (bool), zero_kind (never | stopped | not_found | '') and cost_fault (bool), on the flights' index.

    The load must cover `zero.planned_hours` of the flight, by the watermark and not by the clock, and something must have been planned.
    never: no spend, and no impressions where known, since the first day.
    stopped: it delivered before, has not in the last closed account day (a credit alone does not say so, nor a weekday on which it rests, nor a platform that has spent
        its period's daily budgets), and nothing is reported after it; while the flight lasts, and
        not once its budget is spent.
    not_found: the plan's campaign id was never seen on the platform, in no spend row and no campaign list.
    cost_fault: impressions without spend, on all days or on the last closed one; the cost is missing, which is not the same as no delivery.
    """
    covered = _covered(flights, values, run)
    nothing = covered & _nothing_spent(flights)
    kind = flights["match_kind"].to_numpy(dtype=object)
    found = np.logical_or.reduce([kind == one for one in MATCHED]) | flights["known_on_platform"].to_numpy(dtype=bool)
    shown, served = _micros(flights, "impressions") > 0, _micros(flights, "closed_day_impressions") > 0
    named = (kind == MatchKind.NONE.value) & ~flights["campaign_id"].array.isna()
    unseen = covered & named & ~found & ~_source_down(flights, run)
    stopped = found & _stopped(flights, values, run, covered)
    kinds = np.select([unseen, nothing & found & ~shown, stopped & ~served & ~nothing], ["not_found", "never", "stopped"], "")
    planned = _something_planned(flights, (kinds != "") | nothing | stopped)
    kinds = np.where(planned, kinds, "")
    return pd.DataFrame({"zero_delivery": kinds != "", "zero_kind": pd.Series(kinds, index=flights.index, dtype="str"),
                         "cost_fault": ((nothing & found & shown) | (stopped & served)) & planned}, index=flights.index)


def final(flights: pd.DataFrame, values: pd.DataFrame, run: RunContext) -> Flags:
    """Where a flight ended so long ago that its data are final."""
    after = np.round(values["ended_final_after_hours"].to_numpy("float64") * HOUR_US).astype("timedelta64[us]")
    return np.asarray(flights["day_end"].to_numpy(DAY) + after <= instant(run.as_of))


def _covered(flights: pd.DataFrame, values: pd.DataFrame, run: RunContext) -> Flags:
    """Where the load covers enough of the flight, and its data are not final yet."""
    long_enough = hours_covered(flights).to_numpy() >= values["zero_planned_hours"].to_numpy("float64")
    once = flights["overlaps"].to_numpy(dtype=object, na_value="") == ""  # spend of days that are planned twice counts for none: that is not nothing
    return np.asarray(long_enough & ~final(flights, values, run) & once)


def _nothing_spent(flights: pd.DataFrame) -> Flags:
    """No day with spend, to the watermark or after it. An unknown actual is not nothing."""
    spent = (_micros(flights, "actual_micros") > 0) | (_micros(flights, "spend_days") != 0) | (_micros(flights, "after_watermark_micros") > 0)
    return np.asarray(~flights["actual_micros"].array.isna() & ~spent)


def _stopped(flights: pd.DataFrame, values: pd.DataFrame, run: RunContext, covered: Flags) -> Flags:
    nothing = ~flights["closed_day_micros"].array.isna() & (_micros(flights, "closed_day_micros") == 0)
    before = flights["last_spend_day"].to_numpy(DAY) < flights["closed_day"].to_numpy(DAY)
    rests, through = (flights[name].to_numpy(dtype=bool, na_value=False) for name in ("at_rest", "spent_out"))
    lasts = flights["day_end"].to_numpy(DAY) > instant(run.as_of)
    silent = nothing & before & ~rests & ~through & covered & (_micros(flights, "after_watermark_micros") <= 0) & lasts
    stopped = silent & ~_budget_spent(flights, values)
    looked_at = stopped & (words(flights) != "asap")
    if looked_at.any():
        stopped[looked_at] = _closed_day_planned(flights, looked_at)
    return np.asarray(stopped)


def may_deliver(flights: pd.DataFrame, values: pd.DataFrame) -> Flags:
    """Whether silence would mean something: budget is left, and the last closed day had a plan. Else a flight is neither silent nor delivering."""
    planned = _closed_day_planned(flights) | flights["closed_day"].array.isna() | (words(flights) == "asap")
    return np.asarray(~_budget_spent(flights, values) & planned)


def _budget_spent(flights: pd.DataFrame, values: pd.DataFrame) -> Flags:
    """Less of the budget is left than is worth an alert: the campaign has stopped because it is through."""
    budgets = _micros(flights, "budget_micros")
    left = budgets - _micros(flights, "actual_micros")
    return np.asarray(left < threshold(budgets, values["stake_minimum_pct_of_budget"]), dtype=bool)


def _micros(flights: pd.DataFrame, name: str) -> np.ndarray:
    """Whole numbers; 0 where unknown."""
    return np.asarray(flights[name].to_numpy("int64", na_value=0))


def _closed_day_planned(flights: pd.DataFrame, rows: Flags | slice = slice(None)) -> Flags:
    """Whether the plan has something for the last closed day of the flights in `rows`."""
    plans, day = Plans.of(flights, rows), flights["closed_day"].to_numpy(DAY)[rows]
    (before, known), (after, _) = (plans.micros(begins(on, plans.zone)) for on in (day, day + ONE_DAY))
    return known & (after > before)


def _something_planned(flights: pd.DataFrame, looked_at: Flags) -> Flags:
    """Where the plan to date is above nothing; looked at only where it matters."""
    planned = np.zeros(len(flights), dtype=bool)
    if looked_at.any():
        micros, known = Plans.of(flights, looked_at).micros(flights["watermark"].to_numpy(DAY)[looked_at])
        planned[looked_at] = known & (micros > 0)
    return planned


def _source_down(flights: pd.DataFrame, run: RunContext) -> Flags:
    down = {state.platform for state in run.sources if not state.available}
    return np.isin(flights["platform"].to_numpy(dtype=object), [name for name in down if name]) | (None in down)
