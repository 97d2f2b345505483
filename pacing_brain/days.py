"""Every spend row in exactly one bucket, so that every micro the warehouse reports is accounted for.

quarantined     more than one row for a campaign and day, or spend that is not a number
matched         the day lies in one flight of the matched campaign
ambiguous       two lines cover the day, or the campaign is only proposed for (or tied between) lines that cover it
outside_flight  the campaign is planned, or perhaps planned, but not on this day
untracked       no line of the plan wants the campaign
"""

from collections.abc import Iterator
from itertools import pairwise
from typing import Any

import numpy as np
import numpy.typing as npt
import pandas as pd

from pacing_brain.model import Quarantined
from pacing_brain.roster import Codes, positions

BUCKETS = ["matched", "after_watermark", "untracked", "ambiguous", "outside_flight", "quarantined"]
NOBODY, SEVERAL = -1, -2
_YEAR_ONE = 719_162  # days from 1 January of the year 1 to 1970
_SPAN = 1 << 22  # more days than datetime64[us] years 1..9999 have: (campaign, day) in one integer


def number(on: pd.Series | npt.NDArray[np.datetime64]) -> Codes:
    """Days since 1 January of the year 1, so that they sort as integers >= 0."""
    return np.asarray(np.asarray(on).astype("datetime64[D]").astype(np.int64) + _YEAR_ONE)


def day(number: int) -> pd.Timestamp:
    return pd.Timestamp(number - _YEAR_ONE, unit="D")


def days(numbers: Codes) -> pd.Series:
    return pd.Series((numbers - _YEAR_ONE).astype("datetime64[D]").astype("datetime64[us]"))


def assign(spend: pd.DataFrame, campaign: Codes, intervals: pd.DataFrame, maybe: pd.DataFrame, *, keys: pd.Series,
           flight_ids: pd.Series) -> pd.DataFrame:
    """SPEND plus campaign_key, flight_id and bucket.

    `campaign` is each row's position in the roster; `intervals` (campaign, flight, start, end: integers) are the matched flights,
    `maybe` (campaign, start, end) those of candidates; `keys` and `flight_ids` name the positions. A quarantined row keeps the flight
    that its day belongs to, so that the flight can say so; other rows outside `matched` have none.
    """
    at = number(spend["day"])
    covers = _covering(campaign, at, _disjoint(intervals))
    perhaps = _covering(campaign, at, _disjoint(maybe.assign(flight=0))) != NOBODY
    planned = np.isin(campaign, np.union1d(intervals["campaign"], maybe["campaign"]))
    bad = _faulty(spend, campaign, at)
    words = pd.array(["quarantined", "matched", "ambiguous", "outside_flight", "untracked"], dtype="str")
    bucket = words.take(np.select([bad, covers >= 0, (covers == SEVERAL) | perhaps, planned], [0, 1, 2, 3], 4))
    flight = flight_ids.array.take(np.maximum(covers, NOBODY), allow_fill=True)
    return spend.assign(campaign_key=keys.array.take(campaign), flight_id=flight, bucket=bucket)


def _faulty(spend: pd.DataFrame, campaign: Codes, on: Codes) -> npt.NDArray[np.bool_]:
    several = pd.Series(campaign * _SPAN + on).duplicated(keep=False).to_numpy()
    return np.asarray(several | (spend["n_rows"] > 1).to_numpy() | spend["spend_micros"].isna().to_numpy())


def overlapping(intervals: pd.DataFrame) -> Iterator[tuple[int, int, int, int]]:
    """(flight, other flight, first day, last day) for every two flights of one campaign that share days, both ways round."""
    for _, group in _crowded(_sorted(intervals)).groupby("campaign"):
        rows = list(group[["flight", "start", "end"]].itertuples(index=False, name=None))
        for a, (mine, start, end) in enumerate(rows):
            for other, from_, to in rows[a + 1 :]:
                if (first := max(start, from_)) <= (last := min(end, to)):
                    yield mine, other, first, last
                    yield other, mine, first, last


def _sorted(intervals: pd.DataFrame) -> pd.DataFrame:
    """The intervals in order, each once."""
    order = ["campaign", "start", "end", "flight"]
    rows = intervals[order].to_numpy(dtype=np.int64)
    rows = rows[np.lexsort(rows.T[::-1])]
    again = np.zeros(len(rows), dtype=bool)
    again[1:] = (rows[1:] == rows[:-1]).all(axis=1)
    return pd.DataFrame(rows[~again], columns=order)


def _crowded(rows: pd.DataFrame) -> pd.DataFrame:
    """Of sorted intervals those of campaigns in which at least two share a day."""
    campaign, start, end = (rows[name].to_numpy() for name in ("campaign", "start", "end"))
    touching = (campaign[1:] == campaign[:-1]) & (start[1:] <= end[:-1])
    return rows[np.isin(campaign, campaign[1:][touching])]


def _disjoint(intervals: pd.DataFrame) -> pd.DataFrame:
    """Intervals without shared days, sorted: a stretch that several flights cover gets flight SEVERAL."""
    rows = _sorted(intervals)
    crowded = _crowded(rows)
    if crowded.empty:
        return rows
    pieces = [piece for campaign, group in crowded.groupby("campaign") for piece in _pieces(campaign, group)]
    alone = rows[~rows["campaign"].isin(crowded["campaign"])]
    return _sorted(pd.concat([alone, pd.DataFrame(pieces, columns=["campaign", "flight", "start", "end"])], ignore_index=True))


def _pieces(campaign: int, group: pd.DataFrame) -> Iterator[tuple[int, int, int, int]]:
    edges = sorted({*group["start"], *(group["end"] + 1)})
    for start, after in pairwise(edges):
        flights = set(group.loc[(group["start"] <= start) & (group["end"] >= start), "flight"])
        if flights:
            yield campaign, flights.pop() if len(flights) == 1 else SEVERAL, start, after - 1


def _covering(campaign: Codes, on: Codes, disjoint: pd.DataFrame) -> Codes:
    """The flight whose interval holds each (campaign, day number): NOBODY where none does."""
    if disjoint.empty:
        return np.full(len(on), NOBODY)
    starts = (disjoint["campaign"] * _SPAN + disjoint["start"]).to_numpy()
    at = np.searchsorted(starts, campaign * _SPAN + on, side="right") - 1
    found = np.maximum(at, 0)
    inside = (at >= 0) & (disjoint["campaign"].to_numpy()[found] == campaign) & (on <= disjoint["end"].to_numpy()[found])
    return np.where(inside, disjoint["flight"].to_numpy()[found], NOBODY)


def buckets(table: pd.DataFrame) -> pd.DataFrame:
    """One row per currency, sorted: micros in each bucket and their total. The buckets add up to it."""
    currency, currencies = pd.factorize(table["currency"], sort=True)
    sums = np.zeros((len(currencies), len(BUCKETS)), dtype=np.int64)
    np.add.at(sums, (currency, positions(table["bucket"], pd.Index(BUCKETS))), table["spend_micros"].to_numpy("int64", na_value=0))
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


def spent(spend: pd.DataFrame, campaign: Codes, pairs: pd.DataFrame) -> Codes:
    """Micros that each (campaign, start, end) of `pairs` spent, first and last day included."""
    rows = np.flatnonzero(np.isin(campaign, pairs["campaign"]))
    key = campaign[rows] * _SPAN + number(spend["day"].iloc[rows])
    order = np.argsort(key, kind="stable")
    micros = spend["spend_micros"].iloc[rows].fillna(0).to_numpy(dtype=np.int64)[order]
    before = np.concatenate([[0], np.cumsum(micros)])
    base = (pairs["campaign"] * _SPAN).to_numpy()
    first = np.searchsorted(key[order], base + pairs["start"].to_numpy(), side="left")
    last = np.searchsorted(key[order], base + pairs["end"].to_numpy(), side="right")
    return np.asarray(before[last] - before[first])
