"""The platforms' campaigns: who exists, delivering or not, from spend rows and the campaign list, under one key each."""

import numpy as np
import numpy.typing as npt
import pandas as pd
from pandas.api.extensions import ExtensionArray

from pacing_brain import names

Codes = npt.NDArray[np.int64]

DESCRIBED = ["market", "product", "start_date", "end_date"]
JOIN = "\x1f"  # joins parts of internal keys: ids may hold any printable character


def joined(*parts: pd.Series) -> pd.Series:
    """One text key of several text columns; null where one of them is null."""
    key = parts[0]
    for part in parts[1:]:
        key = key + JOIN + part
    return key


def positions(values: pd.Series, index: pd.Index) -> Codes:
    """Where each value stands in a unique index, -1 for null and absent ones; each distinct value is looked up once."""
    codes, distinct = pd.factorize(values)
    return np.asarray(np.append(index.get_indexer(pd.Index(distinct)), -1)[codes], dtype=np.int64)


def roster(spend: pd.DataFrame, listed: pd.DataFrame) -> tuple[pd.DataFrame, Codes]:
    """The platforms' campaigns and, for every spend row, the position of its campaign.

    A campaign is (platform, account, id), or its name where the id is null. Rows are sorted by `campaign_key`
    ("platform/account/id" or "platform/account/name:..."); columns: campaign_key, platform, account_id, campaign_id, campaign_name
    (the newest: the list's, else the newest day's), folded, status, and market, product, start_date, end_date of the newest day.
    """
    columns = ["platform", "account_id", "campaign_id", "campaign_name", "status"]
    both = pd.concat([spend[columns], listed[columns]], ignore_index=True) if len(listed) else spend[columns]
    codes, first = _codes(both)
    known = both.take(first)
    known = known[["platform", "account_id", "campaign_id"]].assign(campaign_key=known["platform"] + "/" + known["account_id"] + "/" + _part(known))
    order = np.argsort(known["campaign_key"].to_numpy(dtype=object), kind="stable")
    rank = np.empty(len(order), dtype=np.int64)
    rank[order] = np.arange(len(order))
    codes = rank[codes]
    newest = _newest(both, spend, codes, len(known))
    return known.take(order).reset_index(drop=True).assign(**newest, folded=names.folded(pd.Series(newest["campaign_name"]))), codes[: len(spend)]


def _part(rows: pd.DataFrame) -> pd.Series:
    """The id, or the name where there is none."""
    nameless = rows["campaign_id"].isna().to_numpy()
    if not nameless.any():
        return rows["campaign_id"]
    part = rows["campaign_id"].copy()
    part[nameless] = ("name:" + rows["campaign_name"][nameless].fillna("")).array
    return part


def _codes(rows: pd.DataFrame) -> tuple[Codes, Codes]:
    """(code per row, first row of each code), by exact text of the three parts."""
    combined = np.zeros(len(rows), dtype=np.int64)
    for part in (rows["platform"], rows["account_id"], _part(rows)):
        codes, distinct = pd.factorize(part)
        combined = combined * (len(distinct) + 1) + codes
        combined = pd.factorize(combined)[0]  # keeps the product small
    first = np.flatnonzero(~pd.Series(combined).duplicated().to_numpy())
    return combined, first


def _newest(both: pd.DataFrame, spend: pd.DataFrame, codes: Codes, n: int) -> dict[str, ExtensionArray]:
    """campaign_name and status per campaign: from the list where it says one, else from the newest day; and what its newest day describes it by."""
    own = codes[: len(spend)]
    day = spend["day"].to_numpy().astype("datetime64[D]").astype(np.int64)
    newest = np.full(n, np.iinfo(np.int64).min)
    np.maximum.at(newest, own, day)
    last = np.flatnonzero(day == newest[own])
    if len(last) > n:  # several rows on a campaign's newest day: the last loaded, then by their values
        tied = spend[["campaign_name", "status", *DESCRIBED, "loaded_at"]].iloc[last].assign(own=own[last], at=last)
        last = tied.sort_values(["own", "loaded_at", "campaign_name", "status", *DESCRIBED], na_position="first")["at"].to_numpy()
    rows = np.concatenate([last, np.arange(len(spend), len(both))])
    said = {column: rows[both[column].notna().to_numpy()[rows]] for column in ("campaign_name", "status")}
    return {column: both[column].array.take(_last_of(codes, at, n), allow_fill=True) for column, at in said.items()} | {
        column: spend[column].array.take(_last_of(own, last, n), allow_fill=True) for column in DESCRIBED}


def _last_of(codes: Codes, rows: Codes, n: int) -> Codes:
    """Of each campaign the last of the `rows`, -1 where it has none."""
    found = np.full(n, -1)
    found[codes[rows]] = rows
    return found
