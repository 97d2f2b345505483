"""Has the level of a campaign's spend changed? Its last 24 hours against its own days before, in units of its own noise.

Sudden stops and jumps show within a day; what they are measured against is the campaign itself, never its siblings:

    level  = ln(R / m) - ln(B)      R: spend reported in the last 24 h of loads, m: weekday shape of those hours, B: usual day
    noise  = sqrt((sum of e^2 + n0 s0^2) / (n + n0))        e: each earlier day against the mean of the 7 before it
    z      = level / noise

B is whichever of two is nearer to R: the mean of the last 3 closed days (a level that drifts is no jump) and the median of the last 14 (one odd
day is no level). The weekday shape is the median residual of each weekday, shrunk by n / (n + 1), and used only where it makes the days'
differences at least 15 % smaller. Where the plan itself bends (a curve, a day that the calendar weighs), what it bends by is no change of
level, whether the campaign follows or not. R is a difference of two readings 24 h apart, so a feed's constant lag cancels; on daily feeds it is the
last closed day, or that difference where it is nearer to the usual day: a boundary of days that moved changes no level.

Measured on 125 healthy real series of 14 to 28 days: |z| >= 2.8 together with 30 % off the plan's day, twice running, is met by 14 % of
flights at some time, 0.05 times a campaign-week; a sustained doubling or halving meets it within 72 h in 70 to 85 % of cases.
Source: one-step residuals as in R. J. Hyndman, Forecasting: Principles and Practice, 5.3; shrinkage with prior weight n0.
"""

from dataclasses import dataclass
from itertools import chain

import numpy as np
import numpy.typing as npt
import pandas as pd

from pacing_brain import curves, reconcile, resting, within_day, zones
from pacing_brain.days import days as dates
from pacing_brain.days import number
from pacing_brain.earlier import earlier
from pacing_brain.model import RunContext
from pacing_brain.roster import positions

Flags = npt.NDArray[np.bool_]
Floats = npt.NDArray[np.float64]
Whole = npt.NDArray[np.int64]
Readings = list[list[int]]
Rows = tuple[Whole, Whole, Whole]

HISTORY = 28  # closed days looked at, in whole weeks
LEAST_DAYS = 8  # fewer say nothing about a level
PRIOR_DAYS, PRIOR_NOISE = 4.0, 0.2  # n0 and s0: what a campaign is taken for before it has shown its own noise
LEAST_NOISE = 0.08
SHAPE_GAIN = 0.85  # a weekday shape must bring the mean difference of neighbouring days below this share of what it was
DAY_MIN, TOLERANCE_MIN = 24 * 60, 120
WEEK_AGO = 6  # the newest closed day is two before the present one
KEPT_READINGS = 12  # 44 h of four-hourly runs: 36 h are looked back
SILENT_MIN, SILENT_SHARE, BUSY_SHARE = 8 * 60, 0.012, 0.10  # of a usual day: what counts as nothing, and as hours that do deliver
QUIET_MIN = 4 * 60  # the same, where many campaigns of an account agree; half the shares
COLUMNS = ["last24_micros", "usual_micros", "planned24_micros", "noise_pct", "own_noise_pct", "level_pct", "level_z", "off_plan_pct", "swing", "silent", "readings", "day_shape",
           "feed_daily"]


def measure(flights: pd.DataFrame, days: pd.DataFrame, accounts: pd.DataFrame, memory: pd.DataFrame, run: RunContext) -> pd.DataFrame:
    """COLUMNS on the flights' index; null where too little is known to say anything. Beside them, for `account_wide`: quiet (null where silence says
    nothing), from_usual (ln of the last 24 h over the median day) and caught_up (nothing came just before those 24 h).

    Args:
        flights: with the plan, match and reconcile columns.
        days: every spend row of their campaigns, those before the flight too.
        accounts: ACCOUNTS.
        memory: whose `readings` are earlier totals: lists of [minutes of the load, micros reported in the flight so far, those of its day, 100 x swing].
        run: `as_of`.
    """
    seen, daily, ahead = _loads(flights, accounts, run)
    sound, total = _totals(flights)
    minutes = seen.astype("datetime64[m]").astype(np.int64)
    fits = sound & (minutes >= flights["day_start"].to_numpy("datetime64[m]").astype(np.int64))
    readings, shapes = _remembered(flights, memory)
    read = _Read.of(readings, minutes, total, fits)
    last24, share, today = _last_day(flights, seen, daily, read.since(DAY_MIN))
    rows = _rows_of(flights, days)
    on_day = np.nan_to_num(_on_day(flights, rows, today), nan=-1.0).astype(np.int64)
    begun_at = minutes - np.round(share * DAY_MIN).astype(np.int64)
    swing, learned = within_day.swings(flights["platform"], today, begun_at, minutes - begun_at, np.where(fits & ~daily, on_day, -1),
                                      (np.where(read.at >= 0, read.at - begun_at[:, None], -1), read.of_day), shapes, read.fresh, ahead)
    readings = _with_this(readings, fits, minutes, total, on_day, np.round(swing * 100.0).astype(np.int64))
    closed = _closed_days(flights, rows, today - np.where(daily, 1, 2))
    shaped = (curves.words(flights) != "even") | ~flights["day_weights"].array.isna()
    if daily.any():
        of_last = np.where(fits & (on_day >= 0), on_day, np.nan)
        last24 = np.where(daily, np.where(shaped, of_last, _nearer_to_usual(of_last, last24, closed)), last24)
    frame = _levels(closed, last24, share, daily)
    usual = np.exp(frame["usual"])
    reached = flights["watermark"].to_numpy(zones.DAY)
    begins = reached - flights["day_start"].to_numpy(zones.DAY) < curves.ONE_DAY
    end = np.where(shaped | begins, reached, seen)  # what is reported reaches to there: where a plan bends or begins, hours matter
    planned, bent = _planned_day(flights, end, today, daily, shaped)
    rests = _of_rest(closed, daily)
    level, from_usual = (np.where(rests, np.nan, _nearer(frame[name], frame[name] - bent)) for name in ("level", "from_usual"))
    with np.errstate(divide="ignore", invalid="ignore"):
        off_plan = np.where(planned > 0, (last24 / planned - 1.0) * 100.0, np.nan)
    (nothing, says), (lately, says_lately) = (_silence(read, usual, last24, by) for by in (SILENT_MIN, QUIET_MIN))
    waits = flights["spent_out"].to_numpy(dtype=bool, na_value=False)
    hears = ~daily & ~_rests(closed) & ~rests & ~waits & ~_unplanned(flights, shaped & ~daily)
    return pd.DataFrame({
        "last24_micros": _whole(last24), "usual_micros": _whole(usual * frame["shape"]), "planned24_micros": _whole(planned),
        "noise_pct": np.expm1(frame["noise"]) * 100.0, "own_noise_pct": np.expm1(frame["own_noise"]) * 100.0, "level_pct": np.expm1(level) * 100.0, "level_z": level / frame["noise"],
        "off_plan_pct": off_plan, "swing": within_day.recent(minutes, read.at, read.swung / 100.0, swing), "silent": hears & says & nothing,
        "readings": pd.Series(readings, index=flights.index, dtype="object"), "day_shape": pd.Series(learned, index=flights.index, dtype="object"),
        "feed_daily": daily, "quiet": pd.arrays.BooleanArray(lately, ~(hears & says_lately)), "from_usual": from_usual, "caught_up": _after_silence(read, usual),
    }, index=flights.index)


@dataclass(frozen=True)
class _Read:
    """What was reported in each flight: at this load, and at earlier ones (a column each, oldest first; -1 where there is none)."""

    minutes: Whole
    total: Whole
    fresh: Flags  # whether this load was not read before
    at: Whole
    micros: Whole
    of_day: Whole
    swung: Whole  # 100 x swing

    @classmethod
    def of(cls, readings: list[Readings], minutes: Whole, total: Whole, fits: Flags) -> "_Read":
        counts = np.array([len(one) for one in readings], dtype=np.int64)
        table = np.full((len(readings), KEPT_READINGS, 4), -1, dtype=np.int64)
        table[np.arange(KEPT_READINGS) < counts[:, None]] = np.fromiter(chain.from_iterable(chain.from_iterable(readings)), dtype=np.int64).reshape(-1, 4)
        fresh = table[..., 0].max(axis=1) < minutes
        table[table[..., 0] >= minutes[:, None]] = -1
        at, *said = np.moveaxis(table, -1, 0)
        return cls(minutes, total, fresh, np.where(fits[:, None], at, -1), *said)

    def back(self, by: int) -> Floats:
        """The total as it was read `by` minutes before; NaN without a reading near then."""
        apart = np.where(self.at >= 0, np.abs(self.minutes[:, None] - by - self.at), np.iinfo(np.int64).max)
        nearest, rows = apart.argmin(axis=1), np.arange(len(apart))
        return np.where(apart[rows, nearest] <= TOLERANCE_MIN, self.micros[rows, nearest].astype(np.float64), np.nan)

    def since(self, by: int) -> Floats:
        """What came in the last minutes of loads."""
        return np.asarray(self.total - self.back(by))


def _loads(flights: pd.DataFrame, accounts: pd.DataFrame, run: RunContext) -> tuple[zones.Instants, Flags, Flags]:
    """Of each flight's account: the last load, this run where there is none; whether its feed is daily; whether it has spend of days that have not begun."""
    at, now = reconcile.account_positions(flights, accounts), zones.instant(run.as_of)
    loaded = np.append(accounts["loaded_at"].to_numpy(zones.DAY), now)[at]
    daily = np.append(accounts["grain"].to_numpy(dtype=object) == "daily", False)[at]
    ahead = np.append(~accounts["days_ahead_at"].array.isna(), False)[at]
    return np.where(loaded <= now, loaded, now), daily, ahead


def _totals(flights: pd.DataFrame) -> tuple[Flags, Whole]:
    """(whether the total has every day, micros reported in the flight so far)."""
    actual, after, twice, bad = (flights[name].to_numpy("int64", na_value=0)
                                 for name in ("actual_micros", "after_watermark_micros", "duplicate_days", "bad_days"))
    return ~flights["actual_micros"].array.isna() & (twice + bad == 0), actual + after


def _remembered(flights: pd.DataFrame, memory: pd.DataFrame) -> tuple[list[Readings], list[within_day.State | None]]:
    """Each flight's earlier readings and the shape of its days; none of a flight whose campaign or first day is not the one that was read."""
    before = earlier(flights, memory, "readings", "day_shape", "campaign_key", "start_date")
    key, then_key = (frame["campaign_key"].to_numpy(dtype=object, na_value="") for frame in (flights, before))
    same = (before["start_date"].to_numpy(zones.DAY) == flights["start_date"].to_numpy(zones.DAY)) & ((then_key == key) | (then_key == ""))
    same &= before["readings"].notna().to_numpy()
    return ([list(rows) if known else [] for rows, known in zip(before["readings"], same, strict=True)],
            [shape if known else None for shape, known in zip(before["day_shape"], same, strict=True)])


def _with_this(readings: list[Readings], sound: Flags, *this: Whole) -> list[Readings]:
    """Readings with this one, one per load; a load that says nothing new replaces its earlier reading."""
    found = []
    for before, keep, *now in zip(readings, sound.tolist(), *(part.tolist() for part in this), strict=True):
        found.append([*(one for one in before if one[0] < now[0]), now][-KEPT_READINGS:] if keep else before)
    return found


def _last_day(flights: pd.DataFrame, seen: zones.Instants, daily: Flags, spent: Floats) -> tuple[Floats, Floats, Whole]:
    """(spend of the last 24 h of loads, share of them that lies in the last day begun, number of that day; for daily feeds the last closed day)."""
    zone = zones.by_zone(flights["account_timezone"])
    local = zones.days_of(seen - np.timedelta64(1, "us"), zone)
    elapsed = (seen - zones.begins(local, zone)) / zones.SECOND / 86_400.0
    begun, closed = (np.where(np.isnat(day), -1, number(day)) for day in (local, flights["closed_day"].to_numpy(zones.DAY)))
    return spent, np.where(daily, 1.0, np.clip(np.nan_to_num(elapsed), 0.0, 1.0)), np.where(daily, closed, begun)


def _nearer_to_usual(day: Floats, since: Floats, closed: Floats) -> Floats:
    """Of a daily feed the last closed day, or what came in 24 h of loads where that is nearer to its usual day.

    A day boundary that moves (another time zone) takes from one day and gives to its neighbour; what comes in altogether stays.
    """
    usual = _median_of_last(closed, 14)
    apart = [np.abs(np.log(np.maximum(spent, 1000.0)) - usual) for spent in (day, since)]
    return np.where(apart[1] < apart[0], since, day)


def _rows_of(flights: pd.DataFrame, days: pd.DataFrame) -> Rows:
    """(flight's position, day number, micros) of every usable row of the flights' campaigns."""
    usable = days["bucket"].isin(["matched", "after_watermark", "outside_flight"]).to_numpy(dtype=bool)
    named = ~flights["campaign_key"].array.isna()
    keys = pd.Index(flights["campaign_key"].array[named])
    if keys.has_duplicates:  # several flights of one campaign: each sees all of its days
        pairs = days[["campaign_key", "day", "spend_micros"]][usable].merge(
            pd.DataFrame({"campaign_key": flights["campaign_key"], "at": np.arange(len(flights))}).dropna(), on="campaign_key")
        return pairs["at"].to_numpy("int64"), number(pairs["day"]), pairs["spend_micros"].fillna(0).to_numpy("int64")
    at = np.append(np.flatnonzero(named), -1)[positions(days["campaign_key"], keys)]
    mine = usable & (at >= 0)
    return at[mine], number(days["day"])[mine], days["spend_micros"].to_numpy("int64", na_value=0)[mine]


def _closed_days(flights: pd.DataFrame, rows: Rows, newest: Whole) -> Floats:
    """Ln of daily spend, HISTORY columns, the newest last; NaN on a day without spend."""
    flight, day, micros = rows
    column = HISTORY - 1 - (newest[flight] - day)
    inside = (column >= 0) & (column < HISTORY)
    table = np.zeros((len(flights), HISTORY))
    np.add.at(table, (flight[inside], column[inside]), micros[inside].astype(np.float64))
    return np.log(np.where(table > 0, table, np.nan))


def _on_day(flights: pd.DataFrame, rows: Rows, on: Whole) -> Floats:
    flight, day, micros = rows
    spent = np.zeros(len(flights))
    np.add.at(spent, flight[day == on[flight]], micros[day == on[flight]].astype(np.float64))
    return np.where(on >= number(flights["start_date"]), spent, np.nan)


def _levels(closed: Floats, last24: Floats, share: Floats, daily: Flags) -> dict[str, Floats]:
    """Usual (ln), shape (weekday factor of the 24 h), noise, what of it the campaign itself has shown, and level of each flight."""
    with np.errstate(all="ignore"):
        shape = _weekday_shape(closed)
        plain = closed - np.tile(shape, HISTORY // 7)
        steps = _steps(plain)
        squares, n = np.nansum(np.square(steps), axis=1), np.isfinite(steps).sum(axis=1)
        noise = np.sqrt((squares + PRIOR_DAYS * PRIOR_NOISE**2) / (n + PRIOR_DAYS))
        own_noise = np.sqrt(squares / n)
        last = np.where(daily, 0, 1)  # columns of the weekday shape: the newest closed day's weekday is the last one
        of_last, of_before = shape[np.arange(len(shape)), last], shape[np.arange(len(shape)), 0]
        factor = np.where(daily, np.exp(of_before), share * np.exp(of_last) + (1.0 - share) * np.exp(of_before))
        spent = np.log(np.maximum(last24, 1000.0) / factor)
        recent = np.log(_mean_of_last(plain, 3))
        usual = _median_of_last(plain, 14)
        level = _nearer(spent - recent, spent - usual)
        enough = np.isfinite(closed).sum(axis=1) >= LEAST_DAYS
        noise = np.maximum(noise, LEAST_NOISE)
    return {"usual": np.where(enough, usual, np.nan), "shape": factor, "noise": np.where(enough, noise, np.nan), "own_noise": np.where(enough, own_noise, np.nan),
            "level": np.where(enough, level, np.nan), "from_usual": np.where(enough, spent - usual, np.nan)}


def _nearer(one: Floats, other: Floats) -> Floats:
    """The smaller of two differences; 0 where they disagree on the side."""
    same = np.sign(one) == np.sign(other)
    return np.where(np.isnan(one) | np.isnan(other), np.nan, np.where(same, np.sign(one) * np.minimum(np.abs(one), np.abs(other)), 0.0))


def _weekday_shape(closed: Floats) -> Floats:
    """Ln factors by weekday, 7 columns: column k is the weekday of columns k, k + 7, ... of `closed`; zeros where it explains too little."""
    present = np.isfinite(closed)
    amounts = np.where(present, np.exp(closed), 0.0)
    wide, counts = (np.pad(values.astype(np.float64), ((0, 0), (3, 3))) for values in (amounts, present))
    size = closed.shape[1]
    mean = sum(wide[:, k:k + size] for k in range(7)) / np.maximum(sum(counts[:, k:k + size] for k in range(7)), 1.0)
    residual = np.clip(closed - np.log(mean), -0.7, 0.7).reshape(len(closed), -1, 7)
    seen = np.isfinite(residual).sum(axis=1)
    middle = _nanmedian(residual, axis=1)
    shape = np.where(seen > 1, np.nan_to_num(middle) * seen / (seen + 1.0), 0.0)
    before, after = (_mean_step(values) for values in (closed, closed - np.tile(shape, size // 7)))
    return np.asarray(np.where((after <= SHAPE_GAIN * before)[:, None], shape, 0.0))


def _mean_step(values: Floats) -> Floats:
    steps = np.abs(np.diff(values, axis=1))
    return np.asarray(np.nansum(steps, axis=1) / np.maximum(np.isfinite(steps).sum(axis=1), 1))


def _steps(values: Floats) -> Floats:
    """Each day against the mean of the up to 7 before it (3 at least), within -1 and 1."""
    present = np.isfinite(values)
    amounts = np.concatenate([np.zeros((len(values), 1)), np.cumsum(np.where(present, np.exp(values), 0.0), axis=1)], axis=1)
    counts = np.concatenate([np.zeros((len(values), 1)), np.cumsum(present, axis=1)], axis=1)
    steps = np.full(values.shape, np.nan)
    for k in range(3, values.shape[1]):
        low = max(k - 7, 0)
        n = counts[:, k] - counts[:, low]
        steps[:, k] = np.where(n >= 3, values[:, k] - np.log((amounts[:, k] - amounts[:, low]) / np.maximum(n, 1)), np.nan)
    return np.asarray(np.clip(steps, -1.0, 1.0))


def _mean_of_last(values: Floats, n: int) -> Floats:
    """Mean amount of the newest n columns that are there."""
    part = np.exp(values[:, -n:])
    return np.asarray(np.nansum(part, axis=1) / np.isfinite(part).sum(axis=1))


def _median_of_last(values: Floats, n: int) -> Floats:
    return _nanmedian(values[:, -n:], axis=1)


def _nanmedian(values: Floats, axis: int) -> Floats:
    """Median of what is there, NaN of nothing, without a warning."""
    ordered = np.sort(values, axis=axis)  # NaN last
    n = np.isfinite(values).sum(axis=axis, keepdims=True)
    low, high = (np.take_along_axis(ordered, np.maximum(at, 0), axis=axis) for at in ((n - 1) // 2, n // 2))
    return np.where(n > 0, (low + np.where(n > 0, np.where(np.isfinite(high), high, low), np.nan)) / 2.0, np.nan).squeeze(axis)


def _planned_day(flights: pd.DataFrame, end: zones.Instants, today: Whole, daily: Flags, shaped: Flags) -> tuple[Floats, Floats]:
    """(what the curve plans for the 24 h to `end`, of a daily feed for that day; ln of that over a day of the three before: 0 of an even plan)."""
    plans = curves.Plans.of(flights)
    if daily.any():
        end = np.where(daily, zones.begins(dates(np.maximum(today + 1, plans.first)).to_numpy(zones.DAY), plans.zone), end)
    (before, known), (planned, _) = (plans.micros(at) for at in (end - curves.ONE_DAY, end))
    of_day, bent = np.where(known, planned - before, np.nan), np.zeros(len(flights))
    if shaped.any():
        earlier_on, _ = curves.Plans.of(flights, shaped).micros(end[shaped] - 4 * curves.ONE_DAY)
        with np.errstate(divide="ignore", invalid="ignore"):
            bent[shaped] = np.nan_to_num(np.log(of_day[shaped] / ((before[shaped] - earlier_on) / 3.0)), nan=0.0, posinf=0.0, neginf=0.0)
    return of_day, bent


def _silence(read: _Read, usual: Floats, last24: Floats, by: int) -> tuple[Flags, Flags]:
    """(nothing in the last minutes of loads; whether that says something).

    It does where the same hours of the day before did deliver, for a campaign that sleeps at night is not silent, and once a whole day is gone.
    """
    with np.errstate(invalid="ignore"):
        nothing = read.since(by) < SILENT_SHARE * by / SILENT_MIN * usual
        delivered = read.back(DAY_MIN) - read.back(DAY_MIN + by) >= BUSY_SHARE * by / SILENT_MIN * usual
        return nothing, delivered | (last24 < SILENT_SHARE * usual)


def _unplanned(flights: pd.DataFrame, shaped: Flags) -> Flags:
    """Where the plan bends and wants next to nothing of the last hours: a gap, a budget that is reached."""
    idle = np.zeros(len(flights), dtype=bool)
    if shaped.any():
        plans, reached = curves.Plans.of(flights, shaped), flights["watermark"].to_numpy(zones.DAY)[shaped]
        (wanted, known), (before, _) = (plans.micros(at) for at in (reached, reached - np.timedelta64(SILENT_MIN, "m")))
        idle[shaped] = ~known | (wanted - before < BUSY_SHARE * plans.budget.astype("float64") / (plans.last - plans.first + 1))
    return idle


def _after_silence(read: _Read, usual: Floats) -> Flags:
    """Whether nothing came in the hours before the last 24 h began: what came since may be of more than a day."""
    with np.errstate(invalid="ignore"):
        return np.asarray(read.back(DAY_MIN) - read.back(DAY_MIN + QUIET_MIN) < SILENT_SHARE * QUIET_MIN / SILENT_MIN * usual)


def _of_rest(closed: Floats, daily: Flags) -> Flags:
    """Whether a part of the last 24 h lies in a day of rest: on hourly feeds yesterday's or today's, on daily ones the last closed day's."""
    rests = resting.weekdays(np.isfinite(closed))
    return np.asarray(rests[:, 0] | (rests[:, 1] & ~daily))


def _rests(closed: Floats) -> Flags:
    """Nothing was spent on this weekday a week ago, of a campaign that had begun: one that rests on Saturdays is not silent on the next."""
    return np.asarray(np.isnan(closed[:, -WEEK_AGO]) & np.isfinite(closed[:, :-WEEK_AGO]).any(axis=1))


def _whole(values: Floats) -> pd.arrays.IntegerArray:
    finite = np.isfinite(values)
    return pd.arrays.IntegerArray(np.round(np.where(finite, values, 0.0)).astype(np.int64), ~finite)
