"""One line on a terminal while something takes long: what is being done, and for how long already. Nothing where nobody looks."""

import sys
from collections.abc import Iterator
from contextlib import contextmanager

from rich.console import Console
from rich.progress import Progress, SpinnerColumn, TaskID, TextColumn, TimeElapsedColumn

STEPS = {"open_run": "opening the run", "gather": "reading the plan and the spend", "decide": "deciding", "record": "recording",
         "learn": "learning", "report": "writing the report"}
_shown: list[tuple[Progress, TaskID]] = []


@contextmanager
def working(what: str) -> Iterator[None]:
    """Show that something is being done until the block ends. Only on a terminal, on stderr; it leaves no trace."""
    if not sys.stderr.isatty() or _shown:
        yield
        return
    line = Progress(SpinnerColumn(), TextColumn("{task.description}"), TimeElapsedColumn(), console=Console(stderr=True), transient=True,
                    redirect_stdout=False)
    _shown.append((line, line.add_task(what)))
    line.start()
    try:
        yield
    finally:
        line.stop()
        _shown.clear()


def at(step: str) -> None:
    """The run has come to a step. Before messages are shown the line goes, since they stand on the terminal themselves."""
    for line, task in _shown:
        if step in STEPS:
            line.update(task, description=STEPS[step])
        else:
            line.stop()
