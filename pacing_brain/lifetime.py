"""The life of a recommendation: what it rests on, when it is another question, when it ends. Pure.

A sealed run that decides the same renews it silently. What a person decides about is its *basis*: when that changes, the version rises, and
whoever answers the old version is shown the new figures instead.
"""

from collections.abc import Mapping
from datetime import datetime, timedelta
from typing import Any

from pacing_brain.model import HALTS

BASIS = ("action", "direction", "severity", "budget_micros", "start_date", "end_date", "unexplained_pct", "platform", "account_id", "campaign_id")
EXACT = tuple(name for name in BASIS if name != "unexplained_pct")
UNEXPLAINED_POINTS = 5.0
OPEN = ("pending", "snoozed")  # can be answered
TAKEN_BACK = ("resume_approved", "resuming", "resume_unknown")  # a pause of ours is being taken back
ACTED_UPON = ("approved", "attempting", "unknown", *TAKEN_BACK)  # a change is on its way: nothing more is asked
STOPPED = ("done", "handed_over")  # the campaign should stand still: nothing more is asked while the same incident is open
MAX_WINDOWS = 2  # a sealed run that is older than this many windows answers for nothing


def basis(row: Mapping[str, Any]) -> dict[str, Any]:
    """What a decision's recommendation rests on."""
    return {name: row.get(name) for name in BASIS}


def changed(before: Mapping[str, Any], now: Mapping[str, Any]) -> tuple[str, ...]:
    """Which parts of the basis are others now; none: the same question."""
    moved = [name for name in EXACT if _alike(before.get(name)) != _alike(now.get(name))]
    old, new = before.get("unexplained_pct"), now.get("unexplained_pct")
    if (old is None) != (new is None) or (old is not None and new is not None and abs(float(new) - float(old)) >= UNEXPLAINED_POINTS):
        moved.append("unexplained_pct")
    return tuple(moved)


def _alike(value: Any) -> Any:
    """A pause that the policy may approve by itself asks people the same as any other."""
    return HALTS[0] if value in HALTS else value


def blocks(status: str, same_incident: bool) -> bool:
    """Whether a flight with a recommendation in this state is asked about again."""
    return status in ACTED_UPON or (status in STOPPED and same_incident)


def still_asks(asked_by: str, newest_run: str | None, newest_as_of: datetime | None, now: datetime, schedule_hours: int) -> bool:
    """Whether the newest sealed run asks for it, and is no older than MAX_WINDOWS."""
    young = newest_as_of is not None and now - newest_as_of <= timedelta(hours=MAX_WINDOWS * schedule_hours)
    return young and asked_by == newest_run


def ends(as_of: datetime, expires_after_hours: float, flight_ends: datetime | None) -> datetime:
    """Until when it can be answered: so long after the run that asked last, and no longer than the flight."""
    late = as_of + timedelta(hours=expires_after_hours)
    return min(late, flight_ends) if flight_ends is not None and flight_ends > as_of else late


def half_time(opened_at: datetime, expires_after_hours: float) -> datetime:
    """When the one reminder is due."""
    return opened_at + timedelta(hours=expires_after_hours) / 2
