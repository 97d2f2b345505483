"""What other channels than Slack hear of problems: that a critical one has a card at the desk, and that it is over. Text without buttons. Pure."""

from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass
from datetime import datetime

from notifiers.cards_facts import flight_of
from notifiers.cards_text import escape, sentence
from notifiers.message import Message
from notifiers.telling import Outgoing, Telling, Words
from pacing_brain.model import Finding, Incident, IncidentChange, Severity
from pacing_brain.told import Told

KIND = "pacing_page"  # a block of ours, that no poster shows as it is


@dataclass(frozen=True)
class Page:
    """What is said of one problem. subject: its fingerprint, the same from its beginning to its end. lines: escaped, as all text of cards."""

    subject: str
    over: bool
    lines: tuple[str, ...]
    url: str | None = None


@dataclass(frozen=True)
class Elsewhere:
    """The channels, and what a page needs to know of the run. muted: silenced, or answered by a person and no worse since."""

    channels: Sequence[str]
    now: datetime
    words: Words
    muted: Callable[[Finding], bool]
    report_url: str | None = None

    def pages(self, changes: Sequence[IncidentChange], states: Iterable[Told], desk: Telling) -> Telling:
        """One page a channel when a critical problem stands open at the desk, one when it is over; none between.

        Args:
            changes: what the run did to the incidents.
            states: what was told before it, in every place; a channel is a place.
            desk: what the desk is told by it.
        """
        before = {(state.place, state.subject): state for state in states}
        after = before | {("desk", state.subject): state for state in desk.told}
        said: list[Outgoing] = []
        told: list[Told] = []
        for channel in self.channels:
            for change in changes:
                incident, card = change.incident, after.get(("desk", change.incident.fingerprint))
                paged = before.get((channel, incident.fingerprint))
                if paged is not None and paged.is_open:
                    if change.kind == "resolved":
                        said.append(Outgoing(channel, paged.thread_key, "reply", self._message(incident, over=True)))
                        told.append(paged.model_copy(update={"is_open": False, "written_at": self.now}))
                elif change.kind != "resolved" and card is not None and card.is_open and self._matters(incident.finding):
                    thread = f"{incident.incident_id}@{channel}"
                    said.append(Outgoing(channel, thread, "post", self._message(incident, over=False)))
                    told.append(Told(subject=incident.fingerprint, place=channel, is_open=True, thread_key=thread, channel=channel,
                                     severity=Severity.CRITICAL, alerted_at=self.now, written_at=self.now))
        return Telling(tuple(said), tuple(told), ())

    def _matters(self, finding: Finding) -> bool:
        return finding.severity is Severity.CRITICAL and not self.muted(finding)

    def _message(self, incident: Incident, *, over: bool) -> Message:
        text = (self.words.resolved(incident) if over else self.words.card(incident)).text
        cause = None if over else flight_of(incident.finding.facts).get("root_cause")
        return Message(text, ({"type": KIND, "subject": incident.fingerprint, "over": over, "url": self.report_url,
                               "lines": [text, *([sentence(cause)] if cause else []), *([escape(self.report_url)] if self.report_url else [])]},))


def page_of(message: Message) -> Page:
    """The page that a message carries."""
    given = message.blocks[0]
    return Page(str(given["subject"]), bool(given["over"]), tuple(map(str, given["lines"])), given["url"])
