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
    nameless = known.index
    for name in ("start_date", "end_date", "campaign_id", "flight_id"):
        texts = known.loc[nameless, name]
        nameless = nameless[texts.eq("") | _says_total(texts)]
    return nameless[written.loc[nameless].apply(_says_total).any(axis=1)] if len(nameless) else nameless


def _says_total(texts: pd.Series) -> pd.Series:
    return texts.str.fullmatch(_TOTALS).fillna(value=False).astype(bool)
