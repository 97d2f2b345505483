"""A verb as a Prefect task. The task shows the verb; what the verb gave stays here, whatever becomes of Prefect.

Neither what goes into a verb nor what comes out of it passes through Prefect: it would walk through frames of a million rows to look
for futures, and could keep them.
"""

from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Any

from prefect import Task
from prefect.cache_policies import NO_CACHE

from pacing_brain.errors import PacingError, RunError, Unavailable

RETRY_AFTER_S = (2, 10)  # a transient error is tried twice more
TIMEOUT_S = {"open_run": 660, "gather": 1800, "decide": 1800, "record": 1800, "deliver": 300, "learn": 300, "report": 60}
OTHER_TIMEOUT_S = 600


@dataclass
class Held:
    """What a verb gave or raised, kept outside Prefect."""

    verb: Callable[[], Any]
    name: str
    tries: int = 0
    value: Any = None
    error: BaseException | None = None

    def run(self) -> None:
        self.tries, self.value, self.error = self.tries + 1, None, None
        try:
            self.value = self.verb()
        except BaseException as error:
            self.error = error
            raise


@dataclass
class TaskCalls:
    """Calls each verb as a task of the flow run around it; `after` is told what each gave.

    Raises what the verb raises. A fault of Prefect's raises nothing: the verb runs once more only if it did not run to its end, and
    `trouble` says what was wrong.
    """

    after: Callable[[str, Any], None] = lambda _name, _value: None
    trouble: list[str] = field(default_factory=list)

    def __call__(self, name: str, verb: Callable[[], Any]) -> Any:
        held = Held(verb, name)
        try:
            _task(held)()
        except BaseException as error:  # noqa: BLE001  what is ours is raised again, what is Prefect's is noted
            if held.error is not None or not isinstance(error, Exception):
                raise _ours(held, error) from None
            self.trouble.append(one_line(error))
        if held.tries == 0 or held.error is not None:
            held.run()
        self.after(name, held.value)
        return held.value


def _ours(held: Held, error: BaseException) -> BaseException:
    """The verb's own error; a step that Prefect stopped for its length is an error of the run."""
    own = held.error or error
    if isinstance(own, PacingError) or not isinstance(own, Exception):
        return own
    if isinstance(error, TimeoutError):
        seconds = TIMEOUT_S.get(held.name, OTHER_TIMEOUT_S)
        return RunError(f"step {held.name} was stopped after {seconds} s. The next start of the window resumes the run.")
    return own


def _task(held: Held) -> Task[[], None]:
    return Task(fn=held.run, name=held.name, retries=len(RETRY_AFTER_S), retry_delay_seconds=list(RETRY_AFTER_S), retry_condition_fn=is_transient,
                timeout_seconds=TIMEOUT_S.get(held.name, OTHER_TIMEOUT_S), persist_result=False, cache_policy=NO_CACHE)


def is_transient(task: Any, task_run: Any, state: Any) -> bool:  # noqa: ARG001  Prefect's signature
    return isinstance(state.data, Unavailable)


def one_line(error: BaseException) -> str:
    """An error of a library for people: its first line, without what follows."""
    said = str(error).strip().splitlines()
    return f"{type(error).__name__}: {said[0].partition(' for url ')[0]}"[:200] if said else type(error).__name__
