"""Slack's limits on a message, as a check. Sources: docs.slack.dev/reference/block-kit and bolt-js#2509 (the whole message)."""

import re
from collections.abc import Iterator
from typing import Any

from notifiers.cards_text import size
from notifiers.message import Block, Message

BLOCKS, CARD_BLOCKS = 50, 12
MESSAGE = 12_000  # characters; Slack refuses at about 13,200 (msg_blocks_too_long)
FALLBACK = 4_000
SECTION, FIELDS, FIELD = 3_000, 10, 2_000
HEADER, CONTEXT_ELEMENTS, ACTIONS = 150, 10, 25
BUTTON, VALUE, ID = 75, 2_000, 255
VIEW_TITLE, VIEW_BLOCKS, PRIVATE_METADATA, LABEL = 24, 100, 3_000, 2_000
CONFIRM_TITLE, CONFIRM_TEXT, CONFIRM_BUTTON = 100, 300, 30

_MARKUP = re.compile(r"<(@[UW][A-Z0-9]+|!subteam\^S[A-Z0-9]+|!date\^\d+\^[^|<>^]+(\^https?://[^|<>]+)?\|[^<>|]+|https?://[^|<>\s]+(\|[^<>|]+)?)>")
_ESCAPE = re.compile(r"&(amp|lt|gt);")
_BROADCAST = re.compile(r"<!(channel|here|everyone)|@(channel|here|everyone)\b", re.IGNORECASE)
_UNSAFE = re.compile("[\x00-\x08\x0b-\x1f\x7f-\x9f\u061c\u200e\u200f\u202a-\u202e\u2066-\u2069\ufeff]")


def check(message: Message) -> list[str]:
    """What Slack would refuse, or a person must not be shown; empty: nothing.

    Checks the fallback text, every documented length and count, that no escape, link or date token is torn, that nobody is paged by
    broadcast, and that no control or bidirectional character is left.
    """
    faults = [] if message.text.strip() else ["text: missing fallback"]
    faults += _limit("text", message.text, FALLBACK) + _markup("text", message.text)
    if not 0 < len(message.blocks) <= BLOCKS:
        faults.append(f"blocks: {len(message.blocks)} of at most {BLOCKS}")
    faults += [fault for place, block in enumerate(message.blocks) for fault in _block(f"blocks[{place}]", block)]
    whole = sum(size(text) for block in message.blocks for text in texts(block))
    if whole > MESSAGE:
        faults.append(f"msg_blocks_too_long: {whole} characters")
    ids = [block["block_id"] for block in message.blocks if "block_id" in block]
    return faults + (["block_id: not unique"] if len(set(ids)) != len(ids) else [])


def check_view(view: Block) -> list[str]:
    """What Slack would refuse of a form."""
    blocks = view.get("blocks", [])
    faults = _limit("title", view["title"]["text"], VIEW_TITLE) + _limit("callback_id", view.get("callback_id", "-"), ID)
    faults += _limit("private_metadata", view.get("private_metadata", "-"), PRIVATE_METADATA)
    faults += [fault for name in ("submit", "close") if name in view for fault in _limit(name, view[name]["text"], VIEW_TITLE)]
    if not 0 < len(blocks) <= VIEW_BLOCKS:
        faults.append(f"view: {len(blocks)} blocks")
    if any(block["type"] == "input" for block in blocks) and "submit" not in view:
        faults.append("view: an input needs a submit")
    return faults + [fault for place, block in enumerate(blocks) for fault in (
        _limit(f"blocks[{place}].label", block["label"]["text"], LABEL) if block["type"] == "input" else _block(f"blocks[{place}]", block))]


def texts(block: Block) -> Iterator[str]:
    """Every text a person reads in a block, in order."""
    for key in ("text", "fields", "elements", "accessory"):
        for thing in _listed(block.get(key)):
            if thing.get("type") in ("mrkdwn", "plain_text"):
                yield thing["text"]
            else:
                yield from texts(thing)


def _listed(value: Any) -> list[Any]:
    return value if isinstance(value, list) else [] if value is None else [value]


def _block(place: str, block: Block) -> list[str]:
    kinds = {"section": _section, "header": _header, "context": _context, "actions": _actions}
    kind = kinds.get(str(block.get("type")))
    if kind is None:
        return [f"{place}: invalid_blocks: type {block.get('type')!r}"]
    return kind(place, block) + _limit(f"{place}.block_id", block.get("block_id", "-"), ID)


def _section(place: str, block: Block) -> list[str]:
    if not block.get("text") and not block.get("fields"):
        return [f"{place}: a section needs text or fields"]
    faults = _text(f"{place}.text", block["text"], SECTION) if block.get("text") else []
    if len(block.get("fields", [])) > FIELDS:
        faults.append(f"{place}: more than {FIELDS} fields")
    return faults + [fault for field in block.get("fields", []) for fault in _text(f"{place}.fields", field, FIELD)]


def _header(place: str, block: Block) -> list[str]:
    wrong = [] if block.get("text", {}).get("type") == "plain_text" else [f"{place}: a header is plain_text"]
    return wrong + _text(f"{place}.text", block.get("text", {}), HEADER)


def _context(place: str, block: Block) -> list[str]:
    elements = block.get("elements", [])
    wrong = [] if 0 < len(elements) <= CONTEXT_ELEMENTS else [f"{place}: {len(elements)} context elements"]
    return wrong + [fault for element in elements for fault in _text(f"{place}.elements", element, SECTION)]


def _actions(place: str, block: Block) -> list[str]:
    elements = block.get("elements", [])
    wrong = [] if 0 < len(elements) <= ACTIONS else [f"{place}: {len(elements)} actions"]
    ids = [element.get("action_id") for element in elements]
    if len(set(ids)) != len(ids):
        wrong.append(f"{place}: action_id not unique")
    return wrong + [fault for element in elements for fault in _button(f"{place}.{element.get('action_id')}", element)]


def _button(place: str, button: Block) -> list[str]:
    faults = _text(place, button.get("text", {}), BUTTON) + _limit(f"{place}.action_id", button.get("action_id", ""), ID)
    faults += _limit(f"{place}.value", button.get("value", "-"), VALUE)
    if button.get("style", "primary") not in ("primary", "danger"):
        faults.append(f"{place}: invalid_blocks: style")
    if confirm := button.get("confirm"):
        faults += _text(f"{place}.title", confirm["title"], CONFIRM_TITLE) + _text(f"{place}.confirm", confirm["text"], CONFIRM_TEXT)
        faults += _text(f"{place}.yes", confirm["confirm"], CONFIRM_BUTTON) + _text(f"{place}.no", confirm["deny"], CONFIRM_BUTTON)
    return faults


def _text(place: str, text: Block, most: int) -> list[str]:
    if text.get("type") not in ("mrkdwn", "plain_text"):
        return [f"{place}: invalid_blocks: no text object"]
    faults = _limit(place, text.get("text", ""), most)
    return faults + (_markup(place, text["text"]) if text["type"] == "mrkdwn" else _unsafe(place, text["text"]))


def _limit(place: str, text: str, most: int) -> list[str]:
    return [] if 0 < size(text) <= most else [f"{place}: {size(text)} of 1 to {most} characters"]


def _markup(place: str, text: str) -> list[str]:
    """What is left after every whole link, mention, token and escape must hold no `&`, `<` or `>`."""
    rest = _ESCAPE.sub("", _MARKUP.sub("", text))
    torn = [f"{place}: unescaped or torn markup: {rest[max(rest.find(mark) - 20, 0):][:40]!r}" for mark in "<>&" if mark in rest]
    return torn + _unsafe(place, text)


def _unsafe(place: str, text: str) -> list[str]:
    faults = [f"{place}: a broadcast mention"] if _BROADCAST.search(text) else []
    return faults + ([f"{place}: a control or bidirectional character"] if _UNSAFE.search(text) else [])
