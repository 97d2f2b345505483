"""The bridge as `pacing explain` shows it."""

from rich.console import Console

from flows.explaining import _bridge
from flows.views.explain import bridge

ROW = {"currency": "USD", "target_micros": 1_000_000_000, "actual_micros": 1_400_000_000}
PARTS = {"target_change_micros": 0, "lag_micros": 0, "platform_allowance_micros": 150_000_000, "weekday_micros": 0, "noise_micros": 120_000_000,
         "residual_micros": 130_000_000}


def _shown(row: dict[str, object]) -> str:
    console = Console(width=120)
    with console.capture() as captured:
        console.print(bridge({"decision": row, "bridge": _bridge(row)}))
    return captured.get()


def test_each_step_from_planned_to_spent_has_its_words() -> None:
    """Parts of nothing are left out; the rest leads from planned to spent, in words and money."""
    shown = _shown(ROW | {"bridge": PARTS})
    for words in ("planned to date", "$1,000", "above a daily budget", "+$150", "ups and downs", "+$120", "not explained", "+$130", "= spent to date", "$1,400"):
        assert words in shown, shown
    assert "weekdays" not in shown


def test_with_fixed_bands_all_of_it_is_not_explained() -> None:
    """Without evidence the variance is one step, and it says what would change that."""
    shown = _shown(ROW | {"bridge": None})
    assert "+$400" in shown
    assert "evidence" in shown
