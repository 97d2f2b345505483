"""What a run's page shows: text is text, money is exact, the worst comes first."""

import pandas as pd
import pytest

from flows.artifacts import amount, campaign_rows, plain, summary_markdown
from pacing_brain.frames import DECISIONS

SUMMARY = {
    "run_id": "20260521T1200Z-live-126210", "window": "2026-05-21T12:00:00Z", "as_of": "2026-05-21T12:00:00Z", "policy_digest": "ab" * 32,
    "mode": "live", "campaigns": 3, "by_severity": {"critical": 1}, "by_lane": {"critical": 1, "healthy": 2}, "partial": [],
    "spend_micros": {"EUR": {"matched": 1_234_567_890_000, "after_watermark": -5_000, "total": 1_234_567_885_000}},
}


@pytest.mark.parametrize("text", ["[x](http://evil.test)", "![x](//evil.test/p.png)", "<img src=x>", "a|b", "www.evil.test", "`x`\n# y", "&lt;b&gt;"])
def test_text_from_outside_is_text(text):
    """No mark of Markdown or HTML that comes from outside means anything: each is escaped, and a line stays a line."""
    shown = summary_markdown(SUMMARY | {"partial": [text]})
    assert plain(text) in shown
    unescaped = plain(text).replace("\\\\", "")
    assert all(unescaped[at - 1] == "\\" for at, mark in enumerate(unescaped) if mark in "[]()<>!|`#&.:/")
    assert "\n" not in plain(text)


@pytest.mark.parametrize(("micros", "shown"), [(1_234_567_890_000, "1,234,567.89"), (-5_000, "-0.01"), (-4_999, "0.00"), (0, "0.00"), (None, "")])
def test_money_is_shown_to_the_cent(micros, shown):
    """Micros become units and cents in integers, the sign where there is an amount."""
    assert amount(micros) == shown


def test_the_worst_flights_come_first():
    """By severity, then lane, then the money off plan; at most two hundred."""
    rows = [("F1", "healthy", "healthy", 9_000_000), ("F2", "critical", "critical", 2_000_000), ("F3", "critical", "critical", -8_000_000),
            ("F4", "healthy", "escalate", None)] + [(f"G{number}", "healthy", "healthy", 0) for number in range(300)]
    frame = DECISIONS.empty().reindex(range(len(rows))).assign(
        flight_id=[row[0] for row in rows], severity=[row[1] for row in rows], lane=[row[2] for row in rows],
        target_micros=pd.array([10_000_000] * len(rows), dtype="Int64"),
        actual_micros=pd.array([None if row[3] is None else 10_000_000 + row[3] for row in rows], dtype="Int64"))
    shown = campaign_rows(frame)
    assert [row["flight"] for row in shown[:4]] == ["F3", "F2", "F4", "F1"]
    assert len(shown) == 200
    assert (shown[0]["actual"], shown[2]["actual"]) == ("2", "")


def test_a_cell_is_text_too():
    """The page reads cells as Markdown: a name is escaped there, and stays searchable where it means nothing."""
    frame = DECISIONS.empty().reindex(range(2)).assign(
        flight_id=["HAL-UK-005", "X"], severity="critical", lane="critical", campaign_name=["Halden_UK_Boots", "<img src=x>[x](http://e.test)"])
    first, second = campaign_rows(frame)
    assert (first["flight"], first["campaign"]) == ("HAL-UK-005", "Halden_UK_Boots")
    assert second["campaign"] == r"\<img src\=x\>\[x\]\(http\:\/\/e\.test\)"
