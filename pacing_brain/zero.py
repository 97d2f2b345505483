"""Zero delivery: campaigns that should be spending and are not. Own rows only; whole accounts are seen by `context`.

Source: DESIGN.md, Definitions, Zero delivery.
"""

import numpy as np
import pandas as pd

from pacing_brain.bands import threshold
from pacing_brain.curves import COLUMNS, ONE_DAY, planned_micros
from pacing_brain.model import MatchKind, RunContext
from pacing_brain.zones import hours_covered, midnights

MATCHED = [MatchKind.ID.value, MatchKind.ALIAS.value, MatchKind.NAME.value]


def find(flights: pd.DataFrame, values: pd.DataFrame, run: RunContext) -> pd.DataFrame:
    """Columns zero_delivery (bool), zero_kind (never | stopped | not_found | '') and cost_fault (bool), on the flights' index.

    The load must cover `zero.planned_hours` of the flight, by the watermark and not by the clock, and something must have been planned.
    never: no spend, and no impressions where known, since the first day.
    stopped: it delivered before, has not in the last closed account day (a credit alone does not say so), and nothing is reported after it; while the flight lasts, and
        not once its budget is spent.
    not_found: the plan's campaign id was never seen on the platform, in no spend row and no campaign list.
    cost_fault: impressions without spend, on all days or on the last closed one; the cost is missing, which is not the same as no delivery.
    """
    covered = _covered(flights, values, run)
    nothing = covered & _nothing_spent(flights)
    found = flights["match_kind"].isin(MATCHED) | flights["known_on_platform"].astype("bool")
    shown = flights["impressions"].fillna(0).gt(0).astype("bool")
    unseen = covered & flights["match_kind"].eq(MatchKind.NONE.value) & flights["campaign_id"].notna() & ~found & ~_source_down(flights, run)
    stopped = found & _stopped(flights, values, run, covered)
    served = flights["closed_day_impressions"].fillna(0).gt(0).astype("bool")
    kinds = np.select([unseen, nothing & found & ~shown, stopped & ~served & ~nothing], ["not_found", "never", "stopped"], "")
    planned = _something_planned(flights, (kinds != "") | nothing | stopped)
    kinds = np.where(planned, kinds, "")
    return pd.DataFrame({"zero_delivery": kinds != "", "zero_kind": pd.Series(kinds, index=flights.index, dtype="str"),
                         "cost_fault": ((nothing & found & shown) | (stopped & served)) & planned}, index=flights.index)


def _covered(flights: pd.DataFrame, values: pd.DataFrame, run: RunContext) -> pd.Series:
    """Where the load covers enough of the flight, and its data are not final yet."""
    final = flights["day_end"] + pd.to_timedelta(values["ended_final_after_hours"].astype("float64"), unit="h")
    long_enough = hours_covered(flights).ge(values["zero_planned_hours"].astype("float64")) & final.gt(pd.Timestamp(run.as_of))
    return long_enough & flights["overlaps"].fillna("").eq("")  # spend of days that are planned twice counts for none: that is not nothing


def _nothing_spent(flights: pd.DataFrame) -> pd.Series:
    """No day with spend, to the watermark or after it. An unknown actual is not nothing."""
    nothing = flights["actual_micros"].le(0).fillna(value=False) & flights["spend_days"].eq(0)
    return (nothing & flights["after_watermark_micros"].fillna(0).le(0)).astype("bool")


def _stopped(flights: pd.DataFrame, values: pd.DataFrame, run: RunContext, covered: pd.Series) -> pd.Series:
    closed = flights["closed_day"]
    silent = flights["closed_day_micros"].eq(0).fillna(value=False) & flights["last_spend_day"].lt(closed) & covered
    silent &= flights["after_watermark_micros"].fillna(0).le(0) & flights["day_end"].gt(pd.Timestamp(run.as_of))
    stopped = (silent & ~_budget_spent(flights, values)).astype("bool")
    rows = flights[[*COLUMNS, "closed_day"]][stopped & flights["curve"].ne("asap")]
    idle = _planned_on(rows, rows["closed_day"]).le(0).fillna(value=True)
    return stopped & ~stopped.index.isin(rows.index[idle.to_numpy(dtype=bool)])


def may_deliver(flights: pd.DataFrame, values: pd.DataFrame) -> pd.Series:
    """Whether silence would mean something: budget is left, and the last closed day had a plan. Else a flight is neither silent nor delivering."""
    rows = flights[[*COLUMNS, "closed_day"]][flights["closed_day"].notna()]
    planned = _planned_on(rows, rows["closed_day"]).gt(0).fillna(value=False).reindex(flights.index, fill_value=True).astype("bool")
    return ~_budget_spent(flights, values).astype("bool") & (planned | flights["curve"].eq("asap"))


def _budget_spent(flights: pd.DataFrame, values: pd.DataFrame) -> pd.Series:
    """Less of the budget is left than is worth an alert: the campaign has stopped because it is through."""
    budgets = flights["budget_micros"].astype("int64")
    left = budgets - flights["actual_micros"].fillna(0).astype("int64")
    return left.lt(pd.Series(threshold(budgets.to_numpy("int64"), values["stake_minimum_pct_of_budget"]).astype("int64"), index=flights.index))


def _planned_on(flights: pd.DataFrame, day: pd.Series) -> pd.Series:
    begin, end = (midnights(at, flights["account_timezone"]) for at in (day, day + ONE_DAY))
    return planned_micros(flights, end) - planned_micros(flights, begin)


def _something_planned(flights: pd.DataFrame, rows: "pd.Series | np.ndarray") -> np.ndarray:
    """Where the plan to date is above nothing; looked at only where it matters."""
    looked_at = flights[COLUMNS][rows]
    planned = np.zeros(len(flights), dtype=bool)
    planned[np.asarray(rows)] = planned_micros(looked_at, looked_at["watermark"]).gt(0).fillna(value=False).to_numpy(dtype=bool)
    return planned


def _source_down(flights: pd.DataFrame, run: RunContext) -> pd.Series:
    down = [state.platform for state in run.sources if not state.available]
    return flights["platform"].isin([name for name in down if name]) | (None in down)
