"""Who may know why a campaign's spend changed: one specialist each for budget, performance, audience, and creative and inventory. Pure.

Each looks at its own breakdowns, asks whether the change sits in one or two items, and says so with figures and the share of the change that they
explain. A change that all items share in proportion is no finding: the largest item would explain most of it without being its cause.

    change(item)  = mean of its last RECENT_DAYS closed days - mean of the up to USUAL_DAYS before
    explains      = change(item) / change(all items);   named when it explains LEAST_SHARE, and LEAST_EXCESS more than its part of the usual spend
"""

from dataclasses import dataclass
from typing import Any

import pandas as pd

from pacing_brain.money import money

RECENT_DAYS, USUAL_DAYS, LEAST_USUAL_DAYS = 3, 14, 5
LEAST_CHANGE = 0.10  # of the larger of both levels: less is an ordinary day
LEAST_SHARE, LEAST_EXCESS = 0.25, 0.15
LEAST_LEAD = 0.40  # what the first item must explain for anything to be said
MOST_ITEMS = 2
MOST_CHARACTERS = 60  # of an item's name
WHOLE = 0.05  # a breakdown may differ by this from the campaign's own spend; more, and it is not the whole campaign


@dataclass(frozen=True)
class Specialist:
    """patterns: over | under | stopped: when it is asked. breakdowns: what it looks at, each with the words for its items."""

    name: str
    patterns: tuple[str, ...]
    breakdowns: dict[str, str]


SPECIALISTS = (
    Specialist("budget", ("over", "under", "stopped"), {"line_item": "line item"}),
    Specialist("performance", ("over", "under"), {"device": "device", "hour": "hour"}),
    Specialist("audience", ("over", "under"), {"audience": "audience"}),
    Specialist("creative and inventory", ("under", "stopped"), {"creative": "creative", "inventory": "inventory"}),
)
WORDS = {name: word for one in SPECIALISTS for name, word in one.breakdowns.items()}


def asked_for(pattern: str) -> list[str]:
    """The breakdowns that can matter for a pattern, those of the first specialist first."""
    return [name for one in SPECIALISTS if pattern in one.patterns for name in one.breakdowns]


def finding(breakdown: str, rows: pd.DataFrame, own: pd.Series, closed: pd.Timestamp, side: int) -> dict[str, Any] | None:
    """What a breakdown shows of a change; null: nothing worth saying.

    Args:
        breakdown: its name.
        rows: day, item, spend_micros of the campaign in this breakdown.
        own: the campaign's own spend by day, micros; from its first known day to `closed`.
        closed: the last closed day.
        side: +1 where too much is spent, -1 where too little.
    """
    recent, usual = _spans(own, closed)
    days = pd.DatetimeIndex([*usual, *recent])
    table = rows.pivot_table(index="day", columns="item", values="spend_micros", aggfunc="sum").reindex(days).fillna(0.0)
    if len(usual) < LEAST_USUAL_DAYS or table.empty or abs(table.to_numpy().sum() - own.reindex(days).sum()) > WHOLE * abs(own.reindex(days).sum()):
        return None
    now, before = table.loc[recent].mean(), table.loc[usual].mean()
    change = float(now.sum() - before.sum())
    if change * side <= 0 or abs(change) < LEAST_CHANGE * max(now.sum(), before.sum()):
        return None
    share, part = (now - before) / change, before / before.sum() if before.sum() > 0 else before * 0.0
    led = share.sort_values(ascending=False, kind="stable")
    named = [item for item in led.index if share[item] >= LEAST_SHARE and share[item] - part[item] >= LEAST_EXCESS][:MOST_ITEMS]
    if not named or share[named[0]] < LEAST_LEAD:
        return None
    items = [{"item": str(item)[:MOST_CHARACTERS], "before_micros": round(before[item]), "now_micros": round(now[item]), "explains_pct": round(100.0 * share[item], 1)} for item in named]
    return {"breakdown": breakdown, "items": items, "change_micros": round(change), "explains_pct": round(100.0 * min(float(share[named].sum()), 1.0), 1),
            "days": len(recent), "usual_days": len(usual)}


def _spans(own: pd.Series, closed: pd.Timestamp) -> tuple[pd.DatetimeIndex, pd.DatetimeIndex]:
    """(the last closed days, those before them), as far as the campaign is known."""
    recent = pd.date_range(closed - pd.Timedelta(days=RECENT_DAYS - 1), closed)
    usual = pd.date_range(end=recent[0] - pd.Timedelta(days=1), periods=USUAL_DAYS)
    return recent, usual[usual >= own.index.min()]


def sentence(found: dict[str, Any], currency: str) -> str:
    """A finding in words."""
    word = WORDS[found["breakdown"]]
    moved = " and ".join(_moved(one, currency) for one in found["items"])
    return f"By {word}: {moved}, which explains {found['explains_pct']:.0f} % of the change of the last {found['days']} days."


def _moved(one: dict[str, Any], currency: str) -> str:
    before, now = money(one["before_micros"], currency), money(one["now_micros"], currency)
    if one["now_micros"] <= 0:
        return f"{one['item']} took about {before} a day before and nothing since"
    if one["before_micros"] <= 0:
        return f"{one['item']} is new and takes about {now} a day"
    return f"{one['item']} went from about {before} to about {now} a day"
