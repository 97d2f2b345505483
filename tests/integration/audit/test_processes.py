"""Two processes on one window, and processes killed in the middle: one record, complete, nothing twice."""

import json
import os
import random
import subprocess
import sys
import time
from pathlib import Path

import pytest

from audit import ledger
from audit.runs import Runs
from pacing_brain.errors import WindowBusy
from tests.integration.audit.worker import SHARD_ENTRIES, SHARDS, WINDOW
from tests.unit.audit.merkle_reference import reference_root

ROOT = Path(__file__).parents[3]
DEEP = os.environ.get("PACING_TEST_DEEP") == "1"


def start(url, *, wait=0.0, pause=0.0):
    command = [sys.executable, "-m", "tests.integration.audit.worker", url, str(wait), str(pause)]
    return subprocess.Popen(command, cwd=ROOT, stdout=subprocess.PIPE, text=True)


def said(process):
    output, _ = process.communicate(timeout=60)
    return [json.loads(line) for line in output.splitlines()]


def check_record(database):
    """Every flight decided exactly once, one seal, no gap, and the root of the reference."""
    with database.transaction() as connection:
        found, head = list(ledger.read(connection)), ledger.head(connection)
    decided = [entry.subject for entry in found if entry.kind == "campaign_decided"]
    assert sorted(decided) == sorted(f"F{number}" for number in range(SHARDS * SHARD_ENTRIES))
    assert [entry.kind for entry in found].count("run_opened") == [entry.kind for entry in found].count("run_sealed") == 1
    assert [entry.seq for entry in found] == list(range(head.size))
    assert head.root == reference_root([entry.body for entry in found]).hex()
    assert Runs(database).last_sealed().window == WINDOW


@pytest.mark.deep
def test_two_processes_on_one_window_make_one_record(fresh_database, database):
    """Started at the same instant, one process works; the other waits for it and reads the sealed summary."""
    both = [start(fresh_database.app, wait=30) for _ in range(2)]
    states = sorted(said(process)[0]["state"] for process in both)
    assert states == ["new", "sealed"]
    check_record(database)


def test_who_does_not_wait_is_told_who_works(fresh_database, database, runs, opening):
    """While another process works on the window, a start that does not wait ends with the name of its run."""
    first = start(fresh_database.app, pause=0.3)
    run_id = json.loads(first.stdout.readline())["run_id"]
    with pytest.raises(WindowBusy, match=run_id):
        runs.open(opening())
    assert said(first)[-1]["done"] == SHARDS * SHARD_ENTRIES + 2
    check_record(database)


@pytest.mark.deep
def test_killed_at_any_moment_the_next_start_completes(fresh_database, database):
    """kill -9 again and again, between shards and inside them: the last start completes the window, none lost, none doubled."""
    rng = random.Random(4711)
    for _ in range(12 if DEEP else 4):
        process = start(fresh_database.app, wait=30, pause=0.01)
        process.stdout.readline()
        time.sleep(rng.uniform(0, 0.12))
        process.kill()
        process.communicate()
    assert said(start(fresh_database.app, wait=30))[-1]["done"] > SHARDS * SHARD_ENTRIES
    check_record(database)
