"""One window through Prefect where Prefect answers, without it where it does not: the record is the same.

Prefect is beside the run (ADR 0005). Nothing here imports it before its environment stands, because it reads that when it is imported.
"""

import http.client
import os
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from typing import Any
from urllib.parse import urlsplit

from flows import logs
from flows.local_prefect import QUIET, ChildPrefect
from flows.run_pacing import Request, run_window
from flows.settings import Settings
from pacing_brain.errors import Unavailable

PROBE_S = 5.0
BOUNDED = {  # no call to Prefect holds a run for long; what is not on its page is on the record
    "PREFECT_API_REQUEST_TIMEOUT": "5",
    "PREFECT_CLIENT_MAX_RETRIES": "1",
    "PREFECT_CLIENT_RETRY_JITTER_FACTOR": "0",
    "PREFECT_CLIENT_CSRF_SUPPORT_ENABLED": "false",
    "PREFECT_LOGGING_TO_API_ENABLED": "false",
    "PREFECT_LOGGING_TO_API_WHEN_MISSING_FLOW": "ignore",
    "PREFECT_TASKS_DEFAULT_NO_CACHE": "true",
    "PREFECT_RESULTS_PERSIST_BY_DEFAULT": "false",
}
PLAIN = "Prefect at {where} does not answer ({why}): the run goes on without its page there."
BROKE = "Prefect at {where} stopped answering ({why}): the run is complete on the record, its page there is not."


def run(settings: Settings, request: Request, say: Callable[[str], None] | None = None) -> dict[str, Any]:
    """Run a window, shown on Prefect's page while Prefect answers.

    A server of one's own (`PREFECT_API_URL`), or the embedded one, which is shared with `pacing up`. When it does not answer, or stops
    answering, the run completes without it, and says so in one line (`say`; stderr else).

    Raises:
        PacingError: the run could not be completed; as `run_window` raises it.
    """
    say = say or logs.warn
    try:
        with _api(settings) as environment:
            return _through_prefect(settings, request, environment, say)
    except _NoPrefect as missing:
        say(PLAIN.format(where=missing.where, why=missing.why))
        return run_window(settings, request)


class _NoPrefect(Exception):
    """Prefect did not answer before the run began."""

    def __init__(self, where: str, why: str) -> None:
        super().__init__(why)
        self.where, self.why = where, why


def _through_prefect(settings: Settings, request: Request, environment: Mapping[str, str], say: Callable[[str], None]) -> dict[str, Any]:
    os.environ.update(environment)
    try:
        from flows.prefect_flows import EVENTS_S, quiet, send_events, watched  # noqa: PLC0415  Prefect reads its environment when it is imported
    except Exception as error:  # noqa: BLE001  a setting that Prefect refuses must not cost a window
        raise _NoPrefect(_host(environment["PREFECT_API_URL"]), " ".join(str(error).split())[:200]) from None
    quiet()
    trouble = "it was not reached"
    try:
        summary, trouble = watched(settings, request)
    finally:
        sent = send_events(0.0 if trouble else EVENTS_S)
    if trouble := trouble or ("" if sent else f"its events took more than {EVENTS_S:.0f} s"):
        say(BROKE.format(where=_host(environment["PREFECT_API_URL"]), why=trouble))
    return summary


@contextmanager
def _api(settings: Settings) -> Iterator[dict[str, str]]:
    """The environment of a Prefect client whose server has just answered.

    Raises:
        _NoPrefect: it did not.
    """
    url = settings.prefect_api_url
    if url is not None:
        if why := refuses(url):
            raise _NoPrefect(_host(url), why)
        yield client_environment(QUIET | {"PREFECT_API_URL": url})
        return
    server = ChildPrefect(settings.home)
    try:
        server.start()
    except Unavailable as error:
        raise _NoPrefect("the embedded server", str(error)) from None
    try:
        yield client_environment(server.client_environment())
    finally:
        server.stop()


def client_environment(of_server: Mapping[str, str]) -> dict[str, str]:
    """What a process that runs flows has in its environment: quiet, and bounded in time."""
    return dict(of_server) | BOUNDED


def refuses(api_url: str, seconds: float = PROBE_S) -> str:
    """Why the API does not answer; empty when it does. Anything but a server error counts as an answer."""
    parts = urlsplit(api_url)
    kind = http.client.HTTPSConnection if parts.scheme == "https" else http.client.HTTPConnection
    connection = kind(parts.hostname or "", parts.port, timeout=seconds)
    try:
        connection.request("GET", f"{parts.path.rstrip('/')}/health")
        status = connection.getresponse().status
    except TimeoutError:
        return f"no answer within {seconds:.0f} s"
    except (OSError, http.client.HTTPException) as error:
        return str(error) or type(error).__name__
    finally:
        connection.close()
    return f"HTTP {status}" if status >= http.client.INTERNAL_SERVER_ERROR else ""


def _host(api_url: str) -> str:
    """For people, without credentials."""
    parts = urlsplit(api_url)
    return f"{parts.hostname}:{parts.port}" if parts.port else parts.hostname or "?"
