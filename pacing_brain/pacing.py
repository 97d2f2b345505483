"""The pacing verdict: planned against spent to the watermark, in bands, with what tempers them.

    severity = raw band                                     |actual - target| in percent of target, compared in integers (bands.py)
               held up by hysteresis                        a raised severity ends only well below its edge, on the same side
               healthy in early hours and below stake       too little time or money to say anything
               critical at zero delivery                    whatever else

Own rows and own memory only, vectorised; sentences are written in `verdicts.py`. Source: DESIGN.md, Definitions.
"""

import numpy as np
import pandas as pd

from pacing_brain import bands, curves, verdicts, zero, zones
from pacing_brain.frames import NO_CURRENCY
from pacing_brain.earlier import earlier
from pacing_brain.model import MatchKind, RunContext

RANKS = {"healthy": 0, "warning": 1, "critical": 2}
WORDS = np.array(list(RANKS))


def judge(flights: pd.DataFrame, values: pd.DataFrame, memory: pd.DataFrame, run: RunContext) -> pd.DataFrame:
    """The flights with the `variance` columns of FLIGHT_COLUMNS, and `reasons` begun.

    Args:
        flights: with the plan, match and reconcile columns.
        values: `Policy.resolve(flights)`, same index.
        memory: what the last sealed live run left, by flight_id.
        run: `as_of` tells the phase.
    """
    judged = flights.assign(target_micros=curves.planned_micros(flights, flights["watermark"]))
    judged = judged.assign(phase=_phase(judged, values, run), elapsed_hours=zones.hours_covered(judged), **zero.find(judged, values, run))
    known = comparable(judged)
    judged = judged.assign(**_variance(judged, known))
    judged = judged.assign(band_severity=_raw_band(judged, values, known), stake_micros=_stake(judged, values))
    severity, ground = _severity(judged, values, memory, known)
    judged = judged.assign(severity=severity)
    return judged.assign(reasons=verdicts.reasons(judged, values, ground))


def comparable(flights: pd.DataFrame) -> pd.Series:
    """Where spend and plan are both known, in one currency, and it is certain enough that they belong together."""
    known = flights["actual_micros"].notna() & flights["target_micros"].notna()
    met = ~flights["match_kind"].isin([MatchKind.AMBIGUOUS.value, MatchKind.NONE.value]) | flights["zero_kind"].ne("")
    alike = flights["feed_currencies"].fillna("").isin(["", NO_CURRENCY]) | flights["feed_currencies"].eq(flights["currency"])
    once = flights["overlaps"].fillna("").eq("")  # of days that are planned twice no line has the spend
    return (known & met & alike & once).astype("bool")


def _phase(flights: pd.DataFrame, values: pd.DataFrame, run: RunContext) -> pd.Series:
    """The phase: before | early | live | ended | closed. Start and end are the clock's, early hours are the watermark's."""
    as_of = pd.Timestamp(run.as_of)
    final = flights["day_end"] + pd.to_timedelta(values["ended_final_after_hours"].astype("float64"), unit="h")
    words = np.select([flights["day_start"].gt(as_of), final.le(as_of), flights["day_end"].le(as_of), _is_early(flights, values)],
                      ["before", "closed", "ended", "early"], "live")
    return pd.Series(words, index=flights.index, dtype="str")


def _is_early(flights: pd.DataFrame, values: pd.DataFrame) -> np.ndarray:
    """Before `early.hours` and `early.closed_days` have both passed; never once the load covers the whole flight."""
    closed_days = (flights["closed_day"] - flights["start_date"]).dt.days.fillna(-1) + 1
    short = zones.hours_covered(flights).lt(values["early_hours"].astype("float64")) | closed_days.lt(values["early_closed_days"].astype("int64"))
    open_ = flights["watermark"].lt(flights["day_end"])
    return np.asarray(short & open_ & ~to_the_letter(values), dtype=bool)


def to_the_letter(values: pd.DataFrame) -> pd.Series:
    """`preset = "specification"` turns early hours, stake, hysteresis and the evidence off."""
    return values["actions_preset"].eq("specification").astype("bool")


def _variance(flights: pd.DataFrame, known: pd.Series) -> dict[str, pd.Series]:
    """variance_pct, pacing_pct, direction and unexplained_pct. A target of zero has no percent, an asap flight no under-target."""
    actual, target = flights["actual_micros"].astype("Int64"), flights["target_micros"]
    off = (actual - target).fillna(0)
    off = off.where(known & ~(flights["curve"].eq("asap") & off.lt(0)), 0)
    direction = np.select([off.gt(0), off.lt(0)], ["over", "under"], "none")
    has_pct = known & target.gt(0).fillna(value=False) & ~(flights["curve"].eq("asap") & actual.lt(target).fillna(value=False))
    signed = (off.astype("float64") / target.astype("float64") * 100.0).where(has_pct.astype("bool"))
    pacing = (actual.astype("float64") / target.astype("float64") * 100.0).where(has_pct.astype("bool"))
    return {"variance_pct": signed.abs(), "pacing_pct": pacing, "direction": pd.Series(direction, index=flights.index, dtype="str"),
            "unexplained_pct": signed}


def _raw_band(flights: pd.DataFrame, values: pd.DataFrame, known: pd.Series) -> pd.Series:
    band = bands.severity(flights["actual_micros"], flights["target_micros"], values)
    return band.mask(flights["curve"].eq("asap") & flights["direction"].eq("none"), "healthy").where(known)


def _stake(flights: pd.DataFrame, values: pd.DataFrame) -> pd.Series:
    return bands.least_at_stake(flights["budget_micros"], values).mask(to_the_letter(values), 0)


def _severity(flights: pd.DataFrame, values: pd.DataFrame, memory: pd.DataFrame, known: pd.Series) -> tuple[pd.Series, np.ndarray]:
    """The severity of each flight, and the ground that decided it: a word that `verdicts` writes out."""
    raw = flights["band_severity"].map(RANKS).fillna(0).to_numpy("int64")
    held = _held(flights, values, memory)
    off = bands.off_micros(flights["actual_micros"], flights["target_micros"]).fillna(0)
    early = _is_early(flights, values) & ~_far_over_the_day(flights, values, known)
    not_yet = flights["match_kind"].eq(MatchKind.NONE.value) & flights["elapsed_hours"].lt(values["zero_planned_hours"].astype("float64"))
    unspent = ~(known & flights["actual_micros"].gt(0).fillna(value=False)).astype("bool")
    rules: list[tuple[str, object, object]] = [
        ("closed", flights["phase"].eq("closed"), 0),
        ("before", flights["phase"].eq("before") & unspent, 0),
        ("zero", flights["zero_delivery"], 2),
        ("not_yet", not_yet, 0),
        ("unknown", ~known, 1),
        ("asap", flights["curve"].eq("asap") & flights["direction"].eq("none"), 0),
        ("early", early, 0),
        ("stake", (raw > 0) & off.lt(flights["stake_micros"]), 0),
        ("held", held > raw, held),
    ]
    conditions = [np.asarray(where, dtype=bool) for _, where, _ in rules]
    ranks = np.select(conditions, [np.broadcast_to(np.asarray(rank), len(flights)) for _, _, rank in rules], raw)
    ground = np.select(conditions, [name for name, _, _ in rules], "band")
    return pd.Series(WORDS[ranks], index=flights.index, dtype="str"), ground


def _held(flights: pd.DataFrame, values: pd.DataFrame, memory: pd.DataFrame) -> np.ndarray:
    """The rank at which memory holds a flight: a raised severity ends below `hysteresis_pct` percent of its edge, same side only."""
    before = earlier(flights, memory, "severity", "side")
    was = before["severity"].map(RANKS).fillna(0).to_numpy("int64")
    same_side = (before["side"] == flights["direction"]).to_numpy(dtype=bool)
    lowered = bands.severity(flights["actual_micros"], flights["target_micros"], values, values["variance_hysteresis_pct"])
    still = np.minimum(lowered.map(RANKS).fillna(0).to_numpy("int64"), was)
    return np.where(same_side & flights["direction"].ne("none") & ~to_the_letter(values), still, 0)


def _far_over_the_day(flights: pd.DataFrame, values: pd.DataFrame, known: pd.Series) -> np.ndarray:
    """Early, yet more than `early.day_factor` times what the days begun by the watermark are planned to take in full."""
    looked_at = np.asarray(known & _is_early(flights, values), dtype=bool)
    rows = flights[[*curves.COLUMNS, "actual_micros"]][looked_at]
    begun = zones.local_days(rows["watermark"] - pd.Timedelta(microseconds=1), rows["account_timezone"])  # midnight: of the day that ends
    plan = curves.planned_micros(rows, zones.midnights(begun + curves.ONE_DAY, rows["account_timezone"])).fillna(0)
    factor, per = curves.fractions(values.loc[looked_at, "early_day_factor"])
    far = np.zeros(len(flights), dtype=bool)
    far[looked_at] = rows["actual_micros"].to_numpy("int64").astype(object) * per > plan.to_numpy("int64").astype(object) * factor
    return far
