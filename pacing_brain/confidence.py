"""How far a flight's data can be trusted: a score from 0 to 1, and beside it the gates (`gates.py`).

score = weight_metadata * metadata + weight_name * name + weight_freshness * freshness. A metadata field that a whole source
lacks, and a name that one side does not have, are left out and the rest re-weighted; any other part that is not known counts 0.
"""

from collections import defaultdict
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import Any

import numpy as np
import numpy.typing as npt
import pandas as pd

from pacing_brain import gates, reconcile
from pacing_brain.frames import NO_CURRENCY
from pacing_brain.model import Inputs, RunContext
from pacing_brain.names import Synonyms
from pacing_brain.roster import Codes

Floats = npt.NDArray[np.float64]
Flags = npt.NDArray[np.bool_]
FIELDS = {"market": "platform_market", "product": "platform_product", "start_date": "platform_start", "end_date": "platform_end"}
MATCH, DIFFERS, EMPTY, LEFT_OUT = "match", "differs", "empty", "left_out"
VERDICTS = (MATCH, DIFFERS, EMPTY, LEFT_OUT)
NORMAL_CYCLE_HOURS = 4.0  # the feed whose steps are written below; a slower one's stretch in proportion
STEPS = ((4.0, 1.0), (12.0, 0.8), (24.0, 0.5))  # younger than so many hours: this score
OLDEST = 0.2


@dataclass(frozen=True)
class SourceFacts:
    """What the scores must know of the sources as a whole."""

    left_out: Mapping[str, str]  # metadata field -> who lacks it in every row: "the spend source" | "the tracker"
    tie_out: Mapping[str, tuple[int, int]]  # currency -> (micros of the rows, the warehouse's own total)
    without_currency: frozenset[str]  # platforms whose feed names no currency in any row
    tracker: str
    tracker_age_days: float
    tracker_red_after_days: float
    future_minutes: float
    synonyms: Synonyms


def source_facts(inputs: Inputs) -> SourceFacts:
    """The facts of one run, over everything."""
    sides = (("the spend source", inputs.spend), ("the tracker", inputs.targets))
    lacking = {field: who for field in FIELDS for who, frame in sides if len(frame) and frame[field].array.isna().all()}
    codes, currencies = pd.factorize(inputs.spend["currency"])
    sums = np.zeros(len(currencies), dtype=np.int64)
    np.add.at(sums, codes, inputs.spend["spend_micros"].to_numpy("int64", na_value=0))
    spent = dict(zip(currencies, sums, strict=True))
    total: dict[str, int] = defaultdict(int)
    for currency, micros in zip(inputs.totals["currency"], inputs.totals["spend_micros"].tolist(), strict=True):
        total[currency] += micros
    read_at = inputs.run.tracker_read_at or inputs.run.as_of
    return SourceFacts(
        left_out=lacking, tie_out={c: (int(spent.get(c, 0)), int(total.get(c, 0))) for c in sorted({*spent, *total})},
        without_currency=_without_currency(inputs.spend["platform"], np.asarray(currencies == NO_CURRENCY)[codes]), tracker=inputs.run.tracker,
        tracker_age_days=_days_between(read_at, inputs.run.as_of), tracker_red_after_days=inputs.policy.tracker.red_after_days,
        future_minutes=inputs.policy.clock.future_minutes, synonyms=Synonyms(inputs.policy.synonyms))


def _without_currency(platform: pd.Series, unnamed: Flags) -> frozenset[str]:
    """Platforms none of whose rows names a currency."""
    return frozenset(platform[unnamed]) - frozenset(platform[~unnamed]) if unnamed.any() else frozenset()


def _days_between(earlier: datetime, later: datetime) -> float:
    return (later - earlier).total_seconds() / 86_400.0


def score(flights: pd.DataFrame, accounts: pd.DataFrame, facts: SourceFacts, values: pd.DataFrame, run: RunContext) -> pd.DataFrame:
    """Flights with the confidence columns of `FLIGHT_COLUMNS`; `values` is `Policy.resolve(flights)`.

    A proposed or tied campaign is scored against its closest candidate, an unmatched one has no metadata and no name score.
    """
    feed = _waited_for(feeds(flights, accounts), flights, run)
    verdicts = _metadata_verdicts(flights, facts)
    parts = {"metadata": np.where(flights["match_kind"].to_numpy(dtype=object) == "none", np.nan, _metadata(verdicts)),
             "name": flights["name_similarity"].to_numpy("float64"),
             "freshness": np.where(feed["available"], freshness(feed["feed_age_hours"], feed["cycle_hours"]), OLDEST)}
    unnamed = flights["campaign_name"].isna().to_numpy() | (flights["platform_name"].isna().to_numpy() & (flights["n_matched"].to_numpy() > 0))
    left_out = {"metadata": verdicts.min(axis=1) == VERDICTS.index(LEFT_OUT), "name": unnamed}
    checked = gates.check(flights, feed, facts, values, run)
    scored = flights.assign(
        score=_weighted(parts, left_out, values), **{f"score_{name}": part for name, part in parts.items()},
        metadata_detail=_details(verdicts), gates=checked["gates"].array, red_gates=checked["red_gates"].array)
    return _with_left_out_said(_with_no_row_said(scored), facts)


def feeds(flights: pd.DataFrame, accounts: pd.DataFrame) -> pd.DataFrame:
    """The account row of each flight; of a line over several accounts the one loaded longest ago."""
    at = reconcile.account_positions(flights, accounts)
    lines = flights["campaigns"].notna().to_numpy()
    for position in np.flatnonzero(lines):
        at[position] = _oldest(flights.iloc[position], accounts, at[position])
    feed = {name: accounts[name].array.take(at, allow_fill=True) for name in accounts.columns if name != "available"}
    feed |= {"available": np.append(accounts["available"].to_numpy(dtype=bool), True)[at], "cycle_hours": feed["cycle_hours"].fillna(NORMAL_CYCLE_HOURS),
             "load_basis": feed["load_basis"].fillna("none")}
    return pd.DataFrame(feed, index=flights.index, copy=False)


def _waited_for(feed: pd.DataFrame, flights: pd.DataFrame, run: RunContext) -> pd.DataFrame:
    """A feed that was never loaded is as old as its flight: the age of what is waited for."""
    if feed["feed_age_hours"].notna().all():
        return feed
    waited = (pd.Timestamp(run.as_of) - flights["day_start"]).dt.total_seconds() / 3600.0
    never = feed["load_basis"].eq("none") & feed["available"]
    return feed.assign(feed_age_hours=feed["feed_age_hours"].mask(never, waited))


def _oldest(flight: pd.Series, accounts: pd.DataFrame, own: int) -> int:
    named = sorted({(one["platform"], one["account_id"]) for one in flight["campaigns"] if one["account_id"]})
    if len(named) < 2:
        return own
    members = pd.DataFrame(named, columns=["platform", "account_id"], dtype="str")
    at = reconcile.account_positions(members, accounts)
    ages = accounts["feed_age_hours"].reset_index(drop=True).reindex(at).fillna(np.inf).to_numpy()
    return int(at[int(np.argmax(ages))])


def freshness(age_hours: pd.Series, cycle_hours: pd.Series) -> Floats:
    """For a 4 h feed 1.0 under 4 h, 0.8 under 12 h, 0.5 under 24 h, else 0.2; a slower feed's steps stretch in proportion."""
    stretch = np.maximum(cycle_hours.to_numpy(dtype=float) / NORMAL_CYCLE_HOURS, 1.0)
    age = age_hours.fillna(np.inf).to_numpy(dtype=float)
    return np.select([age < hours * stretch for hours, _ in STEPS], [step for _, step in STEPS], OLDEST)


def _metadata_verdicts(flights: pd.DataFrame, facts: SourceFacts) -> Codes:
    """A row per flight and a column per field: the position in VERDICTS."""
    verdicts = np.full((len(flights), len(FIELDS)), VERDICTS.index(LEFT_OUT))
    unseen = _without_rows(flights)
    for at, (field, theirs) in enumerate(FIELDS.items()):
        if field in facts.left_out:
            continue
        compare = _dates if field.endswith("_date") else _texts
        same, empty = compare(flights[field], flights[theirs], facts)
        verdicts[:, at] = np.select([unseen, empty, same], [VERDICTS.index(word) for word in (LEFT_OUT, EMPTY, MATCH)], VERDICTS.index(DIFFERS))
    return verdicts


def _without_rows(flights: pd.DataFrame) -> np.ndarray:
    """Matched campaigns of which there is no row yet: who knows them is the source's campaign list, and a list has no metadata at all."""
    bare = (flights["n_matched"].to_numpy() > 0) & (flights["row_days"].to_numpy() == 0)
    for name in FIELDS.values() if bare.any() else ():
        bare &= flights[name].isna().to_numpy()
    return np.asarray(bare)


def _texts(mine: pd.Series, theirs: pd.Series, facts: SourceFacts) -> tuple[Any, Any]:
    """(where both say the same, where one says nothing)."""
    return _canonical(mine, facts) == _canonical(theirs, facts), mine.array.isna() | theirs.array.isna()


def _canonical(texts: pd.Series, facts: SourceFacts) -> npt.NDArray[np.object_]:
    """Folded, with synonyms; several values of one line (`DE, UK`) as a sorted set."""
    codes, distinct = pd.factorize(texts)
    said = [", ".join(sorted({facts.synonyms.canonical(part) for part in text.split(", ")})) for text in distinct]
    return np.asarray(np.array([*said, None], dtype=object)[codes])


def _dates(mine: pd.Series, theirs: pd.Series, facts: SourceFacts) -> tuple[Any, Any]:
    """The platform's dates contain the flight's; an open or empty platform end contains everything."""
    del facts
    if mine.name == "end_date":
        return theirs.isna() | theirs.ge(mine), pd.Series(data=False, index=mine.index)
    return theirs.le(mine), theirs.isna()


def _metadata(verdicts: Codes) -> Floats:
    """The matched share of the fields that are not left out; null when all are."""
    asked = (verdicts != VERDICTS.index(LEFT_OUT)).sum(axis=1)
    matched = (verdicts == VERDICTS.index(MATCH)).sum(axis=1)
    return np.where(asked > 0, matched / np.maximum(asked, 1), np.nan)


def _details(verdicts: Codes) -> npt.NDArray[np.object_]:
    """{field: verdict} per flight; flights with the same verdicts share one dict."""
    codes, first, which = np.unique(verdicts @ len(VERDICTS) ** np.arange(len(FIELDS)), return_index=True, return_inverse=True)
    dicts = np.empty(len(codes), dtype=object)
    dicts[:] = [{field: VERDICTS[code] for field, code in zip(FIELDS, row, strict=True)} for row in verdicts[first].tolist()]
    return np.asarray(dicts[which], dtype=object)


def _weighted(parts: dict[str, Floats], left_out: dict[str, Flags], values: pd.DataFrame) -> Floats:
    """The weighted mean of the parts that are not left out."""
    total, weighted = np.zeros(len(values)), np.zeros(len(values))
    for name, part in parts.items():
        weight = np.where(left_out.get(name, False), 0.0, values[f"confidence_weight_{name}"].to_numpy("float64"))
        total += weight
        weighted += np.nan_to_num(part) * weight
    return np.round(weighted / np.where(total > 0, total, 1.0), 6)  # 0.7 is 0.7 in every summation order


def _with_no_row_said(flights: pd.DataFrame) -> pd.DataFrame:
    unseen = _without_rows(flights)
    if not unseen.any() or "reasons" not in flights:
        return flights
    said = "No metadata score: the platform lists the campaign and has no row of it yet."
    return flights.assign(reasons=[[*reasons, said] if new else reasons for reasons, new in zip(flights["reasons"], unseen, strict=True)])


def _with_left_out_said(flights: pd.DataFrame, facts: SourceFacts) -> pd.DataFrame:
    """A field that a whole source lacks is not counted, and that is said on every decision."""
    if not facts.left_out or "reasons" not in flights:
        return flights
    said = "; ".join(f"{field.replace('_', ' ')} ({who} has none)" for field, who in facts.left_out.items())
    return flights.assign(reasons=[[*reasons, f"Not part of the metadata score: {said}."] for reasons in flights["reasons"]])
