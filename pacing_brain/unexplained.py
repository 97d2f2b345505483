"""`bands = "evidence"`: the variance is explained first, and what is left meets the bands; sudden changes are found by the level test.

    variance  = actual - target
              = target_change + lag + platform_allowance + weekday + noise + residual          to the micro

    target_change   what the last edit of the budget moved the target by, taken the other way
    platform_allowance  what the platform may legally be over plan (`allowance`)
    weekday         what its own weekdays put on an even plan to date, as far as the variance lies on that side
    noise           the rest, up to spread_factor * its own noise / sqrt(n) of the target, n days in: it narrows through the flight
    residual        what remains, and alone meets the bands (in at the band, out at 80 % of it)

A jump or a drop is critical before it has moved the variance: see `levels`. It is held until it is below 80 % of its own edges. Spend that falls
silent is zero delivery. Lag is 0: the target to a watermark has none by definition.

Where it will land has a say in both: what will most likely land all the same is a warning at most, and what will not land is a warning even on
its line (`forecast`). A campaign with too few days of its own has no evidence: nothing of its variance is explained, and it meets the fixed bands;
so does every flight under `preset = "specification"`.
"""

from dataclasses import dataclass
from typing import Any

import numpy as np
import numpy.typing as npt
import pandas as pd
from pandas.api.extensions import ExtensionArray

from pacing_brain import bands, pacing, plan_edits
from pacing_brain.curves import words
from pacing_brain.earlier import earlier
from pacing_brain.levels import LEAST_DAYS
from pacing_brain.money import money
from pacing_brain.records import Row, records
from pacing_brain.zones import DAY, SECOND

Flags = npt.NDArray[np.bool_]
Floats = npt.NDArray[np.float64]
Ranks = npt.NDArray[np.int64]
HELD = 0.8  # a raised level ends below this share of its edges
LIKELY = 0.5  # a chance below this of not landing is worth a word
MOST_MICROS = 1e18  # sums of a few such amounts still fit 64 bits
BARE = f"Fewer than {LEAST_DAYS} days of its own are known, so nothing of the variance is explained and all of it meets the bands."
PARTS = ("target_change", "lag", "platform_allowance", "weekday", "noise", "residual")


def explain(flights: pd.DataFrame, values: pd.DataFrame, memory: pd.DataFrame, known: Flags, quiet: Flags) -> pd.DataFrame:
    """The judged flights with bridge, unexplained_pct, level_windows and the severity that the evidence bears; `reasons` say so.

    known: where spend and plan can be compared. quiet: where a flight's whole account has gone silent.
    """
    letter, edits = pacing.to_the_letter(values), plan_edits.edited(flights, values)
    before = earlier(flights, memory, "level_windows", "side", "severity")
    parts = bridge(flights, values, known, edits)
    residual, last = parts["residual"], _LastDay.of(flights, values)
    count = _windows_in_a_row(last, values, before)
    silent = _silent(flights, values) & ~letter
    phase, stands, zero = flights["phase"].to_numpy(dtype=object), bands.ranks(flights["severity"]), flights["zero_delivery"].to_numpy(dtype=bool) | silent
    lent = (phase == "ended") & (flights["allowed_micros"].to_numpy("int64", na_value=0) > 0)
    live = (phase == "live") | lent
    free = (live | (phase == "early")) & known & ~zero & ~letter
    banded = np.where(np.isnan(flights["variance_pct"].to_numpy("float64")), stands, _banded(flights, values, before, residual))
    level = _level_rank(flights, values, last, count)
    own = np.maximum.reduce([np.where(live, banded, stands), level, edits.astype(np.int64)])
    astray = np.where(live & (own == 0), _astray(flights, values), 0)
    rank = np.where(free, np.maximum(own, astray), stands)
    rank = np.where(zero & (phase != "before") & (phase != "closed"), bands.CRITICAL, rank)
    kind = flights["zero_kind"].to_numpy(dtype=object)
    judged = flights.assign(
        bridge=_dicts(parts, known), level_windows=pd.arrays.IntegerArray(count, np.zeros(len(count), dtype=bool)), unexplained_pct=_percent(residual, flights),
        zero_delivery=zero, zero_kind=_text(np.where(silent, np.where(quiet, "account", "silent"), kind)), broke=last.broke,
        level_off=_text(np.where(free & (level > 0), bands.WORDS[level], "")), severity=_text(bands.WORDS[rank]),
        direction=_text(_side(flights, free & (astray > 0), free & (level > banded))))
    judged["reasons"] = _reasons(judged, free, _Grounds(level, banded, edits, astray))
    return judged


@dataclass(frozen=True)
class _Grounds:
    """What rank each ground asks for, by flight."""

    level: Ranks
    banded: Ranks
    edits: Flags
    astray: Ranks


@dataclass(frozen=True)
class _LastDay:
    """The last 24 hours of each flight, against its own days before and against its plan. Percentages are compared as ratios, both ways alike."""

    z: Floats
    moved: Floats  # ln of the spend over its level
    away: Floats  # ln of the spend over its plan
    chance: Floats  # of not landing, to that side
    broke: Flags  # within a day, to that side
    worth: Flags  # moves as much money as is worth an alert

    @classmethod
    def of(cls, flights: pd.DataFrame, values: pd.DataFrame) -> "_LastDay":
        z, level, plan, swing = (flights[name].to_numpy("float64") for name in ("level_z", "level_pct", "off_plan_pct", "swing"))
        with np.errstate(invalid="ignore", divide="ignore"):
            moved, away = np.log1p(level / 100.0), np.log(np.maximum(1.0 + plan / 100.0, 1e-9))
            broke = (np.abs(swing) >= values["evidence_broken"].to_numpy("float64")) & (np.sign(swing) == np.sign(level))
            return cls(z, moved, away, _chance_off(flights, moved > 0), broke, _worth(flights))

    def off(self, edges: list[Floats], share: float | Floats = 1.0) -> tuple[Flags, Ranks]:
        """(where it is off by a share of the edges of z, level, plan and chance, on which side: 1 over, -1 under)."""
        z, level, plan, chance = edges
        with np.errstate(invalid="ignore"):
            far = ((np.abs(self.z) >= z * share) & (np.abs(self.moved) >= np.log1p(level / 100.0) * share) & (np.abs(self.away) >= np.log1p(plan / 100.0) * share)
                   & (np.sign(self.moved) == np.sign(self.away)) & (self.chance >= chance * share))
        return far & self.worth, np.nan_to_num(np.sign(self.z)).astype(np.int64)


def _text(words: npt.NDArray[Any]) -> ExtensionArray:
    return pd.array(words, dtype="str")


def _side(flights: pd.DataFrame, astray: Flags, off: Flags) -> npt.NDArray[Any]:
    """The direction of each flight: where it will land, if that is what is said of it, and the level before all."""
    lands, budget = (flights[name].to_numpy("int64", na_value=0) for name in ("forecast_micros", "budget_micros"))
    side = np.where(astray, np.where(lands > budget, "over", "under"), flights["direction"].to_numpy(dtype=object))
    return np.where(off, np.where(flights["level_pct"].to_numpy("float64") > 0, "over", "under"), side)


def bridge(flights: pd.DataFrame, values: pd.DataFrame, known: Flags, edits: Flags) -> dict[str, Ranks]:
    """Each part in whole micros; the residual is what is left, so that they add up exactly."""
    actual, target, lent = (flights[name].to_numpy("int64", na_value=0) for name in ("actual_micros", "target_micros", "allowed_micros"))
    explained = known & ~pacing.to_the_letter(values)
    variance = np.where(known, actual - target, 0)
    changed = _target_change(flights, target, known & edits)
    allowed = np.where(explained, np.round(_spread(flights, values) * target), 0).astype(np.int64)
    legal = np.where(explained, lent, 0)
    shaped = _weekday(flights, explained & _has_evidence(flights), target, variance - changed - legal)
    noise = np.clip(variance - changed - legal - shaped, -allowed, allowed)
    return {"target_change": changed, "lag": np.zeros(len(flights), dtype=np.int64), "platform_allowance": legal, "weekday": shaped, "noise": noise,
            "residual": variance - changed - legal - shaped - noise}


def _weekday(flights: pd.DataFrame, told: Flags, target: Ranks, left: Ranks) -> Ranks:
    """What its own weekdays put on the plan to date, as far as the variance lies on that side: a shape explains a variance, it makes none."""
    pct = np.where(told, np.nan_to_num(flights["weekday_pct"].to_numpy("float64")), 0.0)
    shape = np.round(target * pct / 100.0).astype(np.int64)
    return np.where(np.sign(shape) == np.sign(left), np.sign(shape) * np.minimum(np.abs(shape), np.abs(left)), 0)


def _target_change(flights: pd.DataFrame, target: Ranks, edited: Flags) -> Ranks:
    """What an edit of the plan that the spend does not follow moved the variance by. It is explained while it is fresh, then it counts."""
    if not edited.any():
        return np.zeros(len(flights), dtype=np.int64)
    moved = np.nan_to_num(np.round(plan_edits.target_was(flights) - target))
    return np.where(edited, np.clip(moved, -MOST_MICROS, MOST_MICROS).astype(np.int64), 0)


def _spread(flights: pd.DataFrame, values: pd.DataFrame) -> Floats:
    """What share of the target is noise; nothing of a campaign that has not shown its own."""
    hours, noise = (np.nan_to_num(flights[name].to_numpy("float64")) for name in ("elapsed_hours", "own_noise_pct"))
    return np.asarray(values["evidence_spread_factor"].to_numpy("float64") * (noise / 100.0) / np.sqrt(np.maximum(hours / 24.0, 1.0)))


def _dicts(parts: dict[str, Ranks], known: Flags) -> npt.NDArray[Any]:
    names, rows = [f"{name}_micros" for name in parts], np.empty(len(known), dtype=object)
    rows[known] = [dict(zip(names, row, strict=True)) for row in zip(*(part[known].tolist() for part in parts.values()), strict=True)]
    return rows


def _percent(residual: Ranks, flights: pd.DataFrame) -> Floats:
    """The residual in percent of the target, where the variance has a percent."""
    target = flights["target_micros"].to_numpy("float64", na_value=np.nan)
    told = (target > 0) & ~np.isnan(flights["variance_pct"].to_numpy("float64"))
    return np.where(told, residual / np.where(told, target, 1.0) * 100.0, np.nan)


def _banded(flights: pd.DataFrame, values: pd.DataFrame, before: pd.DataFrame, residual: Ranks) -> Ranks:
    """The bands on the residual; what is below stake is healthy; a raised one is held down to `hysteresis_pct` of its edge. With evidence, what will
    most likely land all the same is a warning at most.
    """
    target = flights["target_micros"].to_numpy("int64", na_value=0)
    raw, low = (bands.rank(target + residual, target, values, of) for of in (100.0, values["variance_hysteresis_pct"]))
    same_side = before["side"].to_numpy(dtype=object) == np.where(residual > 0, "over", "under").astype(object)
    held = np.minimum(low, np.where(same_side, bands.ranks(before["severity"]), 0))
    counts = np.abs(residual) >= flights["stake_micros"].to_numpy("int64")
    rank = np.where(counts, np.maximum(raw, held), 0)
    lands = _has_evidence(flights) & (_chance_off(flights, residual > 0) < values["evidence_landing_chance"].to_numpy("float64"))
    return np.where(lands, np.minimum(rank, 1), rank)


def _has_evidence(flights: pd.DataFrame) -> Flags:
    return np.asarray(~np.isnan(flights["noise_pct"].to_numpy("float64")))


def _chance_off(flights: pd.DataFrame, over: Flags) -> Floats:
    """The chance of ending off the budget by more than the tolerance, to one side; certain where there is no forecast."""
    p_over, p_under = (flights[name].to_numpy("float64", na_value=np.nan) for name in ("p_over", "p_under"))
    return np.asarray(np.nan_to_num(np.where(over, p_over, p_under), nan=1.0))


def _astray(flights: pd.DataFrame, values: pd.DataFrame) -> Ranks:
    """1 where a flight ends outside the warning band, as surely as the policy asks, whatever today's line says."""
    lands, chance = (flights[name].to_numpy("float64", na_value=np.nan) for name in ("forecast_micros", "p_astray"))
    apart = np.nan_to_num(lands - flights["budget_micros"].to_numpy("float64"))
    sure = np.nan_to_num(chance) >= values["evidence_astray_chance"].to_numpy("float64")
    under_asap = (words(flights) == "asap") & (apart < 0)
    worth = np.abs(apart) >= flights["stake_micros"].to_numpy("int64")
    return np.asarray(sure & _has_evidence(flights) & ~under_asap & worth, dtype=np.int64)


def _numbers(values: pd.DataFrame, *names: str) -> list[Floats]:
    return [values[f"evidence_{name}"].to_numpy("float64") for name in names]


def _critical_edges(last: _LastDay, values: pd.DataFrame, share: Floats) -> list[Floats]:
    """Edges of z, level, plan and the chance not to land; what broke within a day is believed sooner, and what surely does not land."""
    usual = _numbers(values, "level_z", "level_pct", "off_plan_pct", "landing_chance")
    broken = _numbers(values, "broken_z", "broken_level_pct", "broken_off_plan_pct", "broken_landing_chance")
    sure_z, sure_chance = _numbers(values, "sure_z", "sure_chance")
    usual[0] = np.where(last.chance / share >= sure_chance, np.minimum(sure_z, usual[0]), usual[0])
    return [np.where(last.broke, np.minimum(sooner, edge), edge) for sooner, edge in zip(broken, usual, strict=True)]


def _worth(flights: pd.DataFrame) -> Flags:
    """Whether going on like this to the flight's end moves as much money as is worth an alert."""
    left = np.nan_to_num((flights["day_end"].to_numpy(DAY) - flights["watermark"].to_numpy(DAY)) / SECOND) / 86_400.0
    last24, planned, budget, actual = (flights[name].to_numpy("float64", na_value=np.nan)
                                       for name in ("last24_micros", "planned24_micros", "budget_micros", "actual_micros"))
    apart, curve = np.nan_to_num(np.abs(last24 - planned)), words(flights)
    through = (curve == "ahead") & (budget - actual < planned)
    return np.asarray((apart * np.maximum(left, 1.0) >= flights["stake_micros"].to_numpy("float64")) & (curve != "asap") & ~through)


def _windows_in_a_row(last: _LastDay, values: pd.DataFrame, before: pd.DataFrame) -> Ranks:
    """How many runs in a row the level was critically off on one side; a raised one counts on above 80 % of its edges."""
    runs = before["level_windows"].to_numpy("int64", na_value=0)
    share = np.where(np.abs(runs) >= values["evidence_level_windows"].to_numpy("int64"), HELD, 1.0)
    off, side = last.off(_critical_edges(last, values, share), share)
    return np.where(off, np.where(np.sign(runs) == side, runs + side, side), 0)


def _level_rank(flights: pd.DataFrame, values: pd.DataFrame, last: _LastDay, count: Ranks) -> Ranks:
    at_once = flights["feed_daily"].to_numpy(dtype=bool, na_value=False) | last.broke
    needed = np.where(at_once, 1, values["evidence_level_windows"].to_numpy("int64"))
    warned, _ = last.off(_numbers(values, "warning_z", "warning_level_pct", "warning_off_plan_pct", "warning_landing_chance"))
    return np.where(np.abs(count) >= needed, 2, np.where(warned | (count != 0), 1, 0))


def _silent(flights: pd.DataFrame, values: pd.DataFrame) -> Flags:
    """Spend that fell silent is zero delivery, unless the budget is through or another kind of it was found; of a quiet account it is the account's."""
    phase, kind = (flights[name].to_numpy(dtype=object) for name in ("phase", "zero_kind"))
    silent = flights["silent"].to_numpy(dtype=bool, na_value=False) & (kind == "") & ((phase == "live") | (phase == "early"))
    silent &= flights["planned24_micros"].to_numpy("int64", na_value=0) > 0
    if silent.any():
        budget = flights["budget_micros"].to_numpy("int64")
        left = budget.astype("float64") - flights["actual_micros"].to_numpy("float64", na_value=0.0)
        silent &= left >= bands.threshold(budget, values["stake_minimum_pct_of_budget"]).astype("float64")
    return np.asarray(silent)


def _reasons(flights: pd.DataFrame, free: Flags, grounds: _Grounds) -> npt.NDArray[Any]:
    """What the evidence says first; then what was said of the raw variance. The many healthy ones keep their one sentence."""
    kind, phase = (flights[name].to_numpy(dtype=object) for name in ("zero_kind", "phase"))
    lists: npt.NDArray[Any] = flights["reasons"].to_numpy(dtype=object).copy()
    silent = ((kind == "silent") | (kind == "account")) & flights["silent"].to_numpy(dtype=bool, na_value=False)
    explained = free & (bands.ranks(flights["band_severity"]) > grounds.banded) & (phase == "live")
    bare = free & ~_has_evidence(flights) & (grounds.banded > 0)
    told = np.flatnonzero((free & ((grounds.level > 0) | grounds.edits | (grounds.astray > 0))) | silent | explained | bare)
    for at, row in zip(told, records(flights, told), strict=True):
        if silent[at]:
            hours = "4 h of loads, and in nearly all of its account" if row["zero_kind"] == "account" else "8 h of loads"
            lists[at] = [f"Not delivering: nothing has been spent in the last {hours}; {money(row['usual_micros'], row['currency'])} is its usual day."]
            continue
        sentences = ((grounds.level[at], level_sentence), (grounds.edits[at], plan_edits.edit_sentence), (grounds.astray[at], astray_sentence), (explained[at], _explained))
        lists[at] = [*(sentence(row) for says, sentence in sentences if says), *([BARE] if bare[at] else []), *lists[at]]
    return lists


def level_sentence(row: Row) -> str:
    """The level test in words."""
    word = "more" if row["level_pct"] > 0 else "less"
    plan = "more" if row["off_plan_pct"] > 0 else "less"
    return (f"In the last 24 h {money(row['last24_micros'], row['currency'])} was spent, {abs(row['level_pct']):.0f} % {word} than its own days before "
            f"(ordinary noise: {row['noise_pct']:.0f} %), and {abs(row['off_plan_pct']):.0f} % {plan} than the "
            f"{money(row['planned24_micros'], row['currency'])} planned for them."
            + (" The pace changed in the middle of a day." if row["broke"] else ""))


def astray_sentence(row: Row) -> str:
    """Where it will land, in words."""
    lands, budget, low, high = (money(row[name], row["currency"]) for name in ("forecast_micros", "budget_micros", "forecast_lo_micros", "forecast_hi_micros"))
    return f"Left alone it ends at about {lands} of its {budget} (four times in five between {low} and {high}): whatever today's line says, it will not land."


def _explained(row: Row) -> str:
    """What takes a variance below its raw band: noise, the platform's own rules, or that it will land all the same."""
    parts, currency = row["bridge"], row["currency"]
    said = [f"{money(abs(parts['noise_micros']), currency)} of the variance is within what this campaign's own ups and downs explain"] if parts["noise_micros"] else []
    legal = parts["platform_allowance_micros"]
    shape = parts["weekday_micros"]
    said += [f"{money(abs(shape), currency)} of it is what its weekdays usually put {'above' if shape > 0 else 'below'} an even plan"] if shape else []
    said += [f"{money(legal, currency)} of it is what the platform may spend ahead and takes back later"] if legal else []
    said += [f"{abs(row['unexplained_pct']):.1f} % remains unexplained"] if row["unexplained_pct"] is not None else []
    chance = row["p_over"] if row["direction"] == "over" else row["p_under"]
    said += [f"the forecast gives it {1.0 - chance:.0%} to land all the same"] if chance is not None and chance < LIKELY else []
    return "; ".join(said)[0].upper() + "; ".join(said)[1:] + "."
