"""The flows as Prefect knows them: `flows.prefect_flows.pacing_run` and `flows.prefect_flows.upkeep`."""

import logging
from datetime import datetime
from pathlib import Path
from typing import Any

from prefect import Flow
from prefect.logging.handlers import PrefectConsoleHandler

from flows.prefect_steps import TaskCalls, one_line
from flows.run_pacing import Request, Steps, run_window
from flows.settings import Settings
from pacing_brain.errors import UsageError


class Watched:
    """One window as the body of a flow; holds what it gave, whatever becomes of Prefect."""

    def __init__(self, settings: Settings, request: Request) -> None:
        self.settings, self.request = settings, request
        self.summary: dict[str, Any] | None = None
        self.error: BaseException | None = None
        self.calls = TaskCalls()

    def run(self) -> None:
        try:
            self.summary = run_window(self.settings, self.request, Steps(call=self.calls))
        except BaseException as error:
            self.error = error
            raise


def pacing_run_body(as_of: str | None = None, policy: str | None = None, full: bool = False) -> None:
    """One window. as_of in the past, or a policy file that is not in force: a rehearsal."""
    Watched(Settings.read(), Request(read_as_of(as_of), Path(policy) if policy else None, full)).run()


pacing_run = Flow(pacing_run_body, name="pacing-run", persist_result=False, validate_parameters=True)


def watched(settings: Settings, request: Request) -> tuple[dict[str, Any], str]:
    """A window as a flow run of this process: its summary, and what was wrong with Prefect (empty: nothing).

    Raises:
        PacingError: as `run_window`.
    """
    quiet()
    window = Watched(settings, request)

    def pacing_run_here(as_of: str | None = None, policy: str | None = None, full: bool = False) -> None:  # noqa: ARG001  shown on the page
        window.run()

    trouble = ""
    try:
        Flow(pacing_run_here, name="pacing-run", persist_result=False)(
            as_of=request.as_of.isoformat() if request.as_of else None, policy=str(request.policy) if request.policy else None, full=request.full)
    except BaseException as error:
        if window.error is not None:
            raise window.error from None
        if not isinstance(error, Exception):
            raise
        trouble = one_line(error)
    if window.summary is None:
        window.summary = run_window(settings, request)
    return window.summary, trouble or next(iter(window.calls.trouble), "")


def read_as_of(text: str | None) -> datetime | None:
    """An instant as people write it; it must say its zone.

    Raises:
        UsageError: it is not an instant.
    """
    if not text:
        return None
    try:
        instant = datetime.fromisoformat(text)
    except ValueError:
        instant = None
    if instant is None or instant.tzinfo is None:
        raise UsageError(f"as_of {text!r} is not an instant: write it as 2026-11-05T08:00:00Z")
    return instant


def quiet() -> None:
    """What Prefect logs is on its page; the console is ours."""
    for name in ("", "prefect", "prefect._internal", "prefect.flow_runs", "prefect.task_runs"):
        for handler in logging.getLogger(name).handlers:
            if isinstance(handler, PrefectConsoleHandler) or name == "prefect._internal":
                handler.setLevel(logging.CRITICAL + 1)
