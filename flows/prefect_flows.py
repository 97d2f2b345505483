"""The flows as Prefect knows them: `pacing_run`, `apply_approved` and `upkeep` of `flows.prefect_flows`."""

import logging
from pathlib import Path
from typing import Any

from prefect import Flow, State, flow
from prefect.events.worker import EventsWorker
from prefect.logging import get_run_logger
from prefect.logging.handlers import PrefectConsoleHandler
from prefect.states import Completed

from flows import logs
from flows.apply_approved import carry_out_all
from flows.artifacts import worst_of
from flows.commands.run import read_as_of
from flows.prefect_page import Page
from flows.prefect_steps import TaskCalls, one_line
from flows.run_pacing import Request, Steps, run_window
from flows.settings import Settings
from flows.upkeep import keep_up
from flows.wiring import open_house

EVENTS_S = 10.0  # what a run waits until the server has its task runs


class Watched:
    """One window as the body of a flow; holds what it gave, whatever becomes of Prefect."""

    def __init__(self, settings: Settings, request: Request) -> None:
        self.settings, self.request = settings, request
        self.summary: dict[str, Any] | None = None
        self.error: BaseException | None = None
        self.trouble = ""

    def run(self) -> State[Any]:
        page = Page()
        calls = TaskCalls(page.after)
        try:
            self.summary = run_window(self.settings, self.request, Steps(call=calls))
            if self.summary.get("already_sealed"):
                page.already(self.summary)
        except BaseException as error:
            self.error = error
            raise
        finally:
            page.close()
            self.trouble = next(iter(calls.trouble), page.trouble)
            if self.trouble:
                page.give_up()
        return Completed(message=f"{self.summary['campaigns']} flights, worst {worst_of(self.summary)}")


@flow(name="pacing-run", persist_result=False)
def pacing_run(as_of: str | None = None, policy: str | None = None, full: bool = False) -> State[Any]:
    """One window. as_of in the past, or a policy file that is not in force: a rehearsal."""
    logs.begin(settings := Settings.read())
    window = Watched(settings, Request(read_as_of(as_of) if as_of else None, Path(policy) if policy else None, full))
    state = window.run()
    if window.trouble:
        get_run_logger().warning("Prefect did not take everything (%s): the run is complete on the record, this page is not", window.trouble)
    return state


@flow(name="apply-approved", persist_result=False)
def apply_approved() -> State[Any]:
    """Approved pauses that wait are carried out."""
    with open_house(Settings.read()) as house:
        done = carry_out_all(house)
    return Completed(message=", ".join(f"{one.recommendation_id} {one.outcome}" for one in done) or "nothing waits")


@flow(name="upkeep", persist_result=False)
def upkeep() -> State[Any]:
    """What is done between runs; a catch-up run is a flow run of its own below this one."""
    trouble: list[str] = []

    def catch_up(settings: Settings, request: Request) -> dict[str, Any]:
        summary, fault = watched(settings, request)
        trouble.extend([fault] if fault else [])
        return summary

    logs.begin(settings := Settings.read())
    kept = keep_up(settings, Steps(call=TaskCalls(trouble=trouble)), catch_up)
    for fault in trouble[:1]:
        get_run_logger().warning("Prefect did not take everything (%s): what was done is on the record", fault)
    return Completed(message=kept.said)


def watched(settings: Settings, request: Request) -> tuple[dict[str, Any], str]:
    """A window as a flow run of this process: its summary, and what was wrong with Prefect (empty: nothing).

    Raises:
        PacingError: as `run_window`.
    """
    window = Watched(settings, request)

    def pacing_run_here(as_of: str | None = None, policy: str | None = None, full: bool = False, rehearsal: bool = False) -> State[Any]:  # noqa: ARG001  shown on the page
        return window.run()

    trouble = ""
    try:
        Flow(pacing_run_here, name="pacing-run", persist_result=False)(
            as_of=request.as_of.isoformat() if request.as_of else None, policy=str(request.policy) if request.policy else None, full=request.full,
            rehearsal=request.rehearsal)
    except BaseException as error:
        if window.error is not None:
            raise window.error from None
        if not isinstance(error, Exception):
            raise
        trouble = one_line(error)
    if window.summary is None:
        window.summary = run_window(settings, request)
    return window.summary, trouble or window.trouble


def send_events(seconds: float) -> bool:
    """Send the events of the task runs; what is not taken by then is left, or the process would try for minutes before it ends."""
    worker: Any = EventsWorker
    sending = [(service._loop, service._task) for service in worker._instances.values()]  # noqa: SLF001  Prefect gives it no bound
    _, left = worker.drain_all(timeout=seconds)
    for loop, task in sending if left else []:
        if loop is not None and task is not None:
            loop.call_soon_threadsafe(task.cancel)
    return not left


def quiet() -> None:
    """What Prefect logs is on its page; the console is ours."""
    for name in ("", "prefect", "prefect._internal", "prefect.flow_runs", "prefect.task_runs"):
        for handler in logging.getLogger(name).handlers:
            if isinstance(handler, PrefectConsoleHandler) or name == "prefect._internal":
                handler.setLevel(logging.CRITICAL + 1)
