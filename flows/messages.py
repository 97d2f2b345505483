"""Which messages a run's seal puts in the outbox: cards, replies and digests, with everything they say bound from the run."""

from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import datetime
from typing import Any

from audit.outbox import OutgoingMessage, delivery_id
from audit.recommendations import Recommendation
from audit.runs import RunHandle
from flows import illness
from flows.card_context import asking, general_context, with_asks
from flows.digesting import Digesting
from flows.proving import proofs, stopped
from flows.routing import Routing
from flows.wiring import House
from notifiers import cards
from notifiers.cards_client import client_card, client_incident, concerns_client
from notifiers.cards_facts import CardContext
from notifiers.paging import Elsewhere
from notifiers.telling import Place, Telling, Words, tell
from pacing_brain.answers import Extent, broken
from pacing_brain.model import Finding, Incident, IncidentChange, Inputs, Outcome
from pacing_brain.told import Silence
from pacing_brain.told import Told as State

Quiet = Callable[[Finding], bool]
CLIENT_THREAD = "@client"  # a client's card of an incident stands in a thread of its own


@dataclass(frozen=True)
class Told:
    """messages: for the outbox. states: what people know then of each problem."""

    messages: Sequence[OutgoingMessage]
    states: Sequence[State] = ()


def outgoing(house: House, run: RunHandle, inputs: Inputs, outcome: Outcome, changes: list[IncidentChange],
             seqs: dict[str, int], summary: dict[str, Any], asks: Iterable[Recommendation] = ()) -> Told:
    """Cards and replies for the desk and for clients, pages elsewhere, whether the monitor itself is well, then the digest of each channel. `mode = "observe"`: no cards.

    seqs: flight_id -> the ledger entry that stands for its decision; a card cites it. asks: what can be answered after this run.
    """
    context, routing = general_context(house, run, inputs.policy), Routing(inputs.policy, house.channel)
    with house.database.transaction() as connection:
        asked = with_asks(asking(connection), asks)
        proven = proofs(connection, run.run_id, run.as_of, outcome.effects, routing)
        still = stopped(connection, run.as_of, outcome.effects)
    changes = [_with_entry(change, seqs) for change in changes]
    silences = house.silences.standing()
    quiet = _quiet(house, silences, run.as_of)
    states = house.tellings.standing(run.as_of)
    told = [Telling((), (), ())]
    if inputs.policy.mode != "observe":
        words = desk_words(lambda incident: asked.of(incident, context, house, inputs.policy))
        told = [_to_desk(changes, states, context, routing, quiet, words), _to_clients(changes, states, context, routing, quiet)]
        if house.elsewhere:
            told.append(Elsewhere(tuple(house.elsewhere), run.as_of, words, quiet, context.report_url).pages(changes, states, told[0]))
    digesting = Digesting(house.incidents.resolved_since, house.outbox.written, routing, context, silences, still)
    digests = digesting.messages(changes, outcome, summary, _of(states, "digest"), told[0])
    own, own_states = illness.of_seal(house, run.run_id, summary, outcome.decisions, states, inputs.policy, run.as_of)
    said = [*(message for each in told for message in each.messages), *own, *digests.messages]
    return Told([*proven, *(OutgoingMessage(delivery_id(run.run_id, one.thread_key, one.kind), one.channel, one.thread_key, one.kind, one.message.text,
                                 one.message.blocks, routing.quiet_until(one.channel, run.as_of) if one.can_wait else None) for one in said)], [*(state for each in told for state in each.told), *digests.told, *own_states])


def _to_desk(changes: Sequence[IncidentChange], states: Iterable[State], context: CardContext, routing: Routing, quiet: Quiet,
             words: Words) -> Telling:
    place = Place("desk", routing.desk, quiet)
    return tell(changes, _of(states, "desk"), context.as_of, place, words, routing.policy.alerts)


def _to_clients(changes: Sequence[IncidentChange], states: Iterable[State], context: CardContext, routing: Routing, quiet: Quiet) -> Telling:
    """A client's own channel: what concerns its delivery, beside the desk's card, which has the buttons."""
    known = _of(states, "client")
    theirs = [change for change in changes if change.incident.fingerprint in known or (
        concerns_client(change.incident.finding) and routing.of_client(change.incident.finding))]
    place = Place("client", lambda finding: routing.of_client(finding) or routing.house, quiet, reminds=False, suffix=CLIENT_THREAD)
    return tell(theirs, known, context.as_of, place, client_words(context, routing), routing.policy.alerts)


def _of(states: Iterable[State], place: str) -> dict[str, State]:
    return {state.subject: state for state in states if state.place == place}


def _quiet(house: House, silences: Sequence[Silence], now: datetime) -> Quiet:
    """What nobody is told of: what is silenced, and what a person answered and is no worse since."""
    answered = house.standing_answers.holding()

    def quiet(finding: Finding) -> bool:
        one = answered.get(finding.fingerprint)
        holds = one is not None and broken(one.answer, one.bounds, one.until, Extent.of(finding), now) is None
        return holds or any(silence.mutes(finding) for silence in silences)

    return quiet


def _with_entry(change: IncidentChange, seqs: Mapping[str, int]) -> IncidentChange:
    finding = change.incident.finding
    if len(finding.flights) != 1 or finding.flights[0] not in seqs:
        return change
    cited = finding.model_copy(update={"facts": {**finding.facts, "decision_seq": seqs[finding.flights[0]]}})
    return change.model_copy(update={"incident": change.incident.model_copy(update={"finding": cited})})


def desk_words(about: Callable[[Incident], CardContext]) -> Words:
    """As the people of the desk read it: with what is asked, of whom, and what was answered."""
    return Words(card=lambda incident: cards.incident_card(incident, about(incident)), resolved=lambda incident: cards.resolved_reply(incident, about(incident)),
                 changed=lambda change: cards.changed_reply(change, about(change.incident)),
                 reminder=lambda incident: cards.reminder_reply(incident, about(incident)),
                 flapping=lambda incident, changes: cards.flapping_reply(incident, changes, about(incident)))


def client_words(context: CardContext, routing: Routing) -> Words:
    """In the money that the client pays, and nothing that is not its own."""
    bare = CardContext(as_of=context.as_of, next_run=context.next_run)

    def about(incident: Incident) -> CardContext:
        return replace(bare, zone=routing.zone(routing.of_client(incident.finding)))

    def card(incident: Incident) -> cards.Message:
        own = client_incident(incident)
        return client_card(own, about(incident)) if own.state == "open" else cards.incident_card(own, bare)

    def changed(change: IncidentChange) -> cards.Message:
        before = client_incident(change.before) if change.before else None
        return cards.changed_reply(change.model_copy(update={"incident": client_incident(change.incident), "before": before}), bare)

    return Words(card=card, resolved=lambda incident: cards.resolved_reply(client_incident(incident), bare), changed=changed,
                 reminder=lambda incident: cards.reminder_reply(client_incident(incident), bare),
                 flapping=lambda incident, changes: cards.flapping_reply(client_incident(incident), changes, bare))
