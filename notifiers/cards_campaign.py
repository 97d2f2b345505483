"""Cards about one campaign's delivery: over plan, under plan, not delivering, not found on the platform."""

from notifiers.cards_answers import afterwards, answers, who_decides
from notifiers.cards_blocks import card, fields, header, section
from notifiers.cards_facts import (
    PAUSED, CardContext, Facts, account, amount, amount_of, complete_field, flight_field, flight_of, found_id, loaded_at, needed_per_day_micros,
    off_plan_micros, owner_field, pct_of_plan, platform, remaining_seconds, title, trust_field, what_to_do, where_field, why, worked_before,
)
from notifiers.cards_forecast import landing, waiting
from notifiers.cards_text import clock_text, count, day, outside, plain, token, weekday
from notifiers.message import Message
from pacing_brain.model import HALTS, Incident, Severity

CHECKLIST = (
    "1. *Status*: campaign, ad set and ad all on? Start date and hour right, in the account's time?",
    "2. *Creative*: any ad still in review or rejected? Landing page reachable?",
    "3. *Payment*: card, credit line, account spending limit",
    "4. *Audience*: too narrow, or excluded by another list?",
    "5. *Bid*: cost or bid cap below the going price?",
    "6. *Budget*: set on the campaign or the ad set, more than the minimum?",
)


def emoji(incident: Incident) -> str:
    return "🔴" if incident.finding.severity is Severity.CRITICAL else "🟡"


def asks_pause(incident: Incident) -> bool:
    return incident.finding.action in HALTS


def _asked(incident: Incident, context: CardContext) -> str:
    """The end of the header, while there is something to decide."""
    return " · pause recommended" if asks_pause(incident) and not context.closed else ""


def pause_words(incident: Incident, context: CardContext) -> str:
    """The end of the fallback text: what is asked, and by when if anyone can answer."""
    if not asks_pause(incident) or context.closed:
        return ""
    by = context.ask.expires_at if context.ask else None
    return f" Pause recommended, answer by {clock_text(by)}." if by else " Pause recommended."


def off_plan(incident: Incident, context: CardContext) -> Message:
    """Over plan or under plan, critical or warning."""
    facts = incident.finding.facts
    row = flight_of(facts)
    side = "Over plan" if incident.finding.side == "over" else "Under plan"
    named = row.get("match_kind") == "name"
    asked = _asked(incident, context)
    effect = _pause_effect(row)
    working = section([*why(row), *_matched_by_name(row)])
    return card(
        f"{emoji(incident)} {side}: {title(row, ', ')} ({plain(platform(row.get('platform')), 30)}) {_off_words(row)}"
        + pause_words(incident, context),
        [header(f"{emoji(incident)} {side}: {title(row)}{asked}"), section([_spent_of_planned(row), _budget_left(row), " ".join(landing(row))]),
         _campaign_fields(row, incident, context, waiting(row)), working, section([*what_to_do(row, paused=context.paused), *worked_before(row)]),
         answers(incident, context, row, pause=effect if asks_pause(incident) else "", match=named), afterwards(context, row), who_decides(incident, context, row)],
        spare=[working])


def _pause_effect(row: Facts) -> str:
    name, where = plain(row.get("platform_name") or row.get("campaign_name") or "The campaign", 80), plain(platform(row.get("platform")), 30)
    return f"{name} stops serving in {where}. Spend and status are checked once more first. It stays paused until a person resumes it."


def _off_words(row: Facts) -> str:
    """`is at 131 % of plan, £10,695 over.` for the fallback text."""
    pct, off = pct_of_plan(row), off_plan_micros(row)
    if off is None:
        return "is off plan."
    money = plain(amount(abs(off), row.get("currency")))
    return f"is at {pct} of plan, {money} {'over' if off > 0 else 'under'}." if pct else f"spent {money} where nothing is planned yet."


def _spent_of_planned(row: Facts) -> str:
    pct, off = pct_of_plan(row), off_plan_micros(row)
    if off is None:
        return "How far it is off plan is not known."
    if pct is None:
        return f"*Spent {amount_of(row, 'actual_micros')} where nothing is planned to date.*"
    side = "over" if off > 0 else "under"
    return (f"*{pct} of plan to date.* Spent *{amount_of(row, 'actual_micros')}*, planned *{amount_of(row, 'target_micros')}*: "
            f"*{amount(abs(off), row.get('currency'))} {side}*.")


def _budget_left(row: Facts) -> str:
    """What is left of the whole budget, and the daily rate that lands on it unless a remedy says so: arithmetic, no forecast."""
    budget, actual, last = row.get("budget_micros"), row.get("actual_micros"), day(row.get("end_date"))
    if not budget or actual is None or last is None:
        return ""
    whole = amount(budget, row.get("currency"))
    if int(actual) >= int(budget):
        over = int(actual) - int(budget)
        return f"The whole budget of {whole} is spent" + (f", and {amount(over, row.get('currency'))} more." if over else ".")
    if not remaining_seconds(row):
        return f"The flight ended on {weekday(last)}; its budget was {whole}."
    left, rate = amount(int(budget) - int(actual), row.get("currency")), None if row.get("mitigation") else needed_per_day_micros(row)
    daily = f": *{amount(rate, row.get('currency'))} a day* from there lands on it" if rate is not None else ""
    return f"{left} of the {whole} budget is left until the end of {weekday(last)}{daily}."


def _matched_by_name(row: Facts) -> list[str]:
    if row.get("match_kind") != "name":
        return []
    found = found_id(row)
    what = f"*{outside(found, 40)}*" if found else "the campaign's id"
    put = f" Put {what} into column campaign_id, row {row.get('row')} of the plan, and it is certain." if row.get("row") else ""
    return [f"*Matched by name only*: no pause is asked for until a person confirms it.{put}"]


def _campaign_fields(row: Facts, incident: Incident, context: CardContext, *more: str) -> dict[str, object] | None:
    return fields([flight_field(row), where_field(row), trust_field(row), complete_field(row, incident.finding.facts, context.as_of),
                   *more, owner_field(row, context)])


def not_delivering(incident: Incident, context: CardContext) -> Message:
    """A campaign that should spend and does not: never, no more, or with impressions that cost nothing."""
    facts = incident.finding.facts
    row = flight_of(facts)
    asked = _asked(incident, context)
    steps = section(["*Check in this order*", *CHECKLIST])
    cause = section(why(row))
    pause = ("Useful if you want no sudden catch-up when delivery returns. It will not start delivery. It stays paused until a person "
             "resumes it.")
    where = plain(platform(row.get("platform")), 30)
    lead = "It costs nothing in the data" if row.get("cost_fault") else "Not delivering"
    return card(
        f"{emoji(incident)} {lead}: {title(row, ', ')} ({where}). {_nothing_spent(row)}{pause_words(incident, context)}",
        [header(f"{emoji(incident)} {lead}: {title(row)}{asked}"), section([*_silence(row), *_catch_up(row)]),
         _campaign_fields(row, incident, context, _is_it_the_feed(row, facts)), cause,
         section(what_to_do(row)) if row.get("cost_fault") or _paused(row) else steps, section(worked_before(row)),
         answers(incident, context, row, pause=pause if asks_pause(incident) else "", pause_last=True), afterwards(context, row),
         who_decides(incident, context, row)],
        spare=[cause])


def _paused(row: Facts) -> bool:
    return row.get("platform_status") in PAUSED


def _nothing_spent(row: Facts) -> str:
    """One plain sentence for the fallback text."""
    spent, planned = plain(amount_of(row, "actual_micros")), plain(amount_of(row, "target_micros"))
    since, first = day(row.get("last_spend_day")), day(row.get("start_date"))
    if row.get("cost_fault"):
        return f"{int(row.get('impressions') or 0):,} impressions, {spent} of {planned} planned."
    if row.get("zero_kind") == "stopped" and since:
        return f"{spent} of {planned} planned, nothing since {weekday(since)}."
    shown = ", no impressions" if row.get("impressions") == 0 else ""
    return f"{spent} of {planned} planned{shown}{f' since the start on {weekday(first)}' if first else ''}."


def _silence(row: Facts) -> list[str]:
    """What did not happen, since when; and whether the platform says that it is off."""
    spent, planned = amount_of(row, "actual_micros"), amount_of(row, "target_micros")
    first, last = day(row.get("start_date")), day(row.get("last_spend_day"))
    if row.get("cost_fault"):
        return [(f"*{int(row.get('impressions') or 0):,} impressions and {spent} of spend*, with {planned} planned to date. "
                "The ads run, so the cost is missing or wrong in the data; the pacing is not judged until that is mended.")]
    shown = " and no impressions" if row.get("impressions") == 0 else ""
    if row.get("zero_kind") == "stopped" and last:
        said = f"*No spend since {weekday(last)}*, after it delivered before: {spent} spent of {planned} planned to date."
    else:
        said = f"*{spent} spent of {planned} planned to date{',' if shown else ''}{shown}*" + (
            f", since the flight began on {weekday(first)}." if first else ".")
    status = row.get("platform_status")
    where = outside(platform(row.get("platform")), 30)
    return [said, f"{where} reports it as *{outside(status, 30)}*, so there may be nothing wrong but the plan." if _paused(row) else ""]


def _catch_up(row: Facts) -> list[str]:
    """What each further day leaves unspent (even plans only), and what would still land on the budget."""
    rate, budget, last = needed_per_day_micros(row), int(row.get("budget_micros") or 0), day(row.get("end_date"))
    first, currency = day(row.get("start_date")), row.get("currency")
    if rate is None or not first or not last or row.get("cost_fault") or _paused(row):
        return []
    per_day = budget // ((last - first).days + 1)
    missed = f"Each further day leaves *{amount(per_day, currency)}* unspent. " if row.get("curve") == "even" else ""
    more = (rate * 100 + per_day // 2) // per_day - 100 if per_day else 0
    than = f" ({more} % more than planned)" if more > 0 and row.get("curve") == "even" else ""
    return [f"{missed}To still land on {amount(budget, currency)} it needs *{amount(rate, currency)} a day* from now{than}."]


def _is_it_the_feed(row: Facts, facts: Facts) -> str:
    loaded, others = loaded_at(facts), facts.get("siblings_delivering")
    if loaded is None or row.get("cost_fault"):
        return ""
    if isinstance(others, int) and others > 0 and "freshness" not in str(row.get("red_gates") or ""):
        delivered = count(others, "other live campaign delivers", "other live campaigns deliver")
        return f"*Is it the data feed?*\nNo. The account loaded {token(loaded)} and its {delivered}."
    return f"*Is it the data feed?*\nThe account loaded {token(loaded)}; no other campaign of it delivers to compare with."


def not_found(incident: Incident, context: CardContext) -> Message:
    """The plan names an id that the platform never showed."""
    facts = incident.finding.facts
    row = flight_of(facts)
    where = outside(platform(row.get("platform")), 30)
    planned, first = amount_of(row, "target_micros"), day(row.get("start_date"))
    summary = (f"Row {row.get('row')} of the plan has the id *{outside(row.get('campaign_id') or 'none', 40)}*, which was never seen in "
               f"{account(row)}. *{planned} planned to date*, {amount_of(row, 'budget_micros')} in all.")
    return card(
        f"{emoji(incident)} Not found on the platform: {title(row, ', ')} ({plain(platform(row.get('platform')), 30)}). "
        f"{plain(planned)} planned to date.",
        [header(f"{emoji(incident)} Not found on the platform: {title(row)}"), section([summary]),
         _campaign_fields(row, incident, context), section(why(row)),
         section([f"*If the id is wrong*: correct column campaign_id, row {row.get('row')} of the plan; the spend is counted from then on.",
                  (f"*If the campaign was never built* in {where}: nothing has been delivered{f' since {weekday(first)}' if first else ''}. "
                  "Build it, or take the line out of the plan."),
                  "There is nothing to pause."]),
         answers(incident, context, row), who_decides(incident, context, row)])
