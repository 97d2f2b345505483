"""Whole runs told through the real slack_sdk to a Slack that enforces Slack's limits."""

import io
from collections.abc import Iterator
from datetime import timedelta
from pathlib import Path

import pandas as pd
import pytest

from flows import run_pacing
from flows.run_pacing import Request, run_window
from flows.upkeep import keep_up
from notifiers import limits
from notifiers.console import Console
from notifiers.message import Message
from notifiers.slack import Slack
from notifiers.telling import needs_card
from tests.fakes import slack_server
from tests.fakes.slack_server import TOKEN, Posted, SlackServer
from tests.flows.desk import AT, HOSTILE, Desk, Ran, campaign_id, loaded, planned, spent
from tests.worlds import sample_world

SECOND, THIRD = AT + timedelta(hours=4), AT + timedelta(hours=8)


@pytest.fixture
def slack() -> Iterator[SlackServer]:
    with slack_server.running() as server:
        yield server


@pytest.fixture
def desk(fresh_database, warehouse, tmp_path) -> Desk:
    desk = Desk(fresh_database, warehouse, tmp_path)
    desk.plan(planned())
    desk.load(spent(), loaded())
    return desk


@pytest.fixture(autouse=True)
def without_waiting(monkeypatch):
    """Slack's pace of one message a second and channel is held by the relay's own tests."""
    monkeypatch.setattr(Slack, "interval_s", 0.0)
    monkeypatch.setattr(run_pacing, "DELIVERY_BUDGET_S", 2.0)


def of(slack: SlackServer, **more: object) -> dict[str, object]:
    return {"SLACK_BOT_TOKEN": TOKEN, "SLACK_CHANNEL": "C0TEST", "SLACK_API_URL": slack.api_url} | more


def with_budgets(**budgets: str) -> list[dict[str, object]]:
    return [row | ({"budget": budgets[row["flight_id"]]} if row["flight_id"] in budgets else {}) for row in planned()]


def fixed(folder: Path) -> Path:
    """A policy whose bands meet the raw variance: a changed budget is told at once, whatever explains it."""
    policy = folder / "fixed.toml"
    policy.write_text('bands = "fixed"\n', encoding="utf-8")
    return policy


def texts(posted: Posted) -> str:
    return "\n".join([posted.text, *(text for block in posted.blocks for text in limits.texts(block))])


def digests(slack: SlackServer) -> list[Posted]:
    return [posted for posted in slack.visible() if posted.text.startswith("Pacing")]


def held(slack: SlackServer) -> None:
    assert not slack.violations
    for posted in slack.messages:
        assert not limits.check(Message(posted.text, tuple(posted.blocks)))


def test_the_agency_in_slack(fresh_database, warehouse, tmp_path, slack):
    """Ten cards of the worst that need a person, one digest for everything; every limit is held, and a second start posts nothing."""
    desk = Desk(fresh_database, warehouse, tmp_path)
    visible = sample_world().at(AT)
    desk.tracker.write_text(sample_world().targets_csv(), encoding="utf-8")
    desk.load(visible.spend, visible.loads)
    ran = desk.run(**of(slack))
    need = [incident for incident in ran.incidents.values() if needs_card(incident.finding)]
    assert len(need) > 10
    assert len(slack.visible()) == 11 == ran.summary["alerts_queued"]
    assert len(digests(slack)) == 1
    assert len({posted.delivery_id for posted in slack.messages}) == len(slack.messages)
    assert desk.outbox()["delivered"] == len(slack.messages) + len(slack.shared) == sum(desk.outbox().values())
    charts = {one.thread_ts for one in slack.shared}
    assert charts <= {posted.ts for posted in slack.visible()}
    assert len(charts) == len(slack.shared) >= 5
    assert all(one["bytes"].startswith(b"\x89PNG") and len(one["bytes"]) == one["length"] and "planned" in one["alt_txt"] for one in slack.uploads.values())
    held(slack)
    run_window(desk.settings(**of(slack)), Request(as_of=AT))
    assert len(slack.messages) == 11


def test_a_card_is_updated_and_answered_in_its_thread(desk, slack, tmp_path):
    """A warning that turns critical gets a card, what is over is said below its card, which is updated; the day has one digest."""
    desk.run(**of(slack, PACING_POLICY=fixed(tmp_path)))
    (card,) = (posted for posted in slack.visible() if posted not in digests(slack))
    assert "G3" in texts(card)
    desk.load(spent(SECOND), loaded(SECOND - timedelta(hours=1)))
    desk.plan(with_budgets(M3="4500"))
    worse = desk.run(SECOND, **of(slack, PACING_POLICY=fixed(tmp_path)))
    assert worse.lanes["M3"] == ("critical", "slack_alert")
    assert len(slack.visible()) == 3
    assert not slack.replies("C0TEST", card.ts)
    desk.load(spent(THIRD), loaded(THIRD - timedelta(hours=1)))
    desk.plan(with_budgets(M3="4500", G3="4500"))
    better = desk.run(THIRD, **of(slack, PACING_POLICY=fixed(tmp_path)))
    assert "campaign:G3:over" not in better.incidents
    assert card.edits == 1
    (reply,) = slack.replies("C0TEST", card.ts)
    assert "G3" in texts(reply)
    assert len(slack.visible()) == 3
    (digest,) = digests(slack)
    assert digest.edits == 2
    held(slack)


def test_a_card_says_in_its_thread_that_it_got_worse(desk, slack, tmp_path):
    """A problem that has a card and turns critical is told below the card, once; the card itself is updated."""
    again = spent()["campaign_id"].eq(campaign_id("M1")) & spent()["day"].eq(pd.Timestamp("2026-11-03"))
    for at, budget in ((AT, "3000"), (SECOND, "4500"), (THIRD, "4500")):
        desk.plan(with_budgets(M1=budget))
        desk.load(pd.concat([spent(at), spent()[again]]), loaded(at - timedelta(hours=1)))
        ran = desk.run(at, **of(slack, PACING_POLICY=fixed(tmp_path)))
        assert ran.decisions.loc["M1", "red_gates"] == "completeness"
    assert ran.decisions.loc["M1", "severity"] == "critical"
    (card,) = (posted for posted in slack.visible() if posted not in digests(slack) and "M1" in texts(posted))
    assert card.edits == 1
    assert len(slack.replies("C0TEST", card.ts)) == 1
    held(slack)


def test_hostile_names_reach_people_harmless(desk, slack):
    """Five hundred characters of emoji, right-to-left text, mentions and quotes: no mention, no escape and no control character survives."""
    client = 'Acme <!here> & "Söhne"; \u202eevil'
    desk.plan([row | ({"campaign_name": HOSTILE, "client": client} if row["flight_id"] in ("G3", "M3") else {}) for row in planned()])
    rows = spent()
    desk.load(rows.assign(campaign_name=rows["campaign_name"].mask(rows["campaign_id"].isin([campaign_id("G3"), campaign_id("M3")]), HOSTILE)), loaded())
    ran = desk.run(**of(slack))
    assert ran.lanes["G3"] == ("critical", "recommend_halt")
    assert len(slack.visible()) == 2
    held(slack)
    terminal = io.StringIO()
    for posted in slack.messages:
        said = texts(posted)
        assert "<!" not in said.replace("<!date^", "")
        assert "<@U1>" not in said
        assert "\u202e" not in said
        assert "mil" in said  # the name itself is still there
        Console(terminal).post("C0TEST", Message(posted.text, tuple(posted.blocks)), posted.delivery_id)
    assert not {"\x1b", "\u202e", "\u2028"} & set(terminal.getvalue())


def test_slack_down_costs_no_run_and_no_message(desk, slack):
    """The run seals and ends well, the outbox keeps what is owed, and the next relay delivers each message once, with a copy of the checkpoint."""
    slack.faults.extend(["reset"] * 40)
    ran = desk.run(**of(slack))
    assert not ran.summary["partial"]
    assert not slack.messages
    assert (desk.outbox()["pending"], ran.summary["alerts_queued"]) == (3, 2)  # and the card's chart
    slack.faults.clear()
    desk.at(AT + timedelta(minutes=30))
    kept = keep_up(desk.settings(**of(slack)), catch_up=lambda *_: {"run_id": "none"})
    assert kept.delivered.delivered == 4
    assert (len(slack.messages), len(slack.shared)) == (3, 1)
    keep_up(desk.settings(**of(slack)), catch_up=lambda *_: {"run_id": "none"})
    assert (len(slack.messages), len(slack.shared)) == (3, 1)
    assert desk.outbox()["delivered"] == 4


def test_slack_that_refuses_the_token_keeps_what_is_owed(desk, slack):
    """A revoked token is mended by a person: nothing is given up, and the run itself is fine."""
    slack.token = "xoxb-another"
    ran = desk.run(**of(slack))
    assert ran.summary["alerts_queued"] == 2
    assert desk.outbox() == {"pending": 3, "leased": 0, "delivered": 0, "dead": 0}


def test_observe_shows_the_digest_only(desk, slack, tmp_path):
    """`mode = "observe"`: every decision is recorded, one digest is posted, no card, and nothing awaits an answer."""
    desk.plan(with_budgets(G1="1500"))
    policy = tmp_path / "observe.toml"
    policy.write_text('mode = "observe"\n', encoding="utf-8")
    ran: Ran = desk.run(**of(slack, PACING_POLICY=policy))
    assert ran.lanes["G3"][0] == "critical"
    assert ("critical", "recommend_halt") in ran.lanes.values()
    assert not ran.asks
    assert [posted.text[:6] for posted in slack.messages] == ["Pacing"]
    held(slack)
