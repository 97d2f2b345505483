"""The terminal and the preview show a card as a person would see it."""

import io

import pytest

from notifiers.cards import incident_card
from notifiers.console import Console, mrkdwn
from notifiers.delivery import DeliveryReport, Sent, relay
from notifiers.message import Message
from notifiers.preview import html
from tests.fakes.outbox import MemoryOutbox
from tests.unit.notifiers import world as w


def shown(message: Message, width: int = 110) -> str:
    file = io.StringIO()
    Console(file, width).show(message)
    return file.getvalue()


def test_a_card_in_the_terminal() -> None:
    """Header on the frame, fields in two columns, buttons in brackets, times and mentions as text; no colour in a file."""
    text = shown(incident_card(w.over(), w.INTERACTIVE))
    assert "🔴 Over plan: Halden UK · HAL_UK_PMax_WinterJackets · pause recommended" in text.splitlines()[0]
    assert any("Flight" in line and "Where" in line for line in text.splitlines())
    assert "[Pause campaign]  [Keep it running]  [I'm on it]  [Remind me later]  [Show the working]" in text
    assert "Wed 18 Nov 06:00 UTC" in text
    assert "@U0BUYERUK" in text
    assert not set("\x1b*`") & set(text)


def test_lines_fit_the_width() -> None:
    """No line is wider than asked for."""
    assert all(len(line) <= 81 for line in shown(incident_card(w.silent(), w.PLAIN), 80).splitlines())  # an emoji is two cells wide


@pytest.mark.parametrize(("source", "plain"), [
    ("*bold* & &lt;b&gt; &amp;", "bold & <b> &"), ("<https://x.example/?a=1&amp;b=2|Run> now", "Run now"),
    ("<!date^1^{time}|Wed 06:00 UTC>, `pacing run`", "Wed 06:00 UTC, pacing run"), ("*in <@U0AAAAA> bold*", "in @U0AAAAA bold"),
    ("a\x1b[31mred\x07\u202e", "a[31mred"), ("&amp;lt;", "&lt;"), ("one\n*two*\n three", "one\ntwo\n three")])
def test_mrkdwn_as_text(source: str, plain: str) -> None:
    """Marks become style, escapes are undone once, and nothing can steer the terminal."""
    assert mrkdwn(source).plain == plain


def test_the_relay_prints_at_once() -> None:
    """Without Slack the outbox is delivered to `console`, without waiting between cards."""
    file, outbox = io.StringIO(), MemoryOutbox()
    for number, kind in enumerate(["post", "update", "reply"]):
        outbox.put(f"d{number}", "C0TEST", "I-1", kind, incident_card(w.over(), w.PLAIN))
    waited: list[float] = []
    assert relay(outbox, Console(file), sleep=waited.append) == DeliveryReport(delivered=3)
    assert waited == []
    assert outbox.message_ref("I-1") == ("console", "d0")
    assert file.getvalue().count("╭") == 3
    assert "below its card:" in file.getvalue()


def test_nothing_is_found_in_a_terminal() -> None:
    """The console forgets: what it printed is only in the outbox."""
    assert Console(io.StringIO()).post("C", Message("x", ()), "d1") == Sent("console", "d1")
    assert Console(io.StringIO()).find("C", "d1", None) is None  # type: ignore[func-returns-value]


def test_a_message_of_text_alone() -> None:
    """A message without blocks shows its text."""
    assert "just text" in shown(Message("just *text*", ()))


def test_the_preview_is_escaped() -> None:
    """The page holds what outside strings say, never what they would do."""
    page = html(incident_card(w.over(campaign_name="<script>alert(1)</script>", owner='"><img src=x>', root_cause="<script>"), w.INTERACTIVE))
    assert "<script" not in page
    assert "<img" not in page
    assert "‹script›" in page  # plain text on the header
    assert "&lt;script&gt;" in page
    assert '<a href="https://ads.google.com/aw/campaigns?campaignId=4711&amp;__e=1182047731" rel="noreferrer">Open in Google Ads</a>' in page
    assert '<span class="button danger">Pause campaign</span>' in page
    assert page.count("<article>") == 1
