"""The check refuses what Slack refuses, and what a person must not be shown."""

from typing import Any

import pytest

from notifiers import limits
from notifiers.message import Message


def section(text: str, kind: str = "mrkdwn") -> dict[str, Any]:
    return {"type": "section", "text": {"type": kind, "text": text}}


def button(**changes: Any) -> dict[str, Any]:
    return {"type": "button", "text": {"type": "plain_text", "text": "Go"}, "action_id": "go", "value": "1:1"} | changes


def check(*blocks: dict[str, Any], text: str = "hello") -> list[str]:
    return limits.check(Message(text, blocks))


@pytest.mark.parametrize("block", [
    section("a" * 3000), {"type": "header", "text": {"type": "plain_text", "text": "a" * 150}},
    {"type": "section", "fields": [{"type": "mrkdwn", "text": "a"}] * 10},
    {"type": "context", "elements": [{"type": "mrkdwn", "text": "a"}] * 10},
    {"type": "actions", "elements": [button(action_id=str(n)) for n in range(25)]},
    section("&lt;!channel&gt; <https://x.example|a &amp; b> <!date^1^{time}|06:00> <@U0AAAA> <!subteam^S0AAAA> x"),
])
def test_at_the_limit_is_fine(block: dict[str, Any]) -> None:
    """What Slack takes passes, to the last character."""
    assert check(block) == []


@pytest.mark.parametrize(("block", "words"), [
    (section("a" * 3001), "3001 of 1 to 3000"), (section(""), "0 of 1"),
    (section("👍" * 1501), "3002 of 1 to 3000"),  # counted as UTF-16, as the strictest reader does
    ({"type": "header", "text": {"type": "plain_text", "text": "a" * 151}}, "151 of 1 to 150"),
    ({"type": "header", "text": {"type": "mrkdwn", "text": "a"}}, "plain_text"),
    ({"type": "section", "fields": [{"type": "mrkdwn", "text": "a"}] * 11}, "more than 10 fields"),
    ({"type": "section", "fields": [{"type": "mrkdwn", "text": "a" * 2001}]}, "2001"), ({"type": "section"}, "needs text"),
    ({"type": "context", "elements": []}, "0 context elements"),
    ({"type": "actions", "elements": [button(), button()]}, "action_id not unique"),
    ({"type": "actions", "elements": [button(value="x" * 2001)]}, "2001"),
    ({"type": "actions", "elements": [button(style="warning")]}, "style"),
    ({"type": "actions", "elements": [button(text={"type": "plain_text", "text": "x" * 76})]}, "76 of 1 to 75"),
    ({"type": "carousel"}, "invalid_blocks"), (section("a <b"), "torn markup"), (section("a &am"), "torn markup"), (section("<!channel>"), "broadcast"),
    (section("hi @here"), "broadcast"), (section("a\u202eb"), "bidirectional"), (section("a\x1b[2J"), "control"),
    (section("<https://x.example|a"), "torn markup"), ({**section("a"), "block_id": "b" * 256}, "256"),
])
def test_beyond_the_limit_is_named(block: dict[str, Any], words: str) -> None:
    """What Slack refuses, or a person must not be shown, is named with its place."""
    faults = check(block)
    assert faults
    assert any(words in fault for fault in faults), faults


def test_the_whole_message() -> None:
    """Blocks are counted, a message has an end, and the fallback text is always there."""
    assert "of at most 50" in check(*[section("a")] * 51)[0]
    assert check(*[section("a" * 2_900)] * 5)[0].startswith("msg_blocks_too_long")
    assert check(section("a"), text=" ")[0] == "text: missing fallback"
    assert check({**section("a"), "block_id": "x"}, {**section("b"), "block_id": "x"}) == ["block_id: not unique"]


def test_a_confirmation_has_limits_of_its_own() -> None:
    """Title, text and buttons of a confirmation are checked."""
    confirm = {name: {"type": "plain_text", "text": "x" * 301} for name in ("title", "text", "confirm", "deny")}
    assert len(check({"type": "actions", "elements": [button(confirm=confirm)]})) == 4
