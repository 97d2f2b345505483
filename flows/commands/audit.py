"""What `pacing audit show` and `pacing audit export` do."""

from pathlib import Path
from typing import Any

from audit import exports, ledger
from audit.stats import concerns
from flows import views
from flows.anchoring import anchor
from flows.commands.run import read_as_of
from flows.commands.record import open_record
from flows.verifying import verifier_of
from flows.settings import Settings
from flows.views.audit import entries_report
from pacing_brain.errors import UsageError


def audit_show(*, kind: str | None, subject: str | None, run_id: str | None, last: int, as_json: bool, campaign: str | None = None,
               since: str | None = None, until: str | None = None) -> int:
    """The newest entries of the ledger, oldest of them first."""
    if kind is not None and kind not in ledger.KINDS:
        raise UsageError(f"--kind {kind!r} is no kind of entry. There are: {', '.join(sorted(ledger.KINDS))}")
    first, end = (read_as_of(text, option) if text else None for text, option in ((since, "--from"), (until, "--to")))
    with open_record(Settings.read()) as house, house.database.transaction() as connection:
        head = ledger.head(connection)
        entries = ledger.read(connection, kinds=[kind] if kind else (), subject=subject, run_id=run_id, since=first, until=end, newest_first=True,
                              limit=None if campaign else last)
        found = [one for one in entries if campaign is None or concerns(one, campaign)][:last][::-1]
    known: dict[str, Any] = {"ledger_id": head.ledger_id, "size": head.size, "root": head.root,
                             "entries": [{"leaf": one.leaf.hex(), **one.content} for one in found]}
    views.emit(known) if as_json else views.show(entries_report(known))
    return 0


def audit_export(*, to: Path, as_json: bool) -> int:
    """Every entry with the exact bytes that were hashed, the checkpoints, the public key and a verifier, into a new or empty folder."""
    if to.exists() and (not to.is_dir() or any(to.iterdir())):
        raise UsageError(f"--to {to} is not an empty folder: an export never mixes with another. Name a new one.")
    with open_record(Settings.read()) as house:
        anchored = anchor(house)
        head = exports.export(house.database, house.anchors, verifier_of(house, None), to)
    written = {"to": str(to), "ledger_id": head.ledger_id, "size": head.size, "root": head.root, "anchor": anchored}
    if as_json:
        views.emit(written)
    else:
        views.show(views.pairs(("written", f"{head.size:,} entries to {to / 'entries.jsonl'}"), ("to check it", f"python {to / 'verify.py'} {to}"),
                               ("ledger", head.ledger_id), ("root", head.root)))
    return 0
