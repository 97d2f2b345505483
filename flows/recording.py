"""record: decisions in shards, then the seal. What is not sealed is neither shown as current, nor delivered, nor answerable."""

from collections.abc import Iterator
from dataclasses import dataclass
from datetime import datetime
from typing import Any

import pandas as pd

from audit.ledger import Entry
from audit.recommendations import Asked
from audit.runs import RunHandle
from audit.seal import Seal, Sealed
from flows.messages import Told, outgoing
from flows.wiring import House
from pacing_brain import incidents as lifecycle
from pacing_brain import lifetime
from pacing_brain.answers import Extent
from pacing_brain.decision import bodies
from pacing_brain.model import HALTS, Action, IncidentChange, Inputs, Outcome, Problem, SourceState
from pacing_brain.natives import natives

SHARD_ENTRIES = 2_000  # each shard is a short transaction: a click waits for one at most
OUTCOME_FRAMES = ("decisions", "memory")
ASKED = ["flight_id", "platform", "account_id", "platform_campaign_id", "campaign_id", "currency", "actual_micros", "target_micros", "budget_micros",
         "start_date", "end_date", "action", "severity", "direction", "unexplained_pct", "campaigns", "restates_seq", "day_end"]
LISTED_ROWS = 1_000  # quarantined rows with an entry of their own; the rest is counted, and kept in the table


@dataclass(frozen=True)
class Shard:
    """Entries of one transaction, and the decisions among them."""

    number: int
    entries: list[Entry]
    decided: list[str]  # flight_id of each campaign_decided entry, in order
    offset: int = 0  # entries before the first of them


def record(house: House, run: RunHandle, inputs: Inputs, outcome: Outcome, summary: dict[str, Any]) -> Sealed:
    """Put the outcome on the record.

    1. what was seen: digests of the inputs, rows that cannot be used, the buckets
    2. decisions, at most SHARD_ENTRIES a transaction; restated ones share one entry per shard
    3. what the next run needs: decisions and memory, whole
    4. the seal: incidents, recommendations, messages and `run_sealed` in one small transaction
    """
    house.quarantine.keep(run.run_id, [*inputs.quarantined, *outcome.quarantined])
    seqs: dict[str, int] = {}
    for shard in shards(house, run, inputs, outcome):  # 1, 2
        numbers = house.runs.record_shard(run, shard.number, shard.entries)
        seqs |= {flight: numbers.start + shard.offset + at for at, flight in enumerate(shard.decided)}
        house.runs.heartbeat(run, f"record shard {shard.number}")
    kept = _keep_outcome(house, run, outcome, seqs)  # 3
    return house.runs.seal(run, _seal(house, run, inputs, outcome, kept, seqs, summary))  # 4


def shards(house: House, run: RunHandle, inputs: Inputs, outcome: Outcome) -> Iterator[Shard]:
    """The first shard says what was seen, the others what was decided, in the order of flight_id."""
    yield Shard(0, _seen(house, run, inputs, outcome), [])
    yield from decision_shards(run.run_id, outcome.decisions)


def decision_shards(run_id: str, decisions: pd.DataFrame) -> Iterator[Shard]:
    """What was decided, in the order of flight_id: what a replay compares with the record."""
    for number, start in enumerate(range(0, len(decisions), SHARD_ENTRIES), 1):
        part = decisions.iloc[start:start + SHARD_ENTRIES]
        stands = part["restated"].astype(bool)
        restated = part.loc[stands, ["flight_id", "restates_seq"]]
        said = [Entry("decisions_restated", run_id, {"seqs": [int(seq) for seq in restated["restates_seq"]]})] if len(restated) else []
        new = [Entry("campaign_decided", str(body["flight_id"]), body) for body in bodies(part[~stands])]
        yield Shard(number, said + new, [entry.subject for entry in new], len(said))


def _seen(house: House, run: RunHandle, inputs: Inputs, outcome: Outcome) -> list[Entry]:
    rows = [*inputs.quarantined, *outcome.quarantined]
    entries = [Entry("inputs_recorded", run.run_id, {"digests": _input_digests(house, run),
                                                     "sources": [state.model_dump(mode="json") for state in inputs.run.sources]})]
    entries += [Entry("row_quarantined", f"{row.source}:{row.place}", row.model_dump(mode="json", exclude={"subject"}) | {"about": row.subject})
                for row in rows[:LISTED_ROWS]]
    entries += _changed_targets(house, run, inputs)
    body = {"buckets": natives(outcome.buckets), "flights": len(outcome.decisions), "quarantined": len(rows),
            "days": {"from": inputs.run.days_from, "to": inputs.run.days_to}}
    return [*entries, Entry("run_reconciled", run.run_id, body)]


def _input_digests(house: House, run: RunHandle) -> dict[str, str]:
    """Digest of each kept input; a resumed run may have kept its outcome already, which is no input."""
    return {name: digest for name, digest in house.frames.kept(run.run_id).items() if name not in OUTCOME_FRAMES}


def _changed_targets(house: House, run: RunHandle, inputs: Inputs) -> list[Entry]:
    """Lines of the plan whose budget, dates, currency or curve are not what the last sealed run read."""
    before = house.frames.standing("targets") if run.live else None
    if before is None:
        return []
    watched = ["budget_micros", "currency", "start_date", "end_date", "curve", "curve_pct"]
    old, new = (frame.drop_duplicates("flight_id").set_index("flight_id")[watched] for frame in (before, inputs.targets))
    both = new.index.intersection(old.index)
    old, new = old.loc[both], new.loc[both]
    moved = (old.astype("object") != new.astype("object")) & (old.notna() | new.notna())  # two nulls are unequal, and no change
    changed = moved.index[moved.any(axis=1)].sort_values()
    was, now = natives(old.loc[changed].reset_index()), natives(new.loc[changed].reset_index())
    return [Entry("target_changed", flight, {"before": {name: a[name] for name in watched}, "after": {name: b[name] for name in watched}})
            for flight, a, b in zip(changed, was, now, strict=True)]


def _keep_outcome(house: House, run: RunHandle, outcome: Outcome, seqs: dict[str, int]) -> dict[str, str]:
    return {name: house.frames.keep(run.run_id, name, frame) for name, frame in outcome_frames(outcome, seqs).items()}


def outcome_frames(outcome: Outcome, seqs: dict[str, int]) -> dict[str, pd.DataFrame]:
    """Decisions and memory, each decision with the number of the entry that stands for it. seqs: of the entries of new decisions, by flight."""
    new = outcome.decisions["flight_id"].map(seqs).astype("Int64")
    standing = outcome.decisions["restates_seq"].where(outcome.decisions["restated"].astype(bool), new)
    decisions = outcome.decisions.assign(standing_seq=standing)
    memory = outcome.memory.assign(decided_seq=standing.to_numpy())
    return {"decisions": decisions, "memory": memory}


def _seal(house: House, run: RunHandle, inputs: Inputs, outcome: Outcome, kept: dict[str, str], seqs: dict[str, int],
          summary: dict[str, Any]) -> Seal:
    complete = not missing_sources(inputs) and not outcome.dead_letters
    counts = {"flights": len(outcome.decisions), "decided": len(seqs), "restated": int(outcome.decisions["restated"].sum()),
              "dead_letters": len(outcome.dead_letters)}
    if not run.live:
        return Seal(summary=summary | {"alerts_queued": 0, "recommendations_opened": 0}, completeness="complete" if complete else "partial",
                    counts=counts, frames=kept)
    seen = house.answers.seen()  # what people answer from here on is left to the next run
    changes = lifecycle.step(house.incidents.open(), outcome.findings, inputs.run, unjudged(outcome))
    asks = _asked(run, inputs, outcome, changes, seqs)
    standing = house.recommendations.preview(asks, run.as_of)
    told: Told = outgoing(house, run, inputs, outcome, changes, _standing(outcome, seqs), summary, standing.now.values())
    return Seal(
        summary=summary | {"alerts_queued": len(told.messages), "recommendations_opened": standing.opened},
        completeness="complete" if complete else "partial", counts=counts, frames=kept, incidents=changes, asks=asks, answers_seen=seen,
        extents={finding.fingerprint: Extent.of(finding) for finding in outcome.findings},
        effects=outcome.effects, entries=_incident_entries(changes), messages=told.messages, told=told.states, dead_letters=outcome.dead_letters)


def _standing(outcome: Outcome, seqs: dict[str, int]) -> dict[str, int]:
    """flight_id -> the entry that stands for its decision: of this run, or the one that it restates."""
    restated = outcome.decisions[outcome.decisions["restated"].astype(bool)]
    return dict(zip(restated["flight_id"], restated["restates_seq"].astype("int64"), strict=True)) | seqs


def unjudged(outcome: Outcome) -> frozenset[str]:
    """Scopes of campaigns that this run could not judge: their open incidents stay as they are."""
    doubted = outcome.decisions["red_gates"].fillna("").ne("") | outcome.decisions["error"].notna()
    return frozenset("campaign:" + outcome.decisions.loc[doubted, "flight_id"])


def _incident_entries(changes: list[IncidentChange]) -> list[Entry]:
    kinds = {"opened": "incident_opened", "changed": "incident_changed", "resolved": "incident_resolved"}
    return [Entry(kinds[change.kind], change.incident.incident_id, {
        "fingerprint": change.incident.fingerprint, "version": change.incident.version, "what": list(change.what),
        **change.incident.finding.model_dump(mode="json", include={
            "scope", "problem", "severity", "lane", "action", "urgent", "side", "currency", "money_micros", "headline", "flights"})})
            for change in changes if change.kind in kinds]


def _asked(run: RunHandle, inputs: Inputs, outcome: Outcome, changes: list[IncidentChange], seqs: dict[str, int]) -> list[Asked]:
    """What this run asks people about, one per flight. `mode = "observe"` asks for nothing."""
    incident_of = {flight: change.incident for change in changes if change.kind != "resolved" for flight in change.incident.finding.flights
                   if change.incident.finding.scope == f"campaign:{flight}" and change.incident.finding.problem is not Problem.STILL_SPENDING}
    asks = outcome.decisions["action"].isin(HALTS) & (inputs.policy.mode != "observe")
    found = []
    for row in natives(outcome.decisions.loc[asks, ASKED]):
        incident, target = incident_of[row["flight_id"]], _target(row)
        found.append(Asked(
            recommendation_id=f"R-{incident.incident_id.removeprefix('I-')}-{run.run_id[-6:]}", incident_id=incident.incident_id,
            fingerprint=incident.fingerprint, flight_id=row["flight_id"], platform=target["platform"], account_id=target["account_id"],
            campaign_id=target["campaign_id"], run_id=run.run_id, decision_seq=int(seqs.get(row["flight_id"], row["restates_seq"])),
            at=inputs.run.as_of, expires_at=_until(inputs, row), basis=lifetime.basis(row | target),
            facts={name: row[name] for name in ("currency", "actual_micros", "target_micros", "budget_micros", "direction")},
            extent=Extent.of(incident.finding)))
    return found


def _until(inputs: Inputs, row: dict[str, Any]) -> datetime:
    ends = datetime.fromisoformat(row["day_end"]) if row["day_end"] else None
    return lifetime.ends(inputs.run.as_of, inputs.policy.approvals.expires_after_hours, ends)


def _target(row: dict[str, Any]) -> dict[str, str]:
    """The one campaign that a pause would hit: of a line over several the largest spender."""
    if row["campaigns"]:
        first = max(row["campaigns"], key=lambda one: (one.get("actual_micros") or 0, str(one["campaign_id"])))
        return {"platform": str(first.get("platform") or row["platform"]), "account_id": str(first["account_id"]), "campaign_id": str(first["campaign_id"])}
    return {"platform": str(row["platform"]), "account_id": str(row["account_id"]), "campaign_id": str(row["platform_campaign_id"] or row["campaign_id"])}


def summary_of(inputs: Inputs, outcome: Outcome, run: RunHandle) -> dict[str, Any]:
    """What `pacing run --json` prints, as far as it is known before the seal."""
    decisions = outcome.decisions
    money = {row.pop("currency"): row for row in natives(outcome.buckets)}
    return {
        "run_id": run.run_id, "window": _rfc3339(run.window), "as_of": _rfc3339(run.as_of), "policy_digest": inputs.policy.digest,
        "mode": "live" if run.live else "rehearsal", "policy_mode": inputs.policy.mode, "already_sealed": False, "campaigns": len(decisions),
        "by_severity": _counts(decisions["severity"], ("healthy", "warning", "critical")),
        "by_lane": _counts(decisions["lane"], ("healthy", "warning", "critical", "escalate")),
        "by_action": _counts(decisions["action"], tuple(Action)), "by_severity_and_action": _crossed(decisions),
        "quarantined": len(inputs.quarantined) + len(outcome.quarantined),
        "unmatched_targets": int(decisions["match_kind"].isin(["none", "ambiguous"]).sum()),
        "untracked": int(outcome.days.loc[outcome.days["bucket"].eq("untracked"), "campaign_key"].nunique()),
        "days": {"from": f"{inputs.run.days_from:%Y-%m-%d}", "to": f"{inputs.run.days_to:%Y-%m-%d}"}, "spend_micros": money,
        "dead_letters": len(outcome.dead_letters), "partial": [state.why or f"{state.source} did not answer" for state in missing_sources(inputs)]}


def missing_sources(inputs: Inputs) -> list[SourceState]:
    """What did not answer and is missed: the whole source, or a platform that the plan uses."""
    used = set(inputs.targets["platform"])
    return [state for state in inputs.run.sources if not state.available and (state.platform is None or state.platform in used)]


def _counts(values: pd.Series, names: tuple[str, ...]) -> dict[str, int]:
    found = values.value_counts()
    return {str(name): int(found.get(str(name), 0)) for name in names}


def _crossed(decisions: pd.DataFrame) -> dict[str, dict[str, int]]:
    """By severity and action: flights; only pairs that occur."""
    found: dict[str, dict[str, int]] = {}
    for (severity, action), flights in decisions.groupby(["severity", "action"], observed=True).size().items():
        found.setdefault(str(severity), {})[str(action)] = int(flights)
    return found


def _rfc3339(instant: Any) -> str:
    return f"{instant:%Y-%m-%dT%H:%M:%S}Z"
