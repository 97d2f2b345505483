"""From matched tracker rows to flights: one row per plan line, its intervals on the calendar, its candidates with their spend."""

from collections import defaultdict
from collections.abc import Callable
from typing import Any

import numpy as np
import pandas as pd

from pacing_brain import days as calendar
from pacing_brain import names, zones
from pacing_brain.candidates import Candidate
from pacing_brain.frames import FLIGHT_COLUMNS
from pacing_brain.platform_facts import NEWEST
from pacing_brain.roster import Codes

COLUMNS = [name for name, (node, _) in FLIGHT_COLUMNS.items() if node in ("plan", "match") or name in NEWEST.values()]
INTERVAL = {"campaign": "code", "flight": "flight", "start": "start", "end": "end"}
WEAKEST_FIRST = ["ambiguous", "none", "name", "alias", "id"]


def assemble(rows: pd.DataFrame, platform: pd.DataFrame, campaign: Codes, found: list[Candidate],
             spend: pd.DataFrame) -> tuple[pd.DataFrame, pd.DataFrame]:
    """(flights, days) from tracker rows with `code` (roster position or -1), `kind` and `planned`, sorted by flight_id."""
    rows = rows.assign(flight=pd.factorize(rows["flight_id"])[0], start=calendar.number(rows["start_date"]),
                       end=calendar.number(rows["end_date"]))
    if found:
        rows.loc[rows["planned"].isin({c.planned for c in found if c.verdict != "not proposed"}) & (rows["code"] < 0), "kind"] = "ambiguous"
    rows = rows.assign(**_platform_side(rows, platform))
    matched = rows["code"].to_numpy() >= 0
    intervals = pd.DataFrame({name: rows[column].to_numpy()[matched] for name, column in INTERVAL.items()})
    flights = _lines(rows)
    days = calendar.assign(spend, campaign, intervals, _maybe(rows, found), keys=platform["campaign_key"], flight_ids=flights["flight_id"])
    listed = _listed(rows, found, platform, spend, campaign)
    candidates = pd.Series([listed.get(flight, []) for flight in range(len(flights))], index=flights.index, dtype="object")
    flights = flights.assign(**_overlaps(intervals, flights), candidates=candidates)
    return _seen_with_best(flights, listed, platform)[COLUMNS], days


def _seen_with_best(flights: pd.DataFrame, listed: dict[int, list[dict[str, Any]]], platform: pd.DataFrame) -> pd.DataFrame:
    """A flight without a match is compared with its best open candidate, so that a person sees what speaks for and against it."""
    best = {flight: next((one for one in mine if one["verdict"] != "not proposed"), None) for flight, mine in listed.items()}
    rows = {flight: one for flight, one in best.items() if one and flights["n_matched"].iloc[flight] == 0}
    if not rows:
        return flights
    theirs = platform.set_index("campaign_key").loc[[one["campaign_key"] for one in rows.values()]].set_axis(list(rows))
    for source, column in NEWEST.items():
        flights.loc[list(rows), column] = theirs[source]
    flights.loc[list(rows), "name_similarity"] = [one["similarity"] for one in rows.values()]
    return flights


def _platform_side(rows: pd.DataFrame, platform: pd.DataFrame) -> dict[str, Any]:
    """What the matched campaign says, per tracker row."""
    code = rows["code"].to_numpy()
    theirs = {column: platform[column].array.take(code, allow_fill=True) for column in ("campaign_key", "campaign_id", "account_id", "campaign_name", "folded", "status")}
    both = ~theirs["folded"].isna() & rows["folded"].notna().to_numpy()
    alike = np.full(len(rows), np.nan)
    alike[both] = names.similarity(rows["folded"][both].tolist(), theirs["folded"][both].tolist())
    proven = rows["kind"].isin(["id", "alias"])
    return {
        "campaign_key": theirs["campaign_key"], "matched_account": theirs["account_id"], "platform_name": theirs["campaign_name"],
        "platform_campaign_id": pd.Series(theirs["campaign_id"], index=rows.index).where(proven), "platform_status": theirs["status"],
        "name_similarity": alike,
    } | {column: platform[source].array.take(code, allow_fill=True) for source, column in NEWEST.items()}


def _lines(rows: pd.DataFrame) -> pd.DataFrame:
    """The first row of each line, completed: lines of one row at once, the others one by one."""
    first = rows.drop_duplicates("flight_id").set_index("flight")
    flights = first.assign(
        rows=first["row"].astype("str"), account_id=first["matched_account"].fillna(first["account_id"]), match_kind=first["kind"].astype("str"),
        n_campaigns=1, n_matched=(first["code"] >= 0).astype("int64"), known_on_platform=first["code"] >= 0,
        campaigns=pd.Series([None] * len(first), index=first.index, dtype="object"))
    shared = rows["flight_id"].duplicated(keep=False)
    merged = pd.DataFrame.from_dict({flight: _merged(group) for flight, group in rows[shared].groupby("flight")} if shared.any() else {}, orient="index")
    for column in merged.columns:
        flights[column] = _replaced(flights[column], merged[column])
    return flights.reset_index(drop=True)


def _replaced(column: pd.Series, values: pd.Series) -> pd.Series:
    return pd.Series({**column.to_dict(), **values.to_dict()}, dtype=column.dtype).reindex(column.index)


def _merged(group: pd.DataFrame) -> dict[str, Any]:
    """What differs in a line over several campaigns from its first row. It is matched as well as its weakest campaign."""
    distinct = group.drop_duplicates("planned")
    matched = distinct[distinct["code"] >= 0].drop_duplicates("code")
    single = len(distinct) == 1
    kind = min(distinct["kind"], key=WEAKEST_FIRST.index)
    found_in_part = kind == "none" and len(matched) > 0
    return {
        "rows": ", ".join(str(row) for row in sorted(group["row"])), "n_campaigns": len(distinct), "n_matched": len(matched),
        "match_kind": "ambiguous" if found_in_part else kind, "known_on_platform": len(matched) > 0,
        "campaign_id": distinct["campaign_id"].iloc[0] if single else None,
        "campaign_key": distinct["campaign_key"].iloc[0] if single else None,
        "platform_campaign_id": distinct["platform_campaign_id"].iloc[0] if single else None,
        "name_similarity": distinct["name_similarity"].min(), "platform_status": _together(distinct["platform_status"]),
        "market": _together(group["market"]), "product": _together(group["product"]),
        "campaigns": None if single else [_member(row) for row in distinct.to_dict("records")],
    }


def _together(values: pd.Series) -> str | None:
    """The distinct values, sorted, in one text."""
    return ", ".join(sorted(values.dropna().unique())) or None


def _member(row: dict[str, Any]) -> dict[str, Any]:
    account = row["account_id"] if pd.isna(row["matched_account"]) else row["matched_account"]
    return {"row": row["row"], "platform": row["platform"], "campaign_id": _or_none(row["campaign_id"]), "campaign_name": _or_none(row["campaign_name"]),
            "campaign_key": _or_none(row["campaign_key"]), "account_id": _or_none(account), "match_kind": row["kind"]}


def _or_none(value: Any) -> Any:
    return None if pd.isna(value) else value


def _maybe(rows: pd.DataFrame, found: list[Candidate]) -> pd.DataFrame:
    """The days on which a candidate's spend may belong to a flight."""
    if not found:
        return pd.DataFrame({name: np.empty(0, dtype=np.int64) for name in ("campaign", "start", "end")})
    pairs = pd.DataFrame([(c.planned, c.campaign) for c in found if c.verdict != "not proposed"], columns=["planned", "campaign"], dtype="int64")
    return rows[rows["code"] < 0].merge(pairs, on="planned")[["campaign", "start", "end"]].drop_duplicates()


def _overlaps(intervals: pd.DataFrame, flights: pd.DataFrame) -> dict[str, pd.Series]:
    """Columns overlaps (flight ids) and overlap_evidence (rows and days) of flights that share days of a campaign with others."""
    shared: dict[int, dict[str, str]] = defaultdict(dict)
    for mine, other, first, last in calendar.overlapping(intervals):
        flight_id, row = flights["flight_id"].iloc[other], flights["rows"].iloc[other]
        shared[mine][flight_id] = f"row {row} ({flight_id}), {_between(first, last)}"
    return {"overlaps": _texts(shared, len(flights), ", ".join, flights.index),
            "overlap_evidence": _texts(shared, len(flights), lambda found: "; ".join(found.values()), flights.index)}


def _texts(shared: dict[int, dict[str, str]], n: int, words: Callable[[dict[str, str]], str], index: pd.Index) -> pd.Series:
    return pd.Series([words(dict(sorted(shared[at].items()))) if at in shared else "" for at in range(n)], index=index, dtype="str")


def _between(first: int, last: int) -> str:
    begin, end = (zones.day_text(calendar.day(number)) for number in (first, last))
    return begin if first == last else f"{begin} to {end}"


def _listed(rows: pd.DataFrame, found: list[Candidate], platform: pd.DataFrame, spend: pd.DataFrame,
            campaign: Codes) -> dict[int, list[dict[str, Any]]]:
    """Each flight's candidates as people see them, with what each spent on the flight's days."""
    if not found:
        return {}
    pairs = pd.DataFrame([(c.planned, c.campaign, n) for n, c in enumerate(found)], columns=["planned", "campaign", "n"])
    pairs = rows.loc[rows["code"] < 0, ["planned", "flight", "start", "end"]].merge(pairs, on="planned")
    spent = calendar.spent(spend, campaign, pairs)
    theirs = platform.take(sorted({c.campaign for c in found})).to_dict("index")
    listed: dict[int, list[dict[str, Any]]] = defaultdict(list)
    for flight, n, micros in zip(pairs["flight"].tolist(), pairs["n"].tolist(), spent.tolist(), strict=True):
        one = found[n]
        listed[flight].append({column: _or_none(theirs[one.campaign][column])
                               for column in ("campaign_key", "campaign_id", "campaign_name", "account_id")}
                              | {"similarity": round(one.similarity, 4), "spend_micros": micros, "verdict": one.verdict, "why": one.why})
    return listed
