"""The end of every card: the buttons where an endpoint is configured, else the command line; and who decides, by when."""

from notifiers.cards_blocks import Button, actions, context, section
from notifiers.cards_facts import Ask, CardContext, Decided, Facts, command, open_link, platform
from notifiers.cards_text import link, outside, people, person, plain, token
from notifiers.message import Block
from pacing_brain.model import HALTS, Action, Incident

ACKNOWLEDGE, SNOOZE, EXPLAIN = ("I'm on it", "acknowledge"), ("Remind me later", "snooze"), ("Show the working", "explain")


DECIDED = {  # {who}, {at}; the reason, the time and the record follow
    "one_approval": "✍️ *One approval of two*: {who}, {at}. A second person must approve.",
    "approved": "✅ *Pause approved* by {who}, {at}.",
    "by_policy": "🤖 *Pause approved by the policy itself*, for which {who} answers, {at}.",
    "attempting": "⏳ *Being paused*, {at}.",
    "done": "⏸️ *Paused*, {at}, and read back. It stays paused until a person resumes it.",
    "handed_over": "👤 *{who} pauses it*, {at}. The next runs look whether spend stops.",
    "reported": "⏸️ *Paused by hand*, says {who}, {at}. The next runs look whether spend stops.",
    "undo": "✍️ *To be resumed*, says {who}, {at}.",
    "resume_approved": "✅ *To be resumed*, approved by {who}, {at}.",
    "resuming": "⏳ *Being resumed*, {at}.",
    "resumed": "▶️ *Resumed* for {who}, {at}, and read back.",
    "resume_unknown": "⚠️ *It was to be resumed, {at}, and the outcome is not known.* Somebody has to look in the platform.",
    "aborted": "↩️ *Not paused*, {at}.",
    "unknown": "⚠️ *A pause was tried, {at}, and its outcome is not known.* Somebody has to look in the platform.",
    "rejected": "▶️ *Kept running* by {who}, {at}.",
    "fixing": "🛠️ *{who} is on it*, since {at}.",
    "budget_lowered": "🛠️ *{who} lowered the budget*, {at}.",
    "expected": "👌 *Expected*, says {who}, {at}.",
    "wrong_alarm": "👎 *A wrong alarm*, says {who}, {at}.",
    "remind_later": "⏰ *{who} is reminded later*.",
    "same": "🔗 *The same campaign*, says {who}, {at}. It is judged anew by the next run.",
    "different": "✂️ *A different campaign*, says {who}, {at}. It is not proposed again; the next run judges anew.",
    "expired": "⌛ *Nobody answered in time*, {at}. The next run asks again if it is still so.",
    "withdrawn": "✔️ *Asked no more*, {at}.",
}


def decided_line(one: Decided) -> str:
    """Who, what, when, why, until when, and where it is on the record."""
    said = DECIDED[one.what].format(who=person(one.who), at=token(one.at))
    why = f" “{outside(one.reason, 200)}”." if one.reason else ""
    quiet = f" Quiet until {token(one.until)}, or until it gets worse." if one.until else ""
    return f"{said}{why}{quiet} Record {one.seq}."


def answers(incident: Incident, context: CardContext, row: Facts, *, pause: str = "", match: bool = False, pause_last: bool = False) -> Block | None:
    """The buttons that make sense for this incident; none without an endpoint, or when it is resolved. Where nothing is left to answer: who said what.

    `pause` is what the confirmation says would happen (empty: no pause is asked for); `match`: is it the same campaign?
    `pause_last`: a pause is no remedy here, so whoever looks after it is asked first.
    """
    if context.closed and incident.state == "open":
        return section([decided_line(one) for one in context.decided])
    if not context.interactive or incident.state != "open":
        return None
    own = f"{incident.incident_id}:{incident.version}"
    ask = _pause_buttons(context.ask, row, pause, can_pause=context.can_pause, until_fixed=pause_last) if pause and context.ask else []
    if match:
        ask = [Button("Same campaign", "confirm_match", own, "primary"), Button("Different campaign", "deny_match", own)]
    lead = "primary" if not ask or pause_last else None
    first, last = [Button(*ACKNOWLEDGE, own, lead), Button(*SNOOZE, own)], Button(*EXPLAIN, own)
    return actions([*first, *ask, last] if pause_last else [*ask, *first, last], f"answers:{own}")


def afterwards(context: CardContext, row: Facts) -> Block | None:
    """What can still be said once it is paused, or somebody was to pause it: one button, or the command line."""
    if context.then is None:
        return None
    action, about = context.then
    value, where = f"{about.id}:{about.version}", plain(platform(row.get("platform")), 30)
    if not context.interactive:
        verb = "undo" if action == "undo" else "paused"
        what = "Resume it" if action == "undo" else "Paused it by hand? Say so"
        return section([f"{what}: {command('pacing', 'recommendations', verb, about.id, '--as', 'WHO', '--reason', 'TEXT')}"])
    if action == "undo":
        asked = ("Resume this campaign?", f"It serves again in {where}, at the budget it has there. Its status is checked once more first.", "Resume it", "Not now")
        button = Button("Resume campaign", "undo", value, None, asked)
    else:
        button = Button("It is paused", "report_paused", value, "primary")
    return actions([button], f"afterwards:{value}:{action}")


def _pause_buttons(ask: Ask, row: Facts, effect: str, *, can_pause: bool, until_fixed: bool) -> list[Button]:
    value, where, style = f"{ask.id}:{ask.version}", plain(platform(row.get("platform")), 30), None if until_fixed else "danger"
    if not can_pause:
        told = f"You pause it in {where}. The monitor has no credentials there: it records your name and looks whether spend stops."
        approve = Button("I'll pause it", "approve_halt", value, style, ("Will you pause this campaign?", told, "I will", "Not now"))
    else:
        title = "Pause a campaign that spends nothing?" if until_fixed else "Pause this campaign?"
        approve = Button("Pause until fixed" if until_fixed else "Pause campaign", "approve_halt", value, style, (title, effect, "Pause it", "Not now"))
    return [approve, Button("Leave it on" if until_fixed else "Keep it running", "reject_halt", value)]


def who_decides(incident: Incident, card: CardContext, row: Facts, said: str = "") -> Block | None:
    """Who may decide and until when, how to answer, and where to look."""
    so_far = [] if card.closed else [decided_line(one) for one in card.decided]
    lines = [said] if card.closed else [said, *_decision(incident, card)]
    if not card.interactive:
        lines.append(_working(row))
    places = [open_link(row), link(card.run_url, "This run"), _record(incident)]
    return context([*so_far, " ".join(line for line in lines if line), " · ".join(place for place in places if place)])


def _decision(incident: Incident, card: CardContext) -> list[str]:
    if card.ask is None or incident.state != "open" or incident.finding.action not in HALTS:
        return []
    deciders = f"Can decide: {people(card.deciders)}." if card.deciders else "Nobody is named as approver in the policy yet."
    until = f"Open until {token(card.ask.expires_at)}; each run that finds it again renews it here, with new figures." if (
        card.ask.expires_at) else "Each run that finds it again renews it here, with new figures."
    alone = incident.finding.action is Action.AUTONOMOUS_HALT
    said = [deciders, until, "The policy may pause it by itself, unless somebody answers first." if alone else "Nothing is paused without an answer."]
    if not card.interactive:
        approve = command("pacing", "recommendations", "approve", card.ask.id, "--as", "WHO", "--reason", "TEXT")
        said.append(f"Answer in a terminal: {approve}, or *reject* in place of *approve*.")
    return said


def _working(row: Facts) -> str:
    name = row.get("flight_id") or row.get("campaign_id")
    return f"The working: {command('pacing', 'explain', name)}." if name else ""


def _record(incident: Incident) -> str:
    number = incident.finding.facts.get("decision_seq")
    return f"record {int(number)}" if isinstance(number, int) else f"incident {incident.incident_id}"
