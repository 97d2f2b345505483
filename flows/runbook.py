"""docs/runbook.md, made from the docstrings of the errors: `python -m flows.runbook docs/runbook.md`."""

import inspect
import sys
from pathlib import Path

from pacing_brain import errors
from pacing_brain.errors import PacingError

HEAD = """# Runbook

Made from the docstrings of `pacing_brain/errors.py` by `python -m flows.runbook docs/runbook.md`; mend it there.

What a failure prints is one line: what happened, where, what to do next. In a log with `PACING_LOG_FORMAT=json` it is the `event`.
An error under `Unavailable` may pass by itself and is tried again; one under `Refused` does not pass until somebody mends what its line names.

```
{tree}
```

| error | what happened | what to do |
|---|---|---|
"""


def runbook() -> str:
    """The page: the tree, then a row for each class in the order of the file."""
    tree = (errors.__doc__ or "").split("\n\n")[1]
    return HEAD.format(tree=tree.strip()) + "".join(f"| `{one.__name__}` | {happened} | {step} |\n" for one in classes() for happened, step in [told(one)])


def classes() -> list[type[PacingError]]:
    """Every error of ours, as the file has them."""
    found = [one for _, one in inspect.getmembers(errors, inspect.isclass) if issubclass(one, PacingError)]
    return sorted(found, key=lambda one: inspect.getsourcelines(one)[1])


def told(one: type[PacingError]) -> tuple[str, str]:
    """What happened, and the next step, as the docstring of a class tells them; a class that names no step fails here, not at night."""
    happened, _, step = " ".join((one.__doc__ or "").replace("|", "/").split()).partition(" Next: ")
    if not step:
        raise ValueError(f"{one.__name__} names no next step: end its docstring with `Next: ...`")
    return happened, step[0].upper() + step[1:]


if __name__ == "__main__":
    Path(sys.argv[1]).write_text(runbook(), encoding="utf-8")
