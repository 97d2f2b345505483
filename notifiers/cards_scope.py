"""Cards about data and scopes larger than one campaign: no new data, doubled rows, currency, the plan, money outside every plan."""

from collections.abc import Mapping, Sequence
from typing import Any

from notifiers.cards_answers import answers, who_decides
from notifiers.cards_blocks import card, fields, header, section
from notifiers.cards_campaign import emoji
from notifiers.cards_facts import (
    CardContext, Facts, account, account_number, amount, command, complete_field, flight_field, flight_of, owner_field, platform, title,
    trust_field, what_to_do, where_field,
)
from notifiers.cards_text import SENTENCE_LENGTH, count, day, duration, instant, mention, outside, people, plain, sentence, token, weekday
from notifiers.message import Message
from pacing_brain.model import Incident, Problem

LISTED = 6  # campaigns named on a card; the rest are counted
SCOPE_WORDS = {
    Problem.STALE: ("No new data", "Nothing of it is judged until the feed loads again: no alert and no pause rests on old data."),
    Problem.DUPLICATE: ("The data do not add up", "Nothing of it is judged until the data are right: doubled or missing rows are never summed."),
    Problem.CURRENCY: ("Currencies differ", "Nothing of it is judged until plan and platform name the same currency."),
    Problem.TRACKER: ("The plan needs a look", "What the plan says wrongly is not judged; everything else is."),
    Problem.ERROR: ("Could not be judged", "The monitor tries again at the next run; everything else was judged."),
    Problem.IDENTITY: ("Who is who?", "Nothing of it is judged until a person has looked."),
    Problem.SURGE: ("A data fault is likely", "Their pauses are held, and nobody is asked about them; each stays a row of the digest."),
    Problem.STILL_SPENDING: ("Still spending after a pause", "Nothing is paused again without an answer; the next run asks if it is still off plan."),
    Problem.DAYS: ("Days begin at another hour", "Everything is judged as before, by what comes in altogether."),
    Problem.ZERO: ("Not delivering", "Nothing is paused: the cause lies above the single campaign."),
}
NEXT_STEPS = {
    Problem.STALE: "Look at the connector of this account (Fivetran, Supermetrics or your own job): is it paused, failing, or logged out?",
    Problem.DUPLICATE: "Look at the load of these days in the warehouse: loaded twice, or only in part?",
    Problem.CURRENCY: "Correct column currency in the plan, or the account's currency in the feed.",
    Problem.SURGE: ("Look at the feed and at the plan first: one load, one edit or one currency explains many campaigns at once. "
                    "If they really are off plan, an approver releases their pauses with `pacing halts release`."),
    Problem.STILL_SPENDING: "Look on the platform: is it on again, and who turned it on? If that was agreed, answer *I'm on it*.",
    Problem.TRACKER: "Correct the rows in the plan; the next run reads them again.",
    Problem.DAYS: "Look up the account's time zone on the platform, and correct it in the feed; where the feed names none, give it in the plan.",
    Problem.ZERO: ("Look at the account first: payment and credit line, spending limit, suspension, access. "
                   "Then whether anyone paused everything on purpose."),
}


def campaign_data(incident: Incident, context: CardContext) -> Message:
    """A fault in one campaign's data, or a campaign that could not be decided."""
    finding = incident.finding
    row = flight_of(finding.facts)
    what, consequence = SCOPE_WORDS.get(finding.problem, SCOPE_WORDS[Problem.IDENTITY])
    return card(
        f"🔎 {what}: {title(row, ', ')} ({plain(platform(row.get('platform')), 30)}). {plain(finding.headline, 170)}",
        [header(f"🔎 {what}: {title(row)}"), section([f"*{sentence(finding.headline)}*", consequence]),
         fields([flight_field(row), where_field(row), trust_field(row), complete_field(row, finding.facts, context.as_of),
                 owner_field(row, context)]),
         section(what_to_do(row) or _next_step(finding.problem)), answers(incident, context, row), who_decides(incident, context, row)])


def account_stopped(incident: Incident, context: CardContext) -> Message:
    """All live campaigns of one account are silent: one card, no pauses."""
    finding = incident.finding
    row = _account_row(incident)
    flights = _flights(finding.facts)
    several = count(len(flights), "live campaign", "live campaigns")
    planned = _amounts_list(finding.facts)
    return card(
        f"{emoji(incident)} Not delivering: {_account_plain(row)} has stopped. {several}, none of them spends.",
        [header(f"{emoji(incident)} Not delivering: all of {_account_plain(row)}"),
         section([f"*None of the {several} of {account(row)} spends.*" + (f" {planned} of plan depends on it." if planned else ""),
                  SCOPE_WORDS[Problem.ZERO][1]]),
         fields([_loaded_field(finding.facts, context), _owner(incident, context)]), section(_listed(flights)),
         section(_next_step(Problem.ZERO)), answers(incident, context, {}), who_decides(incident, context, {})])


def shared_fault(incident: Incident, context: CardContext) -> Message:
    """A fault of an account, a source or the tracker file: one card that lists its campaigns."""
    finding = incident.finding
    what, consequence = SCOPE_WORDS.get(finding.problem, SCOPE_WORDS[Problem.IDENTITY])
    kind, _, name = finding.scope.partition(":")
    row = _account_row(incident)
    where = {"account": _account_plain(row), "source": f"source {plain(name)}", "tracker": plain(name)}.get(kind, plain(name))
    flights, rows, said = _flights(finding.facts), _rows(finding.facts), _headline(incident)
    several, money = count(len(flights), "campaign", "campaigns"), _amounts_list(finding.facts)
    touched = f"At stake: *{money}* in {several}." if flights and money else ""
    released = _who_releases(context) if finding.problem is Problem.SURGE else ""
    return card(
        f"🔎 {what}: {where}. {plain(finding.headline, 170)}",
        [header(f"🔎 {what}: {where}"), section([f"*{said}*", touched, consequence]),
         fields([_loaded_field(finding.facts, context), _owner(incident, context)]) if kind == "account" else None,
         section(_listed(flights) or rows), section(_next_step(finding.problem, kind)), answers(incident, context, {}),
         who_decides(incident, context, {}, released)])


def _who_releases(context: CardContext) -> str:
    if not context.deciders:
        return "Nobody is named as approver in the policy yet, so nobody can release them."
    return f"Can release them: {people(context.deciders)}."


def _headline(incident: Incident) -> str:
    """The finding's own, or the number of unusable rows where all of them are listed below it."""
    rows = _dicts(incident.finding.facts.get("rows"))
    if not 0 < len(rows) <= LISTED:
        return sentence(incident.finding.headline)
    return f"{count(len(rows), 'row', 'rows')} of the plan cannot be used."


def unplanned(incident: Incident, context: CardContext) -> Message:
    """Spend that no line of the plan covers."""
    finding = incident.finding
    facts, row = finding.facts, _account_row(incident)
    money, since = _amounts_list(facts), day(facts.get("since"))
    campaigns = _dicts(facts.get("campaigns"))
    several = count(len(campaigns), "campaign", "campaigns")
    daily = facts.get("per_day_micros")
    rate = f" (about {amount(daily, finding.currency)} a day)" if isinstance(daily, int) and finding.currency else ""
    began = f" since {weekday(since)}" if since else ""
    shown = [f"• {outside(one.get('campaign_name') or one.get('campaign_id') or '?')} · id {outside(one.get('campaign_id') or 'none', 40)} · "
             f"{amount(one.get('spend_micros') or 0, finding.currency)}{_why_outside(one)}" for one in campaigns[:LISTED]]
    return card(
        f"🔎 Spend in no plan: {plain(money)} in {several} of {_account_plain(row)}{began}.",
        [header(f"🔎 Spend in no plan: {_account_plain(row)}"), section([f"*{money}* in {several} of {account(row)}{began}{rate}, outside every plan."]),
         fields([_loaded_field(facts, context), _owner(incident, context)]), section([*shown, *_and_more(len(campaigns))]),
         section(["*What you can do* 1. Add a line for it to the plan, or put its id into the line that is meant.",
                  f"2. If nobody planned it, stop it in {outside(platform(row.get('platform')), 30)}."]),
         answers(incident, context, {}), who_decides(incident, context, {}, "Nothing is paused: no line of the plan says what it should spend.")])


def _why_outside(one: Facts) -> str:
    since = day(one.get("since"))
    words = {"no line": "no line in the plan", "after": "after its last day", "early": "before its first day"}
    said = words.get(str(one.get("why")), "")
    return (f" · {said}" if said else "") + (f" · since {weekday(since)}" if since else "")


def _account_row(incident: Incident) -> Facts:
    finding = incident.finding
    _, _, number = finding.scope.partition("/")
    return {"platform": finding.platform, "account_id": finding.account_id or number or None}


def _account_plain(row: Facts) -> str:
    where = plain(platform(row.get("platform")), 30)
    return f"{where} account {plain(account_number(row), 40)}" if row.get("account_id") else where


def _loaded_field(facts: Facts, context: CardContext) -> str:
    row = facts.get("account")
    loaded = instant(row.get("loaded_at")) if isinstance(row, Mapping) else None
    if not loaded:
        return ""
    age = f", {duration(context.as_of - loaded)} before the run" if loaded <= context.as_of else ", which is later than the run: check its clock"
    return f"*Last loaded*\n{token(loaded)}{age}"


def _owner(incident: Incident, context: CardContext) -> str:
    owner = incident.finding.owner or context.owner
    return f"*Owner*\n{mention(owner)}" if owner else ""


def _dicts(value: Any) -> list[dict[str, Any]]:
    return [one for one in value if isinstance(one, dict)] if isinstance(value, (list, tuple)) else []


def _flights(facts: Facts) -> list[dict[str, Any]]:
    return _dicts(facts.get("flights"))


def _rows(facts: Facts) -> list[str]:
    """Rows of the tracker that cannot be used, each with its place and reason."""
    rows = _dicts(facts.get("rows"))
    shown = [f"• {_place(one)}: {outside(one.get('reason') or 'it cannot be used', SENTENCE_LENGTH // 2)}" for one in rows[:LISTED]]
    return [*shown, *_and_more(len(rows))]


def _place(one: Facts) -> str:
    column = f", column {outside(one['column'], 40)}" if one.get("column") else ""
    return f"Row {outside(one.get('row') or '?', 12)}{column}"


def _amounts_list(facts: Facts) -> str:
    """`£12,640 and €3,390`: never added together."""
    amounts = facts.get("amounts")
    return " and ".join(amount(micros, currency) for currency, micros in sorted(amounts.items())) if isinstance(amounts, Mapping) else ""


def _listed(flights: Sequence[Facts]) -> list[str]:
    shown = [f"• {_flight_line(one)}" for one in flights[:LISTED]]
    return [*shown, *_and_more(len(flights))]


def _flight_line(one: Facts) -> str:
    name = outside(one.get("campaign_name") or one.get("name") or one.get("flight_id") or "?")
    client = f"{outside(one['client'], 40)} · " if one.get("client") else ""
    figures = [f"{amount(one[key], one.get('currency'))} {word}" for key, word in (("actual_micros", "spent"), ("target_micros", "planned"))
               if one.get(key) is not None]
    return " · ".join([f"{client}{name}", *([", ".join(figures)] if figures else [])])


def _and_more(total: int) -> list[str]:
    return [f"… and {total - LISTED} more"] if total > LISTED else []


def _next_step(problem: Problem, kind: str = "") -> list[str]:
    if problem is Problem.STALE and kind == "source":
        return [f"*What you can do* Ask whoever keeps the warehouse, and try {command('pacing', 'doctor')}: it names what does not answer."]
    return [f"*What you can do* {NEXT_STEPS[problem]}"] if problem in NEXT_STEPS else []
