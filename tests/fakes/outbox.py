"""An outbox in memory: the same contract as the one in Postgres (tests/contract/notifiers/outbox_contract.py)."""

import time
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

from notifiers.delivery import LEASE_S
from notifiers.message import Message


@dataclass
class Entry:
    delivery_id: str
    channel: str
    thread_key: str
    kind: str
    text: str
    blocks: tuple[dict[str, Any], ...]
    attempts: int = 0
    state: str = "pending"  # pending | delivered | dead
    due_at: float = 0.0
    leased_until: float = 0.0
    error: str | None = None
    ref: tuple[str, str] | None = None


@dataclass
class MemoryOutbox:
    clock: Callable[[], float] = time.monotonic
    entries: list[Entry] = field(default_factory=list)

    def put(self, delivery_id: str, channel: str, thread_key: str, kind: str, message: Message) -> None:
        """Putting the same delivery id again changes nothing."""
        if all(entry.delivery_id != delivery_id for entry in self.entries):
            self.entries.append(Entry(delivery_id, channel, thread_key, kind, message.text, message.blocks))

    def lease(self, limit: int) -> Sequence[Entry]:
        due = [entry for entry in self.entries if self._due(entry)]
        chosen = [entry for entry in due if entry.channel == due[0].channel][:limit]
        for entry in chosen:
            entry.attempts += 1
            entry.leased_until = self.clock() + LEASE_S
        return chosen

    def _due(self, entry: Entry) -> bool:
        now = self.clock()
        waiting = next(other for other in self.entries if other.thread_key == entry.thread_key and other.state == "pending") if (
            entry.state == "pending") else None
        return waiting is entry and entry.due_at <= now and entry.leased_until <= now

    def release(self, turns: Mapping[str, float]) -> None:
        """There is one relay in a process' memory: nobody waits for a channel."""

    def delivered(self, delivery_id: str, channel: str, ts: str) -> None:
        entry = self._get(delivery_id)
        entry.state, entry.ref, entry.error = "delivered", (channel, ts), None

    def retry(self, delivery_id: str, after_s: float, error: str) -> None:
        entry = self._get(delivery_id)
        entry.due_at, entry.leased_until, entry.error = self.clock() + after_s, 0.0, error

    def dead(self, delivery_id: str, error: str) -> None:
        entry = self._get(delivery_id)
        entry.state, entry.error = "dead", error

    def message_ref(self, thread_key: str) -> tuple[str, str] | None:
        cards = [entry for entry in self.entries if entry.thread_key == thread_key and entry.kind != "reply"]
        return next((entry.ref for entry in reversed(cards) if entry.state == "delivered"), None)

    def states(self) -> dict[str, str]:
        return {entry.delivery_id: entry.state for entry in self.entries}

    def _get(self, delivery_id: str) -> Entry:
        return next(entry for entry in self.entries if entry.delivery_id == delivery_id)
