"""`pacing demo` as a program: real servers, the main job through Prefect, every labelled case."""

import json
import os
import shutil
import subprocess
import sys
import tempfile
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import psutil
import pytest

HOSTILE = {"SLACK_BOT_TOKEN": "not-a-token", "SNOWFLAKE_ACCOUNT": "someone-elses", "PACING_DATABASE_URL": "postgresql://nobody@127.0.0.1:1/none",
           "PACING_POLICY": "/no/such/policy.toml", "PACING_SPEND_SOURCE": "fivetran", "PREFECT_API_URL": "http://127.0.0.1:1/api"}


@dataclass(frozen=True)
class Ran:
    home: Path
    code: int
    out: str
    err: str

    @property
    def json(self) -> Any:
        return json.loads(self.out)


def pacing(home: Path, *words: str, **more: str) -> Ran:
    environment = {name: value for name, value in os.environ.items() if not name.startswith(("PACING_", "SLACK_", "SNOWFLAKE_", "PREFECT_"))}
    environment |= {"PACING_HOME": str(home), "COLUMNS": "110"} | more
    done = subprocess.run([str(Path(sys.executable).with_name("pacing")), *words], capture_output=True, text=True, env=environment,
                          check=False, cwd=home.parent, timeout=280)
    return Ran(home, done.returncode, done.stdout, done.stderr)


@pytest.fixture(scope="module")
def home() -> Iterator[Path]:
    directory = Path(tempfile.mkdtemp(prefix="pacing-demo-"))
    yield directory / "home"
    shutil.rmtree(directory, ignore_errors=True)


@pytest.fixture(scope="module")
def first(home: Path) -> Ran:
    """A demo whose surroundings are set for something else."""
    return pacing(home, "demo", "--json", "--html", str(home.parent / "cards.html"), **HOSTILE)


def test_every_label_gets_its_decision_and_the_money_adds_up(first: Ran) -> None:
    """All labelled cases are as labelled, the buckets are the world's own integers, whatever else the environment is set to."""
    assert (first.code, first.err) == (0, "")
    assert first.json["labels_ok"]
    assert first.json["money_ok"]
    assert [case for case in first.json["cases"] if case["differs"]] == []
    assert len(first.json["cases"]) >= 60
    for currency, parts in first.json["run"]["spend_micros"].items():
        assert sum(micros for name, micros in parts.items() if name != "total") == parts["total"] == first.json["world_micros"][currency]


def test_the_cards_are_a_page(first: Ran) -> None:
    """`--html` writes every message of the run as one page without a script, and one card of each kind that asks as Slack shows it."""
    page = (first.home.parent / "cards.html").read_text(encoding="utf-8")
    assert page.count("<article>") == first.json["run"]["alerts_queued"] + 3
    for words in ("Pause campaign", "Pause until fixed", "Same campaign"):
        assert f">{words}</span>" in page
    assert "<script" not in page


def test_a_second_demo_starts_afresh_and_is_read_by_people(first: Ran) -> None:
    """Again: the same world, nothing of the last demo on the record, three cards, the digest, the table, and what to look at next."""
    again = pacing(first.home, "demo")
    assert (again.code, again.err) == (0, "")
    for words in ("Over plan:", "Not delivering:", "Under plan:", "Need a person", "Pacing today · ", "All 63 labelled cases", "equal to the micro", "Look at next"):
        assert words in again.out
    assert "PROBLEM" not in again.out
    assert "\x1b" not in again.out
    status = pacing(first.home / "demo", "status", "--json")
    assert status.json["run"]["window"] == "2026-11-05T08:00:00+00:00"
    assert status.json["run"]["age_seconds"] < 600
    sealed = pacing(first.home / "demo", "audit", "show", "--kind", "run_sealed", "--json")
    assert len(sealed.json["entries"]) == 1


def test_what_is_named_next_works_beside_real_settings(first: Ran) -> None:
    """The demo's record can be looked at although a Slack is configured: looking tells nobody anything."""
    shown = pacing(first.home / "demo", "explain", "HAL-UK-005", SLACK_BOT_TOKEN="xoxb-1", SLACK_CHANNEL="C0123456")
    assert (shown.code, shown.err) == (0, "")
    for words in ("% of plan to date", "Trust", "Reasons", "Variance bridge", "Decided before", "ledger entry"):
        assert words in shown.out


def test_nothing_is_left_running(first: Ran) -> None:
    """No server of the demo outlives it."""
    left = [process.info["cmdline"] for process in psutil.process_iter(["cmdline"])
            if str(first.home) in " ".join(process.info["cmdline"] or [])]
    assert left == []
