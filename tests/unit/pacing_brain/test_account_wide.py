"""What all campaigns of an account do at once, and how near a campaign's own fault may come to it without being taken for it."""

from typing import Any

import numpy as np
import pandas as pd

from pacing_brain import account_wide, frames

START = pd.Timestamp("2026-11-01T00:00Z")
RED = {f"F{n}": "completeness" for n in range(12)}


def _looked_at(levels: list[float], memory: dict[str, str] | None = None, **columns: Any) -> tuple[pd.DataFrame, pd.DataFrame]:
    """(ACCOUNTS, measured) after both looks at one account whose campaigns have these levels (ln) at a noise of 15 %."""
    n = len(levels)
    flights = pd.DataFrame({"platform": "google", "account_id": "A1", "flight_id": [f"F{at}" for at in range(n)], "watermark": START + pd.Timedelta(days=9),
                            "day_end": START + pd.Timedelta(days=30), "budget_micros": 3_000_000_000, "actual_micros": pd.array([900_000_000] * n, dtype="Int64"),
                            "after_watermark_micros": pd.array([0] * n, dtype="Int64")})
    measured = pd.DataFrame({"level_pct": np.expm1(levels) * 100.0, "noise_pct": np.expm1(0.14) * 100.0, "level_z": np.array(levels) / 0.14, "swing": 0.0,
                             "from_usual": levels, "caught_up": False, "planned24_micros": pd.array([100_000_000] * n, dtype="Int64"), "silent": False,
                             "quiet": pd.array([False] * n, dtype="boolean")}).assign(**columns)
    remembered = frames.MEMORY.empty()[["flight_id", "gates_red"]]
    if memory:
        remembered = pd.DataFrame(list(memory.items()), columns=["flight_id", "gates_red"])
    return account_wide.look(pd.DataFrame({"platform": ["google"], "account_id": ["A1"]}), flights, measured, remembered)


def _spread(around: float, n: int = 12) -> list[float]:
    return [around + 0.1 * np.sin(at * 2.4) for at in range(n)]


def test_one_factor_over_an_account_is_the_accounts() -> None:
    """Twelve campaigns around x1.35: a fault of the account, and none of them is off its own level. Around x1.15: each is excused, and nobody is asked."""
    accounts, measured = _looked_at(_spread(0.30))
    assert 30 < accounts["common_level_pct"].iloc[0] < 40
    assert measured["level_z"].eq(0).all()
    accounts, measured = _looked_at(_spread(0.14))
    assert accounts["common_level_pct"].isna().all()
    assert measured["level_z"].eq(0).all()


def test_a_campaign_that_moved_by_itself_keeps_its_level() -> None:
    """Two of twelve doubled while the others moved by x1.35: the two are told apart. Where only half of an account moved, it is no account's move."""
    _, measured = _looked_at([*_spread(0.30, 10), 1.0, 1.0])
    assert measured["level_z"].ne(0).tolist() == [False] * 10 + [True] * 2
    accounts, measured = _looked_at([*_spread(0.6, 6), *_spread(-0.2, 6)])
    assert accounts["common_level_pct"].isna().all()
    assert measured["level_z"].ne(0).all()


def test_four_campaigns_are_too_few_to_speak_for_an_account() -> None:
    """Four that jump together stay four."""
    accounts, measured = _looked_at(_spread(0.30, 4))
    assert accounts["common_level_pct"].isna().all()
    assert measured["level_z"].ne(0).all()


def test_a_new_level_stays_a_question_while_it_is_far_from_the_usual_day() -> None:
    """A day later the last days hold the new level; it is still asked about, until the median day has moved too. Without the first day's alarm it is none."""
    later = {"from_usual": 0.28}
    assert _looked_at(_spread(0.02), RED, **later)[0]["common_level_pct"].notna().all()
    assert _looked_at(_spread(0.02), RED, from_usual=0.1)[0]["common_level_pct"].isna().all()
    assert _looked_at(_spread(0.02), **later)[0]["common_level_pct"].isna().all()


def test_what_comes_after_a_silence_of_the_account_is_no_move() -> None:
    """A feed thaws, and 24 hours of loads bring what 30 were spent in: the account was told silent, and has no second fault. Where two of twelve were silent before, it has."""
    accounts, measured = _looked_at(_spread(0.30), caught_up=True)
    assert accounts["common_level_pct"].isna().all()
    assert measured["level_z"].eq(0).all()
    assert _looked_at(_spread(0.30), caught_up=[True] * 2 + [False] * 10)[0]["common_level_pct"].notna().all()


def test_silence_together_is_heard_sooner() -> None:
    """Eleven of twelve have nothing in hours that delivered the day before: all of those are silent, as one. With nine of twelve nobody is."""
    accounts, measured = _looked_at(_spread(-0.2), quiet=pd.array([True] * 11 + [False], dtype="boolean"))
    assert accounts["quiet"].all()
    assert measured["silent"].tolist() == [True] * 11 + [False]
    accounts, measured = _looked_at(_spread(-0.2), quiet=pd.array([True] * 9 + [False] * 3, dtype="boolean"))
    assert not accounts["quiet"].any()
    assert not measured["silent"].any()
    at_night = pd.array([None] * 9 + [True] * 3, dtype="boolean")  # nine sleep at this hour anyway: three say nothing about the account
    assert not _looked_at(_spread(-0.2), quiet=at_night)[0]["quiet"].any()
