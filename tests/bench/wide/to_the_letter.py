"""Flights that keep to their plan as nearly as spend ever does: whatever is raised on one of them is a fault of the brain.

`python tests/bench/wide/to_the_letter.py [DAYS] [SEED] [ONLY]`: every kind of curve and of allowance, over flights of 3 to 60 days, new and with days before them, in six zones
around two clock changes; each day strays by 2.5 % (5 at most) from what its plan and its platform's rules make of it, hours not at all. Every four-hourly window of their whole life is decided,
with the memory of the window before. ONLY: kinds that begin with this. Prints what was raised, by kind of flight; nothing is read or written.
"""

import sys
from collections import Counter
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from datetime import UTC, timedelta
from typing import Any

import numpy as np
import numpy.typing as npt
import pandas as pd

from pacing_brain import frames, zones
from pacing_brain.brain import PacingBrain
from pacing_brain.model import Inputs, RunContext
from pacing_brain.policy import Policy

Floats = npt.NDArray[np.float64]
FIRST_RUN, HISTORY_DAYS, UNIT, STRAYS = pd.Timestamp("2026-10-05"), 21, 1_000_000, 0.025
ACCOUNTS = (("google", "Europe/London"), ("meta", "America/New_York"), ("dv360", "Europe/Berlin"), ("google", "America/Los_Angeles"), ("meta", "Asia/Kolkata"),
            ("dv360", "America/Sao_Paulo"))
LAG_H = {"google": 2, "meta": 5, "dv360": 6}
LENGTHS = (3, 5, 7, 10, 14, 21, 30, 45, 60)
SALE, REST = pd.Timestamp("2026-10-23"), pd.Timestamp("2026-11-11")
POLICY = f"""
[calendar]
"{SALE:%Y-%m-%d} client=sales" = 2.5
"{REST:%Y-%m-%d} client=sales" = 0.0
[scope."client=ahead".allowance]
ahead_pct = 20.0
"""


@dataclass(frozen=True)
class Flight:
    """share: of the budget that is spent by elapsed share of the flight (0 to 1), hour by hour. by_day: instead, what each of n days spends in units of an even day, by the weekday of
    the first (Monday 0). parts: of a shared budget, what each campaign spends of the day by elapsed share. stops: at its budget, and not before.
    """

    kind: str
    days: int
    share: Callable[[Floats], Floats] = lambda x: x
    by_day: Callable[[int, int], Floats] | None = None
    plan: dict[str, Any] = field(default_factory=dict)
    parts: tuple[Callable[[Floats], Floats], ...] = (np.ones_like,)
    stops: bool = False
    start: pd.Timestamp | None = None  # else by chance
    later: int = 0  # by up to so many days, by chance
    takes_back: int = 14  # days in which what was lent is taken back


def _half(p: float) -> Callable[[Floats], Floats]:
    return lambda x: np.where(x <= 0.5, 2.0 * p * x, p + 2.0 * (1.0 - p) * (x - 0.5))


def _bent(at: float, share: float) -> Callable[[Floats], Floats]:
    return lambda x: np.where(x <= at, share * x / at, share + (1.0 - share) * (x - at) / (1.0 - at))


def _times(rate: float) -> Callable[[Floats], Floats]:
    return lambda x: rate * x


def _in_turn(*factors: float) -> Callable[[int, int], Floats]:
    return lambda n, weekday: np.resize(factors, n)


def _weekly(*factors: float) -> Callable[[int, int], Floats]:
    """Monday first."""
    return lambda n, weekday: np.array([factors[(weekday + day) % 7] for day in range(n)])


def _then(rate: float, days: int) -> Callable[[int, int], Floats]:
    """So many days at a rate, the others at what is left of the budget."""
    return lambda n, weekday: np.where(np.arange(n) < days, rate, (n - rate * days) / (n - days))


def _until(rate: float, most: float) -> Callable[[int, int], Floats]:
    """At a rate until so many days' budgets are spent, then nothing."""
    return lambda n, weekday: np.diff(np.minimum(rate * np.arange(n + 1), most))


def curved(days: int) -> Iterator[Flight]:
    """Every kind of plan, over so many days."""
    yield Flight("even", days)
    for p in (20, 40, 60, 80):
        yield Flight(f"front:{p}", days, _half(p / 100), plan={"curve": "front", "curve_pct": float(p)})
        yield Flight(f"back:{p}", days, _half(1 - p / 100), plan={"curve": "back", "curve_pct": float(p)})
    yield Flight("ahead", days, _times(1.2), plan={"curve": "ahead"}, stops=True)
    for kind, rate in (("early", 2.0), ("even", 1.0), ("slow", 0.6)):
        yield Flight(f"asap, {kind}", days, _times(rate), plan={"curve": "asap"}, stops=True)
    at = max(days // 3, 1)
    for target in (0.5, 0.8, 1.3):
        yield Flight(f"custom x{target}", days, _bent(at / days, target * at / days), plan={"curve": "custom", "target": target * at / days, "stated": at})
    yield Flight("calendar", days, plan={"client": "sales"})
    if days >= LENGTHS[1]:
        for curve, gap in (("even", days // 5), ("front", 1), ("back", days // 5)):
            yield Flight(f"gap, {curve}", days, {"even": _times(1.0), "front": _half(0.6), "back": _half(0.4)}[curve],
                         plan={"curve": curve, "curve_pct": None if curve == "even" else 60.0, "gap": (days // 2, days // 2 + gap - 1)})
    yield Flight("group, taken over", days, parts=(lambda x: np.where(x < 0.5, 1.0, 0.0), lambda x: np.where(x < 0.5, 0.0, 1.0)))
    yield Flight("group of three", days, parts=(lambda x: 0.6 - 0.4 * x, lambda x: 0.3 + 0.0 * x, lambda x: 0.1 + 0.4 * x))


def allowed(platform: str) -> Iterator[Flight]:
    """Plans that are even, and daily budgets that the platform uses as it may, taking back what it took within its month or week."""
    daily: dict[str, Any] = {"daily": True}
    for days in (14, 28):
        if platform == "google":
            for kind, by_day in (("1.9 and 0.1 by turns", _in_turn(1.9, 0.1)), ("1.6 and 0.4 by turns", _in_turn(1.6, 0.4)), ("weekends", _weekly(0.6, 0.6, 0.6, 0.6, 0.6, 1.9, 1.9)),
                                 ("four days at 1.8, then the rest", _then(1.8, 4))):
                if kind != "weekends" or days == 14:  # what is lent at the end of a month cannot be taken back in it
                    yield Flight(f"google, {kind}", days, by_day=by_day, plan=daily, start=pd.Timestamp("2026-11-07") if kind == "weekends" else pd.Timestamp("2026-11-02"), later=0 if kind == "weekends" else 1)
        if platform == "meta":
            yield Flight("meta, weekly 7 at 1.75", days, by_day=_weekly(1.75, 1.75, 1.75, 0.0, 0.0, 0.0, 1.75), plan=daily, start=pd.Timestamp("2026-10-11"), takes_back=7)
            yield Flight("meta, weekly", days, by_day=_weekly(1.4, 1.3, 1.0, 0.7, 0.6, 0.6, 1.4), plan=daily, start=pd.Timestamp("2026-10-11"), takes_back=7)
        if platform == "dv360":
            yield Flight("dv360, ahead of an even plan", days, _times(1.2), plan={"client": "ahead"}, stops=True)
    if platform == "google":
        yield Flight("google, 30.4 at 1.3, then nothing", 30, by_day=_until(1.3, 30.4), plan=daily, start=pd.Timestamp("2026-11-01"), takes_back=30)


def flights(at: int, platform: str) -> Iterator[Flight]:
    """Of one account: every kind; lengths of curved ones take turns by account, so that two accounts have each."""
    for days in LENGTHS[at % 3::3]:
        yield from curved(days)
    yield from allowed(platform)
    for cap in (30.0, 100.0):
        yield Flight("months", 31, plan={"months": cap})


@dataclass
class World:
    targets: pd.DataFrame
    days: pd.DataFrame  # spend by campaign and account day as it will be in the end, with begin and end of the day
    by_hour: Floats  # share of its day that each row has spent by each of 25 hours
    campaigns: pd.DataFrame
    kinds: dict[str, str]


def world(n_days: int, seed: int, only: str = "", platforms: tuple[tuple[str, str], ...] = ACCOUNTS) -> World:
    chance = np.random.default_rng(seed)
    targets: list[dict[str, Any]] = []
    days: list[pd.DataFrame] = []
    hours: list[Floats] = []
    kinds: dict[str, str] = {}
    for at, (platform, zone) in enumerate(platforms):
        for number, flight in enumerate(one for one in flights(at, platform) if one.kind.startswith(tuple(only.split("|"))) and one.days <= n_days):
            name = f"9{at}-{number:03}"
            who = {"platform": platform, "account_id": f"9{at}", "timezone": zone}
            made = _months(flight, name, who, chance) if "months" in flight.plan else _flight(flight, name, who, n_days, chance)
            for row, spent, within in made:
                targets.append(row)
                days.append(spent)
                hours.append(within)
                kinds[row["flight_id"]] = "the line before" if row["flight_id"].endswith("before") else flight.kind
    table, spend = pd.DataFrame(targets), pd.concat(days, ignore_index=True)
    begin, end = (zones.midnights((spend["day"] + pd.Timedelta(days=more)).astype("datetime64[us]"), spend["timezone"]) for more in (0, 1))
    listed = table[["platform", "account_id", "campaign_id", "campaign_name"]].drop_duplicates("campaign_id").assign(status="enabled")
    return World(frames.TARGETS.check(table.assign(row=np.arange(len(table)) + 2)), spend.assign(begin=begin, end=end), np.concatenate(hours), frames.CAMPAIGNS.check(listed), kinds)


Made = tuple[dict[str, Any], pd.DataFrame, Floats]  # plan, spend by day, share of the day by hour


def _target(name: str, who: dict[str, str], start: pd.Timestamp, days: int, budget: int, plan: dict[str, Any]) -> dict[str, Any]:
    made = {**who, "flight_id": name, "campaign_id": name, "campaign_name": f"Campaign {name}", "client": plan.get("client", f"Client {name}"), "market": "GB", "product": "Boots",
            "currency": "GBP", "budget_micros": budget, "start_date": start, "end_date": start + pd.Timedelta(days=days - 1), "curve": plan.get("curve", "even"),
            "curve_pct": plan.get("curve_pct")}
    if "stated" in plan:
        made |= {"target_to_date_micros": round(plan["target"] * budget), "updated_at": (start + pd.Timedelta(days=plan["stated"]) - pd.Timedelta(hours=12)).tz_localize("UTC")}
    if "gap" in plan:
        made |= {f"pause_{word}": start + pd.Timedelta(days=day) for word, day in zip(("from", "to"), plan["gap"], strict=True)}
    return made


def _flight(flight: Flight, name: str, who: dict[str, str], n_days: int, chance: np.random.Generator) -> Iterator[Made]:
    n, strays = flight.days, _strays(chance, flight.days + HISTORY_DAYS)
    start = FIRST_RUN + pd.Timedelta(days=int(chance.integers(0, max(n_days - n - 4, 1)))) if flight.start is None else flight.start
    start += pd.Timedelta(days=int(chance.integers(0, flight.later + 1)) if flight.by_day is not None else 0)
    before = (0.0, 1.0, 0.5)[int(chance.integers(0, 3))]  # how much of an even day it spent a day before; 0: it is new
    budget = int(chance.integers(100, 900)) * UNIT * n
    target = _target(name, who, start, n, budget, flight.plan)
    exact = _hourly(flight, target) * budget
    hourly = exact * strays[HISTORY_DAYS:, None]
    if flight.by_day is not None:  # the platform takes back to the cent what it lent
        hourly *= np.repeat([part.sum() / took.sum() for part, took in zip(*(np.array_split(of, n // flight.takes_back) for of in (exact, hourly)), strict=True)], flight.takes_back)[:, None]
    if flight.stops:
        hourly = np.diff(np.minimum(np.concatenate([[0.0], np.cumsum(hourly)]), budget)).reshape(n, 24)
    for at, part in enumerate(flight.parts):
        member = part(np.arange(n) / n)
        row = target | ({"campaign_id": f"{name}-{at}", "campaign_name": f"Campaign {name}-{at}"} if len(flight.parts) > 1 else {})
        daily = budget // n if flight.plan.get("daily") else None
        if before and member[0]:  # an even line of its own ends the day before; without one it would be money in no plan
            day, first = round(before * member[0] * budget / n), start - pd.Timedelta(days=HISTORY_DAYS)
            line = _target(f"{row['campaign_id']}-before", who, first, HISTORY_DAYS, day * HISTORY_DAYS, {}) | {name: row[name] for name in ("campaign_id", "campaign_name")}
            yield line, *_spend(row, who, first, np.repeat(day * strays[:HISTORY_DAYS, None] / 24.0, 24, axis=1), day if daily else None)
        yield row, *_spend(row, who, start, hourly * member[:, None], daily)


def _strays(chance: np.random.Generator, days: int) -> Floats:
    return np.asarray(np.exp(np.clip(chance.normal(0.0, STRAYS, days), -2.0 * STRAYS, 2.0 * STRAYS)))


def _hourly(flight: Flight, target: dict[str, Any]) -> Floats:
    """What share of the budget each hour spends, 24 to a day."""
    n = flight.days
    if flight.by_day is not None:
        return np.repeat(flight.by_day(n, target["start_date"].weekday())[:, None] / n / 24.0, 24, axis=1)
    day = pd.date_range(target["start_date"], periods=n)
    weight = np.ones(n)
    if "gap" in flight.plan:
        weight[flight.plan["gap"][0]:flight.plan["gap"][1] + 1] = 0.0
    if flight.plan.get("client") == "sales":
        weight = np.where(day == SALE, 2.5, np.where(day == REST, 0.0, 1.0))
    gone = np.concatenate([[0.0], np.cumsum(np.repeat(weight, 24))]) / weight.sum() / 24.0
    return np.asarray(np.diff(flight.share(gone)).reshape(n, 24))


def _months(flight: Flight, name: str, who: dict[str, str], chance: np.random.Generator) -> Iterator[Made]:
    """Months of a cycle with budgets of their own; October spends 96 % of its own, and November's plan has the rest."""
    rest = 0
    for month, of_plan in (("2026-09-01", 1.0), ("2026-10-01", 0.96), ("2026-11-01", 1.0), ("2026-12-01", 1.0)):
        start = pd.Timestamp(month)
        days = start.days_in_month
        budget = int(chance.integers(200, 600)) * UNIT * days
        own = np.full(days, (budget + rest) * of_plan / days) * _strays(chance, days)
        own *= (budget + rest) * of_plan / own.sum()
        rest = max(round(budget - own.sum()), 0)
        row = _target(f"{name}@{month}", who, start, days, budget, flight.plan) | {"campaign_id": name, "campaign_name": f"Campaign {name}", "rollover_cap_pct": flight.plan["months"]}
        yield row, *_spend(row, who, start, np.repeat(own[:, None] / 24.0, 24, axis=1), None)


def _spend(row: dict[str, Any], who: dict[str, str], start: pd.Timestamp, hourly: Floats, daily_budget: int | None) -> tuple[pd.DataFrame, Floats]:
    whole = hourly.sum(axis=1)
    made = pd.DataFrame({**who, "campaign_id": row["campaign_id"], "campaign_name": row["campaign_name"], "day": pd.date_range(start, periods=len(whole)),
                         "spend_micros": np.rint(whole).astype("int64"), "daily_budget_micros": pd.array([daily_budget] * len(whole), dtype="Int64")})
    spent = whole >= 1.0
    shares = np.cumsum(np.pad(hourly[spent], ((0, 0), (1, 0))), axis=1) / whole[spent, None]
    return made[spent], shares


def seen(made: World, as_of: pd.Timestamp) -> tuple[pd.DataFrame, pd.DataFrame]:
    """(SPEND, LOADS): loaded 20 minutes before, the present day as far as the platform's lag lets it be seen."""
    load = as_of - pd.Timedelta(minutes=20)
    known = load - pd.to_timedelta(made.days["platform"].map(LAG_H), unit="h")
    hours = (((known - made.days["begin"]) / (made.days["end"] - made.days["begin"])).clip(0.0, 1.0) * 24.0).to_numpy("float64")
    at, row = np.minimum(hours.astype("int64"), 23), np.arange(len(hours))
    share = made.by_hour[row, at] + (hours - at) * (made.by_hour[row, at + 1] - made.by_hour[row, at])
    rows = made.days[share > 0]
    spend = rows.assign(spend_micros=(rows["spend_micros"] * share[share > 0]).round().astype("int64"), currency="GBP", market="GB", product="Boots", n_rows=1, loaded_at=load,
                        impressions=1000, start_date=pd.Timestamp("2026-08-01"), end_date=None)
    loads = made.targets[["platform", "account_id"]].drop_duplicates().assign(loaded_at=load, from_rows=False)
    return frames.SPEND.check(spend), frames.LOADS.check(loads)


def live(made: World, n_days: int, brain: PacingBrain) -> tuple[pd.DataFrame, Counter[str]]:
    """(every decision that was not healthy, how often each finding was opened)."""
    policy, memory = Policy.parse(POLICY), frames.MEMORY.empty()
    raised, opened, standing = [], Counter[str](), set[str]()
    first = FIRST_RUN.to_pydatetime().replace(tzinfo=UTC)
    for step in range(n_days * 6):
        as_of = first + timedelta(hours=4 * step)
        spend, loads = seen(made, pd.Timestamp(as_of))
        totals = spend.groupby("currency", as_index=False).agg(n_rows=("n_rows", "sum"), spend_micros=("spend_micros", "sum"))
        run = RunContext(run_id=f"{as_of:%Y%m%dT%H%MZ}", as_of=as_of, window=as_of, live=True, tracker_read_at=as_of)
        outcome = brain.decide(Inputs(run=run, policy=policy, targets=made.targets, spend=spend, loads=loads, campaigns=made.campaigns,
                                      totals=frames.TOTALS.check(totals), memory=memory, patterns=frames.PATTERNS.empty()))
        if outcome.dead_letters:
            raise SystemExit(f"{as_of}: {outcome.dead_letters[:2]}")
        memory = outcome.memory.assign(decided_seq=0)
        found = {finding.fingerprint: finding for finding in outcome.findings}
        opened.update(f"{finding.scope.partition(':')[0]} {finding.problem}" for key, finding in found.items() if key not in standing)
        standing = set(found)
        bad = outcome.decisions[outcome.decisions["severity"].ne("healthy") | outcome.decisions["lane"].ne("healthy")]
        raised.append(bad.assign(as_of=pd.Timestamp(as_of), kind=bad["flight_id"].map(made.kinds), why=bad["reasons"].map(lambda reasons: reasons[0])))
    return pd.concat(raised, ignore_index=True), opened


def report(made: World, raised: pd.DataFrame, opened: Counter[str]) -> list[str]:
    """A line per kind of flight, and the first of what was raised on it."""
    kinds = pd.Series(made.kinds)
    lines = [(f"{len(kinds)} flights of {kinds.nunique()} kinds; ever critical {raised.loc[raised['severity'].eq('critical'), 'flight_id'].nunique()}, "
              f"ever raised at all {raised['flight_id'].nunique()}; incidents opened: {dict(opened) or 'none'}")]
    for kind, number in kinds.value_counts(sort=False).items():
        mine = raised[raised["kind"].eq(kind)]
        critical = mine.loc[mine["severity"].eq("critical"), "flight_id"].nunique()
        lines.append(f"  {kind}: {number} flights, critical {critical}, raised {mine['flight_id'].nunique()} ({len(mine)} windows)")
    return lines


if __name__ == "__main__":
    given = dict(enumerate(sys.argv[1:]))
    lived, drawn = int(given.get(0, 64)), int(given.get(1, 1))
    built = world(lived, drawn, given.get(2, ""))
    print(*report(built, *live(built, lived, PacingBrain())), sep="\n")
