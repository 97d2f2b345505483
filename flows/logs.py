"""What this program logs: to stderr, as lines for people or one JSON object a line, with the id of the run, never a secret.

Libraries log through the same handler. Text shows warnings and worse only; JSON shows the course of a run as well.
"""

import contextvars
import json
import logging
import re
import sys
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from datetime import UTC, datetime
from typing import Any, Literal

from flows.settings import Settings, log_format

OURS = "pacing"
_RUN: contextvars.ContextVar[str | None] = contextvars.ContextVar("pacing_run_id", default=None)
_CREDENTIALS = re.compile(r"(?<=://)[^/@\s]+@")
_CONTROL = re.compile(r"[\x00-\x1f\x7f-\x9f\u200b-\u200f\u2028-\u202e\u2060-\u2069\ufeff]+")


def begin(settings: Settings | None = None) -> None:
    """Route every logger of this process here, in the format of PACING_LOG_FORMAT; `settings` name the secrets that no line may show."""
    handler = _the_handler()
    handler.format_as = log_format()
    handler.secrets = settings.secrets if settings else handler.secrets
    root, ours = logging.getLogger(), logging.getLogger(OURS)
    if handler not in root.handlers:
        root.addHandler(handler)
    if handler in ours.handlers:
        ours.removeHandler(handler)
    ours.setLevel(logging.INFO if handler.format_as == "json" else logging.WARNING)
    logging.captureWarnings(handler.format_as == "json")  # the text format leaves Python's own display as it is
    if handler.format_as == "json":  # Prefect shows its lines on a console of its own, and hands them to nobody
        logging.getLogger("prefect").propagate = True


@contextmanager
def of_a_run() -> Iterator[Callable[[str], object]]:
    """Every line inside carries the run's id, once it has one: what is yielded takes it."""
    token = _RUN.set(None)
    try:
        yield _RUN.set
    finally:
        _RUN.reset(token)


def info(event: str, **facts: object) -> None:
    """A step in the course of things, with its facts; JSON only."""
    _ours().info(event, extra={"facts": facts})


def warn(line: str) -> None:
    """Something that an operator should know, as one line that says what to do about it."""
    _ours().warning(line)


def error(line: str) -> None:
    """What ended a command."""
    _ours().error(line)


def _ours() -> logging.Logger:
    ours = logging.getLogger(OURS)
    handler = _the_handler()
    if handler not in ours.handlers and handler not in logging.getLogger().handlers:  # nobody called `begin`
        ours.addHandler(handler)
    return ours


class _Handler(logging.Handler):
    """Writes to what is stderr at that moment."""

    format_as: Literal["json", "text"] = "text"
    secrets: tuple[str, ...] = ()

    def emit(self, record: logging.LogRecord) -> None:
        try:
            line = as_json(record, _RUN.get()) if self.format_as == "json" else as_text(record)
            sys.stderr.write(self._harmless(line) + "\n")
            sys.stderr.flush()
        except Exception:  # noqa: BLE001  a line that cannot be written must not end what it tells of
            self.handleError(record)

    def _harmless(self, line: str) -> str:
        for secret in sorted(self.secrets, key=len, reverse=True):
            line = line.replace(secret, "***").replace(json.dumps(secret)[1:-1], "***")
        return _CREDENTIALS.sub("***@", line)


def as_text(record: logging.LogRecord) -> str:
    """`pacing: what happened`; a library's line names its logger."""
    return f"{record.name if not record.name.startswith(OURS) else OURS}: {_one_line(record)}"


def as_json(record: logging.LogRecord, run_id: str | None) -> str:
    """One object: `at`, `level`, `logger`, `event`, `run_id` inside a run, and the facts of the event."""
    line: dict[str, Any] = {"at": f"{datetime.fromtimestamp(record.created, UTC):%Y-%m-%dT%H:%M:%S.%f}Z", "level": record.levelname.lower(),
                            "logger": record.name, "event": _one_line(record)}
    if run_id is not None:
        line["run_id"] = run_id
    line |= {name: value for name, value in getattr(record, "facts", {}).items() if name not in line}
    if record.exc_info:
        line["traceback"] = logging.Formatter().formatException(record.exc_info)
    return json.dumps(line, ensure_ascii=False, default=str)


def _one_line(record: logging.LogRecord) -> str:
    return " ".join(_CONTROL.sub(" ", record.getMessage()).split())


def _the_handler() -> _Handler:
    """The one of this process."""
    places = (logging.getLogger(), logging.getLogger(OURS))
    return next((handler for place in places for handler in place.handlers if isinstance(handler, _Handler)), None) or _Handler()
