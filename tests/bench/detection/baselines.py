"""Rules that other tools go by, on what a recorded history shows at each window. Each gives a level: 0 healthy, 1 warning, 2 critical.

linear       spend to date against an even line by hours: off by 10 % / 25 %
yesterday    the last closed day against budget / days: off by 10 % / 25 %
z_score      the last closed day against mean and deviation of the 14 days before it: 2 / 3 of them (as elementary does)
weekday      the last closed day against the mean of its weekday in the four weeks before: below 0.5 or above 1.5 times (as Google's script does; it
             compares hours, which a history of days does not hold)
mad          the last closed day's difference to the day before against the median of such differences: 3.5 deviations by the median (as anomstack does)
"""

from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import numpy.typing as npt
import pandas as pd

from connectors.history import History
from pacing_brain.policy import Policy

Floats = npt.NDArray[np.float64]
Levels = npt.NDArray[np.int64]
BACK = 29  # days that a rule looks back
DAY = pd.Timedelta(days=1)


@dataclass(frozen=True)
class Seen:
    """What is known of the flights at one window: a row each."""

    budget: Floats
    days: Floats  # planned
    elapsed: Floats  # days of the flight that are gone by the clock
    spent: Floats  # reported in the flight so far
    closed: Floats  # spend of the last BACK closed days, the newest last
    open_days: Floats  # closed days of the flight


def linear(seen: Seen) -> Levels:
    return _off(seen.spent, seen.budget * np.clip(seen.elapsed / seen.days, 0, 1))


def yesterday(seen: Seen) -> Levels:
    return np.where(seen.open_days >= 1, _off(seen.closed[:, -1], seen.budget / seen.days), 0)


def z_score(seen: Seen) -> Levels:
    before = seen.closed[:, -15:-1]
    return _beyond(np.abs(seen.closed[:, -1] - before.mean(axis=1)), before.std(axis=1), 2.0, 3.0)


def weekday(seen: Seen) -> Levels:
    usual = np.stack([seen.closed[:, -1 - 7 * week] for week in (1, 2, 3, 4)])
    there = usual > 0
    mean = np.where(there, usual, 0).sum(axis=0) / np.maximum(there.sum(axis=0), 1)
    ratio = seen.closed[:, -1] / np.where(mean > 0, mean, np.inf)
    return np.where(there.any(axis=0) & ((ratio < 0.5) | (ratio > 1.5)), 2, 0)


def mad(seen: Seen) -> Levels:
    steps = np.diff(seen.closed[:, -15:], axis=1)
    off = np.abs(steps[:, -1] - np.median(steps[:, :-1], axis=1))
    spread = np.median(np.abs(steps[:, :-1] - np.median(steps[:, :-1], axis=1)[:, None]), axis=1) / 0.6745
    return _beyond(off, spread, 2.5, 3.5)


RULES: Mapping[str, Callable[[Seen], Levels]] = {"linear": linear, "yesterday": yesterday, "z_score": z_score, "weekday": weekday, "mad": mad}


def _off(actual: Floats, target: Floats) -> Levels:
    return _beyond(np.abs(actual - target), target, 0.10, 0.25)


def _beyond(off: Floats, unit: Floats, warning: float, critical: float) -> Levels:
    size = np.where(unit > 0, off / np.where(unit > 0, unit, 1.0), 0.0)
    return np.where(size >= critical, 2, np.where(size >= warning, 1, 0))


def decided(folder: Path) -> Iterator[pd.DataFrame]:
    """flight_id, as_of and a level per rule, window by window."""
    history = History(folder)
    for as_of in history.windows:
        at = pd.Timestamp(as_of)
        tracker = history.plan(as_of, Policy())
        known = history.at(as_of, tracker, tracker.targets["start_date"].min() - BACK * DAY)
        plan = known.targets.drop_duplicates("flight_id")
        begun = at.tz_localize(None)
        plan = plan[plan["start_date"].lt(begun) & (plan["end_date"] + DAY).ge(begun)].reset_index(drop=True)
        seen = _seen(plan, known.spend, begun)
        yield pd.DataFrame({"flight_id": plan["flight_id"], "as_of": at, **{name: rule(seen) for name, rule in RULES.items()}})


def _seen(plan: pd.DataFrame, spend: pd.DataFrame, at: pd.Timestamp) -> Seen:
    own = spend.merge(plan[["campaign_id", "account_id", "start_date", "end_date"]].reset_index(names="flight"), on=["campaign_id", "account_id"],
                      suffixes=("_platform", ""))
    micros = own["spend_micros"].fillna(0).to_numpy("float64")
    inside = (own["day"].ge(own["start_date"]) & own["day"].le(own["end_date"])).to_numpy(dtype=bool)
    flight = own["flight"].to_numpy("int64")
    spent = np.zeros(len(plan))
    np.add.at(spent, flight[inside], micros[inside])
    back = BACK - 1 - ((at.normalize() - DAY) - own["day"]).dt.days.to_numpy("int64")
    near = (back >= 0) & (back < BACK)
    closed = np.zeros((len(plan), BACK))
    np.add.at(closed, (flight[near], back[near]), micros[near])
    days = ((plan["end_date"] - plan["start_date"]).dt.days + 1).to_numpy("float64")
    elapsed = ((at - plan["start_date"]) / DAY).to_numpy("float64")
    return Seen(plan["budget_micros"].to_numpy("float64"), days, elapsed, spent, closed, np.floor(elapsed))
