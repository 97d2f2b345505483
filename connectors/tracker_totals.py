"""Rows that add others up: people keep them below the plan and between its parts."""

import re

import pandas as pd

_WORDS = r"(?:grand |sub[- ]?|zwischen|gesamt)?(?:totals?|totale|summen?|somme|suma)|gesamt|insgesamt|sum"
_TOTALS = re.compile(rf"[σ∑=\s]*(?:{_WORDS})(?:[\s:(–-].{{0,60}})?|.{{1,60}} (?:sub-?)?totals?:?", re.IGNORECASE)


def totals(written: pd.DataFrame, known: pd.DataFrame) -> pd.Index:
    """The rows of totals: a cell says so, and nothing names a flight, a campaign's id or a day.

    Args:
        written: every cell of the sheet.
        known: the same rows by meaning.
    """
    free = known[["flight_id", "campaign_id", "start_date", "end_date"]]
    nameless = (free.eq("") | free.apply(_says_total)).all(axis=1)
    return known.index[nameless & written[nameless].apply(_says_total).any(axis=1).reindex(known.index, fill_value=False)]


def _says_total(texts: pd.Series) -> pd.Series:
    return texts.str.fullmatch(_TOTALS).fillna(value=False).astype(bool)
