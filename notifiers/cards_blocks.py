"""Block Kit blocks within Slack's limits by construction. The numbers and their sources stand in limits.py."""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass

from notifiers import limits
from notifiers.cards_text import cut, escape, size
from notifiers.message import Block, Message

CARD_CHARACTERS = 2_200  # what a person reads on a phone without giving up
SECTION_CHARACTERS = 1_400
FIELD_CHARACTERS = 260
FALLBACK_CHARACTERS = 240


@dataclass(frozen=True)
class Button:
    label: str
    action_id: str
    value: str
    style: str | None = None  # primary | danger
    confirm: tuple[str, str, str, str] | None = None  # title, text, yes, no


def mrkdwn(text: str) -> Block:
    """`verbatim`: Slack makes no links, channels or mentions of its own from what campaigns are called."""
    return {"type": "mrkdwn", "text": text, "verbatim": True}


def plain_text(text: str, limit: int) -> Block:
    return {"type": "plain_text", "text": cut(text, limit), "emoji": True}


def header(text: str) -> Block:
    return {"type": "header", "text": plain_text(text, limits.HEADER)}


def section(lines: Iterable[str], most: int = SECTION_CHARACTERS) -> Block | None:
    """Whole lines, as many as fit: a line is never torn, so no escape, link or date token is."""
    text = _whole_lines([line for line in lines if line], most)
    return {"type": "section", "text": mrkdwn(text)} if text else None


def fields(texts: Iterable[str]) -> Block | None:
    """Up to ten fields in two columns; one that is too long is left out rather than torn."""
    kept = [mrkdwn(text) for text in texts if text and size(text) <= limits.FIELD][: limits.FIELDS]
    return {"type": "section", "fields": kept} if kept else None


def context(texts: Iterable[str]) -> Block | None:
    kept = [mrkdwn(text) for text in texts if text and size(text) <= limits.SECTION][: limits.CONTEXT_ELEMENTS]
    return {"type": "context", "elements": kept} if kept else None


def actions(buttons: Sequence[Button], block_id: str) -> Block | None:
    elements = [_button(button) for button in buttons[: limits.ACTIONS]]
    return {"type": "actions", "block_id": block_id[: limits.ID], "elements": elements} if elements else None


def _button(button: Button) -> Block:
    element: Block = {"type": "button", "text": plain_text(button.label, limits.BUTTON), "action_id": button.action_id,
                      "value": button.value}
    if button.style:
        element["style"] = button.style
    if button.confirm:
        title, text, yes, no = button.confirm
        element["confirm"] = {
            "title": plain_text(title, limits.CONFIRM_TITLE), "text": plain_text(text, limits.CONFIRM_TEXT),
            "confirm": plain_text(yes, limits.CONFIRM_BUTTON), "deny": plain_text(no, limits.CONFIRM_BUTTON)}
        if button.style:
            element["confirm"]["style"] = button.style
    return element


def _whole_lines(lines: Sequence[str], most: int) -> str:
    kept: list[str] = []
    for line in lines:
        if size("\n".join([*kept, line])) > most - 2:
            kept.append("…")
            break
        kept.append(line)
    return "\n".join(kept)


def card(text: str, blocks: Sequence[Block | None], spare: Sequence[Block | None] = (), most: int = CARD_CHARACTERS) -> Message:
    """A message of at most `most` characters and under 12 blocks.

    When it is too long, the `spare` blocks are left out in their order, then the last lines of the longest sections below the summary,
    then the last fields.
    """
    kept = [block for block in blocks if block]
    for victim in [block for block in spare if block]:
        if characters(kept) <= most and len(kept) < limits.CARD_BLOCKS:
            break
        kept = [block for block in kept if block is not victim]
    while characters(kept) > most and (longest := _longest_below_the_summary(kept)):
        kept = [block for block in (_shorter(block) if block is longest else block for block in kept) if block]
    return Message(fallback(text), tuple(kept))


def _longest_below_the_summary(blocks: Sequence[Block]) -> Block | None:
    below = [block for block in blocks if block["type"] == "section" and "text" in block][1:]
    fielded = next((block for block in blocks if "fields" in block), None)
    return max(below, key=lambda block: len(block["text"]["text"]), default=fielded)


def _shorter(block: Block) -> Block | None:
    """Without its last line or field; a section of one is left out."""
    if "fields" in block:
        return fields(field["text"] for field in block["fields"][:-1])
    lines = str(block["text"]["text"]).split("\n")
    kept = [line for line in lines if line != "…"][:-1]
    return {"type": "section", "text": mrkdwn("\n".join([*kept, "…"]))} if kept else None


def fallback(text: str) -> str:
    """What a phone shows: one line. `text` is plain; Slack reads escapes in it, so it is escaped here."""
    return escape(cut(text, FALLBACK_CHARACTERS, escaped=True))


def characters(blocks: Sequence[Block]) -> int:
    """All that a person reads on a card."""
    return sum(size(text) for block in blocks for text in limits.texts(block))
