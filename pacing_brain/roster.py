"""The platforms' campaigns: who exists, delivering or not, from spend rows and the campaign list, under one key each."""

from typing import NamedTuple

import numpy as np
import numpy.typing as npt
import pandas as pd
from pandas.api.extensions import ExtensionArray

from pacing_brain import names

Codes = npt.NDArray[np.int64]

TEXT = ["platform", "account_id", "campaign_id", "campaign_name", "status"]
DESCRIBED = ["market", "product", "start_date", "end_date"]
JOIN = "\x1f"  # joins parts of internal keys: ids may hold any printable character


def joined(*parts: ExtensionArray) -> ExtensionArray:
    """One text key of several text columns; null where one of them is null."""
    key = parts[0]
    for part in parts[1:]:
        key = key + JOIN + part
    return key


def positions(values: pd.Series | ExtensionArray, index: pd.Index) -> Codes:
    """Where each value stands in a unique index, -1 for null and absent ones; each distinct value is looked up once."""
    codes, distinct = (values.array if isinstance(values, pd.Series) else values).factorize()
    return np.asarray(np.append(index.get_indexer(pd.Index(distinct)), -1)[codes], dtype=np.int64)


class Roster(NamedTuple):
    """The platforms' campaigns and, for every spend row, the position of its campaign.

    A campaign is (platform, account, id), or its name where the id is null. Rows are sorted by `campaign_key`
    ("platform/account/id" or "platform/account/name:..."); columns: campaign_key, platform, account_id, campaign_id, campaign_name
    (the newest: the list's, else the newest day's), folded, status, and market, product, start_date, end_date of the newest day.
    """

    campaigns: pd.DataFrame
    of_row: Codes


def roster(spend: pd.DataFrame, listed: pd.DataFrame) -> Roster:
    """Everyone on the platforms, from the spend rows and the campaign list."""
    both = pd.concat([spend[TEXT], listed[TEXT]], ignore_index=True) if len(listed) else spend
    text = {name: both[name].array for name in TEXT}
    part = id_or_name(text["campaign_id"], text["campaign_name"])
    codes, first = told_apart(np.zeros(len(part), dtype=np.int64), text["platform"], text["account_id"], part)
    keys = text["platform"].take(first) + "/" + text["account_id"].take(first) + "/" + part.take(first)
    order = np.argsort(np.asarray(keys, dtype=object), kind="stable")
    rank = np.empty(len(order), dtype=np.int64)
    rank[order] = np.arange(len(order))
    codes, first = rank[codes], first[order]
    newest = _newest(text, spend, codes, len(first))
    known = {name: text[name].take(first) for name in ("platform", "account_id", "campaign_id")} | {"campaign_key": keys.take(order)}
    return Roster(pd.DataFrame(known | newest | {"folded": names.folded(newest["campaign_name"])}), codes[: len(spend)])


def id_or_name(ids: ExtensionArray, called: ExtensionArray) -> ExtensionArray:
    """The id, or the name where there is none: what a campaign is told apart by."""
    nameless = ids.isna()
    if not nameless.any():
        return ids
    part = ids.copy()
    part[nameless] = "name:" + called[nameless].fillna("")
    return part


def told_apart(rows: Codes, *parts: ExtensionArray) -> tuple[Codes, Codes]:
    """(code per row, first row of each code): rows of one code are told apart by the exact text of all parts."""
    for part in parts:
        codes, distinct = part.factorize()
        rows = pd.factorize(rows * (len(distinct) + 1) + codes)[0]  # keeps the product small
    return rows, np.flatnonzero(~pd.Index(rows).duplicated())


def _newest(text: dict[str, ExtensionArray], spend: pd.DataFrame, codes: Codes, n: int) -> dict[str, ExtensionArray]:
    """campaign_name and status per campaign: from the list where it says one, else from the newest day; and what its newest day describes it by."""
    own = codes[: len(spend)]
    day = spend["day"].to_numpy().astype("datetime64[D]").astype(np.int64)
    newest = np.full(n, np.iinfo(np.int64).min)
    np.maximum.at(newest, own, day)
    last = np.flatnonzero(day == newest[own])
    if pd.Index(own[last]).has_duplicates:  # several rows on a campaign's newest day: the last loaded, then by their values
        tied = spend[["campaign_name", "status", *DESCRIBED, "loaded_at"]].iloc[last].assign(own=own[last], at=last)
        last = tied.sort_values(["own", "loaded_at", "campaign_name", "status", *DESCRIBED], na_position="first")["at"].to_numpy()
    rows = np.concatenate([last, _of_list(text, codes, len(spend))])
    said = {name: rows[~text[name].take(rows).isna()] for name in ("campaign_name", "status")}
    return {name: text[name].take(_last_of(codes, at, n), allow_fill=True) for name, at in said.items()} | {
        name: spend[name].array.take(_last_of(own, last, n), allow_fill=True) for name in DESCRIBED}


def _of_list(text: dict[str, ExtensionArray], codes: Codes, first: int) -> Codes:
    """Rows of the campaign list; where it has a campaign more than once (a renamed order), in the order of their values."""
    rows = np.arange(first, len(codes))
    if not pd.Index(codes[rows]).has_duplicates:
        return rows
    said = pd.DataFrame({name: text[name].take(rows) for name in ("campaign_name", "status")} | {"at": rows})
    return np.asarray(said.sort_values(["campaign_name", "status"], na_position="first")["at"])


def _last_of(codes: Codes, rows: Codes, n: int) -> Codes:
    """Of each campaign the last of the `rows`, -1 where it has none."""
    found = np.full(n, -1)
    found[codes[rows]] = rows
    return found
