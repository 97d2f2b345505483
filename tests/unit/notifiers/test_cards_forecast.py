"""What people read of a forecast."""

import pandas as pd
import pytest

from notifiers.cards_forecast import ends_near, landing, waiting

UNIT = 1_000_000
ROW = {"currency": "GBP", "budget_micros": 60_000 * UNIT, "end_date": "2026-11-30", "watermark": "2026-11-18T06:00:00Z", "day_end": "2026-12-01T00:00:00Z",
       "direction": "over", "used_up_day": "2026-11-22", "forecast_micros": 89_900 * UNIT, "forecast_lo_micros": 85_400 * UNIT, "forecast_hi_micros": 94_300 * UNIT,
       "wait_window_micros": 580 * UNIT, "wait_window_off_micros": 247 * UNIT, "wait_answer_micros": 1_740 * UNIT, "wait_answer_off_micros": 741 * UNIT}


def test_the_model_card():
    """The sentences of the model card: when the budget is used up, and where the flight ends."""
    assert landing(ROW) == ["At today's rate the £60,000 budget is used up on *Sun 22 Nov*, 8 days early.",
                            "Left alone, the flight ends near *£89,900* (80 % range £85,400 to £94,300)."]
    assert waiting(ROW) == ("*Waiting costs*\nUntil the next run: about £580, of which £247 is above plan. "
                            "Until an answer usually comes: about £1,740, of which £741 is above plan.")


@pytest.mark.parametrize("changes", [{"forecast_micros": None}, {"watermark": None}, {"watermark": "2026-12-01T00:00:00Z"}])
def test_nothing_is_said_where_nothing_is_known(changes):
    """Without a forecast, and after the end."""
    assert landing(ROW | changes) == []


def test_an_under_spender_leaves_money():
    """Waiting costs an under-spender what stays unspent; a flight that has turned round costs nothing to wait for."""
    under = {"direction": "under", "wait_window_off_micros": -90 * UNIT, "wait_answer_off_micros": None}
    assert waiting(ROW | under) == "*Waiting costs*\nUntil the next run: about £90 more left unspent."
    assert waiting(ROW | under | {"direction": "over"}) == ""


def test_ranges_add_up_by_their_squares():
    """Two flights of ±300 and ±400 end within ±500 together; one without a forecast says nothing for all."""
    two = pd.DataFrame({"currency": "GBP", "budget_micros": [1_000 * UNIT, 2_000 * UNIT], "forecast_micros": pd.array([1_100 * UNIT, 2_100 * UNIT], dtype="Int64"),
                        "forecast_lo_micros": [800 * UNIT, 1_700 * UNIT], "forecast_hi_micros": [1_400 * UNIT, 2_500 * UNIT]})
    assert ends_near(two) == " Ends near £3,200 (£2,700 to £3,700) of £3,000."
    assert ends_near(two.assign(forecast_micros=pd.array([1_100 * UNIT, None], dtype="Int64"))) == ""
