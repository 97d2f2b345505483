"""`pacing demo`: the main job once, on the embedded default with the sample world, in a home of its own that starts afresh."""

import fcntl
import os
import shutil
import time
from collections.abc import Iterator
from concurrent.futures import Future, ThreadPoolExecutor, wait
from contextlib import contextmanager
from pathlib import Path

from flows.local import Local
from flows.settings import Settings
from pacing_brain.errors import RunError

FOLDER = "demo"


def demo(*, html: Path | None, as_json: bool) -> int:
    """The demo; 0 when every labelled case came out as its label says and the money adds up, 1 else.

    1. a home without the data of the last demo; its servers come up side by side while the rest of the program is imported
    2. the clock of its database stands at the world's instant, and the world begins
    3. the main job, once, through Prefect
    4. what it left on the record, against the world's labels and money
    """
    started = time.monotonic()
    settings = Settings.embedded(FOLDER).model_copy(update={"console": "none"})
    with alone(settings.home):
        clear(settings.home)  # 1
        with starting(Local(settings.home)) as servers:
            from flows.demo import run as performance  # noqa: PLC0415  seconds, which the servers need as well

            servers.result()
            performance.set_stage(settings)  # 2
            shown = performance.perform(settings)  # 3, 4
            performance.show(shown, html, started, as_json=as_json)
    return 0 if shown.ok else 1


@contextmanager
def starting(servers: Local) -> Iterator[Future[Local]]:
    """The servers on their way up; left at the end, however far they came."""
    with ThreadPoolExecutor(1) as aside:
        up = aside.submit(servers.start)
        try:
            yield up
        finally:
            wait([up])
            servers.stop()


@contextmanager
def alone(home: Path) -> Iterator[None]:
    """The demo's home for one demo at a time.

    Raises:
        RunError: another demo runs there now.
    """
    home.mkdir(parents=True, exist_ok=True)
    lock = os.open(home / "demo.lock", os.O_RDWR | os.O_CREAT, 0o600)
    try:
        fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
        yield
    except BlockingIOError:
        raise RunError(f"another demo runs in {home}. Wait for it to end, or give this one another PACING_HOME.") from None
    finally:
        os.close(lock)


def clear(home: Path) -> None:
    """Remove what the last demo left, but not what costs time to make again: the database cluster and Prefect's migrated template."""
    for name in ("warehouse", "prefect"):
        if not (home / f"{name}.json").exists():  # the child of a demo that was killed may still write there
            shutil.rmtree(home / name, ignore_errors=True)
    for name in ("sample", "anchors", "reports"):  # the next demo's ledger is another one
        shutil.rmtree(home / name, ignore_errors=True)
