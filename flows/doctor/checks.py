"""What a check finds, and how a part of the house is examined: apart from the others, bounded in time, and never by raising."""

import re
import threading
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, field
from datetime import UTC, datetime
from typing import Literal

from flows.settings import Settings
from pacing_brain.errors import PacingError
from pacing_brain.policy import Policy

LIMIT_S = 20.0
SKEW_S = 60.0  # Snowflake refuses a key pair's signature outside its minute; what is younger than that harms nobody
_SENTENCE = re.compile(r"(?<=[^\s.])\. (?=[A-Z])")
SET_CLOCK = "Set the clock of that machine by NTP (timedatectl set-ntp true)."


def utc_now() -> datetime:
    return datetime.now(UTC)


@dataclass(frozen=True)
class Subject:
    """What is examined: the settings, the policy in force (the default where the file is at fault), this machine's clock."""

    settings: Settings
    policy: Policy = field(default_factory=Policy)
    now: Callable[[], datetime] = utc_now


@dataclass(frozen=True)
class Check:
    """One line: what was looked at, how it is, and, where it is a problem, how to mend it."""

    part: str
    what: str
    state: Literal["ok", "problem", "skipped"]
    says: str
    mend: str = ""


class Checks:
    """The lines of one part, in the order in which they were found."""

    def __init__(self, part: str) -> None:
        self.part = part
        self.found: list[Check] = []

    def ok(self, what: str, says: str) -> None:
        self.found.append(Check(self.part, what, "ok", says))

    def problem(self, what: str, says: str, mend: str) -> None:
        self.found.append(Check(self.part, what, "problem", says, mend))

    def skipped(self, what: str, says: str) -> None:
        self.found.append(Check(self.part, what, "skipped", says))

    def told(self, what: str, error: PacingError) -> None:
        """A problem as our errors tell it: what happened, then the next step."""
        says, *mend = _SENTENCE.split(str(error), maxsplit=1)
        self.problem(what, f"{says.rstrip('.')}.", mend[0] if mend else f"See docs/operations.md, {type(error).__name__}.")

    def clock(self, what: str, theirs: datetime, before: datetime, after: datetime) -> None:
        """Their clock against ours, which was read before and after the question."""
        skew = max((before - theirs).total_seconds(), (theirs - after).total_seconds(), 0.0)
        if skew > SKEW_S:
            self.problem(what, f"its clock and this machine's are {skew:.0f} s apart.", SET_CLOCK)
        else:
            self.ok(what, f"its clock and this machine's agree to {max(skew, 1):.0f} s")

    @contextmanager
    def telling(self, what: str) -> Iterator[None]:
        """An error of ours inside is a problem of `what`."""
        try:
            yield
        except PacingError as error:
            self.told(what, error)


Part = Callable[[Subject, Checks], None]


def examine(parts: Mapping[str, Part], subject: Subject, limit_s: float = LIMIT_S) -> list[Check]:
    """Every part, side by side, each at most `limit_s`; one that fails or hangs costs no other its lines."""
    running = [(Checks(name), part) for name, part in parts.items()]
    threads = [threading.Thread(target=_guarded, args=(part, subject, checks), daemon=True) for checks, part in running]
    for thread in threads:
        thread.start()
    ends = datetime.now(UTC).timestamp() + limit_s
    lines: list[Check] = []
    for thread, (checks, _) in zip(threads, running, strict=True):
        thread.join(max(ends - datetime.now(UTC).timestamp(), 0.0))
        found = list(checks.found)
        if thread.is_alive():
            found.append(Check(checks.part, "time", "problem", f"gave no answer within {limit_s:.0f} s.",
                               "Look at the network between this machine and it, then run pacing doctor again."))
        lines += found
    return lines


def _guarded(part: Part, subject: Subject, checks: Checks) -> None:
    try:
        part(subject, checks)
    except PacingError as error:
        checks.told("check", error)
    except Exception as error:  # noqa: BLE001  a doctor that raises helps nobody
        checks.problem("check", f"this check itself failed: {type(error).__name__}: {str(error).splitlines()[0] if str(error) else ''}.",
                       "Report it with this line.")
