"""Budgets that are written for a day or for a month: what they are for the whole flight, and the flights of a monthly cycle.

budget_type = daily     the budget is a day's; the flight's is that times its days
cycle = monthly:DAY     the budget is a month's, each month beginning on DAY (in shorter months on their last day). The row becomes one flight per
                        month, named `<flight_id>@<its first day>`; a month that the row's dates cut short has its share by days
"""

import re
from collections.abc import Iterator
from datetime import timedelta
from fractions import Fraction
from typing import Any

import pandas as pd

from connectors.tracker_values import Read

CYCLE = re.compile(r"monthly(?:\s*:\s*(\d{1,2}))?")
DAILY, TOTAL = ("daily", "per day"), ("", "total", "lifetime")
AMOUNTS = ["budget_micros", "gross_micros"]
READ = ["flight_id", "start_date", "end_date", "cycle_day", "daily", *AMOUNTS]


def read_cycles(texts: pd.Series) -> Read:
    """The day on which a month begins, null where there is no cycle."""
    found = texts.str.casefold().str.fullmatch(CYCLE)
    day = pd.to_numeric(texts.str.casefold().str.extract(CYCLE)[0]).fillna(1).astype("Int64")
    good = found & day.between(1, 31)
    bad = ~good & ~texts.str.casefold().isin(["", "none"])
    return day.where(good), pd.Series("is no cycle: write none or monthly:DAY, with a day of 1 to 31", index=texts.index[bad], dtype=object)


def read_budget_types(texts: pd.Series) -> Read:
    """Whether the budget is a day's."""
    kind = texts.str.casefold()
    bad = ~kind.isin([*DAILY, *TOTAL])
    return kind.isin(DAILY), pd.Series("is no type of budget: write total or daily", index=texts.index[bad], dtype=object)


def of_whole_flight(amounts: pd.Series, plan: pd.DataFrame) -> pd.Series:
    """Amounts of a day times the days of their flight, where the budget is daily."""
    days = ((plan["end_date"] - plan["start_date"]).dt.days + 1).astype("Int64")
    return amounts.mask(plan["daily"], amounts * days)


def in_cycles(plan: pd.DataFrame) -> pd.DataFrame:
    """The plan with each row of a monthly cycle as one row per month."""
    if not plan["cycle_day"].notna().any():
        return plan
    parts = [(at, part) for at, row in enumerate(plan[READ].to_dict("records")) for part in (_months(row) if pd.notna(row["cycle_day"]) else [row])]
    repeated, changed = plan.iloc[[at for at, _ in parts]], [part for _, part in parts]
    return repeated.assign(**{name: pd.array([part[name] for part in changed], dtype=plan[name].dtype) for name in READ})


def _months(row: dict[str, Any]) -> Iterator[dict[str, Any]]:
    first = row["start_date"]
    whole_flight = (row["end_date"] - first).days + 1
    while first <= row["end_date"]:
        begun, following = _month(first, int(row["cycle_day"]))
        last = min(following - timedelta(days=1), row["end_date"])
        share = Fraction((last - first).days + 1, whole_flight if row["daily"] else (following - begun).days)
        amounts = {name: row[name] if pd.isna(row[name]) else round(int(row[name]) * share) for name in AMOUNTS}  # round: half-even
        yield row | amounts | {"flight_id": f"{row['flight_id']}@{first:%Y-%m-%d}", "start_date": first, "end_date": last}
        first = following


def _month(day: pd.Timestamp, begins: int) -> tuple[pd.Timestamp, pd.Timestamp]:
    """(first day of the cycle that a day lies in, first day of the next)."""
    start = _begin(day.year, day.month, begins)
    if day < start:
        before = day.replace(day=1) - timedelta(days=1)
        return _begin(before.year, before.month, begins), start
    after = day.replace(day=28) + timedelta(days=4)
    return start, _begin(after.year, after.month, begins)


def _begin(year: int, month: int, day: int) -> pd.Timestamp:
    return pd.Timestamp(year, month, min(day, pd.Timestamp(year, month, 1).days_in_month))
