"""Questions between runs: people are reminded once at half time, and what nobody answered ends, with its card."""

from datetime import timedelta

from audit import incidents, outbox, recommendations, runs, standing, told
from audit import clock as database_clock
from audit.outbox import OutgoingMessage, delivery_id
from flows.card_context import asking, edited_card, general_context
from flows.routing import Routing
from flows.wiring import House
from notifiers import cards
from notifiers.cards_facts import Decided
from pacing_brain.answers import Answer

ON_IT = (Answer.FIXING, Answer.BUDGET_LOWERED)


def end_late(house: House) -> tuple[str, ...]:
    """Recommendations whose time is over end, by the database clock; their cards say so."""
    with house.database.transaction() as connection:
        now = database_clock.now(connection)
        late = recommendations.late(connection, now)
        for one in late:
            ended = recommendations.end(connection, one, "expired", {"why": "nobody answered in time"}, now)
            incident = incidents.find(connection, one.incident_id)
            if incident is not None and incident.state == "open":
                more = [Decided("expired", now, ended.ended_seq or 0)]
                outbox.put(connection, edited_card(connection, house, house.policy, incident, f"expired:{one.recommendation_id}:{one.version}", more=more))
    return tuple(one.recommendation_id for one in late)


def remind(house: House) -> int:
    """One reply below each card that nobody has answered at half of its time, or that somebody wanted to be reminded of now; never in quiet hours.

    Whoever is on it is not reminded. A reminder is an alert like a run's own: the daily one comes a day after it.
    """
    routing, policy = Routing(house.policy, house.channel), house.policy
    with house.database.transaction() as connection:
        now, answered = database_clock.now(connection), standing.holding(connection)
        said = 0
        for one in recommendations.due(connection, now, now - timedelta(hours=policy.approvals.expires_after_hours) / 2):
            incident = incidents.find(connection, one.incident_id)
            where, run = (told.desk_card(connection, incident.fingerprint), runs.sealed(connection, incident.last_run)) if incident else (None, None)
            if incident is None or where is None or run is None or routing.quiet_until(where[1], now):
                continue
            if one.status == "pending" and (said_last := answered.get(incident.fingerprint)) and said_last.answer in ON_IT and now < said_last.until:
                continue
            context = asking(connection, one.incident_id).of(incident, general_context(house, run, policy), house, policy)
            text, (thread, channel) = cards.unanswered_reply(incident, context), where
            key = delivery_id(f"{one.recommendation_id}:{one.version}:{now:%Y%m%dT%H%M}", thread, "reply")
            outbox.put(connection, [OutgoingMessage(key, channel, thread, "reply", text.text, text.blocks)])
            recommendations.reminded(connection, one, now)
            told.alerted(connection, incident.fingerprint, now)
            said += 1
    return said
