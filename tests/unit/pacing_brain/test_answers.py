"""What an answer does: the table of docs/answers.md, rule by rule."""

from dataclasses import replace
from datetime import UTC, datetime, timedelta

import pytest

from pacing_brain.answers import Answer, Bounds, Extent, bounds, broken, remind_at, until

AT = datetime(2026, 11, 18, 8, tzinfo=UTC)  # a Wednesday
DAY = timedelta(days=1)
OVER = Extent("warning", "warning", "over", 1000, zero=False)
UNTIL_WORSE = [Answer.KEEP_RUNNING, Answer.FIXING, Answer.BUDGET_LOWERED, Answer.REMIND_LATER]
WITHIN = [Answer.EXPECTED, Answer.WRONG_ALARM]


def holds(answer, extent, after=timedelta(hours=1)):
    return broken(answer, bounds(answer, OVER), until(answer, AT, None, None), extent, AT + after) is None


@pytest.mark.parametrize("answer", list(Answer))
def test_an_answer_holds_while_nothing_gets_worse(answer):
    """The same problem, or a smaller one, stays quiet; another direction or no delivery never does."""
    assert holds(answer, OVER)
    assert holds(answer, replace(OVER, money_micros=10))
    assert not holds(answer, replace(OVER, side="under"))
    assert not holds(answer, replace(OVER, zero=True))


@pytest.mark.parametrize("answer", UNTIL_WORSE)
def test_worse_breaks_it(answer):
    """A higher severity, data in doubt, or half as much money again."""
    assert not holds(answer, replace(OVER, severity="critical"))
    assert not holds(answer, replace(OVER, lane="escalate"))
    assert holds(answer, replace(OVER, money_micros=1499))
    assert not holds(answer, replace(OVER, money_micros=1500))


@pytest.mark.parametrize("answer", WITHIN)
def test_an_expectation_holds_up_to_its_money(answer):
    """A quarter more than was off plan, unless the person said how much; the severity may rise within it."""
    assert holds(answer, replace(OVER, severity="critical", money_micros=1250))
    assert not holds(answer, replace(OVER, money_micros=1251))
    said = bounds(answer, OVER, 5000)
    assert broken(answer, said, AT + DAY, replace(OVER, money_micros=5000), AT) is None
    assert broken(answer, said, AT + DAY, replace(OVER, money_micros=5001), AT) == "it is more money than was said"


def test_each_answer_ends_by_itself():
    """24 hours; a reminder at its time; an expectation after seven days, at the chosen day, and with the flight at the latest."""
    assert [until(answer, AT, None, None) - AT for answer in UNTIL_WORSE] == [DAY, DAY, DAY, timedelta(hours=4)]
    for answer in WITHIN:
        assert until(answer, AT, None, None) == AT + 7 * DAY
        assert until(answer, AT, AT + 30 * DAY, AT + 10 * DAY) == AT + 10 * DAY
        assert until(answer, AT, AT + 3 * DAY, AT + 10 * DAY) == AT + 3 * DAY
        assert until(answer, AT, AT - DAY, None) == AT + 7 * DAY
    assert not holds(Answer.KEEP_RUNNING, OVER, after=DAY)
    assert holds(Answer.KEEP_RUNNING, OVER, after=DAY - timedelta(milliseconds=1))


def test_bounds_are_kept_as_they_were():
    """What is read back from the record is what was said."""
    said = bounds(Answer.EXPECTED, OVER, 77)
    assert Bounds.from_json(said.as_json()) == said


@pytest.mark.parametrize(("choice", "zone", "at"), [
    ("4h", "UTC", datetime(2026, 11, 18, 12, tzinfo=UTC)), ("tomorrow", "UTC", datetime(2026, 11, 19, 8, tzinfo=UTC)),
    ("tomorrow", "America/New_York", datetime(2026, 11, 19, 13, tzinfo=UTC)), ("monday", "Europe/Berlin", datetime(2026, 11, 23, 7, tzinfo=UTC))])
def test_a_reminder_comes_when_the_person_is_at_work(choice, zone, at):
    """In four hours, or at eight in the morning where the person is."""
    assert remind_at(choice, AT, zone) == at
