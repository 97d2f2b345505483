"""What an answer does and until when it holds: the table of docs/answers.md as rules. Pure.

An answer is given about a problem of a certain *extent*. It keeps the monitor quiet about that problem until its time is over or the problem
outgrows it. A problem that turns into another one (over into under, a check that turns red) is another incident, which no answer covers.
"""

from dataclasses import asdict, dataclass
from datetime import UTC, date, datetime, timedelta
from enum import StrEnum
from typing import Any, Self
from zoneinfo import ZoneInfo

from pacing_brain.model import Finding, Lane, Problem, Severity

QUIET = timedelta(hours=24)  # after "keep it running" and "I'm on it"
EXPECTED_DAYS = 7
WORSE_MONEY_PCT = 150  # of the money at the time of the answer
EXPECTED_MONEY_PCT = 125
RANK = {Severity.HEALTHY: 0, Severity.WARNING: 1, Severity.CRITICAL: 2}
MORNING_HOUR = 8


class Answer(StrEnum):
    """What a person may say about a problem that keeps the monitor quiet."""

    KEEP_RUNNING = "keep_running"
    FIXING = "fixing"
    BUDGET_LOWERED = "budget_lowered"
    EXPECTED = "expected"
    WRONG_ALARM = "wrong_alarm"
    REMIND_LATER = "remind_later"


WITHIN_LIMITS = (Answer.EXPECTED, Answer.WRONG_ALARM)  # hold while the problem stays as large as was said; the others until it gets worse
OUTLIVES_THE_INCIDENT = WITHIN_LIMITS  # a problem that resolves and returns within the time is still the expected one


@dataclass(frozen=True)
class Extent:
    """How bad a problem is. money_micros: off plan, in the currency of the flight."""

    severity: str
    lane: str
    side: str
    money_micros: int
    zero: bool

    @classmethod
    def of(cls, finding: Finding) -> Self:
        return cls(finding.severity.value, finding.lane.value, finding.side, finding.money_micros, finding.problem is Problem.ZERO)


@dataclass(frozen=True)
class Bounds:
    """What an answer was said about, and up to how much money it holds."""

    then: Extent
    up_to_micros: int

    def as_json(self) -> dict[str, Any]:
        return asdict(self)

    @classmethod
    def from_json(cls, kept: dict[str, Any]) -> Self:
        return cls(Extent(**kept["then"]), int(kept["up_to_micros"]))


def bounds(answer: Answer, extent: Extent, up_to_micros: int | None = None) -> Bounds:
    """What the answer covers; `up_to_micros`: what the person said, for answers within limits."""
    pct = EXPECTED_MONEY_PCT if answer in WITHIN_LIMITS else WORSE_MONEY_PCT
    return Bounds(extent, up_to_micros if up_to_micros is not None and answer in WITHIN_LIMITS else extent.money_micros * pct // 100)


def until(answer: Answer, at: datetime, wanted: datetime | None, flight_ends: datetime | None) -> datetime:
    """When the answer ends by itself. `wanted`: what the person chose; an expectation ends with the flight at the latest."""
    if answer is Answer.REMIND_LATER:
        return wanted or at + timedelta(hours=4)
    if answer not in WITHIN_LIMITS:
        return at + QUIET
    chosen = wanted if wanted and wanted > at else at + timedelta(days=EXPECTED_DAYS)
    return min(chosen, flight_ends) if flight_ends and flight_ends > at else chosen


def broken(answer: Answer, said: Bounds, ends: datetime, extent: Extent, now: datetime) -> str | None:
    """Why the answer holds no longer, as people read it; none: it holds."""
    if now >= ends:
        return "its time is over"
    if said.then.side != extent.side:
        return f"it is now {extent.side} plan"
    if extent.zero and not said.then.zero:
        return "it does not deliver any more"
    if answer in WITHIN_LIMITS:
        return "it is more money than was said" if extent.money_micros > said.up_to_micros else None
    return _worse(said, extent)


def _worse(said: Bounds, extent: Extent) -> str | None:
    if RANK[Severity(extent.severity)] > RANK[Severity(said.then.severity)]:
        return "it got worse"
    if extent.lane == Lane.ESCALATE.value and said.then.lane != extent.lane:
        return "its data are in doubt now"
    return "half as much money again is off plan" if extent.money_micros >= said.up_to_micros > said.then.money_micros else None


def remind_at(choice: str, now: datetime, zone: str) -> datetime:
    """`4h`, `tomorrow` or `monday`: the next such morning at 08:00 where the person is."""
    if choice == "4h":
        return now + timedelta(hours=4)
    local = now.astimezone(ZoneInfo(zone))
    days = 1 if choice == "tomorrow" else 7 - local.weekday()
    day = local.date() + timedelta(days=days)
    return datetime(day.year, day.month, day.day, MORNING_HOUR, tzinfo=ZoneInfo(zone)).astimezone(now.tzinfo)


def end_of(day: date, zone: str) -> datetime:
    """The midnight that ends a day where the person is."""
    after = day + timedelta(days=1)
    return datetime(after.year, after.month, after.day, tzinfo=ZoneInfo(zone)).astimezone(UTC)
