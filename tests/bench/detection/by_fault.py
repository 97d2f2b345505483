"""What became of each fault: never found, when, and how long after the first run whose data could show it.

`python tests/bench/detection/by_fault.py FOLDER_OF_DECISIONS LABELS.parquet`: decisions as `pacing backtest` writes them, one file a history.

A run shows a fault of the plan as soon as it begins, one of the spend from the first watermark after its onset on, and that nothing is delivered from the
first closed day without anything.
"""

import sys
from pathlib import Path

import pandas as pd

from tests.bench.detection.scoring import of_decisions

HOUR, DAY = pd.Timedelta(hours=1), pd.Timedelta(days=1)
READ = ["flight_id", "as_of", "severity", "lane", "watermark", "root_cause_code", "zero_delivery"]


def faults(decisions: pd.DataFrame, labels: pd.DataFrame) -> pd.DataFrame:
    """A row per fault that was decided: fault, hours (onset to the raise, null: never), after_visible (hours from the first run that shows it), code."""
    runs = {flight: rows.sort_values("as_of", ignore_index=True) for flight, rows in decisions.groupby("flight_id")}
    found = [_found(runs[label["flight_id"]], label) for _, label in labels[labels["fault"].ne("none")].iterrows() if label["flight_id"] in runs]
    return pd.DataFrame(found)


def _found(rows: pd.DataFrame, label: pd.Series) -> dict[str, object]:
    rows = rows[rows["as_of"].between(label["first_run"], label["last_run"])].reset_index(drop=True)
    high = of_decisions(rows).ge(1 if label["severity"] == "warning" else 2)
    raised = rows[high & ~high.shift(fill_value=False) & rows["as_of"].gt(label["onset"])]
    at = raised["as_of"].iloc[0] if len(raised) else pd.NaT
    shown = rows.loc[rows["as_of"].ge(label["onset"]) if label["fault"] == "tracker_typo" else rows["watermark"].ge(_shown(label)), "as_of"]
    visible = shown.iloc[0] if len(shown) else pd.NaT
    return {"flight_id": label["flight_id"], "fault": f"{label['fault']} {label['param']}", "severity": label["severity"], "hours": (at - label["onset"]) / HOUR,
            "after_visible": (at - visible) / HOUR, "visible": visible, "code": raised["root_cause_code"].iloc[0] if len(raised) else None}


def _shown(label: pd.Series) -> pd.Timestamp:
    return label["onset"].ceil("D") + DAY if label["fault"] == "zero_delivery" else label["onset"]


def table(found: pd.DataFrame) -> pd.DataFrame:
    """By fault: how many, never found, median hours, and of those that some run shows, how many were raised by the next run after it at the latest."""
    shown = found[found["visible"].notna()]
    by = shown.groupby(["severity", "fault"])
    return pd.DataFrame({"n": found.groupby(["severity", "fault"]).size(), "never": found.groupby(["severity", "fault"])["hours"].apply(lambda one: one.isna().sum()),
                         "median_h": found.groupby(["severity", "fault"])["hours"].median(), "shown": by.size(), "median_after_shown_h": by["after_visible"].median(),
                         "within_4h_of_shown": by["after_visible"].apply(lambda one: one.le(4).mean())})


if __name__ == "__main__":
    folder, known = Path(sys.argv[1]), pd.read_parquet(sys.argv[2])
    decided = pd.concat([pd.read_parquet(file, columns=READ) for file in sorted(folder.glob("*.parquet"))], ignore_index=True)
    every = faults(decided, known)
    print(table(every).round(2).to_string())
    healthy = decided[decided["flight_id"].isin(known.loc[known["fault"].eq("none"), "flight_id"]) & decided["zero_delivery"]]
    print(f"healthy flights called silent or stopped: {healthy['flight_id'].nunique()}")
    late = every[every["fault"].str.startswith("zero") & ~every["after_visible"].le(4) & every["visible"].notna()]
    print("zero delivery that was shown and not raised by the next run:", late[["flight_id", "hours", "after_visible"]].values.tolist())
