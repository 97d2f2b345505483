"""What the platform's own rows say about a flight's campaign: currencies, market, product, dates, daily budget."""

from dataclasses import dataclass
from typing import Any, TypeAlias

import numpy as np
import numpy.typing as npt
import pandas as pd
from pandas.api.extensions import ExtensionArray

from pacing_brain import days as calendar
from pacing_brain.roster import Codes

NEWEST = {"market": "platform_market", "product": "platform_product", "start_date": "platform_start", "end_date": "platform_end"}
Column: TypeAlias = npt.NDArray[Any] | ExtensionArray


@dataclass(frozen=True)
class OwnRows:
    """The rows of days that belong to a flight; `flight` is its position, `day` the day's number, `place` where the row stands in `days`."""

    flight: Codes
    day: Codes
    place: Codes
    days: pd.DataFrame

    def column(self, name: str) -> ExtensionArray:
        column = self.days[name].array
        return column if len(self.place) == len(column) else column.take(self.place)


def columns(flights: pd.DataFrame, rows: OwnRows) -> dict[str, Column]:
    """Columns for flights 0..n-1 from their rows."""
    newest, result = _newest_rows(len(flights), rows), {"feed_currencies": _currencies(len(flights), rows)}
    for source, column in NEWEST.items():
        result[column] = rows.days[source].array.take(newest, allow_fill=True)
        if column in flights and (newest < 0).any():  # a flight without rows yet is described by its campaign's newest row
            result[column][newest < 0] = flights[column].array[newest < 0]
    result |= _daily_budget(flights, rows)
    lines = np.flatnonzero(flights["campaigns"].notna())
    return _lines(result, lines, rows) if len(lines) else result


def _currencies(n: int, rows: OwnRows) -> ExtensionArray:
    """Every currency of the flight's rows, sorted, comma separated; empty without rows."""
    codes, distinct = pd.factorize(rows.column("currency"), sort=True)
    pairs = np.unique(rows.flight * (len(distinct) + 1) + codes)
    owner, which = np.divmod(pairs, len(distinct) + 1)
    words = np.append(np.asarray(distinct, dtype=object), "")[which] if len(pairs) else np.empty(0, dtype=object)
    result = np.full(n, "", dtype=object)
    single = np.bincount(owner, minlength=n)[owner] == 1
    result[owner[single]] = words[single]
    for position in np.unique(owner[~single]):
        result[position] = ",".join(words[owner == position])
    return pd.array(result, dtype="str")


def _newest_rows(n: int, rows: OwnRows) -> Codes:
    """Where in `days` each flight's row of its newest day stands, -1 without one; of several the first in the order of their values, so that row order says nothing."""
    last = np.full(n, -1)
    np.maximum.at(last, rows.flight, rows.day)
    of_last = rows.day == last[rows.flight]
    flight, place = rows.flight[of_last], rows.place[of_last]
    if len(flight) > (last >= 0).sum():
        said = rows.days[list(NEWEST)].take(place).assign(flight=flight, place=place).sort_values(["flight", *NEWEST]).drop_duplicates("flight")
        flight, place = said["flight"].to_numpy(), said["place"].to_numpy()
    newest = np.full(n, -1)
    newest[flight] = place
    return newest


def _daily_budget(flights: pd.DataFrame, rows: OwnRows) -> dict[str, Column]:
    """The newest daily budget, the one before its last change and the first day of the newest; of a line over several campaigns unknown."""
    n, budgets = len(flights), rows.column("daily_budget_micros")
    mine = np.flatnonzero(~budgets.isna() & flights["campaigns"].isna().to_numpy()[rows.flight])
    amounts = budgets.to_numpy("int64", na_value=0)
    mine = mine[np.lexsort((amounts[mine], rows.day[mine], rows.flight[mine]))]
    micros, owner, days = amounts[mine], rows.flight[mine], rows.day[mine]
    position = np.arange(len(mine))
    last, other = np.full(n, -1), np.full(n, -1)
    np.maximum.at(last, owner, position)
    differs = micros != micros[last[owner]]
    np.maximum.at(other, owner[differs], position[differs])
    changed = other >= 0
    since = np.append(days, 1)[np.minimum(other + 1, len(days))]
    return {"daily_budget_micros": pd.arrays.IntegerArray(np.append(micros, 0)[last], last < 0),
            "daily_budget_before_micros": pd.arrays.IntegerArray(np.append(micros, 0)[other], ~changed),
            "daily_budget_changed_day": np.where(changed, calendar.dates(since), np.datetime64("NaT"))}


def _lines(result: dict[str, Column], lines: Codes, rows: OwnRows) -> dict[str, Column]:
    """A line over several campaigns: every market and product they have; dates that hold for all of them."""
    mine = np.isin(rows.flight, lines)
    groups = rows.days[["campaign_key", "day", *NEWEST]].take(rows.place[mine]).assign(flight=rows.flight[mine])
    newest = groups.sort_values(["flight", "campaign_key", "day", *NEWEST]).drop_duplicates(["flight", "campaign_key"], keep="last").groupby("flight")
    for source, column in NEWEST.items():
        if source in ("market", "product"):
            together = newest[source].agg(lambda values: ", ".join(sorted(values.dropna().unique())) or None)
        else:
            together = newest[source].max() if source == "start_date" else newest[source].min()
        result[column][together.index.to_numpy()] = together.array
    return result
