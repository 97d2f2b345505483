"""What is the same for every campaign of an account."""

import pandas as pd

from pacing_brain import context
from tests.unit.pacing_brain.builders import inputs, spend


def test_two_zones_of_one_day_in_any_order() -> None:
    """Of two zones that the newest rows of an account name, the same one is its own in either order."""
    rows = spend(timezone=["Europe/Berlin", "Europe/London"], day="2026-06-10")
    accounts = [context.accounts(inputs(spend=given)).set_index("account_id") for given in (rows, rows[::-1].reset_index(drop=True))]
    pd.testing.assert_frame_equal(*accounts)
