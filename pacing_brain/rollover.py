"""What a month of a cycle left unspent goes over to the next one, up to a cap.

    rolled(k) = min(cap % of budget(k), max(0, budget(k - 1) - spent(k - 1)))

budget(k - 1) is that month's own, without what was rolled over to it: money rolls over once. It counts from the day on which the next month begins.
"""

from datetime import datetime

import pandas as pd

from pacing_brain.days import number


def roll(flights: pd.DataFrame, days: pd.DataFrame, days_from: datetime | None) -> pd.DataFrame:
    """The flights with `rolled_micros` (null before), which their budget then holds.

    A flight follows another when both are months of one row of the plan (`<flight_id>@<first day>`) and its first day is the day after the other's last.
    days_from: the first day whose spend was read; a month that began before it is not known whole, and nothing is rolled over from it.
    """
    rolls = flights["rollover_cap_pct"].notna()
    if not rolls.any():
        return flights
    months = flights[rolls]
    line = months["flight_id"].str.rpartition("@")[0]
    spent = days.loc[days["bucket"].isin(["matched", "after_watermark"]), ["flight_id", "spend_micros"]].groupby("flight_id")["spend_micros"].sum()
    read = True if days_from is None else months["start_date"].ge(pd.Timestamp(days_from).tz_localize(None)).to_numpy()
    before = pd.DataFrame({"line": line, "day": number(months["end_date"]) + 1, "matched": months["match_kind"].isin(["id", "alias", "name"]).to_numpy() & read,
                           "left": (months["budget_micros"].astype("int64") - months["flight_id"].map(spent).fillna(0).astype("int64")).clip(lower=0)})
    here = pd.DataFrame({"line": line, "day": number(months["start_date"])}).merge(before[before["matched"]], on=["line", "day"], how="left").set_index(months.index)
    most = (months["budget_micros"].astype("float64") * months["rollover_cap_pct"] / 100.0).round().astype("int64")
    rolled = here["left"].fillna(0).astype("int64").clip(upper=most).reindex(flights.index)
    return flights.assign(rolled_micros=rolled.astype("Int64"), budget_micros=flights["budget_micros"].astype("int64") + rolled.fillna(0).astype("int64"))
