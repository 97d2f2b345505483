"""Do the other tables say of runs, recorded inputs and policies what the ledger says of them? Findings are a text and the entry concerned."""

import hashlib
from collections.abc import Iterator
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any

import orjson
from sqlalchemy import Connection, Row, select

from audit.observations import check_part, whole_digest
from audit.tables import blobs, policies, recorded_frames, recorded_parts, run_shards, runs
from pacing_brain.errors import LedgerError

Found = Iterator[tuple[str, int | None]]
_SEALED = {"sealed", "superseded"}


@dataclass
class RunFacts:
    """What the ledger says of runs, from entry `first` on. segments: the numbers of each run's entries, as first and last of each stretch."""

    first: int = 0
    segments: dict[str, list[list[int]]] = field(default_factory=dict)
    opened: dict[str, tuple[int, dict[str, Any]]] = field(default_factory=dict)
    sealed: dict[str, tuple[int, dict[str, Any]]] = field(default_factory=dict)
    inputs: dict[str, tuple[int, dict[str, Any]]] = field(default_factory=dict)
    policies: dict[str, int] = field(default_factory=dict)
    _last: tuple[str | None, list[int]] = (None, [])

    def place(self, run_id: str | None, seq: int) -> None:
        if run_id is None:
            return
        last_run, stretch = self._last
        if last_run == run_id and stretch[1] == seq - 1:
            stretch[1] = seq
            return
        self._last = run_id, [seq, seq]
        self.segments.setdefault(run_id, []).append(self._last[1])

    def tell(self, kind: str, seq: int, body: bytes) -> None:
        try:
            said = orjson.loads(body)
        except ValueError:
            return  # its leaf says so already
        if kind == "policy_adopted":
            self.policies.setdefault(str(said.get("subject")), seq)
        elif said.get("run_id"):
            into = {"run_opened": self.opened, "run_sealed": self.sealed, "inputs_recorded": self.inputs}[kind]
            into[said["run_id"]] = seq, said


def seals(connection: Connection, facts: RunFacts) -> Found:
    """Every seal names entries of its own run and its shards as they stand; the table of runs knows the runs of the ledger and no others."""
    rows = {row.run_id: row for row in connection.execute(select(runs))}
    for run_id, (seq, said) in facts.sealed.items():
        yield from ((what, seq) for what in _seal(connection, run_id, said, facts, rows.get(run_id)))
    for run_id, row in rows.items():
        if facts.first and run_id not in facts.opened:
            continue  # it was looked at when everything was
        if row.status in _SEALED and run_id not in facts.sealed:
            yield f"run {run_id} is sealed in the table of runs, but has no seal on the ledger", None
        told = facts.opened.get(run_id)
        if told is None:
            yield f"run {run_id} stands in the table of runs, but was never opened on the ledger", None
        elif (row.policy_digest, row.code_version) != (told[1].get("policy_digest"), told[1].get("code_version")):
            yield f"run {run_id} stands in the table of runs with another policy or code than it was opened with", told[0]
    for run_id in facts.opened.keys() - rows.keys():
        yield f"run {run_id} was opened on the ledger, but is not in the table of runs", facts.opened[run_id][0]


def _seal(connection: Connection, run_id: str, said: dict[str, Any], facts: RunFacts, row: Row[Any] | None) -> Iterator[str]:
    ranges, segments = said.get("seqs", []), facts.segments.get(run_id, [])
    if any(not any(first <= start and end <= last for first, last in segments) for start, end in ranges if start >= facts.first):
        yield f"the seal of run {run_id} names entries that are not the run's"
    kept = select(run_shards.c.first_seq, run_shards.c.last_seq).where(run_shards.c.run_id == run_id).order_by(run_shards.c.shard_no)
    if [list(shard) for shard in connection.execute(kept)] != ranges:
        yield f"run {run_id} has other shards than its seal names"
    if row is None or row.status not in _SEALED:
        yield f"run {run_id} is sealed on the ledger, but not in the table of runs"
    elif (row.window_at, row.as_of, row.live, row.completeness) != (
            datetime.fromisoformat(said["window"]), datetime.fromisoformat(said["as_of"]), said["live"], said["completeness"]):
        yield f"run {run_id} stands in the table of runs with other facts than its seal has"


def inputs(connection: Connection, facts: RunFacts) -> Found:
    """Frames have the digests that the ledger names, of the parts that they have, which have the digests of what is in them."""
    frames = {(row.run_id, row.name): row for row in connection.execute(select(recorded_frames))}
    for run_id, name, digest, seq in _named(facts):
        if (run_id, name) not in frames:
            yield f"frame {name} of run {run_id} is gone", seq
        elif frames[run_id, name].digest != digest:
            yield f"frame {name} of run {run_id} has another digest than the ledger names", seq
    checked: set[tuple[str, str]] = set()
    for frame in frames.values():
        if facts.first and frame.run_id not in facts.inputs and frame.run_id not in facts.sealed:
            continue
        told = facts.inputs.get(frame.run_id)
        yield from ((what, told[0] if told else None) for what in _frame(connection, frame, checked))
    kept = {row.digest: row.text for row in connection.execute(select(policies.c.digest, policies.c.text))}
    for digest, seq in facts.policies.items():
        if hashlib.sha256(kept.get(digest, "").encode()).hexdigest() != digest:
            yield f"the kept text of policy {digest[:12]} was changed or is gone", seq


def _frame(connection: Connection, frame: Row[Any], checked: set[tuple[str, str]]) -> Iterator[str]:
    """checked: parts that were looked at already, which many runs may share."""
    where = f"frame {frame.name} of run {frame.run_id}"
    of_it = recorded_parts.c.run_id == frame.run_id, recorded_parts.c.name == frame.name
    parts = {row.part: row.digest for row in connection.execute(select(recorded_parts.c.part, recorded_parts.c.digest).where(*of_it))}
    if whole_digest(parts) != frame.digest:
        yield f"{where} has other parts than it was kept with"
    for part, digest in sorted(parts.items()):
        if (digest, str(frame.dtypes)) in checked:
            continue
        checked.add((digest, str(frame.dtypes)))
        data = connection.execute(select(blobs.c.data).where(blobs.c.digest == digest)).scalar_one_or_none()
        try:
            check_part(f"{where}, part {part}", digest, data, frame.dtypes)
        except LedgerError as error:
            yield str(error)


def _named(facts: RunFacts) -> Iterator[tuple[str, str, str, int]]:
    """Run, name, digest, and the entry that says so: of what a run saw, and of what its seal left."""
    for run_id, (seq, said) in facts.inputs.items():
        yield from ((run_id, name, digest, seq) for name, digest in said.get("digests", {}).items())
    for run_id, (seq, said) in facts.sealed.items():
        yield from ((run_id, name, digest, seq) for name, digest in said.get("frames", {}).items())
