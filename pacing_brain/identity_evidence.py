"""The identity gate: by what a plan line and a platform campaign are known to be the same, and what speaks against it."""

from typing import Any

import numpy as np
import numpy.typing as npt
import pandas as pd

from pacing_brain.money import money
from pacing_brain.records import Row, records

GREEN = {
    "id": "Same id in the plan and on the platform.",
    "alias": "A person confirmed that it is this campaign.",
    "name": "Same name in the same account, unique in both; no id says otherwise. To be confirmed before anything is paused.",
    "none": "Nothing to compare: the plan's id was not found on the platform.",
}
UNAVAILABLE = "Not compared: the platform's campaigns are not available."


def identity(flights: pd.DataFrame, feed: pd.DataFrame) -> tuple[npt.NDArray[np.bool_], npt.NDArray[np.object_]]:
    """(red, evidence). A planned id that is nowhere found stays green: there is nothing to confuse, and the lanes report it."""
    kind, available = flights["match_kind"].to_numpy(dtype=object), feed["available"].to_numpy(dtype=bool)
    ambiguous, by_name_only = kind == "ambiguous", (kind == "none") & flights["campaign_id"].isna().to_numpy()
    red = ambiguous | (by_name_only & available) | flights["lost_name"].notna().to_numpy()
    evidence = np.array([GREEN.get(word, "") for word in kind.tolist()], dtype=object)
    evidence[~available & (kind == "none")] = UNAVAILABLE
    if red.any():
        evidence[red] = [_why(row) for row in records(flights, np.flatnonzero(red))]
    return red, evidence


def _why(row: Row) -> str:
    if not _absent(row["lost_name"]):
        return lost_sentence(row)
    missing = [one for one in row["campaigns"] or [] if one["campaign_key"] is None]
    if row["n_matched"] and missing:
        named = ", ".join(f"row {one['row']} ({_called(one)})" for one in missing)
        return f"{row['n_matched']} of {row['n_campaigns']} campaigns of the line were found on the platform; not found: {named}."
    open_ = [one for one in row["candidates"] if one["verdict"] != "not proposed"]
    if not open_:
        near = f" The nearest name, {_named(row['candidates'][0])}, was ruled out: {row['candidates'][0]['why']}." if row["candidates"] else ""
        return f"Planned, not found: row {row['rows']} has no campaign id, and no campaign can be it by name.{near}"
    who = f"Row {row['rows']} has {'no campaign id' if _absent(row['campaign_id']) else 'an id that does not settle it'}"
    if len(open_) == 1:
        return f"{who}. {_named(open_[0])} may be it, but nothing proves it: {open_[0]['why']}."
    return f"{who}, and {len(open_)} campaigns may be it: {', '.join(_named(one) for one in open_)}."


def lost_sentence(row: Row) -> str:
    """The id was lost on the way, in words."""
    return (f"{money(row['lost_micros'], row['currency'])} is reported in the same account as {row['lost_name']}, without an id, since the plan's campaign "
            f"{row['campaign_id']}, of nearly the same name, ran: the match was lost, and its spend is counted in part only.")


def _named(one: dict[str, Any]) -> str:
    return f"{one['campaign_name'] or 'a campaign without a name'} ({one['campaign_id'] or 'no id'})"


def _called(one: dict[str, Any]) -> str:
    return f"id {one['campaign_id']}" if one["campaign_id"] else f"{one['campaign_name']}"


def _absent(value: Any) -> bool:
    return value is None or bool(pd.isna(value))
