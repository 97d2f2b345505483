"""A proof that one entry stands on the ledger: everything that a stranger needs beside the public key, in one file."""

import hashlib
from collections.abc import Sequence
from contextlib import closing
from dataclasses import dataclass

import orjson
from sqlalchemy import Connection

from audit import ledger
from audit.checkpoint import Checkpoint, Verifier, read_checkpoint
from audit.merkle import inclusion_proof, includes, leaf_hash
from audit.verify import Note
from pacing_brain.errors import LedgerError


@dataclass(frozen=True)
class Proven:
    """What a proof shows. body: the exact text of the entry."""

    seq: int
    body: str
    checkpoint: Checkpoint


def prove(connection: Connection, seq: int, anchors: Sequence[Note], verifiers: Sequence[Verifier]) -> bytes:
    """The proof of an entry in the tree of the newest anchor, as JSON: seq, body, proof (hex, nearest hash first), checkpoint (the note).

    Raises:
        LedgerError: no anchor covers the entry yet, or the ledger is not what was anchored.
    """
    points = [(read_checkpoint(note.text, verifiers), note.text) for note in anchors]
    point, note = max(points, key=lambda each: each[0].size, default=(None, ""))
    if point is None or point.size <= seq:
        raise LedgerError(f"entry {seq} is not anchored yet: {'no anchor' if point is None else f'the newest anchor has {point.size:,} entries'}. "
                          "Run `pacing audit checkpoint`.")
    entry = next(iter([*ledger.read(connection, after_seq=seq - 1, limit=1)]), None)
    with closing(ledger.leaves(connection, 0, point.size)) as leaves:
        try:
            path = inclusion_proof(leaves, seq, point.size)
        except ValueError as error:
            raise LedgerError(f"there is no proof of entry {seq}: {error}") from error
    if entry is not None and entry.seq == seq and entry.body is None:
        raise LedgerError(f"entry {seq} has no body here: it was withheld, or its month was detached to a file. `pacing audit show --kind body_withheld` "
                          "and `--kind partition_detached` say which.")
    if entry is None or entry.seq != seq or entry.body is None or not includes(point.root, point.size, seq, leaf_hash(entry.body), path):
        raise LedgerError(f"entry {seq} is not what was anchored. Run `pacing audit verify`.")
    return orjson.dumps({"seq": seq, "body": entry.body.decode(), "proof": [each.hex() for each in path], "checkpoint": note},
                        option=orjson.OPT_INDENT_2 | orjson.OPT_APPEND_NEWLINE)


def check(proof: bytes, verifiers: Sequence[Verifier]) -> Proven:
    """What a proof shows, when it holds.

    1. the checkpoint is signed by a known key
    2. the body is of the entry that the proof is for
    3. its leaf is in the checkpoint's tree, at that place

    Raises:
        LedgerError: it is no proof, or does not hold.
    """
    try:
        said = orjson.loads(proof)
        seq, body, path = int(said["seq"]), str(said["body"]), [bytes.fromhex(each) for each in said["proof"]]
        own = orjson.loads(body)["seq"]
        note = str(said["checkpoint"])
    except (ValueError, KeyError, TypeError) as error:
        raise LedgerError("it is no proof: JSON with seq, body, proof and checkpoint, as `pacing audit prove` writes it") from error
    point = read_checkpoint(note, verifiers)  # 1
    if own != seq:  # 2
        raise LedgerError(f"the proof is for entry {seq}, its body is of entry {own}")
    if not includes(point.root, point.size, seq, leaf_hash(body.encode()), path):  # 3
        raise LedgerError(f"the proof does not hold: entry {seq} (SHA-256 {hashlib.sha256(body.encode()).hexdigest()[:16]}) is not in the tree "
                          f"of {point.size:,} entries that was signed")
    return Proven(seq, body, point)


def origin_of(proof: bytes) -> str:
    """Of which ledger a proof says that it is; nothing is checked.

    Raises:
        LedgerError: it is no proof.
    """
    try:
        return str(orjson.loads(proof)["checkpoint"]).partition("\n")[0]
    except (ValueError, KeyError, TypeError) as error:
        raise LedgerError("it is no proof: JSON with seq, body, proof and checkpoint, as `pacing audit prove` writes it") from error
