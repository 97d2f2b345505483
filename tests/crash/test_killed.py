"""kill -9 at every place: the next start completes the window as if nothing had happened, and nobody hears anything twice."""

from datetime import timedelta

import pytest

from tests.crash import record
from tests.crash.conftest import AT, DEEP, shift_to
from tests.crash.driver import PLACES

LEASE_OVER = timedelta(minutes=6)  # what a killed process had in its hands is free again
DELIVERING = ["before deliver", "before a card is sent", "after a card is sent", "in the middle of deliver"]
USUAL = ["inside a shard", "inside the seal"]
USUAL_DELIVERING = ["after a card is sent"]


def complete(agency, start, place):
    """The window's record after it was killed at a place and started again."""
    urls = start.copy()
    try:
        assert agency.start(urls, place=place).ended() == (-9, None), f"it was never {place}"
        agency.run(urls)
        shift_to(urls, AT + LEASE_OVER)
        assert agency.run(urls)["already_sealed"]
        return record.read(urls, agency.slack)
    finally:
        start.drop(urls)


def undisturbed(agency, start):
    urls = start.copy()
    try:
        agency.run(urls)
        return record.read(urls, agency.slack)
    finally:
        start.drop(urls)


@pytest.fixture(scope="module")
def as_planned(agency, second):
    """The record of the window that nobody killed."""
    found = undisturbed(agency, second)
    assert found.restated
    assert found.decided
    return found


@pytest.fixture(scope="module")
def first_as_planned(agency, first):
    """The same without a window before it: every card is new."""
    found = undisturbed(agency, first)
    assert len(found.shown) >= 10
    return found


@pytest.mark.deep
@pytest.mark.parametrize("place", [name for name in PLACES if name not in DELIVERING] if DEEP else USUAL)
def test_killed_anywhere_the_next_start_completes_the_window(place, agency, second, as_planned):
    """No decision is lost, doubled or another one; incidents, questions and cards are those of a window that nobody killed."""
    assert complete(agency, second, place) - as_planned == {}


@pytest.mark.deep
@pytest.mark.parametrize("place", DELIVERING if DEEP else USUAL_DELIVERING)
def test_killed_while_delivering_every_card_is_sent_once(place, agency, first, first_as_planned):
    """A card that Slack took before the process could say so is found there, not sent again; the rest goes out."""
    assert complete(agency, first, place) - first_as_planned == {}
