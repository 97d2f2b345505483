"""Past runs decided again from what they recorded: equal bytes under their own policy, and exactly what another one would have changed."""

import json
import os
from dataclasses import replace
from datetime import UTC, datetime, timedelta

import pytest
from sqlalchemy import text
from typer.testing import CliRunner

from audit.database import Database
from flows import cli, libraries
from flows.settings import Settings
from flows.wiring import open_house
from pacing_brain import frames
from tests.flows.by_hand import AT, by_hand, sealed
from tests.worlds import inputs_of, sample_world

RUNS = 50 if os.environ.get("PACING_TEST_DEEP") == "1" else 2
STRICTER = """variance = { warning_pct = 10.0, critical_pct = 15.0 }
confidence = { minimum = 0.80 }
"""
ALERT, HALT, LOG, ASK = "slack_alert", "recommend_halt", "log_only", "escalate"
# What the stricter policy changes, by hand: severity, lane, action, urgent; before and after.
CHANGED = {
    "A115": (("warning", "warning", ALERT, False), ("critical", "critical", HALT, True)),  # exactly on the edge: half-open, so critical
    "A116": (("warning", "warning", ALERT, False), ("critical", "critical", HALT, True)),
    "A120": (("warning", "warning", ALERT, False), ("critical", "critical", HALT, True)),
    "A124": (("warning", "warning", ALERT, False), ("critical", "critical", HALT, True)),
    "B084": (("warning", "warning", ALERT, False), ("critical", "critical", ALERT, True)),  # under plan: a pause would not help
    "B080": (("warning", "warning", ALERT, False), ("critical", "critical", ALERT, True)),
    "C100": (("healthy", "healthy", LOG, False), ("healthy", "escalate", ASK, False)),  # trust 0.75 is under 0.80: a person is asked
    "C112": (("warning", "warning", ALERT, False), ("warning", "escalate", ASK, False)),
    "C130": (("critical", "critical", HALT, True), ("critical", "escalate", ASK, False)),  # and its pause is no longer recommended
    "C080": (("warning", "warning", ALERT, False), ("critical", "escalate", ASK, False)),
    "C060": (("critical", "critical", ALERT, True), ("critical", "escalate", ASK, False))}
# Planned to the watermark: 100 * (16 + 5/24). Off plan: that times the percent, to the micro.
TARGET = 1_620_833_333
OFF_PLAN = {"A115": 243_125_000, "A116": 259_333_334, "A120": 324_166_667, "A124": 389_000_000, "B084": 259_333_333, "B080": 324_166_666, "C100": 0,
            "C112": 194_500_000, "C130": 486_250_000, "C080": 324_166_666, "C060": 648_333_333}


@pytest.fixture
def house(fresh_database, tmp_path, monkeypatch):
    """A record, and an environment in which neither Snowflake nor Slack can be reached."""
    monkeypatch.chdir(tmp_path)
    for name, value in {"PACING_HOME": tmp_path, "PACING_DATABASE_URL": fresh_database.app, "PACING_TRACKER": "nothing.csv", "COLUMNS": "140",
                        "SNOWFLAKE_ACCOUNT": "nobody", "SNOWFLAKE_USER": "nobody", "SNOWFLAKE_HOST": "127.0.0.1", "SNOWFLAKE_PORT": "1"}.items():
        monkeypatch.setenv(name, str(value))
    (tmp_path / "stricter.toml").write_text(STRICTER)
    with open_house(Settings.read(), record_only=True) as house:
        yield house


def pacing(*words, as_json=True):
    shown = CliRunner().invoke(cli.app, ["replay", *words, *(["--json"] if as_json else [])])
    return shown, json.loads(shown.stdout) if as_json and shown.stdout else shown.stdout


SPAN = ("--from", "2026-11-01T00:00Z", "--to", "2026-12-01T00:00Z")


def test_runs_of_the_sample_world_are_derived_again_byte_for_byte(house):
    """Every decision, decided anew or restated, and every memory of runs that follow each other comes out with the recorded bytes."""
    start = datetime(2026, 11, 2, tzinfo=UTC)
    for number in range(RUNS):
        inputs = inputs_of(sample_world(), start + number * timedelta(hours=4), house.policy)
        memory = house.frames.standing("memory")
        sealed(house, inputs if memory is None else replace(inputs, memory=frames.MEMORY.check(memory)))
    shown, found = pacing(*SPAN)
    assert (shown.exit_code, len(found["runs"]), found["same_versions"]) == (0, RUNS, True)
    assert found["bytes"] == {"compared": found["bytes"]["compared"], "equal": found["bytes"]["compared"], "different": 0, "withheld": 0, "differs": []}
    assert found["bytes"]["compared"] > 60 + RUNS
    assert "changed" not in found


def test_what_another_policy_would_have_changed_row_by_row(house):
    """Critical at 15 % and confidence at 0.80: the changed decisions are those worked out by hand, each with its money, and no other."""
    sealed(house, by_hand(house))
    shown, found = pacing("--policy", "stricter.toml", *SPAN)
    assert shown.exit_code == 0, shown.stderr
    rows = {row["flight_id"]: tuple(tuple(row[side][name] for name in ("severity", "lane", "action", "urgent")) for side in ("was", "would"))
            for row in found["changed"]["rows"]}
    assert rows == CHANGED
    assert {row["flight_id"]: (row["target_micros"], row["off_plan_micros"]) for row in found["changed"]["rows"]} == {
        flight: (TARGET, micros) for flight, micros in OFF_PLAN.items()}
    assert (found["changed"]["decisions"], found["changed"]["campaigns"]) == (11, 11)
    assert {row["flight_id"] for row in found["halts"]["recorded"]} == {"A150", "C130"}
    assert {row["flight_id"] for row in found["halts"]["would"]} == {"A150", "A115", "A116", "A120", "A124"}
    assert found["money"] == {"GBP": {"changed": sum(OFF_PLAN.values()), "halts_recorded": 810_416_667 + 486_250_000,
                                      "halts_would": 810_416_667 + 243_125_000 + 259_333_334 + 324_166_667 + 389_000_000}}
    assert found["alerts"]["recorded"] == 4  # A150, B070, C130, C060: critical; warnings are rows of the digest
    assert found["alerts"]["a_day"]["recorded"] == 4
    assert pacing("--policy", "stricter.toml", *SPAN, as_json=False)[0].exit_code == 0


def test_the_other_policy_goes_on_with_its_own_memory(house):
    """The recorded memory is taken once: in the second window what was asked before is not asked again, and what was critical stays so by its own hysteresis."""
    for at in (AT, AT + timedelta(hours=4)):
        sealed(house, by_hand(house, at))
    _, found = pacing("--policy", "stricter.toml", *SPAN)
    assert (len(found["runs"]), found["changed"]["campaigns"], found["changed"]["decisions"]) == (2, 11, 22)
    assert (len(found["halts"]["recorded"]), len(found["halts"]["would"])) == (2, 5)
    _, later = pacing("--policy", "stricter.toml", "--from", "2026-11-05T12:00Z", "--to", "2026-12-01T00:00Z")
    assert {row["flight_id"] for row in later["halts"]["would"]} == {"A120", "A124"}
    # A150's was recorded before; A115 and A116 are at 113.9 % and 114.9 % by then: critical only for who has held them critical


def test_other_versions_are_said_and_an_edited_input_is_refused(house, fresh_database, monkeypatch):
    """A record that was made with another library is said to be; an input that is not what it was stops the replay, naming run, frame and part."""
    with monkeypatch.context() as other:
        other.setattr(libraries, "versions", lambda: {"python": "3.0", "numpy": "1"})
        sealed(house, by_hand(house))
    _, found = pacing(*SPAN)
    assert (found["same_versions"], found["bytes"]["different"]) == (False, 0)
    assert found["other_libraries"]["numpy"]["recorded"] == ["1"]
    admin = Database(fresh_database.admin)
    with admin.transaction() as connection:
        connection.execute(text("ALTER TABLE pacing.blobs DISABLE TRIGGER ALL"))
        parts = "SELECT digest FROM pacing.recorded_parts WHERE name = 'spend' ORDER BY part"
        first, second = connection.execute(text(parts)).scalars().all()[:2]
        connection.execute(text("UPDATE pacing.blobs SET data = (SELECT data FROM pacing.blobs WHERE digest = :b) WHERE digest = :a"), {"a": first, "b": second})
    admin.close()
    shown, _ = pacing(*SPAN)
    run = house.runs.last_sealed().run_id
    assert shown.exit_code == 1
    assert f"run {run} is not replayed: frame spend of run {run}, part 2026-W43 is not what was kept" in shown.stderr


def test_wrong_use_is_said(house):
    """A span without runs, one that ends before it begins, and a policy that is none are one line each."""
    assert pacing(*SPAN)[0].exit_code == 1
    assert pacing("--from", "2026-11-05T00:00Z", "--to", "2026-11-05T00:00Z")[0].exit_code == 2
    assert pacing("--policy", "none.toml", *SPAN)[0].exit_code == 1
