"""Two starts of one window at the same instant make one record of it."""

import time

import pytest

from tests.crash import record
from tests.crash.conftest import DEEP
from tests.crash.test_killed import undisturbed

TIMES = 50 if DEEP else 1
START_IN_S = 0.6  # both processes stand ready by then


@pytest.mark.deep
def test_two_starts_at_the_same_instant_make_one_record(agency, first):
    """Each time one works and the other shows what it sealed: one run, one set of cards, one decision for each flight."""
    as_planned = undisturbed(agency, first)
    for _ in range(TIMES):
        urls = first.copy()
        start_at = time.time() + START_IN_S
        ended = [started.ended() for started in [agency.start(urls, start_at=start_at) for _ in range(2)]]
        assert [code for code, _ in ended] == [0, 0]
        assert sorted(summary["already_sealed"] for _, summary in ended) == [False, True], ended
        assert record.read(urls, agency.slack) - as_planned == {}
        first.drop(urls)
