"""The last days of each flight's campaigns as a matrix, history from before the flight included: what a rate is read from."""

from dataclasses import dataclass

import numpy as np
import pandas as pd

from pacing_brain.days import number
from pacing_brain.roster import Codes, positions
from pacing_brain.spend_rate import HISTORY_DAYS, Floats

_THURSDAY, _YEAR_ONE = 3, 719_162  # 1 January 1970, and its number in `days.number`


@dataclass(frozen=True)
class SpendDays:
    """micros: (n, HISTORY_DAYS), the last closed day last, NaN where unknown. weekday: of that day, Monday 0."""

    micros: Floats
    weekday: Codes


def history(flights: pd.DataFrame, days: pd.DataFrame, closed: Codes) -> SpendDays:
    """Each flight's campaigns day by day, up to its last closed account day.

    A day without a row is 0 from the flight's start on, and from the campaign's first row on; before that it is not known. A quarantined row
    makes its day unknown, and so does a credit that is more than the day's spend: it says nothing about the rate.

    Args:
        flights: flight_id, campaign_key, campaigns and start_date.
        days: the cohort's spend rows with campaign_key, flight_id and bucket.
        closed: each flight's last closed day, as `days.number` counts.
    """
    matrix = np.zeros((len(flights), HISTORY_DAYS))
    code, pair_flight, first_pair, pairs = _campaigns(flights, days)
    rows = np.flatnonzero(code >= 0)
    each = pairs[code[rows]]
    row = np.repeat(rows, each)
    flight = pair_flight[np.repeat(first_pair[code[rows]], each) + np.arange(len(row)) - np.repeat(np.cumsum(each) - each, each)]
    day = number(days["day"])[row]
    earliest = np.minimum(number(flights["start_date"]), closed + 1)
    np.minimum.at(earliest, flight, day)
    age = closed[flight] - day
    inside = (age >= 0) & (age < HISTORY_DAYS)
    flight, row, column = flight[inside], row[inside], HISTORY_DAYS - 1 - age[inside]
    np.add.at(matrix, (flight, column), days["spend_micros"].to_numpy("float64", na_value=0)[row])
    matrix[matrix < 0] = np.nan
    bad = np.asarray(days["bucket"].array == "quarantined")[row]
    matrix[flight[bad], column[bad]] = np.nan
    matrix[closed[:, None] - np.arange(HISTORY_DAYS)[::-1][None, :] < earliest[:, None]] = np.nan
    return SpendDays(matrix, (closed - _YEAR_ONE + _THURSDAY) % 7)


def _campaigns(flights: pd.DataFrame, days: pd.DataFrame) -> tuple[Codes, Codes, Codes, Codes]:
    """(campaign of each row or -1, flights by campaign, where a campaign's flights begin in them, how many they are)."""
    keys = flights["campaign_key"].to_numpy(dtype=object)
    at = np.flatnonzero(~flights["campaign_key"].array.isna())
    lines = [(position, one["campaign_key"]) for position, several in enumerate(flights["campaigns"]) if isinstance(several, list)
             for one in several if one["campaign_key"] is not None]
    flight = np.concatenate([at, np.array([position for position, _ in lines], dtype=np.int64)])
    codes, named = pd.factorize(np.array([*keys[at], *(key for _, key in lines)], dtype=object))
    order = np.lexsort((flight, codes))
    pairs = np.bincount(codes, minlength=len(named))
    return positions(days["campaign_key"], pd.Index(named)), flight[order], np.cumsum(pairs) - pairs, pairs
