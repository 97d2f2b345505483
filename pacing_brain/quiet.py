"""Quiet hours of a channel: what can wait is sent when they are over. Pure."""

from collections.abc import Mapping
from datetime import datetime, time, timedelta
from zoneinfo import ZoneInfo

EVERYWHERE = "*"


def quiet_until(hours: Mapping[str, str], channel: str, zone: str, now: datetime) -> datetime | None:
    """When the quiet hours end in which `now` lies; none: it lies in none. hours: channel, or `*`, -> `20:00-07:30` in the channel's zone."""
    said = hours.get(channel, hours.get(EVERYWHERE))
    if not said:
        return None
    first, last = (time.fromisoformat(part) for part in said.split("-"))
    local = now.astimezone(ZoneInfo(zone))
    at = local.time()
    within = first <= at < last if first <= last else (at >= first or at < last)
    if not within:
        return None
    day = local.date() + timedelta(days=1 if first > last and at >= first else 0)
    return datetime.combine(day, last, tzinfo=ZoneInfo(zone)).astimezone(now.tzinfo)
