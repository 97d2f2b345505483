"""The forms behind three buttons, and what a person filled in. Pure."""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from datetime import date
from decimal import Decimal, InvalidOperation
from typing import Any

from notifiers.cards_blocks import mrkdwn, plain_text
from notifiers.message import Block

REASON_CHARACTERS = 500
CHOICES = (("fixing", "I am fixing it"), ("budget_lowered", "I lowered the budget"), ("expected", "It's expected"), ("wrong_alarm", "It is a wrong alarm"))
WHAT = (("data", "The data"), ("match", "The match"), ("plan", "The plan"), ("rule", "The rule"))
REMIND = (("4h", "In 4 hours"), ("tomorrow", "Tomorrow at 08:00"), ("monday", "On Monday at 08:00"))
TITLES = {"acknowledge": "I'm on it", "reject_halt": "Keep it running", "snooze": "Remind me later", "explain": "The working"}
MICROS = 1_000_000
MOST_BLOCKS = 40


@dataclass(frozen=True)
class Filled:
    """What a form says. errors: by field, in words for who filled it in; then the rest is of no use."""

    choice: str | None = None
    reason: str = ""
    day: date | None = None
    remind: str | None = None
    up_to_micros: int | None = None
    errors: Mapping[str, str] | None = None


def form(action: str, value: str, channel: str) -> Block:
    """The form that a button opens. value: the button's own; it comes back with the answer."""
    fields = {"acknowledge": _acknowledge, "reject_halt": _reject, "snooze": _snooze}[action]()
    return {"type": "modal", "callback_id": action, "private_metadata": f"{value} {channel}", "title": plain_text(TITLES[action], 24),
            "submit": plain_text("Send", 24), "close": plain_text("Not now", 24), "blocks": list(fields)}


def told(action: str, lines: Iterable[str]) -> Block:
    """A form that only says something. lines: mrkdwn, escaped."""
    blocks = [{"type": "section", "text": mrkdwn(line[:3000])} for line in lines if line][:MOST_BLOCKS]
    return {"type": "modal", "callback_id": "told", "title": plain_text(TITLES.get(action, "Pacing"), 24), "close": plain_text("Close", 24), "blocks": blocks}


def read(action: str, state: Mapping[str, Any]) -> Filled:
    """What was filled in. `state`: the view's state.values."""
    reason = str(_value(state, "reason", "value") or "").strip()[:REASON_CHARACTERS]
    if action == "reject_halt":
        return Filled(reason=reason) if reason else Filled(errors={"reason": "Say why, for whoever reads it later."})
    if action == "snooze":
        remind = _option(state, "remind", REMIND)
        return Filled(remind=remind, reason=reason) if remind else Filled(errors={"remind": "Choose when."})
    return _acknowledged(state, reason)


def _acknowledged(state: Mapping[str, Any], reason: str) -> Filled:
    choice, what = _option(state, "choice", CHOICES), _option(state, "what", WHAT)
    if choice is None:
        return Filled(errors={"choice": "Choose one."})
    if choice == "wrong_alarm" and what is None:
        return Filled(errors={"what": "Say what was wrong."})
    try:
        up_to, day = _micros(_value(state, "up_to", "value")), _day(_value(state, "until", "selected_date"))
    except ValueError as error:
        return Filled(errors={str(error): "This cannot be read."})
    said = f"{dict(WHAT)[what]} was wrong. {reason}".strip() if what and choice == "wrong_alarm" else reason
    return Filled(choice, said, day, None, up_to)


def _micros(given: object) -> int | None:
    try:
        amount = Decimal(str(given)) if given not in (None, "") else None
    except InvalidOperation:
        raise ValueError("up_to") from None
    if amount is not None and not 0 <= amount <= 10**12:
        raise ValueError("up_to")
    return None if amount is None else int(amount * MICROS)


def _day(given: object) -> date | None:
    try:
        return date.fromisoformat(str(given)) if given else None
    except ValueError:
        raise ValueError("until") from None


def _value(state: Mapping[str, Any], name: str, key: str) -> Any:
    """A field of the state, whose shape is Slack's; anything else is not filled in."""
    block = state.get(name)
    element = block.get(name) if isinstance(block, Mapping) else None
    return element.get(key) if isinstance(element, Mapping) else None


def _option(state: Mapping[str, Any], name: str, options: Iterable[tuple[str, str]]) -> str | None:
    chosen = _value(state, name, "selected_option")
    value = chosen.get("value") if isinstance(chosen, Mapping) else None
    return value if value in dict(options) else None


def _acknowledge() -> list[Block]:
    return [_input("choice", "What is it?", _radio("choice", CHOICES)),
            _input("until", "If it is expected or a wrong alarm: until when? (a week unless you say)", {"type": "datepicker", "action_id": "until"}, optional=True),
            _input("up_to", "... and up to how much money off plan? (a quarter more than now unless you say)",
                   {"type": "number_input", "action_id": "up_to", "is_decimal_allowed": True, "min_value": "0"}, optional=True),
            _input("what", "If it is a wrong alarm: what was wrong?", _select("what", WHAT), optional=True), _reason(optional=True)]


def _reject() -> list[Block]:
    return [_reason(optional=False)]


def _snooze() -> list[Block]:
    return [_input("remind", "When?", _radio("remind", REMIND)), _reason(optional=True)]


def _reason(*, optional: bool) -> Block:
    return _input("reason", "Why?", {"type": "plain_text_input", "action_id": "reason", "multiline": True, "max_length": REASON_CHARACTERS}, optional=optional)


def _input(name: str, label: str, element: Block, *, optional: bool = False) -> Block:
    return {"type": "input", "block_id": name, "label": plain_text(label, 2000), "element": element, "optional": optional}


def _radio(name: str, options: Iterable[tuple[str, str]]) -> Block:
    return {"type": "radio_buttons", "action_id": name, "options": [_choice(*option) for option in options]}


def _select(name: str, options: Iterable[tuple[str, str]]) -> Block:
    return {"type": "static_select", "action_id": name, "options": [_choice(*option) for option in options]}


def _choice(value: str, label: str) -> Block:
    return {"text": plain_text(label, 75), "value": value}
