"""One campaign, judged in three lines of Python."""

import re
from datetime import UTC, date, datetime, timedelta
from decimal import Decimal
from pathlib import Path

import pytest
from pydantic import ValidationError

import pacing_brain
from pacing_brain import PacingBrain, SpendRecord
from pacing_brain.policy import Policy

README = Path(__file__).parents[3] / "README.md"


def record(daily="2000", **changes):
    """Seventeen days at so much a day of 60,000 over November, in UTC, loaded when the run is."""
    values = {"campaign_id": "4711", "campaign_name": "Winter Jackets", "platform": "google", "currency": "GBP", "budget": Decimal(60000),
              "start_date": date(2026, 11, 1), "end_date": date(2026, 11, 30), "as_of": datetime(2026, 11, 18, 2, tzinfo=UTC),
              "spend": {date(2026, 11, day): Decimal(daily) for day in range(1, 18)}}
    return SpendRecord(**values | changes)


@pytest.fixture(scope="module")
def brain():
    return PacingBrain()


def test_the_example_of_the_readme_runs(capsys):
    """What a newcomer copies works, and says what it should."""
    (example,) = (code for code in re.findall(r"```python\n(.*?)```", README.read_text(encoding="utf-8"), re.DOTALL) if "SpendRecord" in code)
    exec(compile(example, "README.md", "exec"), {})  # noqa: S102  it is our own example
    said = capsys.readouterr().out
    assert said.startswith("critical 3")
    assert said.strip().endswith(".")


@pytest.mark.parametrize(("daily", "variance", "severity", "action", "asked"), [
    ("2000", 0.0, "healthy", "log_only", False), ("2200", 10.0, "warning", "slack_alert", False), ("1700", 15.0, "warning", "slack_alert", False),
    ("2500", 25.0, "critical", "recommend_halt", True), ("1500", 25.0, "critical", "slack_alert", False), ("0", 100.0, "critical", "recommend_halt", True)])
def test_a_campaign_alone_gets_the_decision_of_the_policy(brain, daily, variance, severity, action, asked):
    """Two hours before the load of 02:00 are complete to midnight: 17 days of 2,000 are planned, and the edges hold exactly."""
    alert = brain.judge(record(daily))
    assert (alert.variance_pct, alert.severity, alert.action_taken, alert.requires_human) == (variance, severity, action, asked)
    assert alert.campaign_id == "4711"
    assert alert.reasons
    if severity != "healthy":
        assert alert.root_cause_analysis
        assert alert.mitigation_plan


def test_the_three_scores_and_the_money(brain):
    """Plan and spend to the watermark in units of currency, and how far they can be trusted."""
    found = brain.reconcile(record("2200"))
    assert (found.planned, found.spent, found.pacing_variance) == (Decimal(34_000), Decimal(37_400), 10.0)
    assert (found.metadata_score, found.name_score, found.freshness_score, found.confidence_score) == (1.0, 1.0, 1.0, 1.0)


def test_what_the_platform_says_otherwise_is_scored(brain):
    """Another market and another name lower the score; its weights are 0.5, 0.3 and 0.2."""
    found = brain.reconcile(record(market="UK", product="Jackets", platform_market="FR", platform_name="Winter Jacketz"))
    assert (found.metadata_score, found.freshness_score) == (0.75, 1.0)
    assert found.confidence_score == pytest.approx(0.5 * 0.75 + 0.3 * found.name_score + 0.2)


def test_old_data_ask_a_person(brain):
    """A load a day old is a red gate; the alert says so."""
    alert = brain.judge(record("2500", loaded_at=datetime(2026, 11, 17, 2, tzinfo=UTC)))
    assert (alert.action_taken, alert.requires_human) == ("escalate", True)
    assert any("24.0 h" in reason for reason in alert.reasons)


def test_another_currency_asks_a_person(brain):
    """The feed is in euros, the plan in pounds: no variance is claimed."""
    alert = brain.judge(record(platform_currency="EUR"))
    assert (alert.action_taken, alert.variance_pct) == ("escalate", None)


def test_the_policy_is_an_argument(brain):
    """Other bands, another severity."""
    assert brain.judge(record("2200"), Policy.parse("variance = { warning_pct = 11.0 }")).severity == "healthy"


def test_the_same_record_gets_the_same_alert(brain):
    """Down to its id; another instant gets another."""
    assert brain.judge(record()) == brain.judge(record())
    later = record(as_of=datetime(2026, 11, 18, 2, tzinfo=UTC) + timedelta(hours=4))
    assert brain.judge(later).alert_id != brain.judge(record()).alert_id


def test_a_flight_that_ends_before_it_starts_is_refused():
    """With both dates in the message."""
    with pytest.raises(ValidationError, match="end_date 2026-10-01 is before start_date 2026-11-01"):
        record(end_date=date(2026, 10, 1))


def test_the_package_exports_what_is_needed():
    """PacingBrain, SpendRecord, ReconciledSpend and PacingAlert, and what is not there is refused by name."""
    for name in ("PacingBrain", "SpendRecord", "ReconciledSpend", "PacingAlert"):
        assert getattr(pacing_brain, name).__name__ == name
    with pytest.raises(AttributeError):
        pacing_brain.Nonsense  # noqa: B018


def test_a_campaign_that_ended_long_ago_is_closed(brain):
    """Whoever asks about a campaign whose figures are final gets an answer: healthy, with the reason."""
    alert = brain.judge(record(as_of=datetime(2027, 3, 1, tzinfo=UTC)))
    assert (alert.severity, alert.action_taken, alert.requires_human) == ("healthy", "log_only", False)
    assert alert.reasons[0].startswith("Closed:")
    assert brain.reconcile(record(as_of=datetime(2027, 3, 1, tzinfo=UTC))).spent == Decimal(34000)


@pytest.mark.parametrize("fault", [{"curve": "custom"}, {"curve": "bogus"}, {"curve": "front:most"}, {"curve": "front"}, {"curve": "even:5"},
                                   {"curve": "back:101"}, {"timezone": "Mars/Olympus"}])
def test_what_no_plan_can_mean_is_refused(fault):
    """A curve or a zone that does not exist is refused by name, not paced as something else."""
    with pytest.raises(ValidationError, match=next(iter(fault))):
        record(**fault)
