"""What of a variance the evidence explains, and what it never does: one campaign at a time, over November, planned evenly at 2,000 a day."""

from datetime import UTC, date, datetime
from decimal import Decimal

import pytest

from pacing_brain import PacingAlert, PacingBrain, SpendRecord
from pacing_brain.policy import Policy

EVIDENCE = Policy.parse('bands = "evidence"')


@pytest.fixture(scope="module")
def brain() -> PacingBrain:
    return PacingBrain()


def _judged(brain: PacingBrain, *spend: float, policy: Policy = EVIDENCE) -> PacingAlert:
    """The decision after so many days, each with its spend."""
    return brain.judge(SpendRecord(
        campaign_id="4711", campaign_name="Winter Jackets", platform="google", currency="GBP", budget=Decimal(60_000), start_date=date(2026, 11, 1),
        end_date=date(2026, 11, 30), as_of=datetime(2026, 11, len(spend) + 1, 2, tzinfo=UTC),
        spend={date(2026, 11, day): Decimal(round(amount, 2)) for day, amount in enumerate(spend, start=1)}), policy)


def _by_turns(factor: float, noise: float) -> list[float]:
    return [2000 * factor * (1 + noise * (-1) ** day) for day in range(17)]


@pytest.mark.parametrize(("factor", "severity"), [(1.0999, "healthy"), (1.10, "warning"), (1.2499, "warning"), (1.25, "critical"), (0.75, "critical")])
def test_of_a_campaign_without_ups_and_downs_nothing_is_explained(brain: PacingBrain, factor: float, severity: str) -> None:
    """The edges hold exactly, as with fixed bands: noise that a campaign has not shown explains nothing."""
    assert _judged(brain, *_by_turns(factor, 0.0)).severity == severity


def test_being_steadily_off_plan_is_no_noise(brain: PacingBrain) -> None:
    """17 days at 18 % over, each within 9 % of that: a warning. The same days around 11 % over with swings of 50 % are noise, and it says so."""
    assert _judged(brain, *_by_turns(1.18, 0.09)).severity == "warning"
    noisy = _judged(brain, *_by_turns(1.11, 0.5))
    assert noisy.severity == "healthy"
    assert noisy.variance_pct is not None
    assert noisy.variance_pct > 10
    assert "is within what this campaign's own ups and downs explain" in noisy.reasons[0]


def test_too_few_days_of_its_own_are_no_evidence(brain: PacingBrain) -> None:
    """Seven days meet the fixed bands whatever their noise, and it says so; with ten the noise counts."""
    days = [2000 * 1.13 * (1 + 0.5 * (-1) ** day) for day in range(10)]
    few = _judged(brain, *days[:7])
    assert few.severity == "warning"
    assert few.reasons[0].startswith("Fewer than 8 days of its own are known")
    assert _judged(brain, *days).severity == "healthy"


def test_what_will_land_all_the_same_is_a_warning_at_most(brain: PacingBrain) -> None:
    """41 % over to date, and for six days at a pace that brings it back to its budget: no pause is recommended. At the old pace one is."""
    back, gone = _judged(brain, *[3500] * 11, *[1150] * 6), _judged(brain, *[3500] * 11)
    assert (gone.severity, gone.action_taken) == ("critical", "recommend_halt")
    assert back.severity in ("healthy", "warning")
    assert "to land all the same" in back.reasons[0]


def test_what_is_on_its_line_and_will_not_land_is_a_warning(brain: PacingBrain) -> None:
    """6 % under to date, and for five days at little more than half the pace: told, with where it ends. A dip of two days is not."""
    astray = _judged(brain, *[2150] * 12, *[1200] * 5)
    assert (astray.severity, astray.action_taken) == ("warning", "slack_alert")
    assert astray.reasons[0].startswith("Left alone it ends at about £48,")
    assert _judged(brain, *[2150] * 15, *[1900] * 2).severity == "healthy"


def test_the_specification_to_the_letter_explains_nothing(brain: PacingBrain) -> None:
    """`preset = "specification"`: the raw variance meets the bands, swings or not."""
    letter = Policy.parse('bands = "evidence"\nactions = { preset = "specification" }')
    assert _judged(brain, *_by_turns(1.11, 0.5), policy=letter).severity == "warning"
