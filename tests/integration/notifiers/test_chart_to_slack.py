"""A chart reaches its card's thread once, whatever the line does; an app that may not upload goes without."""

from datetime import date

import pytest

from notifiers.chart_message import chart_message, chart_of
from notifiers.charts import Chart
from notifiers.delivery import relay
from notifiers.message import Message
from notifiers.slack import Slack
from tests.fakes.outbox import MemoryOutbox
from tests.fakes.slack_server import TOKEN, SlackServer, running

UNIT = 1_000_000
CHART = Chart(date(2026, 11, 1), date(2026, 11, 30), "GBP", ((0.0, 0), (1.0, 60_000 * UNIT)), ((0.0, 0), (0.5, 45_000 * UNIT)), (), 0.5, 10.0, 25.0,
              (90_000 * UNIT, 85_000 * UNIT, 95_000 * UNIT))
CARD = Message("card", ({"type": "section", "text": {"type": "mrkdwn", "text": "card"}},))


def told(server: SlackServer) -> dict[str, str]:
    """A card and its chart, relayed until nothing is due; what became of them."""
    now = [0.0]
    outbox = MemoryOutbox(clock=lambda: now[0])
    outbox.put("card", "C0TEST", "inc", "post", CARD)
    outbox.put("chart", "C0TEST", "inc", "reply", chart_message(CHART, "Halden UK"))
    outbox.put("after", "C0TEST", "inc", "reply", CARD)
    relay(outbox, Slack(TOKEN, server.api_url, timeout_s=1), budget_s=20_000, clock=lambda: now[0], sleep=lambda seconds: now.__setitem__(0, now[0] + seconds))
    return outbox.states()


def test_a_chart_goes_through_the_outbox_and_back() -> None:
    """What is drawn at delivery is what was queued, to the micro; another message is none."""
    assert chart_of(chart_message(CHART, "x")) == (CHART, "x")
    assert chart_of(CARD) is None


@pytest.mark.parametrize("fault", ["", "accept_then_drop", "accept_then_500", "500", "reset", "429", "garbage"])
def test_it_stands_once_below_its_card(fault: str) -> None:
    """Whatever becomes of the call that shows it, the chart is in the thread exactly once, and what follows it goes on."""
    with running() as server:
        server.faults.extend(["", fault])  # the card's own call, then the chart's
        assert set(told(server).values()) == {"delivered"}
        (card,) = server.visible()
        (shared,) = server.shared
        assert (shared.thread_ts, shared.files[0]["name"]) == (card.ts, "pacing-chart.png")
        assert len(server.replies("C0TEST", card.ts)) == 1


def test_without_the_scope_only_the_chart_is_lost() -> None:
    """An app that was installed before charts were keeps getting cards and replies."""
    with running(SlackServer(scopes={"chat:write", "channels:history"})) as server:
        assert told(server) == {"card": "delivered", "chart": "dead", "after": "delivered"}
        assert not server.shared
