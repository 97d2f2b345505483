"""A message as a small web page of its own: for people without a Slack, and for looking at cards in a browser."""

import re
from collections.abc import Iterable
from html import escape

from notifiers.console import clean
from notifiers.message import Block, Message

STYLE = """
:root { color-scheme: light dark; --line: #8884; --dim: #777; --bg: #fff; --fg: #1d1c1d; --red: #c0223b; --blue: #1264a3; --green: #007a5a }
@media (prefers-color-scheme: dark) { :root { --bg: #1a1d21; --fg: #d1d2d3; --dim: #9a9b9d; --red: #e8556d; --blue: #4aa3e0; --green: #2bac7f } }
body { font: 15px/1.46 system-ui, sans-serif; background: var(--bg); color: var(--fg); margin: 1rem }
article { max-width: 42rem; margin: 0 auto 1.5rem; border: 1px solid var(--line); border-radius: 8px; padding: .75rem 1rem; overflow-wrap: anywhere }
h2 { font-size: 1.1rem; margin: 0 0 .5rem } p { margin: .5rem 0; white-space: pre-line } a { color: var(--blue) }
.notify { color: var(--dim); font-size: .8rem; border-bottom: 1px dashed var(--line); padding-bottom: .5rem; margin-bottom: .75rem }
.fields { display: grid; grid-template-columns: repeat(auto-fit, minmax(15rem, 1fr)); gap: .25rem 1rem } .fields p { margin: .25rem 0 }
.context { color: var(--dim); font-size: .8rem } code { font-size: .85em; border: 1px solid var(--line); border-radius: 4px; padding: 0 .2em }
.button { display: inline-block; border: 1px solid var(--line); border-radius: 6px; padding: .25rem .75rem; margin: .25rem .4rem .25rem 0; font-weight: 600 }
.primary { border-color: var(--green); color: var(--green) } .danger { border-color: var(--red); color: var(--red) }
"""
_MARKUP = re.compile(
    r"<!date\^\d+\^[^|>]*\|(?P<date>[^>]*)>|<(?P<url>https?://[^|>]+)\|(?P<label>[^>]*)>"
    r"|<(?:@|!subteam\^)(?P<person>[A-Z0-9]+)>|\*(?P<bold>[^*\n]+)\*|`(?P<code>[^`\n]+)`")


def html(*messages: Message) -> str:
    """A whole page with the messages in order: no script, no address but the cards' own links, every text escaped."""
    cards = "\n".join(f"<article>{_card(message)}</article>" for message in messages)
    return (f'<!doctype html>\n<html lang="en"><head><meta charset="utf-8"><meta name="viewport" content="width=device-width">'
            f"<title>Pacing cards</title><style>{STYLE}</style></head><body>\n{cards}\n</body></html>\n")


def _card(message: Message) -> str:
    return f'<div class="notify">{_text(message.text)}</div>' + "".join(_block(block) for block in message.blocks)


def _block(block: Block) -> str:
    kind = block["type"]
    if kind == "header":
        return f"<h2>{_text(block['text']['text'])}</h2>"
    if kind == "actions":
        return f"<div>{''.join(_button(button) for button in block['elements'])}</div>"
    if kind == "context":
        return f'<div class="context">{_paragraphs(block["elements"])}</div>'
    said = f"<p>{_mrkdwn(block['text']['text'])}</p>" if block.get("text") else ""
    return said + (f'<div class="fields">{_paragraphs(block["fields"])}</div>' if block.get("fields") else "")


def _paragraphs(texts: Iterable[Block]) -> str:
    return "".join(f"<p>{_mrkdwn(text['text'])}</p>" for text in texts)


def _button(button: Block) -> str:
    style = button.get("style", "")
    return f'<span class="button {escape(style)}">{_text(button["text"]["text"])}</span>'


def _mrkdwn(source: str) -> str:
    out, at = "", 0
    for match in _MARKUP.finditer(source):
        out += _text(source[at : match.start()]) + _marked(match)
        at = match.end()
    return out + _text(source[at:])


def _marked(match: re.Match[str]) -> str:
    kind = str(match.lastgroup)
    inner = match.group(kind)
    if kind == "label":
        return f'<a href="{_text(match.group("url"))}" rel="noreferrer">{_text(inner)}</a>'
    if kind == "bold":
        return f"<b>{_mrkdwn(inner)}</b>"
    return {"code": f"<code>{_text(inner)}</code>", "person": f"@{_text(inner)}"}.get(kind, _text(inner))


def _text(source: str) -> str:
    """Slack's escapes undone, what could steer a page or a terminal removed, HTML's escapes done."""
    return escape(clean(source))
