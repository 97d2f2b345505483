"""What a client reads in its own channel: its campaigns and nobody else's, in the money that it pays, without buttons, advice or inner workings.

Where the plan is gross, every figure is shown gross, so that neither the net amount nor the fee can be read off it.
"""

from collections.abc import Mapping
from typing import Any

import pandas as pd

from notifiers.cards_blocks import card, context, fields, header, section
from notifiers.cards_campaign import emoji
from notifiers.cards_facts import CardContext, complete_field, flight_field, flight_of, off_plan_micros, pct_of_plan, platform, title, where_field
from notifiers.cards_facts import amount as shown_amount
from notifiers.cards_text import count, local_text, outside, plain
from notifiers.message import Message
from pacing_brain.model import Finding, Incident, Problem

TOLD = (Problem.OVER, Problem.UNDER, Problem.ZERO)  # the rest is about data, matches and money that may be another client's
SCALED = ("actual_micros", "target_micros", "budget_micros", "stake_micros", "credit_micros", "after_watermark_micros")


def concerns_client(finding: Finding) -> bool:
    """Whether a finding is about one client's own delivery."""
    return bool(finding.client) and finding.problem in TOLD


def client_rows(rows: pd.DataFrame) -> pd.DataFrame:
    """A client's flights in the money that it pays."""
    if "gross_micros" not in rows.columns:
        return rows
    net, gross = rows["budget_micros"].astype("object"), rows["gross_micros"].astype("object")
    scaled = {name: pd.Series([_gross(micros, paid, whole) for micros, paid, whole in zip(rows[name].astype("object"), net, gross, strict=True)],
                              index=rows.index, dtype="Int64") for name in ("actual_micros", "target_micros")}
    return rows.assign(**scaled)


def client_incident(incident: Incident) -> Incident:
    """An incident in the money that the client pays, without anything that is not the client's."""
    finding, row = incident.finding, flight_of(incident.finding.facts)
    facts: dict[str, Any] = {"account": finding.facts.get("account")}
    money = 0 if not row else finding.money_micros
    if row:
        net, gross = row.get("budget_micros"), row.get("gross_micros")
        facts["flight"] = {**row, **{name: _gross(row.get(name), net, gross) for name in SCALED}, "gross_micros": None, "fee_pct": None, "owner": None}
        money = _gross(money, net, gross) or 0
    own = finding.model_copy(update={"facts": facts, "money_micros": money, "owner": None, "headline": ""})
    return incident.model_copy(update={"finding": own})


def _gross(micros: Any, net: Any, gross: Any) -> int | None:
    """A net amount as the client pays it: times gross over net, rounded half up."""
    if micros is None or pd.isna(micros):
        return None
    if gross is None or pd.isna(gross) or net is None or pd.isna(net) or not int(net):
        return int(micros)
    return (int(micros) * int(gross) * 2 + int(net)) // (int(net) * 2)


def client_card(incident: Incident, card_context: CardContext) -> Message:
    """What is wrong, how much money, since when it is known. `incident` is as `client_incident` gives it."""
    row, about = flight_of(incident.finding.facts), _about(incident)
    said = _said(incident, row)
    return card(f"{emoji(incident)} {about}. {plain(said.replace('*', ''), 160)}", [
        header(f"{emoji(incident)} {about}"), section([said]),
        fields([flight_field(row), where_field(row), complete_field(row, incident.finding.facts, card_context.as_of)]) if row else None,
        context([f"As of {local_text(card_context.as_of, card_context.zone)}. The desk that runs this campaign has been told."])])


def _about(incident: Incident) -> str:
    finding, row = incident.finding, flight_of(incident.finding.facts)
    what = {Problem.OVER: "Over plan", Problem.UNDER: "Under plan"}.get(finding.problem, "Not delivering")
    return f"{what}: {title(row)}" if row else f"{what}: {plain(platform(finding.platform), 30)}, {count(len(finding.flights), 'campaign', 'campaigns')}"


def _said(incident: Incident, row: Mapping[str, Any]) -> str:
    finding = incident.finding
    if not row:
        return f"*None of the {count(len(finding.flights), 'live campaign', 'live campaigns')} in {outside(platform(finding.platform), 30)} spends.*"
    spent, planned = (shown_amount(row.get(name) or 0, row.get("currency")) for name in ("actual_micros", "target_micros"))
    off, pct = off_plan_micros(row), pct_of_plan(row)
    if finding.problem is Problem.ZERO or off is None or pct is None:
        return f"*{spent} spent*, {planned} planned to date."
    side = "over" if off > 0 else "under"
    return f"*{pct} of plan to date.* Spent *{spent}*, planned *{planned}*: *{shown_amount(abs(off), row.get('currency'))} {side}*."
