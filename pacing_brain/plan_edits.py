"""Edits of a plan while its flight runs: budget and dates held against what they were before, and whether the spend follows.

What was before travels in memory. An edit that the spend does not follow is a warning while it is fresh, and one by a large factor is taken for a slip of the keyboard.
"""

import numpy as np
import numpy.typing as npt
import pandas as pd

from pacing_brain import curves
from pacing_brain.days import days, number
from pacing_brain.earlier import earlier
from pacing_brain.model import RunContext
from pacing_brain.money import money
from pacing_brain.records import Row
from pacing_brain.zones import DAY, NEVER, SECOND, day_text, moment_text

Flags = npt.NDArray[np.bool_]
Floats = npt.NDArray[np.float64]
Micros = npt.NDArray[np.int64]


def seen(flights: pd.DataFrame, memory: pd.DataFrame, run: RunContext) -> dict[str, pd.Series]:
    """Budget and dates before the last edit while the flight ran, and when the edit was first seen. An edit taken back is none."""
    kept = earlier(flights, memory, "start_date", "end_date", "start_before", "end_before", "budget_micros", "budget_before_micros", "budget_changed_at")
    now = [planned(flights), number(flights["start_date"]), number(flights["end_date"])]
    last = [kept["budget_micros"].to_numpy("int64", na_value=0), _days_or(kept["start_date"], now[1]), _days_or(kept["end_date"], now[2])]
    before = [kept["budget_before_micros"].to_numpy("int64", na_value=0), _days_or(kept["start_before"], now[1]), _days_or(kept["end_before"], now[2])]
    today = number(np.array([pd.Timestamp(run.as_of).tz_convert(None).to_datetime64()]))[0]
    runs = (np.maximum(last[1], now[1]) <= today) & (today <= np.minimum(last[2], now[2]))  # else the line was used again for another flight
    same = kept["start_date"].notna().to_numpy() & ((last[1] == now[1]) | runs)
    had = same & kept["budget_before_micros"].notna().to_numpy()
    edited = same & kept["budget_micros"].notna().to_numpy() & _differ(last, now)
    was = [np.where(edited & ~had, newest, first) for newest, first in zip(last, before, strict=True)]  # of several edits the plan before the first stands
    stands = (edited | had) & _differ(was, now)
    rolled = flights["budget_micros"].to_numpy("int64") - now[0]
    seen_at = np.where(edited, np.datetime64(pd.Timestamp(run.as_of).tz_convert(None), "us"), np.where(same, kept["budget_changed_at"].to_numpy("datetime64[us]"), NEVER))
    at = pd.Series(np.where(stands, seen_at, NEVER), index=flights.index).dt.tz_localize("UTC")
    dates = {name: pd.Series(np.where(stands, days(day).to_numpy(), NEVER), index=flights.index) for name, day in (("start_was", was[1]), ("end_was", was[2]))}
    return {"budget_was_micros": pd.Series(pd.arrays.IntegerArray(was[0] + rolled, ~stands), index=flights.index), "budget_changed_at": at, **dates}


def _days_or(day: pd.Series, otherwise: Micros) -> Micros:
    """Days as numbers; of one that is not known the other's."""
    return np.where(np.isnat(day.to_numpy()), otherwise, number(day))


def _differ(one: list[Micros], other: list[Micros]) -> npt.NDArray[np.bool_]:
    return np.asarray(np.any([mine != theirs for mine, theirs in zip(one, other, strict=True)], axis=0))


def planned(flights: pd.DataFrame) -> Micros:
    """The budget as the plan has it: what the month before hands on comes and goes with that month's spend, and nobody edited it."""
    return np.asarray(flights["budget_micros"].to_numpy("int64") - flights["rolled_micros"].to_numpy("int64", na_value=0))


def target_was(flights: pd.DataFrame) -> Floats:
    """What the plan before its edit had planned to date; NaN where it was not edited."""
    before, budget, target = (flights[name].to_numpy("float64", na_value=np.nan) for name in ("budget_was_micros", "budget_micros", "target_micros"))
    was = np.nan_to_num(target) * (before / budget)
    moved = _dates_moved(flights)
    if moved.any():
        rows = flights[[*curves.COLUMNS, "budget_was_micros", "start_was", "end_was"]][moved]
        rows = rows.assign(budget_micros=rows["budget_was_micros"].astype("int64"), start_date=rows["start_was"], end_date=rows["end_was"])
        was[moved] = curves.planned_micros(rows, rows["watermark"]).to_numpy("float64", na_value=np.nan)
    return np.asarray(was)


def _dates_moved(flights: pd.DataFrame) -> Flags:
    """Where the edit was one of the dates, too."""
    start, start_was, end, end_was = (flights[name].to_numpy() for name in ("start_date", "start_was", "end_date", "end_was"))
    return np.asarray(flights["budget_was_micros"].notna().to_numpy() & ((start_was != start) | (end_was != end)))


def edited(flights: pd.DataFrame, values: pd.DataFrame) -> Flags:
    """Where budget or dates were edited so that the plan moved by more than `edit_pct`, not long ago, and the spend to date still fits the plan before."""
    factor, follows = _edit(flights)
    age = (flights["watermark"].to_numpy(DAY) - flights["budget_changed_at"].to_numpy(DAY)) / SECOND / 3600.0
    with np.errstate(invalid="ignore"):
        far = factor >= 1.0 + values["evidence_edit_pct"].to_numpy("float64") / 100.0
        return np.asarray(far & ~follows & (age <= values["evidence_edit_hours"].to_numpy("float64")))


def slipped(flights: pd.DataFrame, values: pd.DataFrame) -> Flags:
    """Where the edit is so large that it is taken for a slip of the keyboard, for as long as the spend does not follow it."""
    factor, follows = _edit(flights)
    with np.errstate(invalid="ignore"):
        return np.asarray((factor >= values["evidence_edit_factor"].to_numpy("float64")) & ~follows)


def _edit(flights: pd.DataFrame) -> tuple[Floats, Flags]:
    """(by what factor the plan was edited, up or down alike; whether the spend to date is nearer to the plan after the edit than before)."""
    if flights["budget_was_micros"].isna().all():
        return np.ones(len(flights)), np.ones(len(flights), dtype=bool)
    now, before, actual, target = (flights[name].to_numpy("float64", na_value=np.nan)
                                   for name in ("budget_micros", "budget_was_micros", "actual_micros", "target_micros"))
    with np.errstate(invalid="ignore", divide="ignore"):
        ratio = np.where(_dates_moved(flights), np.log(target / target_was(flights)), np.log(now / before))
        ratio = np.where(np.isfinite(ratio), ratio, 0.0)
        off = np.log(actual / target)
        return np.exp(np.abs(ratio)), ~np.isfinite(off) | (np.abs(off) < np.abs(off + ratio))  # where nothing is spent yet, nothing is contradicted


def edit_sentence(row: Row) -> str:
    """An edit of the plan against its earlier value."""
    factor, currency = row["budget_micros"] / row["budget_was_micros"], row["currency"]
    said = [f"budget was changed from {money(row['budget_was_micros'], currency)} to {money(row['budget_micros'], currency)} (x{factor:.3g})"] if factor != 1 else []
    moved = [(word, row[f"{name}_was"], row[f"{name}_date"]) for word, name in (("first day", "start"), ("last day", "end"))]
    said += [f"{word} was moved from {_dated(was)} to {_dated(now)}" for word, was, now in moved if was is not None and was != now]
    return f"The plan's {', its '.join(said)}, seen first on {moment_text(row['budget_changed_at'])}, and the spend still follows the earlier one."


def _dated(day: pd.Timestamp) -> str:
    return f"{day_text(day)} {day.year}"
