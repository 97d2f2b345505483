"""The chart of planned against spent below each card that a run has posted: a reply in its thread, through the outbox like any other."""

from collections.abc import Mapping

from audit.outbox import OutgoingMessage, delivery_id, put
from flows.wiring import House
from notifiers.chart_message import chart_message
from notifiers.charts import Chart
from notifiers.delivery import relay

BUDGET_S = 20.0  # what is not out by then is relayed by upkeep


def send(house: House, run_id: str, drawn: Mapping[str, Chart], titles: Mapping[str, str]) -> int:
    """Queue the charts of the run's new cards and relay them; the same run queues the same ones once. Returns how many.

    After the seal, and not in it: a chart shows what the card says, and drawing must not hold a seal up. The terminal shows it with `explain`.
    """
    if house.settings.slack_bot_token is None:
        return 0
    flights = {one.incident_id: one.finding.flights[0] for one in house.incidents.open() if len(one.finding.flights) == 1}
    found = []
    for card in house.outbox.of_run(run_id):
        flight = flights.get(card.thread_key.partition("@")[0], "")
        if card.kind == "post" and flight in drawn and card.channel not in house.elsewhere:
            said = chart_message(drawn[flight], titles.get(flight, flight))
            found.append(OutgoingMessage(delivery_id(run_id, card.thread_key, "chart"), card.channel, card.thread_key, "reply", said.text, said.blocks))
    if found:
        with house.database.transaction() as connection:
            put(connection, found, run_id)
    if found and all(house.outbox.message_ref(one.thread_key) for one in found):  # else Slack did not answer just now, and upkeep tries again
        relay(house.outbox, house.poster, budget_s=BUDGET_S)
    return len(found)
