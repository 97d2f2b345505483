"""Every spend row in exactly one bucket, so that every micro the warehouse reports is accounted for.

quarantined     more than one row for a campaign and day, or spend that is not a number
matched         the day lies in one flight of the matched campaign
ambiguous       two lines cover the day, or the campaign is only proposed for (or tied between) lines that cover it
outside_flight  the campaign is planned, or perhaps planned, but not on this day
untracked       no line of the plan wants the campaign
"""

from collections.abc import Iterator
from itertools import pairwise
from typing import Any, NamedTuple

import numpy as np
import numpy.typing as npt
import pandas as pd
from pandas.api.extensions import ExtensionArray

from pacing_brain.model import Quarantined
from pacing_brain.roster import Codes, positions

Flags = npt.NDArray[np.bool_]

BUCKETS = ["matched", "after_watermark", "untracked", "ambiguous", "outside_flight", "quarantined"]
NOBODY, SEVERAL = -1, -2
_YEAR_ONE = 719_162  # days from 1 January of the year 1 to 1970
_SPAN = 1 << 22  # more days than datetime64[us] years 1..9999 have: (campaign, day) in one integer


def number(on: pd.Series | npt.NDArray[np.datetime64]) -> Codes:
    """Days since 1 January of the year 1, so that they sort as integers >= 0."""
    return np.asarray(np.asarray(on).astype("datetime64[D]").astype(np.int64) + _YEAR_ONE)


def day(number: int) -> pd.Timestamp:
    return pd.Timestamp(number - _YEAR_ONE, unit="D")


def dates(numbers: Codes) -> npt.NDArray[np.datetime64]:
    return np.asarray((numbers - _YEAR_ONE).astype("datetime64[D]").astype("datetime64[us]"))


def days(numbers: Codes) -> pd.Series:
    return pd.Series(dates(numbers))


class Intervals(NamedTuple):
    """Days that flights take, or may take, of campaigns: positions and day numbers, first and last day included."""

    campaign: Codes
    start: Codes
    end: Codes
    flight: Codes

    def take(self, which: Codes | Flags) -> "Intervals":
        return Intervals(*(column[which] for column in self))


NO_DAYS = Intervals(*(np.empty(0, dtype=np.int64) for _ in Intervals._fields))


def assign(spend: pd.DataFrame, campaign: Codes, intervals: Intervals, maybe: Intervals, *, keys: ExtensionArray, flight_ids: ExtensionArray) -> pd.DataFrame:
    """SPEND plus campaign_key, flight_id and bucket.

    `campaign` is each row's position in the roster; `intervals` are the matched flights, `maybe` those of candidates; `keys` and `flight_ids` name the
    positions. A quarantined row keeps the flight that its day belongs to, so that the flight can say so; other rows outside `matched` have none.
    """
    at = number(spend["day"])
    covers = _covering(campaign, at, _disjoint(intervals))
    perhaps = _covering(campaign, at, _disjoint(maybe._replace(flight=np.zeros_like(maybe.flight)))) != NOBODY
    planned = np.zeros(len(keys), dtype=bool)
    planned[intervals.campaign] = planned[maybe.campaign] = True
    bad = _faulty(spend, campaign, at)
    words = pd.array(["quarantined", "matched", "ambiguous", "outside_flight", "untracked"], dtype="str")
    bucket = words.take(np.select([bad, covers >= 0, (covers == SEVERAL) | perhaps, planned[campaign]], [0, 1, 2, 3], 4))
    flight = flight_ids.take(np.maximum(covers, NOBODY), allow_fill=True)
    return spend.assign(campaign_key=keys.take(campaign), flight_id=flight, bucket=bucket)


def _faulty(spend: pd.DataFrame, campaign: Codes, on: Codes) -> Flags:
    several = pd.Index(campaign * _SPAN + on).duplicated(keep=False)
    return np.asarray(several | (spend["n_rows"].to_numpy() > 1) | spend["spend_micros"].array.isna())


def overlapping(intervals: Intervals) -> Iterator[tuple[int, int, int, int]]:
    """(flight, other flight, first day, last day) for every two flights of one campaign that share days, both ways round."""
    for group in _by_campaign(_crowded(_sorted(intervals))):
        rows = list(zip(group.flight.tolist(), group.start.tolist(), group.end.tolist(), strict=True))
        for a, (mine, start, end) in enumerate(rows):
            for other, from_, to in rows[a + 1 :]:
                if (first := max(start, from_)) <= (last := min(end, to)):
                    yield mine, other, first, last
                    yield other, mine, first, last


def _sorted(intervals: Intervals) -> Intervals:
    """The intervals in order, each once."""
    rows = intervals.take(np.lexsort((intervals.flight, intervals.end, intervals.start, intervals.campaign)))
    once = np.ones(len(rows.campaign), dtype=bool)
    once[1:] = np.any([column[1:] != column[:-1] for column in rows], axis=0)
    return rows.take(once)


def _crowded(rows: Intervals) -> Intervals:
    """Of sorted intervals those of campaigns in which at least two share a day."""
    touching = (rows.campaign[1:] == rows.campaign[:-1]) & (rows.start[1:] <= rows.end[:-1])
    return rows.take(np.isin(rows.campaign, rows.campaign[1:][touching]))


def _by_campaign(rows: Intervals) -> Iterator[Intervals]:
    """Sorted intervals, campaign by campaign."""
    for which in np.split(np.arange(len(rows.campaign)), np.flatnonzero(np.diff(rows.campaign)) + 1):
        if len(which):
            yield rows.take(which)


def _disjoint(intervals: Intervals) -> Intervals:
    """Intervals without shared days, sorted: a stretch that several flights cover gets flight SEVERAL."""
    rows = _sorted(intervals)
    crowded = _crowded(rows)
    if not len(crowded.campaign):
        return rows
    pieces = np.array([piece for group in _by_campaign(crowded) for piece in _pieces(group)], dtype=np.int64)
    alone = rows.take(~np.isin(rows.campaign, crowded.campaign))
    return _sorted(Intervals(*(np.concatenate(both) for both in zip(alone, pieces.T, strict=True))))


def _pieces(group: Intervals) -> Iterator[tuple[int, int, int, int]]:
    for start, after in pairwise(np.unique([*group.start, *(group.end + 1)]).tolist()):
        flights = group.flight[(group.start <= start) & (group.end >= start)]
        if len(flights):
            yield int(group.campaign[0]), start, after - 1, int(flights[0]) if (flights == flights[0]).all() else SEVERAL


def _covering(campaign: Codes, on: Codes, disjoint: Intervals) -> Codes:
    """The flight whose interval holds each (campaign, day number): NOBODY where none does."""
    if not len(disjoint.campaign):
        return np.full(len(on), NOBODY)
    at = np.searchsorted(disjoint.campaign * _SPAN + disjoint.start, campaign * _SPAN + on, side="right") - 1
    found = np.maximum(at, 0)
    inside = (at >= 0) & (disjoint.campaign[found] == campaign) & (on <= disjoint.end[found])
    return np.where(inside, disjoint.flight[found], NOBODY)


def buckets(table: pd.DataFrame) -> pd.DataFrame:
    """One row per currency, sorted: micros in each bucket and their total. The buckets add up to it."""
    currency, currencies = pd.factorize(table["currency"], sort=True)
    sums = np.zeros((len(currencies), len(BUCKETS)), dtype=np.int64)
    np.add.at(sums, (currency, positions(table["bucket"].array, pd.Index(BUCKETS))), table["spend_micros"].to_numpy("int64", na_value=0))
    columns = dict(zip(BUCKETS, sums.T, strict=True)) | {"total": sums.sum(axis=1)}
    return pd.DataFrame({"currency": pd.array(currencies, dtype="str")} | columns)


def quarantined(table: pd.DataFrame) -> tuple[Quarantined, ...]:
    """Spend rows that cannot be used, each with its place and the reason, sorted by campaign and day."""
    bad = table["bucket"].eq("quarantined")
    if not bad.any():
        return ()
    rows = table[bad].sort_values(["campaign_key", "day", "currency", "campaign_name", "spend_micros"])
    return tuple(_refusal(row) for row in rows.to_dict("records"))


def _refusal(row: dict[str, Any]) -> Quarantined:
    on = row["day"].date().isoformat()
    if pd.isna(row["spend_micros"]):
        reason = f"The spend of {on} is not a number. Correct it in the warehouse; the next run reads it again."
    else:
        rows = f"{row['n_rows']} rows" if row["n_rows"] > 1 else "More than one row"
        reason = f"{rows} for one campaign on {on}, so none of them is counted. Remove the duplicates in the warehouse."
    value = None if pd.isna(row["spend_micros"]) else f"{row['spend_micros']} micros {row['currency']}"
    return Quarantined(source="spend", place=f"{row['platform']} account {row['account_id']}", column="SPEND", value=value, reason=reason,
                       subject=row["campaign_key"])


def spent(spend: pd.DataFrame, campaign: Codes, pairs: Intervals) -> Codes:
    """Micros that each campaign of `pairs` spent on its days."""
    rows = np.flatnonzero(np.isin(campaign, pairs.campaign))
    key = campaign[rows] * _SPAN + number(spend["day"].iloc[rows])
    order = np.argsort(key, kind="stable")
    micros = spend["spend_micros"].iloc[rows].fillna(0).to_numpy(dtype=np.int64)[order]
    before = np.concatenate([[0], np.cumsum(micros)])
    first = np.searchsorted(key[order], pairs.campaign * _SPAN + pairs.start, side="left")
    last = np.searchsorted(key[order], pairs.campaign * _SPAN + pairs.end, side="right")
    return np.asarray(before[last] - before[first])
