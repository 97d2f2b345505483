"""Why a severity is what it is, in whole sentences: the first entries of a decision's `reasons`."""

from collections.abc import Callable
from typing import Any

import numpy as np
import pandas as pd

from pacing_brain.model import MatchKind
from pacing_brain.money import money
from pacing_brain.records import Row, records
from pacing_brain.zones import day_text

def reasons(flights: pd.DataFrame, values: pd.DataFrame, ground: np.ndarray) -> pd.Series:
    """One list of sentences per flight. The many healthy ones get one short sentence each without a look at the rest of the row."""
    healthy = (ground == "band") & flights["severity"].eq("healthy").to_numpy(dtype=bool)
    lists = np.empty(len(flights), dtype=object)
    off = flights["pacing_pct"].to_numpy("float64") - 100.0
    pacing = 100.0 + np.trunc(off * 10.0 + np.sign(off) * 1e-9) / 10.0  # cut towards plan, as `_tenths`
    lists[healthy] = _listed(f"On plan: {pct:.1f} % of plan to date." if pct == pct else "Nothing is planned or spent yet."  # noqa: PLR0124  NaN
                             for pct in pacing[healthy])
    if not healthy.all():
        rows = records(flights, np.flatnonzero(~healthy), values)
        lists[~healthy] = _listed(SENTENCES[word](row) for word, row in zip(ground[~healthy], rows, strict=True))
    for at in np.flatnonzero(flights["credit_micros"].to_numpy("int64", na_value=0) < 0):
        lists[at] = [*lists[at], _credit(flights.iloc[at])]
    return pd.Series(lists, index=flights.index, dtype="object")


def _credit(row: Any) -> str:
    return f"A credit of {money(-int(row['credit_micros']), row['currency'])} is contained in what was spent."


def _listed(sentences: Any) -> np.ndarray:
    said = list(sentences)
    lists = np.empty(len(said), dtype=object)
    lists[:] = [[sentence] for sentence in said]
    return lists


def _closed(row: Row) -> str:
    return f"Closed: the flight ended on {day_text(row['end_date'])} and its figures are final."


def _before(row: Row) -> str:
    return f"Before the start on {day_text(row['start_date'])}: nothing is planned and nothing is spent."


def _zero(row: Row) -> str:
    planned = f"{money(row['target_micros'], row['currency'])} planned to date"
    said = {
        "never": f"Not delivering: nothing of {planned} has been spent since the start on {day_text(row['start_date'])}.",
        "not_found": f"Not found on the platform: the plan's campaign id {row['campaign_id']} was never seen there; {planned}.",
    }
    if row["zero_kind"] in said:
        return said[row["zero_kind"]]
    return f"Not delivering: spend stopped after {day_text(row['last_spend_day'])}, with nothing on {day_text(row['closed_day'])}; {planned}."


def _not_yet(row: Row) -> str:
    return f"Not found yet: {row['elapsed_hours']:.0f} h of the flight are covered; it is reported from {row['zero_planned_hours']:g} h on."


def _unknown(row: Row) -> str:
    if row["match_kind"] == MatchKind.AMBIGUOUS.value:
        return "It is not certain which campaign of the platform this is, so its pacing is not judged."
    if row["match_kind"] == MatchKind.NONE.value:
        where = "without a campaign id" if row["campaign_id"] is None else f"under the id {row['campaign_id']}"
        return f"Planned, not found: no campaign of the platform is known {where}, so its pacing is not judged."
    if row["overlaps"]:
        return "Several lines of the plan cover the same days of this campaign, so its pacing is not judged."
    if row["actual_micros"] is None:
        return "Spend to date is not known, so its pacing is not judged."
    if row["feed_currencies"] and row["feed_currencies"] != row["currency"]:
        return f"The plan is in {row['currency']}, the feed in {row['feed_currencies'].replace(',', ' and ')}, so its pacing is not judged."
    return "The plan to date is not known, so its pacing is not judged."


def _asap(row: Row) -> str:
    return f"As soon as possible: {money(row['actual_micros'], row['currency'])} of {money(row['budget_micros'], row['currency'])}; no under-target."


def _early(row: Row) -> str:
    return (f"Early hours: {row['elapsed_hours']:.0f} h of the flight are complete; pacing is judged from {row['early_hours']:g} h "
            f"and {row['early_closed_days']} closed day on.")


def _stake(row: Row) -> str:
    off = abs(row["actual_micros"] - row["target_micros"])
    return f"{money(off, row['currency'])} {row['direction']} plan is less than the {money(row['stake_micros'], row['currency'])} that counts."


def _figures(row: Row) -> str:
    spent, planned = money(row["actual_micros"], row["currency"]), money(row["target_micros"], row["currency"])
    if row["variance_pct"] is None:
        return f"{spent} spent where nothing is planned to date"
    return f"{_tenths(row, 'pacing_pct')} % of plan to date: {spent} spent, {planned} planned"


def _tenths(row: Row, name: str) -> str:
    """Cut after a tenth towards plan, so that no figure reads as if it were on the other side of an edge."""
    tenths = abs(row["actual_micros"] - row["target_micros"]) * 1000 // row["target_micros"]
    if name == "pacing_pct":
        tenths = 1000 + (tenths if row["direction"] == "over" else -tenths)
    return f"{tenths // 10}.{tenths % 10}"


def _band(row: Row) -> str:
    if row["variance_pct"] is None:
        return f"{_figures(row)}, which is critical."
    edge = f"{row['variance_critical_pct']:g} % and more is critical"
    if row["severity"] == "warning":
        edge = f"{row['variance_warning_pct']:g} % to under {row['variance_critical_pct']:g} % is a warning"
    return f"{_figures(row)}; {_tenths(row, 'variance_pct')} % {row['direction']}, and {edge}."


def _held(row: Row) -> str:
    edge = row["variance_critical_pct" if row["severity"] == "critical" else "variance_warning_pct"] * row["variance_hysteresis_pct"] / 100
    return f"{_figures(row)}; {_tenths(row, 'variance_pct')} % {row['direction']}, and it stays {row['severity']} until it is below {edge:g} %."


SENTENCES: dict[str, Callable[[Row], str]] = {
    "closed": _closed, "before": _before, "zero": _zero, "not_yet": _not_yet, "unknown": _unknown, "asap": _asap, "early": _early,
    "stake": _stake, "band": _band, "held": _held}
