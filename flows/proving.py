"""Below the card of what was done: whether spend really stopped, or came back, as a run saw it."""

from collections.abc import Iterable
from datetime import datetime
from typing import Any

from sqlalchemy import Connection

from audit import acts, incidents, recommendations, told
from audit.outbox import OutgoingMessage, delivery_id
from flows.routing import Routing
from notifiers.cards_outcome import outcome_reply
from pacing_brain.model import Effect
from pacing_brain.money import money

LATER = ("proven", "resumed_proven")  # good news can wait for quiet hours to end


def proofs(connection: Connection, run_id: str, as_of: datetime, effects: Iterable[Effect], routing: Routing) -> list[OutgoingMessage]:
    """One reply for each pause, or pause taken back, whose effect this run has seen; none where its problem has no card."""
    said = []
    for effect in effects:
        incident_id = recommendations.incident_of(connection, effect.recommendation_id)
        incident = incidents.find(connection, incident_id) if incident_id else None
        where = told.desk_thread(connection, incident.fingerprint) if incident else None
        if incident is None or where is None:
            continue
        outcome = f"resumed_{effect.effect}" if effect.kind == "resume" else effect.effect
        flight: Any = incident.finding.facts.get("flight")
        reply = outcome_reply(outcome, str((flight or {}).get("campaign_name") or effect.flight_id), _why(outcome, effect))
        thread, channel, _ = where
        said.append(OutgoingMessage(delivery_id(run_id, thread, f"effect:{effect.recommendation_id}"), channel, thread, "reply", reply.text, reply.blocks,
                                    routing.quiet_until(channel, as_of) if outcome in LATER else None))
    return said


def stopped(connection: Connection, as_of: datetime, effects: Iterable[Effect]) -> dict[str, datetime]:
    """Incident -> when a run saw that spend had stopped after its pause; by this one, too."""
    seen = [recommendations.incident_of(connection, one.recommendation_id) for one in effects if (one.kind, one.effect) == ("pause", "proven")]
    return acts.stopped(connection) | {incident_id: as_of for incident_id in seen if incident_id}


def _why(outcome: str, effect: Effect) -> str:
    spent, since = money(effect.spend_micros, effect.currency or ""), f"{effect.since:%a %d %b %Y}"
    return {
        "proven": f"Nothing was spent from {since} on, and the data are complete for at least that day.",
        "failed": f"{spent} was spent from {since} on. Somebody resumed it, or the pause did not hold.",
        "not_done": f"{spent} was spent from {since} on, and nobody has said that it is paused.",
        "resumed_proven": f"{spent} was spent from {since} on.",
        "resumed_failed": f"Nothing was spent from {since} on, and the data are complete for at least that day."}[outcome]
