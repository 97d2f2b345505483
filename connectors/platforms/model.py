"""What a platform is asked, and what it may answer; the same for all of them.

A read says what is true now. A write happens once: it is never retried here, and when its answer was lost it raises
`PlatformUnavailable(outcome_unknown=True)`, so that the caller reads before anything else.
"""

from dataclasses import dataclass
from datetime import datetime
from typing import Literal, Protocol

State = Literal["serving", "paused", "ended"]


@dataclass(frozen=True)
class Live:
    """A campaign as its platform has it now.

    state: `serving` may spend; `paused` spends nothing until somebody resumes it; `ended` was removed or archived.
    said: the platform's own word for it. changed_at: when its settings were last changed, by whomever; None where the platform does not say.
    """

    name: str
    state: State
    said: str
    changed_at: datetime | None = None


class Platform(Protocol):
    """One platform with its credentials.

    Raises, all but close: `PlatformUnavailable` (no usable answer; of a write with `outcome_unknown` unless it surely did not happen),
    `PlatformRefused` (no such campaign, no permission, a token that ended: nothing was changed).
    """

    name: str

    def read(self, account_id: str, campaign_id: str) -> Live: ...

    def pause(self, account_id: str, campaign_id: str) -> None: ...

    def resume(self, account_id: str, campaign_id: str) -> None: ...

    def close(self) -> None: ...
