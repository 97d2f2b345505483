"""How long a click waits for its acknowledgement: alone, while a run of 100,000 campaigns is recorded, and while a platform hangs. Off by default."""

import multiprocessing
import os
import statistics
import threading
import time
from collections.abc import Iterable, Iterator

import pytest
from pydantic import SecretStr

from audit.database import Database
from audit.recommendations import Recommendation
from connectors.snowflake_settings import SnowflakeSettings
from flows.slack_service import slack_service
from flows.wiring import House
from notifiers.slack import Slack
from pacing_brain.brain import PacingBrain
from pacing_brain.decision import bodies
from pacing_brain.policy import Policy
from tests.bench.test_ledger import CAMPAIGNS, record_a_run
from tests.fakes import slack_server
from tests.fakes.platform_server import TOKEN, platform_server
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


def clicked(port: Served, asked: Iterable[Recommendation], a_second: float = A_SECOND) -> list[float]:
    """Seconds to the acknowledgement of each click, so many a second, each on a card of its own."""
    begun, threads = time.monotonic(), []
    for number, one in enumerate(asked):
        time.sleep(max(0.0, begun + number / a_second - time.monotonic()))
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
    asked = desk.seal(*flights(CLICKS)).values()
    with slack_service(desk.house) as events, served(events) as port:
        if beside == "a run":
            run.start()
        waits = clicked(port, asked)
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


@pytest.mark.parametrize(("count", "a_second", "p99_s", "worst_s"), [(250, 10, 0.5, 3.0), (50, 100_000, 1.0, 1.0)], ids=["ten a second", "a burst of fifty"])
def test_while_a_platform_hangs(desk, count, a_second, p99_s, worst_s):
    """The platform takes every call and answers none for a minute: who presses a button does not notice."""
    with platform_server() as platform:
        platform.hangs_s = 60.0
        platform.faults["read"].extend(["hang_before"] * 10)
        desk.house.settings = desk.house.settings.model_copy(update={"meta_access_token": SecretStr(TOKEN), "meta_api_url": platform.url})
        with slack_service(desk.house) as events, served(events) as port:
            first, *others = desk.seal(*flights(count + 1, platform="meta")).values()
            port.press("approve_halt", f"{first.recommendation_id}:1", ANA)
            while not platform.calls:
                time.sleep(0.05)
            port.seconds.clear()
            waits = clicked(port, others, a_second)
            calls = len(platform.calls)
            assert len(desk.said("recommendation_decided")) == count + 1
        platform.stopping.set()
    p99 = waits[int(len(waits) * 0.99) - 1]
    print(f"\n{count} clicks, {a_second:,} a second, with {calls} calls of the platform hanging since the start: p50 {statistics.median(waits) * 1000:.0f} ms, p99 {p99 * 1000:.0f} ms, "
          f"worst {waits[-1] * 1000:.0f} ms")
    assert p99 < p99_s
    assert waits[-1] < worst_s
