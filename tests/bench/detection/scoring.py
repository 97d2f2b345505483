"""Levels by flight and window, held against labels.

healthy flights   share of runs that are critical, and at warning or worse; share of flights with a critical one, and with one after 72 h; new criticals a
                  campaign-week; the same of steady flights
faults            a raise is a run at the wanted level after one below it, after the onset. never: no raise; in 24 h, in 72 h; chance: the same of the
                  unharmed twin of the flight; median hours to the raise
"""

from collections.abc import Iterator

import numpy as np
import numpy.typing as npt
import pandas as pd

Figures = dict[str, float]


def of_decisions(decisions: pd.DataFrame) -> pd.Series:
    """2: a person is asked at once (critical, or escalated); 1: a warning."""
    urgent = decisions["severity"].eq("critical") | decisions["lane"].eq("escalate")
    return pd.Series(np.where(urgent, 2, np.where(decisions["severity"].eq("warning"), 1, 0)), index=decisions.index)


def score(levels: pd.DataFrame, labels: pd.DataFrame, by: str | None = None) -> dict[str, Figures]:
    """Figures of the healthy, of the critical and the warning faults, and (`by` a column of the labels) of each of its values.

    Args:
        levels: flight_id, as_of, level.
        labels: flight_id, fault, severity, onset, steady, days, first_run, last_run, twin.
    """
    runs = {flight: rows.sort_values("as_of") for flight, rows in levels.groupby("flight_id")}
    healthy, faults = pd.DataFrame(_healthy(runs, labels)), pd.DataFrame(_faults(runs, labels))
    table = {"healthy": _rates(healthy), "steady": _rates(healthy[healthy["steady"]])}
    table |= {f"{severity} faults": _found(rows) for severity, rows in faults.groupby("severity")}
    return table | ({str(value): _found(rows) for value, rows in faults.groupby(by)} if by else {})


def _series(runs: dict[str, pd.DataFrame], flight: object, label: pd.Series) -> tuple[npt.NDArray[np.int64], npt.NDArray[np.float64]]:
    """(levels, hours since the first run, which is at 4 h) of a flight's own windows."""
    rows = runs.get(str(flight), pd.DataFrame({"as_of": pd.to_datetime([], utc=True), "level": np.array([], dtype="int64")}))
    rows = rows[rows["as_of"].between(label["first_run"], label["last_run"])]
    return rows["level"].to_numpy("int64"), ((rows["as_of"] - label["first_run"]) / pd.Timedelta(hours=1)).to_numpy("float64") + 4.0


def _healthy(runs: dict[str, pd.DataFrame], labels: pd.DataFrame) -> Iterator[dict[str, object]]:
    for _, label in labels[labels["fault"].eq("none")].iterrows():
        level, hours = _series(runs, label["flight_id"], label)
        bad = level == 2
        new = int((bad[1:] & ~bad[:-1]).sum()) + int(bad[:1].sum())
        yield {"steady": bool(label["steady"]), "critical_runs": bad.mean(), "warned_runs": (level > 0).mean(), "flights": bad.any(),
               "flights_after_72h": bad[hours > 72].any(), "new_a_week": new / (label["days"] / 7)}


def _faults(runs: dict[str, pd.DataFrame], labels: pd.DataFrame) -> Iterator[dict[str, object]]:
    for _, label in labels[labels["fault"].ne("none")].iterrows():
        onset = (label["onset"] - label["first_run"]) / pd.Timedelta(hours=1) + 4.0
        wanted = 1 if label["severity"] == "warning" else 2
        own, twin = (_raised(*_series(runs, flight, label), onset, wanted) for flight in (label["flight_id"], label["twin"]))
        yield {"severity": label["severity"], "fault": f"{label['fault']} {label['param']}", "hours": own, "chance": twin}


def _raised(level: npt.NDArray[np.int64], hours: npt.NDArray[np.float64], onset: float, wanted: int) -> float:
    high = level >= wanted
    new = np.flatnonzero(high & ~np.concatenate([[False], high[:-1]]) & (hours > onset))
    return float(hours[new[0]] - onset) if len(new) else float("nan")


def _rates(rows: pd.DataFrame) -> Figures:
    return {"n": len(rows)} | {name: float(rows[name].mean()) for name in ("critical_runs", "warned_runs", "flights", "flights_after_72h", "new_a_week")}


def _found(rows: pd.DataFrame) -> Figures:
    hours, chance = rows["hours"], rows["chance"]
    return {"n": len(rows), "never": float(hours.isna().mean()), "in_24h": float(hours.le(24).mean()), "in_72h": float(hours.le(72).mean()),
            "chance_72h": float(chance.le(72).mean()), "median_h": float(hours.median())}
