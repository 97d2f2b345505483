"""Whether an approved pause may be carried out: a live approval, the campaign as the evidence saw it, and a brain that still asks."""

import datetime as dt

import pytest

from pacing_brain.applying import Approved, judge, judge_resume, still_asked, too_late

NOON = dt.datetime(2026, 11, 6, 12, tzinfo=dt.UTC)
HOUR = dt.timedelta(hours=1)


def approved(**changes: object) -> Approved:
    given: dict[str, object] = {"evidence_at": NOON, "approved_at": NOON + HOUR, "expires_at": NOON + 12 * HOUR, "direction": "over"}
    return Approved(**given | changes)  # type: ignore[arg-type]


@pytest.mark.parametrize(("now", "late"), [(NOON + HOUR, False), (NOON + 2 * HOUR, False), (NOON + 2 * HOUR + dt.timedelta(seconds=1), True)])
def test_an_approval_is_acted_upon_within_its_hour(now: dt.datetime, late: bool) -> None:
    """An approval that could not be carried out for an hour is called off."""
    assert (too_late(approved(), now, HOUR) is not None) is late


def test_the_end_of_its_time_ends_it() -> None:
    """At the very instant of its end it is over."""
    soon = approved(expires_at=NOON + 90 * dt.timedelta(minutes=1))
    assert too_late(soon, NOON + 89 * dt.timedelta(minutes=1), HOUR) is None
    assert too_late(soon, NOON + 90 * dt.timedelta(minutes=1), HOUR) == "Its time was over before it could be carried out."


@pytest.mark.parametrize(("state", "changed_at", "attempted_at", "step"), [
    ("serving", NOON - HOUR, None, "go"),
    ("serving", None, None, "go"),  # a platform that does not say when
    ("serving", NOON + dt.timedelta(seconds=30), None, "go"),  # within the clocks' difference
    ("serving", NOON + 2 * HOUR, None, "aborted"),  # somebody changed it since
    ("paused", NOON + 2 * HOUR, None, "done"),
    ("ended", NOON - HOUR, None, "aborted"),
    ("paused", NOON + HOUR, NOON + HOUR, "done"),  # the first try did it, and its answer was lost
    ("serving", NOON - HOUR, NOON + HOUR, "go"),  # the first try did not arrive
    ("serving", NOON + 2 * HOUR, NOON + HOUR, "aborted"),  # it did, and a person resumed it
    ("serving", NOON + HOUR + dt.timedelta(seconds=5), NOON + HOUR, "aborted"),  # ... within the same minute
    ("serving", None, NOON + HOUR, "aborted"),  # nobody can tell
])
def test_what_the_platform_says_decides(state: str, changed_at: dt.datetime | None, attempted_at: dt.datetime | None, step: str) -> None:
    """Paused is done, changed by somebody is called off, and an earlier try is never repeated unless it surely did nothing."""
    verdict = judge(approved(attempted_at=attempted_at), state, state.upper(), changed_at)
    assert verdict.step == step
    assert verdict.why.endswith(".")


SECOND = dt.timedelta(seconds=1)


@pytest.mark.parametrize(("state", "changed_at", "tried_at", "step"), [
    ("paused", NOON, None, "go"),  # our own pause
    ("paused", NOON + HOUR, None, "aborted"),  # somebody changed it since
    ("paused", NOON, NOON + 30 * SECOND, "go"),  # the first try did not arrive; the change is our pause
    ("paused", NOON + HOUR + 5 * SECOND, NOON + HOUR, "aborted"),  # it did, and a person paused it within the same minute
    ("serving", NOON + HOUR, NOON + HOUR, "done"),
])
def test_a_pause_is_taken_back_only_as_we_left_it(state: str, changed_at: dt.datetime, tried_at: dt.datetime | None, step: str) -> None:
    """What a person did since our pause, or since our try to resume it, stands."""
    assert judge_resume(NOON, tried_at, state, state.upper(), changed_at).step == step


def test_the_brain_must_still_ask() -> None:
    """Another action, another direction, or no spend at all: nothing is paused."""
    row = {"action": "recommend_halt", "direction": "over", "reasons": ["On plan."]}
    assert still_asked(approved(), row) is None
    assert still_asked(approved(), None) is not None
    assert "On plan." in (still_asked(approved(), row | {"action": "log_only"}) or "")
    assert "under plan" in (still_asked(approved(), row | {"direction": "under"}) or "")
