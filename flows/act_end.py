"""How one approval ends, whatever was approved."""

from dataclasses import dataclass
from typing import Any

from audit.acts import Outcome


@dataclass(frozen=True)
class End:
    """why: one sentence for people. said: more for the ledger."""

    outcome: Outcome
    why: str
    said: dict[str, Any]
