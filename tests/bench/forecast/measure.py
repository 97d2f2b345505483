"""The forecast against what flights spent in the end, on a labelled history: `python tests/bench/forecast/measure.py DIR`. See README.md."""

import sys
from pathlib import Path
from typing import TYPE_CHECKING, cast

import numpy as np
import pandas as pd

from pacing_brain import frames, nodes
from pacing_brain.brain import PacingBrain
from pacing_brain.model import Inputs, RunContext
from pacing_brain.policy import Policy

if TYPE_CHECKING:
    from pacing_brain.nodes import Cohort

SHARES = (0.25, 0.5, 0.75)
LAST_DAY_SEEN = {"google": 0.885, "meta": 0.65}  # of the last day, when its flight has just ended; else a day counts as the mean of the week before
INTERVALS = {"80": "", "50": "50", "95": "95"}


def seen(slice_: dict[str, pd.DataFrame], flights: pd.DataFrame, as_of: pd.Timestamp) -> Inputs:
    """What a run at an instant would have gathered of these flights."""
    plan = slice_["tracker"][slice_["tracker"]["valid_from"].le(as_of) & slice_["tracker"]["flight_id"].isin(flights["flight_id"])]
    plan = plan.sort_values("valid_from").drop_duplicates("flight_id", keep="last").reset_index(drop=True)
    spend = slice_["spend"][slice_["spend"]["seen_at"].le(as_of) & slice_["spend"]["campaign_id"].isin(plan["campaign_id"])]
    spend = spend.sort_values("seen_at").drop_duplicates(["account_id", "campaign_id", "day", "copy"], keep="last")
    loads = slice_["loads"][slice_["loads"]["seen_at"].le(as_of) & slice_["loads"]["account_id"].isin(plan["account_id"])]
    loads = loads.sort_values("seen_at").drop_duplicates("account_id", keep="last")
    at = as_of.to_pydatetime()
    return Inputs(
        run=RunContext(run_id="measure", as_of=at, window=at), policy=Policy(), memory=frames.MEMORY.empty(), patterns=frames.PATTERNS.empty(),
        targets=frames.TARGETS.check(days_of(plan).assign(row=range(2, len(plan) + 2), budget_micros=(plan["budget"].astype(float) * 1e6).round())),
        spend=frames.SPEND.check(days_of(spend[spend["spend_micros"].notna()]).assign(n_rows=1)),
        loads=frames.LOADS.check(loads.assign(platform=None, from_rows=False)), campaigns=frames.CAMPAIGNS.empty(), totals=frames.TOTALS.empty())


def days_of(table: pd.DataFrame) -> pd.DataFrame:
    return table.assign(**{name: pd.to_datetime(table[name]) for name in ("start_date", "end_date", "day") if name in table})


def forecasts(inputs: Inputs) -> tuple[pd.DataFrame, pd.DataFrame]:
    """(flights with their forecast, their days), by the brain's own nodes."""
    cohort = PacingBrain.silent().cohort(inputs, with_closed=True)
    for node in (nodes.sum_days, nodes.judge_variance, nodes.forecast_landing):
        cohort = cohort | cast("Cohort", node(cohort))
    return cohort["flights"], cohort["days"]


def outcome(slice_: dict[str, pd.DataFrame], flight: pd.Series) -> float:
    """Spent at the end; the last day, which is not all reported yet, is completed."""
    own = slice_["spend"][slice_["spend"]["campaign_id"].eq(flight["campaign_id"]) & slice_["spend"]["copy"].eq(0)].sort_values("seen_at")
    last = own.drop_duplicates("day", keep="last").assign(day=lambda rows: pd.to_datetime(rows["day"])).set_index("day")["spend_micros"].fillna(0)
    daily = last.reindex(pd.date_range(flight["start_date"], flight["end_date"])).fillna(0).to_numpy(float)
    part = LAST_DAY_SEEN.get(flight["platform"])
    return float(daily[:-1].sum() + (daily[-1] / part if part else daily[-8:-1].mean()))


def last_seven(flight: pd.Series, days: pd.DataFrame) -> float:
    """The forecast of most tools: what is spent, and the mean of the last seven closed days for each day that is left."""
    own = days[days["campaign_key"].eq(flight["campaign_key"]) & days["day"].le(flight["closed_day"] if pd.notna(flight["closed_day"]) else flight["start_date"] - pd.Timedelta(days=1))]
    closed = flight["closed_day"] if pd.notna(flight["closed_day"]) else flight["start_date"] - pd.Timedelta(days=1)
    recent = own.loc[own["day"].gt(closed - pd.Timedelta(days=7)), "spend_micros"].sum() / 7
    return float(flight["actual_micros"] + recent * ((flight["day_end"] - flight["watermark"]) / pd.Timedelta(days=1)))


def measured(root: Path) -> pd.DataFrame:
    """One row per healthy flight and point."""
    labels = pd.read_parquet(root / "labels.parquet")
    rows = []
    for number, mine in labels[labels["fault"].eq("none")].groupby("slice"):
        slice_ = {name: pd.read_parquet(root / f"slice-{number:02d}" / f"{name}.parquet") for name in ("tracker", "spend", "loads")}
        begun = mine["first_run"].dt.normalize()
        for share in SHARES:
            points = (begun + pd.to_timedelta(mine["days"] * share, unit="D")).dt.floor("4h")
            for as_of, flights in mine.groupby(points):
                told, days = forecasts(seen(slice_, flights, as_of))
                rows += [flight.to_dict() | {"share": share, "outcome": outcome(slice_, flight), "plain": last_seven(flight, days)} for _, flight in told.iterrows()]
    return pd.DataFrame(rows)


def main() -> None:
    table = measured(Path(sys.argv[1]))
    for share, rows in [*table.groupby("share"), ("all", table)]:
        end = rows["outcome"]
        error, plain = (rows["forecast_micros"].astype(float) - end).abs() / end, (rows["plain"] - end) / end
        held = {name: (end.ge(rows[f"forecast_lo{key}_micros"].astype(float)) & end.le(rows[f"forecast_hi{key}_micros"].astype(float))).mean()
                for name, key in INTERVALS.items()}
        width = ((rows["forecast_hi_micros"] - rows["forecast_lo_micros"]).astype(float) / end).mean()
        print(f"{share}: n {len(rows)}, median error {error.median():.3f} (last 7 days {plain.abs().median():.3f}), width {width:.3f} "
              f"({np.subtract(*np.quantile(plain, [0.9, 0.1])):.3f}), held " + ", ".join(f"{name} % {share_held:.3f}" for name, share_held in held.items()))


if __name__ == "__main__":
    main()
