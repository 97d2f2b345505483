"""What becomes of an answer: taken, counted, or refused with the sentence that the person sees. Pure.

The order in which reasons are looked for is the order in which they matter to the person: who they are, what they may, whether there is still
something to answer, whether they saw what it is now.
"""

from collections.abc import Collection
from dataclasses import dataclass
from datetime import date, datetime

from pacing_brain import lifetime
from pacing_brain.permissions import Role

DECISIONS = ("approve_halt", "reject_halt")  # about a recommendation
MATCHES = ("confirm_match", "deny_match")
RESPONSES = ("acknowledge", "snooze")
AFTERWARDS = {"undo": "done", "report_paused": "handed_over"}  # what can be said later, and in which state
BY_PEOPLE = ("approve_halt", "undo")  # two people, above the policy's amount
NEEDED = {**dict.fromkeys((*DECISIONS, *MATCHES, "undo"), Role.APPROVER), **dict.fromkeys((*RESPONSES, "report_paused"), Role.RESPONDER),
          "explain": Role.NOBODY}
STATES = {"approved": "it was approved, and is on its way", "attempting": "it is being paused at this moment", "done": "it is paused",
          "handed_over": "somebody has taken it over", "unknown": "a pause was tried, and its outcome is being looked at",
          "aborted": "the pause was called off", "rejected": "somebody decided to keep it running", "acknowledged": "somebody has answered it",
          "expired": "nobody answered in time", "superseded": "something else is asked by now", "withdrawn": "the newest run does not ask for it any more",
          "resume_approved": "it is to be resumed, and that is on its way", "resuming": "it is being resumed at this moment", "resumed": "it was resumed",
          "resume_unknown": "it was to be resumed, and the outcome is being looked at"}


@dataclass(frozen=True)
class Click:
    """An answer as it arrives: from a button, a form or a terminal. Nothing in it is trusted but who pressed what.

    event: what makes it this one click (action_ts, view.id). action: the button's. subject, version: its value. choice, reason, up_to_micros: what a form
    asked for. until: at last; day: to the end of this day where the person is; remind: 4h | tomorrow | monday. claim: whom a terminal's user says they
    answer for.
    """

    team: str
    user_id: str
    event: str
    action: str
    subject: str
    version: int
    via: str = "slack"
    choice: str | None = None
    reason: str = ""
    until: datetime | None = None
    day: date | None = None
    remind: str | None = None
    up_to_micros: int | None = None
    claim: str | None = None


@dataclass(frozen=True)
class Question:
    """What is answered, as it stands at this moment on our own tables.

    status: of the recommendation; of an incident open | resolved. asks: whether the newest sealed run is young enough and still asks for it.
    people_needed, approved_by: of a pause, or of taking it back. figures: the newest, in one sentence. ours: whether the monitor paused it itself.
    handed_to: who approved a pause that a person makes; reported: whether one has said that it is made. another: whether who says so must be another.
    """

    version: int
    status: str
    now: datetime
    expires_at: datetime | None = None
    asks: bool = True
    people_needed: int = 1
    approved_by: Collection[str] = ()
    figures: str = ""
    ours: bool = False
    handed_to: Collection[str] = ()
    reported: bool = False
    another: bool = False


@dataclass(frozen=True)
class Answerer:
    """Who answers: what they are for this flight, the human, and whether the policy names that human."""

    role: Role
    person: str
    named: bool
    refused: str | None = None
    unsaid: bool = False  # Slack did not say who is in a group that may decide


@dataclass(frozen=True)
class Ruling:
    """verdict: accepted | counted (one of two) | refused. said: one or two sentences for the person."""

    verdict: str
    said: str = ""


def rule(question: Question | None, action: str, version: int, who: Answerer) -> Ruling:
    """What becomes of the answer to a button with this version; `question` null: nothing of that id is known."""
    said = _may_not(action, who) or _nothing_to_answer(question, action) or (_not_now(question, action, version, who) if question else None)
    if said is not None or question is None:
        return Ruling("refused", said or "")
    return _approval(question, who) if action in BY_PEOPLE else Ruling("accepted")


def _may_not(action: str, who: Answerer) -> str | None:
    if who.refused:
        return who.refused
    if who.role >= NEEDED[action]:
        return None
    if who.unsaid:
        return "Slack did not say who is in the groups that may decide this. Nothing was changed; try again in a minute."
    if NEEDED[action] is Role.APPROVER:
        return "Only an approver of this campaign may decide this. The policy names them in [approvals] approvers; the card says who they are."
    return "Only the owner of this campaign and the people whom the policy names in [approvals] may answer this."


def _nothing_to_answer(question: Question | None, action: str) -> str | None:
    if question is None:
        return "This card is not on the record any more: nothing was changed."
    if action in AFTERWARDS:
        return None if question.status == AFTERWARDS[action] else f"Not now: {STATES.get(question.status, 'it is not paused')}. Nothing was changed."
    if question.status not in (*lifetime.OPEN, "open"):
        return f"Too late: {STATES.get(question.status, 'the problem is over')}. Nothing was changed."
    return None


def _not_now(question: Question, action: str, version: int, who: Answerer) -> str | None:
    if action in AFTERWARDS:
        return _not_afterwards(question, action, version, who)
    if question.expires_at is not None and question.now >= question.expires_at:
        return "Too late: the time to answer is over. The next run asks again if it is still so."
    if version != question.version:
        return f"What is asked has changed since this card was written. {question.figures} Nothing was changed; please answer the newest card.".replace("  ", " ")
    if action in DECISIONS and not question.asks:
        return "The newest run does not ask for this, or there is no recent run to rely on. Nothing was changed; the next run says how it stands."
    return None


def _not_afterwards(question: Question, action: str, version: int, who: Answerer) -> str | None:
    if version != question.version:
        return "This card is older than what happened since. Nothing was changed; please answer the newest card."
    if action == "undo":
        return None if question.ours else "The monitor did not pause it, so it does not resume it. Please do that on the platform."
    if question.reported:
        return "Somebody has said so already. The next runs look whether spend stops."
    if question.another and not who.named:
        return "Somebody else than the approver must say so, and the policy's [people] does not say who you are."
    if question.another and who.person in question.handed_to:
        return "You approved it, and by the policy somebody else must say that it is paused."
    return None


def _approval(question: Question, who: Answerer) -> Ruling:
    if question.people_needed == 1:
        return Ruling("accepted")
    if not who.named:
        return Ruling("refused", "Two people must approve this, and the policy's [people] does not say who you are. Somebody named there has to.")
    if who.person in question.approved_by:
        return Ruling("refused", "You have approved this already; a second person must, and one human counts once.")
    if len({*question.approved_by, who.person}) < question.people_needed:
        return Ruling("counted", "Your approval counts. A second person must approve before anything is changed.")
    return Ruling("accepted")
