"""What `pacing recommendations` does: the questions that are open, and answers from a terminal by the rules of a click."""

import uuid
from datetime import UTC, datetime
from typing import Any

from audit.answers import TOOK_EFFECT, Given
from audit.identity import system_user
from audit.recommendations import Recommendation
from flows import views
from flows.anchoring import after_answer
from flows.answering import Answering
from flows.commands.record import open_record
from flows.settings import Settings
from flows.views.recommendations import listed, shown
from flows.wiring import House
from pacing_brain.errors import UsageError
from pacing_brain.permissions import Caller
from pacing_brain.rulings import Click

HOST = "host"  # the workspace, so to say, of whoever sits at this machine
NEWEST = 50
ACTIONS = {"approve": "approve_halt", "reject": "reject_halt", "snooze": "snooze", "undo": "undo", "paused": "report_paused"}


def list_them(*, every: bool, as_json: bool) -> int:
    """Those that can be answered; `every`: the newest, whatever became of them."""
    with open_record(Settings.read()) as house:
        found = house.recommendations.newest(NEWEST) if every else house.recommendations.pending()
        now = house.now()
    views.emit({"recommendations": [as_row(one) for one in found]}) if as_json else views.show(listed(found, now))
    return 0


def show(recommendation_id: str, *, as_json: bool) -> int:
    """One, with who approved it so far and what was said about it."""
    with open_record(Settings.read()) as house:
        one = _get(house, recommendation_id)
        incident, given = house.incidents.get(one.incident_id), house.answers.approvers(one.recommendation_id, one.version)
        now = house.now()
    known = as_row(one) | {"headline": incident.finding.headline if incident else "", "approved_by": [each.person for each in given]}
    views.emit(known) if as_json else views.show(shown(one, known, now))
    return 0


def decide(verb: str, recommendation_id: str, *, claim: str, reason: str, until: str | None = None) -> int:
    """Approve, reject, snooze, take a pause back, or say that it is made: it counts for the user of this machine; whom they say they answer for is kept beside it.

    Raises:
        UsageError: the terminal may not answer here, no reason, no such recommendation, or a date that is none.
    """
    if not reason.strip():
        raise UsageError("say why, with --reason: whoever reads the record later wants to know")
    with open_record(Settings.read()) as house:
        _refuse_unless_allowed(house)
        answered = answer(house, verb, _get(house, recommendation_id), claim=claim, reason=reason.strip(), until=_instant(until) if until else None)
        print(f"{recommendation_id}: {_said(verb, answered)}")  # noqa: T201
        if answered.verdict in TOOK_EFFECT:
            after_answer(house)
    return 0 if answered.verdict in TOOK_EFFECT else 1


def answer(house: House, verb: str, one: Recommendation, *, claim: str, reason: str, until: datetime | None) -> Given:
    """The same transaction as a click's. What is snoozed is the incident's card."""
    about, version = one.recommendation_id, one.version
    if verb == "snooze":
        incident = house.incidents.get(one.incident_id)
        about, version = one.incident_id, incident.version if incident else 0
    user = f"os:{system_user()}"
    click = Click(HOST, user, str(uuid.uuid4()), ACTIONS[verb], about, version, "cli", reason=reason, until=until, claim=claim,
                  remind=None if until else "4h")
    return Answering(house).answer(click, Caller(HOST, user))


def as_row(one: Recommendation) -> dict[str, Any]:
    known: dict[str, Any] = {name: getattr(one, name) for name in (
        "recommendation_id", "version", "status", "incident_id", "flight_id", "platform", "account_id", "campaign_id", "run_id", "decision_seq", "ended_seq")}
    instants = {name: value.isoformat() if (value := getattr(one, name)) else None for name in ("opened_at", "renewed_at", "expires_at", "ended_at")}
    return known | instants | one.facts


def _refuse_unless_allowed(house: House) -> None:
    if house.settings.interactive and not house.policy.approvals.cli:
        raise UsageError("answers are given in Slack here. To allow the command line as well, write cli = true under [approvals] in the policy.")


def _get(house: House, recommendation_id: str) -> Recommendation:
    found = house.recommendations.get(recommendation_id)
    if found is None:
        raise UsageError(f"there is no recommendation {recommendation_id}. `pacing recommendations list` shows them.")
    return found


def _instant(text: str) -> datetime:
    try:
        found = datetime.fromisoformat(text)
    except ValueError:
        raise UsageError(f"--until {text!r} is no instant: write it as 2026-11-23T08:00Z") from None
    return found if found.tzinfo else found.replace(tzinfo=UTC)


def _said(verb: str, given: Given) -> str:
    if given.verdict == "accepted":
        words = {"approve": "approved; it waits to be carried out", "reject": "kept running; silent for 24 hours or until it gets worse", "snooze": "snoozed",
                 "undo": "to be resumed; it waits to be carried out", "paused": "recorded as paused; the next runs look whether spend stops"}
        return f"{words[verb]} (record {given.seq})."
    return f"{'counted' if given.verdict == 'counted' else 'refused'}. {given.said}"


