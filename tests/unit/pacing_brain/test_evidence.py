"""Each thing the evidence raises, beside a near miss that it must not raise; all in one small history."""

import math
from collections.abc import Callable
from datetime import date, datetime, timedelta
from typing import TYPE_CHECKING, Any

import numpy as np
import pandas as pd
import pytest
from hypothesis import given
from hypothesis import strategies as st

from connectors.history import History
from flows.backtest import replayed
from pacing_brain import plan_edits, unexplained, within_day
from pacing_brain.policy import Policy
from tests.unit.pacing_brain import builders, cohort
from tests.histories import START, plan_row, spend_row, windows, write

if TYPE_CHECKING:
    from pathlib import Path

AT = windows(5)
ONSET = AT[17]  # the first minute of the fourth day, a Thursday
EVIDENCE = Policy.model_validate({"bands": "evidence", "calendar": {f"{ONSET:%Y-%m-%d} campaign=C-sale": 3.0}})
Pace = Callable[[datetime], float]  # spend of an hour, in units


def _even(at: datetime) -> float:
    """100 a day with the noise of an ordinary campaign."""
    return 100.0 / 24.0 * (1.0 + 0.08 * math.sin(at.toordinal() * 2.4))


def _quiet_on_two_weekdays(at: datetime) -> float:
    return _even(at) * (0.55 if at.weekday() in (3, 4) else 1.18)


def _by_day_only(at: datetime) -> float:
    return _even(at) * (2.0 if 8 <= at.hour < 20 else 0.0)


def _day_of_sales(at: datetime) -> float:
    """1,400 over 13 days and one that counts three times."""
    return _even(at) * 0.875 * (3.0 if at.date() == ONSET.date() else 1.0)


def _after(pace: Pace, factor: float) -> Pace:
    return lambda at: pace(at) * (factor if at >= ONSET else 1.0)


PACES: dict[str, Pace] = {
    "steady": _even, "doubled": _after(_even, 2.0), "halved": _after(_even, 0.4), "weekdays": _quiet_on_two_weekdays, "unit": _after(_even, 150.0),
    "silent": _after(_even, 0.0), "sleeps": _by_day_only, "late": _even, "missed_one": _even, "tenfold": _even, "raised_a_little": _even,
    "lost": _even, "sale": _day_of_sales, "renamed": _even, "swapped": _even, "longer": _even, "year": _even,
    **{f"wide{n}": _after(_even, 1.5) for n in range(5)}, **{f"mixed{n}": _after(_even, 1.5 if n == 0 else 1.0) for n in range(5)}}


def _rows(name: str, pace: Pace) -> list[dict[str, Any]]:
    who = {"account_id": f"A-{name.rstrip('01234')}", "campaign_id": f"C-{name}", "campaign_name": f"Pine_US_Shoes_{name}"}
    rows = []
    for back in range(28, 0, -1):
        day = START - timedelta(days=back)
        rows.append(spend_row(AT[0], day.date(), sum(pace(day + timedelta(hours=h)) for h in range(24)), **who))
    for at in AT if name != "late" else [at for at in AT if at <= ONSET]:
        day = (at - timedelta(hours=4)).replace(hour=0)
        hours = [day + timedelta(hours=h) for h in range(int((at - day) / timedelta(hours=1)))]
        before = [hour for hour in hours if name != "lost" or hour < ONSET]
        changed = {"campaign_name": "Pine US Shoes, autumn"} if name == "renamed" and at > ONSET else {}
        if before:
            rows.append(spend_row(at, day.date(), sum(map(pace, before)), **who | changed))
        if len(before) < len(hours):
            rows.append(spend_row(at, day.date(), sum(map(pace, hours[len(before):])), **who | {"campaign_id": None, "campaign_name": "Pine - US - Shoe - lost"}))
    return rows


def _plan(name: str) -> list[dict[str, Any]]:
    row = plan_row(flight_id=name, account_id=f"A-{name.rstrip('01234')}", campaign_id=f"C-{name}", campaign_name=f"Pine_US_Shoes_{name}")
    edited = {"tenfold": {"budget": 14000.0}, "raised_a_little": {"budget": 1449.0}, "swapped": {"budget": 4100.0}, "longer": {"end_date": date(2024, 1, 28)},
              "year": {"end_date": date(2025, 1, 21)}}
    return [row, *([row | {"valid_from": ONSET} | edited[name]] if name in edited else [])]


def _loads(name: str) -> list[dict[str, Any]]:
    seen = [at for at in AT if not (name == "late" and at > ONSET) and not (name == "missed_one" and at == AT[15])]
    return [{"account_id": f"A-{name.rstrip('01234')}", "seen_at": at, "loaded_at": at - timedelta(minutes=15)} for at in seen]


@pytest.fixture(scope="module")
def decided(tmp_path_factory: pytest.TempPathFactory) -> pd.DataFrame:
    folder: Path = tmp_path_factory.mktemp("history") / "cases"
    write(folder, at=AT, plan=[row for name in PACES for row in _plan(name)], spend=[row for name, pace in PACES.items() for row in _rows(name, pace)],
          loads=[row for name in PACES for row in _loads(name)])
    history = History(folder)
    history.windows = [at for at in history.windows if START + timedelta(hours=32) < at <= ONSET + timedelta(hours=24)]
    return pd.concat(list(replayed(history, EVIDENCE)), ignore_index=True)


def _of(decided: pd.DataFrame, name: str) -> pd.DataFrame:
    return decided[decided["flight_id"].eq(name)].sort_values("as_of", ignore_index=True)


@pytest.mark.parametrize("name", ["steady", "weekdays", "sleeps", "missed_one", "raised_a_little", "renamed", "mixed3", "sale"])
def test_a_near_miss_asks_for_nobody(decided: pd.DataFrame, name: str) -> None:
    """Ordinary noise, weekdays that are always quiet, hours that never deliver, one missed load, a small edit, a rename with its id, a sibling that
    jumps and a day of sales that the calendar knows stay quiet."""
    own = _of(decided, name)
    assert set(own["lane"]) <= {"healthy", "warning"}
    assert own["lane"].eq("healthy").mean() > 0.9


@pytest.mark.parametrize(("name", "lane", "within_hours", "said"), [
    ("doubled", "critical", 24, "jumped up"),
    ("halved", "critical", 24, "jumped down"),
    ("unit", "critical", 12, "another currency or unit"),
    ("silent", "critical", 20, "fell silent"),
    ("late", "escalate", 12, "was last loaded"),
    ("tenfold", "escalate", 4, "a zero too many: a tracker typo"),
    ("year", "escalate", 4, "The same day of another year: a tracker typo"),
    ("lost", "escalate", 12, "the match was lost"),
    ("wide3", "escalate", 24, "nearly all campaigns of the account changed at once")])
def test_what_the_evidence_shows_is_raised_and_named(decided: pd.DataFrame, name: str, lane: str, within_hours: int, said: str) -> None:
    """Quiet before it happens, raised soon after, and named in words."""
    own = _of(decided, name)
    raised = own[own["lane"].isin(["critical", "escalate"])]
    assert not raised.empty, own[["as_of", "severity", "lane", "reasons"]].tail(3).to_string()
    first = raised.iloc[0]
    assert first["lane"] == lane
    assert pd.Timestamp(ONSET) <= first["as_of"] <= pd.Timestamp(ONSET) + pd.Timedelta(hours=within_hours)
    assert said in first["root_cause"], first["root_cause"]


def test_the_sentence_of_the_level_test_has_its_figures(decided: pd.DataFrame) -> None:
    """What was spent, against what, how noisy it is, and what the plan wants."""
    own = _of(decided, "doubled")
    sentence = own.loc[own["lane"].eq("critical"), "reasons"].iloc[-1]
    assert "% more than its own days before (ordinary noise:" in sentence
    assert "than the $100 planned for them" in sentence


def test_digits_in_another_order_are_a_warning_by_name(decided: pd.DataFrame) -> None:
    """1,400 that becomes 4,100 is told at the next run, as what it looks like, and nobody is woken."""
    own = _of(decided, "swapped")
    assert set(own["lane"]) == {"healthy", "warning"}
    said = own.loc[own["as_of"].gt(ONSET) & own["lane"].eq("warning"), "root_cause"]
    assert "The same digits in another order: a tracker typo." in said.iloc[0]


def test_a_last_day_that_was_moved_is_a_warning_with_both_days(decided: pd.DataFrame) -> None:
    """A week more for the same budget, and the spend goes on as before: told at the next run, with the day before and after, and what it moved stands in the bridge."""
    own = _of(decided, "longer")
    assert set(own["lane"]) == {"healthy", "warning"}
    first = own[own["lane"].eq("warning")].iloc[0]
    assert first["as_of"] <= pd.Timestamp(ONSET) + pd.Timedelta(hours=4)
    assert "The plan's last day was moved from Sun 21 Jan 2024 to Sun 28 Jan 2024, seen first on" in first["root_cause"]
    assert first["variance_pct"] > 40
    assert abs(first["unexplained_pct"]) < 5


def test_a_line_that_is_used_again_is_no_edit() -> None:
    """The same flight_id for the next month, dates that were moved back, and memory from before dates were remembered: no edit. Of two edits the plan before the first stands."""
    table = cohort.flights(start_date="2026-06-01", end_date="2026-06-30")
    plan = {"budget_micros": 3_000 * cohort.UNIT, "end_date": "2026-06-30"}
    moved = {"budget_micros": 3_000 * cohort.UNIT, "end_date": "2026-07-05", "budget_before_micros": 3_000 * cohort.UNIT, "start_before": "2026-06-01"}

    def seen(**kept: object) -> list[object]:
        found = plan_edits.seen(table, builders.memory(**kept), cohort.run())
        return [None if found[name].isna()[0] else found[name][0] for name in ("budget_was_micros", "end_was")]

    assert seen(**plan | {"end_date": "2026-06-20"}) == [3_000 * cohort.UNIT, pd.Timestamp("2026-06-20")]
    assert seen(**plan) == seen(budget_micros=3_000 * cohort.UNIT) == [None, None]
    assert seen(**plan | {"start_date": "2026-05-01", "end_date": "2026-05-31"}) == [None, None]
    assert seen(**moved | {"end_before": "2026-06-30"}) == [None, None]
    assert seen(**moved | {"end_before": "2026-06-15"}) == [3_000 * cohort.UNIT, pd.Timestamp("2026-06-15")]


def test_of_an_account_that_jumps_as_one_every_campaign_says_so(decided: pd.DataFrame) -> None:
    """Five campaigns at x1.5 in one night are one fault of the feed; one of five is that campaign's own."""
    wide = pd.concat([_of(decided, f"wide{n}").tail(1) for n in range(5)])
    assert wide["root_cause_code"].eq("account_jumped").all()
    assert not decided[decided["flight_id"].str.startswith("mixed")]["root_cause_code"].eq("account_jumped").any()
    assert set(_of(decided, "mixed0")["lane"].tail(2)) == {"critical"}


def _swings(*days: list[int]) -> list[float]:
    """The swing of each reading, six a day, of days given by their spend in each four hours."""
    found, states, at, micros = [], [None], np.full((1, 6), -1), np.full((1, 6), -1)
    for number, spent in enumerate(days, start=700_000):
        at[:], micros[:] = -1, -1
        for slot, total in enumerate(np.cumsum(spent)):
            swing, states = within_day.swings(pd.Series(["google"]), np.array([number]), np.array([1440 * number]), np.array([240 * (slot + 1)]), np.array([total]),
                                              (at, micros), states, np.array([True]), np.array([False]))
            at[0, slot], micros[0, slot] = 240 * (slot + 1), total
            found.append(float(swing[0]))
    return found


def test_a_break_within_a_day_is_seen_and_a_new_level_at_midnight_is_none() -> None:
    """Hours keep their shape: a day at twice the level is no break, twice the pace from noon on is; the other way round below 0."""
    day = [105, 110, 155, 195, 190, 245]
    usual = [day] * 6
    assert max(map(abs, _swings(*usual, [2 * one for one in day]))) < 1.0
    assert max(_swings(*usual, [*day[:3], *(2 * one for one in day[3:])])) > 4.0
    assert min(_swings(*usual, [*day[:3], *(one // 3 for one in day[3:])])) < -4.0


def test_a_late_feed_is_told_by_its_own_rhythm(decided: pd.DataFrame) -> None:
    """The feed is late before a day has passed, because it used to load every four hours; and before its spend looks low: nothing else was raised."""
    own = _of(decided, "late")
    assert set(own["severity"]) == {"healthy"}
    assert set(own["lane"]) == {"healthy", "escalate"}
    assert "used to be at most 4.0 h apart" in own.loc[own["lane"].eq("escalate"), "reasons"].iloc[0]


@pytest.mark.parametrize(("actual", "weekday", "left"), [(880, -9.0, -30), (880, 9.0, -120), (880, -20.0, 0), (1120, 9.0, 30), (880, np.nan, -120)])
def test_weekdays_explain_the_side_that_they_are_on(actual: int, weekday: float, left: int) -> None:
    """12 % behind after a weekend that is always quiet is 3 %; weekdays on the other side explain nothing, and none explains more than there is."""
    row = cohort.flights(actual_micros=actual, target_micros=1000, elapsed_hours=240.0, noise_pct=10.0, own_noise_pct=0.0, allowed_micros=0, weekday_pct=weekday)
    parts = unexplained.bridge(row, EVIDENCE.resolve(row), np.array([True]), plan_edits.edited(row, EVIDENCE.resolve(row)))
    assert (parts["residual"][0], sum(int(part[0]) for part in parts.values())) == (left, actual - 1000)


whole = st.integers(min_value=0, max_value=10**15)


@given(actual=whole, target=whole, budget=st.integers(1, 10**15), before=st.none() | st.integers(1, 10**15), hours=st.floats(0, 700), noise=st.floats(0, 300), weekday=st.none() | st.floats(-60, 100),
       moved=st.booleans())
def test_the_bridge_adds_up_to_the_micro(actual: int, target: int, budget: int, before: int | None, hours: float, noise: float, weekday: float | None, moved: bool) -> None:
    """variance = target_change + lag + platform_allowance + weekday + noise + residual, whatever the figures."""
    start = pd.Timestamp("2024-01-01", tz="UTC")
    flights = pd.DataFrame({
        "actual_micros": pd.array([actual], dtype="Int64"), "target_micros": pd.array([target], dtype="Int64"), "budget_micros": [budget],
        "budget_was_micros": pd.array([before], dtype="Int64"), "budget_changed_at": [start], "watermark": [start + pd.Timedelta(hours=hours)],
        "day_start": [start], "day_end": [start + pd.Timedelta(days=28)], "elapsed_hours": [hours], "own_noise_pct": [noise], "noise_pct": [noise], "weekday_pct": [np.nan if weekday is None else weekday], "allowed_micros": pd.array([max(actual - target, 0) // 3], dtype="Int64")})
    first, last = pd.Timestamp("2024-01-01"), pd.Timestamp("2024-01-28")
    flights = flights.assign(start_date=first, end_date=last, start_was=first, end_was=last - pd.Timedelta(days=7) if moved else last, account_timezone="UTC", curve="even",
                             curve_pct=np.nan, target_to_date_micros=pd.array([None], dtype="Int64"), updated_at=pd.NaT, day_weights=None)
    parts = unexplained.bridge(flights, EVIDENCE.resolve(flights), np.array([True]), plan_edits.edited(flights, EVIDENCE.resolve(flights)))
    assert sum(int(part[0]) for part in parts.values()) == actual - target
    assert set(parts) == set(unexplained.PARTS)
    assert not np.sign(parts["noise"][0]) * np.sign(parts["residual"][0]) < 0  # noise explains, it never turns the sign
    assert not np.sign(parts["weekday"][0]) * np.sign(parts["noise"][0] + parts["residual"][0]) < 0  # nor do weekdays
