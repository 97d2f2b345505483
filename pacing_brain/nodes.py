"""One small function per node of the graph. Each takes the cohort's state and returns what it adds; none keeps anything."""

import operator
from typing import Annotated, Any, TypedDict

import numpy as np
import pandas as pd

from pacing_brain import confidence as trust
from pacing_brain import account_wide, allowance, forecast, lanes, mitigation, pacing, reconcile, root_cause, unexplained
from pacing_brain.confidence import SourceFacts
from pacing_brain.model import Lane, RunContext
from pacing_brain.policy import Policy


class Cohort(TypedDict, total=False):
    """The campaigns decided together, and the context rows that all of them share."""

    flights: pd.DataFrame  # one row per flight: FLIGHT_COLUMNS, growing from node to node
    days: pd.DataFrame  # the spend rows of the flights' campaigns, those from before the flights included
    accounts: pd.DataFrame  # context rows
    memory: pd.DataFrame
    facts: SourceFacts
    values: pd.DataFrame  # the policy's numbers for each flight: `Policy.resolve(flights)`
    run: RunContext
    policy: Policy
    parts: Annotated[list[pd.DataFrame], operator.add]  # what the lanes return, joined by root_cause


def sum_days(state: Cohort) -> dict[str, Any]:
    """reconcile: what each flight's own days add up to (summed for the context rows already) meets the policy's numbers for it."""
    return {"values": state["policy"].resolve(state["flights"])}


def judge_variance(state: Cohort) -> dict[str, Any]:
    """variance: planned against spent, the bands, zero delivery."""
    flights, values = state["flights"], state["values"]
    judged = allowance.allow(pacing.judge(flights, values, state["memory"], state["run"]), state["days"], values)
    return {"flights": _account_stopped(judged, state["accounts"])}


def forecast_landing(state: Cohort) -> dict[str, Any]:
    """forecast: where each flight ends if it is left alone, and with that what of its variance is unexplained."""
    values = state["values"]
    flights = forecast.outlook(state["flights"], state["days"], values, state["policy"].schedule_hours)
    if state["policy"].bands == "evidence":
        quiet = np.append(state["accounts"]["quiet"].to_numpy(dtype=bool), False)[reconcile.account_positions(flights, state["accounts"])]
        flights = unexplained.explain(flights, values, state["memory"], pacing.comparable(flights), quiet)
    return {"flights": flights}


def score_confidence(state: Cohort) -> dict[str, Any]:
    """confidence: how far the data can be trusted, as a score and as gates."""
    scored = trust.score(state["flights"], state["accounts"], state["facts"], state["values"], state["run"])
    scored["lane"] = lanes.choose(scored, state["values"])
    return {"flights": scored}


def _account_stopped(flights: pd.DataFrame, accounts: pd.DataFrame) -> pd.DataFrame:
    """Where all live campaigns of an account (2 or more) are silent, or nearly all of many, it is the account that stopped, not each of them."""
    live, silent = accounts["live_flights"].to_numpy(), accounts["silent_flights"].to_numpy()
    stopped = ((live >= 2) & (live == silent)) | ((live >= account_wide.LEAST) & (silent >= account_wide.SHARE * live))
    if not stopped.any():
        return flights
    keys = pd.MultiIndex.from_frame(accounts[["platform", "account_id"]][stopped])
    silently = flights["zero_delivery"] & flights["zero_kind"].isin(["never", "stopped"])
    hit = silently & pd.MultiIndex.from_frame(flights[["platform", "account_id"]]).isin(keys)
    return flights.assign(zero_kind=flights["zero_kind"].mask(hit, "account"))


def route(state: Cohort) -> list[tuple[Lane, Cohort]]:
    """Each lane with the part of the cohort that takes it: of its flights what the lanes read."""
    columns = {name: state["flights"][name].array for name in lanes.READ} | {name: state["values"][name].array for name in lanes.READ_VALUES}
    read, taken = pd.DataFrame(columns, copy=False), columns["lane"].to_numpy(dtype=object)
    parts = {lane: read.take(np.flatnonzero(taken == lane.value)) for lane in Lane}
    return [(lane, {"flights": part, "values": part}) for lane, part in parts.items() if len(part)]


def _lane(decide: Any) -> Any:
    def node(state: Cohort) -> dict[str, Any]:
        return {"parts": [decide(state["flights"], state["values"])]}

    node.__doc__ = decide.__doc__
    return node


take_escalate, take_healthy = _lane(lanes.escalate), _lane(lanes.healthy)
take_warning, take_critical = _lane(lanes.warning), _lane(lanes.critical)


def explain_cause(state: Cohort) -> dict[str, Any]:
    """Root cause: the lanes join again, and each campaign that is not healthy is told why."""
    decided = pd.concat(state["parts"]).sort_index()
    flights = state["flights"].assign(**{name: decided[name].array for name in lanes.DECIDED})
    return {"flights": root_cause.explain(flights, state["days"], state["accounts"], state["run"])}


def advise(state: Cohort) -> dict[str, Any]:
    """mitigation: what can be done about it."""
    return {"flights": mitigation.advise(state["flights"], state["run"])}


def unadvised(state: Cohort) -> dict[str, Any]:
    """Mitigation of a history: nobody is there to act on it."""
    return {"flights": state["flights"]}
