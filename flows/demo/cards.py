"""One card of each kind that asks people something, as Slack shows it with its buttons: for the page of `pacing demo --html`."""

from collections.abc import Callable, Iterable
from datetime import datetime, timedelta

from notifiers.cards import incident_card
from notifiers.cards_facts import Ask, CardContext, flight_of
from notifiers.message import Message
from notifiers.telling import worst_first
from pacing_brain.model import HALTS, Incident, Problem

KINDS: tuple[Callable[[Incident], bool], ...] = (
    lambda one: one.finding.problem is Problem.OVER and one.finding.action in HALTS,
    lambda one: one.finding.problem is Problem.ZERO and one.finding.action in HALTS,
    lambda one: any(each.get("verdict") == "proposed" for each in flight_of(one.finding.facts).get("candidates") or []))


def with_buttons(incidents: Iterable[Incident], as_of: datetime, expires_after_hours: float) -> list[Message]:
    """The worst over plan, the worst that does not deliver, and a match to confirm; those that there are."""
    order = sorted(incidents, key=lambda one: worst_first(one.finding))
    found = [next((one for one in order if kind(one)), None) for kind in KINDS]
    until = as_of + timedelta(hours=expires_after_hours)
    return [incident_card(one, CardContext(as_of=as_of, interactive=True, can_pause=True, deciders=("group:S0MEDIALEADS",),
                                           ask=Ask(f"R-{one.incident_id.removeprefix('I-')}", 1, until))) for one in found if one is not None]
