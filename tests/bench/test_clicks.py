"""How long a click waits for its acknowledgement at ten clicks a second: alone, and while a run of 100,000 campaigns is recorded. Off by default."""

import multiprocessing
import os
import statistics
import threading
import time
from collections.abc import Iterator

import pytest

from audit.database import Database
from connectors.snowflake_settings import SnowflakeSettings
from flows.slack_service import slack_service
from flows.wiring import House
from notifiers.slack import Slack
from pacing_brain.brain import PacingBrain
from pacing_brain.decision import bodies
from pacing_brain.policy import Policy
from tests.bench.test_ledger import CAMPAIGNS, record_a_run
from tests.fakes import slack_server
from tests.integration.answers.conftest import ANA, Desk, flights, settings
from tests.integration.answers.slack_caller import Served, served
from tests.worlds import inputs_of, sample_world

pytestmark = [pytest.mark.bench, pytest.mark.timeout(1800), pytest.mark.skipif(os.environ.get("PACING_TEST_BENCH") != "1", reason="measures; PACING_TEST_BENCH=1")]
A_SECOND, CLICKS = 10, 250


@pytest.fixture
def desk(fresh_database, tmp_path, monkeypatch) -> Iterator[Desk]:
    monkeypatch.setattr(Slack, "interval_s", 0.0)
    with slack_server.running() as slack:
        own = settings(fresh_database, tmp_path, SLACK_API_URL=slack.api_url)
        database = Database(fresh_database.app, pool_size=6)
        yield Desk(fresh_database, House(own, Policy.load(own.policy) if own.policy else Policy(), database, SnowflakeSettings()))
        database.close()


def clicked(desk: Desk, port: Served) -> list[float]:
    """Seconds to the acknowledgement of each of CLICKS clicks, A_SECOND a second, each on a card of its own."""
    asked = list(desk.seal(*flights(CLICKS)).values())
    begun, threads = time.monotonic(), []
    for number, one in enumerate(asked):
        time.sleep(max(0.0, begun + number / A_SECOND - time.monotonic()))
        threads.append(threading.Thread(target=port.press, args=("approve_halt", f"{one.recommendation_id}:1", ANA)))
        threads[-1].start()
    for thread in threads:
        thread.join()
    return sorted(port.seconds)


@pytest.mark.parametrize("beside", ["alone", "a run"])
def test_ten_clicks_a_second(desk, beside):
    """Ninety-nine of a hundred are acknowledged within half a second, and every one within Slack's three."""
    decided = bodies(PacingBrain().decide(inputs_of(sample_world())).decisions)
    run = multiprocessing.get_context("spawn").Process(target=record_a_run, args=(desk.urls.app, decided))
    with slack_service(desk.house) as events, served(events) as port:
        if beside == "a run":
            run.start()
        waits = clicked(desk, port)
        recording = beside == "a run" and run.is_alive()
    if beside == "a run":
        run.join()
        assert run.exitcode == 0
    p99 = waits[int(len(waits) * 0.99) - 1]
    print(f"\n{len(waits)} clicks, {A_SECOND} a second, {beside}: p50 {statistics.median(waits) * 1000:.0f} ms, p99 {p99 * 1000:.0f} ms, "
          f"worst {waits[-1] * 1000:.0f} ms{f'; {CAMPAIGNS:,} campaigns were still being recorded at the end' if recording else ''}")
    assert len(desk.said("recommendation_decided")) == CLICKS
    assert p99 < 0.5
    assert waits[-1] < 3.0
