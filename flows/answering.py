"""Answers, from wherever they come: one short transaction that takes the click, moves the recommendation on and edits the card."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field, replace
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

from sqlalchemy import Connection

from audit import answers, approvals, outbox
from audit.answers import Given
from audit.approvals import Held
from audit.outbox import OutgoingMessage
from flows.card_context import edited_card
from flows.wiring import House
from notifiers.cards_facts import Decided
from pacing_brain import lifetime
from pacing_brain.answers import end_of, remind_at
from pacing_brain.errors import LedgerError
from pacing_brain.model import Incident
from pacing_brain.money import money
from pacing_brain.permissions import Caller, people_needed, person_of, role, unsaid_groups
from pacing_brain.policy import Policy
from pacing_brain.rulings import MATCHES, Answerer, Click, Question, Ruling, rule

TOOK_EFFECT = answers.TOOK_EFFECT


class PolicyInForce:
    """The policy of this installation, read again when its file has changed: an approver who was struck off decides nothing more."""

    def __init__(self, path: Path | None, read: Policy) -> None:
        self.path, self.policy = path, read
        self.seen: tuple[int, int] | None = None  # of what `now` has read

    def now(self) -> Policy:
        """Raises PolicyError: the file cannot be used any more; then nothing is decided."""
        stamp = self._stamp(self.path)
        if self.path is not None and stamp != self.seen:
            self.policy, self.seen = Policy.load(self.path), stamp
        return self.policy

    @staticmethod
    def _stamp(path: Path | None) -> tuple[int, int] | None:
        try:
            found = path.stat() if path else None
        except OSError:
            return (0, 0)
        return (found.st_mtime_ns, found.st_size) if found else None


@dataclass
class Answering:
    """What the buttons, the forms and the terminal reach. nudge: called when something waits to be sent or done."""

    house: House
    nudge: Callable[[], None] = lambda: None
    policy: PolicyInForce = field(init=False)

    def __post_init__(self) -> None:
        self.policy = PolicyInForce(self.house.settings.policy, self.house.policy)

    def answer(self, click: Click, caller: Caller) -> Given:
        """Take an answer; the same click again gives what it gave before.

        Raises:
            DatabaseUnavailable: nothing was taken.
            PolicyError: the policy in force cannot be read.
        """
        return self._once(click, caller, asked=False)

    def ask(self, click: Click, caller: Caller) -> Given:
        """Whether a form may be shown: the same rules as for the answer that it brings."""
        return self._once(click, caller, asked=True)

    def _once(self, click: Click, caller: Caller, *, asked: bool) -> Given:
        policy = self.policy.now()
        try:
            given = self._taken(click, caller, policy, asked=asked)
        except LedgerError:  # it came twice in the same moment
            with self.house.database.transaction() as connection:
                before = answers.earlier(connection, click.team, click.user_id, click.event)
            if before is None:
                raise
            return before
        if given.verdict in TOOK_EFFECT:
            self.nudge()
        return given

    def _taken(self, click: Click, caller: Caller, policy: Policy, *, asked: bool) -> Given:
        """1. the same click before  2. what is asked, held  3. the rules  4. the answer, its effect and its entry  5. the card."""
        with self.house.database.transaction() as connection:
            held = approvals.hold(connection, click)  # 2
            if (before := answers.earlier(connection, click.team, click.user_id, click.event)) is not None:  # 1
                return before
            click, who = _dated(click, held.now, caller.zone or policy.timezone), _answerer(policy, caller, held.incident)
            ruling = rule(_question(held, click, policy), click.action, click.version, who)  # 3
            if asked and ruling.verdict != "refused":
                ruling = Ruling("asked")
            given = approvals.take(connection, held, click, who, ruling, _flight_ends(held.incident))  # 4
            if given.verdict in TOOK_EFFECT and held.incident is not None:
                outbox.put(connection, self._edits(connection, policy, held.incident, given))  # 5
            return given

    def _edits(self, connection: Connection, policy: Policy, incident: Incident, given: Given) -> list[OutgoingMessage]:
        more = []
        if given.answer in MATCHES:
            more = [Decided("same" if given.answer == "confirm_match" else "different", given.at, given.seq or 0, given.user_id)]
        return edited_card(connection, self.house, policy, incident, f"answer:{given.seq}", more=more)


def _dated(click: Click, now: datetime, zone: str) -> Click:
    """With the instant that "tomorrow" or a day means, by the database's clock, where the person is."""
    if click.remind:
        return replace(click, until=remind_at(click.remind, now, zone))
    return replace(click, until=end_of(click.day, zone)) if click.day else click


def _flight(incident: Incident | None) -> Mapping[str, Any]:
    row = incident.finding.facts.get("flight") if incident else None
    return row if isinstance(row, Mapping) else {}


def _answerer(policy: Policy, caller: Caller, incident: Incident | None) -> Answerer:
    """What the caller is for the flight that the incident is about."""
    finding, row = (incident.finding if incident else None), _flight(incident)
    scope = dict(row) if row else {"platform": finding.platform, "client": finding.client, "account_id": finding.account_id} if finding else {}
    approval, name = policy.approvals_for(scope), person_of(policy, caller.user_id)
    owner = row.get("owner") or (finding.owner if finding else None)
    return Answerer(role(policy, approval, caller, owner), name or caller.user_id, name is not None, caller.refused, unsaid_groups(approval, caller))


def _question(held: Held, click: Click, policy: Policy) -> Question | None:
    if held.incident is None:
        return None
    one = held.recommendation
    if click.subject != held.incident.incident_id:
        if one is None:
            return None
        approvals_here = policy.approvals_for(_flight(held.incident))
        needed = people_needed(approvals_here, str(one.facts.get("currency")), int(one.facts.get("budget_micros") or 0))
        asks = lifetime.still_asks(one.run_id, held.newest_run, held.newest_as_of, held.now, policy.schedule_hours)
        return Question(one.version, one.status, held.now, one.expires_at, asks, needed, held.approved_by, _figures(one.facts),
                        ours=held.act is not None and held.act.attempted_at is not None, handed_to=held.handed_to,
                        reported=held.act is not None and held.act.reported_at is not None, another=approvals_here.reported_by_another)
    return Question(held.incident.version, held.incident.state, held.now)


def _figures(facts: Mapping[str, Any]) -> str:
    """The newest figures in one sentence."""
    if facts.get("actual_micros") is None or facts.get("target_micros") is None:
        return ""
    spent, planned = (money(int(facts[name]), str(facts.get("currency"))) for name in ("actual_micros", "target_micros"))
    return f"It is now {spent} spent of {planned} planned to date."


def _flight_ends(incident: Incident | None) -> datetime | None:
    ends = _flight(incident).get("day_end")
    return datetime.fromisoformat(str(ends)).astimezone(UTC) if ends else None
