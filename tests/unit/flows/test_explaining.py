"""A campaign is found by what a person has at hand, a misspelt name included."""

import pandas as pd

from flows.explaining import LISTED, near


def decided(*names: str) -> pd.DataFrame:
    """Decisions of campaigns with these names; their flight ids are long and say nothing."""
    frame = pd.DataFrame({name: pd.Series([None] * len(names), dtype="str") for name in (*LISTED, "platform_campaign_id", "platform_name")})
    frame["campaign_name"] = list(names)
    frame["flight_id"] = [f"google:220000{place:05}:2026-11-04" for place in range(len(names))]
    return frame


def test_the_name_with_one_letter_missing_is_offered_first() -> None:
    """The campaign that was meant stands first, however many share its words and wherever it stands."""
    decisions = decided("Harbour UK CTV", "Harbour UK Audio", "Harbour UK Native", "Harbour UK Display", "NL UK Search Brand", "NL UK Search Generic")
    assert near(decisions, "NL UK Serch Generic")[0]["campaign_name"] == "NL UK Search Generic"


def test_nothing_is_offered_for_what_is_like_nothing() -> None:
    """A guess is not an offer."""
    assert near(decided("Harbour UK CTV"), "zzz") == []
