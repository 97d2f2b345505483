"""Messages in the terminal, as a person would see them in Slack: the outbox's poster when no Slack is configured."""

import re
from collections.abc import Iterator
from typing import IO

from rich.box import ROUNDED
from rich.console import Console as Terminal
from rich.console import Group, RenderableType
from rich.panel import Panel
from rich.style import Style
from rich.table import Table
from rich.text import Text

from notifiers.cards_text import neutral
from notifiers.delivery import Sent
from notifiers.message import Block, Message

WIDTH = 110
CHANNEL = "console"
_MARKUP = re.compile(
    r"<!date\^\d+\^[^|>]*\|(?P<date>[^>]*)>|<(?P<url>https?://[^|>]+)\|(?P<label>[^>]*)>|<(?P<bare>https?://[^|>]+)>"
    r"|<@(?P<user>[UW][A-Z0-9]+)>|<!subteam\^(?P<group>S[A-Z0-9]+)>|\*(?P<bold>[^*\n]+)\*|`(?P<code>[^`\n]+)`")


class Console:
    """Writes each message once, to a terminal or a file; nothing is remembered, and nothing can be found again.

    Args:
        file: where to write; None: standard output.
        width: columns; None: the terminal's, at most WIDTH.
    """

    interval_s = 0.0

    def __init__(self, file: IO[str] | None = None, width: int | None = None) -> None:
        probe = Terminal(file=file)
        self._terminal = Terminal(file=file, width=width or min(probe.width, WIDTH) if probe.is_terminal else width or WIDTH,
                                  highlight=False, markup=False, emoji=False)

    def post(self, channel: str, message: Message, delivery_id: str) -> Sent:
        del channel
        self.show(message)
        return Sent(CHANNEL, delivery_id)

    def update(self, channel: str, ts: str, message: Message, delivery_id: str) -> Sent:
        del channel, delivery_id
        self.show(message, above="a card from before, now:")
        return Sent(CHANNEL, ts)

    def reply(self, channel: str, thread_ts: str, message: Message, delivery_id: str) -> Sent:
        del channel, thread_ts
        self.show(message, above="below its card:")
        return Sent(CHANNEL, delivery_id)

    def find(self, channel: str, delivery_id: str, thread_ts: str | None) -> None:
        """What was printed before a process died is not printed twice by it; a new process prints it again."""

    def show(self, message: Message, above: str = "") -> None:
        if above:
            self._terminal.print(Text(above, style="dim"))
        self._terminal.print(rendered(message))


def rendered(message: Message) -> RenderableType:
    """A message as a rich renderable: a card with its header on the frame."""
    blocks = list(message.blocks)
    title = Text(clean(blocks.pop(0)["text"]["text"]), style="bold") if blocks and blocks[0]["type"] == "header" else None
    body: list[RenderableType] = []
    for block in blocks or [{"type": "section", "text": {"type": "mrkdwn", "text": message.text}}]:
        body += ([Text("")] if body else []) + list(_block(block))
    return Panel(Group(*body), title=title, title_align="left", box=ROUNDED, padding=(0, 1))


def _block(block: Block) -> Iterator[RenderableType]:
    if block["type"] == "section" and block.get("text"):
        yield mrkdwn(block["text"]["text"])
    if block.get("fields"):
        yield _columns([mrkdwn(field["text"]) for field in block["fields"]])
    if block["type"] == "context":
        yield from (_dim(mrkdwn(element["text"])) for element in block["elements"])
    if block["type"] == "actions":
        yield Text("  ".join(f"[{clean(button['text']['text'])}]" for button in block["elements"]), style="bold")


def _columns(texts: list[Text]) -> Table:
    grid = Table.grid(padding=(0, 2), expand=True)
    grid.add_column(ratio=1)
    grid.add_column(ratio=1)
    for left in range(0, len(texts), 2):
        grid.add_row(*texts[left : left + 2])
    return grid


def _dim(text: Text) -> Text:
    text.stylize(Style(dim=True))
    return text


def mrkdwn(source: str) -> Text:
    """Slack's mrkdwn as styled text: bold, code, links with their address, mentions, and date tokens by their fallback."""
    text, at = Text(), 0
    for match in _MARKUP.finditer(source):
        text.append(clean(source[at : match.start()]))
        _append(text, match)
        at = match.end()
    text.append(clean(source[at:]))
    return text


def _append(text: Text, match: re.Match[str]) -> None:
    kind, inner = str(match.lastgroup), match.group(str(match.lastgroup))
    if kind == "label":
        text.append(clean(inner), Style(underline=True, link=_unescaped(match.group("url"))))
    elif kind == "bold":
        text.append_text(mrkdwn(inner)).stylize(Style(bold=True), len(text) - len(mrkdwn(inner)))
    elif kind in ("user", "group"):
        text.append(f"@{inner}")
    else:
        text.append(clean(inner), Style(bold=kind == "code"))


def clean(source: str) -> str:
    """Unescaped, line by line without anything that could steer a terminal."""
    lines = _unescaped(source).split("\n")
    return "\n".join(_keep_edges(line) for line in lines)


def _keep_edges(line: str) -> str:
    inner = neutral(line)
    if not inner:
        return " " if line.isspace() and line else ""
    return (" " if line[0] == " " else "") + inner + (" " if line[-1] == " " else "")


def _unescaped(source: str) -> str:
    return source.replace("&lt;", "<").replace("&gt;", ">").replace("&amp;", "&")
