"""Verifying the ledger: everything, or what came since it was verified last. Between runs it is done by upkeep; failing is an alarm."""

from contextlib import suppress
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Self

import orjson

from audit import clock, ledger
from audit.checkpoint import ORIGIN, Checkpoint, Signer, Verifier
from audit.verify import Note, Since, Verified, verify
from flows.alarms import alarm
from flows.anchoring import anchor
from flows.wiring import House
from pacing_brain.errors import PacingError, UsageError

FULL_EVERY = timedelta(days=7)
MAX_AGE = timedelta(hours=24)
FILE = "verified.json"  # in PACING_HOME: of this machine, which verifies, not of the database


@dataclass(frozen=True)
class Last:
    """The newest anchor that a passing verification went by. at: of the last entry under it; full_at: when everything was read last."""

    ledger_id: str
    size: int
    root: str
    at: datetime
    full_at: datetime

    @classmethod
    def read(cls, path: Path) -> Self | None:
        try:
            said = orjson.loads(path.read_bytes())
            return cls(str(said["ledger_id"]), int(said["size"]), str(said["root"]), datetime.fromisoformat(said["at"]), datetime.fromisoformat(said["full_at"]))
        except (OSError, ValueError, KeyError, TypeError):
            return None  # then everything is read

    def write(self, path: Path) -> None:
        unfinished = path.with_name(f".{path.name}.part")
        with suppress(OSError):  # then everything is read the next time
            path.parent.mkdir(parents=True, exist_ok=True)
            unfinished.write_bytes(orjson.dumps(self))
            unfinished.replace(path)


def verified(house: House, *, full: bool, anchors: list[Path] | None = None, key: Path | None = None, max_age: timedelta = MAX_AGE, inputs: bool = True) -> Verified:
    """Verify; unless `full`, only what came since the last verified checkpoint, if that was of this ledger and everything was read within a week.

    Raises:
        UsageError, LedgerError, DatabaseUnavailable, DatabaseRefused: it could not be done.
    """
    now, path = moment(house), house.settings.home / FILE
    last = None if full else Last.read(path)
    given: list[Note] = notes(house, anchors or [])
    verifier = verifier_of(house, key)
    since = None
    if last is not None and timedelta() <= now - last.full_at < FULL_EVERY and verifier.name.endswith(f"/{last.ledger_id}"):
        frontier = house.anchors.frontier_of(Checkpoint(verifier.name, last.size, bytes.fromhex(last.root)))
        since = Since(frontier, last.at) if frontier else None
    found = verify(house.database, given, [verifier], now=now, max_age=max_age, inputs=inputs, since=since)
    if found.ok and found.anchored_at is not None and found.anchored_root is not None and inputs:
        full_at = last.full_at if since and last else now
        Last(found.ledger_id, found.anchored, found.anchored_root, found.anchored_at, full_at).write(path)
    return found


def keep_verified(house: House) -> Verified | None:
    """The scheduled one: what was sealed is signed, then verified; what does not verify, or cannot be, is an alarm. None: nothing was sealed yet."""
    try:
        if house.runs.last_sealed() is None:
            return None
        anchor(house)
        found = verified(house, full=False)
    except PacingError as error:
        alarm(house, "verify", f"the ledger could not be verified: {error}")
        return None
    if not found.ok:
        alarm(house, "verify", f"the ledger does not verify: {found.findings[0].line}")
    return found


def notes(house: House, given: list[Path]) -> list[Note]:
    """The anchors that were given, then those of the directory."""
    try:
        return [Note(str(path), path.read_text("utf-8")) for path in [*given, *(file for store in house.all_anchors for file in store.files())]]
    except (OSError, UnicodeDecodeError) as error:
        raise UsageError(f"--anchor: cannot read it: {error}") from error


def verifier_of(house: House, key: Path | None) -> Verifier:
    if key is not None:
        return key_of(key)
    with house.database.transaction() as connection:
        name = ORIGIN.format(ledger_id=ledger.head(connection).ledger_id)
    return Signer(name, house.signing_key()).verifier


def key_of(path: Path) -> Verifier:
    try:
        return Verifier.parse(path.read_text("utf-8"))
    except (OSError, UnicodeDecodeError) as error:
        raise UsageError(f"--key: cannot read {path}: {error}") from error


def moment(house: House) -> datetime:
    """This machine's clock; in a demo or test home, whose database clock is shifted, that one."""
    with house.database.transaction() as connection:
        return clock.now(connection) if clock.is_shifted(connection) else datetime.now(UTC)
