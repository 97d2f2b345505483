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

from pacing_brain import bands, pacing, plan_edits
from pacing_brain.earlier import earlier
from pacing_brain.levels import LEAST_DAYS
from pacing_brain.money import money
from pacing_brain.records import Row, records
from pacing_brain.zones import DAY, SECOND

Flags = npt.NDArray[np.bool_]
Floats = npt.NDArray[np.float64]
Ranks = npt.NDArray[np.int64]
OPEN = ["live", "early"]
HELD = 0.8  # a raised level ends below this share of its edges
LIKELY = 0.5  # a chance below this of not landing is worth a word
MOST_MICROS = 1e18  # sums of a few such amounts still fit 64 bits
BARE = f"Fewer than {LEAST_DAYS} days of its own are known, so nothing of the variance is explained and all of it meets the bands."
PARTS = ("target_change", "lag", "platform_allowance", "weekday", "noise", "residual")


def explain(flights: pd.DataFrame, values: pd.DataFrame, memory: pd.DataFrame, known: pd.Series, quiet: Flags) -> pd.DataFrame:
    """The judged flights with bridge, unexplained_pct, level_windows and the severity that the evidence bears; `reasons` say so.

    quiet: where a flight's whole account has gone silent.
    """
    parts = bridge(flights, values, known)
    residual = parts["residual"]
    count = _windows_in_a_row(flights, values, memory)
    judged = flights.assign(
        bridge=_dicts(parts, known), level_windows=pd.arrays.IntegerArray(count, np.zeros(len(count), dtype=bool)),
        unexplained_pct=_percent(residual, flights), **_silent(flights, values, quiet))
    level = _level_rank(judged, values, count)
    banded = np.where(judged["variance_pct"].notna(), _banded(judged, values, memory, residual), bands.ranks(judged["severity"]))
    edits = plan_edits.edited(judged, values).astype(np.int64)
    ground = judged["severity"].to_numpy()
    free = judged["phase"].isin(OPEN).to_numpy(dtype=bool) & known.to_numpy(dtype=bool) & ~judged["zero_delivery"].to_numpy(dtype=bool)
    free &= ~pacing.to_the_letter(values)
    lent = judged["phase"].eq("ended").to_numpy(dtype=bool) & judged["allowed_micros"].gt(0).fillna(value=False).to_numpy(dtype=bool)
    free |= lent & known.to_numpy(dtype=bool) & ~judged["zero_delivery"].to_numpy(dtype=bool) & ~pacing.to_the_letter(values)
    live = judged["phase"].eq("live").to_numpy(dtype=bool) | lent
    own = np.maximum.reduce([np.where(live, banded, bands.ranks(judged["severity"])), level, edits])
    astray = np.where(live & (own == 0), _astray(judged, values), 0)
    own = np.maximum(own, astray)
    rank = np.where(free, own, bands.ranks(pd.Series(ground, index=flights.index)))
    rank = np.where(judged["zero_delivery"] & ~judged["phase"].isin(["before", "closed"]), 2, rank)
    side = np.where(free & (astray > 0), np.where(judged["forecast_micros"].gt(judged["budget_micros"]).fillna(value=False), "over", "under"), judged["direction"])
    side = np.where(free & (level > banded), np.where(judged["level_pct"].gt(0), "over", "under"), side)
    judged["broke"] = _broke(judged, values)
    for name, words in (("level_off", np.where(free & (level > 0), bands.WORDS[level], "")), ("severity", bands.WORDS[rank]), ("direction", side)):
        judged[name] = pd.Series(words, index=flights.index, dtype="str")
    judged["reasons"] = _reasons(judged, free, _Grounds(level, banded, edits, astray))
    return judged


@dataclass(frozen=True)
class _Grounds:
    """What rank each ground asks for, by flight."""

    level: Ranks
    banded: Ranks
    edits: Ranks
    astray: Ranks


def bridge(flights: pd.DataFrame, values: pd.DataFrame, known: pd.Series) -> dict[str, Ranks]:
    """Each part in whole micros; the residual is what is left, so that they add up exactly."""
    actual, target = (flights[name].to_numpy("int64", na_value=0) for name in ("actual_micros", "target_micros"))
    variance = np.where(known, actual - target, 0)
    changed = np.where(known & plan_edits.edited(flights, values), _target_change(flights, target), 0)
    allowed = np.round(_spread(flights, values) * target).astype(np.int64)
    legal = np.where(known & ~pacing.to_the_letter(values), flights["allowed_micros"].to_numpy("int64", na_value=0), 0)
    shaped = _weekday(flights, values, known, target, variance - changed - legal)
    noise = np.clip(variance - changed - legal - shaped, -allowed, allowed)
    return {"target_change": changed, "lag": np.zeros(len(flights), dtype=np.int64), "platform_allowance": legal, "weekday": shaped, "noise": noise,
            "residual": variance - changed - legal - shaped - noise}


def _weekday(flights: pd.DataFrame, values: pd.DataFrame, known: pd.Series, target: Ranks, left: Ranks) -> Ranks:
    """What its own weekdays put on the plan to date, as far as the variance lies on that side: a shape explains a variance, it makes none."""
    pct = flights["weekday_pct"].where(known & ~pacing.to_the_letter(values) & _has_evidence(flights)).fillna(0.0).to_numpy("float64")
    shape = np.round(target * pct / 100.0).astype(np.int64)
    return np.where(np.sign(shape) == np.sign(left), np.sign(shape) * np.minimum(np.abs(shape), np.abs(left)), 0)


def _target_change(flights: pd.DataFrame, target: Ranks) -> Ranks:
    """What an edit of the plan that the spend does not follow moved the variance by. It is explained while it is fresh, then it counts."""
    moved = np.nan_to_num(np.round(plan_edits.target_was(flights) - target))
    return np.asarray(np.clip(moved, -MOST_MICROS, MOST_MICROS).astype(np.int64))


def _spread(flights: pd.DataFrame, values: pd.DataFrame) -> Floats:
    """What share of the target is noise; nothing of a campaign that has not shown its own."""
    days = np.maximum(flights["elapsed_hours"].fillna(0.0).to_numpy("float64") / 24.0, 1.0)
    noise = flights["own_noise_pct"].where(~pacing.to_the_letter(values)).fillna(0.0).to_numpy("float64") / 100.0
    return np.asarray(values["evidence_spread_factor"].to_numpy("float64") * noise / np.sqrt(days))


def _dicts(parts: dict[str, Ranks], known: pd.Series) -> pd.Series:
    rows = [{f"{name}_micros": value for name, value in zip(parts, row, strict=True)} if sure else None
            for row, sure in zip(zip(*(part.tolist() for part in parts.values()), strict=True), known.tolist(), strict=True)]
    return pd.Series(rows, index=known.index, dtype="object")


def _percent(residual: Ranks, flights: pd.DataFrame) -> Floats:
    """The residual in percent of the target, where the variance has a percent."""
    target = flights["target_micros"].to_numpy("float64", na_value=np.nan)
    told = (target > 0) & flights["variance_pct"].notna().to_numpy()
    return np.where(told, residual / np.where(told, target, 1.0) * 100.0, np.nan)


def _banded(flights: pd.DataFrame, values: pd.DataFrame, memory: pd.DataFrame, residual: Ranks) -> Ranks:
    """The bands on the residual; what is below stake is healthy; a raised one is held down to `hysteresis_pct` of its edge. With evidence, what will
    most likely land all the same is a warning at most.
    """
    target = flights["target_micros"].astype("Int64")
    left = target + pd.Series(residual, index=flights.index, dtype="Int64")
    raw, low = (bands.rank(left, target, values, of) for of in (100.0, values["variance_hysteresis_pct"]))
    held = np.minimum(low, _was(flights, memory, np.where(residual > 0, "over", "under")))
    counts = np.abs(residual) >= flights["stake_micros"].to_numpy("int64")
    rank = np.where(counts, np.maximum(raw, held), 0)
    lands = _has_evidence(flights) & (_chance_off(flights, residual > 0) < values["evidence_landing_chance"].to_numpy("float64"))
    return np.where(lands, np.minimum(rank, 1), rank)


def _has_evidence(flights: pd.DataFrame) -> Flags:
    return np.asarray(flights["noise_pct"].notna().to_numpy(dtype=bool))


def _chance_off(flights: pd.DataFrame, over: Flags) -> Floats:
    """The chance of ending off the budget by more than the tolerance, to one side; certain where there is no forecast."""
    p_over, p_under = (flights[name].astype("float64").to_numpy() for name in ("p_over", "p_under"))
    return np.asarray(np.nan_to_num(np.where(over, p_over, p_under), nan=1.0))


def _astray(flights: pd.DataFrame, values: pd.DataFrame) -> Ranks:
    """1 where a flight ends outside the warning band, as surely as the policy asks, whatever today's line says."""
    apart = (flights["forecast_micros"].astype("Float64") - flights["budget_micros"]).astype("float64").to_numpy()
    sure = np.nan_to_num(flights["p_astray"].astype("float64").to_numpy()) >= values["evidence_astray_chance"].to_numpy("float64")
    under_asap = flights["curve"].eq("asap").to_numpy(dtype=bool) & (apart < 0)
    worth = np.abs(np.nan_to_num(apart)) >= flights["stake_micros"].to_numpy("int64")
    return np.asarray(sure & _has_evidence(flights) & ~under_asap & worth, dtype=np.int64)


def _was(flights: pd.DataFrame, memory: pd.DataFrame, side: npt.NDArray[Any]) -> Ranks:
    """The remembered rank on the same side."""
    before = earlier(flights, memory, "side", "severity")
    return np.where(before["side"].to_numpy(dtype=object) == side.astype(object), bands.ranks(before["severity"]), 0)


def _off(flights: pd.DataFrame, values: pd.DataFrame, kind: str, share: "float | Floats" = 1.0) -> tuple[Flags, Ranks]:
    """(where the last 24 h are off by the edges of a kind, on which side: 1 over, -1 under). Percentages are compared as ratios, both ways alike."""
    z, level, plan = (flights[name].to_numpy("float64") for name in ("level_z", "level_pct", "off_plan_pct"))
    with np.errstate(invalid="ignore", divide="ignore"):
        moved, away = np.log1p(level / 100.0), np.log(np.maximum(1.0 + plan / 100.0, 1e-9))
        chance = _chance_off(flights, moved > 0)
        z_edge, level_edge, plan_edge, chance_edge = _edges(flights, values, kind, chance / share)
        far = ((np.abs(z) >= z_edge * share) & (np.abs(moved) >= np.log1p(level_edge / 100.0) * share)
               & (np.abs(away) >= np.log1p(plan_edge / 100.0) * share) & (np.sign(moved) == np.sign(away)) & (chance >= chance_edge * share))
    return far & _worth(flights), np.nan_to_num(np.sign(z)).astype(np.int64)


def _edges(flights: pd.DataFrame, values: pd.DataFrame, kind: str, chance: Floats) -> list[Floats]:
    """Edges of z, level, plan and the chance not to land; what broke within a day is believed sooner, and what surely does not land."""
    if kind == "warning":
        return [values[f"evidence_warning_{name}"].to_numpy("float64") for name in ("z", "level_pct", "off_plan_pct", "landing_chance")]
    usual, broken = ([values[f"evidence_{name}"].to_numpy("float64") for name in names] for names in (
        ("level_z", "level_pct", "off_plan_pct", "landing_chance"), ("broken_z", "broken_level_pct", "broken_off_plan_pct", "broken_landing_chance")))
    broke, sure = _broke(flights, values), chance >= values["evidence_sure_chance"].to_numpy("float64")
    usual[0] = np.where(sure, np.minimum(values["evidence_sure_z"].to_numpy("float64"), usual[0]), usual[0])
    return [np.where(broke, np.minimum(sooner, edge), edge) for sooner, edge in zip(broken, usual, strict=True)]


def _days_left(flights: pd.DataFrame) -> Floats:
    left = (flights["day_end"].to_numpy(DAY) - flights["watermark"].to_numpy(DAY)) / SECOND
    return np.asarray(np.maximum(np.nan_to_num(left) / 86_400.0, 0.0))


def _broke(flights: pd.DataFrame, values: pd.DataFrame) -> Flags:
    """Where the pace broke within a day, to the side on which the level is."""
    swing, level = (np.nan_to_num(flights[name].to_numpy("float64")) for name in ("swing", "level_pct"))
    return np.asarray((np.abs(swing) >= values["evidence_broken"].to_numpy("float64")) & (np.sign(swing) == np.sign(level)))


def _worth(flights: pd.DataFrame) -> Flags:
    """Whether going on like this to the flight's end moves as much money as is worth an alert."""
    left = _days_left(flights)
    last24, planned, budget, actual = (flights[name].to_numpy("float64", na_value=np.nan)
                                       for name in ("last24_micros", "planned24_micros", "budget_micros", "actual_micros"))
    apart = np.nan_to_num(np.abs(last24 - planned))
    curve = flights["curve"].to_numpy(dtype=object)
    through = (curve == "ahead") & (budget - actual < planned)
    return np.asarray((apart * np.maximum(left, 1.0) >= flights["stake_micros"].to_numpy("float64")) & (curve != "asap") & ~through)


def _windows_in_a_row(flights: pd.DataFrame, values: pd.DataFrame, memory: pd.DataFrame) -> Ranks:
    """How many runs in a row the level was critically off on one side; a raised one counts on above 80 % of its edges."""
    before = earlier(flights, memory, "level_windows")["level_windows"].to_numpy("int64", na_value=0)
    share = np.where(np.abs(before) >= values["evidence_level_windows"].to_numpy("int64"), HELD, 1.0)
    off, side = _off(flights, values, "critical", share)
    return np.where(off, np.where(np.sign(before) == side, before + side, side), 0)


def _level_rank(flights: pd.DataFrame, values: pd.DataFrame, count: Ranks) -> Ranks:
    at_once = flights["feed_daily"].fillna(value=False).to_numpy(dtype=bool) | _broke(flights, values)
    needed = np.where(at_once, 1, values["evidence_level_windows"].to_numpy("int64"))
    warned, _ = _off(flights, values, "warning")
    return np.where(np.abs(count) >= needed, 2, np.where(warned | (count != 0), 1, 0))


def _silent(flights: pd.DataFrame, values: pd.DataFrame, quiet: Flags) -> dict[str, pd.Series]:
    """Spend that fell silent is zero delivery, unless the budget is through or another kind of it was found; of a quiet account it is the account's."""
    silent = flights["silent"].fillna(value=False).to_numpy(dtype=bool) & flights["zero_kind"].eq("").to_numpy() & flights["phase"].isin(OPEN).to_numpy()
    silent &= (flights["planned24_micros"].to_numpy("int64", na_value=0) > 0) & ~pacing.to_the_letter(values)
    if silent.any():
        budget = flights["budget_micros"].to_numpy("int64")
        left = budget.astype("float64") - flights["actual_micros"].to_numpy("float64", na_value=0.0)
        silent &= left >= bands.threshold(budget, values["stake_minimum_pct_of_budget"]).astype("float64")
    return {"zero_delivery": flights["zero_delivery"].astype(bool) | silent,
            "zero_kind": flights["zero_kind"].mask(silent, "silent").mask(silent & quiet, "account")}


def _reasons(flights: pd.DataFrame, free: Flags, grounds: _Grounds) -> pd.Series:
    """What the evidence says first; then what was said of the raw variance. The many healthy ones keep their one sentence."""
    lists = flights["reasons"].to_numpy(dtype=object).copy()
    silent = flights["zero_kind"].isin(["silent", "account"]).to_numpy(dtype=bool) & flights["silent"].fillna(value=False).to_numpy(dtype=bool)
    explained = free & (bands.ranks(flights["band_severity"]) > grounds.banded) & flights["phase"].eq("live").to_numpy(dtype=bool)
    bare = free & ~_has_evidence(flights) & (grounds.banded > 0)
    told = np.flatnonzero((free & ((grounds.level > 0) | (grounds.edits > 0) | (grounds.astray > 0))) | silent | explained | bare)
    for at, row in zip(told, records(flights, told), strict=True):
        if silent[at]:
            hours = "4 h of loads, and in nearly all of its account" if row["zero_kind"] == "account" else "8 h of loads"
            lists[at] = [f"Not delivering: nothing has been spent in the last {hours}; {money(row['usual_micros'], row['currency'])} is its usual day."]
            continue
        sentences = ((grounds.level[at], level_sentence), (grounds.edits[at], plan_edits.edit_sentence), (grounds.astray[at], astray_sentence), (explained[at], _explained))
        lists[at] = [*(sentence(row) for says, sentence in sentences if says), *([BARE] if bare[at] else []), *lists[at]]
    return pd.Series(lists, index=flights.index, dtype="object")


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
