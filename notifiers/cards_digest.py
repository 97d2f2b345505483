"""The digest: one message a channel and day, kept up to date by each run, for everything: what has a card of its own and what has none.

Currencies are never added. The last lines are the whole warehouse total, part by part, so that nothing can hide between the lines.
"""

from collections.abc import Iterable, Mapping, Sequence
from decimal import ROUND_HALF_EVEN, Decimal
from typing import Any, NamedTuple

import pandas as pd

from notifiers.cards_day import Day, day_text, silenced_lines, since_text
from notifiers.cards_blocks import card, characters, context, header, section
from notifiers.cards_facts import CardContext, amount, flight_of, off_plan_micros, pct_of_plan, platform, title
from notifiers.cards_forecast import ends_near
from notifiers.cards_text import count, duration, link, local_text, outside, plain, token, weekday
from notifiers.cards_text import day as as_day
from notifiers.message import Block, Message
from notifiers.telling import worst_first
from pacing_brain.model import HALTS, Finding, Incident, Lane, Problem, Severity
from pacing_brain.money import MICROS

DIGEST_CHARACTERS = 2_200
LIVE_PHASES = ("early", "live", "ended")
MOST_CURRENCIES = 4
PARTS = {"matched": "in plan", "after_watermark": "not complete yet", "untracked": "in no plan", "ambiguous": "to confirm",
         "outside_flight": "outside its flight", "quarantined": "unusable"}
PROBLEMS = {Problem.STALE: "no new data", Problem.DUPLICATE: "data do not add up", Problem.CURRENCY: "currencies differ",
            Problem.TRACKER: "the plan needs a look", Problem.ERROR: "could not be judged", Problem.SURGE: "a data fault is likely", Problem.STILL_SPENDING: "still spending after a pause", Problem.ZERO: "not delivering",
            Problem.DAYS: "days begin at another hour",
            Problem.IDENTITY: "is it the same campaign?"}


class Shown(NamedTuple):
    """How many lines each list shows; the rest is counted."""

    critical: int
    people: int
    unplanned: int
    watched: int
    silenced: int
    done: int


LINES = (Shown(5, 4, 3, 3, 3, 3), Shown(4, 3, 2, 2, 2, 2), Shown(3, 2, 1, 1, 1, 1))  # the first that fits


def digest(run_summary: Mapping[str, Any], rows: pd.DataFrame, incidents: Iterable[Incident], context: CardContext, day: Day | None = None) -> Message:
    """The state of all flights after a run.

    Args:
        run_summary: what `pacing run --json` prints; read are `spend_micros` and where present `partial` (sentences on what did not answer).
            A client's digest is given none of it: it is about everybody.
        rows: the decisions, one row per flight; read are lane, phase, currency, actual_micros and target_micros.
        incidents: those open after the run.
        context: its `as_of` is the run's instant.
        day: the digest's own; null: the run's day, UTC.
    """
    day = day or Day(context.as_of.date(), "UTC", context.as_of)
    live = rows[rows["phase"].isin(LIVE_PHASES)]
    lanes = {lane: int(live["lane"].eq(lane.value).sum()) for lane in Lane}
    everything = sorted((one for one in incidents if one.state == "open"), key=lambda one: worst_first(one.finding))
    beside = sum(_needs_person(one) and not one.finding.flights for one in everything)  # about the plan or a feed, not about a flight
    listed = [one for one in everything if one.fingerprint not in day.muted]
    lead = [_counts(lanes, _needing(lanes, beside, day)), _since(everything, day), *_observing(context), *_partial(run_summary)]
    whose = f" · {plain(day.client, 60)}" if day.client else ""
    first = [header(f"Pacing today · {day_text(day)}{whose}"), section(lead), section(_sums(live))]
    last = [_tied(run_summary), _places(context, day)]
    said = _notification(lanes, _needing(lanes, beside, day), listed, local_text(context.as_of, day.zone))
    for shown in LINES:
        middle = [section(lines) for lines in _lists(listed, shown, context, day)]
        blocks = [block for block in (*first, *middle, *last) if block]
        if characters(blocks) <= DIGEST_CHARACTERS:
            break
    return card(said, [*first, *middle, *last], spare=middle[::-1], most=DIGEST_CHARACTERS)


def _lists(found: Sequence[Incident], shown: Shown, context: CardContext, day: Day) -> list[list[str]]:
    """Worst first in each; a client reads what is critical, what is watched and what is over."""
    critical = _critical(found, shown.critical, asked=not context.observing and day.client is None)
    watched, done = _watched(found, shown.watched), _done(found, day, shown.done)
    if day.client is not None:
        return [critical, watched, done]
    return [critical, _needs_people(found, shown.people), _unplanned(found, shown.unplanned), watched,
            _listed("*Silenced*", silenced_lines(day), shown.silenced), done]


def _notification(lanes: Mapping[Lane, int], needing: list[str], worst_first: Sequence[Incident], when: str) -> str:
    counted = [f"{lanes[Lane.CRITICAL]} critical", *needing, f"{lanes[Lane.WARNING]} to watch", f"{lanes[Lane.HEALTHY]} on plan"]
    said = f"Pacing, {when}: {', '.join(counted)}."
    critical = [one.finding for one in worst_first if _is_critical(one)]
    return f"{said} Worst: {_about(critical[0], ', ')}, {plain(_figures(critical[0]).replace('*', ''), 60)}." if critical else said


def _needing(lanes: Mapping[Lane, int], beside: int, day: Day) -> list[str]:
    """Flights that need a person, and questions that are about no flight: the list below names both. No client's business."""
    return [] if day.client is not None else [count(lanes[Lane.ESCALATE] + beside, "needs a person", "need a person")]


def _observing(context: CardContext) -> list[str]:
    return ["👁 *Observing only*: everything is recorded, this digest is all that is sent, and nothing is asked of anybody."] if context.observing else []


def _counts(lanes: Mapping[Lane, int], needing: list[str]) -> str:
    flights = count(sum(lanes.values()), "flight", "flights")
    counted = [f"🔴 {lanes[Lane.CRITICAL]:,} critical", *(f"🔎 {said}" for said in needing),
               f"🟡 {lanes[Lane.WARNING]:,} to watch", f"🟢 {lanes[Lane.HEALTHY]:,} on plan"]
    return f"*{flights}*: {' · '.join(counted)}."


def _since(found: Sequence[Incident], day: Day) -> str:
    new, over = sum(one.opened_at >= day.since for one in found), len(_over(found, day))
    return f"{since_text(day)}: {new:,} new, {over:,} resolved." if new or over else ""


def _over(found: Sequence[Incident], day: Day) -> list[Incident]:
    """What is resolved and has not come back."""
    again = {one.fingerprint for one in found}
    return sorted((one for one in day.resolved if one.fingerprint not in again), key=lambda one: worst_first(one.finding))


def _done(found: Sequence[Incident], day: Day, most: int) -> list[str]:
    """What is over since yesterday's digest, and the pauses after which spend was seen to have stopped since then."""
    paused = [one for one in found if one.incident_id in day.stopped and day.stopped[one.incident_id] >= day.since]
    lines = [f"✅ *{outside(_about(one.finding), 90)}* · paused · spend has stopped" for one in sorted(paused, key=lambda one: worst_first(one.finding))]
    lines += [f"✅ *{outside(_about(one.finding), 90)}* · {_was(one.finding)} · over after {duration(one.changed_at - one.opened_at)}"
              f"{' · spend has stopped' if one.incident_id in day.stopped else ''}" for one in _over(found, day)]
    return _listed("*Done*", lines, most)


def _was(finding: Finding) -> str:
    words = {Problem.OVER: "over plan", Problem.UNDER: "under plan", Problem.UNPLANNED: "spend in no plan"}
    return words.get(finding.problem) or _problem(finding.problem, flight_of(finding.facts))


def _partial(run_summary: Mapping[str, Any]) -> list[str]:
    return [f"⚠️ *Partial run*: {outside(said, 200)}" for said in list(run_summary.get("partial") or [])[:2]]


def _sums(live: pd.DataFrame) -> list[str]:
    """Spent and planned to date by currency, over the flights that can be judged."""
    judged = live[live["lane"].ne(Lane.ESCALATE.value) & live["actual_micros"].notna() & live["target_micros"].notna()]
    if judged.empty:
        return []
    lines = []
    for currency, own in judged.groupby("currency"):
        actual, target = own["actual_micros"].sum(), own["target_micros"].sum()
        row = {"actual_micros": int(actual), "target_micros": int(target)}
        share = f", *{pct}*" if (pct := pct_of_plan(row)) else ""
        lines.append(f"*{outside(currency, 10)}*: {amount(int(actual), currency)} spent, {amount(int(target), currency)} planned to date{share}.{ends_near(own)}")
    more = [f"… and {len(lines) - MOST_CURRENCIES} more currencies in the report."] if len(lines) > MOST_CURRENCIES else []
    apart = " Currencies are not added together." if len(lines) > 1 else ""
    return [*lines[:MOST_CURRENCIES], *more, f"The {count(len(judged), 'flight', 'flights')} that can be judged.{apart}"]


def _needs_person(incident: Incident) -> bool:
    return incident.finding.lane is Lane.ESCALATE and incident.finding.problem is not Problem.UNPLANNED


def _is_critical(incident: Incident) -> bool:
    return incident.finding.severity is Severity.CRITICAL and incident.finding.lane is Lane.CRITICAL


def _critical(worst_first: Sequence[Incident], most: int, *, asked: bool) -> list[str]:
    found = [one for one in worst_first if _is_critical(one)]
    lines = [f"🔴 {_line(one.finding)}{' · pause recommended' if asked and one.finding.action in HALTS else ''}" for one in found]
    return _listed("*Critical, by money*", lines, most)


def _needs_people(worst_first: Sequence[Incident], most: int) -> list[str]:
    found = [one for one in worst_first if _needs_person(one)]
    return _listed("*Need a person*", [f"🔎 {_line(one.finding)}" for one in found], most)


def _watched(worst_first: Sequence[Incident], most: int) -> list[str]:
    found = [one for one in worst_first if one.finding.lane is Lane.WARNING]
    return _listed(f"*To watch ({len(found)})*", [f"🟡 {_line(one.finding)}" for one in found], most)


def _unplanned(worst_first: Sequence[Incident], most: int) -> list[str]:
    found = [one.finding for one in worst_first if one.finding.problem is Problem.UNPLANNED]
    return _listed("*Money outside every plan*", [_unplanned_line(finding) for finding in found], most)


def _unplanned_line(finding: Finding) -> str:
    since, daily = as_day(finding.facts.get("since")), finding.facts.get("per_day_micros")
    began = f" since {weekday(since)}" if since else ""
    rate = f" (about {amount(daily, finding.currency)} a day)" if isinstance(daily, int) else ""
    return f"{amount(finding.money_micros, finding.currency)}{began}, {outside(_about(finding))}{rate}"


def _listed(lead: str, lines: list[str], most: int) -> list[str]:
    if not lines:
        return []
    return [lead, *lines[:most], *([f"… and {len(lines) - most} more in the report"] if len(lines) > most else [])]


def _line(finding: Finding) -> str:
    where = f" · {outside(platform(finding.platform), 30)}" if finding.platform and flight_of(finding.facts) else ""
    return f"*{outside(_about(finding), 90)}*{where} · {_figures(finding)}"


def _about(finding: Finding, between: str = " · ") -> str:
    """Plain: the flight, or the account, source or plan that the finding is about."""
    row = flight_of(finding.facts)
    if row:
        return title(row, between)
    kind, _, name = finding.scope.partition(":")
    if kind == "account":
        where, _, number = name.partition("/")
        return f"{plain(platform(where), 30)} account {plain(number, 40)}"
    return f"{'plan' if kind == 'tracker' else kind} {plain(name, 60)}"


def _figures(finding: Finding) -> str:
    """`*131 %* · £10,695 over`, or what else is the matter, in mrkdwn."""
    row = flight_of(finding.facts)
    off, pct = off_plan_micros(row), pct_of_plan(row)
    if finding.problem in (Problem.OVER, Problem.UNDER) and off is not None:
        side = "over" if off > 0 else "under"
        return f"{f'*{pct}* · ' if pct else ''}{amount(abs(off), finding.currency)} {side}"
    said = f"*{_problem(finding.problem, row)}*"
    money = f" · {amount(finding.money_micros, finding.currency)} at stake" if finding.money_micros and finding.currency else ""
    several = f" · {count(len(finding.flights), 'flight', 'flights')}" if not row and finding.flights else ""
    return said + money + several


def _problem(problem: Problem, row: Mapping[str, Any]) -> str:
    verdicts = {one.get("verdict") for one in row.get("candidates") or []}
    if row.get("zero_kind") == "not_found" and problem is Problem.ZERO:
        return "not found on the platform"
    if problem is Problem.IDENTITY and row.get("match_kind") in ("none", "ambiguous"):
        asked = "which campaign is it?" if "tie" in verdicts else "planned, not found"
        return PROBLEMS[problem] if "proposed" in verdicts else asked
    return "cannot be trusted" if problem is Problem.IDENTITY else PROBLEMS.get(problem, "needs a look")


def _tied(run_summary: Mapping[str, Any]) -> Block | None:
    """The warehouse total of each currency as the sum of its parts."""
    spend = run_summary.get("spend_micros")
    lines = [_parts(str(currency), parts) for currency, parts in sorted(spend.items())] if isinstance(spend, Mapping) else []
    if not lines:
        return None
    short = len(lines) - MOST_CURRENCIES
    return context([" ".join([*lines[:MOST_CURRENCIES], *([f"… and {short} more currencies in the report."] if short > 0 else [])])])


def _parts(currency: str, parts: Mapping[str, int]) -> str:
    total, known = int(parts.get("total", 0)), {name: int(parts.get(name, 0)) for name in PARTS}
    *shown, whole = _as_shown([*known.values(), total])
    said = " + ".join(f"{units} {word}" for units, word in zip(shown, PARTS.values(), strict=True) if units != "0") or "0"
    if sum(known.values()) != total:
        return f"⚠️ {outside(currency, 10)}: {said} do *not* add up to the warehouse total {whole}."
    return f"{outside(currency, 10)}: {said} = {whole}, the warehouse total."


def _as_shown(micros: Sequence[int]) -> list[str]:
    """Parts and their total, each rounded half-even by itself: to whole units if they add up so, else as far as they do."""
    for decimals in (0, 2, 6):
        step = 10 ** (6 - decimals)
        steps = [_divided(each, step) for each in micros]
        if sum(steps[:-1]) == steps[-1] or sum(micros[:-1]) != micros[-1]:
            break
    return [f"{Decimal(each * step) / MICROS:,.{decimals}f}" if each else "0" for each in steps]


def _divided(value: int, by: int) -> int:
    """The quotient, rounded half-even."""
    return int((Decimal(value) / by).to_integral_value(ROUND_HALF_EVEN))


def _places(card_context: CardContext, day: Day) -> Block | None:
    next_run = f" Next run {token(card_context.next_run)}." if card_context.next_run else ""
    said = f"As of {local_text(card_context.as_of, day.zone)}. This message is updated by each run of the day; only new problems notify.{next_run}"
    places = [link(card_context.run_url, "Run"), link(card_context.report_url, "Full report")]
    return context([" · ".join([said, *(place for place in places if place)])])
