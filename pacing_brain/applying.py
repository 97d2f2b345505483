"""Whether an approved pause may be carried out at this moment. Pure: what was approved, and what is true now, in; one verdict out.

Three things must agree: the approval is live, the platform still has the campaign as the evidence saw it, and the brain, asked again with the
spend of this minute, still asks for the pause. Anything else calls it off and says why; nothing is ever paused because an answer is missing.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any, Literal

from pacing_brain.model import HALTS

Step = Literal["go", "done", "aborted"]
WITHIN = timedelta(hours=1)  # an approval that could not be carried out for so long is not carried out any more
SKEW = timedelta(minutes=1)  # a platform's clock against ours


@dataclass(frozen=True)
class Approved:
    """What was approved. evidence_at: the instant of the run that it rests on; approved_at: by the database clock; direction, action: what was asked."""

    evidence_at: datetime
    approved_at: datetime
    expires_at: datetime
    direction: str
    attempted_at: datetime | None = None  # an earlier try whose outcome is not known


@dataclass(frozen=True)
class Verdict:
    """step: go (pause it, or resume it, now), done already, or aborted. why: one sentence for people."""

    step: Step
    why: str


def too_late(approved: Approved, now: datetime, within: timedelta) -> str | None:
    """Why the approval is no longer to be acted upon; none: it is."""
    if now - approved.approved_at > within:
        return f"It could not be carried out within {_words(within)} of the approval, and much may have changed since."
    return "Its time was over before it could be carried out." if now >= approved.expires_at else None


def judge(approved: Approved, state: str, said: str, changed_at: datetime | None) -> Verdict:
    """What the platform's own state says.

    Args:
        approved: what was approved.
        state: serving | paused | ended, as the platform has it now.
        said: the platform's own word for it.
        changed_at: when somebody last changed the campaign there; null where the platform does not say.
    """
    if state == "paused":
        return Verdict("done", "The platform has it as paused." if approved.attempted_at else "It was paused already.")
    if state == "ended":
        return Verdict("aborted", f"The platform has it as {said}: there is nothing left to pause.")
    since = approved.evidence_at + SKEW if approved.attempted_at is None else approved.attempted_at - SKEW  # after a try of ours, the careful side
    if changed_at is not None and changed_at > since:
        return Verdict("aborted", f"Somebody changed the campaign on the platform at {changed_at:%H:%M} UTC, after what the approval rests on.")
    if approved.attempted_at is not None and changed_at is None:
        return Verdict("aborted", "The first try did not pause it, and the platform does not say whether anybody changed it since.")
    return Verdict("go", "The platform has it as serving, unchanged since the evidence.")


def too_late_to_resume(approved_at: datetime, now: datetime) -> str | None:
    """Why a pause is not taken back any more by this approval; none: it is."""
    if now - approved_at > WITHIN:
        return f"It could not be carried out within {_words(WITHIN)} of the approval, and much may have changed since."
    return None


def judge_resume(paused_at: datetime | None, tried_at: datetime | None, state: str, said: str, changed_at: datetime | None) -> Verdict:
    """What the platform's own state says to taking a pause back. paused_at: our pause; tried_at: our last try to resume it, whose outcome is not known."""
    if state == "serving":
        return Verdict("done", "The platform has it as serving." if tried_at else "It was serving already.")
    if state == "ended":
        return Verdict("aborted", f"The platform has it as {said}: there is nothing left to resume.")
    since = None if paused_at is None else max(paused_at + SKEW, tried_at - SKEW) if tried_at else paused_at + SKEW
    if since is None or (changed_at is not None and changed_at > since):
        return Verdict("aborted", "Somebody changed the campaign on the platform after it was paused here, so it stays as it is.")
    if tried_at is not None and changed_at is None:
        return Verdict("aborted", "The first try did not resume it, and the platform does not say whether anybody changed it since.")
    return Verdict("go", "The platform has it as paused, unchanged since our pause.")


def still_asked(approved: Approved, decision: Mapping[str, Any] | None) -> str | None:
    """Why the brain, asked again with the spend of this minute, would not ask for it; none: it does."""
    if decision is None:
        return "The campaign's spend cannot be found any more."
    if decision["action"] not in HALTS:
        return f"Asked again with the newest spend, the pause is no longer recommended: {_last(decision)}"
    if decision["direction"] != approved.direction:
        return f"With the newest spend it is {decision['direction']} plan, and the approval was for {approved.direction} plan."
    return None


def _last(decision: Mapping[str, Any]) -> str:
    return str((decision["reasons"] or ["no reason was recorded."])[-1])


def _words(span: timedelta) -> str:
    minutes = int(span.total_seconds() // 60)
    return f"{minutes // 60} h" if minutes % 60 == 0 else f"{minutes} min"
