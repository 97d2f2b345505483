"""The monitor itself is not well: said on the ledger and, once a day for each thing that is wrong, to people."""

from audit import clock, ledger, outbox
from flows import logs
from flows.wiring import House
from notifiers.cards_blocks import section
from notifiers.cards_text import outside
from pacing_brain.errors import PacingError

SAID_CHARACTERS = 600


def alarm(house: House, subject: str, said: str) -> bool:
    """`error_recorded` on the ledger and a message to the channel, unless that was done today; a line of the log each time.

    subject: what is not well, one word. Returns whether it was new. Nothing is raised: whoever raises an alarm has a fault of his own to report.
    """
    logs.warn(f"{subject}: {said}")
    try:
        with house.database.transaction() as connection:
            now = clock.now(connection)
            thread = f"monitor:{subject}:{now:%Y-%m-%d}"
            if outbox.holds(connection, thread):
                return False
            ledger.append(connection, None, [ledger.Entry("error_recorded", subject, {"error": said[:SAID_CHARACTERS]})], now)
            outbox.put(connection, [_message(house, thread, subject, said)])
    except PacingError:
        return False
    return True


def _message(house: House, thread: str, subject: str, said: str) -> outbox.OutgoingMessage:
    text = f"🔴 The monitor needs its engineer ({subject}): {outside(said, SAID_CHARACTERS)}"
    block = section([text])
    return outbox.OutgoingMessage(outbox.delivery_id("", thread, "post"), house.policy.alerts.monitor_channel or house.channel, thread, "post", text, [block] if block else [])
