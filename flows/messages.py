"""Which messages a run's seal puts in the outbox: cards, replies and the digest, with everything they say bound from the run."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any

from audit.outbox import OutgoingMessage, delivery_id
from audit.runs import RunHandle
from flows import reporting
from flows.wiring import House
from notifiers import cards
from notifiers.cards_digest import digest
from notifiers.cards_facts import CardContext
from notifiers.telling import Outgoing, Words, tell
from pacing_brain.model import Finding, IncidentChange, Inputs, Outcome
from pacing_brain.policy import Policy


@dataclass(frozen=True)
class Told:
    messages: Sequence[OutgoingMessage]


def outgoing(house: House, run: RunHandle, inputs: Inputs, outcome: Outcome, changes: list[IncidentChange],
             seqs: dict[str, int], summary: dict[str, Any]) -> Told:
    """Cards and replies about incidents, then one digest for the day. `mode = "observe"`: the digest only.

    seqs: flight_id -> the ledger entry that stands for its decision; a card cites it.
    """
    context = _context(house, run, inputs)
    changes = [_with_entry(change, seqs) for change in changes]
    said: list[Outgoing] = []
    if inputs.policy.mode != "observe":
        words = _words(context)
        said += tell(changes, house.outbox.last_written(), run.as_of, lambda finding: channel_of(house, inputs.policy, finding), words)
    still_open = [change.incident for change in changes if change.kind != "resolved"]
    day = f"digest:{house.channel}:{run.as_of:%Y-%m-%d}"
    said.append(Outgoing(house.channel, day, "update", digest(summary, outcome.decisions, still_open, context)))
    return Told([OutgoingMessage(delivery_id(run.run_id, one.thread_key, one.kind), one.channel, one.thread_key, one.kind, one.message.text,
                                 one.message.blocks) for one in said])


def _with_entry(change: IncidentChange, seqs: dict[str, int]) -> IncidentChange:
    finding = change.incident.finding
    if len(finding.flights) != 1 or finding.flights[0] not in seqs:
        return change
    cited = finding.model_copy(update={"facts": {**finding.facts, "decision_seq": seqs[finding.flights[0]]}})
    return change.model_copy(update={"incident": change.incident.model_copy(update={"finding": cited})})


def channel_of(house: House, policy: Policy, finding: Finding) -> str:
    """The channel of the most specific route that has one; SLACK_CHANNEL else."""
    route = route_of(policy, finding)
    return (house.channel if route is None else route[0]) or house.channel


def route_of(policy: Policy, finding: Finding) -> tuple[str | None, str | None] | None:
    """(channel, owner) of the most specific route that matches the finding; none: no route does."""
    known = {"platform": finding.platform, "client": finding.client, "account": finding.account_id,
             "flight": finding.flights[0] if len(finding.flights) == 1 else None}
    for kind in ("flight", "account", "client", "platform"):
        for selector, route in sorted(policy.routes.items()):
            if selector.casefold() == f"{kind}={known[kind]}".casefold():
                return route.channel, route.owner
    return None


def _context(house: House, run: RunHandle, inputs: Inputs) -> CardContext:
    return CardContext(as_of=run.as_of, run_id=run.run_id, report_url=reporting.url_of(house.settings, run.run_id), next_run=next_window(run.window, inputs.policy), deciders=inputs.policy.approvals.approvers,
                       observing=inputs.policy.mode == "observe")


def next_window(window: datetime, policy: Policy) -> datetime:
    return window + timedelta(hours=policy.schedule_hours)


def _words(context: CardContext) -> Words:
    """No answer is asked for here: the approval queue is not built yet, and a card names no command that is not there."""
    return Words(card=lambda incident: cards.incident_card(incident, context), resolved=lambda incident: cards.resolved_reply(incident, context),
                 changed=lambda change: cards.changed_reply(change, context))
