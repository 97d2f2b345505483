"""What people read of a forecast: where a flight ends if it is left alone, what waiting costs, where a currency's flights end together.

Nothing is said where nothing is known. Amounts come from the decision alone, so that a card, the report, `pacing explain` and the ledger show one figure.
"""

import math

import pandas as pd

from notifiers.cards_facts import Facts, amount, amount_of, remaining_seconds
from notifiers.cards_text import count, day, weekday

SHOWN = ["forecast_micros", "forecast_lo_micros", "forecast_hi_micros"]
SAID_FROM = 1_000_000  # micros: a cost of waiting below one unit of the currency is not worth a line


def landing(row: Facts) -> list[str]:
    """When the budget is used up, and where the flight ends if it is left alone."""
    if any(row.get(name) is None for name in SHOWN) or not remaining_seconds(row):
        return []
    currency, last, used_up = row.get("currency"), day(row.get("end_date")), day(row.get("used_up_day"))
    said = []
    if used_up and last and used_up < last:
        early = count((last - used_up).days, "day", "days")
        said.append(f"At today's rate the {amount_of(row, 'budget_micros')} budget is used up on *{weekday(used_up)}*, {early} early.")
    low, high = (amount(row.get(name), currency) for name in ("forecast_lo_micros", "forecast_hi_micros"))
    return [*said, f"Left alone, the flight ends near *{amount_of(row, 'forecast_micros')}* (80 % range {low} to {high})."]


def waiting(row: Facts) -> str:
    """A card's field: what is spent, or missed, until the next run and until an answer usually comes. Empty where it is nothing."""
    said = [words for words in (_waited(row, "window", "Until the next run"), _waited(row, "answer", "Until an answer usually comes")) if words]
    return "*Waiting costs*\n" + " ".join(said) if said else ""


def _waited(row: Facts, until: str, lead: str) -> str:
    spent, off = row.get(f"wait_{until}_micros"), row.get(f"wait_{until}_off_micros")
    if spent is None or off is None or abs(int(off)) < SAID_FROM or not remaining_seconds(row):
        return ""
    currency, over = row.get("currency"), int(off) > 0
    if over != (row.get("direction") == "over"):
        return ""
    if over:
        return f"{lead}: about {amount(int(spent), currency)}, of which {amount(int(off), currency)} is above plan."
    return f"{lead}: about {amount(-int(off), currency)} more left unspent."


def ends_near(flights: pd.DataFrame) -> str:
    """`Ends near £770,000 (£752,000 to £788,000) of £742,000.` of flights of one currency, or nothing where one of them has no forecast.

    Flights err each by themselves, so the half-widths of their ranges add up by their squares.
    """
    if flights.empty or not {*SHOWN, "budget_micros"} <= set(flights.columns) or flights[SHOWN].isna().any(axis=None):
        return ""
    middle = flights["forecast_micros"].astype("int64")
    down = math.sqrt(float(((middle - flights["forecast_lo_micros"].astype("int64")).astype("float64") ** 2).sum()))
    up = math.sqrt(float(((flights["forecast_hi_micros"].astype("int64") - middle).astype("float64") ** 2).sum()))
    currency, total = flights["currency"].iloc[0], int(middle.sum())
    low, high = amount(total - round(down), currency), amount(total + round(up), currency)
    return f" Ends near {amount(total, currency)} ({low} to {high}) of {amount(int(flights['budget_micros'].sum()), currency)}."
