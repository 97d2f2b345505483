"""What a run of 100,000 campaigns costs, end to end: Snowflake's protocol to the sealed run, in one flow run. Off by default; a campaign is compared with
one of a tenth of the size."""

import json
import os
import subprocess
import sys
from pathlib import Path

import pytest

pytestmark = [pytest.mark.bench, pytest.mark.timeout(1800), pytest.mark.skipif(os.environ.get("PACING_TEST_BENCH") != "1", reason="measures; PACING_TEST_BENCH=1")]
ROOT = Path(__file__).parents[2]
CAMPAIGNS = int(os.environ.get("PACING_TEST_BENCH_CAMPAIGNS", "100000"))
DAYS = 30


def measured(home: Path, campaigns: int):
    home.mkdir(parents=True)
    env = {name: value for name, value in os.environ.items() if not name.startswith(("PREFECT_", "PACING_", "SNOWFLAKE_", "SLACK_"))}
    command = [sys.executable, "-m", "tests.bench.wide_run", str(home), str(campaigns), str(DAYS)]
    done = subprocess.run(command, cwd=ROOT, env=env, capture_output=True, text=True, check=True)
    found = json.loads(done.stdout.splitlines()[-1])
    print(f"\n{found['campaigns']:,} campaigns, {found['rows']:,} campaign-days: {found['wall_s']} s, steps {found['steps_s']}, "
          f"peak {found['peak_mb']:,} MB (before the run {found['before_mb']:,} MB)\n  decided {found['by_action']}, labels want {found['wanted']}")
    return found


def test_a_wide_run(short_tmp):
    """Every campaign of the plan is decided, and one costs no more in a run that is ten times as wide."""
    small, wide = measured(short_tmp / "small", CAMPAIGNS // 10), measured(short_tmp / "wide", CAMPAIGNS)
    assert wide["campaigns"] == CAMPAIGNS
    assert sum(wide["by_action"].values()) == CAMPAIGNS
    assert wide["wall_s"] / CAMPAIGNS < small["wall_s"] / small["campaigns"]
