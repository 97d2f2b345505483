"""Replay: the decisions of past runs derived again from what those runs recorded. Needs the record alone: no warehouse, no Slack."""

from collections.abc import Iterator
from dataclasses import dataclass, field, replace
from datetime import datetime
from itertools import count
from typing import Any

import pandas as pd

from audit import ledger
from audit.ledger import Recorded
from audit.merkle import leaf_hash
from audit.runs import SealedRun
from flows import libraries, replay_report
from flows.recorded_inputs import CONTEXT, INPUT_FRAMES, KEPT_AS, recorded
from flows.recording import decision_shards, outcome_frames
from flows.replay_report import Side
from flows.wiring import House, code_version
from pacing_brain.digests import frame_digest
from pacing_brain.errors import LedgerError, RunError
from pacing_brain.model import Incident, Inputs, Outcome
from pacing_brain.policy import Policy

Row = dict[str, Any]
DECIDED = ("decisions_restated", "campaign_decided")
INCIDENTS = ("incident_opened", "incident_changed", "incident_resolved")


@dataclass(frozen=True)
class Past:
    """A sealed run and what the ledger says of it. started: its `run_opened`, then each `run_resumed`."""

    run: SealedRun
    first_seq: int
    started: list[Row]
    digests: dict[str, str]
    frames: dict[str, str]
    decided: list[Recorded]


@dataclass
class Bytes:
    """Entries that were derived again and compared. differs: the first few that are not equal, each with the run, the subject and the number."""

    equal: int = 0
    different: int = 0
    withheld: int = 0
    differs: list[Row] = field(default_factory=list)

    def note(self, run_id: str, what: str, seq: int | None) -> None:
        self.different += 1
        if len(self.differs) < 20:
            self.differs.append({"run_id": run_id, "what": what, "seq": seq})


def replay(house: House, first: datetime, end: datetime, policy: Policy | None) -> Row:
    """Decide the windows from `first` on and before `end` again. policy null: each run under its own.

    For each run, in the order in which they were sealed:

    1. its entries are what was hashed, and its inputs have the digests that the ledger names
    2. under its own policy and memory: every decision's bytes, and the digests of decisions and memory, against the record
    3. under another policy: on the memory that the first run had, then on its own

    Raises:
        RunError: no run was sealed in that time.
        LedgerError: an input is not what was recorded; the message names run, frame and part.
    """
    found = house.runs.sealed_between(first, end)
    if not found:
        raise RunError(f"no live run was sealed for the windows from {first:%Y-%m-%dT%H:%MZ} to {end:%Y-%m-%dT%H:%MZ}. "
                       "`pacing audit show --kind run_sealed` lists them.")
    other = policy if policy is not None and {policy.digest} != {run.policy_digest for run in found} else None
    compared, rows, pasts = Bytes(), list[Row](), list[Past]()
    was = will = None
    memory, numbers = pd.DataFrame(), count()
    for run in found:
        past, inputs = _checked(house, run)  # 1
        pasts.append(past)
        outcome = house.brain.decide(inputs)  # 2
        _compare(past, outcome, compared)
        if other is None:
            continue
        if was is None or will is None:
            before = _open_before(house, past.first_seq)
            was, will, memory = Side.starting(before, inputs.memory), Side.starting(before, inputs.memory), inputs.memory
        would = house.brain.decide(replace(inputs, policy=other, memory=memory))  # 3
        rows += replay_report.changed(_decisions(house, past), would.decisions, run.run_id, run.window)
        was.live(outcome, inputs.run)
        will.live(would, inputs.run)
        memory = _numbered(would, numbers)
    found_out = _about(pasts, compared, first, end)
    return found_out if other is None or was is None or will is None else found_out | replay_report.summary(rows, was, will, other.digest)


def _checked(house: House, run: SealedRun) -> tuple[Past, Inputs]:
    """A run's entries and its inputs, each checked against its digest."""
    past = _past(house, run)
    kept = house.frames.kept(run.run_id)
    for name in (*(KEPT_AS.get(each, each) for each in INPUT_FRAMES), CONTEXT):
        if kept.get(name) != past.digests.get(name):
            raise LedgerError(f"run {run.run_id} is not replayed: its frame {name} has another digest than the ledger names. Run `pacing audit verify`.")
    policy = house.policies.get(run.policy_digest)
    if policy is None:
        raise LedgerError(f"run {run.run_id} is not replayed: the text of its policy {run.policy_digest[:12]} is not on the record.")
    try:
        return past, recorded(house, run.run_id, policy)
    except LedgerError as error:
        raise LedgerError(f"run {run.run_id} is not replayed: {error}") from error


def _past(house: House, run: SealedRun) -> Past:
    with house.database.transaction() as connection:
        entries = list(ledger.read(connection, run_id=run.run_id, kinds=["run_opened", "run_resumed", "inputs_recorded", "run_sealed", *DECIDED]))
    for entry in entries:
        if entry.body is not None and leaf_hash(entry.body) != entry.leaf:
            raise LedgerError(f"run {run.run_id} is not replayed: entry {entry.seq} is not what was hashed. Run `pacing audit verify`.")
    of_kind = {kind: [entry for entry in entries if entry.kind == kind] for kind in ("run_opened", "run_resumed", "inputs_recorded", "run_sealed")}
    if not all(of_kind[kind] for kind in ("run_opened", "inputs_recorded", "run_sealed")):
        raise LedgerError(f"run {run.run_id} is not replayed: the ledger does not say how it was opened, what it saw and what it sealed")
    return Past(run, of_kind["run_opened"][0].seq, [entry.content for entry in of_kind["run_opened"] + of_kind["run_resumed"]],
                of_kind["inputs_recorded"][0].content["digests"], of_kind["run_sealed"][0].content["frames"],
                [entry for entry in entries if entry.kind in DECIDED])


def _compare(past: Past, outcome: Outcome, compared: Bytes) -> None:
    run_id = past.run.run_id
    derived = [entry for shard in decision_shards(run_id, outcome.decisions) for entry in shard.entries]
    if len(derived) != len(past.decided):
        compared.note(run_id, f"{len(past.decided)} entries were recorded, {len(derived)} are derived", None)
    for entry, was in zip(derived, past.decided, strict=False):
        if was.body is None:
            compared.withheld += 1
        elif ledger.render(entry, was.seq, was.at, was.run_id) == was.body:
            compared.equal += 1
        else:
            compared.note(run_id, f"{was.kind} {was.subject}", was.seq)
    seqs = {entry.subject: entry.seq for entry in past.decided if entry.kind == "campaign_decided"}
    for name, frame in outcome_frames(outcome, seqs).items():
        if frame_digest(frame) != past.frames.get(name):
            compared.note(run_id, f"frame {name}", None)


def _decisions(house: House, past: Past) -> pd.DataFrame:
    if house.frames.kept(past.run.run_id).get("decisions") != past.frames.get("decisions"):
        raise LedgerError(f"run {past.run.run_id} is not replayed: its frame decisions has another digest than its seal names. Run `pacing audit verify`.")
    return house.frames.load(past.run.run_id, "decisions")


def _numbered(outcome: Outcome, numbers: Iterator[int]) -> pd.DataFrame:
    """Memory for the next window: decisions that were never recorded are numbered among themselves."""
    restated = outcome.decisions["restated"].astype(bool)
    seqs = {flight: next(numbers) for flight in outcome.decisions.loc[~restated, "flight_id"]}
    return outcome_frames(outcome, seqs)["memory"]


def _open_before(house: House, seq: int) -> list[Incident]:
    """The incidents that were open before an entry, as far as the ledger tells of them."""
    found: dict[str, Recorded] = {}
    with house.database.transaction() as connection:
        for entry in ledger.read(connection, kinds=INCIDENTS, before_seq=seq):
            found[entry.subject] = entry
    return [replay_report.incident_of(entry.subject, entry.at, entry.content) for entry in found.values() if entry.kind != "incident_resolved"]


def _about(pasts: list[Past], compared: Bytes, first: datetime, end: datetime) -> Row:
    """What was replayed with what, against what it was recorded with."""
    codes = sorted({said["code_version"] for past in pasts for said in past.started})
    now = libraries.versions()
    then: dict[str, set[str]] = {}
    for said in (said for past in pasts for said in past.started):
        for name in now.keys() | (said.get("libraries") or {}).keys():
            then.setdefault(name, set()).add((said.get("libraries") or {}).get(name, "not recorded"))
    other = {name: {"recorded": sorted(versions), "now": now.get(name)} for name, versions in sorted(then.items()) if versions != {now.get(name)}}
    total = compared.equal + compared.different + compared.withheld
    return {"from": first.isoformat(), "to": end.isoformat(), "runs": [past.run.run_id for past in pasts],
            "recorded_policies": sorted({past.run.policy_digest for past in pasts}), "code": {"recorded": codes, "now": code_version()},
            "other_libraries": other, "same_versions": codes == [code_version()] and not other,
            "bytes": {"compared": total, "equal": compared.equal, "different": compared.different, "withheld": compared.withheld, "differs": compared.differs}}
