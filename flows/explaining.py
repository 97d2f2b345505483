"""Finding a campaign in what a run decided, and everything that is on the record about its decision."""

from typing import Any

import numpy as np
import pandas as pd
from rapidfuzz import fuzz, process

from audit import ledger
from flows.views.run import as_row
from flows.wiring import House
from pacing_brain.natives import natives
from pacing_brain.policy import Policy

Row = dict[str, Any]
HISTORY = 6  # earlier decisions that are shown
NEAR = 5  # names that are offered where none is meant
LISTED = ["flight_id", "campaign_id", "campaign_name", "platform", "account_id", "client", "start_date", "end_date", "phase", "lane"]
SPELT = ["flight_id", "campaign_id", "platform_campaign_id", "campaign_name", "platform_name"]  # each is compared by itself: together they blur
SUGGEST_FROM = 45.0  # percent alike; below it a suggestion is a guess


def hits(decisions: pd.DataFrame, asked: str) -> pd.DataFrame:
    """The flights that are meant: by flight id, else by campaign id, else by the whole name, else by a part of it.

    Of several flights of one campaign the only one that is on now is meant.
    """
    wanted = asked.strip().casefold()
    names = _folded(decisions["campaign_name"]), _folded(decisions["platform_name"])
    ways = (_folded(decisions["flight_id"]).eq(wanted), _has_id(decisions, wanted), names[0].eq(wanted) | names[1].eq(wanted),
            names[0].str.contains(wanted, regex=False) | names[1].str.contains(wanted, regex=False))
    found = next((decisions[way] for way in ways if wanted and way.any()), decisions.iloc[:0])
    on = found[found["phase"].isin(["early", "live"])]
    return on if len(on) == 1 and len(set(found["campaign_id"].fillna(""))) == 1 else found


def near(decisions: pd.DataFrame, asked: str) -> list[Row]:
    """The flights whose name or id is spelt most like what was asked for, at most NEAR."""
    wanted = [asked.strip().casefold()]
    alike = np.max([process.cdist(wanted, _folded(decisions[one]).tolist(), scorer=fuzz.WRatio)[0] for one in SPELT], axis=0)
    best = np.argsort(-alike, kind="stable")[:NEAR]
    return natives(decisions[LISTED].iloc[best[alike[best] >= SUGGEST_FROM]])


def listed(found: pd.DataFrame) -> list[Row]:
    return natives(found[LISTED].sort_values(["campaign_name", "start_date", "flight_id"]))


def explanation(house: House, run_id: str, decision: pd.DataFrame) -> Row:
    """All that is known about one decision, as JSON natives."""
    (row,) = natives(decision)
    flight, run = row["flight_id"], house.runs.get(run_id)
    policy = house.policies.get(run.policy_digest) if run else None
    return {
        "run": {"run_id": run_id, "window": run.window.isoformat() if run else None, "as_of": run.as_of.isoformat() if run else None,
                "mode": "live" if run is None or run.live else "rehearsal", "policy_digest": run.policy_digest if run else None},
        "decision": row, "weights": _weights(policy, row), "bridge": _bridge(row),
        "narration": narration(house, run_id, flight), "history": history(house, flight), "incident": _incident(house, row), "recommendation": _recommendation(house, flight),
        "ledger": {"seq": row["standing_seq"], "restated": bool(row["restated"])},
    }


def _bridge(row: Row) -> Row:
    """What the variance is made of, in micros that add up; with `bands = "fixed"` all of it stands as the residual."""
    if row["bridge"] is not None:
        return {"basis": "evidence", **row["bridge"]}
    known = None not in (row["actual_micros"], row["target_micros"])
    return {"basis": "residual_only", "residual_micros": row["actual_micros"] - row["target_micros"] if known else None}


def history(house: House, flight: str) -> list[Row]:
    """The newest decisions on a flight that were made anew in live runs, newest first."""
    kept = ("severity", "lane", "action", "direction", "pacing_pct", "actual_micros", "target_micros", "currency", "watermark")
    with house.database.transaction() as connection:
        found = list(ledger.read(connection, kinds=["campaign_decided"], subject=flight, newest_first=True, limit=HISTORY, standing=True))
    return [{"seq": one.seq, "at": one.at.isoformat(), "run_id": one.run_id, **{name: one.content.get(name) for name in kept}} for one in found]


def narration(house: House, run_id: str, flight: str) -> Row | None:
    """What a language model made of it in the run, where that was used; null: nothing. It is an addition, never the decision."""
    with house.database.transaction() as connection:
        found = next(iter(ledger.read(connection, kinds=["narrated"], subject=flight, run_id=run_id, newest_first=True, limit=1)), None)
    if found is None or not found.content.get("text"):
        return None
    return {"seq": found.seq, "text": found.content["text"], "model": found.content["model"]}


def _weights(policy: Policy | None, row: Row) -> dict[str, float] | None:
    """Weights and the least score, as they held for this campaign."""
    if policy is None:
        return None
    won = policy.winners(row)
    return {name: float(won[f"confidence.{name}"][0]) for name in ("weight_metadata", "weight_name", "weight_freshness", "minimum")}


def _incident(house: House, row: Row) -> Row | None:
    return next((as_row(one) for one in house.incidents.open() if one.fingerprint == row["incident"]), None)


def _recommendation(house: House, flight: str) -> Row | None:
    ask = next((ask for ask in house.recommendations.pending() if ask.flight_id == flight), None)
    return None if ask is None else {"recommendation_id": ask.recommendation_id, "version": ask.version, "status": ask.status,
                                     "opened_at": ask.opened_at.isoformat(), "expires_at": ask.expires_at.isoformat(), **ask.facts}


def _folded(values: pd.Series) -> Any:
    return values.fillna("").astype("str").str.casefold()


def _has_id(decisions: pd.DataFrame, wanted: str) -> Any:
    own = _folded(decisions["campaign_id"]).eq(wanted) | _folded(decisions["platform_campaign_id"]).eq(wanted)
    lines = [any(str(one.get("campaign_id")).casefold() == wanted for one in several or []) for several in
             decisions["campaigns"].where(decisions["campaigns"].notna(), None)]
    return own | pd.Series(lines, index=decisions.index, dtype=bool)
