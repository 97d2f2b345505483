"""What one window costs before it has many campaigns: the number of Python calls, which no other work on the machine changes. `PACING_TEST_BENCH=1 pytest -s tests/bench`."""

import cProfile
import os
import pstats
import time

import pytest

from pacing_brain.brain import PacingBrain
from tests.worlds import inputs_of, sample_world

pytestmark = [pytest.mark.bench, pytest.mark.skipif(os.environ.get("PACING_TEST_BENCH") != "1", reason="measures; PACING_TEST_BENCH=1")]


@pytest.mark.parametrize(("brain", "most"), [(PacingBrain.silent(), 500_000), (PacingBrain(), 820_000)], ids=["history", "live"])
def test_window(brain, most):
    """A window of the sample agency's 60 flights takes a tenth more calls at most than it did when columns were taken out as arrays; before it took 1.0 and 1.3 million."""
    inputs = inputs_of(sample_world())
    brain.decide(inputs)
    before = time.process_time()
    brain.decide(inputs)
    took, profile = time.process_time() - before, cProfile.Profile()
    profile.runcall(brain.decide, inputs)
    calls = int(pstats.Stats(profile).total_calls)
    print(f"\n{calls:,} calls, {took * 1000:.0f} ms of processor a window")
    assert calls < most
