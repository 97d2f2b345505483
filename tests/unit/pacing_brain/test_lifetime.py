"""The life of a recommendation: until when it can be answered."""

import datetime as dt

import pytest

from pacing_brain import lifetime

NOON, HOUR = dt.datetime(2026, 11, 6, 12, tzinfo=dt.UTC), dt.timedelta(hours=1)


@pytest.mark.parametrize(("flight_ends", "hours"), [(None, 12), (NOON + 48 * HOUR, 12), (NOON + 5 * HOUR, 5)])
def test_a_question_ends_with_its_flight(flight_ends: dt.datetime | None, hours: int) -> None:
    """Twelve hours after the run that asked, and no later than the last day of the flight."""
    assert lifetime.ends(NOON, 12, flight_ends) == NOON + hours * HOUR
