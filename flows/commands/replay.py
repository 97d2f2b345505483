"""What `pacing replay` does: read the span and the policy, decide again, say what came of it."""

import sys
from pathlib import Path

from flows import views
from flows.commands.run import read_as_of
from flows.commands.record import open_record
from flows.replaying import replay as replay_windows
from flows.settings import Settings
from flows.views.replay import replay_report
from pacing_brain.errors import UsageError
from pacing_brain.policy import Policy


def replay(*, since: str, until: str, policy: Path | None, as_json: bool) -> int:
    """0: every decision has the bytes that were recorded; under another code or library version that is said, and 1 only for what differs."""
    first, end = read_as_of(since, "--from"), read_as_of(until, "--to")
    if first >= end:
        raise UsageError(f"--from {since} is not before --to {until}: windows from the first on and before the second are decided again")
    other = Policy.load(policy) if policy else None
    with open_record(Settings.read()) as house:
        found = replay_windows(house, first, end, other)
    views.emit(found) if as_json else views.show(replay_report(found))
    if found["bytes"]["different"]:
        why = "" if found["same_versions"] else " (other versions of code or libraries than recorded: equal bytes are promised under the same ones only)"
        print(f"pacing: {found['bytes']['different']} of what was recorded is not derived again, byte for byte{why}", file=sys.stderr)  # noqa: T201
    return 1 if found["bytes"]["different"] else 0
