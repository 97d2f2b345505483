"""The demo as a person sees it: a few cards as they would arrive, every labelled case, the money, what to look at next. Pure."""

import os
import shlex
from collections.abc import Iterable, Mapping, Sequence
from pathlib import Path
from typing import Any

from rich.console import Group, RenderableType
from rich.text import Text

from audit.outbox import OutgoingMessage
from flows import views
from flows.demo.cases import Case
from flows.views.money import buckets
from flows.views.run import RunDetails, as_row, title
from notifiers.cards_facts import flight_of
from notifiers.console import rendered
from notifiers.message import Message
from pacing_brain.model import HALTS, Incident, Problem

SHOWN_PROBLEMS = (Problem.OVER, Problem.ZERO, Problem.IDENTITY, Problem.UNDER)  # the worst card of each kind that has one
SHOWN = 3


def demo_report(summary: dict[str, Any], details: RunDetails, incidents: Sequence[Incident], messages: Sequence[OutgoingMessage],
                judged: Sequence[Case], world_micros: Mapping[str, int], *, home: Path, html: Path | None, seconds: float) -> RenderableType:
    """Cards, the table of cases, the buckets, what to look at next."""
    cards = shown_cards(incidents, messages)
    more = f"{len(messages) - len(cards)} more messages were sent. All of them as a page: {views.command('demo --html cards.html')}"
    if html is not None:
        more = f"All {len(messages)} messages as a page: {views.say(html).plain}"
    totals = {"the warehouse's own total": details.totals or {}, "the sample world's own": dict(world_micros)}
    return Group(
        Text("What people see in Slack, had a token been set: the worst of three kinds, and the day's digest\n", "bold"),
        *(rendered(Message(one.text, tuple(one.blocks))) for one in cards), Text(more, "dim"),
        title(summary), Text(""), case_table(judged), Text(""), _verdict(judged),
        views.heading(f"Spend, {summary['days']['from']} to {summary['days']['to']}, to the micro"), buckets(summary["spend_micros"], totals),
        views.heading(f"Look at next (took {seconds:.0f} s)"), next_steps(home, incidents))


def shown_cards(incidents: Iterable[Incident], messages: Sequence[OutgoingMessage]) -> list[OutgoingMessage]:
    """The card of the worst incident of each of the first three problems that have one, then the digest. What waits for a card is in the digest."""
    of_thread = {one.thread_key: one for one in messages if one.kind == "post"}
    ranked = sorted((one for one in incidents if _is_shown(one)), key=lambda one: (not _asks(one), views.worst_first(as_row(one))))
    worst = [next((one for one in ranked if one.finding.problem is problem and one.incident_id in of_thread), None) for problem in SHOWN_PROBLEMS]
    digests = [one for one in messages if one.thread_key.startswith("digest:")]
    return [of_thread[one.incident_id] for one in worst if one is not None][:SHOWN] + digests[:1]


def _is_shown(incident: Incident) -> bool:
    return incident.finding.scope.startswith("campaign:") and incident.finding.problem in SHOWN_PROBLEMS


def _asks(incident: Incident) -> bool:
    """Whether the card has a question to a person: a pause, or whether two campaigns are the same."""
    candidates = flight_of(incident.finding.facts).get("candidates") or []
    proposed = any(one["verdict"] == "proposed" for one in candidates)
    return proposed or incident.finding.action in HALTS


def case_table(judged: Sequence[Case]) -> RenderableType:
    """Every labelled case; the ordinary healthy campaigns in one row a kind."""
    made = views.table("case and campaign", "wanted", "decided", "why", "", whole=("wanted", "decided"))
    for case in (case for case in judged if not _is_ordinary(case)):
        made.add_row(*_row(case))
    for kind in dict.fromkeys(case.case for case in judged if _is_ordinary(case)):
        alike = [case for case in judged if case.case == kind and _is_ordinary(case)]
        made.add_row(Text.assemble((kind, "bold"), "\n", (f"{len(alike)} campaigns", "dim")), Text(alike[0].wanted), Text(alike[0].decided), "On plan.", _mark(ok=True))
    return made


def _row(case: Case) -> list[RenderableType]:
    why = views.say(case.why) if case.ok else views.say("; ".join(case.differs), "red")
    campaign = Text.assemble((case.case, "bold"), "\n", views.say(case.campaign), "\n", views.say(case.subject, "dim"))
    return [campaign, Text(case.wanted), Text(case.decided), why, _mark(ok=case.ok)]


def _is_ordinary(case: Case) -> bool:
    return case.ok and case.case.startswith("healthy")


def _mark(*, ok: bool) -> Text:
    return Text("ok", "green") if ok else Text("PROBLEM", "bold red")


def _verdict(judged: Sequence[Case]) -> Text:
    wrong = [case for case in judged if not case.ok]
    if wrong:
        return Text(f"{len(wrong)} of {len(judged)} labelled cases did NOT get the decision that their label asks for.", "bold red")
    return Text(f"All {len(judged)} labelled cases got the decision that their label asks for.", "green")


def next_steps(home: Path, incidents: Iterable[Incident]) -> RenderableType:
    """Three commands that work on the demo's home."""
    prefix = f"PACING_HOME={shlex.quote(os.path.relpath(home) if home.is_relative_to(Path.cwd()) or not home.is_absolute() else str(home))} "
    worst = min((as_row(one) for one in incidents if len(one.finding.flights) == 1), key=views.worst_first, default=None)
    asked = shlex.quote(worst["flights"][0]) if worst else "CAMPAIGN"
    return views.pairs(("where everything stands", Text(prefix + views.command("status"))),
                       ("why a campaign got its decision", Text(prefix + views.command(f"explain {asked}"))),
                       ("what is on the record", Text(prefix + views.command("audit show --kind campaign_decided --last 3"))))
