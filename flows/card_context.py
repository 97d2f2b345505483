"""What a card says beside its incident: who is asked, until when, and what people said or did about it so far."""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, replace
from datetime import timedelta

from sqlalchemy import Connection

from audit import answers, recommendations, runs, standing, told
from audit.answers import Given
from audit.outbox import OutgoingMessage, delivery_id
from audit.recommendations import Recommendation
from audit.runs import RunHandle, SealedRun
from audit.standing import Standing
from flows import reporting
from flows.routing import Routing
from flows.wiring import House
from notifiers import cards
from notifiers.cards_facts import Ask, CardContext, Decided, flight_of
from pacing_brain import lifetime
from pacing_brain.answers import WITHIN_LIMITS, Answer
from pacing_brain.model import Incident
from pacing_brain.policy import Policy

SHOWN = (*lifetime.OPEN, *lifetime.ACTED_UPON, *lifetime.STOPPED, "resumed")  # what a card tells of a recommendation
CLOSING = (Answer.KEEP_RUNNING, *WITHIN_LIMITS)  # answers after which nothing is asked


@dataclass(frozen=True)
class Asking:
    """Everything that is asked and said, by incident or problem."""

    asks: Mapping[str, Recommendation]  # incident id -> the one that can be answered
    done: Mapping[str, Recommendation]  # incident id -> the one that is or was acted upon
    approved: Mapping[str, list[Given]]  # recommendation id -> who approved it
    said: Mapping[str, Standing]  # fingerprint -> the answer that holds

    def of(self, incident: Incident, general: CardContext, house: House, policy: Policy) -> CardContext:
        """The card's own context."""
        flight = flight_of(incident.finding.facts)
        ask, finding = self.asks.get(incident.incident_id), incident.finding
        row = dict(flight) or {"platform": finding.platform, "client": finding.client, "account_id": finding.account_id}
        return replace(
            general, owner=Routing(policy, house.channel).person(incident.finding), interactive=house.settings.interactive, ask=Ask(ask.recommendation_id, ask.version, ask.expires_at) if ask else None,
            deciders=policy.approvals_for(row).approvers, can_pause=house.can_pause(incident.finding.platform), decided=tuple(self.decided(incident)),
            then=self._then(incident))

    def cited(self, incident: Incident) -> Incident:
        """With the ledger entry of the decision that is asked about."""
        one = self.asks.get(incident.incident_id) or self.done.get(incident.incident_id)
        if one is None:
            return incident
        finding = incident.finding.model_copy(update={"facts": {**incident.finding.facts, "decision_seq": one.decision_seq}})
        return incident.model_copy(update={"finding": finding})

    def decided(self, incident: Incident) -> Iterable[Decided]:
        """What people said about it, then what became of what they decided."""
        said, done, ask = self.said.get(incident.fingerprint), self.done.get(incident.incident_id), self.asks.get(incident.incident_id)
        if said is not None:
            what = "rejected" if said.answer is Answer.KEEP_RUNNING else said.answer.value
            yield Decided(what, said.at, said.seq, said.user_id, said.reason, said.until, closed=said.answer in CLOSING)
        if ask is not None:
            yield from (Decided("one_approval", one.at, one.seq or 0, one.user_id, closed=False)
                        for one in self.approved.get(ask.recommendation_id, []) if one.version == ask.version and one.answer == "approve_halt")
        if done is not None and done.ended_at is not None:
            given = self.approved.get(done.recommendation_id, [])
            who = [one for one in given if one.answer == ("undo" if done.status in (*lifetime.TAKEN_BACK, "resumed") else "approve_halt")]
            if who and who[-1].via == "policy":
                yield Decided("by_policy", who[-1].at, who[-1].seq or 0, str(who[-1].facts.get("claim")))
            if not who or who[-1].via != "policy" or done.status != "approved":
                yield Decided(done.status, done.ended_at, done.ended_seq or 0, who[-1].user_id if who else "", closed=done.status != "resumed")
            yield from (Decided("reported" if one.answer == "report_paused" else "undo", one.at, one.seq or 0, one.user_id) for one in given
                        if (one.answer == "report_paused" and done.status == "handed_over") or (one.answer == "undo" and one.version == done.version))

    def _then(self, incident: Incident) -> tuple[str, Ask] | None:
        """What can be said after a pause that stands: that it is to be resumed, or, where a person was to make it, that it is made."""
        done = self.done.get(incident.incident_id)
        if done is None or done.status not in lifetime.STOPPED:
            return None
        about = Ask(done.recommendation_id, done.version)
        if done.status == "done":
            return "undo", about
        said = any(one.answer == "report_paused" for one in self.approved.get(done.recommendation_id, []))
        return None if said else ("report_paused", about)


def asking(connection: Connection, incident_id: str | None = None) -> Asking:
    """As it stands now; of one incident, if it is given."""
    shown = recommendations.with_status(connection, SHOWN, incident_id)
    return Asking({one.incident_id: one for one in shown if one.open}, {one.incident_id: one for one in shown if not one.open},
                  answers.approved(connection, [one.recommendation_id for one in shown]), standing.holding(connection))


def with_asks(found: Asking, asks: Iterable[Recommendation]) -> Asking:
    """The same with what a run is about to ask."""
    return replace(found, asks={one.incident_id: one for one in asks})


def general_context(house: House, run: RunHandle | SealedRun, policy: Policy) -> CardContext:
    """What all cards of a run say alike."""
    return CardContext(as_of=run.as_of, run_id=run.run_id, report_url=reporting.url_of(house.settings, run.run_id),
                       next_run=run.window + timedelta(hours=policy.schedule_hours), observing=policy.mode == "observe")


def edited_card(connection: Connection, house: House, policy: Policy, incident: Incident, event: str, *, more: Iterable[Decided] = ()) -> list[OutgoingMessage]:
    """The new state of an incident's card, for the outbox of this transaction; none: it has no card. event: what makes it this one edit."""
    run, where = runs.sealed(connection, incident.last_run), told.desk_thread(connection, incident.fingerprint)
    if where is None or run is None or where[2] != (incident.state == "open"):
        return []
    found, (thread, channel, _) = asking(connection, incident.incident_id), where
    context, incident = found.of(incident, general_context(house, run, policy), house, policy), found.cited(incident)
    message = cards.incident_card(incident, replace(context, decided=(*context.decided, *more)))
    return [OutgoingMessage(delivery_id(event, thread, "update"), channel, thread, "update", message.text, message.blocks)]
