"""THE main path: one window, from the clock to the report."""

import time
from collections.abc import Callable
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any, TypeVar

import pandas as pd

from audit import outcomes, patterns
from audit.runs import Opening, RunHandle
from audit.seal import Sealed
from flows import asking_more, elsewhere, gathering, heartbeat, illness, libraries, logs, narrating, recording, reporting, working
from flows.anchoring import anchor
from flows.settings import Settings
from flows.wiring import House, code_version, open_house
from notifiers.delivery import DeliveryReport, relay
from pacing_brain import learning
from pacing_brain.errors import PacingError, RunInterrupted, UsageError, WindowBusy
from pacing_brain.model import Inputs, Outcome
from pacing_brain.policy import Policy

Result = TypeVar("Result")
WAIT_FOR_WINDOW_S = 600.0  # a second start of the same window waits for the first one, then shows what it sealed
LEARN_FROM_RUNS = 42  # a week of windows
DELIVERY_BUDGET_S = 120.0  # what is not out by then is relayed by upkeep


@dataclass(frozen=True)
class Request:
    """What a person or the schedule asks for. as_of null: now. policy: another file than the one in force. full: restate nothing.

    rehearsal: decide without telling anybody, also where the window is sealed.
    """

    as_of: datetime | None = None
    policy: Path | None = None
    full: bool = False
    rehearsal: bool = False


@dataclass
class Steps:
    """How a verb is called: directly, or as a Prefect task (`flows.prefect_steps`). Keeps the seconds of each."""

    call: Callable[[str, Callable[[], Any]], Any] = lambda _name, verb: verb()
    seconds: dict[str, float] = field(default_factory=dict)

    def do(self, verb: Callable[..., Result], *args: Any) -> Result:
        started = time.perf_counter()
        working.at(verb.__name__)
        try:
            result: Result = self.call(verb.__name__, lambda: verb(*args))
        finally:
            self.seconds[verb.__name__] = round(time.perf_counter() - started, 3)
            logs.info("step_ended", step=verb.__name__, seconds=self.seconds[verb.__name__])
        return result


def run_window(settings: Settings, request: Request, steps: Steps | None = None) -> dict[str, Any]:
    """One run, idempotent per live window.

    0. open     one run id, one window, one clock reading, one policy digest; of a sealed window what it found is shown
    1. gather   targets, spend, loads, patterns and memory; bad rows are quarantined with a reason
    2. decide   reconcile, then the PacingBrain graph: pure; what it asks then is read from optional tables, and completes its causes
    3. record   decisions in shards, then the seal; then the ledger is signed and anchored outside the database, as far as that can be
    4. deliver  the outbox is relayed to Slack; then, where a language model is configured, its words go below the new cards
    5. learn    patterns from what was observed
    6. report   what people see of the run

    Raises:
        PacingError: it could not be completed; `str` says what, and what to do next. The next start of the window resumes it. People are told.
    """
    try:
        return _run_window(settings, request, steps or Steps())
    except (RunInterrupted, WindowBusy, UsageError):
        raise
    except Exception as error:
        if not request.rehearsal and request.policy is None:
            illness.tell_failed(settings, error, request.as_of)
        raise


def _run_window(settings: Settings, request: Request, steps: Steps) -> dict[str, Any]:
    with open_house(settings) as house, logs.of_a_run() as named:
        run, policy = steps.do(open_run, house, request)  # 0
        named(run.run_id)
        if run.state == "sealed":  # what it still owes is done, should it have died between its seal and its end
            anchored = anchor(house)
            steps.do(deliver, house)
            steps.do(learn, house, run, policy)
            told = run.summary or {}
            shown = told if "seconds" in told else steps.do(report, house, run.run_id, told, steps, anchored)
            return {**shown, "anchor": anchored, "already_sealed": True}
        with run, failure_on_record(house, run):
            inputs = steps.do(gather, house, run, policy, request)  # 1
            outcome = steps.do(decide, house, inputs)  # 2
            if not outcome.questions.empty:
                outcome = steps.do(ask, house, run, outcome)
            sealed = steps.do(record, house, run, inputs, outcome)  # 3
        logs.info("run_sealed", **{name: sealed.summary[name] for name in ("window", "mode", "campaigns", "by_severity", "partial")})
        anchored = anchor(house)
        steps.do(deliver, house)  # 4
        if settings.llm is not None:
            steps.do(narrate, house, run)
        steps.do(learn, house, run, policy)  # 5
        return steps.do(report, house, run.run_id, sealed.summary, steps, anchored)  # 6


def open_run(house: House, request: Request) -> tuple[RunHandle, Policy]:
    """0. One row that says what this run answers for. A resumed run keeps the instant and the policy of its first start."""
    now = house.now()
    as_of = (request.as_of or now).astimezone(UTC)
    policy = Policy.load(request.policy) if request.policy else house.policy
    window = floor(as_of, policy.schedule_hours)
    near = abs(as_of - now) <= timedelta(hours=policy.schedule_hours)
    live = near and policy.digest == house.policy.digest and not request.rehearsal
    house.policies.adopt(policy)
    run = house.runs.open(Opening(window=window, as_of=as_of, live=live, policy_digest=policy.digest, code_version=code_version(),
                                  spend_source=house.settings.spend_source, tracker=house.tracker_name, libraries=libraries.versions()), wait_seconds=WAIT_FOR_WINDOW_S)
    return run, house.policies.get(run.policy_digest) or policy


def gather(house: House, run: RunHandle, policy: Policy, request: Request) -> Inputs:
    """1. Everything a decision may depend on, read once and kept."""
    house.runs.heartbeat(run, "gather")
    return gathering.gather(house, run, policy, full=request.full)


def decide(house: House, inputs: Inputs) -> Outcome:
    """2. Pure: values in, values out."""
    return house.brain.decide(inputs)


def ask(house: House, run: RunHandle, outcome: Outcome) -> Outcome:
    """2, where the decision asks for more: a second, small gather; its answers are on the record, and complete causes without changing a lane."""
    return asking_more.ask(house, run, outcome)


def record(house: House, run: RunHandle, inputs: Inputs, outcome: Outcome) -> Sealed:
    """3. Shards, then the seal."""
    house.runs.heartbeat(run, "record")
    return recording.record(house, run, inputs, outcome, recording.summary_of(inputs, outcome, run))


def deliver(house: House) -> DeliveryReport:
    """4. What is in the outbox reaches people; what cannot now is tried again by upkeep."""
    done = relay(house.outbox, house.poster, budget_s=DELIVERY_BUDGET_S)
    logs.info("outbox_relayed", delivered=done.delivered, retried=done.retried, dead=done.dead, errors=done.errors)
    illness.otherwise(house, done)
    elsewhere.send(house)
    return done


def narrate(house: House, run: RunHandle) -> int:
    """4, where a language model is configured: its words below the new cards, and on the record. It decides nothing."""
    return narrating.narrate(house, run.run_id)


def learn(house: House, run: RunHandle, policy: Policy) -> int:
    """5. Patterns from answers and what became of the problem, and in the first window of a day from what runs have observed. Returns how many are new.

    A rehearsal teaches nothing.
    """
    if not run.live:
        return 0
    with house.database.transaction() as connection:
        learned = outcomes.learn(connection, run.run_id, house.patterns.in_force(run.as_of), run.as_of)
    if run.window.hour >= policy.schedule_hours:
        return learned
    seen = house.frames.recent("loads", runs=LEARN_FROM_RUNS)
    new = learning.load_rhythms(seen, house.patterns.in_force(run.as_of), pd.Timestamp(run.as_of))
    with house.database.transaction() as connection:
        return learned + len(patterns.learn(connection, run.run_id, new, run.as_of))


def report(house: House, run_id: str, summary: dict[str, Any], steps: Steps, anchored: dict[str, Any]) -> dict[str, Any]:
    """6. The call to the switch outside and the page that people read, best effort; and the summary with what is known only after the seal."""
    started = time.perf_counter()
    heartbeat.call(house.settings.heartbeat_url)
    page = reporting.page_of(house, run_id, summary["campaigns"])
    seconds = steps.seconds | {"report": round(time.perf_counter() - started, 3)}
    more = {"anchor": anchored, "report": page, "report_url": reporting.url_of(house.settings, run_id) if page else None, "seconds": seconds}
    house.runs.add_to_summary(run_id, more)
    return summary | more


def floor(as_of: datetime, schedule_hours: int) -> datetime:
    """The window that an instant lies in: slots of `schedule_hours` counted from midnight UTC."""
    midnight = as_of.replace(hour=0, minute=0, second=0, microsecond=0)
    return midnight + timedelta(hours=(as_of - midnight) // timedelta(hours=schedule_hours) * schedule_hours)


class failure_on_record:  # noqa: N801  reads as a phrase in `with`
    """Says on the ledger that the run failed, and lets the error go on; a run that was taken over says nothing."""

    def __init__(self, house: House, run: RunHandle) -> None:
        self.house, self.run = house, run

    def __enter__(self) -> None:
        return None

    def __exit__(self, kind: type[BaseException] | None, error: BaseException | None, trace: object) -> None:
        if isinstance(error, Exception) and not isinstance(error, RunInterrupted | WindowBusy):
            said = f"{type(error).__name__}: {error}" if not isinstance(error, PacingError) else str(error)
            logs.info("run_failed", error=said)
            try:
                self.house.runs.fail(self.run, said)
            except PacingError:
                return  # the database is gone too: the heartbeat's age says it
