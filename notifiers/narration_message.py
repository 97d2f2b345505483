"""What a language model made of a decision, as a message below its card: marked as such, its words neutral. Pure."""

from notifiers.cards_blocks import card, context, section
from notifiers.cards_text import outside, plain
from notifiers.message import Message

MOST = 1_300  # of its text: more than is ever accepted


def narration_message(text: str, model: str, title: str) -> Message:
    """In plain words, and by whom. The card above it is what counts."""
    by = f"Written by a language model ({outside(model, 60)}) from the card's own sentences. It decides nothing; its numbers were compared with the card's."
    return card(f"💬 In plain words: {plain(title, 80)}", [section([f"*In plain words* {outside(text, MOST)}"]), context([by])])
