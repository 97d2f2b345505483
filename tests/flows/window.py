"""A process that runs one window through Prefect; before a verb, or in the middle of `record`, it switches the line to Prefect.

argv: when (a verb, `in_record`, `first_task`, `flaky` or `never`), mode of the line, its command port, the instant. The settings come from the
environment. Writes its summary as the last line on stdout.
"""

import functools
import json
import socket
import sys
import time
from datetime import datetime

from flows import recording, run_pacing
from flows.prefect_run import run
from flows.run_pacing import Request
from flows.settings import Settings
from pacing_brain.errors import DatabaseUnavailable, PacingError


def switch(mode: str, port: int) -> None:
    with socket.create_connection(("127.0.0.1", port)) as line:
        line.sendall(mode.encode())
        assert line.recv(10) == b"done"


def before(verb: str, mode: str, port: int) -> None:
    """The line is switched when the verb begins."""
    real = getattr(run_pacing, verb)

    @functools.wraps(real)
    def switched(*args: object) -> object:
        switch(mode, port)
        return real(*args)

    setattr(run_pacing, verb, switched)


def in_record(mode: str, port: int) -> None:
    """The line is switched when the first shard is on the ledger."""
    real = recording.shards

    @functools.wraps(real)
    def switched(*args: object) -> object:
        for number, shard in enumerate(real(*args)):
            if number == 1:
                switch(mode, port)
            yield shard

    recording.shards = switched


def flaky() -> None:
    """`gather` fails once with a transient error."""
    real, tried = run_pacing.gather, []

    @functools.wraps(real)
    def once(*args: object) -> object:
        if not tried:
            tried.append(1)
            raise DatabaseUnavailable("the database did not answer")
        return real(*args)

    run_pacing.gather = once


def main(when: str, mode: str, port: int, as_of: str) -> int:
    if when == "flaky":
        flaky()
    elif when == "in_record":
        in_record(mode, port)
    elif when != "never":
        before("open_run" if when == "first_task" else when, mode, port)
    started = time.monotonic()
    try:
        summary = run(Settings.read(), Request(as_of=datetime.fromisoformat(as_of)))
    except PacingError as error:
        print(f"pacing: {error}", file=sys.stderr)
        return 1
    print(json.dumps(summary | {"wall_s": round(time.monotonic() - started, 1)}))
    return 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1], sys.argv[2], int(sys.argv[3]), sys.argv[4]))
