"""What an answer does, row by row of docs/answers.md, and what refuses it."""

import threading
from datetime import timedelta

import pytest

from audit import outcomes, patterns
from pacing_brain.answers import Answer
from tests.integration.answers.conftest import ANA, AT, BEN, DEEP, RESPONDER, STRANGER, TEAM, flights
from tests.unit.notifiers import world

MS = timedelta(milliseconds=1)
HOUR = timedelta(hours=1)


def buttons(message):
    return [button["action_id"] for block in message.blocks if block["type"] == "actions" for button in block["elements"]]


def text(message):
    return str(message.blocks)


def standing(desk, one):
    return next(said for said in desk.house.standing_answers.holding().values() if said.incident_id == one.incident_id)


def test_pause(desk):
    """The recommendation is approved, once, and stands in the queue; its card says who, when and where it is on the record, without buttons."""
    one = desk.seal(*flights(1))["F0"]
    assert buttons(desk.card(one.incident_id)) == ["approve_halt", "reject_halt", "acknowledge", "snooze", "explain"]
    assert desk.press("approve_halt", one) == "accepted"
    now = desk.now(one)
    (entry,) = desk.said("recommendation_decided")
    assert (now.status, now.ended_seq, entry.content["decision"], entry.content["approved_by"]) == ("approved", entry.seq, "approved", ["ana"])
    card = desk.card(one.incident_id)
    assert buttons(card) == []
    assert f"<@{ANA}>" in text(card)
    assert f"Record {entry.seq}." in text(card)
    assert desk.press("approve_halt", one, BEN) == "refused"
    assert desk.now(one) == now


def test_keep_it_running(desk):
    """Refused with its reason, silent for 24 hours, asked again when it is worse or the time is over."""
    one = desk.seal(*flights(1))["F0"]
    assert desk.press("reject_halt", one, reason="agreed <!channel> with the client") == "accepted"
    assert (desk.now(one).status, standing(desk, one).answer, standing(desk, one).until) == ("rejected", Answer.KEEP_RUNNING, desk.now(one).ended_at + 24 * HOUR)
    assert "agreed" in text(desk.card(one.incident_id))
    assert "<!channel>" not in text(desk.card(one.incident_id))
    assert desk.seal(*flights(1)) == {}
    assert buttons(desk.card(one.incident_id)) == []
    worse = {"actual_micros": 52_000 * world.UNITS}
    again = desk.seal(*flights(1, **worse))["F0"]
    assert again.recommendation_id != one.recommendation_id
    assert desk.said("silence_ended")[0].content["why"] == "half as much money again is off plan"


def test_keep_it_running_ends_after_a_day(desk):
    """The run after 24 hours asks again."""
    one = desk.seal(*flights(1))["F0"]
    desk.press("reject_halt", one, reason="agreed")
    assert [bool(desk.seal(*flights(1), at=AT + hours * HOUR)) for hours in (4, 20, 28)] == [False, False, True]


@pytest.mark.parametrize(("choice", "closed"), [("fixing", False), ("budget_lowered", False), ("expected", True), ("wrong_alarm", True)])
def test_i_am_on_it(desk, choice, closed):
    """The name stands on the card; who fixes it leaves the pause to the approvers, what is expected is asked no more."""
    one = desk.seal(*flights(1))["F0"]
    assert desk.press("acknowledge", one, RESPONDER, choice=choice, reason="media wants it") == "accepted"
    assert f"<@{RESPONDER}>" in text(desk.card(one.incident_id))
    assert (desk.now(one).status, buttons(desk.card(one.incident_id)) == []) == (("acknowledged", True) if closed else ("pending", False))
    (entry,) = desk.said("silence_set")
    assert (entry.content["answer"], entry.content["human"]) == (choice, RESPONDER)
    assert standing(desk, one).until == entry.at + (7 * 24 * HOUR if closed else 24 * HOUR)
    assert (desk.seal(*flights(1)) == {}) == closed


def test_expected_up_to_a_date_and_an_amount(desk):
    """What the person said holds: until when, up to how much; beyond it people are asked again."""
    one = desk.seal(*flights(1))["F0"]
    desk.press("acknowledge", one, choice="expected", until=AT + 48 * HOUR, up_to_micros=20_000 * world.UNITS)
    assert standing(desk, one).until == AT + 48 * HOUR
    assert desk.seal(*flights(1, actual_micros=54_000 * world.UNITS)) == {}
    assert "F0" in desk.seal(*flights(1, actual_micros=54_501 * world.UNITS))


def test_remind_me_later(desk):
    """Snoozed until the chosen hour; whoever may pause still can."""
    one = desk.seal(*flights(1))["F0"]
    assert desk.press("snooze", one, RESPONDER, until=AT + 4 * HOUR) == "accepted"
    assert (desk.now(one).status, desk.now(one).snoozed_until) == ("snoozed", AT + 4 * HOUR)
    assert "approve_halt" in buttons(desk.card(one.incident_id))
    assert desk.press("approve_halt", one) == "accepted"


@pytest.mark.parametrize(("action", "answer"), [("confirm_match", "same"), ("deny_match", "different")])
def test_same_or_different_campaign(desk, action, answer):
    """What was answered about which campaign is on the record, from our own rows; the card has no buttons until the next run."""
    row = world.flight(flight_id="F0", match_kind="ambiguous", action="escalate", lane="escalate", problem="identity", severity="warning", campaign_key=None,
                       candidates=[{"campaign_key": "google/118/99", "campaign_id": "99", "campaign_name": "Alike", "verdict": "proposed", "why": "alike",
                                    "spend_micros": 5, "similarity": 0.9, "account_id": "118"}])
    desk.seal(row)
    (incident,) = desk.house.incidents.open()
    click = desk.click(action, incident.incident_id, incident.version)
    assert desk.answering.answer(click, desk.caller(ANA)).verdict == "accepted"
    (entry,) = desk.said("match_answered")
    assert (entry.content["answer"], entry.content["campaign_key"], entry.content["flight_id"]) == (answer, "google/118/99", "F0")
    assert buttons(desk.card(incident.incident_id)) == []
    (learned,) = desk.house.patterns.all()
    assert (learned.kind, learned.scope, learned.value, learned.evidence) == (
        {"same": "alias", "different": "not_alias"}[answer], "flight:F0", "google/118/99", [entry.seq])
    other = {"confirm_match": "deny_match", "deny_match": "confirm_match"}[action]
    assert desk.answering.answer(desk.click(other, incident.incident_id, incident.version), desk.caller(BEN)).verdict == "accepted"
    newest, before = sorted(desk.house.patterns.all(), key=lambda one: one.learned_at, reverse=True)
    assert (before.state(AT + HOUR), before.superseded_by, newest.state(AT + HOUR)) == ("superseded", newest.pattern_id, "in force")
    assert desk.house.patterns.in_force(AT + HOUR)["pattern_id"].tolist() == [newest.pattern_id]


def test_the_same_click_is_one_answer(desk):
    """However often it comes, it gives what it gave first, and nothing is written again."""
    one = desk.seal(*flights(1))["F0"]
    click = desk.click("approve_halt", one.recommendation_id)
    answering = desk.answering
    first = answering.answer(click, desk.caller(ANA))
    size = len(desk.said())
    for _ in range(10_000 if DEEP else 20):
        assert answering.answer(click, desk.caller(ANA)) == first
    assert len(desk.said()) == size


def test_many_people_at_once(desk):
    """Concurrent clicks of 20 people on many cards: exactly one decision a card, and every click has its answer."""
    count, per_card = (50, 20) if DEEP else (5, 8)
    policy = desk.house.settings.policy
    people = [f"U0PEOPLE{number}" for number in range(20)]
    policy.write_text(f"[approvals]\napprovers = {people}\n", encoding="utf-8")
    asked, answering, verdicts = desk.seal(*flights(count)), desk.answering, []
    todo = [desk.click("approve_halt" if number % 2 else "reject_halt", one.recommendation_id, user=people[number])
            for one in asked.values() for number in range(per_card)]
    lock = threading.Lock()

    def work():
        while True:
            with lock:
                if not todo:
                    return
                click = todo.pop(hash(len(todo)) % len(todo))
            verdict = answering.answer(click, desk.caller(click.user_id)).verdict
            with lock:
                verdicts.append(verdict)

    threads = [threading.Thread(target=work) for _ in range(20)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert (len(verdicts), verdicts.count("accepted")) == (count * per_card, count)
    assert len(desk.said("recommendation_decided")) == count
    assert len(desk.said("click_refused")) == count * (per_card - 1)


@pytest.mark.parametrize(("before_end", "verdict"), [(1000 * MS, "accepted"), (-MS, "refused")])
def test_expiry_goes_by_the_database_clock(desk, before_end, verdict):
    """After its end an answer is refused, whatever the application's clock says (here it is years away from the database's)."""
    desk.seal(*flights(1), at=AT - 4 * HOUR)
    one = desk.seal(*flights(1), at=AT)["F0"]
    from dataclasses import replace

    from audit import recommendations
    with desk.house.database.transaction() as connection:
        from audit import clock
        end = clock.now(connection) + before_end
        recommendations.put(connection, [replace(one, expires_at=end)])
    assert desk.press("approve_halt", one) == verdict


def test_a_stale_card_is_refused(desk):
    """A card whose question has changed is answered with the new figures; the newest card is taken."""
    one = desk.seal(*flights(1))["F0"]
    newer = desk.seal(*flights(1, budget_micros=70_000 * world.UNITS))["F0"]
    assert (one.version, newer.version) == (1, 2)
    given = desk.answering.answer(desk.click("approve_halt", one.recommendation_id, 1), desk.caller(ANA))
    assert given.verdict == "refused"
    assert "£45,195 spent of £34,500 planned" in given.said
    assert desk.press("approve_halt", newer) == "accepted"


def test_a_renewed_card_is_not_stale(desk):
    """A card that was only renewed can be answered as it was first posted."""
    one = desk.seal(*flights(1))["F0"]
    desk.seal(*flights(1))
    assert desk.answering.answer(desk.click("approve_halt", one.recommendation_id, 1), desk.caller(ANA)).verdict == "accepted"


def test_an_old_run_answers_for_nothing(desk):
    """When the newest sealed run is older than two windows, nothing is decided by it."""
    one = desk.seal(*flights(1))["F0"]
    desk.at(AT + 8 * HOUR + timedelta(minutes=1))
    given = desk.answering.answer(desk.click("approve_halt", one.recommendation_id), desk.caller(ANA))
    assert (given.verdict, "no recent run" in given.said) == ("refused", True)


def test_an_approver_who_was_struck_off_decides_nothing(desk):
    """The policy in force is read at the click."""
    one = desk.seal(*flights(1))["F0"]
    answering = desk.answering
    desk.house.settings.policy.write_text(f'[approvals]\napprovers = ["{BEN}"]\n', encoding="utf-8")
    assert answering.answer(desk.click("approve_halt", one.recommendation_id), desk.caller(ANA)).verdict == "refused"


def test_two_people(desk):
    """Above the amount two humans must approve; one human with two ids counts once, and an id that the policy does not name not at all."""
    one = desk.seal(*flights(1, budget_micros=200_000 * world.UNITS))["F0"]
    assert desk.press("approve_halt", one, "U0NAMELESS") == "refused"
    assert desk.press("approve_halt", one, ANA) == "counted"
    assert "One approval of two" in text(desk.card(one.incident_id))
    assert desk.press("approve_halt", one, "U0ANA00002") == "refused"
    assert desk.now(one).status == "pending"
    assert desk.press("approve_halt", one, BEN) == "accepted"
    assert [entry.content["approved_by"] for entry in desk.said("recommendation_decided") if entry.content["decision"] == "approved"] == [["ana", "ben"]]


def test_an_approval_is_of_a_version(desk):
    """When the question changes, the first approval of two does not count for the new one."""
    one = desk.seal(*flights(1, budget_micros=200_000 * world.UNITS))["F0"]
    desk.press("approve_halt", one, ANA)
    newer = desk.seal(*flights(1, budget_micros=210_000 * world.UNITS))["F0"]
    assert desk.press("approve_halt", newer, BEN) == "counted"


def test_a_click_between_a_runs_look_and_its_seal_stands(desk):
    """What a run says and asks about an incident that was answered meanwhile is left out: no second question, no buttons back on the card."""
    one = desk.seal(*flights(2))["F0"]
    seen = desk.house.answers.seen
    def late() -> int:
        mark = seen()
        desk.press("reject_halt", one, reason="agreed")
        return mark
    desk.house.answers.seen = late
    desk.seal(*flights(2))
    assert buttons(desk.card(one.incident_id)) == []
    assert desk.now(one).status == "rejected"


def test_the_second_of_two_need_not_wait_for_the_next_run(desk):
    """The first one approves while a run is being recorded that asks the same: the question is renewed, and the approval counts on."""
    rows = flights(1, budget_micros=200_000 * world.UNITS)
    one = desk.seal(*rows)["F0"]
    seen = desk.house.answers.seen
    def late() -> int:
        mark = seen()
        assert desk.press("approve_halt", one, ANA) == "counted"
        return mark
    desk.house.answers.seen = late
    assert desk.press("approve_halt", desk.seal(*rows)["F0"], BEN) == "accepted"


def test_who_is_not_let_in(desk):
    """Bots, guests, other workspaces and unknown people are refused with the sentence that says so, on the ledger too."""
    one = desk.seal(*flights(1))["F0"]
    given = desk.answering.answer(desk.click("approve_halt", one.recommendation_id), desk.caller(ANA, refused="Guests decide nothing here."))
    assert (given.verdict, given.said) == ("refused", "Guests decide nothing here.")
    assert desk.press("approve_halt", one, STRANGER) == "refused"
    assert next(entry.content["why"] for entry in desk.said("click_refused")) == "Guests decide nothing here."
    assert given.team == TEAM


def test_what_is_expected_is_learned_and_ends_with_its_pattern(desk):
    """A tolerance with its limits and the answer behind it; a newer answer takes its place, and retiring it ends the answer too."""
    one = desk.seal(*flights(1))["F0"]
    desk.press("acknowledge", one, RESPONDER, choice="expected")
    desk.press("acknowledge", one, choice="wrong_alarm", version=desk.house.incidents.get(one.incident_id).version)
    newest, before = sorted(desk.house.patterns.all(), key=lambda each: each.evidence, reverse=True)
    assert (newest.kind, newest.scope, newest.evidence, newest.expires_at) == (
        "tolerance", standing(desk, one).fingerprint, [standing(desk, one).seq], standing(desk, one).until)
    assert (before.state(AT), before.superseded_by) == ("superseded", newest.pattern_id)
    with desk.house.database.transaction() as connection:
        patterns.retire(connection, newest.pattern_id, by={"person": "ana"}, reason="no", at=AT + HOUR)
    assert desk.house.standing_answers.holding() == {}
    assert "F0" in desk.seal(*flights(1))


def test_a_tolerance_that_is_broken_does_not_come_back(desk):
    """More money than was said ends answer and pattern together, in the run that sees it."""
    one = desk.seal(*flights(1))["F0"]
    desk.press("acknowledge", one, choice="expected")
    desk.seal(*flights(1, actual_micros=60_000 * world.UNITS))
    (pattern,) = desk.house.patterns.all()
    assert pattern.retired_at is not None
    assert desk.said("pattern_retired")[0].content["why"] == "it is more money than was said"


def test_what_was_done_and_whether_it_worked_is_learned(desk):
    """A problem that is over within a week of an answer counts for its remedy, with the answer as evidence, once."""
    one = desk.seal(*flights(1, root_cause_code="daily_budget_changed"))["F0"]
    desk.press("acknowledge", one, choice="budget_lowered")
    desk.seal()
    for _ in range(2):
        with desk.house.database.transaction() as connection:
            outcomes.learn(connection, None, desk.house.patterns.in_force(AT + 9 * HOUR), AT + 9 * HOUR)
    (pattern,) = desk.house.patterns.all()
    assert (pattern.scope, pattern.value, pattern.support, pattern.confidence) == ("cause:over/daily_budget_changed", "budget_lowered", 1, 1.0)
    assert pattern.evidence == [desk.said("silence_set")[0].seq]
