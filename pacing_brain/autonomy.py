"""`mode = "autonomous"`: which of the recommended pauses the policy may approve by itself. Pure, and closed by default.

Only over-delivery of one single campaign, certain which it is, with every check green; worst money first; at most `max_halts_per_run`, and never more
than `max_share_of_spend_pct` of what the flights of its currency spent in the last week. Everything else goes on awaiting a person.
"""

import numpy as np
import pandas as pd

from pacing_brain.lanes import PROVEN
from pacing_brain.model import Action, Inputs, Severity


def choose(decisions: pd.DataFrame, inputs: Inputs) -> pd.DataFrame:
    """The decisions with `autonomous_halt` where the policy may act, and the sentence that says so."""
    policy = inputs.policy
    if policy.mode != "autonomous" or not inputs.run.live:
        return decisions
    rows = decisions[_may(decisions)]
    week = decisions["last7_micros"].astype("Int64").where(decisions["phase"].isin(["early", "live"])).groupby(decisions["currency"]).sum()
    chosen: list[object] = []
    taken: dict[str, int] = {}
    for index in rows.index[np.argsort(-_money(rows, inputs).to_numpy(), kind="stable")]:
        currency, spent = str(rows["currency"][index]), int(rows["last7_micros"][index])
        share = (taken.get(currency, 0) + spent) * 100.0
        if len(chosen) < policy.autonomous.max_halts_per_run and share <= policy.autonomous.max_share_of_spend_pct * int(week[currency]):
            taken[currency] = taken.get(currency, 0) + spent
            chosen.append(index)
    if not chosen:
        return decisions
    said = (f"The policy may pause it by itself: one of at most {policy.autonomous.max_halts_per_run} in a run, "
            f"within {policy.autonomous.max_share_of_spend_pct:g} % of spend; {policy.autonomous.owner} answers for it.")
    mine = decisions.index.isin(chosen)
    reasons = [[*reasons, said] if hit else reasons for reasons, hit in zip(decisions["reasons"], mine, strict=True)]
    return decisions.assign(action=decisions["action"].mask(mine, Action.AUTONOMOUS_HALT.value), reasons=reasons)


def _may(decisions: pd.DataFrame) -> pd.Series:
    """A pause that no doubt of any kind stands against."""
    certain = decisions["match_kind"].isin(PROVEN) & decisions["red_gates"].fillna("").eq("") & decisions["error"].isna()
    over = decisions["problem"].eq("over") & decisions["direction"].eq("over") & decisions["severity"].eq(Severity.CRITICAL.value)
    single = decisions["n_campaigns"].eq(1) & decisions["phase"].eq("live") & decisions["last7_micros"].gt(0)
    return (decisions["action"].eq(Action.RECOMMEND_HALT.value) & certain & over & single).fillna(value=False).astype(bool)


def _money(rows: pd.DataFrame, inputs: Inputs) -> pd.Series:
    """Money off plan in units that compare: of the least amount at stake in each currency."""
    stake = inputs.policy.stake
    unit = rows["currency"].map(stake.minimum_units_by_currency).astype("float64").fillna(stake.minimum_units)
    return (rows["actual_micros"] - rows["target_micros"]).astype("float64") / unit
