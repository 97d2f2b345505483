"""The pacing verdict: planned against spent to the watermark, in bands, with what tempers them.

    severity = raw band                                     |actual - target| in percent of target, compared in integers (bands.py)
               held up by hysteresis                        a raised severity ends only well below its edge, on the same side
               healthy in early hours and below stake       too little time or money to say anything
               critical at zero delivery                    whatever else

Own rows and own memory only, vectorised; sentences are written in `verdicts.py`. Source: DESIGN.md, Definitions.
"""

from dataclasses import dataclass
from typing import Any, Self

import numpy as np
import numpy.typing as npt
import pandas as pd

from pacing_brain import bands, curves, verdicts, zero, zones
from pacing_brain.bands import CRITICAL, HEALTHY, WARNING, WORDS, Flags, Micros, ranks
from pacing_brain.days import number
from pacing_brain.earlier import earlier
from pacing_brain.frames import NO_CURRENCY
from pacing_brain.model import MatchKind, RunContext

Floats = npt.NDArray[np.float64]
Words = npt.NDArray[Any]
Ranks = npt.NDArray[np.int64]


@dataclass(frozen=True)
class _Pace:
    """Planned against spent of each flight, and what tempers it. `actual` and `target` are 0 where they cannot be compared."""

    known: Flags
    actual: Micros
    target: Micros
    asap: Flags
    direction: Words  # an asap flight has no under-target
    hours: Floats
    early: Flags
    phase: Words
    stake: Micros

    @classmethod
    def of(cls, flights: pd.DataFrame, values: pd.DataFrame, run: RunContext) -> Self:
        known, asap, hours = comparable(flights), curves.words(flights) == "asap", flights["elapsed_hours"].to_numpy("float64")
        actual, target = (np.where(known, flights[name].to_numpy("int64", na_value=0), 0) for name in ("actual_micros", "target_micros"))
        early = _is_early(flights, values, hours)
        return cls(known, actual, target, asap,
                   np.select([actual > target, (actual < target) & ~asap], ["over", "under"], "none").astype(object),
                   hours, early, _phase(flights, values, run, early), _stake(flights, values))

    def in_percent(self, micros: Micros) -> Floats:
        """Of the target; a target of zero has no percent."""
        has = self.known & (self.target > 0) & ~(self.asap & (self.actual < self.target))
        return np.where(has, micros.astype("float64") / np.where(has, self.target, 1).astype("float64") * 100.0, np.nan)


def judge(flights: pd.DataFrame, values: pd.DataFrame, memory: pd.DataFrame, run: RunContext) -> pd.DataFrame:
    """The flights with the `variance` columns of FLIGHT_COLUMNS, and `reasons` begun.

    Args:
        flights: with the plan, match and reconcile columns and those of `zero.find`.
        values: `Policy.resolve(flights)`, same index.
        memory: what the last sealed live run left, by flight_id.
        run: `as_of` tells the phase.
    """
    pace = _Pace.of(flights, values, run)
    raw = np.where(pace.asap & (pace.direction == "none"), HEALTHY, bands.rank(pace.actual, pace.target, values))
    rank, ground = _severity(flights, values, memory, pace, raw)
    off, band = pace.in_percent(pace.actual - pace.target), WORDS[raw]
    band[~pace.known] = None
    judged = flights.assign(
        phase=pd.array(pace.phase, dtype="str"), stake_micros=pace.stake,
        variance_pct=np.abs(off), pacing_pct=pace.in_percent(pace.actual), unexplained_pct=off, direction=pd.array(pace.direction, dtype="str"),
        band_severity=pd.array(band, dtype="str"), severity=pd.array(WORDS[rank], dtype="str"))
    judged["reasons"] = verdicts.reasons(judged, values, ground)
    return judged


def comparable(flights: pd.DataFrame) -> Flags:
    """Where spend and plan are both known, in one currency, and it is certain enough that they belong together."""
    known = ~(flights["actual_micros"].array.isna() | flights["target_micros"].array.isna())
    kind, zero_kind, currency = (flights[name].to_numpy(dtype=object) for name in ("match_kind", "zero_kind", "currency"))
    feed, overlaps = (flights[name].to_numpy(dtype=object, na_value="") for name in ("feed_currencies", "overlaps"))
    met = ((kind != MatchKind.AMBIGUOUS.value) & (kind != MatchKind.NONE.value)) | (zero_kind != "")
    alike = (feed == "") | (feed == NO_CURRENCY) | (feed == currency)
    return np.asarray(known & met & alike & (overlaps == ""))  # of days that are planned twice no line has the spend


def _phase(flights: pd.DataFrame, values: pd.DataFrame, run: RunContext, early: Flags) -> Words:
    """The phase: before | early | live | ended | closed. Start and end are the clock's, early hours are the watermark's."""
    now, start, end = zones.instant(run.as_of), flights["day_start"].to_numpy(zones.DAY), flights["day_end"].to_numpy(zones.DAY)
    return np.select([start > now, zero.final(flights, values, run), end <= now, early], ["before", "closed", "ended", "early"], "live").astype(object)


def _is_early(flights: pd.DataFrame, values: pd.DataFrame, hours: Floats) -> Flags:
    """Before `early.hours` and `early.closed_days` have both passed; never once the load covers the whole flight."""
    closed, start, reached, end = (flights[name].to_numpy(zones.DAY) for name in ("closed_day", "start_date", "watermark", "day_end"))
    closed_days = np.where(np.isnat(closed), 0, number(closed) - number(start) + 1)
    short = (hours < values["early_hours"].to_numpy("float64")) | (closed_days < values["early_closed_days"].to_numpy("int64"))
    return np.asarray(short & (reached < end) & ~to_the_letter(values), dtype=bool)


def to_the_letter(values: pd.DataFrame) -> Flags:
    """`preset = "specification"` turns early hours, stake, hysteresis and the evidence off."""
    return np.asarray(values["actions_preset"].to_numpy(dtype=object) == "specification", dtype=bool)


def _stake(flights: pd.DataFrame, values: pd.DataFrame) -> Micros:
    return np.where(to_the_letter(values), 0, bands.least_at_stake(flights["budget_micros"].to_numpy("int64"), values))


def _severity(flights: pd.DataFrame, values: pd.DataFrame, memory: pd.DataFrame, pace: _Pace, raw: Ranks) -> tuple[Ranks, Words]:
    """The severity of each flight, and the ground that decided it: a word that `verdicts` writes out."""
    held, kind = _held(flights, values, memory, pace), flights["match_kind"].to_numpy(dtype=object)
    rules: list[tuple[str, Flags, int | Ranks]] = [
        ("closed", pace.phase == "closed", HEALTHY),
        ("before", (pace.phase == "before") & (pace.actual <= 0), HEALTHY),
        ("zero", flights["zero_delivery"].to_numpy(dtype=bool), CRITICAL),
        ("not_yet", (kind == MatchKind.NONE.value) & (pace.hours < values["zero_planned_hours"].to_numpy("float64")), HEALTHY),
        ("unknown", ~pace.known, WARNING),
        ("asap", pace.asap & (pace.direction == "none"), HEALTHY),
        ("early", pace.early & ~_far_over_the_day(flights, values, pace), HEALTHY),
        ("stake", (raw > HEALTHY) & (np.abs(pace.actual - pace.target) < pace.stake), HEALTHY),
        ("held", held > raw, held),
    ]
    conditions = [where for _, where, _ in rules]
    return np.select(conditions, [rank for _, _, rank in rules], raw), np.select(conditions, [name for name, _, _ in rules], "band")


def _held(flights: pd.DataFrame, values: pd.DataFrame, memory: pd.DataFrame, pace: _Pace) -> Ranks:
    """The rank at which memory holds a flight: a raised severity ends below `hysteresis_pct` percent of its edge, same side only."""
    before = earlier(flights, memory, "severity", "side")
    lowered = bands.rank(pace.actual, pace.target, values, values["variance_hysteresis_pct"])
    same_side = (before["side"].to_numpy(dtype=object) == pace.direction) & (pace.direction != "none")
    return np.where(same_side & ~to_the_letter(values), np.minimum(lowered, ranks(before["severity"])), HEALTHY)


def _far_over_the_day(flights: pd.DataFrame, values: pd.DataFrame, pace: _Pace) -> Flags:
    """Early, yet more than `early.day_factor` times what the days begun by the watermark are planned to take in full."""
    looked_at = pace.known & pace.early
    far = np.zeros(len(flights), dtype=bool)
    if looked_at.any():
        plans, reached = curves.Plans.of(flights, looked_at), flights["watermark"].to_numpy(zones.DAY)[looked_at]
        begun = zones.days_of(reached - np.timedelta64(1, "us"), plans.zone)  # midnight: of the day that ends
        planned, _ = plans.micros(zones.begins(begun + curves.ONE_DAY, plans.zone))
        factor, per = curves.fractions(values["early_day_factor"].to_numpy("float64")[looked_at])
        far[looked_at] = pace.actual[looked_at].astype(object) * per > planned.astype(object) * factor
    return far
