"""The questions that await an answer, as a person reads them in a terminal. Pure."""

from collections.abc import Sequence
from datetime import datetime
from typing import Any

from rich.console import Group, RenderableType
from rich.text import Text

from audit.recommendations import Recommendation
from flows import views
from notifiers.cards_facts import platform
from pacing_brain.money import money


def listed(found: Sequence[Recommendation], now: datetime) -> RenderableType:
    """One line each; what to type next below."""
    if not found:
        return Text("Nothing awaits an answer.")
    made = views.table("id", "flight", "campaign", "spent", "planned", "state", "until", right=("spent", "planned"), whole=("id", "until"))
    for one in found:
        made.add_row(views.say(one.recommendation_id), views.say(one.flight_id), views.say(f"{platform(one.platform)} {one.campaign_id}"),
                     _amount(one, "actual_micros"), _amount(one, "target_micros"), _state(one, now), views.moment(one.expires_at) if one.open else "")
    return Group(made, views.pairs(("look", views.command("recommendations show ID")),
                                   ("answer", views.command("recommendations approve ID --as WHO --reason TEXT"))))


def shown(one: Recommendation, known: dict[str, Any], now: datetime) -> RenderableType:
    """What is asked, on what it rests, and how to answer."""
    where = f"{platform(one.platform)}, account {one.account_id}, campaign {one.campaign_id}"
    facts = views.pairs(
        ("state", _state(one, now)), ("what", views.say(f"pause {where}")), ("why", views.say(known["headline"])), ("flight", views.say(one.flight_id)),
        ("spent, planned to date", f"{_amount(one, 'actual_micros')}, {_amount(one, 'target_micros')}"), ("version", str(one.version)),
        ("open until", views.moment(one.expires_at) if one.open else ""), ("approved by", views.say(", ".join(known["approved_by"]))),
        ("record", f"decision {one.decision_seq}" + (f", ended by {one.ended_seq}" if one.ended_seq is not None else "")))
    if not one.open:
        return facts
    return Group(facts, views.pairs(("the working", views.command(f"explain {one.flight_id}")),
                                    ("answer", views.command(f"recommendations approve {one.recommendation_id} --as WHO --reason TEXT"))))


def _state(one: Recommendation, now: datetime) -> Text:
    late = one.open and one.expires_at <= now
    return Text("expired" if late else one.status.replace("_", " "), "yellow" if late or one.open else "")


def _amount(one: Recommendation, name: str) -> str:
    micros = one.facts.get(name)
    return "" if micros is None else money(int(micros), str(one.facts.get("currency")))
