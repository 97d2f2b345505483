"""Which messages a sealed run sends: one card per incident that needs a person, kept up to date, and one digest for the rest. Pure."""

from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass
from datetime import datetime, timedelta

from notifiers.message import Message
from pacing_brain.model import Finding, Incident, IncidentChange, Lane, Severity

FIGURES_AGE = timedelta(hours=24)  # a card whose figures are older is updated even when nothing changed
RANK = {Severity.HEALTHY: 0, Severity.WARNING: 1, Severity.CRITICAL: 2}


@dataclass(frozen=True)
class Outgoing:
    """A message to be put in the outbox: `kind` is post, update or reply; a thread is an incident or a day's digest."""

    channel: str
    thread_key: str
    kind: str
    message: Message


@dataclass(frozen=True)
class Words:
    """How things are said; the pure functions of `notifiers.cards`, with their context bound."""

    card: Callable[[Incident], Message]
    resolved: Callable[[Incident], Message]
    changed: Callable[[IncidentChange], Message]


def needs_card(finding: Finding) -> bool:
    """Critical, or a person is asked; warnings and doubts without consequence are rows of the digest."""
    if finding.facts.get("digest_only"):
        return False
    return finding.severity is Severity.CRITICAL or finding.lane is Lane.ESCALATE


def tell(changes: Iterable[IncidentChange], told: Mapping[str, datetime], now: datetime, channel_of: Callable[[Finding], str],
         words: Words) -> list[Outgoing]:
    """The messages about incidents, in the order of the changes.

    Args:
        changes: what the run did to the incidents.
        told: thread key (incident id) -> when its card was last written; an incident that is not in it has no card.
        now: the run's instant.
        channel_of: where an incident's card goes.
        words: how things are said.
    """
    return [message for change in changes for message in _about(change, told.get(change.incident.incident_id), now, channel_of, words)]


def _about(change: IncidentChange, told: datetime | None, now: datetime, channel_of: Callable[[Finding], str], words: Words) -> list[Outgoing]:
    incident = change.incident
    channel, thread = channel_of(incident.finding), incident.incident_id
    card = Outgoing(channel, thread, "update" if told else "post", words.card(incident)) if told or needs_card(incident.finding) else None
    if change.kind == "resolved":
        return [card, Outgoing(channel, thread, "reply", words.resolved(incident))] if told and card else []
    if card is None:
        return []
    if change.kind == "renewed" and told and now - told < FIGURES_AGE:
        return []
    if change.kind == "changed" and told and _worse(change):
        return [card, Outgoing(channel, thread, "reply", words.changed(change))]
    return [card]


def _worse(change: IncidentChange) -> bool:
    return change.before is not None and RANK[change.incident.finding.severity] > RANK[change.before.finding.severity]
