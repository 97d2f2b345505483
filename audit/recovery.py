"""A lawful restore: the old ledger is closed, a new one over what is left is opened, and the break is declared.

The entries stay where they are and keep their numbers; the ledger gets another id, so its checkpoints another origin. Its anchors stand in
`next/` beside those of the closed one, which stay as they are. Who has the database alone cannot do this: it takes the signing key and the
directory of the anchors too, and the signer goes by the newest of them.
"""

from collections.abc import Sequence
from contextlib import closing
from dataclasses import dataclass
from typing import Any

import orjson
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey
from sqlalchemy import Connection, func, select, text

from audit import ledger
from audit.anchors import SIGNER_LOCK, AnchorStore, anchor, read_anchor
from audit.checkpoint import ORIGIN, Checkpoint, Signer, Verifier, read_checkpoint
from audit.database import Database
from audit.identity import Identity
from audit.merkle import Frontier
from pacing_brain.errors import LedgerError

APPROVERS_NEEDED = 2


@dataclass(frozen=True)
class Break:
    """A declared one. kept: how many entries of the closed ledger are proven to be here still; lost_to: the size of its last anchor."""

    seq: int
    old_ledger: str
    new_ledger: str
    last_anchor: str
    kept: int
    lost_to: int
    people: frozenset[str]  # who acknowledged it

    @property
    def origin(self) -> str:
        return ORIGIN.format(ledger_id=self.old_ledger)

    def wrong_with(self, verifiers: Sequence[Verifier]) -> str | None:
        """Why this is no declaration that holds; none: it is."""
        try:
            point = read_checkpoint(self.last_anchor, [Verifier(self.origin, one.public) for one in verifiers])
        except LedgerError as error:
            return f"the anchor that entry {self.seq} cites is not good: {error}"
        if point.size != self.lost_to:
            return f"entry {self.seq} cites an anchor of {point.size:,} entries and says {self.lost_to:,}"
        missing = APPROVERS_NEEDED - len(self.people)
        return None if missing <= 0 else (f"the ledger was restored and recovered (entry {self.seq}): {max(self.lost_to - self.kept, 0):,} entries from {self.kept} on were "
                                          f"lost or are not what was anchored; {missing} of {APPROVERS_NEEDED} approvers have not acknowledged it yet (`pacing audit acknowledge`)")


def breaks(connection: Connection) -> list[Break]:
    """The declared breaks, oldest first."""
    people: dict[str, set[str]] = {}
    found = []
    for entry in ledger.read(connection, kinds=["ledger_recovered", "recovery_acknowledged"]):
        said = entry.content
        if entry.kind == "recovery_acknowledged":
            people.setdefault(entry.subject, set()).add(str(said["human"]))
        else:
            found.append((entry, said))
    return [Break(entry.seq, said["old_ledger"], entry.subject, said["last_anchor"], said["kept"], said["lost_to"], frozenset(people.get(entry.subject, ())))
            for entry, said in found]


def recover(admin: Database, store: AnchorStore, key: Ed25519PrivateKey, by: Identity, reason: str) -> Break:
    """Close the ledger and open a new one. store: of the ledger as it is now.

    1. the newest anchor is of this ledger (or of the one that an interrupted recovery closed), signed with this key
    2. the database is behind it, or is not what was anchored: else there is nothing to recover
    3. the largest anchor that still holds says what is kept
    4. the entry that cites all of it, and the new id, in one transaction
    5. the new ledger's first anchor

    Raises:
        LedgerError: there is nothing to recover, or the anchors are of another ledger.
    """
    with admin.transaction() as connection:
        connection.execute(select(func.pg_advisory_xact_lock(SIGNER_LOCK)))
        head, files, done = ledger.head(connection), store.files(), breaks(connection)
        if not files:
            raise LedgerError("there is no anchor: nothing says that anything was lost. Run `pacing audit checkpoint`.")
        begun = done[-1] if done and done[-1].new_ledger == head.ledger_id else None
        name = ORIGIN.format(ledger_id=head.ledger_id)
        if begun is None or files[-1].read_text("utf-8").startswith(name + "\n"):
            signer = Signer(name, key)
            points = [read_anchor(path, signer) for path in files]  # 1
            kept = _kept(connection, points, head.size)  # 3
            if kept == points[-1].size:  # 2
                raise LedgerError("the ledger has everything that was anchored: there is nothing to recover")
            facts = {"last_anchor": files[-1].read_text("utf-8"), "lost_to": points[-1].size, "kept": kept, "present": head.size, "present_root": head.root,
                     "reason": reason, "by": by.body}
            connection.execute(text("SELECT pacing.recover(CAST(:facts AS jsonb))"), {"facts": orjson.dumps(facts).decode()})  # 4
    anchor(admin, store.following, key)  # 5
    with admin.transaction() as connection:
        return breaks(connection)[-1]


def acknowledge(connection: Connection, human: str, by: dict[str, Any], reason: str, at: Any) -> Break:
    """Say of the newest break that an approver knows of it. human: the name that the policy gives them.

    Raises:
        LedgerError: there is no break.
    """
    found = breaks(connection)
    if not found:
        raise LedgerError("the ledger was never recovered: there is nothing to acknowledge")
    body = {"recovered_seq": found[-1].seq, "human": human, "by": by, "reason": reason}
    ledger.append(connection, None, [ledger.Entry("recovery_acknowledged", found[-1].new_ledger, body)], at)
    return breaks(connection)[-1]


def _kept(connection: Connection, points: Sequence[Checkpoint], size: int) -> int:
    """The size of the largest anchor whose entries are all here, as they were."""
    tree, kept = Frontier(), 0
    with closing(ledger.leaves(connection, 0, size)) as leaves:
        for point in points:
            if point.size > size:
                break
            while tree.size < point.size:
                tree.append(next(leaves))
            if tree.root() != point.root:
                break
            kept = point.size
    return kept
