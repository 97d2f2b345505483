"""After the graph: what needs everyone. Pure.

Puts the decided parts together, says which verdicts merely stand (restated), turns problems into findings of the smallest scope that
explains them, and writes the memory for the next run.
"""

import hashlib
from collections.abc import Sequence
from typing import Any

import numpy as np
import pandas as pd
from pandas.api.extensions import ExtensionArray

from pacing_brain import autonomy, breaker, client_share, effects, findings, frames, match, reallocation, recalled, remembered
from pacing_brain.digests import group_digests
from pacing_brain.earlier import earlier
from pacing_brain.model import Action, Inputs, Lane, Outcome, Problem
from pacing_brain.records import records

OWN_SPEND = [name for name in frames.SPEND.columns if name != "loaded_at"]
OWN_PLAN = [name for name in frames.TARGETS.columns if name != "row"]
HISTORY_LOST_PCT = 50.0
OWN_MATCH = ["budget_micros", "day_weights", "match_kind", "campaign_key", "platform_name", "known_on_platform", "platform_status", "overlaps", "candidates"]
UNCHANGED = ["watermark", "inputs_digest", "policy_digest", "lane", "action", "gates_red", "score_steps"]
BEFORE = ["decided_seq", "decided_run", "error", "first_bad_at", "closed_to", "closed_micros", "closed_days", "campaign_key", "start_date", *remembered.LOADS]


def conclude(inputs: Inputs, decided: Sequence[pd.DataFrame], flights: pd.DataFrame, days: pd.DataFrame, accounts: pd.DataFrame, *,
             told: bool = True) -> Outcome:
    """The outcome of a run from the decided parts of its cohort; without findings and reallocation where nobody is `told`."""
    whole = decided[0] if len(decided) == 1 else pd.concat(decided).sort_values("flight_id", kind="stable") if decided else flights.assign(reasons=None)
    decisions = frames.DECISIONS.check(whole)
    decisions = client_share.name(decisions)
    decisions = _with_reallocation(decisions, inputs) if told else decisions
    held = breaker.look(decisions, inputs)
    decisions = autonomy.choose(recalled.recall(breaker.hold(decisions, held), inputs), inputs)
    decisions = decisions.assign(inputs_digest=_digests(decisions, inputs, days) if told else "", score_steps=_steps(decisions))  # what nobody is told stands in no ledger
    before = earlier(decisions, inputs.memory, *UNCHANGED, *BEFORE)
    for name, column in _restated(decisions, before, inputs).items():
        decisions[name] = column
    seen = effects.see(inputs, days, accounts)
    found = findings.sorted_by_fingerprint([*breaker.findings(findings.find(decisions, days, accounts, inputs), held, decisions),
                                            *effects.findings(seen, decisions)]) if told else ()
    incidents = findings.by_flight(found)
    decisions["incident"] = pd.Series([incidents.get(flight) for flight in decisions["flight_id"]], index=decisions.index, dtype="str")
    return Outcome(
        decisions=frames.DECISIONS.check(decisions), days=days, accounts=accounts, buckets=match.buckets(days) if told else pd.DataFrame(), findings=found, effects=tuple(seen),
        memory=_remember(decisions, before, inputs, accounts),
        dead_letters=tuple({"flight_id": row["flight_id"], "error": row["error"]} for row in records(decisions, np.flatnonzero(decisions["error"].notna()))),
        quarantined=match.quarantined(days) if told else ())


def failed(flight: pd.DataFrame, error: Exception) -> pd.DataFrame:
    """The decision on a flight on which a node raised: a person is asked, nothing else is claimed."""
    said = f"This campaign could not be decided: {type(error).__name__}: {str(error).splitlines()[0] if str(error) else 'no message'}"[:500]
    known = {name: flight[name] for name, (node, _) in frames.FLIGHT_COLUMNS.items() if name in flight.columns and node != "variance"}
    verdict = {"severity": "warning", "direction": "none", "lane": Lane.ESCALATE.value, "action": Action.ESCALATE.value, "urgent": True,
               "problem": Problem.ERROR.value, "incident_scope": "campaign", "phase": "live", "zero_delivery": False, "zero_kind": "",
               "cost_fault": False, "red_gates": "", "error": said, "root_cause_code": "error", "root_cause": said,
               "recommendation": "A person looks at this campaign; the monitor tries again at the next run."}
    row = pd.DataFrame(known | verdict, index=flight.index)
    return row.assign(reasons=[[said]] * len(row), mitigation=[[]] * len(row), gates=[{}] * len(row))


def _with_reallocation(decisions: pd.DataFrame, inputs: Inputs) -> pd.DataFrame:
    """Where siblings of the same client could take or give budget, that is a table, and one more remedy of a flight that is not healthy."""
    table = reallocation.by_flight(reallocation.moves(decisions, inputs.policy.resolve(decisions)), decisions)
    mine = [table.get(flight) for flight in decisions["flight_id"]]
    advice = [[*(steps or []), *([reallocation.sentence(rows, currency)] if rows and lane != Lane.HEALTHY.value else [])]
              for steps, rows, currency, lane in zip(decisions["mitigation"].where(decisions["mitigation"].notna(), None), mine, decisions["currency"],
                                                     decisions["lane"], strict=True)]
    return decisions.assign(mitigation=advice, reallocation=pd.Series(mine, index=decisions.index, dtype="object"))


def _digests(decisions: pd.DataFrame, inputs: Inputs, days: pd.DataFrame) -> list[str]:
    """SHA-256 over each decision's own plan rows, spend rows and match, and its campaign's days outside every flight."""
    history = days[days["flight_id"].isna() & days["campaign_key"].isin(decisions["campaign_key"].dropna())]
    parts = [(group_digests(inputs.targets, "flight_id", OWN_PLAN), "flight_id"), (group_digests(days, "flight_id", OWN_SPEND), "flight_id"),
             (group_digests(decisions, "flight_id", OWN_MATCH), "flight_id"), (group_digests(history, "campaign_key", OWN_SPEND), "campaign_key")]
    columns = [decisions[key].map(part).astype("str").fillna("") for part, key in parts]
    return [hashlib.sha256("\n".join(row).encode()).hexdigest() for row in zip(*columns, strict=True)]


def _steps(decisions: pd.DataFrame) -> list[str]:
    return [f"m{metadata:.2f} n{name:.2f} f{freshness:.2f}" for metadata, name, freshness in
            zip(decisions["score_metadata"], decisions["score_name"], decisions["score_freshness"], strict=True)]


def _restated(decisions: pd.DataFrame, before: pd.DataFrame, inputs: Inputs) -> dict[str, Any]:
    """A verdict is restated when nothing that it depends on has changed; then it cites the entry that stands."""
    same = before["decided_seq"].notna().to_numpy() & before["error"].isna().to_numpy() & decisions["error"].isna().to_numpy()
    if same.any():
        now = decisions.assign(policy_digest=inputs.policy.digest, gates_red=decisions["red_gates"].fillna(""))
        for name in UNCHANGED:
            same &= ((before[name] == now[name]).fillna(value=False).astype(bool) | (before[name].isna() & now[name].isna())).to_numpy()
    first_bad = before["first_bad_at"].fillna(pd.Timestamp(inputs.run.as_of)).where(decisions["lane"].to_numpy(dtype=object) != Lane.HEALTHY.value)
    return {"restated": same, "restates_seq": before["decided_seq"].where(same), "first_bad_at": first_bad}


def _closed_history(decisions: pd.DataFrame, before: pd.DataFrame) -> dict[str, ExtensionArray]:
    """What is remembered of closed days. A run that saw nothing, less than half of what was known, or whole days less, does not overwrite it: no revision
    takes a day with spend or half of a history, so that the days that are missing stay missing until they are back.
    """
    now = {"closed_to": decisions["closed_day"], **{name: decisions[name] for name in ("campaign_key", "closed_micros", "closed_days")}}
    shrunk = decisions["shrunk_pct"].to_numpy("float64")
    less = (shrunk >= HISTORY_LOST_PCT) | ((decisions["lost_days"].to_numpy("int64", na_value=0) > 0) & (shrunk > 0))
    known = before["closed_to"].notna().to_numpy() & (before["start_date"].to_numpy() == decisions["start_date"].to_numpy())
    lost = known & (less | decisions["closed_day"].isna().to_numpy())
    kept = {name: values.mask(lost, before[name]) for name, values in now.items()} if lost.any() else now
    return {name: (kept[name].fillna(0) if name in ("closed_micros", "closed_days") else kept[name]).array for name in kept}


def _remember(decisions: pd.DataFrame, before: pd.DataFrame, inputs: Inputs, accounts: pd.DataFrame) -> pd.DataFrame:
    """MEMORY for the next run. `decided_seq` of a new decision is filled in when the ledger has numbered it."""
    kept = {name: decisions[name].array for name in frames.MEMORY.columns if name in decisions}
    kept |= {"gates_red": decisions["red_gates"].array.fillna(""), "side": decisions["direction"].array.fillna("none"),
             "policy_digest": np.full(len(decisions), inputs.policy.digest, dtype=object), "decided_seq": decisions["restates_seq"].array,
             "decided_run": before["decided_run"].where(decisions["restated"].to_numpy(dtype=bool), inputs.run.run_id).array}
    kept |= _closed_history(decisions, before) | remembered.kept_for_next(decisions, before, accounts, inputs)
    return frames.MEMORY.check(pd.DataFrame(kept, index=decisions.index, copy=False))
