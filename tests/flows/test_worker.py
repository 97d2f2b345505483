"""The deployments as an operator has them: `prefect deploy --all`, a process worker, two windows."""

import subprocess
import sys
import time
from datetime import timedelta
from pathlib import Path

import httpx
import pytest

from flows.prefect_run import client_environment
from tests.flows.conftest import NOON, ROOT, environment, shift_to

PREFECT = [str(Path(sys.executable).parent / "prefect"), "--no-prompt"]
LIMIT_S = 120.0


def ask(api_url, path, body=None):
    """An answer of the API; its SQLite is busy now and then (503), which is waited out."""
    for pause in (0.5, 1, 2, 4, 8, 0):
        answer = httpx.post(api_url + path, json=body or {}, timeout=30)
        if answer.status_code != httpx.codes.SERVICE_UNAVAILABLE or not pause:
            break
        time.sleep(pause)
    answer.raise_for_status()
    return answer.json() if answer.content else None


@pytest.fixture
def worker_environment(fresh_database, flows_home, prefect_server, short_tmp):
    outer = environment(flows_home, fresh_database.app, prefect_server.api_url, short_tmp / "client")
    return outer | client_environment(outer) | {"PREFECT_WORKER_QUERY_SECONDS": "1", "PREFECT_LOGGING_TO_API_ENABLED": "true",
                                                "PYTHONWARNINGS": "ignore"}


def prefect(env, *command):
    done = subprocess.run([*PREFECT, *command], cwd=ROOT, env=env, capture_output=True, text=True, timeout=280, check=False)
    assert done.returncode == 0, done.stdout + done.stderr
    return done.stdout


@pytest.fixture
def deployed(worker_environment, prefect_server):
    """Both flows deployed, their schedules held so that only the test starts runs, and a worker of the pool."""
    prefect(worker_environment, "work-pool", "create", "pacing", "--type", "process", "--overwrite")
    prefect(worker_environment, "deploy", "--all")
    found = {each["name"]: each for each in ask(prefect_server.api_url, "/deployments/filter")}
    for each in found.values():
        ask(prefect_server.api_url, f"/deployments/{each['id']}/pause_deployment")
    log = Path(worker_environment["PACING_HOME"]) / "worker.log"
    with log.open("w") as output:
        worker = subprocess.Popen([*PREFECT, "worker", "start", "--pool", "pacing", "--type", "process"], cwd=ROOT, env=worker_environment,
                                  stdout=output, stderr=output)
        yield found
        worker.terminate()
        try:
            worker.wait(60)
        except subprocess.TimeoutExpired:  # it is Prefect's; how long it takes to end is not what is asked here
            worker.kill()
            worker.wait(60)


def ended(api_url, run):
    """The flow run once it has ended, with its task runs and artifacts."""
    end = time.monotonic() + LIMIT_S
    while time.monotonic() < end:
        (now,) = ask(api_url, "/flow_runs/filter", {"flow_runs": {"id": {"any_": [run["id"]]}}})
        if now["state_type"] in ("COMPLETED", "FAILED", "CRASHED", "CANCELLED"):
            of_it = {"flow_runs": {"id": {"any_": [run["id"]]}}}
            return now, ask(api_url, "/task_runs/filter", of_it), ask(api_url, "/artifacts/filter", of_it)
        time.sleep(0.5)
    raise AssertionError(f"still {now['state_type']} after {LIMIT_S} s")


def test_a_worker_runs_two_windows(deployed, fresh_database, prefect_server):
    """Both runs complete in the API, named and tagged by window and worst severity, with artifacts and at most 40 task runs; upkeep runs too."""
    api_url = prefect_server.api_url
    assert {name: each["entrypoint"] for name, each in deployed.items()} == {
        "four-hourly": "flows.prefect_flows.pacing_run", "ten-minutely": "flows.prefect_flows.upkeep",
        "minutely": "flows.prefect_flows.apply_approved"}
    assert deployed["four-hourly"]["schedules"][0]["schedule"]["cron"] == "0 */4 * * *"
    for window in (NOON, NOON + timedelta(hours=4)):
        shift_to(fresh_database.admin, window + timedelta(seconds=5))
        run = ask(api_url, f"/deployments/{deployed['four-hourly']['id']}/create_flow_run", {"state": {"type": "SCHEDULED"}})
        now, tasks, artifacts = ended(api_url, run)
        assert now["state_type"] == "COMPLETED", now["state"]
        assert now["name"] == f"pacing {window:%Y-%m-%d %H:%MZ} critical"
        assert {f"window:{window:%Y-%m-%dT%H:%MZ}", "severity:critical"} <= set(now["tags"])
        assert {each["key"]: each["type"] for each in artifacts} == {
            "pacing-summary": "markdown", "pacing-campaigns": "table", "pacing-progress": "progress", "pacing-checkpoint": "markdown", "pacing-report": "markdown"}
        assert next(each["data"] for each in artifacts if each["type"] == "progress") == 100
        assert 7 <= len(tasks) <= 40
    run = ask(api_url, f"/deployments/{deployed['ten-minutely']['id']}/create_flow_run", {"state": {"type": "SCHEDULED"}})
    now, _, _ = ended(api_url, run)
    assert (now["state_type"], now["state"]["message"].partition(",")[0]) == ("COMPLETED", "0 delivered")
