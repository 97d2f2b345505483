"""Entries whose bodies are gone by right: a later entry says so. Their leaves stay, so the tree, and with it every anchor, still holds."""

from collections.abc import Iterable
from dataclasses import dataclass
from typing import Self

from sqlalchemy import Connection

from audit import ledger

DECLARING = ("body_withheld", "partition_detached")
KEPT_KINDS = frozenset({  # others are verified by them: they are never withheld, and stay when their month is detached
    "run_opened", "run_sealed", "inputs_recorded", "policy_adopted", "body_withheld", "partition_detached", "ledger_recovered"})


@dataclass(frozen=True)
class Declared:
    """What the ledger says of missing bodies. months: month -> first and last number of its partition."""

    entries: frozenset[int] = frozenset()
    months: tuple[tuple[str, int, int], ...] = ()

    @classmethod
    def of(cls, entries: Iterable[ledger.Recorded]) -> Self:
        said = [entry.content for entry in entries]
        return cls(frozenset(one["entry"] for one in said if one["kind"] == "body_withheld"),
                   tuple((one["subject"], one["first"], one["last"]) for one in said if one["kind"] == "partition_detached"))

    def covers(self, seq: int, month: str, kind: str) -> bool:
        """Whether an entry may lack its body. month: `YYYY-MM` of its instant."""
        if kind in KEPT_KINDS:
            return False
        return seq in self.entries or any(name == month and first <= seq <= last for name, first, last in self.months)


def declared(connection: Connection) -> Declared:
    """Read before a pass over all entries, which then proves the declaring entries like any other."""
    return Declared.of(ledger.read(connection, kinds=DECLARING))
