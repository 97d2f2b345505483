"""Anchors: signed checkpoints kept outside the database, one file each, never overwritten. What verify goes by is them, not the database.

A directory (or a mounted bucket with object lock) holds `<size>.txt`, the signed note; beside it `<size>.frontier`, a convenience that
nobody needs to trust: its root must be the note's; and `verifier.txt`, the public key in note form.
"""

import os
from contextlib import closing, suppress
from dataclasses import dataclass
from itertools import islice
from pathlib import Path

from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey
from sqlalchemy import Connection, func, select

from audit import ledger
from audit.checkpoint import ORIGIN, Checkpoint, Signer, read_checkpoint, sign
from audit.database import Database
from audit.merkle import Frontier
from pacing_brain.errors import LedgerError

SIGNER_LOCK = 0x7369676E  # "sign": one signer of a ledger at a time
VERIFIER_FILE = "verifier.txt"


@dataclass(frozen=True)
class AnchorStore:
    """A directory of anchors. same_machine: it is where the database is, so that who can change one can change both."""

    directory: Path
    same_machine: bool = False

    @property
    def following(self) -> "AnchorStore":
        """Where the anchors stand of the ledger that was opened when this one was closed (audit/recovery.py)."""
        return AnchorStore(self.directory / "next", self.same_machine)

    @property
    def generations(self) -> list["AnchorStore"]:
        """This one, and those that followed it; the last is of the ledger as it is now."""
        return [self, *self.following.generations] if self.following.files() else [self]

    def files(self) -> list[Path]:
        """The anchors, oldest first.

        Raises:
            LedgerError: the directory cannot be read.
        """
        try:
            names = [path for path in self.directory.iterdir() if path.suffix == ".txt" and path.stem.isdecimal() and path.stem.isascii()]
        except FileNotFoundError:
            return []
        except OSError as error:
            raise LedgerError(f"cannot read the anchors in {self.directory}: {error.strerror}") from error
        return sorted(names, key=lambda path: int(path.stem))

    def age_s(self, now: float) -> float | None:
        """Seconds since the newest anchor was written, by its file's time; none: there is no anchor."""
        files = self.files()
        try:
            return now - files[-1].stat().st_mtime if files else None
        except OSError:
            return None

    def frontier_of(self, checkpoint: Checkpoint) -> Frontier | None:
        """The frontier that was kept beside an anchor; none when it is not there or not the checkpoint's."""
        try:
            found = Frontier.from_bytes(checkpoint.size, bytes.fromhex((self.directory / f"{checkpoint.size}.frontier").read_text("ascii")))
        except (OSError, ValueError):
            return None
        return found if found.root() == checkpoint.root else None

    def put(self, signer: Signer, checkpoint: Checkpoint, frontier: Frontier) -> Path:
        """Write an anchor: on the disk when this returns; all of it or nothing of it.

        Raises:
            LedgerError: it cannot be written, or another one of this size is there.
        """
        path, note = self.directory / f"{checkpoint.size}.txt", sign(checkpoint.text, [signer])
        try:
            self.directory.mkdir(parents=True, exist_ok=True)
            with suppress(FileExistsError):
                _write_once(self.directory / VERIFIER_FILE, signer.verifier.text + "\n")
            with suppress(FileExistsError):
                _write_once(path.with_suffix(".frontier"), frontier.to_bytes().hex())
            _write_once(path, note)
        except FileExistsError:
            if path.read_text("utf-8") != note:
                raise LedgerError(f"{path} holds another checkpoint of this size: the ledger was forked") from None
        except OSError as error:
            raise LedgerError(f"cannot write an anchor to {self.directory}: {error.strerror}. Check PACING_ANCHOR_DIR.") from error
        return path


@dataclass(frozen=True)
class Anchored:
    """A checkpoint and the file that holds it. new: this call wrote it."""

    checkpoint: Checkpoint
    path: Path
    new: bool


def anchor(database: Database, store: AnchorStore, key: Ed25519PrivateKey) -> Anchored | None:
    """Sign the ledger as it is and keep the checkpoint outside of it; nothing when the ledger is empty or already anchored.

    What is consistent is decided by the newest anchor, never by what the database says of itself.

    1. one signer at a time
    2. the newest anchor is of this ledger, and its own key has signed it
    3. the database is not behind it
    4. the entries that it covers, as their leaves are now, and those since make the tree that the head stands for
    5. sign; write, on the disk

    Raises:
        LedgerError: the database is not what was anchored; nothing is signed.
    """
    with database.transaction() as connection:
        connection.execute(select(func.pg_advisory_xact_lock(SIGNER_LOCK)))  # 1
        signer = Signer(ORIGIN.format(ledger_id=ledger.head(connection).ledger_id), key)
        newest = _newest(store, signer)  # 2
        size, root = _now(connection)  # after the lock: the head is at least as far as any anchor that this ledger gave
        if newest is not None and size < newest.checkpoint.size:  # 3
            raise LedgerError(f"the ledger has {size:,} entries, but {newest.path} was signed for {newest.checkpoint.size:,}: entries were lost or "
                              "an older copy was restored. Nothing is signed; run `pacing audit verify`.")
        if size == 0 or (newest is not None and newest.checkpoint == Checkpoint(signer.name, size, root)):
            return newest
        frontier = _extended(connection, store, newest, size, root)  # 4
        checkpoint = Checkpoint(signer.name, size, root)
        return Anchored(checkpoint, store.put(signer, checkpoint, frontier), new=True)  # 5


def _newest(store: AnchorStore, signer: Signer) -> Anchored | None:
    files = store.files()
    if not files:
        return None
    checkpoint = read_anchor(files[-1], signer)
    if checkpoint.size != int(files[-1].stem):
        raise LedgerError(f"{files[-1]} holds a checkpoint of {checkpoint.size:,} entries: it was renamed")
    return Anchored(checkpoint, files[-1], new=False)


def read_anchor(path: Path, signer: Signer) -> Checkpoint:
    """Raises LedgerError: it cannot be read, is of another ledger, or was not signed with this key."""
    try:
        note = path.read_text("utf-8")
    except (OSError, UnicodeDecodeError) as error:
        raise LedgerError(f"cannot read the anchor {path}: {error}") from error
    if (origin := note.partition("\n")[0]) != signer.name:
        raise LedgerError(f"{path} is an anchor of {origin!r}, this is {signer.name!r}: another database was put in this one's place, or "
                          "PACING_ANCHOR_DIR is another ledger's")
    try:
        return read_checkpoint(note, [signer.verifier])
    except LedgerError as error:
        raise LedgerError(f"the anchor {path} is not good: {error}") from error


def _now(connection: Connection) -> tuple[int, bytes]:
    head = ledger.head(connection)
    return head.size, bytes.fromhex(head.root)


def _extended(connection: Connection, store: AnchorStore, newest: Anchored | None, size: int, root: bytes) -> Frontier:
    """The frontier of the anchored tree with the leaves since; from the first leaf on where none was kept."""
    start = 0 if newest is None else newest.checkpoint.size
    frontier = Frontier() if newest is None else store.frontier_of(newest.checkpoint)
    with closing(ledger.leaves(connection, 0 if frontier is None else start, size)) as leaves:
        if frontier is None:
            frontier = Frontier()
            frontier.extend(islice(leaves, start))
            if newest is not None and frontier.root() != newest.checkpoint.root:
                raise LedgerError(f"the first {start:,} entries are not those that {newest.path} was signed for. Nothing is signed; "
                                  "run `pacing audit verify`.")
        frontier.extend(leaves)
    if (frontier.size, frontier.root()) != (size, root):
        since = f" since {newest.path}" if newest is not None else ""
        raise LedgerError(f"the entries{since} do not make the ledger's root. Nothing is signed; run `pacing audit verify`.")
    return frontier


def _write_once(path: Path, text: str) -> None:
    """A whole file or none, and on the disk; where there are no links (a mounted bucket), by renaming.

    Raises:
        FileExistsError: it is there.
    """
    unfinished = path.with_name(f".{path.name}.part")
    with unfinished.open("w", encoding="utf-8", newline="\n") as file:
        file.write(text)
        file.flush()
        os.fsync(file.fileno())
    try:
        os.link(unfinished, path)
    except FileExistsError:
        raise
    except OSError:
        if path.exists():
            raise FileExistsError(path) from None
        unfinished.rename(path)
    finally:
        unfinished.unlink(missing_ok=True)
    _to_disk(path.parent)


def _to_disk(directory: Path) -> None:
    with suppress(OSError):  # not every mounted directory can be synced
        handle = os.open(directory, os.O_RDONLY)
        try:
            os.fsync(handle)
        finally:
            os.close(handle)
