"""Proof of effect: spend that really stopped, spend that did not, and days that prove nothing."""

import datetime as dt

import pandas as pd
import pytest

from pacing_brain import effects, frames
from tests.unit.pacing_brain.test_breaker import inputs, whole, flights

PAUSED_AT = pd.Timestamp("2026-11-06T23:30", tz="UTC")  # already the 7th in Berlin


def see(spent: dict[str, int], closed_day: str, zone: str = "UTC", kind: str = "pause") -> list[tuple[str, int]]:
    days = pd.DataFrame([{"account_id": "1", "campaign_id": "c", "campaign_name": "C", "currency": "EUR", "day": pd.Timestamp(day), "spend_micros": micros}
                         for day, micros in spent.items()], columns=["account_id", "campaign_id", "campaign_name", "currency", "day", "spend_micros"])
    accounts = pd.DataFrame([{"platform": "google", "account_id": "1", "timezone": zone, "closed_day": pd.Timestamp(closed_day)}])
    acts = frames.ACTS.check(pd.DataFrame([{"recommendation_id": "R-1", "flight_id": "google1-0000", "platform": "google", "account_id": "1",
                                            "campaign_id": "c", "paused_at": PAUSED_AT, "kind": kind}]))
    from dataclasses import replace

    return [(one.effect, one.spend_micros) for one in effects.see(replace(inputs(), acts=acts), days, accounts)]


@pytest.mark.parametrize(("spent", "closed_day", "seen"), [
    ({"2026-11-06": 5}, "2026-11-06", []),  # the day of the pause proves nothing
    ({"2026-11-06": 5}, "2026-11-07", [("proven", 0)]),
    ({"2026-11-06": 5, "2026-11-07": 0}, "2026-11-07", [("proven", 0)]),
    ({"2026-11-06": 5, "2026-11-07": 3}, "2026-11-06", [("failed", 3)]),  # also on a day that is not closed yet
    ({}, "2026-11-05", []),
])
def test_only_whole_days_after_the_pause_count(spent: dict[str, int], closed_day: str, seen: list[tuple[str, int]]) -> None:
    """Nothing is claimed before a whole day is in; spend on a later day is a pause that did not hold."""
    assert see(spent, closed_day) == seen


@pytest.mark.parametrize(("kind", "spent", "closed_day", "seen"), [
    ("hand_over", 3, "2026-11-06", []), ("hand_over", 3, "2026-11-07", ["not_done"]), ("hand_over", 0, "2026-11-07", ["proven"]),
    ("resume", 3, "2026-11-06", ["proven"]), ("resume", 0, "2026-11-06", []), ("resume", 0, "2026-11-07", ["failed"]),
])
def test_a_hand_over_and_a_resume_are_proven_by_what_they_promised(kind: str, spent: int, closed_day: str, seen: list[str]) -> None:
    """Spend after a hand-over that nobody reported says that nobody did it; spend after a resume is its proof."""
    assert [effect for effect, _ in see({"2026-11-07": spent}, closed_day, kind=kind)] == seen


def test_the_days_are_the_accounts() -> None:
    """A pause at 23:30 UTC is one of the next day in Berlin, whose spend then proves nothing."""
    assert see({"2026-11-07": 3}, "2026-11-07", "Europe/Berlin") == []
    assert see({"2026-11-08": 3}, "2026-11-07", "Europe/Berlin") == [("failed", 3)]


def test_a_pause_that_did_not_hold_is_a_problem_of_its_own() -> None:
    """It names the money and the day, and leaves the campaign's other problem as it is."""
    effect = effects.Effect("R-1", "google1-0000", "failed", dt.datetime(2026, 11, 7, tzinfo=dt.UTC), 3_000_000, "EUR")
    (found,) = effects.findings([effect], whole(flights(1, 0)))
    assert found.fingerprint == "campaign:google1-0000:still_spending"
    assert found.headline.startswith("It was paused, and has spent €3")
    assert effects.findings([effects.Effect("R-1", "gone", "failed", effect.since, 1, None)], whole(flights(1, 0))) == []
