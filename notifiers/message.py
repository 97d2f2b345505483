"""What is said to people: a fallback text and Block Kit blocks."""

from dataclasses import dataclass
from typing import Any

Block = dict[str, Any]


@dataclass(frozen=True)
class Message:
    """`text` is what a locked phone shows; `blocks` is what a person reads in Slack, in the terminal or in the preview."""

    text: str
    blocks: tuple[Block, ...]
