"""Which messages a sealed run sends about incidents: cards, replies below them, and which problems are rows of the digest. Pure.

Told is what changed for a person, once. In a place (the desk's channels, a client's) a problem has one card: posted when it asks for a person,
updated when severity, action, direction or status changed or its figures are a day old, with a reply when it got worse, when it is over, and
once a day while it is critical and nobody answered.
"""

from collections import Counter
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass
from datetime import datetime, timedelta

from notifiers.message import Message
from pacing_brain.model import Finding, Incident, IncidentChange, Lane, Problem, Severity
from pacing_brain.policy_tables import Alerts, Stake
from pacing_brain.told import Told

FIGURES_AGE = timedelta(hours=24)  # a card whose figures are older is updated even when nothing changed
DAY = timedelta(hours=24)
RANK = {Severity.HEALTHY: 0, Severity.WARNING: 1, Severity.CRITICAL: 2}
SCALE = Stake()  # its least amounts by currency say how far a yen is from a pound, near enough to sort by


@dataclass(frozen=True)
class Outgoing:
    """A message to be put in the outbox: `kind` is post, update or reply; a thread is an incident or a day's digest. can_wait: for quiet hours to end."""

    channel: str
    thread_key: str
    kind: str
    message: Message
    can_wait: bool = False


@dataclass(frozen=True)
class Words:
    """How things are said; the pure functions of `notifiers.cards`, with their context bound."""

    card: Callable[[Incident], Message]
    resolved: Callable[[Incident], Message]
    changed: Callable[[IncidentChange], Message]
    reminder: Callable[[Incident], Message]
    flapping: Callable[[Incident, int], Message]


@dataclass(frozen=True)
class Place:
    """Where problems are told: the desk's channels, or a client's.

    channel_of: where a new card goes. muted: silenced, or answered by a person and no worse since. suffix: of thread keys, so that two places have two
    threads about one incident.
    """

    name: str
    channel_of: Callable[[Finding], str]
    muted: Callable[[Finding], bool] = lambda _: False
    reminds: bool = True
    suffix: str = ""


@dataclass(frozen=True)
class Telling:
    """messages: in the order in which they are put. told: what stands for each problem afterwards, where it changed. rows: incidents that ask for a card and are
    rows of the digest.
    """

    messages: tuple[Outgoing, ...]
    told: tuple[Told, ...]
    rows: tuple[Incident, ...]


def needs_card(finding: Finding) -> bool:
    """Critical, or a person is asked; warnings and doubts without consequence are rows of the digest.

    A source that did not answer makes the run partial: the monitor's own card says that.
    """
    if finding.facts.get("digest_only") or (finding.problem is Problem.STALE and finding.scope.startswith("source:")):
        return False
    return finding.severity is Severity.CRITICAL or finding.lane is Lane.ESCALATE


def worst_first(finding: Finding) -> tuple[int, int, str]:
    """Severity, then money at stake; never percent."""
    unit = SCALE.minimum_units_by_currency.get(finding.currency or "", SCALE.minimum_units) / SCALE.minimum_units
    return -RANK[finding.severity], -int(finding.money_micros // unit), finding.fingerprint


def tell(changes: Iterable[IncidentChange], before: Mapping[str, Told], now: datetime, place: Place, words: Words, alerts: Alerts) -> Telling:
    """What to say in one place about what a run did to the incidents.

    1. what has a card is kept up to date, in the order of the changes
    2. what asks for a card and has none gets one, worst first: at most `alerts.cards_per_run` a channel, new problems before those that wait;
       those that wait only while fewer cards than that are open there
    3. the rest are rows of the digest

    Args:
        changes: what the run did to the incidents that belong here; a problem that it could not judge is not among them, and nothing is said of it.
        before: fingerprint -> what was told here.
        now: the run's instant.
        place: where it is told; `place.channel_of` is asked for new cards only.
        words: how things are said.
        alerts: how much is told.
    """
    teller = _Teller(now, place, words, alerts)
    for change in changes:
        teller.consider(change, before.get(change.incident.fingerprint))  # 1
    teller.post(before.values())  # 2
    return Telling(tuple(teller.messages), tuple(teller.told.values()), tuple(change.incident for change in teller.rows))  # 3


class _Teller:
    def __init__(self, now: datetime, place: Place, words: Words, alerts: Alerts) -> None:
        self.now, self.place, self.words, self.alerts = now, place, words, alerts
        self.messages: list[Outgoing] = []
        self.told: dict[str, Told] = {}
        self.waiting: list[tuple[IncidentChange, Told | None]] = []
        self.rows: list[IncidentChange] = []

    def consider(self, change: IncidentChange, told: Told | None) -> None:
        finding, changed = change.incident.finding, change.kind != "renewed"
        if told is not None:
            recent = tuple(at for at in told.changes if self.now - at < DAY) + ((self.now,) if changed else ())
            told = told.model_copy(update={"changes": recent})
            if changed:
                self.told[told.subject] = told
        has_card = told is not None and (told.is_open or self.now - told.alerted_at < DAY or self._flaps(told))
        if change.kind == "resolved":
            if told is not None and told.is_open:
                self._over(change, told)
        elif self.place.muted(finding):
            return
        elif told is not None and has_card:
            self._again(change, told)
        elif needs_card(finding):
            self.waiting.append((change, told))

    def _over(self, change: IncidentChange, told: Told) -> None:
        """Its last state; and a reply, which a silence lets through."""
        self._say(told, "update", self.words.card(change.incident))
        if not self._note_flapping(change, told):
            self._say(told, "reply", self.words.resolved(change.incident))
        self._keep(told, is_open=False, written_at=self.now)

    def _again(self, change: IncidentChange, told: Told) -> None:
        """A problem that has a card: one that is back within a day goes on in its old one."""
        incident, back = change.incident, not told.is_open
        stale = self.now - told.written_at >= FIGURES_AGE
        flaps = self._flaps(told)
        reply = None if flaps else self._reply(change, told)
        if change.kind == "changed" or back or stale or reply:
            self._say(told, "update", self.words.card(incident))
            self._keep(told, is_open=True, written_at=self.now)
        if flaps:
            self._note_flapping(change, told)
        elif reply:
            self._say(told, "reply", reply)
            self._keep(told, alerted_at=self.now, severity=incident.finding.severity)

    def _reply(self, change: IncidentChange, told: Told) -> Message | None:
        """Worse than what was told within a day, or critical and unanswered for a day."""
        finding, due = change.incident.finding, self.now - told.alerted_at >= DAY
        rose = change.before is not None and RANK[finding.severity] > RANK[change.before.finding.severity]
        if rose and (due or RANK[finding.severity] > RANK[told.severity]):
            return self.words.changed(change)
        if due and self.place.reminds and finding.severity is Severity.CRITICAL:
            return self.words.reminder(change.incident)
        return None

    def _flaps(self, told: Told) -> bool:
        return len(told.changes) > self.alerts.flapping_after_changes

    def _note_flapping(self, change: IncidentChange, told: Told) -> bool:
        """More changes in a day than anybody can follow are one note a day; whether it flaps."""
        if not self._flaps(told):
            return False
        if told.noted_at is None or self.now - told.noted_at >= DAY:
            self._say(told, "reply", self.words.flapping(change.incident, len(told.changes)))
            self._keep(told, noted_at=self.now)
        return True

    def post(self, before: Iterable[Told]) -> None:
        """Cards for what has none yet, worst first in each channel."""
        after = {state.subject: state for state in before} | self.told
        is_open = Counter(state.channel for state in after.values() if state.is_open)
        posted: Counter[str] = Counter()
        fresh = [_fresh(change) for change, _ in self.waiting]
        order = sorted(range(len(self.waiting)), key=lambda at: (not fresh[at], worst_first(self.waiting[at][0].incident.finding)))
        for at in order:
            change, told = self.waiting[at]
            channel = self.place.channel_of(change.incident.finding)
            most = self.alerts.cards_per_run
            if posted[channel] >= most or (not fresh[at] and is_open[channel] >= most):
                self.rows.append(change)
                continue
            posted[channel] += 1
            is_open[channel] += 1
            self._new_card(change.incident, channel, told)

    def _new_card(self, incident: Incident, channel: str, told: Told | None) -> None:
        thread = incident.incident_id + self.place.suffix
        self.told[incident.fingerprint] = state = Told(
            subject=incident.fingerprint, place=self.place.name, is_open=True, thread_key=thread, channel=channel, severity=incident.finding.severity,
            alerted_at=self.now, written_at=self.now, noted_at=told.noted_at if told else None, changes=told.changes if told else (self.now,))
        self._say(state, "post", self.words.card(incident))

    def _say(self, told: Told, kind: str, message: Message) -> None:
        self.messages.append(Outgoing(told.channel, told.thread_key, kind, message, can_wait=told.severity is not Severity.CRITICAL))

    def _keep(self, told: Told, **update: object) -> None:
        self.told[told.subject] = self.told.get(told.subject, told).model_copy(update=update)


def _fresh(change: IncidentChange) -> bool:
    """Asks for a card since this run: what waited longer comes after it."""
    earlier = change.before
    return change.kind == "opened" or (earlier is not None and (not needs_card(earlier.finding) or (
        RANK[change.incident.finding.severity] > RANK[earlier.finding.severity])))
