"""What became of an approved pause, below its card; and the steps for a person where the monitor may not pause by itself. Pure."""

from collections.abc import Sequence

from notifiers.cards_blocks import card, section
from notifiers.cards_text import link, plain, sentence
from notifiers.message import Message

LEADS = {
    "done": "✅ Paused:", "aborted": "🚫 Not paused:", "unknown": "⚠️ It is not known whether it is paused:", "returned": "🚫 Not paused yet:",
    "handed_over": "🤝 Please pause it by hand:", "proven": "✅ Spend has stopped:", "failed": "🔴 It still spends after the pause:",
    "not_done": "🤝 Nobody has paused it yet:", "resumed": "▶️ Resumed:", "not_resumed": "🚫 Not resumed:", "resume_unknown": "⚠️ It is not known whether it was resumed:",
    "resumed_proven": "✅ It spends again:", "resumed_failed": "⚠️ Resumed, and it spends nothing:",
    "slow": "⚠️ Approved, and still waiting to be carried out:"}
NEXT = {
    "aborted": "The next run decides anew.", "unknown": "It is looked at again every few minutes. Please look on the platform too.",
    "not_resumed": "It stays paused until somebody resumes it.", "resume_unknown": "It is looked at again every few minutes. Please look on the platform too.",
    "returned": "The question is open again: please approve it once more.",
    "failed": "It is a problem of its own now, and the pause may be asked for again.", "not_done": "The pause may be asked for again.",
    "resumed_failed": "Please look on the platform.",
    "slow": "Does the worker run? `pacing doctor` says what is missing."}


def outcome_reply(outcome: str, about: str, why: str, *, steps: Sequence[str] = (), url: str | None = None) -> Message:
    """One reply. outcome: a key of LEADS. about: the campaign's title. why: one sentence. steps, url: of a hand-over."""
    lead = LEADS[outcome]
    listed = [f"{number}. {sentence(step)}" for number, step in enumerate(steps, 1)]
    said = [f"{lead.partition(' ')[0]} *{lead.partition(' ')[2]}* {plain(about)}. {sentence(why)}", *listed, NEXT.get(outcome, ""), link(url, "Open it there")]
    return card(f"{lead} {plain(about)}. {plain(why, 170)}", [section([line for line in said if line])])
