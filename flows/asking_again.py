"""The brain, asked again about one flight with the spend of this minute: a cohort of one, through the same nodes as a run."""

from dataclasses import replace
from typing import Any

import pandas as pd

from audit.recommendations import Recommendation
from connectors.spend import of_campaign
from flows.recorded_inputs import recorded
from flows.wiring import House
from pacing_brain import frames
from pacing_brain.errors import RunError
from pacing_brain.model import Inputs
from pacing_brain.natives import natives


def decide_again(house: House, one: Recommendation) -> dict[str, Any] | None:
    """The decision on the recommendation's flight: what the newest sealed run had read, this campaign's spend as the warehouse has it now.

    One query, for this campaign. None: the flight is not in the plan any more, or the campaign has no spend row.

    Raises:
        SpendUnavailable: the warehouse did not answer.
        SpendRefused, SpendShapeError: it cannot be read.
        RunError: no run has been sealed.
    """
    run = house.runs.last_sealed()
    if run is None:
        raise RunError("No run has been sealed, so there is nothing to ask again.")
    inputs = of_account(recorded(house, run.run_id, house.policy), one.account_id, one.flight_id)
    days_from, days_to = inputs.run.days_from, inputs.run.days_to
    if days_from is None or days_to is None or inputs.targets.empty:
        return None
    fresh = house.spend(run.run_id).read_campaign(one.account_id, one.campaign_id, days_from, days_to)
    if fresh.empty:
        return None
    decisions = house.brain.decide(with_fresh(inputs, fresh, one)).decisions
    found = natives(decisions[decisions["flight_id"].eq(one.flight_id)])
    return found[0] if found else None


def of_account(inputs: Inputs, account_id: str, flight_id: str) -> Inputs:
    """What a run read, as far as it concerns one account."""
    targets = inputs.targets
    mine = targets[targets["account_id"].eq(account_id).fillna(value=False) | targets["flight_id"].eq(flight_id)]
    kept = {name: getattr(inputs, name) for name in ("spend", "loads", "campaigns")}
    return replace(inputs, targets=mine.reset_index(drop=True), quarantined=(), **{
        name: frame[frame["account_id"].eq(account_id)].reset_index(drop=True) for name, frame in kept.items()})


def with_fresh(inputs: Inputs, fresh: pd.DataFrame, one: Recommendation) -> Inputs:
    """The campaign's rows replaced by the newest, totals made of the rows, and nothing restated."""
    old = of_campaign(inputs.spend, one.account_id, one.campaign_id)
    spend = frames.SPEND.check(pd.concat([inputs.spend.drop(old.index), fresh], ignore_index=True))
    totals = spend.assign(n_rows=spend["n_rows"], spend_micros=spend["spend_micros"].fillna(0)).groupby("currency", as_index=False)
    memory = inputs.memory.assign(decided_seq=pd.array([None] * len(inputs.memory), dtype="Int64"))
    return replace(inputs, spend=spend, totals=frames.TOTALS.check(totals[["n_rows", "spend_micros"]].sum()), memory=memory,
                   history=frames.HISTORY.empty())
