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
from pacing_brain.bands import WORDS, ranks
from pacing_brain.days import number
from pacing_brain.earlier import earlier
from pacing_brain.frames import NO_CURRENCY
from pacing_brain.model import MatchKind, RunContext

def judge(flights: pd.DataFrame, values: pd.DataFrame, memory: pd.DataFrame, run: RunContext) -> pd.DataFrame:
    """The flights with the `variance` columns of FLIGHT_COLUMNS, and `reasons` begun.

    Args:
        flights: with the plan, match and reconcile columns; those of `zero.find` are taken as they are where they are there.
        values: `Policy.resolve(flights)`, same index.
        memory: what the last sealed live run left, by flight_id.
        run: `as_of` tells the phase.
    """
    early = _is_early(flights, values)
    zeros = {} if "zero_kind" in flights else zero.find(flights, values, run)  # the context rows were made of them
    judged = flights.assign(target_micros=curves.planned_micros(flights, flights["watermark"]), phase=_phase(flights, values, run, early),
                            elapsed_hours=zones.hours_covered(flights), stake_micros=_stake(flights, values), **zeros)
    known = comparable(judged)
    judged = judged.assign(**_variance(judged, known.to_numpy()))
    judged["band_severity"] = _raw_band(judged, values, known)
    judged["severity"], ground = _severity(judged, values, memory, known.to_numpy(), early)
    judged["reasons"] = verdicts.reasons(judged, values, ground)
    return judged


def comparable(flights: pd.DataFrame) -> pd.Series:
    """Where spend and plan are both known, in one currency, and it is certain enough that they belong together."""
    known = (flights["actual_micros"].notna() & flights["target_micros"].notna()).to_numpy(dtype=bool)
    kind, zero_kind, currency = _texts(flights, "match_kind", "zero_kind", "currency")
    feed, overlaps = (flights[name].fillna("").to_numpy(dtype=object) for name in ("feed_currencies", "overlaps"))
    met = ((kind != MatchKind.AMBIGUOUS.value) & (kind != MatchKind.NONE.value)) | (zero_kind != "")
    alike = (feed == "") | (feed == NO_CURRENCY) | (feed == currency)
    return pd.Series(known & met & alike & (overlaps == ""), index=flights.index, dtype=bool)  # of days that are planned twice no line has the spend


def _texts(flights: pd.DataFrame, *names: str) -> list[np.ndarray]:
    return [flights[name].to_numpy(dtype=object) for name in names]


def _phase(flights: pd.DataFrame, values: pd.DataFrame, run: RunContext, early: np.ndarray) -> pd.Series:
    """The phase: before | early | live | ended | closed. Start and end are the clock's, early hours are the watermark's."""
    as_of = pd.Timestamp(run.as_of)
    words = np.select([flights["day_start"].gt(as_of), zero.final(flights, values, run), flights["day_end"].le(as_of), early],
                      ["before", "closed", "ended", "early"], "live")
    return pd.Series(words, index=flights.index, dtype="str")


def _is_early(flights: pd.DataFrame, values: pd.DataFrame) -> np.ndarray:
    """Before `early.hours` and `early.closed_days` have both passed; never once the load covers the whole flight."""
    closed_days = np.where(flights["closed_day"].isna(), 0, number(flights["closed_day"]) - number(flights["start_date"]) + 1)
    short = (zones.hours_covered(flights).to_numpy() < values["early_hours"].to_numpy("float64")) | (closed_days < values["early_closed_days"].to_numpy("int64"))
    open_ = flights["watermark"].to_numpy(zones.DAY) < flights["day_end"].to_numpy(zones.DAY)
    return np.asarray(short & open_ & ~to_the_letter(values), dtype=bool)


def to_the_letter(values: pd.DataFrame) -> np.ndarray:
    """`preset = "specification"` turns early hours, stake, hysteresis and the evidence off."""
    return np.asarray(values["actions_preset"].to_numpy(dtype=object) == "specification", dtype=bool)


def _variance(flights: pd.DataFrame, known: np.ndarray) -> dict[str, pd.Series | np.ndarray]:
    """variance_pct, pacing_pct, direction and unexplained_pct. A target of zero has no percent, an asap flight no under-target."""
    actual, target = (flights[name].to_numpy("int64", na_value=0) for name in ("actual_micros", "target_micros"))
    asap = curves.words(flights) == "asap"
    off = np.where(known & ~(asap & (actual < target)), actual - target, 0)
    has_pct = known & (target > 0) & ~(asap & (actual < target))
    divisor = np.where(has_pct, target, 1).astype("float64")
    signed, pacing = (np.where(has_pct, micros.astype("float64") / divisor * 100.0, np.nan) for micros in (off, actual))
    return {"variance_pct": np.abs(signed), "pacing_pct": pacing, "unexplained_pct": signed,
            "direction": pd.Series(np.select([off > 0, off < 0], ["over", "under"], "none"), index=flights.index, dtype="str")}


def _raw_band(flights: pd.DataFrame, values: pd.DataFrame, known: pd.Series) -> pd.Series:
    band = bands.severity(flights["actual_micros"], flights["target_micros"], values)
    return band.mask(flights["curve"].eq("asap") & flights["direction"].eq("none"), "healthy").where(known)


def _stake(flights: pd.DataFrame, values: pd.DataFrame) -> pd.Series:
    return bands.least_at_stake(flights["budget_micros"], values).mask(to_the_letter(values), 0)


def _severity(flights: pd.DataFrame, values: pd.DataFrame, memory: pd.DataFrame, known: np.ndarray, early: np.ndarray) -> tuple[pd.Series, np.ndarray]:
    """The severity of each flight, and the ground that decided it: a word that `verdicts` writes out."""
    raw, held = ranks(flights["band_severity"]), _held(flights, values, memory)
    off = bands.off_micros(flights["actual_micros"], flights["target_micros"])
    phase, kind, direction = _texts(flights, "phase", "match_kind", "direction")
    too_soon = flights["elapsed_hours"].to_numpy("float64") < values["zero_planned_hours"].to_numpy("float64")
    unspent = ~(known & (flights["actual_micros"].to_numpy("int64", na_value=0) > 0))
    rules: list[tuple[str, object, object]] = [
        ("closed", phase == "closed", 0),
        ("before", (phase == "before") & unspent, 0),
        ("zero", flights["zero_delivery"], 2),
        ("not_yet", (kind == MatchKind.NONE.value) & too_soon, 0),
        ("unknown", ~known, 1),
        ("asap", (curves.words(flights) == "asap") & (direction == "none"), 0),
        ("early", early & ~_far_over_the_day(flights, values, known & early), 0),
        ("stake", (raw > 0) & (off < flights["stake_micros"].to_numpy("int64")), 0),
        ("held", held > raw, held),
    ]
    conditions = [np.asarray(where, dtype=bool) for _, where, _ in rules]
    rank = np.select(conditions, [np.broadcast_to(np.asarray(one), len(flights)) for _, _, one in rules], raw)
    ground = np.select(conditions, [name for name, _, _ in rules], "band")
    return pd.Series(WORDS[rank], index=flights.index, dtype="str"), ground


def _held(flights: pd.DataFrame, values: pd.DataFrame, memory: pd.DataFrame) -> np.ndarray:
    """The rank at which memory holds a flight: a raised severity ends below `hysteresis_pct` percent of its edge, same side only."""
    before = earlier(flights, memory, "severity", "side")
    (side,), (direction,) = _texts(before, "side"), _texts(flights, "direction")
    lowered = bands.rank(flights["actual_micros"], flights["target_micros"], values, values["variance_hysteresis_pct"])
    still = np.minimum(lowered, ranks(before["severity"]))
    return np.where((side == direction) & (direction != "none") & ~to_the_letter(values), still, 0)


def _far_over_the_day(flights: pd.DataFrame, values: pd.DataFrame, looked_at: np.ndarray) -> np.ndarray:
    """Early, yet more than `early.day_factor` times what the days begun by the watermark are planned to take in full."""
    far = np.zeros(len(flights), dtype=bool)
    if not looked_at.any():
        return far
    rows = flights[[*curves.COLUMNS, "actual_micros"]][looked_at]
    begun = zones.local_days(rows["watermark"] - pd.Timedelta(microseconds=1), rows["account_timezone"])  # midnight: of the day that ends
    plan = curves.planned_micros(rows, zones.midnights(begun + curves.ONE_DAY, rows["account_timezone"])).fillna(0)
    factor, per = curves.fractions(values.loc[looked_at, "early_day_factor"])
    far[looked_at] = rows["actual_micros"].to_numpy("int64").astype(object) * per > plan.to_numpy("int64").astype(object) * factor
    return far
