"""What people's answers taught, on the decisions that it concerns. Pure.

tolerance  somebody said that a problem is expected, or none: until then and within what was said it is a line of the digest. More money, the
           other direction, no delivery or a red check breaks it, as `answers.broken` says.
outcome    what was done about a cause, and how often pacing recovered: shown with the decision, changing nothing else.

A decision cites the patterns it rests on, so that retiring them gives the decision that there would have been.
"""

import json
from typing import Any

import numpy as np
import pandas as pd

from pacing_brain.answers import Answer, Bounds, Extent, broken
from pacing_brain.findings import at_stake
from pacing_brain.learning import worked
from pacing_brain.model import Action, Inputs, Lane
from pacing_brain.natives import natives

CERTAIN = 1.0  # a weaker tolerance (a pause that was refused) keeps people from being asked, and changes no decision
SHOWN_FROM = 3  # cases, before anything is said about them
MOST = 2
Cited = dict[str, Any]


def recall(decisions: pd.DataFrame, inputs: Inputs) -> pd.DataFrame:
    """The decisions as the tolerances in force leave them, each with the patterns that it cites (`patterns`, null: none)."""
    cited: dict[Any, list[Cited]] = {}
    decisions = _tolerated(decisions, _of_kind(inputs.patterns, "tolerance", "confidence", CERTAIN), inputs, cited)
    _outcomes(decisions, _of_kind(inputs.patterns, "outcome", "support", SHOWN_FROM), cited)
    return decisions if not cited else decisions.assign(patterns=pd.Series([cited.get(index) for index in decisions.index], index=decisions.index, dtype="object"))


def _of_kind(patterns: pd.DataFrame, kind: str, strength: str, least: float) -> pd.DataFrame:
    """The patterns of a kind that are strong enough."""
    return patterns.take(np.flatnonzero((patterns["kind"].to_numpy(dtype=object) == kind) & (patterns[strength].to_numpy() >= least)))


def _tolerated(decisions: pd.DataFrame, tolerances: pd.DataFrame, inputs: Inputs, cited: dict[Any, list[Cited]]) -> pd.DataFrame:
    if tolerances.empty:
        return decisions
    known, bad = tolerances.set_index("scope"), decisions["lane"].ne(Lane.HEALTHY.value)
    scopes = "campaign:" + decisions["flight_id"].astype("str") + ":" + decisions["problem"].fillna("").astype("str")
    hits = decisions[bad & scopes.isin(known.index) & decisions["incident_scope"].eq("campaign")]
    reasons = decisions["reasons"].copy()
    for index, row in zip(hits.index, natives(hits), strict=True):
        pattern = known.loc[scopes[index]]
        value = json.loads(pattern["value"])
        extent = Extent(row["severity"], row["lane"], row["direction"], at_stake(row), zero=row["problem"] == "zero")
        if broken(Answer(value["answer"]), Bounds.from_json(value["bounds"]), pattern["expires_at"], extent, inputs.run.as_of) is None:
            said = _said(value["answer"], pattern["expires_at"], pattern["pattern_id"])
            cited[index] = [{"pattern_id": pattern["pattern_id"], "kind": "tolerance", "said": said}]
            reasons[index] = [*(row["reasons"] or []), said]
    mine = decisions.index.isin(list(cited))
    return decisions.assign(action=decisions["action"].mask(mine, Action.LOG_ONLY.value), urgent=decisions["urgent"].mask(mine, other=False), reasons=reasons,
                            recommendation=decisions["recommendation"].mask(mine))


def _said(answer: str, until: pd.Timestamp, pattern_id: str) -> str:
    what = "expected" if answer == Answer.EXPECTED.value else "a wrong alarm"
    return f"Somebody answered that this is {what}, until {until:%a %d %b %Y %H:%M} UTC and within what was said: a line of the digest ({pattern_id})."


def _outcomes(decisions: pd.DataFrame, known: pd.DataFrame, cited: dict[Any, list[Cited]]) -> None:
    if known.empty:
        return
    bad = decisions[["problem", "root_cause_code"]][decisions["lane"].ne(Lane.HEALTHY.value)]
    best = known.sort_values(["confidence", "support", "pattern_id"], ascending=[False, False, True], kind="stable").groupby("scope").head(MOST)
    by_scope: dict[str, list[dict[str, Any]]] = {}
    for row in best.to_dict("records"):
        by_scope.setdefault(str(row["scope"]), []).append({str(name): value for name, value in row.items()})
    scopes = "cause:" + bad["problem"].fillna("").astype("str") + "/" + bad["root_cause_code"].fillna("").astype("str")
    for index, scope in scopes[scopes.isin(by_scope)].items():
        said = [{"pattern_id": row["pattern_id"], "kind": "outcome", "said": worked(row["value"], row["support"], row["confidence"])} for row in by_scope[scope]]
        cited[index] = [*cited.get(index, []), *said]
