"""A process that runs one window, and dies at a place that its caller names: SIGKILL, so that nothing is cleaned up.

The house is real and unchanged. The process alone wraps one of its functions: at the wanted call it kills itself, before or after.
"""

import functools
import json
import os
import signal
import time
from collections.abc import Callable
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path
from typing import Any

from audit import ledger, observations
from audit import seal as sealing
from audit.outbox import Outbox
from audit.runs import Runs
from flows import gathering, recording, run_pacing
from flows.run_pacing import Request, run_window
from flows.settings import Settings
from notifiers.slack import Slack

SHARD_ENTRIES = 12  # several shards of 60 campaigns


@dataclass(frozen=True)
class Place:
    """The `call`-th call of `owner.name` that `when` holds for; the process dies before it, or after it."""

    owner: Any
    name: str
    call: int = 1
    after: bool = False
    when: Callable[..., bool] = lambda *_: True


def decides(*args: Any) -> bool:
    """An append to the ledger of decisions: inside a shard's transaction."""
    return any(entry.kind == "campaign_decided" for entry in args[2])


PLACES = {
    "after open": Place(run_pacing, "open_run", after=True),
    "before the inputs are kept": Place(gathering, "keep"),
    "after some frames are kept": Place(observations, "_keep", call=4),
    "after gather": Place(run_pacing, "gather", after=True),
    "after decide": Place(run_pacing, "decide", after=True),
    "before the first shard": Place(Runs, "record_shard"),
    "after the inputs are recorded": Place(Runs, "record_shard", after=True),
    "inside a shard": Place(ledger, "append", call=2, after=True, when=decides),
    "between shards": Place(Runs, "record_shard", call=4, after=True),
    "after the last shard": Place(recording, "_keep_outcome"),
    "before the seal": Place(Runs, "seal"),
    "inside the seal": Place(sealing, "_supersede"),
    "after the seal": Place(Runs, "seal", after=True),
    "before deliver": Place(run_pacing, "relay"),
    "before a card is sent": Place(Outbox, "lease", call=4, after=True),
    "after a card is sent": Place(Slack, "post", call=4, after=True),
    "in the middle of deliver": Place(Outbox, "delivered", call=4, after=True),
    "after deliver": Place(run_pacing, "deliver", after=True),
    "in learn": Place(run_pacing, "learn"),
    "after learn": Place(run_pacing, "learn", after=True),
    "in report": Place(Runs, "add_to_summary"),
    "after report": Place(run_pacing, "report", after=True),
}


def die_at(place: Place) -> None:
    real = getattr(place.owner, place.name)
    calls = 0

    @functools.wraps(real)
    def deadly(*args: Any, **options: Any) -> Any:
        nonlocal calls
        calls += bool(place.when(*args))
        here = calls == place.call and place.when(*args)
        if here and not place.after:
            _die()
        result = real(*args, **options)
        if here:
            _die()
        return result

    setattr(place.owner, place.name, deadly)


def _die() -> None:
    os.kill(os.getpid(), signal.SIGKILL)


def main(environment: dict[str, str], as_of: str, out: str, place: str | None = None, start_at: float = 0.0) -> None:
    """Run the window. Its summary, or its error, is written to the file `out`; a process that was killed leaves none."""
    os.environ.clear()
    os.environ.update(environment)
    recording.SHARD_ENTRIES = SHARD_ENTRIES
    Slack.interval_s = 0.0
    if place is not None:
        die_at(PLACES[place])
    time.sleep(max(0.0, start_at - time.time()))
    try:
        said: dict[str, Any] = run_window(Settings.read(_env_file=None), Request(as_of=datetime.fromisoformat(as_of)))
    except Exception as error:  # noqa: BLE001  the test reads it
        said = {"error": f"{type(error).__name__}: {error}"}
    Path(out).write_text(json.dumps(said), encoding="utf-8")
