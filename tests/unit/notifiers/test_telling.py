"""Which messages a sealed run sends about incidents."""

from datetime import timedelta

import pytest

from notifiers.message import Message
from notifiers.telling import Words, needs_card, tell
from pacing_brain.model import Action, IncidentChange, Lane, Severity
from tests.unit.notifiers import world

NOW = world.AS_OF
WORDS = Words(card=lambda incident: Message(f"card of {incident.finding.severity}", ()), resolved=lambda _: Message("resolved", ()),
              changed=lambda change: Message(f"changed: {', '.join(change.what)}", ()))
CRITICAL = {"severity": Severity.CRITICAL, "lane": Lane.CRITICAL, "action": Action.RECOMMEND_HALT}
WARNING = {"severity": Severity.WARNING, "lane": Lane.WARNING, "action": Action.SLACK_ALERT}
ESCALATED = {"severity": Severity.WARNING, "lane": Lane.ESCALATE, "action": Action.ESCALATE}


def incident(values, **facts):
    found = world.finding(world.flight())
    return world.incident(found.model_copy(update={**values, "facts": {**found.facts, **facts}}))


def told(kind, now, before=None, card_age=None, what=("severity",), **facts):
    """The messages about one incident as (kind, text); card_age: how long ago its card was last written, none: it has none."""
    after, earlier = incident(now, **facts), incident(before, **facts) if before else None
    change = IncidentChange(kind=kind, incident=after, before=earlier, what=what if kind == "changed" else ())
    known = {} if card_age is None else {after.incident_id: NOW - card_age}
    sent = tell([change], known, NOW, lambda finding: f"C-{finding.client}", WORDS)
    assert all((one.channel, one.thread_key) == ("C-Halden UK", after.incident_id) for one in sent)
    return [(one.kind, one.message.text) for one in sent]


FRESH, OLD = timedelta(hours=23, minutes=59), timedelta(hours=24)


@pytest.mark.parametrize("values", [CRITICAL, ESCALATED])
def test_what_needs_a_person_is_posted_when_it_opens(values):
    """One card, in the channel of its finding."""
    assert told("opened", values) == [("post", f"card of {values['severity']}")]


def test_a_warning_is_a_line_of_the_digest():
    """No card when it opens, is renewed, changes or ends."""
    assert told("opened", WARNING) == []
    assert told("renewed", WARNING, WARNING) == []
    assert told("changed", WARNING, WARNING) == []
    assert told("resolved", WARNING, WARNING) == []


def test_a_doubt_without_consequence_is_a_line_of_the_digest():
    """Escalated for its score alone and under 10 % off plan: no card."""
    assert not needs_card(incident(ESCALATED, digest_only=True).finding)
    assert told("opened", ESCALATED, digest_only=True) == []


@pytest.mark.parametrize(("age", "sent"), [(FRESH, []), (OLD, [("update", "card of critical")])])
def test_a_card_whose_figures_are_a_day_old_is_updated(age, sent):
    """Renewed: silence under 24 h, from then on the same message with new figures, and no reply."""
    assert told("renewed", CRITICAL, CRITICAL, age) == sent


def test_one_that_needs_a_card_and_has_none_gets_one():
    """Renewed or changed, but never told (the mode was observe, or the message was given up): it is posted."""
    assert told("renewed", CRITICAL, CRITICAL) == [("post", "card of critical")]
    assert told("changed", CRITICAL, WARNING) == [("post", "card of critical")]


def test_worse_is_updated_and_said_below_the_card():
    """A higher severity is worth a reply, which people are notified of."""
    assert told("changed", CRITICAL, WARNING, FRESH) == [("update", "card of critical"), ("reply", "changed: severity")]


@pytest.mark.parametrize(("now", "before"), [(WARNING, CRITICAL), (CRITICAL, CRITICAL), (ESCALATED, WARNING)])
def test_better_or_only_different_is_updated_in_silence(now, before):
    """The card says it; nobody is notified. A card stays a card when its incident would no longer ask for one."""
    assert told("changed", now, before, FRESH) == [("update", f"card of {now['severity']}")]


def test_what_is_over_is_said_where_it_was_told():
    """Resolved with a card: its last state, and a reply below. Without a card: nothing."""
    assert told("resolved", CRITICAL, CRITICAL, FRESH) == [("update", "card of critical"), ("reply", "resolved")]
    assert told("resolved", CRITICAL, CRITICAL) == []


def test_messages_come_in_the_order_of_the_changes():
    """One run's changes, one after the other; each card before its reply."""
    worse = IncidentChange(kind="changed", incident=incident(CRITICAL), before=incident(WARNING), what=("severity",))
    new = IncidentChange(kind="opened", incident=incident(ESCALATED).model_copy(update={"incident_id": "I-new"}))
    sent = tell([worse, new], {"I-0c0ffee123": NOW - FRESH}, NOW, lambda _: "C", WORDS)
    assert [(one.thread_key, one.kind) for one in sent] == [("I-0c0ffee123", "update"), ("I-0c0ffee123", "reply"), ("I-new", "post")]
