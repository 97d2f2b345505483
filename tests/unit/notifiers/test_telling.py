"""Which messages a sealed run sends about incidents."""

from collections import Counter
from datetime import timedelta

import pytest

from notifiers.message import Message
from notifiers.telling import Place, Words, needs_card, tell
from pacing_brain.model import Action, IncidentChange, Lane, Problem, Severity
from pacing_brain.policy_tables import Alerts
from tests.unit.notifiers import world

NOW, RUN = world.AS_OF, timedelta(hours=4)
WORDS = Words(card=lambda incident: Message(f"card of {incident.finding.severity}", ()), resolved=lambda _: Message("resolved", ()),
              changed=lambda change: Message(f"changed: {', '.join(change.what)}", ()), reminder=lambda _: Message("reminder", ()),
              flapping=lambda _, changes: Message(f"flapping: {changes}", ()))
CRITICAL = {"severity": Severity.CRITICAL, "lane": Lane.CRITICAL, "action": Action.RECOMMEND_HALT}
WARNING = {"severity": Severity.WARNING, "lane": Lane.WARNING, "action": Action.SLACK_ALERT}
ESCALATED = {"severity": Severity.WARNING, "lane": Lane.ESCALATE, "action": Action.ESCALATE}
ALERTS = Alerts()


def incident(values, number=0, **facts):
    found = world.finding(world.flight(flight_id=f"F{number}"))
    return world.incident(found.model_copy(update={**values, "facts": {**found.facts, **facts}}), incident_id=f"I-{number}")


class Desk:
    """A place and what it was told, from run to run."""

    def __init__(self, **place):
        self.place = Place(**{"name": "desk", "channel_of": lambda finding: f"C-{finding.client}"} | place)
        self.told, self.now, self.said = {}, NOW, []

    def run(self, *changes, after=RUN):
        self.now += after
        telling = tell(changes, self.told, self.now, self.place, WORDS, ALERTS)
        self.told |= {state.subject: state for state in telling.told}
        self.said += [(self.now, one) for one in telling.messages]
        return [(one.kind, one.message.text) for one in telling.messages]


def change(kind, now=CRITICAL, before=None, number=0, **facts):
    after = incident(now, number, **facts)
    return IncidentChange(kind=kind, incident=after, before=incident(before, number, **facts) if before else None, what=("severity",) if kind == "changed" else ())


def carded(values=CRITICAL):
    desk = Desk()
    desk.run(change("opened", values))
    return desk


@pytest.mark.parametrize("values", [CRITICAL, ESCALATED])
def test_what_needs_a_person_is_posted_when_it_opens(values):
    """One card, in the channel of its finding, in the incident's thread."""
    desk = Desk()
    assert desk.run(change("opened", values)) == [("post", f"card of {values['severity']}")]
    assert (desk.said[0][1].channel, desk.said[0][1].thread_key) == ("C-Halden UK", "I-0")


def test_a_warning_is_a_line_of_the_digest():
    """No card when it opens, is renewed, changes or ends."""
    for kind in ("opened", "renewed", "changed", "resolved"):
        assert Desk().run(change(kind, WARNING, WARNING)) == []


def test_a_doubt_without_consequence_is_a_line_of_the_digest():
    """Escalated for its score alone and under 10 % off plan: no card."""
    assert not needs_card(incident(ESCALATED, digest_only=True).finding)
    assert Desk().run(change("opened", ESCALATED, digest_only=True)) == []


def test_a_source_that_did_not_answer_has_the_monitors_own_card():
    """The run is partial then, which is told once: the finding of the source is a row of the digest."""
    assert not needs_card(world.shared(Problem.STALE, "source:campaign_spend", "No data.").finding)
    assert needs_card(world.shared(Problem.STALE, "account:meta/1", "No data.").finding)


def test_a_card_is_left_alone_while_nothing_changes():
    """Renewed: silence under 24 h; a warning's figures are then renewed without a word."""
    desk = carded(ESCALATED)
    assert [desk.run(change("renewed", ESCALATED, ESCALATED)) for _ in range(6)] == [[]] * 5 + [[("update", "card of warning")]]


def test_a_critical_that_nobody_answers_is_repeated_once_a_day():
    """After 24 hours the card has new figures and a reminder below it, and so on each day."""
    desk = carded()
    said = [desk.run(change("renewed", CRITICAL, CRITICAL)) for _ in range(12)]
    assert said == ([[]] * 5 + [[("update", "card of critical"), ("reply", "reminder")]]) * 2


def test_a_thousand_unchanged_for_thirty_days():
    """Nobody reads more than 31 messages about one of them: its card and a reminder a day; and only ten have one."""
    desk = Desk()
    desk.run(*[change("opened", number=number) for number in range(1000)])
    renewed = [change("renewed", before=CRITICAL, number=number) for number in range(1000)]
    for _ in range(30 * 6 - 1):
        desk.run(*renewed)
    threads = Counter(one.thread_key for _, one in desk.said if one.kind != "update")
    assert len(threads) == ALERTS.cards_per_run
    assert max(threads.values()) <= 31


def test_the_first_run_on_five_thousand():
    """Ten cards a channel, the worst by money; the rest are rows of the digest, and get no card while ten are open."""
    desk = Desk()
    opened = [change("opened", {**CRITICAL, "money_micros": number}, number=number) for number in range(5000)]
    assert len(desk.run(*opened)) == 10
    assert {one.thread_key for _, one in desk.said} == {f"I-{number}" for number in range(4990, 5000)}
    assert desk.run(*[change("renewed", {**CRITICAL, "money_micros": number}, CRITICAL, number) for number in range(5000)]) == []


def test_what_waited_comes_after_what_is_new():
    """A place among the ten that is free goes to what is new, then to the worst that waits."""
    desk = Desk()
    desk.run(*[change("opened", {**CRITICAL, "money_micros": number}, number=number) for number in range(12)])
    waiting = [change("renewed", {**CRITICAL, "money_micros": number}, CRITICAL, number) for number in range(2)]
    assert desk.run(*waiting) == []
    assert len(desk.run(*waiting, change("resolved", number=11), change("resolved", number=10), change("opened", number=99))) == 6
    assert [one.thread_key for _, one in desk.said if one.kind == "post"][-2:] == ["I-99", "I-1"]


def test_worse_is_updated_and_said_below_the_card():
    """A higher severity is worth a reply, which people are notified of; once a day."""
    assert carded(ESCALATED).run(change("changed", CRITICAL, ESCALATED)) == [("update", "card of critical"), ("reply", "changed: severity")]
    desk = carded()
    assert desk.run(change("changed", WARNING, CRITICAL)) == [("update", "card of warning")]
    assert desk.run(change("changed", CRITICAL, WARNING)) == [("update", "card of critical")]


@pytest.mark.parametrize(("now", "before"), [(WARNING, CRITICAL), (CRITICAL, CRITICAL), (ESCALATED, WARNING)])
def test_better_or_only_different_is_updated_in_silence(now, before):
    """The card says it; nobody is notified. A card stays a card when its incident would no longer ask for one."""
    assert carded().run(change("changed", now, before)) == [("update", f"card of {now['severity']}")]


def test_what_is_over_is_said_where_it_was_told():
    """Resolved with a card: its last state, and a reply below. Without a card: nothing."""
    assert carded().run(change("resolved", before=CRITICAL)) == [("update", "card of critical"), ("reply", "resolved")]
    assert Desk().run(change("resolved", before=CRITICAL)) == []


def test_what_is_back_within_a_day_goes_on_in_its_old_card():
    """The next incident of the same problem is no second alert; a day later it is one."""
    desk = carded()
    desk.run(change("resolved", before=CRITICAL))
    back = change("opened")
    back = back.model_copy(update={"incident": back.incident.model_copy(update={"incident_id": "I-next"})})
    assert desk.run(back) == [("update", "card of critical")]
    assert desk.said[-1][1].thread_key == "I-0"
    desk.run(change("resolved", before=CRITICAL))
    assert desk.run(back, after=timedelta(hours=48)) == [("post", "card of critical")]
    assert desk.said[-1][1].thread_key == "I-next"


@pytest.mark.parametrize("wave", ["open and over", "critical and warning"])
def test_a_square_wave_across_the_band(wave):
    """A hundred cycles: on no day more than one alert and one flapping note."""
    desk = Desk()
    desk.run(change("opened"))
    for _ in range(100):
        if wave == "open and over":
            desk.run(change("resolved", before=CRITICAL))
            desk.run(change("opened"))
        else:
            desk.run(change("changed", WARNING, CRITICAL))
            desk.run(change("changed", CRITICAL, WARNING))
    alerts = Counter(at.date() for at, one in desk.said if one.kind == "post" or one.message.text.startswith(("changed", "reminder")))
    notes = Counter(at.date() for at, one in desk.said if one.message.text.startswith("flapping"))
    assert max(alerts.values()) == 1
    assert max(notes.values()) == 1
    assert sum(alerts.values()) + sum(notes.values()) <= 2 * 34
    assert len(notes) > 25


def test_what_settled_is_told_again():
    """A day without a change after flapping: its end is said as any other."""
    desk = carded()
    for _ in range(4):
        desk.run(change("resolved", before=CRITICAL))
        desk.run(change("opened"))
    for _ in range(6):
        desk.run(change("renewed", before=CRITICAL))
    assert desk.run(change("resolved", before=CRITICAL)) == [("update", "card of critical"), ("reply", "resolved")]


def test_a_silence_mutes_all_but_the_end():
    """No card, no update, no reminder; that it is over is said."""
    muted = []
    desk = Desk(muted=lambda finding: bool(muted))
    desk.run(change("opened"))
    muted.append(1)
    assert desk.run(change("changed", WARNING, CRITICAL), change("opened", number=1)) == []
    assert desk.run(change("renewed", before=CRITICAL), after=timedelta(days=2)) == []
    assert desk.run(change("resolved", before=CRITICAL)) == [("update", "card of critical"), ("reply", "resolved")]
    muted.clear()
    assert desk.run(change("renewed", before=CRITICAL, number=1)) == [("post", "card of critical")]


def test_a_client_is_not_reminded():
    """The desk answers; the client reads figures."""
    desk = Desk(reminds=False, suffix="@client")
    desk.run(change("opened"))
    assert desk.said[0][1].thread_key == "I-0@client"
    assert desk.run(change("renewed", before=CRITICAL), after=timedelta(days=1)) == [("update", "card of critical")]


def test_an_outage_of_a_source_mutes_what_it_hides():
    """Problems that a run could not judge are not among its changes: nothing is said of them, no reminder either."""
    desk = carded()
    assert desk.run(change("opened", {**ESCALATED, "problem": Problem.STALE, "scope": "source:s"}, number=7), after=timedelta(days=3)) == []
