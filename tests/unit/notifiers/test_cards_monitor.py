"""What people read when the monitor itself does not work."""

from datetime import timedelta

from notifiers import limits
from notifiers.cards_monitor import Illness, ill_card, tell_ill, tell_well, well_card
from tests.unit.notifiers import world as w

ILL = Illness("failed", "Snowflake refused the login of <!channel> & co.", w.AS_OF - timedelta(hours=12), 61, {"GBP": 34_500 * w.UNITS, "EUR": 9_000 * w.UNITS})


def said(message):
    return "\n".join([message.text, *(text for block in message.blocks for text in limits.texts(block))])


def test_what_failed_since_when_and_how_much_money_a_day():
    """The card says all three, harmless whatever the error quotes; currencies are not added."""
    text = said(ill_card(ILL, w.AS_OF))
    assert "The monitor is ill: the run failed. Nothing has been watched since Tue 17 Nov 20:00 UTC." in text
    assert "12 hours ago" in text
    assert "*€9,000 and £34,500 a day* is planned in 61 flights that nobody watches meanwhile." in text
    for message in (ill_card(ILL, w.AS_OF), ill_card(Illness("partial", "x" * 5000), w.AS_OF), well_card(w.AS_OF)):
        assert limits.check(message) == []


def test_one_card_as_long_as_it_lasts():
    """Posted once, updated by each further failure, a reply a day, and its end."""
    kinds, state = [], None
    for hours in range(0, 49, 4):
        messages, state = tell_ill(state, ILL, w.AS_OF + timedelta(hours=hours), "C0TEST", "r1")
        kinds.append([one.kind for one in messages])
        assert {one.thread_key for one in messages} == {"monitor:ill:r1"}
    assert kinds == [["post"], *[["update"]] * 5, ["update", "reply"], *[["update"]] * 5, ["update", "reply"]]
    messages, (state,) = tell_well(state, w.AS_OF)
    assert [one.kind for one in messages] == ["update", "reply"]
    assert tell_well(state, w.AS_OF) == ([], [])
    assert [one.kind for one in tell_ill(state, ILL, w.AS_OF, "C0TEST", "r2")[0]] == ["post"]
