"""The monitor itself is ill, or well again: what does not work, since when nothing is watched, and how much money a day that is. Pure."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import datetime

from notifiers.cards_blocks import card, context, header, section
from notifiers.cards_facts import amount
from notifiers.cards_text import clock_text, count, duration, outside, plain, token
from notifiers.message import Message
from notifiers.telling import DAY, Outgoing
from pacing_brain.model import Severity
from pacing_brain.told import Told

MONITOR = "monitor"  # subject and place of what was told about the monitor itself
LEADS = {"failed": "The run failed", "partial": "The run is partial", "missed": "Runs were missed", "silent": "A run shows no sign of life"}
SAID = 400


@dataclass(frozen=True)
class Illness:
    """kind: failed | partial | missed | silent. what: one line for people, without secrets. since: as of when all was last watched; null: never.
    flights, planned: what is live now without being watched, and what it is planned to spend a day, by currency in micros.
    """

    kind: str
    what: str
    since: datetime | None = None
    flights: int = 0
    planned: Mapping[str, int] = field(default_factory=dict)


def ill_card(illness: Illness, now: datetime) -> Message:
    """One card as long as it lasts."""
    lead, unwatched = LEADS[illness.kind], _unwatched(illness)
    since = f" {_watched(illness)} since {clock_text(illness.since)}." if illness.since else ""
    return card(f"🩺 The monitor is ill: {lead.lower()}.{since} {plain(illness.what, 120)}", [
        header(f"🩺 The monitor is ill: {lead.lower()}"),
        section([f"*{lead}.* {outside(illness.what, SAID)}",
                 f"{_watched(illness)} since {token(illness.since)}, {duration(now - illness.since)} ago." if illness.since else "No run has watched anything yet.",
                 unwatched]),
        section(["*What you can do* `pacing doctor` looks at every connection and says how to mend it; `pacing run` runs the window again.",
                 "The next run that watches everything says so here."])])


def _watched(illness: Illness) -> str:
    return "Not everything has been watched" if illness.kind == "partial" else "Nothing has been watched"


def _unwatched(illness: Illness) -> str:
    planned = " and ".join(amount(micros, currency) for currency, micros in sorted(illness.planned.items()) if micros)
    return f"*{planned} a day* is planned in {count(illness.flights, 'flight', 'flights')} that nobody watches meanwhile." if planned else ""


def still_ill_reply(illness: Illness, now: datetime) -> Message:
    """Below the card, once a day."""
    since = f" for {duration(now - illness.since)}" if illness.since else ""
    return card(f"🩺 The monitor is still ill: {LEADS[illness.kind].lower()}.", [section([f"*Still ill{since}.* {_unwatched(illness)}"])])


def well_card(now: datetime) -> Message:
    return card(f"✅ The monitor is well: the run of {clock_text(now)} watched everything.", [
        header("✅ The monitor is well again"), section([f"The run of {token(now)} watched everything."]), context(["What was wrong stands on the record."])])


def well_reply(now: datetime) -> Message:
    return card(f"✅ The monitor is well again, as of {clock_text(now)}.", [section([f"✅ *Well again.* The run of {token(now)} watched everything."])])


def tell_ill(told: Told | None, illness: Illness, now: datetime, channel: str, key: str) -> tuple[list[Outgoing], Told]:
    """A card when it begins, the card's new state while it lasts, and a reply below it once a day. key: names the beginning, a run or a window."""
    if told is None or not told.is_open:
        state = Told(subject=MONITOR, place=MONITOR, is_open=True, thread_key=f"monitor:ill:{key}", channel=channel, severity=Severity.CRITICAL,
                     alerted_at=now, written_at=now)
        return [Outgoing(channel, state.thread_key, "post", ill_card(illness, now))], state
    state = told.model_copy(update={"written_at": now})
    said = [Outgoing(told.channel, told.thread_key, "update", ill_card(illness, now))]
    if now - told.alerted_at >= DAY:
        said.append(Outgoing(told.channel, told.thread_key, "reply", still_ill_reply(illness, now)))
        state = state.model_copy(update={"alerted_at": now})
    return said, state


def tell_well(told: Told | None, now: datetime) -> tuple[list[Outgoing], list[Told]]:
    """Its card and a reply, when it was ill."""
    if told is None or not told.is_open:
        return [], []
    state = told.model_copy(update={"is_open": False, "written_at": now})
    return [Outgoing(told.channel, told.thread_key, "update", well_card(now)), Outgoing(told.channel, told.thread_key, "reply", well_reply(now))], [state]
