"""The charts of flights, from the days that the record holds: the plan by its own curve, spend day by day. Pure."""

from collections.abc import Iterator

import pandas as pd

from notifiers.charts import Chart, Point
from pacing_brain import curves, zones
from pacing_brain.policy import Policy

FORECAST = ["forecast_micros", "forecast_lo_micros", "forecast_hi_micros"]
STEPS = 16  # points of a curve that is not a straight line


def charts(flights: pd.DataFrame, days: pd.DataFrame, policy: Policy) -> dict[str, Chart]:
    """flight_id -> chart, for the flights whose plan can be drawn. The plan at "complete to" is `target_micros`, spend there is `actual_micros`."""
    flights = flights[flights["account_timezone"].notna() & flights["target_micros"].notna()].reset_index(drop=True)
    if flights.empty:
        return {}
    x, y = curves.Plans.of(flights).elapsed(flights["watermark"].to_numpy(zones.DAY))
    complete = [float(part) / float(whole) for part, whole in zip(x, y, strict=True)]
    bands, plans, spent = policy.resolve(flights), _plans(flights, complete), _by_flight(days[days["flight_id"].isin(flights["flight_id"])])
    forecasts = _forecasts(flights)
    made = {}
    for at, row in enumerate(flights[["flight_id", "start_date", "end_date", "currency", "actual_micros"]].itertuples(index=False)):
        length = (row.end_date - row.start_date).days + 1
        line, later = _spent(spent.get(row.flight_id, []), row.start_date, length, complete[at])
        known = not pd.isna(row.actual_micros)
        made[row.flight_id] = Chart(
            row.start_date.date(), row.end_date.date(), row.currency, plans[at], line if known else (), later if known else (), complete[at],
            float(bands["variance_warning_pct"].iloc[at]), float(bands["variance_critical_pct"].iloc[at]), forecasts[at])
    return made


def _forecasts(flights: pd.DataFrame) -> list[tuple[int, int, int] | None]:
    """(expected, low, high) at each flight's end, where the decision has a forecast."""
    if not set(FORECAST) <= set(flights.columns):
        return [None] * len(flights)
    return [None if any(pd.isna(value) for value in row) else (int(row[0]), int(row[1]), int(row[2]))
            for row in flights[FORECAST].itertuples(index=False, name=None)]


def _plans(flights: pd.DataFrame, complete: list[float]) -> list[tuple[Point, ...]]:
    """Each flight's plan: (0, 0), where it is at "complete to", its end, and what lies between where it is no straight line."""
    ends = flights["budget_micros"].astype("int64").tolist()
    targets = flights["target_micros"].astype("int64").tolist()
    plans: list[dict[float, int]] = [{0.0: 0, now: target, 1.0: end} for now, target, end in zip(complete, targets, ends, strict=True)]
    bent = flights[flights["curve"].ne("even") | flights["target_to_date_micros"].notna()]
    length = (bent["end_date"] - bent["start_date"]).dt.days + 1
    for step in range(STEPS + 1) if len(bent) else ():
        day = length * step // STEPS
        instants = zones.midnights(bent["start_date"] + pd.to_timedelta(day, unit="D"), bent["account_timezone"])
        for at, share, micros in zip(bent.index, day / length, curves.planned_micros(bent, instants), strict=True):
            if not pd.isna(micros):
                plans[at].setdefault(float(share), int(micros))
                plans[at][float(share)] = int(micros) if share != complete[at] else targets[at]
    return [tuple(sorted(plan.items())) for plan in plans]


def _by_flight(days: pd.DataFrame) -> dict[str, list[tuple[pd.Timestamp, str, int]]]:
    """flight_id -> (day, bucket, micros) in order; the campaigns of a line added up."""
    own = days[days["bucket"].isin(["matched", "after_watermark"]) & days["flight_id"].notna() & days["spend_micros"].notna()]
    sums = own.groupby(["flight_id", "day", "bucket"], as_index=False, observed=True)["spend_micros"].sum()
    found: dict[str, list[tuple[pd.Timestamp, str, int]]] = {}
    for flight, day, bucket, micros in sums.sort_values(["flight_id", "day"]).itertuples(index=False, name=None):
        found.setdefault(flight, []).append((day, bucket, int(micros)))
    return found


def _spent(rows: list[tuple[pd.Timestamp, str, int]], start: pd.Timestamp, length: int, complete: float) -> tuple[tuple[Point, ...], tuple[Point, ...]]:
    """(spent up to "complete to", what was reported after it), both running sums. A day without a row is a level stretch."""
    judged = [(day, micros) for day, bucket, micros in rows if bucket == "matched"]
    line = [(min(x, complete), y) for x, y in _steps(judged, start, length, 0)]
    total = line[-1][1] if line else 0
    spent = (0.0, 0), *line, (complete, total)
    after = [(day, micros) for day, bucket, micros in rows if bucket == "after_watermark"]
    later = [(max(x, complete), y) for x, y in _steps(after, start, length, total)]
    return spent, ((complete, total), *later) if later else ()


def _steps(rows: list[tuple[pd.Timestamp, int]], start: pd.Timestamp, length: int, total: int) -> Iterator[Point]:
    previous = 0
    for day, micros in rows:
        number = (day - start).days
        if number > previous:
            yield number / length, total
        total += micros
        previous = number + 1
        yield previous / length, total
