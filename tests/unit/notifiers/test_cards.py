"""What the cards say: the models of docs/cards.md from the facts that the brain gives."""

import dataclasses
from typing import Any

import pytest

from notifiers import limits
from notifiers.cards import CardContext, changed_reply, incident_card, resolved_reply
from notifiers.cards_blocks import CARD_CHARACTERS, characters
from notifiers.cards_facts import Decided
from notifiers.message import Message
from pacing_brain.model import Incident, IncidentChange, Problem
from tests.unit.notifiers import world as w


def said(message: Message) -> str:
    """All that a person reads, in order."""
    return "\n".join(text for block in message.blocks for text in limits.texts(block))


def buttons(message: Message) -> dict[str, dict[str, Any]]:
    return {button["action_id"]: button for block in message.blocks if block["type"] == "actions" for button in block["elements"]}


def words_in_order(text: str, *words: str) -> bool:
    places = [text.find(word) for word in words]
    return -1 not in places and places == sorted(places)


def test_over_plan() -> None:
    """The card of the first model: what, how much, can it be trusted, why, what to do, who decides by when, in this order."""
    message = incident_card(w.over(), w.PLAIN)
    assert message.text == ("🔴 Over plan: Halden UK, HAL_UK_PMax_WinterJackets (Google Ads) is at 131 % of plan, £10,695 over. "
                            "Pause recommended, answer by Wed 18 Nov 20:00 UTC.")
    text = said(message)
    assert "*131 % of plan to date.* Spent *£45,195*, planned *£34,500*: *£10,695 over*." in text
    assert "Yes, 98 %. Same id, 4 of 4 details agree, all checks green." in text
    assert "loaded 48 min before the run" in text
    assert words_in_order(text, "Over plan", "£10,695 over", "Can we trust this?", "*Why*", "*What you can do*", "Can decide:", "record 48213")


def test_each_figure_is_rounded_by_itself() -> None:
    """Planned is £19,018 here as it is in the report and the ledger, although the three as shown are a pound apart then."""
    text = said(incident_card(w.over(actual_micros=11_327_400_000, target_micros=19_017_600_000, problem="under", direction="under"), w.PLAIN))
    assert "Spent *£11,327*, planned *£19,018*: *£7,690 under*." in text


def test_command_line_where_no_endpoint_is_configured() -> None:
    """Without an endpoint there are no buttons; the card shows the commands that answer and explain."""
    message = incident_card(w.over(), w.PLAIN)
    assert buttons(message) == {}
    assert "`pacing recommendations approve R-17 --as WHO --reason TEXT`" in said(message)
    assert "`pacing explain google:4711`" in said(message)


def test_buttons_where_an_endpoint_is_configured() -> None:
    """Buttons carry `<id>:<version>` and nothing else: of the recommendation where a pause is decided, else of the incident."""
    found = buttons(incident_card(w.over(), w.INTERACTIVE))
    assert {name: button["value"] for name, button in found.items()} == {
        "approve_halt": "R-17:2", "reject_halt": "R-17:2", "acknowledge": "I-0c0ffee123:3", "snooze": "I-0c0ffee123:3",
        "explain": "I-0c0ffee123:3"}
    assert found["approve_halt"]["style"] == "danger"
    assert found["approve_halt"]["text"]["text"] == "Pause campaign"
    assert found["approve_halt"]["confirm"]["text"]["text"] == (
        "HAL_UK_PMax_WinterJackets stops serving in Google Ads. Spend and status are checked once more first. It stays paused until a person "
        "resumes it.")


def test_a_person_pauses_where_we_cannot() -> None:
    """Without credentials of the platform the button says that the person pauses, never that we do."""
    found = buttons(incident_card(w.over(), dataclasses.replace(w.INTERACTIVE, can_pause=False)))
    assert found["approve_halt"]["text"]["text"] == "I'll pause it"
    assert "You pause it in Google Ads" in found["approve_halt"]["confirm"]["text"]["text"]


def test_no_recommendation_no_answer_is_asked() -> None:
    """Where no recommendation is open, nobody is told to answer, and no pause button is shown."""
    message = incident_card(w.over(action="slack_alert"), w.INTERACTIVE)
    assert set(buttons(message)) == {"acknowledge", "snooze", "explain"}
    assert "Can decide" not in said(message)
    assert "Pause" not in message.text


def test_what_is_not_known_is_absent() -> None:
    """A card without context claims no owner, no deadline, no links and no trust that was not measured."""
    bare = w.over(owner=None, root_cause=None, mitigation=[], recommendation=None, score=None, metadata_detail=None, gates=None, watermark=None)
    text = said(incident_card(bare, CardContext(as_of=w.AS_OF)))
    for word in ("Owner", "Why", "Can decide", "Open until", "None", "nan", "This run", "forecast"):
        assert word not in text
    assert "*Can we trust this?*\nNot known." in text


def test_not_delivering() -> None:
    """The second model: nothing spent, since when, whether it is the feed, and the checklist."""
    message = incident_card(w.silent(), w.PLAIN)
    assert message.text.startswith("🔴 Not delivering: Brightwell DE, Prospecting Nov (Meta). €0 of €3,250 planned, no impressions since the "
                                   "start on Mon 16 Nov.")
    text = said(message)
    assert "*€0 spent of €3,250 planned to date, and no impressions*, since the flight began on Mon 16 Nov." in text
    assert "Each further day leaves *€1,500* unspent. To still land on €42,000 it needs *€1,626 a day* from now (8 % more than planned)." in text
    assert "Yes, 88 %. Same id, 3 of 4 details agree; product differs (plan: Vitamins, Meta: Supplements), all checks green." in text
    assert "its 11 other live campaigns deliver" in text
    assert words_in_order(text, "1. *Status*", "2. *Creative*", "3. *Payment*", "4. *Audience*", "5. *Bid*", "6. *Budget*")


def test_not_delivering_does_not_clear_the_feed_without_siblings() -> None:
    """Where nothing else of the account delivers, the card does not say that it is not the feed."""
    row = w.silent().finding
    alone = w.incident(row.model_copy(update={"facts": row.facts | {"siblings_delivering": 0}}))
    assert "no other campaign of it delivers to compare with" in said(incident_card(alone, w.PLAIN))


def test_stopped_and_paused() -> None:
    """A campaign that stopped says since when, and one that the platform reports as paused is said to be paused."""
    text = said(incident_card(w.silent(zero_kind="stopped", last_spend_day="2026-11-16", platform_status="paused", actual_micros=500 * w.UNITS,
                                       action="slack_alert"), w.PLAIN))
    assert "*No spend since Mon 16 Nov*, after it delivered before: €500 spent of €3,250 planned to date." in text
    assert "Meta reports it as *paused*" in text


@pytest.mark.parametrize("done", ["done", "reported"])
def test_what_was_paused_here_is_not_to_be_paused_again(done: str) -> None:
    """Once it stands still the advice is when to resume it."""
    steps = ["Pause now: the plan catches up about Mon 23 Nov 14:00; resume then, at £2,000 a day.", "Keep it running at £1,161 a day: it lands on £60,000.",
             "If more was agreed, correct row 14 of the plan."]
    text = said(incident_card(w.over(mitigation=steps), dataclasses.replace(w.PLAIN, decided=(Decided(done, w.AS_OF, 5, "U0ANA"),))))
    assert words_in_order(text, "1. It is paused. The plan catches up about Mon 23 Nov 14:00; resume then, at £2,000 a day.", "2. If more was agreed")
    assert "Pause now" not in text


def test_impressions_without_spend() -> None:
    """Impressions that cost nothing are a fault of the data, not of the campaign."""
    text = said(incident_card(w.silent(cost_fault=True, impressions=12_345, lane="escalate", action="escalate"), w.PLAIN))
    assert "*12,345 impressions and €0 of spend*" in text
    assert "No. It shows impressions that cost nothing." in text
    assert "Is it the data feed?" not in text


def test_not_found_on_the_platform() -> None:
    """An id that was never seen gets both possibilities and no pause."""
    message = incident_card(w.silent(zero_kind="not_found", match_kind="none", action="slack_alert"), w.INTERACTIVE)
    text = said(message)
    assert "has the id *9*, which was never seen in Meta, account 4402" in text
    assert words_in_order(text, "*If the id is wrong*", "*If the campaign was never built*", "There is nothing to pause.")
    assert "approve_halt" not in buttons(message)


def test_same_campaign() -> None:
    """The third model: both sides, why it is asked, what is not proposed, what either answer means; and no pause."""
    message = incident_card(w.unmatched(), w.INTERACTIVE)
    assert message.text == ("🔎 Needs a person: is TDR_FR_OLV_Winter_26 in DV360 the campaign in row 37 of the plan? €12,640 depends on it.")
    text = said(message)
    assert "Row 37 of the plan has no campaign id." in text
    assert "trust in the data otherwise 79 %" in text
    assert "*Not proposed*: TDR_BE_Video_Winter_2026: the market differs (fr, be)." in text
    assert words_in_order(text, "*If it is the same*", "*If it is not*", "put *5512087* into column campaign_id, row 37", "<@U0BUYERFR> (owner)")
    assert set(buttons(message)) == {"confirm_match", "deny_match", "acknowledge", "snooze", "explain"}


def test_several_that_fit_are_all_shown_and_none_is_taken() -> None:
    """A tie shows each candidate; which it is cannot be answered with one button, so the plan is where to answer."""
    tie = [w.candidate("A_1", "71", "tie", "same account"), w.candidate("A_2", "72", "tie", "same account", spend=100)]
    message = incident_card(w.unmatched(candidates=tie, match_kind="ambiguous"), w.INTERACTIVE)
    assert "€12,740 depends on it" in message.text
    assert words_in_order(said(message), "1. A_1 · id 71", "2. A_2 · id 72")
    assert not {"confirm_match", "approve_halt"} & set(buttons(message))


def test_matched_by_name_asks_for_the_match_not_for_a_pause() -> None:
    """A critical over-delivery matched by name only carries the confirm button and says why there is no pause."""
    message = incident_card(w.over(match_kind="name", action="slack_alert", platform_campaign_id=None), w.INTERACTIVE)
    assert {"confirm_match", "deny_match"} <= set(buttons(message))
    assert ("*Matched by name only*: no pause is asked for until a person confirms it. Put *4711* into column campaign_id, row 14 of the plan, "
            "and it is certain.") in said(message)


def test_low_trust() -> None:
    """Trust is rounded down, so that 69.9 % does not read as the 70 % that it missed."""
    message = incident_card(w.over(problem="identity", lane="escalate", action="escalate", score=0.6999), w.PLAIN)
    assert "69 % trust" in message.text
    assert "The figures would say *131 % of plan to date*" in said(message)


def test_a_red_check_is_said_with_its_evidence() -> None:
    """A failed check answers the question of trust with no, and with what was seen."""
    red = w.GREEN | {"currency": {"state": "red", "evidence": "The plan says EUR, the feed GBP."}}
    text = said(incident_card(w.over(problem="currency", lane="escalate", action="escalate", gates=red), w.PLAIN))
    assert "No: the check of the currency failed. The plan says EUR, the feed GBP." in text


@pytest.mark.parametrize(("incident", "words"), [
    (w.shared(Problem.STALE, "account:meta/4411", "No new data since Tue."), ["No new data: Meta account 4411", "in 8 campaigns",
                                                                             "€3,390 and £412", "… and 2 more", "Look at the connector"]),
    (w.shared(Problem.STALE, "source:campaign_spend", "Snowflake did not answer."), ["source campaign_spend", "`pacing doctor`"]),
    (w.shared(Problem.ZERO, "account:meta/4411", "-"), ["all of Meta account 4411", "None of the 8 live campaigns", "Nothing is paused"]),
    (w.shared(Problem.CURRENCY, "account:meta/4411", "The plan says EUR, the feed USD."), ["Currencies differ", "Correct column currency"]),
    (w.shared(Problem.DUPLICATE, "source:campaign_spend", "Rows do not add up to the total."), ["do not add up", "loaded twice"]),
    (w.unplanned(), ["*€3,390* in 1 campaign of Meta, account 4411 since Sun 15 Nov (about €1,130 a day)", "Test &amp; &lt;learn&gt;",
                     "no line in the plan", "Nothing is paused"]),
])
def test_larger_scopes(incident: Incident, words: list[str]) -> None:
    """A fault of an account, a source or the plan is one card that lists what it touches; currencies are never added."""
    text = said(incident_card(incident, w.PLAIN))
    for word in words:
        assert word in text
    assert "€3,802" not in text


def test_rows_of_the_plan_that_cannot_be_used() -> None:
    """Each unusable row stands on the card with its place and reason."""
    rows = [{"row": n, "column": "end_date", "value": "x", "reason": "The end is before the start. Correct it."} for n in range(5, 15)]
    text = said(incident_card(w.shared(Problem.TRACKER, "tracker:plan.csv", "10 rows of the plan cannot be used.", flights=(),
                                       facts={"rows": rows, "amounts": {}}), w.PLAIN))
    assert "• Row 5, column end_date: The end is before the start. Correct it." in text
    assert "… and 4 more" in text


def test_a_campaign_that_could_not_be_decided() -> None:
    """A dead letter says so, and claims nothing else."""
    row: dict[str, Any] = dict.fromkeys(w.flight()) | {"flight_id": "F1", "campaign_name": "Poison", "platform": "meta", "problem": "error",
        "severity": "warning", "lane": "escalate", "action": "escalate", "urgent": True, "direction": "none", "gates": {},
        "root_cause": "This campaign could not be decided: ValueError: boom"}  # fmt: skip
    text = said(incident_card(w.incident(w.finding(row)), w.PLAIN))
    assert "Could not be judged" in text
    assert "ValueError: boom" in text
    assert "None" not in text


def test_a_line_over_several_campaigns_and_a_gross_budget_say_so() -> None:
    """What the budget covers is on the card."""
    text = said(incident_card(w.over(n_campaigns=3, n_matched=2, gross_micros=66_666 * w.UNITS, fee_pct=10.0), w.PLAIN))
    assert "one line over 3 campaigns, 2 of them found" in text
    assert "£66,666 gross is £60,000 after the fee of 10 %" in text


def test_nothing_planned_to_date() -> None:
    """A target of zero is said in words, never as a percentage."""
    message = incident_card(w.over(target_micros=0, pacing_pct=None, variance_pct=None), w.PLAIN)
    assert "*Spent £45,195 where nothing is planned to date.*" in said(message)
    assert "spent £45,195 where nothing is planned yet." in message.text


def test_resolved() -> None:
    """A resolved card keeps what it was, loses its buttons, and the reply says how long it was open."""
    over = w.incident(w.over().finding, state="resolved")
    card = incident_card(over, w.INTERACTIVE)
    assert card.text.startswith("✅ Resolved: Over plan, Halden UK")
    assert buttons(card) == {}
    assert "It was open for 4 hours." in said(resolved_reply(over, w.PLAIN))


@pytest.mark.parametrize(("before", "now", "what", "words"), [
    ({"severity": "warning"}, {}, ("severity",), "Worse: now critical."),
    ({}, {"severity": "warning", "lane": "warning"}, ("severity",), "Better: no longer critical, still a warning."),
    ({"action": "slack_alert"}, {}, ("action",), "Changed: a pause is now recommended."),
    ({"direction": "under"}, {}, ("side",), "Changed: now over plan."),
])
def test_changed(before: dict[str, Any], now: dict[str, Any], what: tuple[str, ...], words: str) -> None:
    """A change is told by what it means for a person, with the new figures."""
    change = IncidentChange(kind="changed", incident=w.over(**now), before=w.over(**before), what=what)
    text = said(changed_reply(change, w.PLAIN))
    assert words in text
    assert "*131 % of plan to date.*" in text


def test_the_longest_card_fits() -> None:
    """With everything at its longest the card keeps its head, its figures and its buttons, in under 12 blocks and 2,200 characters."""
    long = "Ünïcödé & <name> 👨‍👩‍👧‍👦 " * 30
    message = incident_card(w.over(campaign_name=long, client=long, market=long, product=long, owner=long, root_cause=long, platform_name=long,
                                   mitigation=[long] * 9, account_timezone=long, metadata_detail={"product": "differs"}), w.INTERACTIVE)
    assert limits.check(message) == []
    assert len(message.blocks) < limits.CARD_BLOCKS
    assert characters(message.blocks) <= CARD_CHARACTERS
    assert "approve_halt" in buttons(message)
    assert "£10,695 over" in said(message)
