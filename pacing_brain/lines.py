"""From matched tracker rows to flights: one row per plan line, its intervals on the calendar, its candidates with their spend."""

from collections import defaultdict
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

import numpy as np
import numpy.typing as npt
import pandas as pd
from pandas.api.extensions import ExtensionArray

from pacing_brain import days as calendar
from pacing_brain import names, zones
from pacing_brain.candidates import Candidate
from pacing_brain.frames import FLIGHT_COLUMNS
from pacing_brain.platform_facts import NEWEST
from pacing_brain.roster import Codes

COLUMNS = [name for name, (node, _) in FLIGHT_COLUMNS.items() if node in ("plan", "match", "calendar") or name in NEWEST.values()]
WEAKEST_FIRST = ["ambiguous", "none", "name", "alias", "id"]
UNMATCHED = -1

Columns = dict[str, Any]  # arrays of one length


@dataclass
class Plan:
    """Tracker rows in a fixed order, with what was found for each."""

    rows: pd.DataFrame  # TARGETS, sorted by flight_id
    folded: ExtensionArray  # their names, for comparison
    planned: Codes  # position of the tracker campaign
    code: Codes  # position in the roster, or UNMATCHED
    kind: npt.NDArray[np.object_]  # id | alias | name | ambiguous | none

    def found(self, mask: npt.NDArray[np.bool_], code: Codes, kind: str) -> None:
        mask = mask & (self.code == UNMATCHED) & (code != UNMATCHED)
        self.code[mask] = code[mask]
        self.kind[mask] = kind


def assemble(plan: Plan, platform: pd.DataFrame, campaign: Codes, found: list[Candidate], spend: pd.DataFrame) -> tuple[pd.DataFrame, pd.DataFrame]:
    """(flights, days) from tracker rows and what was found for each."""
    if found:
        plan.kind[np.isin(plan.planned, [c.planned for c in found if c.verdict != "not proposed"]) & (plan.code == UNMATCHED)] = "ambiguous"
    flight, matched = plan.rows["flight_id"].array.factorize()[0], plan.code != UNMATCHED
    takes = calendar.Intervals(plan.code, calendar.number(plan.rows["start_date"]), calendar.number(plan.rows["end_date"]), flight)
    intervals, (which, perhaps) = takes.take(matched), _perhaps(plan.planned[~matched], takes.take(~matched), found)
    maybe = perhaps.take(np.array([found[n].verdict != "not proposed" for n in which], dtype=bool))
    columns = _lines(_said_by_plan(plan) | _said_by_platform(plan, platform), plan, flight)
    days = calendar.assign(spend, campaign, intervals, maybe, keys=platform["campaign_key"].array, flight_ids=columns["flight_id"])
    listed = _listed([found[n] for n in which], perhaps, platform, spend, campaign)
    columns |= _overlaps(intervals, columns) | {"candidates": pd.Series([listed.get(at, []) for at in range(len(columns["flight_id"]))], dtype="object")}
    return _seen_with_best(pd.DataFrame({name: columns[name] for name in COLUMNS}), listed, platform), days


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


def _said_by_plan(plan: Plan) -> Columns:
    """The columns of a flight that is one tracker row; what a calendar says comes later."""
    found = plan.code != UNMATCHED
    return {name: column.array for name, column in plan.rows.items()} | {
        "rows": plan.rows["row"].astype("str").array, "match_kind": pd.array(plan.kind, dtype="str"), "n_campaigns": np.ones(len(found), dtype=np.int64),
        "n_matched": found.astype(np.int64), "known_on_platform": found, "campaigns": np.full(len(found), None, dtype=object),
        "rolled_micros": pd.array([None] * len(found), dtype="Int64"), "day_weights": pd.array([None] * len(found), dtype="str")}


def _said_by_platform(plan: Plan, platform: pd.DataFrame) -> Columns:
    """What the matched campaign says, per tracker row."""
    theirs = {name: platform[name].array.take(plan.code, allow_fill=True) for name in ("campaign_key", "account_id", "campaign_name", "folded", "status", *NEWEST)}
    both = ~(theirs["folded"].isna() | plan.folded.isna())
    alike = np.full(len(both), np.nan)
    alike[both] = names.similarity(plan.folded[both].tolist(), theirs["folded"][both].tolist())
    proven = np.where(np.isin(plan.kind, ["id", "alias"]), plan.code, UNMATCHED)
    return {
        "campaign_key": theirs["campaign_key"], "account_id": theirs["account_id"].fillna(plan.rows["account_id"].array), "platform_name": theirs["campaign_name"],
        "platform_campaign_id": platform["campaign_id"].array.take(proven, allow_fill=True), "platform_status": theirs["status"], "name_similarity": alike,
    } | {column: theirs[source] for source, column in NEWEST.items()}


def _lines(columns: Columns, plan: Plan, flight: Codes) -> Columns:
    """The first row of each line, completed: a line of one row is that row."""
    shared = pd.Index(flight).duplicated(keep=False)
    if not shared.any():
        return columns
    rows = pd.DataFrame(columns | {"planned": plan.planned, "code": plan.code, "kind": plan.kind})[shared]
    first = np.flatnonzero(~pd.Index(flight).duplicated())
    lines = {name: values.take(first) for name, values in columns.items()}
    merged = {at: _merged(group) for at, group in rows.groupby(flight[shared])}
    for name in next(iter(merged.values())):
        lines[name][list(merged)] = pd.Series([line[name] for line in merged.values()], dtype="object").to_numpy()
    return lines


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
    return {"row": row["row"], "platform": row["platform"], "campaign_id": _or_none(row["campaign_id"]), "campaign_name": _or_none(row["campaign_name"]),
            "campaign_key": _or_none(row["campaign_key"]), "account_id": _or_none(row["account_id"]), "match_kind": row["kind"]}


def _or_none(value: Any) -> Any:
    return None if pd.isna(value) else value


def _perhaps(planned: Codes, takes: calendar.Intervals, found: list[Candidate]) -> tuple[list[int], calendar.Intervals]:
    """(which candidate, the days on which its spend may belong to which flight) for every open row of the plan."""
    if not found:
        return [], calendar.NO_DAYS
    pairs = pd.DataFrame([(c.planned, c.campaign, n) for n, c in enumerate(found)], columns=["planned", "campaign", "n"])
    rows = pd.DataFrame({"planned": planned, "start": takes.start, "end": takes.end, "flight": takes.flight}).merge(pairs, on="planned")
    return rows["n"].tolist(), calendar.Intervals(*(rows[name].to_numpy() for name in calendar.Intervals._fields))


def _overlaps(intervals: calendar.Intervals, flights: Columns) -> Columns:
    """Columns overlaps (flight ids) and overlap_evidence (rows and days) of flights that share days of a campaign with others."""
    shared: dict[int, dict[str, str]] = defaultdict(dict)
    for mine, other, first, last in calendar.overlapping(intervals):
        flight_id = flights["flight_id"][other]
        shared[mine][flight_id] = f"row {flights['rows'][other]} ({flight_id}), {_between(first, last)}"
    n = len(flights["flight_id"])
    return {"overlaps": _texts(shared, n, ", ".join), "overlap_evidence": _texts(shared, n, lambda found: "; ".join(found.values()))}


def _texts(shared: dict[int, dict[str, str]], n: int, words: Callable[[dict[str, str]], str]) -> ExtensionArray:
    return pd.array([words(dict(sorted(shared[at].items()))) if at in shared else "" for at in range(n)], dtype="str")


def _between(first: int, last: int) -> str:
    begin, end = (zones.day_text(calendar.day(number)) for number in (first, last))
    return begin if first == last else f"{begin} to {end}"


def _listed(found: list[Candidate], perhaps: calendar.Intervals, platform: pd.DataFrame, spend: pd.DataFrame,
            campaign: Codes) -> dict[int, list[dict[str, Any]]]:
    """Each flight's candidates as people see them, with what each spent on the flight's days."""
    if not found:
        return {}
    spent = calendar.spent(spend, campaign, perhaps)
    theirs = platform.take(sorted({c.campaign for c in found})).to_dict("index")
    listed: dict[int, list[dict[str, Any]]] = defaultdict(list)
    for one, flight, micros in zip(found, perhaps.flight.tolist(), spent.tolist(), strict=True):
        listed[flight].append({column: _or_none(theirs[one.campaign][column])
                               for column in ("campaign_key", "campaign_id", "campaign_name", "account_id")}
                              | {"similarity": round(one.similarity, 4), "spend_micros": micros, "verdict": one.verdict, "why": one.why})
    return listed
