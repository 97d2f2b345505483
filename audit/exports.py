"""A copy of the ledger that a stranger can verify: entries, checkpoints, the public key and a program that checks them."""

from pathlib import Path

from audit import ledger
from audit.anchors import VERIFIER_FILE, AnchorStore
from audit.checkpoint import Verifier
from audit.database import Database
from audit.ledger import Head
from pacing_brain.errors import LedgerError

PROGRAM = Path(__file__).parent / "standalone" / "verify.py"


def export(database: Database, store: AnchorStore, verifier: Verifier, directory: Path) -> Head:
    """Write `entries.jsonl`, `checkpoints/<size>.txt`, `verifier.txt` and `verify.py`. Returns what was written.

    The checkpoints are the anchors that are there; later entries than the newest one covers are written too.

    Raises:
        LedgerError: the directory cannot be written to, or the ledger has a gap.
    """
    head = ledger.export(database, directory)
    try:
        (directory / "checkpoints").mkdir(exist_ok=True)
        for anchor in store.files():
            if int(anchor.stem) <= head.size:
                (directory / "checkpoints" / anchor.name).write_bytes(anchor.read_bytes())
        (directory / VERIFIER_FILE).write_text(verifier.text + "\n", encoding="utf-8")
        (directory / PROGRAM.name).write_bytes(PROGRAM.read_bytes())
    except OSError as error:
        raise LedgerError(f"cannot export to {directory}: {error.strerror}. Choose another --to.") from error
    return head
