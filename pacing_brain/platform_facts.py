"""What the platform's own rows say about a flight's campaign: currencies, market, product, dates, daily budget."""

import numpy as np
import pandas as pd

from pacing_brain import days as calendar
from pacing_brain.roster import Codes

NEWEST = {"market": "platform_market", "product": "platform_product", "start_date": "platform_start", "end_date": "platform_end"}


def columns(flights: pd.DataFrame, rows: pd.DataFrame, flight: Codes, day: Codes) -> dict[str, pd.Series]:
    """Columns for flights 0..n-1 from their rows (`flight` = position, `day` = day number of each row)."""
    n = len(flights)
    result = {"feed_currencies": _currencies(n, rows["currency"], flight)}
    newest = _newest_rows(n, rows, flight, day)
    at = np.full(n, -1)
    at[newest.index] = np.arange(len(newest))
    for source, column in NEWEST.items():
        said = pd.Series(newest[source].array.take(at, allow_fill=True))
        # A flight without rows yet is described by its campaign's newest row.
        result[column] = said if (at >= 0).all() else said.where(at >= 0, flights.get(column))
    result |= _daily_budget(flights, rows, flight, day)
    lines = flights.index[flights["campaigns"].notna()]
    return _lines(result, lines, rows, flight) if len(lines) else result


def _currencies(n: int, currency: pd.Series, flight: Codes) -> pd.Series:
    """Every currency of the flight's rows, sorted, comma separated; empty without rows."""
    codes, distinct = pd.factorize(currency, sort=True)
    pairs = np.unique(flight * (len(distinct) + 1) + codes)
    owner, which = np.divmod(pairs, len(distinct) + 1)
    words = np.append(distinct.to_numpy(dtype=object), "")[which] if len(pairs) else np.empty(0, dtype=object)
    result = np.full(n, "", dtype=object)
    single = np.bincount(owner, minlength=n)[owner] == 1
    result[owner[single]] = words[single]
    for position in np.unique(owner[~single]):
        result[position] = ",".join(words[owner == position])
    return pd.Series(result, dtype="str")


def _newest_rows(n: int, rows: pd.DataFrame, flight: Codes, day: Codes) -> pd.DataFrame:
    """Of each flight the row of its newest day; of several the first in the order of their values, so that row order says nothing."""
    last = np.full(n, -1)
    np.maximum.at(last, flight, day)
    newest = rows.loc[day == last[flight], list(NEWEST)].assign(flight=flight[day == last[flight]])
    if newest["flight"].duplicated().any():
        newest = newest.sort_values(["flight", *NEWEST]).drop_duplicates("flight")
    return newest.set_index("flight")


def _daily_budget(flights: pd.DataFrame, rows: pd.DataFrame, flight: Codes, day: Codes) -> dict[str, pd.Series]:
    """The newest daily budget, the one before its last change and the first day of the newest; of a line over several campaigns unknown."""
    n = len(flights)
    mine = np.flatnonzero(rows["daily_budget_micros"].notna().to_numpy() & flights["campaigns"].isna().to_numpy()[flight])
    mine = mine[np.lexsort((rows["daily_budget_micros"].iloc[mine].to_numpy(dtype=np.int64), day[mine], flight[mine]))]
    micros, owner, days = rows["daily_budget_micros"].iloc[mine].to_numpy(dtype=np.int64), flight[mine], day[mine]
    position = np.arange(len(mine))
    last, other = np.full(n, -1), np.full(n, -1)
    np.maximum.at(last, owner, position)
    differs = micros != micros[last[owner]]
    np.maximum.at(other, owner[differs], position[differs])
    changed = other >= 0
    since = np.append(days, 1)[np.minimum(other + 1, len(days))]
    return {"daily_budget_micros": pd.Series(pd.arrays.IntegerArray(np.append(micros, 0)[last], last < 0)),
            "daily_budget_before_micros": pd.Series(pd.arrays.IntegerArray(np.append(micros, 0)[other], ~changed)),
            "daily_budget_changed_day": calendar.days(since).where(changed)}


def _lines(result: dict[str, pd.Series], lines: pd.Index, rows: pd.DataFrame, flight: Codes) -> dict[str, pd.Series]:
    """A line over several campaigns: every market and product they have; dates that hold for all of them."""
    mine = np.isin(flight, lines)
    groups = rows.loc[mine, ["campaign_key", "day", *NEWEST]].assign(flight=flight[mine])
    newest = groups.sort_values(["flight", "campaign_key", "day", *NEWEST]).drop_duplicates(["flight", "campaign_key"], keep="last").groupby("flight")
    for source, column in NEWEST.items():
        if source in ("market", "product"):
            together = newest[source].agg(lambda values: ", ".join(sorted(values.dropna().unique())) or None)
        else:
            together = newest[source].max() if source == "start_date" else newest[source].min()
        result[column] = result[column].where(~result[column].index.isin(together.index), together.reindex(result[column].index))
    return result
