"""A run's page in Prefect: progress, a summary, the campaigns. Best effort: it neither holds the run up nor fails it.

Everything is sent by a thread of its own, in order. The first call that fails ends it: `trouble` then says why.
"""

import contextvars
import queue
import threading
from collections.abc import Callable
from pathlib import Path
from typing import Any

import orjson
import pandas as pd
from prefect.client.orchestration import SyncPrefectClient, get_client
from prefect.client.schemas.actions import ArtifactCreate, ArtifactUpdate
from prefect.client.schemas.objects import FlowRun
from prefect.context import FlowRunContext

from flows.artifacts import SEVERITIES, TABLE_ROWS, campaign_rows, report_markdown, checkpoint_markdown, summary_markdown, worst_of
from flows.prefect_steps import one_line

CALL_S = 3.0  # one call
LAST_CALL_S = 1.0
BUDGET_S = 5.0  # what a run waits for its page at its end
STEPS = ("open_run", "gather", "decide", "record", "deliver", "learn", "report")

Call = Callable[[SyncPrefectClient], None]


class Page:
    """The page of the flow run around it."""

    def __init__(self) -> None:
        self._context = FlowRunContext.get()
        self.flow_run: FlowRun | None = self._context.flow_run if self._context else None
        self.trouble = "" if self.flow_run else "there is no flow run"
        self._calls: queue.SimpleQueue[Call | None] = queue.SimpleQueue()
        self._progress: Any = None  # id of the progress artifact
        self._decisions: pd.DataFrame | None = None
        self._thread = threading.Thread(target=contextvars.copy_context().run, args=(self._send,), name="pacing-page", daemon=True)
        self._thread.start()

    def after(self, name: str, value: Any) -> None:
        """A verb has ended: show what is known now."""
        if name == "open_run":
            run, _ = value
            self._do(lambda client: self._rename(client, run.window, run.live, worst="running"))
        if name == "decide":
            self._decisions = value.decisions
        if name == "record":
            self.show(value.summary, self._decisions)
        if name == "report" and value.get("report"):
            self._do(lambda client: self._create(client, "markdown", "pacing-report", report_markdown(value), "Every flight, with its reasons and chart"))
        if name == "report" and "file" in value["anchor"]:
            self._do(lambda client: self._create(client, "markdown", "pacing-checkpoint", checkpoint_markdown(Path(value["anchor"]["file"]).read_text("utf-8")),
                                                 "The signed checkpoint of the record: a copy outside its database"))
        if name in STEPS:
            done = 100.0 * (STEPS.index(name) + 1) / len(STEPS)
            self._do(lambda client: self._advance(client, name, done))

    def show(self, summary: dict[str, Any], decisions: pd.DataFrame | None = None) -> None:
        """The summary and, where the run decided something, its campaigns."""
        window, live = pd.Timestamp(summary["window"]), summary["mode"] == "live"
        self._do(lambda client: self._rename(client, window, live, worst_of(summary)))
        self._do(lambda client: self._create(client, "markdown", "pacing-summary", summary_markdown(summary), "What the run found"))
        if decisions is not None:
            self._do(lambda client: self._create(client, "table", "pacing-campaigns", orjson.dumps(campaign_rows(decisions)).decode(),
                                                 f"The worst {min(TABLE_ROWS, len(decisions))} of {len(decisions)} flights"))

    def already(self, summary: dict[str, Any]) -> None:
        """The window was sealed before: what it found then."""
        self.show(summary)
        self._do(lambda client: self._advance(client, "sealed before", 100.0))

    def close(self, seconds: float = BUDGET_S) -> None:
        """Wait for what is on its way; what is not there by then is left."""
        self._calls.put(None)
        self._thread.join(seconds)
        if self._thread.is_alive() and not self.trouble:
            self.trouble = f"the page took more than {seconds:.0f} s"

    def give_up(self) -> None:
        """Prefect has stopped answering: its engine, which still has to say how the flow run ended, is not to wait long for it."""
        if self._context is not None:
            client: Any = self._context.client
            client._client.timeout = LAST_CALL_S  # noqa: SLF001  Prefect offers no way to it once the client is open

    def _do(self, call: Call) -> None:
        self._calls.put(call)

    def _send(self) -> None:
        if self.flow_run is None:
            return
        try:
            with get_client(sync_client=True, httpx_settings={"timeout": CALL_S}) as client:
                while (call := self._calls.get()) is not None:
                    call(client)
        except Exception as error:  # noqa: BLE001  whatever Prefect's client raises, the run goes on
            self.trouble = one_line(error)

    def _rename(self, client: SyncPrefectClient, window: Any, live: bool, worst: str) -> None:
        run = self._run()
        mode = "" if live else " rehearsal"
        tags = {*run.tags, f"window:{window:%Y-%m-%dT%H:%MZ}"} | ({f"severity:{worst}"} if worst in SEVERITIES else set()) | (set() if live else {"rehearsal"})
        client.update_flow_run(run.id, name=f"pacing {window:%Y-%m-%d %H:%MZ} {worst}{mode}", tags=sorted(tags))

    def _advance(self, client: SyncPrefectClient, step: str, done: float) -> None:
        if self._progress is None:
            made = client.create_artifact(ArtifactCreate(key="pacing-progress", type="progress", data=done, description=step, flow_run_id=self._run().id))
            self._progress = made.id
        else:
            client.update_artifact(self._progress, ArtifactUpdate(data=done, description=step))

    def _create(self, client: SyncPrefectClient, kind: str, key: str, data: str, description: str) -> None:
        client.create_artifact(ArtifactCreate(key=key, type=kind, data=data, description=description, flow_run_id=self._run().id))

    def _run(self) -> FlowRun:
        assert self.flow_run is not None  # noqa: S101  `_send` ends at once without one
        return self.flow_run
