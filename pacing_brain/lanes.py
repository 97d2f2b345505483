"""Which lane a campaign takes and what each lane asks for: the decision table of the policy, as columns.

Read in this order: red gate -> escalate; zero delivery -> critical; low score -> escalate; then the bands.
"""

from typing import Any

import numpy as np
import numpy.typing as npt
import pandas as pd

from pacing_brain.model import Action, Lane, MatchKind, Problem

PROVEN = [MatchKind.ID.value, MatchKind.ALIAS.value]  # only these may carry a halt
NOT_RUNNING = ("paused", "removed", "archived", "disabled")
READ = ["lane", "phase", "severity", "direction", "zero_delivery", "zero_kind", "cost_fault", "match_kind", "platform_status", "score", "gates", "red_gates",
        "reasons"]
READ_VALUES = ["actions_zero", "actions_over", "actions_under", "actions_preset", "confidence_minimum"]
DECIDED = ["lane", "action", "urgent", "problem", "incident_scope", "severity", "reasons"]
GATE_PROBLEM = {"freshness": Problem.STALE, "clock": Problem.STALE, "completeness": Problem.DUPLICATE, "tie_out": Problem.DUPLICATE,
                "currency": Problem.CURRENCY, "timezone": Problem.TRACKER, "tracker": Problem.TRACKER, "identity": Problem.IDENTITY}


def choose(flights: pd.DataFrame, values: pd.DataFrame) -> pd.Series:
    """The lane of every flight."""
    phase, severity, gates = (flights[name].to_numpy(dtype=object) for name in ("phase", "severity", "red_gates"))
    zero, cost_fault = (flights[name].to_numpy(dtype=bool) for name in ("zero_delivery", "cost_fault"))
    quiet = (phase == "before") | (phase == "closed") | _too_early_to_miss(flights, values)
    low = flights["score"].to_numpy("float64") < values["confidence_minimum"].to_numpy("float64")
    unjudged = flights["band_severity"].isna().to_numpy()  # no band to act on
    lanes = np.select([quiet, (gates != "") | cost_fault, zero, low | unjudged], [Lane.HEALTHY, Lane.ESCALATE, Lane.CRITICAL, Lane.ESCALATE], severity)
    return pd.Series(lanes, index=flights.index, dtype="str")


def _too_early_to_miss(flights: pd.DataFrame, values: pd.DataFrame) -> npt.NDArray[np.bool_]:
    """A planned campaign that is not found yet is nothing to report before the load covers enough of its flight."""
    unmatched = flights["match_kind"].to_numpy(dtype=object) == MatchKind.NONE.value
    soon = unmatched & (flights["elapsed_hours"].to_numpy("float64") < values["zero_planned_hours"].to_numpy("float64"))
    return np.asarray(soon & ~flights["red_gates"].str.contains("freshness").to_numpy(dtype=bool) if soon.any() else soon)


def healthy(flights: pd.DataFrame, values: pd.DataFrame) -> pd.DataFrame:
    """Nothing to do: the record is enough."""
    del values
    over = flights["phase"].isin(["before", "closed"])
    return _decided(flights, lane=Lane.HEALTHY.value, action=Action.LOG_ONLY.value, urgent=False, problem="", incident_scope="",
                    severity=flights["severity"].mask(over, "healthy"))


def warning(flights: pd.DataFrame, values: pd.DataFrame) -> pd.DataFrame:
    """Off plan, not yet badly: people are told."""
    del values
    problem = flights["direction"].mask(flights["direction"].eq("none"), Problem.TRACKER.value)  # neither over nor under: it is the plan that was edited
    return _decided(flights, lane=Lane.WARNING.value, action=Action.SLACK_ALERT.value, urgent=False, problem=problem,
                    incident_scope="campaign", reasons=_add(flights, "A warning: people are told, no pause is recommended."))


def critical(flights: pd.DataFrame, values: pd.DataFrame) -> pd.DataFrame:
    """Badly off plan or not delivering: a pause is recommended where it helps and where it is certain which campaign it would hit."""
    zero, side = flights["zero_delivery"].to_numpy(dtype=bool), flights["direction"].to_numpy(dtype=object)
    on_zero, on_over, on_under, preset = (values[f"actions_{name}"].to_numpy(dtype=object) for name in ("zero", "over", "under", "preset"))
    specification = preset == "specification"
    halt = specification | (np.where(zero, on_zero, np.where(side == "over", on_over, on_under)) == Action.RECOMMEND_HALT.value)
    why_not = _why_no_halt(flights, specification)
    action = np.where(halt & (why_not == ""), Action.RECOMMEND_HALT.value, Action.SLACK_ALERT.value)
    account = flights["zero_kind"].to_numpy(dtype=object) == "account"
    said = np.where(halt, np.where(why_not == "", "Critical: a pause is recommended and awaits a person.", why_not),
                    "Critical: an urgent alert; a pause would not help a campaign that spends too little.")
    return _decided(flights, lane=Lane.CRITICAL.value, severity="critical", action=action, urgent=True,
                    problem=np.where(zero, Problem.ZERO.value, side),
                    incident_scope=np.where(account, "account", "campaign"), reasons=_add(flights, said))


def _why_no_halt(flights: pd.DataFrame, specification: npt.NDArray[np.bool_]) -> npt.NDArray[np.str_]:
    """The first reason why a recommended halt is turned into an urgent alert; empty: none."""
    kinds, phase = (flights[name].to_numpy(dtype=object) for name in ("zero_kind", "phase"))
    proven = np.array([kind in PROVEN for kind in flights["match_kind"].tolist()], dtype=bool)
    stopped = np.array([state in NOT_RUNNING for state in flights["platform_status"].tolist()], dtype=bool)
    return np.select(
        [~proven & (kinds != "not_found"), kinds == "not_found", kinds == "account", stopped & ~specification, phase == "ended"],
        ["Critical, matched by name only: an urgent alert; no pause is recommended until a person confirms the match.",
         "Critical: the plan's campaign id was never seen on the platform, so there is nothing to pause.",
         "Critical: every live campaign of the account is silent, so the account is reported, and no campaign is paused.",
         "Critical: the platform already reports it as paused, so there is nothing to pause.",
         "Critical, and the flight is over: there is nothing left to pause."], "")


def escalate(flights: pd.DataFrame, values: pd.DataFrame) -> pd.DataFrame:
    """The data cannot be acted on: a person is asked, and each red gate says why."""
    gates, cost_fault = flights["red_gates"].tolist(), flights["cost_fault"].to_numpy(dtype=bool)
    first = [red.partition(",")[0] for red in gates]
    problem = [Problem.ZERO if fault and not red else GATE_PROBLEM.get(red, Problem.IDENTITY) for red, fault in zip(first, cost_fault.tolist(), strict=True)]
    scope = ["source" if red == "tie_out" else "account" if one in ("freshness", "clock") else "campaign" for red, one in zip(gates, first, strict=True)]
    return _decided(flights, lane=Lane.ESCALATE.value, action=Action.ESCALATE.value, urgent=np.array(gates, dtype=object).astype(bool) | cost_fault,
                    problem=[one.value for one in problem], incident_scope=scope, reasons=_why_escalated(flights, values))


def _why_escalated(flights: pd.DataFrame, values: pd.DataFrame) -> list[list[str]]:
    minimum = values["confidence_minimum"].to_numpy("float64")
    columns = zip(flights["reasons"], flights["gates"], flights["red_gates"], flights["score"], minimum, flights["cost_fault"], strict=True)
    return [[*reasons, *_escalation(gates, red, score, least, fault)] for reasons, gates, red, score, least, fault in columns]


def _escalation(gates: dict[str, dict[str, str]], red: str, score: float, minimum: float, cost_fault: bool) -> list[str]:
    said = [f"Check failed, {name.replace('_', ' ')}: {gates[name]['evidence']}" for name in red.split(",") if name]
    if cost_fault:
        said.append("Impressions without spend: the cost is missing or wrong in the feed.")
    if not said and score >= minimum:
        said.append("Its plan and its spend cannot be compared, so a person looks at it.")
    if not said:
        said.append(f"Trust in the data is {int(score * 100 + 1e-6)}%, below the {minimum:.0%} that acting on it asks for.")  # cut: never the edge itself
    return said


def _decided(flights: pd.DataFrame, **columns: Any) -> pd.DataFrame:
    """The columns `DECIDED`: those of the lane, and the flights' own where it leaves them."""
    return pd.DataFrame({name: columns[name] if name in columns else flights[name] for name in DECIDED}, index=flights.index)


def _add(flights: pd.DataFrame, sentences: "str | np.ndarray") -> list[list[str]]:
    said = [sentences] * len(flights) if isinstance(sentences, str) else list(sentences)
    return [[*reasons, str(sentence)] for reasons, sentence in zip(flights["reasons"], said, strict=True)]
