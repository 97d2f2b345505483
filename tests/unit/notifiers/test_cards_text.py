"""Outside strings on cards: neutral, escaped, cut where a person would cut."""

from datetime import UTC, date, datetime, timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st

from notifiers import cards_text as t
from notifiers import limits
from notifiers.message import Message


@given(st.text(max_size=600), st.integers(min_value=2, max_value=80))
def test_outside_strings_are_safe_at_any_length(text: str, limit: int) -> None:
    """Whatever comes in, what goes out fits its limit and holds no torn escape, mention, control or bidirectional character."""
    for safe in (t.outside(text, limit), t.escape(t.plain(text, limit))):
        block = {"type": "section", "text": {"type": "mrkdwn", "text": safe or "-"}}
        assert limits.check(Message("x", (block,))) == []
    assert t.size(t.outside(text, limit)) <= limit
    assert t.size(t.plain(text, limit)) <= limit


@pytest.mark.parametrize(("given_", "shown"), [
    ("<!channel>", "&lt;!channel&gt;"),
    ("H&M <b>", "H&amp;M &lt;b&gt;"),
    ("@channel go", "@\u2060channel go"),
    ("*bold* _it_ A_B_C ~no~ `code`", "∗bold∗ ˍitˍ A_B_C ∼no∼ ˋcodeˋ"),
    ("a\u202eb\u0007c\nd\u2028e", "abc d e"),
    ("<https://evil|click>", "&lt;https://evil|click&gt;"),
    ("'; DROP TABLE x; --\"", "'; DROP TABLE x; --\""),
])
def test_outside_examples(given_: str, shown: str) -> None:
    """Names are read, never obeyed."""
    assert t.outside(given_) == shown


@pytest.mark.parametrize(("text", "limit", "kept"), [
    ("abcdef", 6, "abcdef"), ("abcdefg", 6, "abcde…"),
    ("cafe\u0301s are", 5, "caf…"),  # the accent is not torn off its letter; composed it fits, see neutral
    ("👨‍👩‍👧‍👦 family", 8, "…"), ("🇩🇪🇫🇷", 5, "🇩🇪…"), ("👍🏽👍🏽", 5, "👍🏽…"),
])
def test_cut_keeps_graphemes_whole(text: str, limit: int, kept: str) -> None:
    """A cut never tears a letter from its accent, a family or a flag apart."""
    assert t.cut(text, limit) == kept


def test_cut_never_tears_an_escape() -> None:
    """Limits count escaped characters, and an escape is kept whole or not at all."""
    assert t.outside("&" * 100, 12) == "&amp;&amp;…"


def test_a_500_character_name_is_cut() -> None:
    """A name of 500 characters becomes one that fits a card."""
    assert t.size(t.outside("é<" * 250)) <= t.NAME_LENGTH


@pytest.mark.parametrize(("name", "shown"), [
    ("U0BUYERUK", "<@U0BUYERUK>"), ("@U0BUYERUK", "<@U0BUYERUK>"), ("group:S0LEADS1", "<!subteam^S0LEADS1>"), ("buyer-de", "buyer-de"),
    ("@buyer-de", "buyer-de"), ("Uwe", "Uwe"), ("<!here>", "&lt;!here&gt;"), ("U0BUYER> <!channel>", "U0BUYER&gt; &lt;!channel&gt;")])
def test_people(name: str, shown: str) -> None:
    """Only a Slack id is a mention."""
    assert t.person(name) == shown


def test_several_people() -> None:
    """More than a few people are counted."""
    assert t.people(("a", "b", "c", "d", "e", "f")) == "a, b, c, d and 2 more"


@pytest.mark.parametrize(("url", "expected"), [
    ("https://a.example/x?a=1&b=2", "<https://a.example/x?a=1&amp;b=2|Run>"), (None, ""), ("javascript:alert(1)", ""),
    ("https://a.example/|x", ""), ("https://a.example/> <!channel", "")])
def test_links(url: str | None, expected: str) -> None:
    """What is not a plain web address is not linked."""
    assert t.link(url, "Run") == expected


def test_times() -> None:
    """Instants are tokens with a UTC fallback; days are the account's and stay as they are."""
    moment = datetime(2026, 11, 18, 6, tzinfo=UTC)
    assert t.token(moment) == "<!date^1794981600^{date_short_pretty} {time}|Wed 18 Nov 06:00 UTC>"
    assert t.instant("2026-11-18T07:00:00+01:00") == moment
    assert t.instant("2026-11-18T06:00:00Z") == moment
    assert t.weekday(date(2026, 11, 8)) == "Sun 8 Nov"


@pytest.mark.parametrize(("first", "last", "shown"), [
    ("2026-11-01", "2026-11-30", "1 to 30 Nov 2026"), ("2026-11-16", "2026-12-13", "16 Nov to 13 Dec 2026"),
    ("2026-12-16", "2027-01-13", "16 Dec 2026 to 13 Jan 2027"), ("2026-11-01", "2026-11-01", "1 Nov 2026")])
def test_spans(first: str, last: str, shown: str) -> None:
    """A span is as short as it can be without being ambiguous."""
    assert t.span_days(date.fromisoformat(first), date.fromisoformat(last)) == shown


@pytest.mark.parametrize(("minutes", "shown"), [(0, "0 min"), (119, "119 min"), (125, "2 hours"), (28 * 60 + 20, "28 hours"),
                                               (49 * 60, "2 days")])
def test_durations(minutes: int, shown: str) -> None:
    """A duration is one figure, rounded down."""
    assert t.duration(timedelta(minutes=minutes)) == shown
