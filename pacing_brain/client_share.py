"""The same share under plan over all of a client's flights: then the plan is gross and the spend net, or a fee is taken off, and no campaign is at fault."""

import pandas as pd

from pacing_brain.model import Lane

CODE = "same_share_under"
LEAST_FLIGHTS = 3
APART_PCT = 1.5  # percentage points of plan between the lowest and the highest
LEAST_PCT = 3.0  # under plan; less is no fee
OVERRULED = ["unknown", "steadily_off_plan", "level_changed", "hit_its_cap"]  # causes that a campaign's own days suggest, and that this explains better
REMEDY = "Compare the plan's budgets with those in the platforms: where the plan is gross, write `gross` into cost_basis and the fee into fee_pct."
ALONE = [Lane.WARNING.value, Lane.CRITICAL.value]


def name(decisions: pd.DataFrame) -> pd.DataFrame:
    """The decisions, with that as the cause of a client's flights where it holds."""
    counts = (decisions["phase"].eq("live") & decisions["lane"].isin([*ALONE, Lane.HEALTHY.value]) & decisions["client"].notna()
              & decisions["pacing_pct"].notna() & ~decisions["zero_delivery"].fillna(value=False).astype(bool))
    judged = decisions[["flight_id", "client", "lane", "pacing_pct"]][counts]
    if judged["client"].isin(judged["client"][judged["pacing_pct"].gt(100.0 - LEAST_PCT)]).all():
        return decisions
    shares = judged.groupby("client")["pacing_pct"].agg(["size", "min", "max", "mean"])
    alike = shares[shares["size"].ge(LEAST_FLIGHTS) & (shares["max"] - shares["min"]).le(APART_PCT) & shares["max"].le(100.0 - LEAST_PCT)]
    if alike.empty:
        return decisions
    hit = decisions["flight_id"].isin(judged.loc[judged["client"].isin(alike.index) & judged["lane"].isin(ALONE), "flight_id"])
    hit &= decisions["root_cause_code"].isin(OVERRULED)
    said = decisions.loc[hit, "client"].map({client: _sentence(client, int(row["size"]), 100.0 - row["mean"]) for client, row in alike.iterrows()})
    causes = decisions["root_cause"].copy()
    causes[hit] = said
    steps = [[REMEDY] if one else old for one, old in zip(hit, decisions["mitigation"], strict=True)]
    return decisions.assign(root_cause=causes, root_cause_code=decisions["root_cause_code"].mask(hit, CODE),
                            mitigation=pd.Series(steps, index=decisions.index, dtype="object"))


def _sentence(client: object, flights: int, under_pct: float) -> str:
    return (f"All {flights} flights of {client} are under plan by the same share, about {under_pct:.0f} %, as they are when the plan is gross and the "
            "spend is net, or when a fee is taken off.")
