"""What a campaign card says about its flight: names, places, trust and dates, each from the facts of the finding and nothing else."""

import shlex
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import Any
from urllib.parse import quote

from notifiers.cards_text import count, day, duration, instant, link, mention, outside, plain, sentence, size, span_days, token
from pacing_brain.money import money
from pacing_brain.remedies import once_paused

Facts = Mapping[str, Any]
PLATFORMS = {"google": "Google Ads", "meta": "Meta", "dv360": "DV360", "tiktok": "TikTok", "linkedin": "LinkedIn", "bing": "Microsoft Ads"}
PAUSED = ("paused", "removed", "archived", "disabled")
CHECKS = {"identity": "the match", "freshness": "the age of the data", "completeness": "completeness", "currency": "the currency",
          "timezone": "the time zone", "tie_out": "the totals", "tracker": "the plan", "clock": "the clock"}
MATCHES = {"id": "Same id", "alias": "A match that a person confirmed", "name": "Same name, id not confirmed",
           "ambiguous": "Several campaigns fit", "none": "No campaign found"}
DETAILS = {"market": "market", "product": "product", "start_date": "start date", "end_date": "end date"}
PLATFORM_DETAIL = {"market": "platform_market", "product": "platform_product", "start_date": "platform_start", "end_date": "platform_end"}


@dataclass(frozen=True)
class Ask:
    """An open recommendation: what a person is asked to decide, and until when."""

    id: str
    version: int
    expires_at: datetime | None = None


@dataclass(frozen=True)
class Decided:
    """What became of what a card asks: who said or did what, when, why, and the ledger entry that says so.

    what: a key of `cards_answers.DECIDED`. closed: nothing is left to answer, so there are no buttons.
    """

    what: str
    at: datetime
    seq: int
    who: str = ""
    reason: str = ""
    until: datetime | None = None
    closed: bool = True


@dataclass(frozen=True)
class CardContext:
    """What a card says beside the incident. What is None or empty is not known, and not said."""

    as_of: datetime  # the run's instant
    run_id: str = ""
    run_url: str | None = None
    report_url: str | None = None  # of the report over every client: never on a client's channel
    next_run: datetime | None = None
    interactive: bool = False  # an endpoint for answers is configured: buttons instead of the command line
    ask: Ask | None = None  # the open recommendation of this incident
    deciders: tuple[str, ...] = ()  # who may approve, as the policy names them
    owner: str | None = None  # of the route, when the line of the plan names none
    can_pause: bool = False  # the platform's credentials are configured
    zone: str = "UTC"  # of the channel
    observing: bool = False  # mode = "observe": nothing is asked of anybody
    then: tuple[str, Ask] | None = None  # (undo | report_paused, of what): what can be said after a pause
    decided: tuple[Decided, ...] = ()  # what people said about it, and what was done, oldest first

    @property
    def closed(self) -> bool:
        return any(one.closed for one in self.decided)

    @property
    def paused(self) -> bool:
        """Whether it stands still because of what was asked here."""
        return any(one.what in ("done", "reported") for one in self.decided)


def flight_of(facts: Facts) -> Facts:
    """The cohort row of a campaign's finding."""
    row = facts.get("flight")
    return row if isinstance(row, Mapping) else {}


def subject(row: Facts) -> tuple[str | None, str]:
    """(client with market, campaign) as people call them, raw."""
    client, market = row.get("client"), row.get("market")
    if client and market and str(market).casefold() not in str(client).casefold().split():
        client = f"{client} {str(market).upper() if len(str(market)) <= 3 else market}"
    return client or None, str(row.get("campaign_name") or row.get("platform_name") or row.get("campaign_id") or row.get("flight_id") or "?")


def title(row: Facts, between: str = " · ") -> str:
    """`Halden UK · Winter Jackets` for plain text."""
    client, name = subject(row)
    return f"{plain(client, 40)}{between}{plain(name, 60)}" if client else plain(name, 80)


def platform(name: object) -> str:
    """The platform as people call it, raw."""
    return PLATFORMS.get(str(name), str(name).replace("_", " ").title() if name else "the platform")


def account(row: Facts) -> str:
    """`Google Ads, account 118-204-7731`."""
    number = row.get("account_id")
    where = outside(platform(row.get("platform")), 30)
    return f"{where}, account {outside(account_number(row), 40)}" if number else where


def account_number(row: Facts) -> str:
    number = str(row.get("account_id") or "")
    dashed = row.get("platform") == "google" and len(number) == 10 and number.isdigit()
    return f"{number[:3]}-{number[3:6]}-{number[6:]}" if dashed else number


def found_id(row: Facts) -> str | None:
    """The id of the campaign that was found, also where only the name says that it is the planned one."""
    found = row.get("platform_campaign_id") or str(row.get("campaign_key") or "").split("/", 2)[-1]
    return str(found) if found and not str(found).startswith("name:") else None


def open_link(row: Facts) -> str:
    """To the campaign in its platform, where an address is known that needs nothing but the ids."""
    campaign, number = found_id(row) or row.get("campaign_id"), str(row.get("account_id") or "")
    if not campaign or not number:
        return ""
    here, there = (quote(text, safe="", errors="replace") for text in (number.replace("-", "").removeprefix("act_"), str(campaign)))
    if row.get("platform") == "google":
        return link(f"https://ads.google.com/aw/campaigns?campaignId={there}&__e={here}", "Open in Google Ads")
    if row.get("platform") == "meta":
        return link(f"https://adsmanager.facebook.com/adsmanager/manage/campaigns?act={here}&selected_campaign_ids={there}",
                    "Open in Meta Ads Manager")
    return ""


def amount(micros: Any, currency: Any) -> str:
    return outside(money(int(micros), str(currency)), 40)


def amount_of(row: Facts, key: str) -> str:
    return amount(row.get(key) or 0, row.get("currency"))


def off_plan_micros(row: Facts) -> int | None:
    actual, target = row.get("actual_micros"), row.get("target_micros")
    return None if actual is None or target is None else int(actual) - int(target)


def pct_of_plan(row: Facts) -> str | None:
    """`131 %`, from the micros and rounded half up; None when nothing is planned or something is unknown."""
    actual, target = row.get("actual_micros"), row.get("target_micros")
    if actual is None or not target or int(target) <= 0:
        return None
    return f"{(int(actual) * 200 + int(target)) // (int(target) * 2):,} %"


def curve(row: Facts) -> str:
    share = f"{row['curve_pct']:g} %" if row.get("curve_pct") is not None else "most"
    words = {"even": "even pacing", "ahead": "1.2 times the even rate until it is spent", "asap": "as fast as possible",
             "front": f"{share} in the first half", "back": f"{share} in the second half", "custom": "planned to date by the tracker"}
    return words.get(str(row.get("curve")), "")


def flight_field(row: Facts) -> str:
    first, last = day(row.get("start_date")), day(row.get("end_date"))
    if not first or not last:
        return ""
    said = ", ".join(part for part in [span_days(first, last), curve(row), _several(row)] if part)
    if row.get("gross_micros") is None or row.get("fee_pct") is None:
        return f"*Flight*\n{said}"
    fee = f"{amount_of(row, 'gross_micros')} gross is {amount_of(row, 'budget_micros')} after the fee of {float(row['fee_pct']):g} %"
    return f"*Flight*\n{said}. {fee}"


def _several(row: Facts) -> str:
    """A line over several campaigns is judged as one budget."""
    planned, found = int(row.get("n_campaigns") or 1), int(row.get("n_matched") or 0)
    return f"one line over {planned} campaigns, {found} of them found" if planned > 1 else ""


def where_field(row: Facts) -> str:
    zone = str(row.get("account_timezone") or row.get("timezone") or "")
    city = zone.rpartition("/")[2].replace("_", " ")  # Europe/Berlin: Berlin time
    return f"*Where*\n{account(row)}{f' ({outside(city, 40)} time)' if city else ''}"


def owner_field(row: Facts, context: CardContext) -> str:
    owner = row.get("owner") or context.owner
    return f"*Owner*\n{mention(owner)}" if owner else ""


def complete_field(row: Facts, facts: Facts, as_of: datetime) -> str:
    """Up to when spend is known to be complete, and how old that knowledge is."""
    watermark, loaded = instant(row.get("watermark")), loaded_at(facts)
    if not watermark:
        return "*Spend complete to*\nnot known: this account was never loaded" if not loaded else ""
    age = f", loaded {duration(as_of - loaded)} before the run" if loaded and loaded <= as_of else ""
    return f"*Spend complete to*\n{token(watermark)}{age}"


def loaded_at(facts: Facts) -> datetime | None:
    row = facts.get("account")
    return instant(row.get("loaded_at")) if isinstance(row, Mapping) else None


def trust_field(row: Facts) -> str:
    return f"*Can we trust this?*\n{trust(row)}"


def trust(row: Facts) -> str:
    """Yes or no first, then the reason."""
    gates = row.get("gates") or {}
    red = [name for name, gate in gates.items() if gate.get("state") == "red"]
    if red:
        return f"No: the check of {CHECKS.get(red[0], outside(red[0]))} failed. {outside(gates[red[0]].get('evidence') or '', 130)}".rstrip()
    if row.get("cost_fault"):
        return "No. It shows impressions that cost nothing."
    if row.get("match_kind") in ("none", "ambiguous"):
        return f"There are no figures to trust yet. {MATCHES[str(row['match_kind'])]}."
    reasons = ", ".join(reason for reason in [MATCHES.get(str(row.get("match_kind")), ""), details(row), "all checks green"] if reason)
    if row.get("score") is None:
        return f"Not known. {reasons}."
    answer = "Not enough" if row.get("lane") == "escalate" else "Yes"
    return f"{answer}, {score_pct(row)}. {reasons}."


def score_pct(row: Facts) -> str:
    """Rounded down: 69.9 % must not read as the 70 % that it missed."""
    return f"{int(float(row['score']) * 100 + 1e-9)} %"


def details(row: Facts) -> str:
    """`4 of 4 details agree`, or which one does not."""
    compared = {name: state for name, state in (row.get("metadata_detail") or {}).items() if state != "left_out"}
    if not compared:
        return ""
    agree = sum(state == "match" for state in compared.values())
    said = f"{agree} of {count(len(compared), 'detail agrees', 'details agree')}"
    other = next((_difference(row, name, state) for name, state in compared.items() if state != "match" and name in DETAILS), "")
    return f"{said}; {other}" if other and size(said + other) < 150 else said


def _difference(row: Facts, name: str, state: str) -> str:
    where = outside(platform(row.get("platform")), 20)
    if state == "empty":
        return f"{DETAILS[name]} is missing on one side"
    planned, found = outside(row.get(name) or "empty", 30), outside(row.get(PLATFORM_DETAIL[name]) or "empty", 30)
    return f"{DETAILS[name]} differs (plan: {planned}, {where}: {found})"


def why(row: Facts) -> list[str]:
    """The cause with its figures, and a credit where there is one."""
    lines = [f"*Why* {sentence(row['root_cause'])}"] if row.get("root_cause") else []
    if (row.get("credit_micros") or 0) < 0:
        lines.append(f"A credit of {amount(-int(row['credit_micros']), row.get('currency'))} is contained in what was spent.")
    return lines


def what_to_do(row: Facts, most: int = 4, *, paused: bool = False) -> list[str]:
    steps = [sentence(step) for step in (once_paused if paused else list)(row.get("mitigation") or [])][:most]
    if not steps:
        return [f"*What you can do* {sentence(row['recommendation'])}"] if row.get("recommendation") else []
    if len(steps) == 1:
        return [f"*What you can do* {steps[0]}"]
    return [f"*What you can do* 1. {steps[0]}", *(f"{number}. {step}" for number, step in enumerate(steps[1:], 2))]


def worked_before(row: Facts) -> list[str]:
    """How often what was done about this cause worked."""
    said = [sentence(str(one.get("said"))) for one in row.get("patterns") or [] if isinstance(one, Mapping) and one.get("kind") == "outcome"]
    return [f"*Last times* {' '.join(said)}"] if said else []


def remaining_seconds(row: Facts) -> int:
    """Real seconds of the flight that lie after the watermark."""
    now, end = instant(row.get("watermark")), instant(row.get("day_end"))
    return max(int((end - now).total_seconds()), 0) if now and end else 0


def needed_per_day_micros(row: Facts) -> int | None:
    """What lands the flight on its budget, per 24 hours from the watermark on; None in its last hours, or when nothing is left."""
    seconds = remaining_seconds(row)
    if row.get("actual_micros") is None or seconds < 12 * 3600:
        return None
    left = int(row.get("budget_micros") or 0) - int(row["actual_micros"])
    return left * 86_400 // seconds if left > 0 else None


def command(*words: object) -> str:
    """A command line to copy."""
    return f"`{outside(shlex.join(str(word) for word in words), 160)}`"
