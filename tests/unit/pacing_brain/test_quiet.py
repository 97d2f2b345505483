"""Quiet hours: when they end, over midnight and in the channel's zone."""

from datetime import UTC, datetime

import pytest

from pacing_brain.errors import PolicyError
from pacing_brain.policy import Policy
from pacing_brain.quiet import quiet_until


@pytest.mark.parametrize(("hours", "zone", "now", "ends"), [
    ("20:00-07:30", "UTC", (18, 21, 0), (19, 7, 30)), ("20:00-07:30", "UTC", (18, 3, 0), (18, 7, 30)), ("20:00-07:30", "UTC", (18, 7, 30), None),
    ("20:00-07:30", "UTC", (18, 19, 59), None), ("12:00-13:00", "UTC", (18, 12, 0), (18, 13, 0)), ("20:00-07:30", "Europe/Berlin", (18, 19, 0), (19, 6, 30))])
def test_they_end_when_the_channel_wakes(hours, zone, now, ends):
    """The end of the quiet hours that the instant lies in, or none."""
    found = quiet_until({"C1": hours}, "C1", zone, datetime(2026, 11, *now, tzinfo=UTC))
    assert found == (datetime(2026, 11, *ends, tzinfo=UTC) if ends else None)


def test_a_channels_own_hours_win():
    """`*` is for the channels that have none of their own; an empty text is none."""
    now = datetime(2026, 11, 18, 3, tzinfo=UTC)
    assert quiet_until({"*": "00:00-06:00", "C1": ""}, "C1", "UTC", now) is None
    assert quiet_until({"*": "00:00-06:00", "C1": ""}, "C2", "UTC", now) is not None


def test_hours_that_are_none_are_refused():
    """A span that cannot be read is a fault of the policy."""
    with pytest.raises(PolicyError, match="quiet_hours"):
        Policy.parse('[quiet_hours]\nC1 = "8pm-7am"\n')
