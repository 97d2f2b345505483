"""Random sets of campaigns of several clients, told to a desk and to the clients' own channels, run after run."""

import os
import re
from datetime import timedelta
from random import Random
from typing import Any

import pandas as pd
import pytest

from flows.digesting import Digesting
from flows.messages import _to_clients, _to_desk, desk_words
from flows.routing import Routing
from notifiers import limits
from notifiers.cards_facts import CardContext
from notifiers.message import Message
from notifiers.telling import Outgoing
from pacing_brain.model import Finding, Incident, IncidentChange, Lane, Outcome, Problem, Severity
from pacing_brain.money import money
from pacing_brain.policy import Policy
from pacing_brain.told import Silence, Told
from tests.unit.notifiers import world as w
from tests.unit.notifiers.test_cards_random import text

COUNT = 20_000 if os.environ.get("PACING_TEST_DEEP") == "1" else 40
CLIENTS = ("Zqalpha", "Zqbravo", "Zqcharlie")
POLICY = Policy.parse("""
[routes]
"client=zqalpha" = { channel = "C0ALPHA", timezone = "Asia/Tokyo" }
"client=zqbravo" = { channel = "C0BRAVO", owner = "U0BRAVO01" }
"platform=meta" = { channel = "C0META", timezone = "America/New_York" }
""")
ROUTING = Routing(POLICY, "C0DESK")
READERS = {"C0ALPHA": "Zqalpha", "C0BRAVO": "Zqbravo"}
PROBLEMS = [Problem.OVER, Problem.UNDER, Problem.ZERO, Problem.IDENTITY, Problem.STALE, Problem.DUPLICATE]
COLUMNS = ["client", "platform", "phase", "lane", "currency", "actual_micros", "target_micros", "budget_micros", "gross_micros"]
FIGURES = ("actual_micros", "target_micros", "budget_micros", "gross_micros")


def row(chance: Random, number: int) -> dict[str, Any]:
    """A flight of one of the clients, with amounts that nobody else has."""
    client, problem = chance.choice(CLIENTS), chance.choice(PROBLEMS)
    budget = chance.randrange(10**15, 10**17)
    gross = budget * 100 // 85 if chance.random() < 0.4 else None
    lane = "escalate" if problem in (Problem.IDENTITY, Problem.STALE, Problem.DUPLICATE) else chance.choice(["critical", "critical", "warning"])
    return w.flight(
        flight_id=f"{client}{number}", client=client, campaign_name=f"{client} {text(chance)}", campaign_id=text(chance) or "1", market=text(chance),
        platform=chance.choice(["google", "meta"]), account_id=text(chance), owner=chance.choice([None, "U0OWNER01", text(chance), "group:S0GROUP01"]),
        budget_micros=budget, gross_micros=gross, fee_pct=None if gross is None else 15.0, actual_micros=chance.randrange(budget), target_micros=chance.randrange(budget),
        problem=problem.value, lane=lane, severity="critical" if lane == "critical" else "warning", direction=chance.choice(["over", "under"]),
        action="recommend_halt" if lane == "critical" else "slack_alert", currency=chance.choice(["GBP", "EUR", "JPY"]), root_cause=f"{client} {text(chance)}",
        mitigation=[text(chance)], phase="live", red_gates="freshness" if problem is Problem.STALE else "", error=None,
        zero_kind=chance.choice(["", "never", "stopped", "not_found"]))


def incident(found: dict[str, Any], number: int) -> Incident:
    one: Finding = w.finding(found)
    return w.incident(one.model_copy(update={"market": found["market"]}), incident_id=f"I-{number}", opened_at=w.AS_OF)


def worse(one: Incident, chance: Random) -> Incident:
    finding = one.finding.model_copy(update={"severity": chance.choice(list(Severity)), "lane": chance.choice(list(Lane))})
    return one.model_copy(update={"finding": finding})


def said(chance: Random) -> tuple[list[dict[str, Any]], list[Outgoing]]:
    """The flights, and what three runs say about them."""
    rows = [row(chance, number) for number in range(chance.randint(1, 14))]
    incidents = [incident(found, number) for number, found in enumerate(rows)]
    frame = pd.DataFrame([{name: found[name] for name in COLUMNS} for found in rows]).astype(dict.fromkeys(FIGURES, "Int64"))
    silences = [Silence(silence_id="S-1", matcher={"client": chance.choice(CLIENTS)}, author=text(chance) or "x", reason=text(chance) or "x", set_at=w.AS_OF,
                        ends_at=w.AS_OF + timedelta(days=1))] if chance.random() < 0.3 else []
    states: dict[tuple[str, str], Told] = {}
    digested = chance.randrange(3)
    messages: list[Outgoing] = []
    for number, kind in enumerate(["opened", "changed", chance.choice(["renewed", "resolved"])]):
        context = CardContext(as_of=w.AS_OF + number * timedelta(hours=13), report_url="https://report.example", deciders=("U0DECIDE1",))
        before, incidents = incidents, [worse(one, chance) for one in incidents] if kind == "changed" else incidents
        after = [one.model_copy(update={"state": "resolved"}) for one in incidents] if kind == "resolved" else incidents
        changes = [IncidentChange(kind=kind, incident=now, before=None if kind == "opened" else was, what=("severity",) if kind == "changed" else ())
                   for now, was in zip(after, before, strict=True)]

        def quiet(finding: Finding) -> bool:
            return any(one.mutes(finding) for one in silences)

        words = desk_words(lambda _, context=context: context)
        told = [_to_desk(changes, states.values(), context, ROUTING, quiet, words), _to_clients(changes, states.values(), context, ROUTING, quiet)]
        outcome = Outcome(frame, frame, frame, frame, (), frame)
        digesting = Digesting(lambda _: [], set if number else (lambda _: set()), ROUTING, context, silences)
        if number == digested:
            told.append(digesting.messages(changes, outcome, {"partial": [text(chance)]}, {}, told[0]))
        states |= {(state.subject, state.place): state for each in told for state in each.told}
        messages += [message for each in told for message in each.messages]
    return rows, messages


def shown(message: Message) -> str:
    return "\n".join([message.text, *(each for block in message.blocks for each in limits.texts(block))])


def figures(rows: list[dict[str, Any]], *names: str) -> set[str]:
    known = {money(found[name], found["currency"]) for found in rows for name in names if found[name] is not None}
    return known | {money(abs(found["actual_micros"] - found["target_micros"]), found["currency"]) for found in rows}


def check(rows: list[dict[str, Any]], messages: list[Outgoing]) -> None:
    for one in messages:
        assert limits.check(one.message) == []
        assert "\ufffd" not in shown(one.message)
        if (reader := READERS.get(one.channel)) is None:
            continue
        words, others = shown(one.message), [found for found in rows if found["client"] != reader]
        assert not [name for name in CLIENTS if name != reader and name in words]
        assert not [block for block in one.message.blocks if block["type"] == "actions"]
        gross = [found for found in rows if found["client"] == reader and found["gross_micros"] is not None]
        hidden = figures(others, *FIGURES) | figures(gross, "actual_micros", "target_micros", "budget_micros")
        assert not [figure for figure in hidden if re.search(rf"(?<![\d,]){re.escape(figure)}(?![\d,])", words)]
        assert "fee" not in words
        assert "report.example" not in words
    assert {one.channel for one in messages} <= {"C0DESK", "C0META", *READERS}


@pytest.mark.deep
@pytest.mark.timeout(7200)
def test_whatever_the_campaigns_every_message_is_fit_to_be_read_by_whom_it_goes_to() -> None:
    """Every message is valid, under 12,000 characters, escaped, cut between characters and has its fallback; nobody is called by broadcast, no group
    by a card; and a client's channel has no name and no figure of another client, no button, and no net amount or fee where the plan is gross."""
    for seed in range(COUNT):
        try:
            check(*said(Random(seed)))
        except AssertionError as fault:
            fault.add_note(f"seed {seed}")
            raise
