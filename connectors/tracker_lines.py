"""Rules of a line of the plan: its rows agree, no campaign stands in it twice, and it is paced whole or not at all."""

import pandas as pd

from connectors.tracker_faults import Faults

AGREEING = {"budget_micros": "budget", "currency": "currency", "start_date": "start_date", "end_date": "end_date", "curve": "curve",
            "curve_pct": "curve", "gross_micros": "cost_basis", "fee_pct": "fee_pct", "target_to_date_micros": "target_to_date",
            "cycle_day": "cycle", "daily": "budget_type", "rollover_cap_pct": "rollover_cap_pct",
            "pause_from": "pause_from", "pause_to": "pause_to"}  # fmt: skip


def check_lines(plan: pd.DataFrame, cells: pd.DataFrame, faults: Faults) -> None:
    """Notes every fault of a line on all of its rows."""
    line = plan["flight_id"]
    several = plan[line.notna() & line.duplicated(keep=False)]
    if several.empty:
        return
    given = cells["flight_id"].reindex(several.index).ne("")
    _twice(several, given, faults)
    _agree(several[given], faults)
    _whole(several[given], faults)


def _twice(several: pd.DataFrame, given: pd.Series, faults: Faults) -> None:
    """The same campaign in two rows of a line: which of them is meant cannot be known."""
    key = [several["flight_id"], several["platform"].fillna(""), several["account_id"].fillna("").where(given, ""),
           several["campaign_id"].fillna(several["campaign_name"]).fillna("")]  # fmt: skip
    for _, rows in several.groupby(key, sort=True):
        if len(rows) > 1:
            for row in rows.index:
                faults.of_row(row, "campaign_id" if pd.notna(rows.loc[row, "campaign_id"]) else "campaign_name",
                              f"{_listed(rows.index)} plan the same campaign from the same day: remove one, or give each its own flight_id")  # fmt: skip


def _agree(lines: pd.DataFrame, faults: Faults) -> None:
    for column, meaning in AGREEING.items():
        differs = lines.groupby("flight_id")[column].transform("nunique").gt(1)
        for flight_id, rows in lines[differs].groupby("flight_id"):
            for row in rows.index:
                faults.of_row(row, meaning, f"{_listed(rows.index)} are one line ({flight_id}) but differ in {meaning}: make them agree")


def _whole(lines: pd.DataFrame, faults: Faults) -> None:
    """A line that lost a row would be paced against part of its spend: its other rows wait with it."""
    bad = lines.index.isin(faults.rows)
    for flight_id, rows in lines.groupby("flight_id"):
        lost = rows.index[bad[lines.index.get_indexer(rows.index)]]
        for row in rows.index.difference(lost) if len(lost) else ():
            faults.of_row(row, "flight_id", f"{_listed(lost)} of the same line ({flight_id}) cannot be used: mend that first")


def _listed(rows: pd.Index) -> str:
    numbers = [str(row) for row in sorted(rows)]
    return f"row {numbers[0]}" if len(numbers) == 1 else f"rows {', '.join(numbers[:-1])} and {numbers[-1]}"
