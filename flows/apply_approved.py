"""An approved pause is carried out: re-checked, attempted, read back, finished. Every step is on the record before the next.

The approved row is the queue. Whoever runs this (a deployment every minute, the Slack app after a click, upkeep) leases one row after the other;
what it needs is read now, from the policy in force, the warehouse and the platform, and from nothing that the click carried.
"""

from contextlib import closing
from dataclasses import dataclass, replace
from datetime import timedelta
from typing import Any

from sqlalchemy import Connection

from audit import answers, incidents, outbox, told
from audit.acts import Act, Leased, Outcome, Stopped
from audit.outbox import OutgoingMessage, delivery_id
from audit.recommendations import Recommendation
from connectors.platforms.by_hand import pause_by_hand
from connectors.platforms.model import Platform
from flows import autonomy
from flows.act_end import End
from flows.alarms import alarm
from flows.anchoring import after_answer
from flows.asking_again import decide_again
from flows.card_context import edited_card
from flows.permitting import still_permitted
from flows.resuming import resume
from flows.settings import Settings
from flows.wiring import House, open_house
from notifiers.cards_answers import DECIDED
from notifiers.cards_facts import Decided
from notifiers.cards_outcome import outcome_reply
from pacing_brain import applying
from pacing_brain.applying import Approved
from pacing_brain.errors import PacingError, PlatformRefused, PlatformUnavailable, Unavailable
from pacing_brain.policy import Policy

SLOW = timedelta(minutes=5)


@dataclass(frozen=True)
class Applied:
    """What became of one approval."""

    recommendation_id: str
    outcome: Outcome
    why: str


def apply_approved(settings: Settings) -> list[Applied]:
    """Carry out every approval that waits.

    Raises:
        PacingError: as `open_house`.
    """
    with open_house(settings) as house:
        return carry_out_all(house)


def carry_out_all(house: House) -> list[Applied]:
    """Every approval that waits, one after the other; one that cannot be finished now is tried again by the next."""
    policy = Policy.load(house.settings.policy) if house.settings.policy else house.policy  # as it is now
    autonomy.approve(house, policy)
    found = [carry_out(house, policy, recommendation_id) for recommendation_id in house.acts.waiting()]
    return [applied for applied in found if applied is not None]


def alarm_slow(house: House) -> list[str]:
    """Approvals that wait longer than SLOW for their first try, each said once a day."""
    slow = house.acts.slow(house.now(), SLOW)
    for recommendation_id in slow:
        alarm(house, f"apply:{recommendation_id}", f"an approved pause waits for more than {SLOW.seconds // 60} min: {recommendation_id}. Does the worker run?")
    return slow


def carry_out(house: House, policy: Policy, recommendation_id: str) -> Applied | None:
    """One approval; none: another process has it.

    1. lease       this process alone works on it, by the database clock
    2. permitted   the policy in force still names those who approved it, and there is still time
    3. look        the platform's own state; paused already is done, changed by somebody since is called off
    4. ask again   the brain, with the spend of this minute
    5. attempt     on the ledger, in the transaction that reads the switch; then the platform is asked, once
    6. read back   done, or not known; on the ledger, and told
    """
    leased = house.acts.lease(recommendation_id)  # 1
    if leased is None:
        return None
    if leased.act.kind == "resume":
        return _finish(house, leased, policy, resume(house, leased, policy))
    end = _before(house, leased, policy)  # 2
    if end is None:
        platform = house.platform(leased.recommendation.platform)
        if platform is None:
            end = _handed_over(leased)
        else:
            with closing(platform):
                end = _act(house, leased, policy, platform)  # 3 to 6
    return _finish(house, leased, policy, end)


def _before(house: House, leased: Leased, policy: Policy) -> End | None:
    late = applying.too_late(_approved(leased), leased.now, applying.WITHIN)
    if leased.act.attempted_at is not None:
        return None  # something may have happened: the platform is read first, however late it is
    why = late or still_permitted(house, leased, policy)
    return End("aborted", why, {}) if why else None


def _act(house: House, leased: Leased, policy: Policy, platform: Platform) -> End:
    one, approved = leased.recommendation, _approved(leased)
    try:
        live = platform.read(one.account_id, one.campaign_id)
    except PlatformUnavailable as error:
        return _unread(leased, str(error))
    except PlatformRefused as error:
        return End("aborted", str(error), {})
    verdict, seen = applying.judge(approved, live.state, live.said, live.changed_at), {"live": live.said}
    if verdict.step != "go":
        return End(verdict.step, verdict.why, seen)
    end = _doubts(house, leased, policy, approved)
    return _pause(house, leased, platform, seen) if end is None else replace(end, said=seen)


def _doubts(house: House, leased: Leased, policy: Policy, approved: Approved) -> End | None:
    """Why it is not paused although the platform has it as serving; none: it is to be paused now."""
    late = applying.too_late(approved, leased.now, applying.WITHIN)
    if late or (leased.act.attempted_at and (late := still_permitted(house, leased, policy))):
        return End("aborted", late, {})
    try:
        why = applying.still_asked(approved, decide_again(house, leased.recommendation))
    except Unavailable as error:
        return End("returned", f"{error} Nothing was tried.", {})
    except PacingError as error:
        return End("aborted", f"{error} Nothing was tried.", {})
    return End("aborted", why, {}) if why else None


def _unread(leased: Leased, why: str) -> End:
    """Without an answer nothing is tried; an earlier try stays unknown."""
    return End("unknown", why, {}) if leased.act.attempted_at else End("returned", f"{why} Nothing was tried.", {})


def _pause(house: House, leased: Leased, platform: Platform, seen: dict[str, Any]) -> End:
    one = leased.recommendation
    attempted = house.acts.attempt(leased, seen)
    if isinstance(attempted, Stopped):
        return End("aborted", attempted.why, seen)
    try:
        platform.pause(one.account_id, one.campaign_id)
    except PlatformUnavailable as error:
        if not error.outcome_unknown:
            return End("aborted", f"{error} Nothing was changed.", seen)
        return _read_back(leased, platform, attempted, f"{error} ", seen)
    except PlatformRefused as error:
        return End("aborted", str(error), seen)
    return _read_back(leased, platform, attempted, "", seen)


def _read_back(leased: Leased, platform: Platform, attempted: Act, before: str, seen: dict[str, Any]) -> End:
    one = leased.recommendation
    try:
        live = platform.read(one.account_id, one.campaign_id)
    except (PlatformUnavailable, PlatformRefused) as error:
        return End("unknown", f"{before}Read back: {error}", seen)
    after = seen | {"live_after": live.said, "tries": attempted.tries}
    if live.state == "paused":
        return End("done", "Read back: the platform has it as paused. It stays paused until a person resumes it.", after)
    return End("unknown", f"{before}Read back: the platform still has it as {live.said}.", after)


def _handed_over(leased: Leased) -> End:
    one = leased.recommendation
    told = pause_by_hand(one.platform, one.account_id, one.campaign_id, str(one.facts.get("campaign_name") or one.campaign_id))
    return End("handed_over", "No credentials of this platform are set here, so a person pauses it.", {"steps": list(told.steps), "link": told.link})


def _approved(leased: Leased) -> Approved:
    one = leased.recommendation
    return Approved(evidence_at=one.renewed_at, approved_at=leased.approved_at, expires_at=one.expires_at,
                    direction=str(one.facts.get("direction")), attempted_at=leased.act.attempted_at)


def _finish(house: House, leased: Leased, policy: Policy, end: End) -> Applied:
    """6. One transaction: the ledger, the row, and what people are told."""
    one = leased.recommendation
    with house.database.transaction() as connection:
        repeated = end.outcome == "unknown" and leased.act.outcome == "unknown"
        if not repeated:
            ended = house.acts.finish(connection, leased, end.outcome, end.why, end.said)
            outbox.put(connection, _told(connection, house, ended, leased, policy, end))
        else:
            house.acts.wait(connection, leased)
    after_answer(house)
    return Applied(one.recommendation_id, end.outcome, end.why)


def _told(connection: Connection, house: House, ended: Recommendation, leased: Leased, policy: Policy, end: End) -> list[OutgoingMessage]:
    """The card's new state, and a reply below it. The problem may be over by now, or back as another incident in the same thread."""
    one, asked_about = leased.recommendation, incidents.find(connection, leased.recommendation.incident_id)
    incident = incidents.newest(connection, asked_about.fingerprint) if asked_about else None
    where = told.desk_thread(connection, incident.fingerprint) if incident else None
    if incident is None or where is None:
        return []
    event = f"{one.recommendation_id}:{one.version}:{end.outcome}:{leased.act.tries}"
    elsewhere = incident.incident_id != one.incident_id and ended.status in DECIDED
    back = [Decided(ended.status, leased.now, ended.ended_seq or 0)] if elsewhere else []
    cards = edited_card(connection, house, policy, incident, event, more=back)
    flight: Any = incident.finding.facts.get("flight")
    about = str((flight or {}).get("campaign_name") or one.campaign_id)
    outcome = {"done": "resumed", "unknown": "resume_unknown"}.get(end.outcome, "not_resumed") if leased.act.kind == "resume" else end.outcome
    own = [given for given in answers.approvals(connection, one.recommendation_id, one.version) if given.via == autonomy.VIA]
    why = f"{end.why} The policy approved it by itself; {own[-1].facts.get('claim')} answers for it." if own else end.why
    reply = outcome_reply(outcome, about, why, steps=end.said.get("steps", ()), url=end.said.get("link"))
    thread, channel, _ = where
    return [*cards, OutgoingMessage(delivery_id(event, thread, "reply"), channel, thread, "reply", reply.text, reply.blocks)]

