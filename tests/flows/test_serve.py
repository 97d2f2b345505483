"""`pacing serve` as a process: what its two ports answer, over a record with a sealed run."""

import dataclasses
import http.client
import json
import os
import re
import signal
import socket
import subprocess
import sys
import time
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest
import yaml
from prometheus_client.parser import text_string_to_metric_families

from audit.figures import Figures
from flows.ops_app import readiness
from tests.conftest import APP_LOGIN, _execute
from tests.flows.conftest import ROOT, shift_to
from tests.flows.desk import AT, LOADED, Desk, Ran, loaded, new_database, planned, spent

METRICS = {"pacing_run_seconds", "pacing_campaigns", "pacing_last_sealed_run_timestamp_seconds", "pacing_outbox_pending",
           "pacing_recommendations_open", "pacing_quarantined_rows_total", "pacing_ledger_size", "pacing_warehouse_age_seconds", "pacing_expires_timestamp_seconds"}
ENDS = datetime(2030, 1, 2, tzinfo=UTC)
DEPLOY = ROOT / "deploy"


def free_port() -> int:
    with socket.create_server(("127.0.0.1", 0)) as listener:
        return int(listener.getsockname()[1])


def get(port: int, path: str) -> tuple[int, str]:
    connection = http.client.HTTPConnection("127.0.0.1", port, timeout=20)
    try:
        connection.request("GET", path)
        answer = connection.getresponse()
        return answer.status, answer.read().decode()
    finally:
        connection.close()


@dataclass
class Served:
    """The process, its ports, and the run that stands on its record."""

    process: "subprocess.Popen[str]"
    public: int
    ops: int
    desk: Desk
    ran: Ran

    def samples(self) -> dict[tuple[str, tuple[tuple[str, str], ...]], float]:
        status, text = get(self.ops, "/metrics")
        assert status == 200, text
        return {(sample.name, tuple(sorted(sample.labels.items()))): sample.value for family in text_string_to_metric_families(text) for sample in family.samples}


@pytest.fixture(scope="module")
def served(postgres, template_database, warehouse, short_tmp) -> Iterator[Served]:
    folder = short_tmp / "serve"
    folder.mkdir()
    with new_database(postgres, template_database) as urls:
        desk = Desk(urls, warehouse, folder)
        desk.plan(planned())
        desk.load(spent(), loaded())
        ran = desk.run()
        public, ops = free_port(), free_port()
        _execute(postgres, f"ALTER ROLE {APP_LOGIN} VALID UNTIL '{ENDS.isoformat()}'")
        with started(urls.app, folder, public, ops) as process:
            yield Served(process, public, ops, desk, ran)
        _execute(postgres, f"ALTER ROLE {APP_LOGIN} VALID UNTIL 'infinity'")


class started:  # noqa: N801  reads as a phrase in `with`
    """`pacing serve` until the end of the block; the first line it prints says that it listens."""

    def __init__(self, database_url: str, home: Path, public: int, ops: int) -> None:
        bare = {name: value for name, value in os.environ.items() if not name.startswith(("PREFECT_", "PACING_", "SNOWFLAKE_", "SLACK_"))}
        own = {"PACING_HOME": str(home), "PACING_DATABASE_URL": database_url, "PACING_HTTP_PORT": str(public), "PACING_OPS_PORT": str(ops)}
        self.process = subprocess.Popen([Path(sys.executable).with_name("pacing"), "serve"], cwd=ROOT, env=bare | own, text=True, stdout=subprocess.PIPE, stderr=subprocess.PIPE)

    def __enter__(self) -> "subprocess.Popen[str]":
        assert self.process.stdout is not None
        if not self.process.stdout.readline().startswith("Public:"):
            raise AssertionError(self.process.communicate()[1])
        for _ in range(100):
            try:
                get(int(re.findall(r"(\d+)/metrics", self.process.stdout.readline())[0]), "/readyz")
            except OSError:
                time.sleep(0.05)
            else:
                break
        return self.process

    def __exit__(self, *_: object) -> None:
        if self.process.poll() is None:
            self.process.send_signal(signal.SIGTERM)
        self.process.communicate(timeout=30)


def test_the_public_port_says_that_it_is_alive_and_nothing_else(served):
    """`/healthz` is 200; figures, faults and documentation are not on this port."""
    assert get(served.public, "/healthz") == (200, "ok\n")
    assert {get(served.public, path)[0] for path in ("/metrics", "/readyz", "/docs", "/openapi.json", "/")} == {404}


def test_every_metric_shows_what_the_record_says(served):
    """The metrics are those of the contract and no other, each with the figure of the last sealed run or of the record."""
    samples, summary = served.samples(), served.ran.summary
    assert {name for name, _ in samples} == METRICS
    assert samples["pacing_expires_timestamp_seconds", (("what", "the password of the Postgres login"),)] == ENDS.timestamp()
    assert {dict(labels)["step"]: value for (name, labels), value in samples.items() if name == "pacing_run_seconds"} == summary["seconds"]
    shown = {(dict(labels)["severity"], dict(labels)["action"]): value for (name, labels), value in samples.items() if name == "pacing_campaigns"}
    assert shown == served.ran.decisions.groupby(["severity", "action"], observed=True).size().to_dict()
    assert samples["pacing_ledger_size", ()] == summary["checkpoint"]["size"] + summary["alerts_queued"]
    assert samples["pacing_recommendations_open", ()] == summary["recommendations_opened"] == 1
    assert samples["pacing_quarantined_rows_total", ()] == summary["quarantined"]
    assert samples["pacing_outbox_pending", ()] == 0
    ages = {dict(labels)["account"]: value for (name, labels), value in samples.items() if name == "pacing_warehouse_age_seconds"}
    assert set(ages) == {"118", "4402"}
    assert all(timedelta(seconds=age) - (AT - LOADED) < timedelta(minutes=5) for age in ages.values())


def test_the_dashboard_and_the_rules_name_metrics_that_are_there(served):
    """Every metric of deploy/grafana and deploy/prometheus is on `/metrics`, with each label that they use, and each metric is on the dashboard."""
    samples = served.samples()
    labels = {label for _, pairs in samples for label, _ in pairs}
    panels = [target["expr"] for panel in json.loads((DEPLOY / "grafana/pacing.json").read_text())["panels"] for target in panel["targets"]]
    rules = [rule for group in yaml.safe_load((DEPLOY / "prometheus/rules.yml").read_text())["groups"] for rule in group["rules"]]
    assert {name for expr in panels for name in re.findall(r"pacing_[a-z_]+", expr)} == METRICS
    assert {name for rule in rules for name in re.findall(r"pacing_[a-z_]+", rule["expr"])} <= METRICS
    used = {label for expr in panels for label in re.findall(r"by \((\w+)\)", expr)} | {
        label for rule in rules for label in re.findall(r"\$labels\.(\w+)", rule["annotations"]["summary"])}
    assert used <= labels
    assert all(set(rule["annotations"]) == {"summary", "next"} for rule in rules)
    (target,) = yaml.safe_load((DEPLOY / "prometheus/prometheus.yml").read_text())["scrape_configs"][0]["static_configs"][0]["targets"]
    assert target == "127.0.0.1:9300"


def test_ready_until_the_next_seal_is_overdue(served):
    """`/readyz` is 200 after a run, and 503 that names the seal once it is older than one and a half windows."""
    assert get(served.ops, "/readyz") == (200, '{"ready":true,"checks":{"database":"ok","outbox":"ok","last_seal":"ok"}}')
    shift_to(served.desk.urls.admin, AT + timedelta(hours=6, minutes=5))
    status, text = get(served.ops, "/readyz")
    shift_to(served.desk.urls.admin, AT)
    assert status == 503
    assert json.loads(text)["checks"] == {"database": "ok", "outbox": "ok", "last_seal": "the last live run was sealed 6.1 hours ago; one is due every 4"}


def test_a_database_that_does_not_answer_is_named(served, postgres):
    """While the database takes no connection both answers are 503 with the error's line; then they recover by themselves."""
    name = served.desk.urls.name
    _execute(postgres, f'ALTER DATABASE "{name}" ALLOW_CONNECTIONS false')
    _execute(postgres, f"SELECT pg_terminate_backend(pid) FROM pg_stat_activity WHERE datname = '{name}'")
    status, text = get(served.ops, "/readyz")
    figures = get(served.ops, "/metrics")[0]
    alive = get(served.public, "/healthz")[0]
    _execute(postgres, f'ALTER DATABASE "{name}" ALLOW_CONNECTIONS true')
    assert (status, figures, alive) == (503, 503, 200)
    assert f"/{name} did not answer" in json.loads(text)["checks"]["database"]
    assert get(served.ops, "/readyz")[0] == 200


def test_a_port_that_is_taken_is_one_line(served, tmp_path):
    """A second process on the same port ends with exit 1 and one line that names the setting."""
    second = started(served.desk.urls.app, tmp_path, served.public, free_port()).process
    _, said = second.communicate(timeout=60)
    assert second.returncode == 1
    assert said.startswith(f"pacing: PACING_HTTP_PORT: 127.0.0.1:{served.public} cannot be listened on")
    assert said.count("\n") == 1


@pytest.mark.parametrize(("change", "check", "says"), [
    ({"overdue": 2}, "outbox", "nobody sends them"), ({"refused": 1}, "outbox", "is Slack reached"),
    ({"sealed_at": None}, "last_seal", "no live run was sealed yet")])
def test_what_is_not_ready_is_named(served, change, check, says):
    """Messages that nobody sends, messages that Slack does not take, and a record without a run are each named."""
    with served.desk.record() as database:
        now = dataclasses.replace(Figures(database).standing(), **change)
    found = readiness(lambda: now, 4)
    assert says in found.pop(check)
    assert set(found.values()) == {"ok"}


def test_stopping_is_quiet(served):
    """SIGTERM ends it with exit 0 and not a word on stderr."""
    served.process.send_signal(signal.SIGTERM)
    _, said = served.process.communicate(timeout=30)
    assert (served.process.returncode, said) == (0, "")
