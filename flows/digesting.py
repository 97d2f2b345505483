"""The digests of a run: one a channel and local day, and a message of its own for new critical problems that have no card."""

from collections.abc import Callable, Collection, Iterable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from datetime import datetime, timedelta
from typing import Any

from flows.routing import Channel, Routing, named
from notifiers.cards import new_critical
from notifiers.cards_client import client_incident, client_rows, concerns_client
from notifiers.cards_day import Day, began, local_day
from notifiers.cards_digest import digest
from notifiers.cards_facts import CardContext
from notifiers.telling import DAY, Outgoing, Telling
from pacing_brain.model import Incident, IncidentChange, Lane, Outcome, Severity
from pacing_brain.told import Silence, Told


@dataclass(frozen=True)
class Digesting:
    """resolved_since: incidents that are over since an instant. written: those of the threads that have a message already. stopped: incident -> when spend was seen to
    have stopped after its pause.
    """

    resolved_since: Callable[[datetime], Sequence[Incident]]
    written: Callable[[Iterable[str]], Collection[str]]
    routing: Routing
    context: CardContext
    silences: Sequence[Silence]
    stopped: Mapping[str, datetime] = field(default_factory=dict)

    def messages(self, changes: Sequence[IncidentChange], outcome: Outcome, summary: dict[str, Any], noted: Mapping[str, Told], desk: Telling) -> Telling:
        """Each channel's digest, posted by the first run of its day and updated by the others.

        noted: fingerprint -> when a message of its own said that it is new. desk: what the cards told.
        """
        days = {channel: self._day(channel) for channel in self.routing.channels()}
        written = self.written([thread_of(channel, day) for channel, day in days.items()])
        said: list[Outgoing] = []
        states: list[Told] = []
        for channel, day in days.items():
            thread = thread_of(channel, day)
            if (message := self._digest(channel, day, changes, outcome, summary)) is None:
                continue
            said.append(message)
            if thread in written and channel.client is None and (new := self._new(channel, changes, noted, desk)):
                said.append(Outgoing(channel.channel, f"new:{channel.channel}:{self.context.run_id}", "post", new_critical(new)))
                states += [self._noted(one, channel, thread) for one in new]
        return Telling(tuple(said), tuple(states), ())

    def _day(self, channel: Channel) -> Day:
        at = self.routing.policy.digests.at
        today = local_day(self.context.as_of, channel.zone, at)
        return Day(today, channel.zone, began(today - timedelta(days=1), channel.zone, at))

    def _digest(self, channel: Channel, day: Day, changes: Sequence[IncidentChange], outcome: Outcome, summary: dict[str, Any]) -> Outgoing | None:
        rows = self.routing.rows_of(channel, outcome.decisions)
        resolved = {one.incident_id: one for one in self.resolved_since(day.since)}
        resolved |= {change.incident.incident_id: change.incident for change in changes if change.kind == "resolved"}
        found = self._belonging(channel, [change.incident for change in changes if change.kind != "resolved"])
        over = self._belonging(channel, list(resolved.values()))
        if rows.empty and not found and not over and not channel.everything:
            return None
        day = replace(day, resolved=over, silenced=self._silenced(found), stopped={} if channel.client else self.stopped)
        context = replace(self.context, zone=channel.zone)
        if channel.client is not None:
            day, rows, context = replace(day, client=named(rows, channel.client)), client_rows(rows), replace(context, run_url=None, report_url=None)
        return Outgoing(channel.channel, thread_of(channel, day), "update", digest(summary if channel.everything else {}, rows, found, context, day))

    def _belonging(self, channel: Channel, incidents: Sequence[Incident]) -> list[Incident]:
        if channel.client is not None:
            return [client_incident(one) for one in incidents
                    if concerns_client(one.finding) and self.routing.of_client(one.finding) == channel.channel]
        return [one for one in incidents if channel.everything or self.routing.desk(one.finding) == channel.channel]

    def _silenced(self, found: Sequence[Incident]) -> list[tuple[Silence, list[Incident]]]:
        """Each open problem with the first silence that mutes it."""
        muted: dict[str, list[Incident]] = {silence.silence_id: [] for silence in self.silences}
        for one in found:
            first = next((silence for silence in self.silences if silence.mutes(one.finding)), None)
            if first is not None:
                muted[first.silence_id].append(one)
        return [(silence, muted[silence.silence_id]) for silence in self.silences if muted[silence.silence_id]]

    def _new(self, channel: Channel, changes: Sequence[IncidentChange], noted: Mapping[str, Told], desk: Telling) -> list[Incident]:
        """Critical since this run, without a card, not muted, and not said within a day already; worst first as the cards are."""
        has_card = {state.subject for state in desk.told if state.is_open}
        new = [change.incident for change in changes if _turned_critical(change) and change.incident.fingerprint not in has_card
               and self.routing.desk(change.incident.finding) == channel.channel
               and not any(silence.mutes(change.incident.finding) for silence in self.silences)]
        return [one for one in new if one.fingerprint not in noted or self.context.as_of - noted[one.fingerprint].alerted_at >= DAY]

    def _noted(self, incident: Incident, channel: Channel, thread: str) -> Told:
        now = self.context.as_of
        return Told(subject=incident.fingerprint, place="digest", is_open=False, thread_key=thread, channel=channel.channel,
                    severity=incident.finding.severity, alerted_at=now, written_at=now)


def thread_of(channel: Channel, day: Day) -> str:
    return f"digest:{channel.channel}:{day.date}"


def _turned_critical(change: IncidentChange) -> bool:
    now, before = change.incident.finding, change.before.finding if change.before else None
    critical = now.severity is Severity.CRITICAL and now.lane is Lane.CRITICAL
    return critical and (change.kind == "opened" or (change.kind == "changed" and before is not None and before.severity is not Severity.CRITICAL))
