"""`pacing up`: Prefect with its page, both flows on their schedules, and the embedded parts they need, until Ctrl-C.

The schedules are served by a Prefect runner in a process of its own (`flows.serving`), not by a worker: a runner needs no work pool and no
deployment step, and starts each run as a process that ends with it. `prefect.yaml` is for a worker that somebody else looks after.
"""

import os
import signal
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import timedelta
from types import FrameType

import psutil

from flows import logs
from flows.local_prefect import QUIET, ChildPrefect
from flows.prefect_run import client_environment, refuses, run
from flows.run_pacing import Request, floor
from flows.settings import Settings
from flows.wiring import open_house
from pacing_brain.errors import Unavailable

STOP_S = 15.0  # what is at work may end in this time; the next start of its window resumes what may not
DEMO = "demo-up"


def up(*, demo: bool = False) -> int:
    """Serve until Ctrl-C or SIGTERM; 1 when the serving process ends by itself.

    demo: the sample agency in a home of its own, whatever is configured; its first window runs at once.

    Raises:
        Unavailable: a server of one's own does not answer, or an embedded one did not come up.
    """
    logs.begin(settings := Settings.embedded(DEMO) if demo else Settings.read())
    with stopping_on_signals(), prefect(settings) as (page, environment), open_house(settings) as house:
        if demo:
            run(settings, Request())
        hours, now = house.policy.schedule_hours, house.now()
        print(f"Prefect: {page}\nNext run: {floor(now, hours) + timedelta(hours=hours):%a %d %b %H:%M} UTC, then every {hours} hours; "  # noqa: T201
              "upkeep every 10 minutes. Ctrl-C stops everything.", flush=True)
        return serve(settings, environment, demo=demo)


@contextmanager
def prefect(settings: Settings) -> Iterator[tuple[str, dict[str, str]]]:
    """The address of Prefect's page, and the environment of its clients."""
    url = settings.prefect_api_url
    if url is not None:
        if why := refuses(url):
            raise Unavailable(f"Prefect at PREFECT_API_URL does not answer ({why}). Start it, or unset PREFECT_API_URL for the embedded one.")
        yield url.removesuffix("/api"), client_environment(QUIET | {"PREFECT_API_URL": url})
        return
    with ChildPrefect(settings.home) as server:
        yield server.ui_url, client_environment(server.client_environment())


def serve(settings: Settings, environment: dict[str, str], *, demo: bool) -> int:
    """The serving process until it ends, or we are told to."""
    own = os.environ | environment | {"PACING_HOME": str(settings.home.expanduser().resolve()), "PREFECT_LOGGING_TO_API_ENABLED": "true"}
    if demo:  # what is configured is not the demo's
        own = {name: value for name, value in own.items() if name == "PACING_HOME" or not name.startswith(("PACING_", "SNOWFLAKE_", "SLACK_"))}
    log = settings.home.expanduser().resolve() / "serving.log"
    with log.open("w", encoding="utf-8") as output:
        child = subprocess.Popen([sys.executable, "-W", "ignore", "-m", "flows.serving"], env=own, stdin=subprocess.DEVNULL, stdout=output,
                                 stderr=output, cwd=settings.home if demo else None, start_new_session=True)
        try:
            code = child.wait()
        except KeyboardInterrupt:
            print("Stopping.", flush=True)  # noqa: T201
            return 0
        finally:
            end(child)
    raise Unavailable(f"the serving process ended by itself (exit {code}); see {log}")


def end(child: subprocess.Popen[bytes]) -> None:
    """End the serving process and everything that it started: first by asking, then by force."""
    try:
        family = [psutil.Process(child.pid), *psutil.Process(child.pid).children(recursive=True)]
    except psutil.NoSuchProcess:
        return
    for each in family:
        _tell(each, signal.SIGTERM)
    _, left = psutil.wait_procs(family, timeout=STOP_S)
    for each in left:
        _tell(each, signal.SIGKILL)
    psutil.wait_procs(left, timeout=STOP_S)


def _tell(process: psutil.Process, number: signal.Signals) -> None:
    try:
        process.send_signal(number)
    except psutil.NoSuchProcess:
        return


@contextmanager
def stopping_on_signals() -> Iterator[None]:
    """SIGTERM and SIGHUP end it as Ctrl-C does, also where Ctrl-C was ignored when it began."""
    def stop(number: int, frame: FrameType | None) -> None:  # noqa: ARG001
        raise KeyboardInterrupt

    before = {number: signal.signal(number, stop) for number in (signal.SIGINT, signal.SIGTERM, signal.SIGHUP)}
    try:
        yield
    finally:
        for number, handler in before.items():
            signal.signal(number, handler)
