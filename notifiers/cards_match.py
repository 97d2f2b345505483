"""Cards that ask who is who: is this the same campaign, which of several is it, where is it, can its data be trusted."""

from typing import Any

from notifiers.cards_answers import answers, who_decides
from notifiers.cards_blocks import card, fields, header, section
from notifiers.cards_facts import (
    CardContext, Facts, account, amount, amount_of, complete_field, details, flight_field, flight_of, off_plan_micros, owner_field,
    pct_of_plan, platform, score_pct, title, trust_field, what_to_do, where_field, why,
)
from notifiers.cards_text import day, outside, person, plain, sentence, span_days
from notifiers.message import Message
from pacing_brain.model import Incident

REMEMBERED = "Your answer is remembered, also when the name changes, and can be taken back. Nothing is paused by it."
MOST_CANDIDATES = 3


def candidates(row: Facts, *verdicts: str) -> list[dict[str, Any]]:
    return [one for one in row.get("candidates") or [] if one.get("verdict") in verdicts]


def identity(incident: Incident, context: CardContext) -> Message:
    """Whatever is not certain about who is who."""
    row = flight_of(incident.finding.facts)
    if len(candidates(row, "proposed")) == 1:
        return same_campaign(incident, context, row)
    if candidates(row, "tie", "proposed"):
        return which_campaign(incident, context, row)
    if row.get("match_kind") in ("none", "ambiguous", None):
        return planned_not_found(incident, context, row)
    return low_trust(incident, context, row)


def same_campaign(incident: Incident, context: CardContext, row: Facts) -> Message:
    """One campaign looks like the planned one; only a person can say that it is."""
    found = candidates(row, "proposed")[0]
    where, money = outside(platform(row.get("platform")), 30), amount(found.get("spend_micros") or 0, row.get("currency"))
    name = plain(found.get("campaign_name") or found.get("campaign_id") or "?")
    summary = (f"{_what_is_missing(row)} One {where} campaign looks like it, but nothing proves that it is the same, so its pacing is not "
               f"judged yet{f' (trust in the data otherwise {score_pct(row)})' if row.get('score') is not None else ''}. *{money}* of spend depends "
               "on your answer.")
    asked = f"Asked: {person(owner)} (owner)." if (owner := row.get("owner") or context.owner) else ""
    more = section(_not_proposed(row))
    return card(
        f"🔎 Needs a person: is {name} in {plain(platform(row.get('platform')), 30)} the campaign in row {row.get('row')} of the plan? "
        f"{plain(money)} depends on it.",
        [header(f"🔎 Is this the same campaign? {title(row)}"), section([summary]), fields([_in_plan(row), _in_platform(row, found)]),
         section([f"*Why it is asked*: {sentence(found.get('why') or 'the names are alike')}."]), more, section(_either_way(row, money, where)),
         answers(incident, context, row, match=True), who_decides(incident, context, row, _better_still(row, found, context) + asked)],
        spare=[more])


def _what_is_missing(row: Facts) -> str:
    if row.get("campaign_id"):
        return f"Row {row.get('row')} of the plan has the id {outside(row['campaign_id'], 40)}, which reports nothing."
    return f"Row {row.get('row')} of the plan has no campaign id."


def _in_plan(row: Facts) -> str:
    first, last = day(row.get("start_date")), day(row.get("end_date"))
    parts = [outside(row.get("campaign_name") or "no name"), outside(row.get("market") or "", 20), outside(row.get("product") or "", 40),
             span_days(first, last) if first and last else "", amount_of(row, "budget_micros")]
    return f"*In the plan (row {row.get('row')})*\n{' · '.join(part for part in parts if part)}"


def _in_platform(row: Facts, found: Facts) -> str:
    number = f"id {outside(found['campaign_id'], 40)}" if found.get("campaign_id") else "no id"
    alike = f"the names are {int(float(found['similarity']) * 100)} % alike" if found.get("similarity") is not None else ""
    parts = [outside(found.get("campaign_name") or "no name"), number, account({**row, "account_id": found.get("account_id")}),
             f"{amount(found.get('spend_micros') or 0, row.get('currency'))} spent", alike]
    return f"*In {outside(platform(row.get('platform')), 30)}*\n{' · '.join(part for part in parts if part)}"


def _not_proposed(row: Facts) -> list[str]:
    return [f"*Not proposed*: {outside(one.get('campaign_name') or one.get('campaign_id') or '?')}: {sentence(one.get('why') or '')}."
            for one in candidates(row, "not proposed")[:2]]


def _either_way(row: Facts, money: str, where: str) -> list[str]:
    return [f"*If it is the same*: its {money} count for row {row.get('row')} from the next run on.",
            f"*If it is not*: row {row.get('row')} is not found in {where}, and {money} may be spent outside every plan. Both are reported."]


def _better_still(row: Facts, found: Facts, context: CardContext) -> str:
    lead = f"{REMEMBERED} Better still: put" if context.interactive else "To answer, put"
    if not found.get("campaign_id"):
        return f"{lead} the campaign's id into column campaign_id, row {row.get('row')}. "
    return f"{lead} *{outside(found['campaign_id'], 40)}* into column campaign_id, row {row.get('row')}. "


def which_campaign(incident: Incident, context: CardContext, row: Facts) -> Message:
    """Several campaigns fit about as well: all are shown, none is taken."""
    several = candidates(row, "tie", "proposed")
    where = outside(platform(row.get("platform")), 30)
    money = amount(sum(int(one.get("spend_micros") or 0) for one in several), row.get("currency"))
    summary = (f"{_what_is_missing(row)} {len(several)} {where} campaigns fit it about as well, so none is taken and its pacing is not "
               f"judged. *{money}* of spend depends on which it is.")
    shown = [f"{number}. {outside(one.get('campaign_name') or 'no name')} · id {outside(one.get('campaign_id') or 'none', 40)} · "
             f"{amount(one.get('spend_micros') or 0, row.get('currency'))} spent · {sentence(one.get('why') or '')}"
             for number, one in enumerate(several[:MOST_CANDIDATES], 1)]
    put = f"To answer, put the right id into column campaign_id, row {row.get('row')} of the plan."
    return card(
        f"🔎 Needs a person: which {plain(platform(row.get('platform')), 30)} campaign is row {row.get('row')} of the plan, "
        f"{title(row, ', ')}? {plain(money)} depends on it.",
        [header(f"🔎 Which campaign is it? {title(row)}"), section([summary]), fields([_in_plan(row), owner_field(row, context)]),
         section(shown), answers(incident, context, row), who_decides(incident, context, row, put)])


def planned_not_found(incident: Incident, context: CardContext, row: Facts) -> Message:
    """No id, and no campaign whose name comes near."""
    where, planned = outside(platform(row.get("platform")), 30), amount_of(row, "target_micros")
    more, steps = section(_not_proposed(row)), what_to_do(row)
    put = "" if steps else f"To answer, put the campaign's id into column campaign_id, row {row.get('row')}."
    summary = (f"{_what_is_missing(row)} No {where} campaign has this name or one near enough to ask about. "
               f"*{planned} planned to date* cannot be compared with anything.")
    return card(
        f"🔎 Planned, not found: {title(row, ', ')} ({plain(platform(row.get('platform')), 30)}). {plain(planned)} planned to date.",
        [header(f"🔎 Planned, not found on the platform: {title(row)}"), section([summary]), fields([_in_plan(row), owner_field(row, context)]),
         more, section(steps), answers(incident, context, row), who_decides(incident, context, row, put)],
        spare=[more])


def low_trust(incident: Incident, context: CardContext, row: Facts) -> Message:
    """The campaign is known, but too little of what is known agrees to act on its figures."""
    facts = incident.finding.facts
    trusted = f"{score_pct(row)} trust" if row.get("score") is not None else "trust not known"
    off, pct = off_plan_micros(row), pct_of_plan(row)
    side = "over" if (off or 0) > 0 else "under"
    figures = (f"The figures would say *{pct} of plan to date*, {amount(abs(off), row.get('currency'))} {side}."
               if off is not None and pct else "")
    agree = details(row)
    summary = (f"*Its figures cannot be trusted enough to judge it* ({trusted}{f': {agree}' if agree else ''}). Until a person has looked, "
               "nothing is recommended.")
    cause = section(why(row))
    return card(
        f"🔎 Needs a person: {title(row, ', ')} ({plain(platform(row.get('platform')), 30)}) cannot be judged, {trusted}.",
        [header(f"🔎 Can this be trusted? {title(row)}"), section([summary, figures]),
         fields([flight_field(row), where_field(row), trust_field(row), complete_field(row, facts, context.as_of), owner_field(row, context)]),
         cause, section(what_to_do(row)), answers(incident, context, row), who_decides(incident, context, row)], spare=[cause])
