"""Budgets that several rows share, budgets that are parts of another, planned gaps and what a month hands on.

budget_group        rows that name the same group are one line: one budget for all their campaigns, on whatever platforms, counted once
parent_flight_id    the row's budget is a part of that line's. The parent is no campaign: it is held against the sum of its parts and not paced itself
pause_from, pause_to    first and last day of a gap in which nothing is planned; one of them alone is a fault
rollover_cap_pct    with cycle: most percent of a month's budget that its unspent rest adds to the next month's
"""

from collections.abc import Callable

import pandas as pd

from connectors.tracker_faults import Faults
from connectors.tracker_values import Read, read_percents

MILLIONTHS = 1_000_000


def grouped(cells: pd.DataFrame, faults: Faults) -> pd.DataFrame:
    """The rows of a budget group as one line that bears the group's name."""
    group = cells["budget_group"]
    named = group.ne("")
    if not named.any():
        return cells
    taken = named & group.isin(cells.loc[~named, "flight_id"])
    faults.where(taken, "budget_group", "is the flight_id of another line too: give the group a name of its own")
    faults.where(named & cells["parent_flight_id"].ne(""), "parent_flight_id", "cannot stand beside budget_group: the group's budget is one, and has no parts")
    return cells.assign(flight_id=cells["flight_id"].mask(named, group))


def is_parent(cells: pd.DataFrame) -> pd.Series:
    """Rows that another row names as the line that its budget is a part of."""
    return cells["flight_id"].ne("") & cells["flight_id"].isin(cells.loc[cells["parent_flight_id"].ne(""), "parent_flight_id"])


def read_gaps(plan: pd.DataFrame, cells: pd.DataFrame, faults: Faults, days: Callable[[pd.Series], Read]) -> None:
    """Planned gaps: inside the flight, and not all of it."""
    if (cells["pause_from"].eq("") & cells["pause_to"].eq("")).all():
        plan["pause_from"] = plan["pause_to"] = pd.Series(pd.NaT, index=plan.index, dtype="datetime64[us]")
        return
    for name in ("pause_from", "pause_to"):
        plan[name], reasons = days(cells[name])
        faults.note(name, reasons)
    half = cells["pause_from"].ne("") ^ cells["pause_to"].ne("")
    for name in ("pause_from", "pause_to"):
        faults.where(half & cells[name].ne(""), name, "stands alone: a gap has a first and a last day, pause_from and pause_to")
    faults.where(plan["pause_from"].lt(plan["start_date"]).fillna(value=False), "pause_from", "lies before the flight: mend one of the dates")
    faults.where(plan["pause_to"].gt(plan["end_date"]).fillna(value=False), "pause_to", "lies after the flight: mend one of the dates")
    faults.where(plan["pause_to"].lt(plan["pause_from"]).fillna(value=False), "pause_to", "lies before pause_from: mend one of them")
    whole = plan["pause_from"].le(plan["start_date"]) & plan["pause_to"].ge(plan["end_date"])
    faults.where(whole.fillna(value=False), "pause_from", "and pause_to take the whole flight: take the line out of the plan")
    faults.where(plan["cycle_day"].notna() & cells["pause_from"].ne(""), "pause_from", "cannot stand beside a cycle: write that month as a line of its own")


def read_rollover(plan: pd.DataFrame, cells: pd.DataFrame, faults: Faults) -> None:
    share, reasons = read_percents(cells["rollover_cap_pct"])
    faults.note("rollover_cap_pct", reasons)
    plan["rollover_cap_pct"] = share.astype("float64") / MILLIONTHS
    faults.where(cells["rollover_cap_pct"].ne("") & plan["cycle_day"].isna(), "rollover_cap_pct", "needs a cycle: only a month can hand on to the next")


def check_parents(plan: pd.DataFrame, faults: Faults) -> None:
    """The parts of a budget add up to it, in its currency and within its days."""
    if plan["parent_flight_id"].isna().all():
        return
    parents = plan[plan["is_parent"]].drop_duplicates("flight_id").set_index("flight_id")
    parts = plan[plan["parent_flight_id"].notna()]
    faults.where(plan["parent_flight_id"].notna() & ~plan["parent_flight_id"].isin(parents.index), "parent_flight_id", "is no line of this plan: mend it, or add the line")
    faults.where(plan["is_parent"] & plan["campaign_id"].notna(), "campaign_id", "stands in a line that has parts: only the parts are campaigns")
    for name, children in parts[parts["parent_flight_id"].isin(parents.index)].groupby("parent_flight_id"):
        parent = parents.loc[name]
        for row, child in children.iterrows():
            if child["currency"] != parent["currency"]:
                faults.of_row(row, "currency", f"{child['currency']} is not {parent['currency']}, that of the line it is a part of ({name}): mend one of them")
            elif child["start_date"] < parent["start_date"] or child["end_date"] > parent["end_date"]:
                faults.of_row(row, "start_date", f"the days of this part lie outside those of its line ({name}): mend one of them")
        added, whole = children.drop_duplicates("flight_id")["budget_micros"].sum(), parent["budget_micros"]
        if pd.notna(whole) and children["budget_micros"].notna().all() and added != whole:
            more = "more" if added > whole else "less"
            faults.of_row(parent["row"], "budget", f"the parts of {name} add up to {_amount(added)}, {_amount(abs(added - whole))} {more} than its {_amount(whole)}: mend one of them. The parts are paced all the same")


def _amount(micros: int) -> str:
    return f"{micros / MILLIONTHS:,.2f}"
