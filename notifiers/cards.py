"""What people read: an incident or a run as Block Kit. Pure: values in, `Message` out.

The order is always the same: what is wrong, how much money, can it be trusted, why, what to do, who decides by when. Every sentence is a
whole template; what is not known is absent. The words are those of docs/cards.md, never the ledger's terms.
"""

from collections.abc import Callable, Sequence

from notifiers import cards_campaign, cards_match, cards_scope
from notifiers.cards_answers import afterwards, decided_line
from notifiers.cards_blocks import card, context, header, section
from notifiers.cards_campaign import emoji
from notifiers.cards_digest import digest
from notifiers.cards_facts import Ask, CardContext, flight_of, title
from notifiers.cards_text import duration, link, mention, outside, people, plain, token
from notifiers.message import Message
from pacing_brain.model import Incident, IncidentChange, Problem, Severity

__all__ = ["Ask", "CardContext", "Message", "changed_reply", "digest", "flapping_reply", "incident_card", "reminder_reply", "resolved_reply", "unanswered_reply"]

LISTED = 5  # new critical problems that are named
Card = Callable[[Incident, CardContext], Message]
CAMPAIGN_CARDS: dict[Problem, Card] = {
    Problem.OVER: cards_campaign.off_plan,
    Problem.UNDER: cards_campaign.off_plan,
    Problem.ZERO: cards_campaign.not_delivering,
    Problem.IDENTITY: cards_match.identity,
}
SCOPE_CARDS: dict[Problem, Card] = {Problem.ZERO: cards_scope.account_stopped, Problem.UNPLANNED: cards_scope.unplanned}
NAMES = {
    Problem.OVER: "Over plan", Problem.UNDER: "Under plan", Problem.ZERO: "Not delivering", Problem.STALE: "No new data",
    Problem.DUPLICATE: "Data that do not add up", Problem.CURRENCY: "Currencies differ", Problem.IDENTITY: "Who is who",
    Problem.UNPLANNED: "Spend in no plan", Problem.TRACKER: "Faults in the plan", Problem.ERROR: "Could not be judged", Problem.SURGE: "A data fault is likely",
    Problem.STILL_SPENDING: "Still spending after a pause", Problem.DAYS: "Days begin at another hour",
}


def incident_card(incident: Incident, card_context: CardContext) -> Message:
    """The card of an incident in its newest state; once resolved, what it was, without buttons."""
    if incident.state != "open":
        return _resolved_card(incident, card_context)
    return _card_of(incident)(incident, card_context)


def _card_of(incident: Incident) -> Card:
    finding = incident.finding
    if not finding.scope.startswith("campaign:"):
        return SCOPE_CARDS.get(finding.problem, cards_scope.shared_fault)
    if finding.problem is Problem.ZERO and flight_of(finding.facts).get("zero_kind") == "not_found":
        return cards_campaign.not_found
    return CAMPAIGN_CARDS.get(finding.problem, cards_scope.campaign_data)


def subject(incident: Incident) -> str:
    """What an incident is about, in plain words."""
    finding = incident.finding
    row = flight_of(finding.facts)
    if row:
        return title(row)
    kind, _, name = finding.scope.partition(":")
    return f"{kind} {plain(name, 80)}"


def _resolved_card(incident: Incident, card_context: CardContext) -> Message:
    what, about = NAMES[incident.finding.problem], subject(incident)
    said = resolved_reply(incident, card_context)
    return card(f"✅ Resolved: {what}, {about}.", [
        header(f"✅ Resolved: {what} · {about}"), *said.blocks[:1], section([decided_line(one) for one in card_context.decided]),
        afterwards(card_context, flight_of(incident.finding.facts)),
        context([" · ".join(part for part in [link(card_context.run_url, "This run"), f"incident {incident.incident_id}"] if part)])])


def resolved_reply(incident: Incident, card_context: CardContext) -> Message:
    """Below the card: it is over. Says what the run saw, not why."""
    what, about = NAMES[incident.finding.problem], subject(incident)
    open_for = duration(incident.changed_at - incident.opened_at)
    return card(f"✅ Resolved: {what}, {about}. Open for {open_for}.", [section([
        f"✅ *Resolved.* The run of {token(card_context.as_of)} judged it again and did not find it any more. It was open for {open_for}."])])


def changed_reply(change: IncidentChange, card_context: CardContext) -> Message:
    """Below the card, so that people are told: worse, better, or another direction; then the new figures in one line."""
    incident, newest = change.incident, incident_card(change.incident, card_context)
    lead = _how_it_changed(change)
    told = next((block for block in newest.blocks if block["type"] == "section" and "text" in block), None)
    return card(f"{emoji(incident)} {lead} {subject(incident)}.", [section([f"{emoji(incident)} *{lead}*"]), told])


def reminder_reply(incident: Incident, card_context: CardContext) -> Message:
    """Below the card, once a day: it is still critical, and nobody has answered."""
    finding, about = incident.finding, subject(incident)
    owner = flight_of(finding.facts).get("owner") or finding.owner or card_context.owner
    open_for = duration(card_context.as_of - incident.opened_at)
    whose = f" {mention(owner)}" if owner else ""
    return card(f"{emoji(incident)} Still open: {NAMES[finding.problem]}, {about}. For {open_for}, and nobody has answered.", [section([
        f"{emoji(incident)} *Still open for {open_for}, and nobody has answered.* The card above has the figures of this run.{whose}"])])


def unanswered_reply(incident: Incident, card_context: CardContext) -> Message:
    """Below the card, at half of its time or when somebody wanted to be reminded: nobody has answered yet."""
    until = f" It is open until {token(card_context.ask.expires_at)}." if card_context.ask and card_context.ask.expires_at else ""
    asked = f" {people(card_context.deciders)}" if card_context.deciders else ""
    lead = f"{NAMES[incident.finding.problem]}, {subject(incident)}"
    return card(f"⏰ Not answered yet: {lead}.", [section([f"⏰ *Not answered yet*: {outside(lead, 120)}.{until} The card above has the figures.{asked}"])])


def flapping_reply(incident: Incident, changes: int, card_context: CardContext) -> Message:
    """Below the card, once a day: it comes and goes."""
    what, about = NAMES[incident.finding.problem], subject(incident)
    said = (f"*Flapping*: {changes} changes in 24 hours, as of {token(card_context.as_of)}. The card above shows how it stands at each run; this is said "
            "once a day until it settles, and nothing else about it.")
    return card(f"〰️ Flapping: {what}, {about}. {changes} changes in 24 hours.", [section([f"〰️ {said}"])])


def new_critical(incidents: Sequence[Incident]) -> Message:
    """A message of its own when a run finds new critical problems that have no card: the digest, being updated, notifies nobody."""
    about = [f"{NAMES[one.finding.problem]}: {subject(one)}" for one in incidents]
    lead = f"{len(about)} new critical" + (f": {about[0]}" if len(about) == 1 else f", the worst {about[0]}")
    lines = [f"🔴 {outside(each, 120)}" for each in about[:LISTED]]
    more = [f"… and {len(about) - LISTED} more"] if len(about) > LISTED else []
    return card(f"🔴 {lead}.", [section([f"*New and critical* since the last run; today's digest has {'its' if len(about) == 1 else 'their'} figures.", *lines, *more])])


def _how_it_changed(change: IncidentChange) -> str:
    now, before = change.incident.finding, change.before.finding if change.before else None
    if before is None:
        return "New:"
    if before.severity != now.severity:
        words = {Severity.CRITICAL: "Worse: now critical.", Severity.WARNING: "Better: no longer critical, still a warning."}
        worse = before.severity is Severity.HEALTHY and now.severity is Severity.WARNING
        return "Worse: now a warning." if worse else words.get(now.severity, "Better: no longer off plan, still needs a look.")
    if before.side != now.side:
        return f"Changed: now {now.side} plan." if now.side in ("over", "under") else "Changed."
    if "action" in change.what:
        return "Changed: a pause is now recommended." if cards_campaign.asks_pause(change.incident) else "Changed: no pause is recommended any more."
    return "Changed: more urgent now." if now.urgent and not before.urgent else "Changed."
