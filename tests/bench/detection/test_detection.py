"""What is found, how soon, and how often it cries wolf, beside what other tools' rules do on the same histories.

`PACING_TEST_BENCH=1 PACING_BENCH_HISTORIES=DIR pytest -s tests/bench/detection`; see README.md.
"""

import os
from collections.abc import Iterator
from pathlib import Path

import pandas as pd
import pytest

from connectors.history import History
from flows.backtest import replayed
from pacing_brain.policy import Policy
from tests.bench.detection.baselines import RULES, decided
from tests.bench.detection.scoring import Figures, of_decisions, score

HISTORIES = os.environ.get("PACING_BENCH_HISTORIES", "")
pytestmark = [pytest.mark.bench, pytest.mark.timeout(6 * 3600),
              pytest.mark.skipif(os.environ.get("PACING_TEST_BENCH") != "1" or not HISTORIES,
                                 reason="measures; PACING_TEST_BENCH=1 and PACING_BENCH_HISTORIES=DIR")]


def _levels(folder: Path) -> Iterator[pd.DataFrame]:
    """flight_id, as_of, rule, level of one history, under every rule and both kinds of bands."""
    for part in decided(folder):
        yield part.melt(["flight_id", "as_of"], list(RULES), "rule", "level")
    for bands in ("fixed", "evidence"):
        for part in replayed(History(folder), Policy.model_validate({"bands": bands})):
            yield pd.DataFrame({"flight_id": part["flight_id"], "as_of": part["as_of"], "rule": bands, "level": of_decisions(part)})


@pytest.fixture(scope="module")
def figures() -> dict[str, dict[str, Figures]]:
    """By rule: what `score` says of all histories together, each judged by itself."""
    folders = sorted(one.parent for one in Path(HISTORIES).glob("*/windows.parquet"))
    levels = pd.concat([part for folder in folders for part in _levels(folder)], ignore_index=True)
    labels = pd.read_parquet(Path(HISTORIES) / "labels.parquet")
    return {str(rule): score(rows, labels, by="fault" if rule == "evidence" else None) for rule, rows in levels.groupby("rule")}


def test_evidence_beats_every_rule_that_does_not_look_at_it(figures: dict[str, dict[str, Figures]]) -> None:
    """Fewer healthy flights with a false critical than any baseline, more of the critical faults found, and sooner than with fixed bands."""
    for rule, table in figures.items():
        print(f"\n{rule}")
        for name, row in table.items():
            print(f"  {name:32s} " + "  ".join(f"{key} {value:.3f}" for key, value in row.items()))
    ours = figures["evidence"]
    for rule in (*RULES, "fixed"):
        assert ours["healthy"]["flights"] < figures[rule]["healthy"]["flights"], rule
        assert ours["critical faults"]["never"] < figures[rule]["critical faults"]["never"], rule
        net = {name: one["critical faults"]["in_72h"] - one["critical faults"]["chance_72h"] for name, one in figures.items()}
        assert net["evidence"] > net[rule], rule
    assert ours["critical faults"]["median_h"] < figures["fixed"]["critical faults"]["median_h"]
