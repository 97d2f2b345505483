"""An account whose days begin at another hour than its time zone says, what comes near to it, and what is said."""

from datetime import UTC, datetime
from typing import Any

import numpy as np
import pandas as pd

from pacing_brain import day_boundary, frames, within_day
from pacing_brain.brain import PacingBrain
from pacing_brain.model import Inputs, Outcome, Problem, RunContext
from pacing_brain.policy import Policy
from tests.unit.pacing_brain import builders

DAY = [105, 110, 155, 195, 190, 245]  # spend by four hours


def _decided(as_of: datetime, newest_day: str, *, zone: str = "UTC", loaded_at: str | None = None, memory: pd.DataFrame | None = None, **spent: Any) -> Outcome:
    """A run over a campaign that spends 100 a day from 1 June to `newest_day`, loaded a quarter of an hour before."""
    days = list(pd.date_range("2026-06-01", newest_day))
    loaded = loaded_at or (pd.Timestamp(as_of) - pd.Timedelta(minutes=15)).isoformat()
    spend = builders.spend(day=days, timezone=zone, loaded_at=loaded, **{"spend_micros": 100 * builders.UNIT} | spent)
    run = RunContext(run_id="r", as_of=as_of, window=as_of, live=True, tracker_read_at=as_of)
    return PacingBrain().decide(Inputs(
        run=run, policy=Policy(), targets=builders.targets(), spend=spend, loads=builders.loads(loaded_at=loaded), campaigns=frames.CAMPAIGNS.empty(),
        totals=builders.totals(spend), memory=frames.MEMORY.empty() if memory is None else memory, patterns=frames.PATTERNS.empty()))


def _days(outcome: Outcome) -> list[str]:
    return [finding.headline for finding in outcome.findings if finding.problem is Problem.DAYS]


def test_spend_of_a_day_that_has_not_begun_is_told_of_the_account_once() -> None:
    """At 20:00 UTC there is spend of the next day in an account of UTC: one question about the account, and its campaign stays healthy."""
    outcome = _decided(datetime(2026, 6, 10, 20, tzinfo=UTC), "2026-06-11", spend_micros=[100 * builders.UNIT] * 9 + [80 * builders.UNIT, 4 * builders.UNIT])
    assert _days(outcome) == [day_boundary.sentence("A1", "UTC")]
    assert outcome.decisions["severity"].tolist() == ["healthy"]


def test_it_stands_over_the_hours_in_which_it_does_not_show() -> None:
    """It shows in the last hours of a day only, and is one question over the day after; when it has not been seen for a day and a half, it is over."""
    memory = _decided(datetime(2026, 6, 10, 20, tzinfo=UTC), "2026-06-11").memory.assign(decided_seq=0)
    assert _days(_decided(datetime(2026, 6, 11, 12, tzinfo=UTC), "2026-06-11", memory=memory))
    assert not _days(_decided(datetime(2026, 6, 12, 12, tzinfo=UTC), "2026-06-12", memory=memory))


def test_a_day_that_has_begun_where_the_account_is_asks_nobody() -> None:
    """At 20:00 UTC the next day has begun in Tokyo; a load that took from before midnight until after it has some minutes of the new day."""
    assert not _days(_decided(datetime(2026, 6, 10, 20, tzinfo=UTC), "2026-06-11", zone="Asia/Tokyo"))
    assert not _days(_decided(datetime(2026, 6, 11, 0, tzinfo=UTC), "2026-06-11", loaded_at="2026-06-10T23:40:00Z"))


def test_a_date_far_ahead_is_no_time_zone() -> None:
    """A row of next week is a wrong date, whatever it is; rows of coming days without spend are nothing."""
    as_of = datetime(2026, 6, 10, 20, tzinfo=UTC)
    assert not _days(_decided(as_of, "2026-06-17"))
    assert not _days(_decided(as_of, "2026-06-11", spend_micros=[100 * builders.UNIT] * 10 + [0]))


def _swings(*days: list[int], ahead: tuple[int, ...] = ()) -> list[float]:
    """The swing of each reading, six a day; `ahead`: the readings at which a day was seen that had not begun."""
    found, states, at, micros = [], [None], np.full((1, 6), -1), np.full((1, 6), -1)
    for number, spent in enumerate(days):
        at[:], micros[:] = -1, -1
        for slot, total in enumerate(np.cumsum(spent)):
            seen = np.array([number * 6 + slot in ahead])
            swing, states = within_day.swings(pd.Series(["google"]), np.array([700_000 + number]), np.array([1440 * number]), np.array([240 * (slot + 1)]), np.array([total]),
                                              (at, micros), states, np.array([True]), seen)
            at[0, slot], micros[0, slot] = 240 * (slot + 1), total
            found.append(float(swing[0]))
    return found


def test_a_day_cut_short_by_its_boundary_is_no_break() -> None:
    """From 16:00 on the spend is of the next day: no drop of pace. The same day, without spend of a day to come, is one."""
    usual, cut = [DAY] * 6, [*DAY[:4], 20, 0]
    assert min(_swings(*usual, cut)) < -4.0
    assert min(_swings(*usual, cut, ahead=(6 * 6 + 4, 6 * 6 + 5))) == 0.0


def test_a_day_whose_first_hours_are_missing_is_no_break() -> None:
    """A day that begins at 07:00 in the feed, and one campaign that was off in the night: nothing is said of their hours."""
    assert max(map(abs, _swings(*[DAY] * 6, [0, 0, 110, 195, 190, 245]))) < 1.0


def _even_days(*, clocks_change: bool) -> list[float]:
    """The swing of each reading of even days that are read at fixed hours of UTC, the last six of which begin an hour later."""
    found, states, at, micros = [], [None], np.full((1, 6), -1), np.full((1, 6), -1)
    for number in range(12):
        begins = 60 if number >= 6 else 0
        at[:], micros[:] = -1, -1
        for slot in range(6):
            elapsed = 240 * slot + (220 if begins else 40)
            seen = max(elapsed - 120, 0)  # what is reported is two hours old
            swing, states = within_day.swings(pd.Series(["google"]), np.array([number]), np.array([1440 * number + begins * clocks_change]), np.array([elapsed]), np.array([seen]),
                                              (at, micros), states, np.array([True]), np.array([False]))
            at[0, slot], micros[0, slot] = elapsed, seen
            found.append(float(swing[0]))
    return found


def test_after_a_change_of_the_clocks_the_hours_are_learned_anew() -> None:
    """Loads come at fixed hours of UTC: where the account's days begin an hour later, a reading is of another hour, and even spend is no break."""
    assert max(map(abs, _even_days(clocks_change=True))) < 2.0
    assert max(map(abs, _even_days(clocks_change=False))) > 4.0  # what counts as a break


def test_the_sentence_names_account_and_zone() -> None:
    """A media person reads whose days, and what is and is not affected."""
    said = day_boundary.sentence("A1", "Europe/Berlin")
    assert said.startswith("There is spend of days that have not begun yet in Europe/Berlin, the time zone of account A1")
    assert said.endswith("Totals are right; single days are shifted.")
