"""Whole runs told through routes, silences and days: through Postgres and a Slack that enforces Slack's limits."""

from datetime import timedelta

import pytest

from audit.silences import Silences
from flows import run_pacing
from notifiers import limits
from notifiers.slack import Slack
from tests.fakes import slack_server
from tests.fakes.slack_server import TOKEN
from tests.flows.desk import AT, Desk, loaded, planned, spent

NEXT_DAY = AT + timedelta(hours=24)


@pytest.fixture
def slack():
    with slack_server.running() as server:
        yield server


@pytest.fixture
def desk(fresh_database, warehouse, tmp_path, monkeypatch):
    monkeypatch.setattr(Slack, "interval_s", 0.0)
    monkeypatch.setattr(run_pacing, "DELIVERY_BUDGET_S", 20.0)
    return Desk(fresh_database, warehouse, tmp_path)


def said(posted):
    return "\n".join([posted.text, *(text for block in posted.blocks for text in limits.texts(block))])


def test_a_client_reads_its_own_and_a_silence_holds_for_both(desk, slack, tmp_path):
    """The desk has the card with what is asked, the client one of its own figures, gross and without names of others; a silence of the next day mutes
    reminders and names its money; each channel has one digest a day of its own zone."""
    policy = tmp_path / "routes.toml"
    policy.write_text('[routes]\n"client=acme" = { channel = "C0ACME", timezone = "Asia/Tokyo" }\n', encoding="utf-8")
    gross = {"cost_basis": "gross", "fee_pct": "20", "budget": "3750.00"}
    desk.plan([row | (gross if row["flight_id"] == "G3" else {"client": "Zephyr", "cost_basis": "", "fee_pct": ""}) for row in planned()])
    desk.load(spent(), loaded())
    settings = {"SLACK_BOT_TOKEN": TOKEN, "SLACK_CHANNEL": "C0TEST", "SLACK_API_URL": slack.api_url, "PACING_POLICY": policy}
    desk.run(**settings)
    card, digest = (posted for posted in slack.messages if posted.channel == "C0ACME")
    assert "Acme" in said(card)
    assert "Spent *£3,0" in said(card)  # 2,431 net is 3,039 gross
    assert not [word for word in ("£2,4", "fee", "Zephyr", "pacing explain") if word in said(card) + said(digest)]
    assert "*1 flight*" in said(digest)
    assert "JST" in said(digest)
    (own,) = (posted for posted in slack.messages if posted.channel == "C0TEST" and "G3" in said(posted) and not posted.text.startswith("Pacing"))
    assert "fee of 20 %" in said(own)
    desk.at(NEXT_DAY)
    with desk.record() as database:
        Silences(database).set({"client": "ACME"}, "U0BUYERUK", "agreed by phone", NEXT_DAY + timedelta(days=2))
    desk.load(spent(NEXT_DAY), loaded(NEXT_DAY - timedelta(hours=1)))
    ran = desk.run(NEXT_DAY, **settings)
    assert ran.lanes["G3"][0] == "critical"
    assert not slack.replies("C0TEST", own.ts)
    assert own.edits == card.edits == 0
    digests = [posted for posted in slack.messages if posted.text.startswith("Pacing")]
    assert [posted.channel for posted in digests].count("C0TEST") == [posted.channel for posted in digests].count("C0ACME") == 2
    assert "🔕 client ACME · 1 problem" in said([posted for posted in digests if posted.channel == "C0TEST"][-1])
    assert not slack.violations


def test_an_outage_of_a_source_is_one_card(desk, slack):
    """What the warehouse does not answer for is told once, by the monitor's own card, however many campaigns it has; nothing is said of them singly."""
    desk.plan(planned())
    desk.load(spent(), loaded())
    settings = {"SLACK_BOT_TOKEN": TOKEN, "SLACK_CHANNEL": "C0TEST", "SLACK_API_URL": slack.api_url}
    desk.run(**settings)
    before = len(slack.messages)
    desk.run(NEXT_DAY, **settings, SNOWFLAKE_PORT=1)
    new = slack.messages[before:]
    assert [posted.text.partition(":")[0] for posted in new if not posted.text.startswith("Pacing")] == ["🩺 The monitor is ill"]
    assert "partial" in new[0].text
    assert not slack.violations
