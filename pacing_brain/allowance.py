"""What a platform may legally spend above a daily budget, because it takes it back later: that part of a variance is allowed, not alarming.

    Google Ads   up to 2x the daily budget on a day, never more than 30.4x in a calendar month; a changed budget counts from its day on
    Meta         up to 1.75x (an older page: 1.25x) on a day, at most 7x from Sunday to Saturday
    DV360        an insertion order paced Ahead runs at 1.2x the even rate until its budget is reached

In the present period (month, week; as far as the flight has days in it) a day's excess is min(spent, factor * daily budget) - daily budget; days below
their budget count against it, for they are the taking back. Allowed is the sum of the excess, no more than the variance, and no more than the days
that are left of the period and the flight can take back at a daily budget each. Whatever is above the factor is not allowed.
Source: support.google.com/google-ads 6385083, 1704443, 10487143; Meta marketing API, bidding, budgets; support.google.com/displayvideo 3114676.
"""

from dataclasses import dataclass

import numpy as np
import numpy.typing as npt
import pandas as pd

from pacing_brain import zones
from pacing_brain.days import number
from pacing_brain.roster import Codes, positions

_TICK = pd.Timedelta(1, unit="us")
_SPAN = 1 << 22
READ = ["flight_id", "watermark", "account_timezone", "start_date", "end_date"]
Floats = npt.NDArray[np.float64]


@dataclass(frozen=True)
class _Daily:
    """One row per flight and day with a known daily budget, the campaigns of a line added up."""

    flight: Codes
    day: Codes
    spent: Floats
    budget: Floats


def allow(flights: pd.DataFrame, days: pd.DataFrame, values: pd.DataFrame) -> pd.DataFrame:
    """The flights with allowed_micros: how much of being over plan the platform's own rules allow; 0 where none or where no rule is known.

    Args:
        flights: with the columns of reconcile and variance.
        days: spend rows with flight_id, bucket, spend_micros and daily_budget_micros.
        values: `Policy.resolve(flights)`, same index.
    """
    off = (flights["actual_micros"].astype("Int64") - flights["target_micros"].astype("Int64")).fillna(0).to_numpy("int64")
    over = np.where(flights["direction"].eq("over"), np.maximum(off, 0), 0)
    ahead = _ahead(flights, values)
    ruled = (over > 0) & values["allowance_period"].ne("none").to_numpy()
    allowed = ahead
    if ruled.any():
        allowed = ahead.copy()
        allowed[ruled] = np.maximum(allowed[ruled], _excess(flights[READ][ruled].reset_index(drop=True), days, values[ruled].reset_index(drop=True)))
    return flights.assign(allowed_micros=pd.array(np.minimum(np.rint(allowed).astype("int64"), over), dtype="Int64"))


def _ahead(flights: pd.DataFrame, values: pd.DataFrame) -> Floats:
    """A share of the target, while the budget is not exceeded."""
    target, actual, budget = (flights[name].astype("Int64").fillna(0).to_numpy("float64") for name in ("target_micros", "actual_micros", "budget_micros"))
    share = values["allowance_ahead_pct"].to_numpy("float64") / 100.0
    return np.where(actual <= budget, target * share, 0.0)


def _excess(flights: pd.DataFrame, days: pd.DataFrame, values: pd.DataFrame) -> Floats:
    today = zones.local_days(flights["watermark"] - _TICK, flights["account_timezone"])
    begin, end = (zones.midnights(day, flights["account_timezone"]) for day in (today, today + zones.ONE_DAY))
    part = ((flights["watermark"] - begin) / (end - begin)).clip(0.0, 1.0).to_numpy("float64")  # of the present day
    first, last = _period(today, values["allowance_period"].eq("week").to_numpy())
    now, start = number(today), np.maximum(first, number(flights["start_date"]))
    stop = np.minimum(last, number(flights["end_date"]))
    rows = _daily(flights, days)
    inside = (rows.day >= start[rows.flight]) & (rows.day <= now[rows.flight])
    flight, budget, spent = rows.flight[inside], rows.budget[inside], rows.spent[inside]
    due = budget * np.where(rows.day[inside] == now[flight], part[flight], 1.0)
    most = budget * values["allowance_day_factor"].to_numpy("float64")[flight]
    excess = np.asarray(np.bincount(flight, np.minimum(spent, most) - due, minlength=len(flights)), dtype=np.float64)
    newest = np.zeros(len(flights))
    order = np.lexsort((rows.day[inside], flight))
    newest[flight[order]] = budget[order]
    seen = np.bincount(flight, minlength=len(flights))
    excess -= newest * np.where(seen > 0, now - start + 1 - seen, 0)  # days without a row took nothing
    left = np.maximum(stop - now, 0) + (1.0 - part)
    return np.asarray(np.clip(np.minimum(excess, newest * left), 0.0, None))


def _period(today: pd.Series, weekly: npt.NDArray[np.bool_]) -> tuple[Codes, Codes]:
    """First and last day of the calendar month, or of the week from Sunday to Saturday, that a day lies in."""
    now = number(today)
    sunday = now - (now + 1) % 7  # the first day of the year 1 was a Monday
    month = today.to_numpy().astype("datetime64[M]")
    return np.where(weekly, sunday, number(month)), np.where(weekly, sunday + 6, number(month + 1) - 1)


def _daily(flights: pd.DataFrame, days: pd.DataFrame) -> _Daily:
    at = positions(days["flight_id"], pd.Index(flights["flight_id"]))
    mine = np.flatnonzero((at >= 0) & days["bucket"].eq("matched").to_numpy() & days["daily_budget_micros"].gt(0).fillna(value=False).to_numpy(dtype=bool))
    spent, budget = (days[name].fillna(0).to_numpy("float64")[mine] for name in ("spend_micros", "daily_budget_micros"))
    keys, inverse = np.unique(at[mine] * _SPAN + number(days["day"])[mine], return_inverse=True)
    sums = [np.asarray(np.bincount(inverse, micros, minlength=len(keys)), dtype=np.float64) for micros in (spent, budget)]
    return _Daily(keys // _SPAN, keys % _SPAN, *sums)

