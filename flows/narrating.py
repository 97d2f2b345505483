"""The narrator's step: after the seal and the cards, what a language model makes of the new problems, below their cards and on the record."""

from collections.abc import Mapping
from typing import Any

from audit import clock, ledger
from audit.ledger import Entry
from audit.outbox import OutgoingMessage, delivery_id, put
from flows import logs
from flows.narrator import Narrated, Narrator
from flows.reporting import title_of
from flows.wiring import House
from notifiers.delivery import relay
from notifiers.narration_message import narration_message
from pacing_brain import narration
from pacing_brain.narration import Asked
from pacing_brain.natives import natives

RELAY_S = 20.0  # what is not out by then is relayed by upkeep
Row = dict[str, Any]


def narrate(house: House, run_id: str) -> int:
    """Put the run's new problems in plain words; how many were. A run that is sealed does not fail for it.

    Of each problem once: with its card. What was asked, of whom and with what success is an entry of its own, whether its text is used or not.
    """
    try:
        narrator = house.narrator
        cards = _cards(house, run_id) if narrator else {}
        if narrator is None or not cards:
            return 0
        rows = {row["flight_id"]: row for row in natives(_decided(house, run_id, cards))}
        cases = {flight: case for flight, row in rows.items() if (case := narration.asked(row)) is not None}
        made = narrator.narrate(run_id, cases)
        _record(house, run_id, narrator, cases, made, [_message(run_id, cards[flight], one.text, narrator, rows[flight]) for flight, one in made.items() if one.text])
        relay(house.outbox, house.poster, budget_s=RELAY_S)
        return sum(one.text is not None for one in made.values())
    except Exception as error:  # noqa: BLE001  whatever it is: the run is sealed, and its cards say everything
        logs.warn(f"nothing of run {run_id} was put in plain words: {type(error).__name__}: {error}")
        return 0


def _decided(house: House, run_id: str, cards: Mapping[str, OutgoingMessage]) -> Any:
    decisions = house.frames.load(run_id, "decisions")
    return decisions[decisions["flight_id"].isin(list(cards))]


def _cards(house: House, run_id: str) -> dict[str, OutgoingMessage]:
    """flight_id -> the desk's new card of this run about it, where nothing was written below it yet. A client's channel has no such words."""
    flights = {one.incident_id: one.finding.flights[0] for one in house.incidents.open() if len(one.finding.flights) == 1}
    new = {flights[card.thread_key]: card for card in house.outbox.of_run(run_id) if card.kind == "post" and card.thread_key in flights}
    with house.database.transaction() as connection:
        done = {one.subject for one in ledger.read(connection, kinds=["narrated"], run_id=run_id)}
    return {flight: card for flight, card in new.items() if flight not in done}


def _message(run_id: str, card: OutgoingMessage, text: str, narrator: Narrator, row: Row) -> OutgoingMessage:
    said = narration_message(text, narrator.name, title_of(row))
    return OutgoingMessage(delivery_id(run_id, card.thread_key, "narration"), card.channel, card.thread_key, "reply", said.text, said.blocks)


def _record(house: House, run_id: str, narrator: Narrator, cases: Mapping[str, Asked], made: Mapping[str, Narrated], messages: list[OutgoingMessage]) -> None:
    """The entries, and what goes below the cards, in one transaction."""
    used = house.llm_usage.of_run(run_id)
    entries = []
    for flight, one in made.items():
        calls = [call for call in used if call["subject"] == flight]
        costs = [call["cost_usd_micros"] for call in calls]
        entries.append(Entry("narrated", flight, {
            "model": narrator.name, "outcome": "used" if one.text else "rule_based", "why": one.why, "text": one.text, "asked_digest": cases[flight].digest,
            "calls": one.calls, "input_tokens": sum(call["input_tokens"] for call in calls), "output_tokens": sum(call["output_tokens"] for call in calls),
            "cost_usd_micros": None if not costs or None in costs else sum(costs)}))
    with house.database.transaction() as connection:
        put(connection, messages, run_id)
        ledger.append(connection, run_id, entries, clock.now(connection))
