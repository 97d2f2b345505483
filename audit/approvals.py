"""One answer, in one short transaction: hold what is asked, keep the click once, move the recommendation on, say it on the ledger.

Whether the answer counts is decided between `hold` and `take`, by rules that know nothing of this database (`pacing_brain.rulings`).
"""

from collections.abc import Mapping
from dataclasses import dataclass, replace
from datetime import datetime
from typing import Any

from sqlalchemy import Connection, select

from audit import acts, answers, clock, identity, incidents, ledger, patterns, recommendations, standing
from audit.acts import Act
from audit.answers import Given
from audit.recommendations import Recommendation
from audit.standing import Standing
from audit.tables import runs
from pacing_brain.answers import WITHIN_LIMITS, Answer, Extent, bounds, until
from pacing_brain.errors import LedgerError
from pacing_brain.model import Incident
from pacing_brain.rulings import AFTERWARDS, BY_PEOPLE, Answerer, Click, Ruling

RECOMMENDATION, INCIDENT = "R-", "I-"


@dataclass(frozen=True)
class Held:
    """What an answer is about, held until the transaction ends; null: nothing of that id is known. newest_run: of the live runs that are sealed."""

    now: datetime
    recommendation: Recommendation | None
    incident: Incident | None
    approved_by: tuple[str, ...]
    handed_to: tuple[str, ...]
    act: Act | None
    newest_run: str | None
    newest_as_of: datetime | None


def hold(connection: Connection, click: Click) -> Held:
    """Incident first, then recommendation, then (when something is written) the ledger's head: the order of a seal, so that nobody waits in a circle.

    The clock is read when everything is held: who waited too long is late.
    """
    recommendation, incident = None, None
    if click.subject.startswith(RECOMMENDATION):
        incident_id = recommendations.incident_of(connection, click.subject)
        incident = incidents.locked(connection, incident_id) if incident_id else None
        recommendation = recommendations.locked(connection, click.subject)
    elif click.subject.startswith(INCIDENT):
        incident = incidents.locked(connection, click.subject)
        recommendation = recommendations.open_of_incident(connection, click.subject)
    given = answers.approvals(connection, click.subject, click.version, click.action) if recommendation and click.action in BY_PEOPLE else []
    act = acts.of(connection, recommendation) if recommendation and click.action in AFTERWARDS else None
    before = answers.approvals(connection, click.subject, act.version) if act else []
    sealed = select(runs.c.run_id, runs.c.as_of).where(runs.c.live, runs.c.status == "sealed").order_by(runs.c.window_at.desc()).limit(1)
    newest = connection.execute(sealed).one_or_none()
    return Held(clock.now(connection), recommendation, incident, tuple(one.person for one in given), tuple(one.person for one in before), act,
                newest.run_id if newest else None,
                newest.as_of if newest else None)


def take(connection: Connection, held: Held, click: Click, who: Answerer, ruling: Ruling, flight_ends: datetime | None = None) -> Given:
    """Keep the answer, with its effect and its ledger entry.

    Raises:
        LedgerError: the same click arrived twice at this moment; the other one counts, and this transaction must be undone.
    """
    seq, incident = _effect(connection, held, click, who, ruling, flight_ends), held.incident
    facts = {name: value for name, value in (("choice", click.choice), ("reason", click.reason), ("until", click.until), ("claim", click.claim),
                                             ("cause", _cause(incident))) if value}
    given = Given(held.now, click.team, click.user_id, click.event, click.via, who.person, click.action, click.subject, click.version,
                  incident.incident_id if incident else None, ruling.verdict, ruling.said, seq, facts)
    if not answers.put(connection, given):
        raise LedgerError(f"the click {click.event} of {click.user_id} was taken at this very moment")
    return given


def _effect(connection: Connection, held: Held, click: Click, who: Answerer, ruling: Ruling, flight_ends: datetime | None) -> int | None:
    if ruling.verdict == "asked":
        return None
    if ruling.verdict == "refused":
        return _say(connection, held, "click_refused", click.subject, {"action": click.action, "version": click.version, "why": ruling.said, **_by(connection, click, who)})
    if ruling.verdict == "counted" and held.recommendation is not None:
        said = recommendations.body(held.recommendation) | {"decision": "one_approval", "of": click.action, **_by(connection, click, who)}
        return _say(connection, held, "recommendation_decided", click.subject, said)
    own = {"approve_halt": _decision, "reject_halt": _decision, "confirm_match": _match, "deny_match": _match, "undo": _undo, "report_paused": _reported}
    if click.action in own:
        return own[click.action](connection, held, click, who)
    return _quiet(connection, held, click, who, Answer(click.choice or Answer.REMIND_LATER), flight_ends)


def _decision(connection: Connection, held: Held, click: Click, who: Answerer) -> int | None:
    if held.recommendation is None:
        raise LedgerError(f"{click.subject} is no recommendation")
    status = "approved" if click.action == "approve_halt" else "rejected"
    said: dict[str, Any] = _by(connection, click, who) | {"approved_by": [*held.approved_by, who.person]} if status == "approved" else _by(connection, click, who)
    ended = recommendations.end(connection, held.recommendation, status, said, held.now)
    if status == "rejected" and ended.ended_seq is not None:
        _stand(connection, held, click, who, Answer.KEEP_RUNNING, ended.ended_seq, None)
    return ended.ended_seq


def _undo(connection: Connection, held: Held, click: Click, who: Answerer) -> int | None:
    """To be resumed, by another version of the same row; nobody is asked about the problem for a while, as if it had been kept running."""
    if held.recommendation is None:
        raise LedgerError(f"{click.subject} is no recommendation")
    said = _by(connection, click, who) | {"approved_by": [*held.approved_by, who.person]}
    ended = recommendations.end(connection, replace(held.recommendation, version=held.recommendation.version + 1), "resume_approved", said, held.now)
    if ended.ended_seq is not None:
        _stand(connection, held, click, who, Answer.KEEP_RUNNING, ended.ended_seq, None)
    return ended.ended_seq


def _reported(connection: Connection, held: Held, click: Click, who: Answerer) -> int:
    if held.recommendation is None or held.act is None:
        raise LedgerError(f"{click.subject} was handed over to nobody")
    seq = _say(connection, held, "pause_reported", click.subject, recommendations.body(held.recommendation) | _by(connection, click, who))
    acts.report(connection, held.act, seq, held.now)
    return seq


def _quiet(connection: Connection, held: Held, click: Click, who: Answerer, answer: Answer, flight_ends: datetime | None) -> int:
    """I'm on it, or remind me later. What is expected, or no problem at all, is asked no more."""
    if held.incident is None:
        raise LedgerError(f"{click.subject} is no incident")
    ends = until(answer, held.now, click.until, flight_ends)
    said = {"fingerprint": held.incident.fingerprint, "answer": answer.value, "until": ends, **_by(connection, click, who)}
    seq = _say(connection, held, "silence_set", held.incident.incident_id, said | _limits(held, click, answer))
    _stand(connection, held, click, who, answer, seq, flight_ends)
    if held.recommendation is not None and held.recommendation.open:
        if answer in WITHIN_LIMITS:
            recommendations.end(connection, held.recommendation, "acknowledged", {"why": answer.value, **_by(connection, click, who)}, held.now)
        elif answer is Answer.REMIND_LATER:
            recommendations.put(connection, [replace(held.recommendation, status="snoozed", snoozed_until=ends)])
    return seq


def _limits(held: Held, click: Click, answer: Answer) -> dict[str, Any]:
    return {"bounds": bounds(answer, Extent.of(held.incident.finding), click.up_to_micros).as_json()} if held.incident else {}


def _stand(connection: Connection, held: Held, click: Click, who: Answerer, answer: Answer, seq: int, flight_ends: datetime | None) -> None:
    if held.incident is None:
        return
    said = Standing(
        held.incident.fingerprint, held.incident.incident_id, answer, who.person, click.user_id, click.reason, held.now,
        until(answer, held.now, click.until, flight_ends), bounds(answer, Extent.of(held.incident.finding), click.up_to_micros), seq)
    standing.put(connection, said)
    if answer in (*WITHIN_LIMITS, Answer.KEEP_RUNNING):
        patterns.learn_tolerance(connection, said, held.incident.finding.currency, by=_by(connection, click, who)["by"])


def _cause(incident: Incident | None) -> str | None:
    """What the problem was put down to when somebody answered: outcomes are learned by it."""
    flight: Any = incident.finding.facts.get("flight") if incident else None
    code = (flight or {}).get("root_cause_code")
    return f"{incident.finding.problem.value}/{code}" if incident and code else None


def _match(connection: Connection, held: Held, click: Click, who: Answerer) -> int:
    """Same or different: which campaign is meant stands in our own finding, not in what arrived."""
    said = {"answer": "same" if click.action == "confirm_match" else "different", **_by(connection, click, who), **asked_campaign(held.incident)}
    seq = _say(connection, held, "match_answered", click.subject, said)
    if "campaign_key" in said:
        patterns.learn_match(connection, str(said["flight_id"]), str(said["campaign_key"]), same=click.action == "confirm_match", seq=seq,
                             by=said["by"], at=held.now)
    return seq


def asked_campaign(incident: Incident | None) -> dict[str, Any]:
    """The flight, and the one campaign that its card asks about; empty where it asks about none."""
    flight = incident.finding.facts.get("flight") if incident else None
    if not isinstance(flight, Mapping):
        return {}
    proposed = [one for one in flight.get("candidates") or [] if one.get("verdict") == "proposed"]
    key = proposed[0]["campaign_key"] if len(proposed) == 1 else flight.get("campaign_key")
    return {"flight_id": flight.get("flight_id"), "platform": flight.get("platform"), "campaign_key": key} if key else {}


def _by(connection: Connection, click: Click, who: Answerer) -> dict[str, Any]:
    """Who it was, as the record says it everywhere, and the human behind it."""
    known: dict[str, Any] = {"via": click.via, "person": click.user_id, "owner": click.claim}  # a policy, which is nobody
    if click.via != "policy":
        known = (identity.Click(click.team, click.user_id) if click.via == "slack" else identity.claimed(connection, click.claim or "")).body
    return {"by": known, "human": who.person} | {name: value for name, value in (("reason", click.reason), ("choice", click.choice)) if value}


def _say(connection: Connection, held: Held, kind: str, subject: str, body: dict[str, Any]) -> int:
    (seq,) = ledger.append(connection, None, [ledger.Entry(kind, subject, body)], held.now)
    return seq
