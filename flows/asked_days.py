"""Which days of spend a run asks for."""

from datetime import datetime, timedelta

import numpy as np
import pandas as pd

from pacing_brain.context import not_final_from
from pacing_brain.policy import Policy

LOOK_BACK_DAYS = 14  # history before a flight, for the cause of things
LONGEST_DAYS = 400
MONTH_DAYS = 31  # a month that hands on what it left is read as long as the next one lasts


def days_to_read(targets: pd.DataFrame, as_of: datetime, policy: Policy) -> tuple[datetime, datetime]:
    """First and last day to ask for: from two weeks before the earliest flight that is not final yet, or whose rest may roll over, to the last day that any zone is in."""
    today = datetime(as_of.year, as_of.month, as_of.day, tzinfo=as_of.tzinfo)
    start, end = targets["start_date"].to_numpy(), targets["end_date"].to_numpy()
    rolls_over = np.where(np.isnan(targets["rollover_cap_pct"].to_numpy()), np.timedelta64(0, "D"), np.timedelta64(MONTH_DAYS, "D"))
    read = (start <= np.datetime64(today.replace(tzinfo=None))) & (end >= not_final_from(as_of, policy) - rolls_over)
    first = pd.Timestamp(start[read].min()).to_pydatetime().replace(tzinfo=as_of.tzinfo) if read.any() else today
    earliest = max(first - timedelta(days=LOOK_BACK_DAYS), today - timedelta(days=LONGEST_DAYS))
    return earliest, today + timedelta(days=1)
