"""Between runs: one reminder at half time, never in quiet hours; what nobody answered ends, and its card says so."""

from datetime import timedelta

from audit.outbox import Outbox
from flows.reminding import end_late, remind
from flows.upkeep import tell_given_up
from pacing_brain.policy import Policy
from tests.integration.answers.conftest import ANA, AT, RESPONDER, Desk, flights
from tests.integration.answers.test_answers import buttons, text

HOUR = timedelta(hours=1)


def replies(desk: Desk) -> int:
    return sum(desk.house.outbox.counts().values()) - 1  # the card itself


def test_one_reminder_at_half_time(desk):
    """After six of twelve hours, once, however often it is looked at."""
    desk.seal(*flights(1))
    for hours, sent in ((5, 0), (6, 1), (7, 1), (9, 1)):
        desk.at(AT + hours * HOUR + timedelta(minutes=1))
        remind(desk.house)
        assert replies(desk) == sent


def test_who_is_on_it_is_not_reminded(desk):
    """Half of the time is over, and somebody has said that they are fixing it: nobody is told that nobody answered."""
    one = desk.seal(*flights(1))["F0"]
    desk.press("acknowledge", one, RESPONDER, choice="fixing")
    desk.at(AT + 7 * HOUR)
    assert remind(desk.house) == 0


def test_what_was_given_up_is_an_alarm(desk):
    """Once a day, and never because the alarm itself was given up."""
    desk.seal(*flights(1))
    for alarms in (1, 1):
        (message,) = desk.house.outbox.lease(1)
        desk.house.outbox.dead(message.delivery_id, "channel_not_found")
        tell_given_up(desk.house)
        assert [entry.subject for entry in desk.said("error_recorded")] == ["undelivered"] * alarms


def test_a_reminder_at_half_time_is_the_days_reminder(desk):
    """The run that would repeat the alert counts a day from the last reminder, whoever sent it."""
    desk.seal(*flights(1))
    desk.at(AT + 6 * HOUR)
    assert remind(desk.house) == 1
    (told,) = desk.house.tellings.standing(AT + 6 * HOUR)
    assert abs(told.alerted_at - (AT + 6 * HOUR)) < timedelta(minutes=1)


def test_never_in_quiet_hours(desk):
    """A reminder that falls into quiet hours is sent when they are over."""
    desk.house.policy = Policy.parse('[quiet_hours]\n"*" = "13:00-18:00"\n')
    desk.seal(*flights(1))
    for hours, sent in ((7, 0), (9.9, 0), (10.1, 1)):
        desk.at(AT + hours * HOUR)
        remind(desk.house)
        assert replies(desk) == sent


def test_who_wanted_to_be_reminded_is(desk):
    """A snoozed question is back at its hour, with a reply below its card."""
    one = desk.seal(*flights(1))["F0"]
    desk.press("snooze", one, RESPONDER, until=AT + 4 * HOUR)
    desk.at(AT + 5 * HOUR)
    assert remind(desk.house) == 1
    assert desk.now(one).status == "pending"


def test_what_nobody_answered_ends(desk):
    """After twelve hours it is expired, on the ledger and on its card; an answer comes too late."""
    one = desk.seal(*flights(1))["F0"]
    desk.at(AT + 12 * HOUR + timedelta(seconds=1))
    assert desk.press("approve_halt", one, ANA) == "refused"
    assert end_late(desk.house) == (one.recommendation_id,)
    assert end_late(desk.house) == ()
    assert (desk.now(one).status, buttons(desk.card(one.incident_id))) == ("expired", [])
    assert "Nobody answered in time" in text(desk.card(one.incident_id))


def test_a_channel_has_one_relay_at_a_time(desk):
    """While one relay writes into a channel another gets nothing of it; when it lets go the rate still holds."""
    desk.seal(*flights(2))
    first, second = Outbox(desk.house.database), Outbox(desk.house.database)
    (leased,) = first.lease(1)
    assert second.lease(1) == []
    first.delivered(leased.delivery_id, "C0TEST", "1.1")
    first.release({"C0TEST": 600.0})
    assert second.lease(1) == []
    desk.at(AT + HOUR)
    assert len(second.lease(1)) == 1


def test_what_can_wait_is_taken_along_by_what_cannot(desk):
    """A message held for quiet hours goes out with a critical one of its thread, before it."""
    from audit.outbox import OutgoingMessage, put

    desk.at(AT)
    outbox = Outbox(desk.house.database)
    with desk.house.database.transaction() as connection:
        put(connection, [OutgoingMessage("d1", "C1", "t", "post", "x", [], AT + HOUR), OutgoingMessage("d2", "C1", "u", "post", "x", [], AT + HOUR)])
    assert outbox.lease(9) == []
    with desk.house.database.transaction() as connection:
        put(connection, [OutgoingMessage("d3", "C1", "t", "reply", "x", [])])
    assert [one.delivery_id for one in outbox.lease(9)] == ["d1"]


def test_what_is_given_up_is_on_the_ledger(desk):
    """A dead letter is a `message_failed` entry with its channel, tries and error."""
    desk.seal(*flights(1))
    (leased,) = desk.house.outbox.lease(1)
    desk.house.outbox.dead(leased.delivery_id, "Slack refused it")
    (entry,) = desk.said("message_failed")
    assert (entry.content["channel"], entry.content["tries"], entry.content["error"]) == ("C0TEST", 1, "Slack refused it")
