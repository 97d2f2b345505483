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
WEEK_TIMES, MONTH_TIMES, NEARLY = 7.0, 30.4, 0.99  # daily budgets that a period may take, and the share of them at which it is through
RULES = ["allowance_period", "allowance_day_factor"]
READ = ["flight_id", "watermark", "account_timezone", "start_date", "end_date"]
Floats = npt.NDArray[np.float64]


@dataclass(frozen=True)
class _Daily:
    """One row per flight and day with a known daily budget, the campaigns of a line added up."""

    flight: Codes
    day: Codes
    spent: Floats
    budget: Floats


@dataclass(frozen=True)
class _Lent:
    """Of each flight, in micros: what its platform has lent it in the present period (below 0: less was spent than was due), the newest daily budget (0: none is
    known), the most that one day may take, and what can still be taken back.
    """

    balance: Floats
    daily: Floats
    most: Floats
    back: Floats

    @property
    def legal(self) -> Floats:
        return np.clip(np.minimum(self.balance, self.back), 0.0, None)


def allow(flights: pd.DataFrame, days: pd.DataFrame, values: pd.DataFrame) -> pd.DataFrame:
    """The flights with allowed_micros: how much of being over plan the platform's own rules allow; 0 where none or where no rule is known; and lent_micros.
    What the rules allow of the last 24 hours is taken out of off_plan_pct.

    Args:
        flights: with the columns of reconcile, levels and variance.
        days: spend rows with flight_id, bucket, spend_micros and daily_budget_micros.
        values: `Policy.resolve(flights)`, same index.
    """
    actual, target = (flights[name].array for name in ("actual_micros", "target_micros"))
    off = np.where(actual.isna() | target.isna(), 0, actual.to_numpy("int64", na_value=0) - target.to_numpy("int64", na_value=0))
    over = np.where(flights["direction"].to_numpy(dtype=object) == "over", np.maximum(off, 0), 0)
    ahead, lent = _ahead(flights, values), _lent(flights, days, values)
    allowed = np.minimum(np.rint(np.maximum(ahead, lent.legal)).astype("int64"), over)
    eased = _eased(flights, off.astype("float64"), lent, values["allowance_ahead_pct"].to_numpy("float64") / 100.0)
    balance = pd.arrays.IntegerArray(np.rint(lent.balance).astype("int64"), lent.daily <= 0)
    return flights.assign(allowed_micros=pd.arrays.IntegerArray(allowed, np.zeros(len(allowed), dtype=bool)), lent_micros=balance, off_plan_pct=eased)


def _ahead(flights: pd.DataFrame, values: pd.DataFrame) -> Floats:
    """A share of the target, while the budget is not exceeded by more than is worth a word."""
    target, actual, budget, stake = (flights[name].to_numpy("float64", na_value=0.0) for name in ("target_micros", "actual_micros", "budget_micros", "stake_micros"))
    share = values["allowance_ahead_pct"].to_numpy("float64") / 100.0
    return np.where(actual <= budget + stake, target * share, 0.0)


def _eased(flights: pd.DataFrame, off: Floats, lent: _Lent, ahead: Floats) -> Floats:
    """off_plan_pct without what the platform lends of the last 24 hours, or takes back in them of what it has lent before."""
    known: Floats = flights["off_plan_pct"].to_numpy("float64")
    ruled = ((lent.daily > 0) | (ahead > 0)) & np.isfinite(known)
    if not ruled.any():
        return known
    last, planned = (flights[name].to_numpy("float64", na_value=np.nan) for name in ("last24_micros", "planned24_micros"))
    taken, due = np.minimum(last, lent.most), lent.daily * np.minimum(flights["elapsed_hours"].fillna(0.0).to_numpy("float64") / 24.0, 1.0)
    more = np.where(lent.balance <= lent.back, taken - due, 0.0)
    more = np.maximum(np.where(lent.daily > 0, more, 0.0), np.where(ahead > 0, np.minimum(last - planned, ahead * planned), 0.0))
    before = np.where(lent.daily > 0, lent.balance + due - taken, np.inf)  # lent a day ago
    less = np.minimum(before, off + planned - last)
    eased = np.where(last > planned, np.maximum(last - np.maximum(more, 0.0), planned), np.minimum(last + np.maximum(less, 0.0), planned))
    return np.where(ruled, (np.divide(eased, planned, out=np.ones_like(planned), where=ruled) - 1.0) * 100.0, known)


def _lent(flights: pd.DataFrame, days: pd.DataFrame, values: pd.DataFrame) -> _Lent:
    found, ruled = _Lent(*(np.zeros(len(flights)) for _ in range(4))), _ruled(flights, days, values)
    if not ruled.any():
        return found
    own = _of_period(flights[READ][ruled].reset_index(drop=True), days, values[RULES][ruled].reset_index(drop=True))
    for whole, part in ((found.balance, own.balance), (found.daily, own.daily), (found.most, own.most), (found.back, own.back)):
        whole[ruled] = part
    return found


def _ruled(flights: pd.DataFrame, days: pd.DataFrame, values: pd.DataFrame) -> npt.NDArray[np.bool_]:
    """Where a platform's rule about daily budgets says something: nowhere as long as no daily budget is known."""
    if days["daily_budget_micros"].array.isna().all():
        return np.zeros(len(flights), dtype=bool)
    return np.asarray((values["allowance_period"].to_numpy(dtype=object) != "none") & ~flights["watermark"].array.isna())


def _of_period(flights: pd.DataFrame, days: pd.DataFrame, values: pd.DataFrame) -> _Lent:
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
    factor = values["allowance_day_factor"].to_numpy("float64")
    excess = np.asarray(np.bincount(flight, np.minimum(spent, budget * factor[flight]) - due, minlength=len(flights)), dtype=np.float64)
    newest = np.zeros(len(flights))
    order = np.lexsort((rows.day[inside], flight))
    newest[flight[order]] = budget[order]
    seen, today_seen = (np.bincount(flight[of], minlength=len(flights)) for of in (slice(None), rows.day[inside] == now[flight]))
    missing = now - start + 1 - seen - np.where(today_seen > 0, 0.0, 1.0 - part)  # days without a row took nothing
    excess -= newest * np.where(seen > 0, missing, 0.0)
    return _Lent(excess, newest, newest * factor, newest * (np.maximum(stop - now, 0) + (1.0 - part)))


def spent_out(flights: pd.DataFrame, days: pd.DataFrame, values: pd.DataFrame) -> npt.NDArray[np.bool_]:
    """Where the platform has spent all that it may of the period in which the day before the watermark lies, so that it waits for the next one."""
    found, ruled = np.zeros(len(flights), dtype=bool), _ruled(flights, days, values)
    if not ruled.any():
        return found
    mine, weekly = flights[READ][ruled].reset_index(drop=True), values["allowance_period"].eq("week").to_numpy()[ruled]
    first, last = _period(zones.local_days(mine["watermark"] - zones.ONE_DAY, mine["account_timezone"]), weekly)
    rows = _daily(mine, days)
    inside = (rows.day >= first[rows.flight]) & (rows.day <= last[rows.flight])
    flight, spent, budget = rows.flight[inside], rows.spent[inside], rows.budget[inside]
    n = np.bincount(flight, minlength=len(mine))
    usual = np.bincount(flight, budget, minlength=len(mine)) / np.maximum(n, 1)
    found[ruled] = (n > 0) & (np.bincount(flight, spent, minlength=len(mine)) >= NEARLY * usual * np.where(weekly, WEEK_TIMES, MONTH_TIMES))
    return found


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

