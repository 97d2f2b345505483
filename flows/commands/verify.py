"""What `pacing audit verify`, `checkpoint`, `prove`, `verify-proof` and `stats` do."""

import sys
from datetime import timedelta
from pathlib import Path
from typing import Any

from audit import keys, ledger, proofs, stats
from audit.anchors import anchor
from audit.checkpoint import Signer, Verifier
from audit.verify import Verified
from flows import logs, views
from flows.commands.run import read_as_of
from flows.commands.record import open_record
from flows.settings import Settings
from flows.verifying import key_of, notes, verified, verifier_of
from flows.views.audit import stats_report, verified_report
from pacing_brain.errors import LedgerError, UsageError


def audit_verify(*, anchors: list[Path], key: Path | None, max_age_hours: float, inputs: bool, incremental: bool, as_json: bool) -> int:
    """0 when the ledger is what was anchored; 1 else, or when no anchor is young enough to say so."""
    with open_record(Settings.read()) as house:
        found = verified(house, full=not incremental, anchors=anchors, key=key, max_age=timedelta(hours=max_age_hours), inputs=inputs)
        known = _known(found) | {"anchor_dir": str(house.anchors.directory), "same_machine": house.anchors.same_machine and not anchors}
    views.emit(known) if as_json else views.show(verified_report(known))
    if not found.ok:
        logs.warn(f"the ledger does not verify: {found.findings[0].line}")
    return 0 if found.ok else 1


def audit_checkpoint(*, as_json: bool) -> int:
    """Sign the ledger as it is now, and keep the checkpoint where anchors are kept."""
    with open_record(Settings.read()) as house:
        made = anchor(house.database, house.anchors, house.signing_key())
        if made is None:
            raise LedgerError("the ledger is empty: there is nothing to sign")
        known = {"size": made.checkpoint.size, "root": made.checkpoint.root.hex(), "file": str(made.path), "new": made.new,
                 "note": made.path.read_text("utf-8"), "verifier": verifier_of(house, None).text, "same_machine": house.anchors.same_machine}
    if as_json:
        views.emit(known)
    else:
        sys.stdout.write(str(known["note"]))  # the note as it is: it can be sent on
        logs.warn(f"{'written to' if made.new else 'nothing new; it is'} {made.path}")
    return 0


def audit_prove(seq: int, *, to: Path | None) -> int:
    """A proof that an entry is on the ledger that was anchored; to a file, or to stdout."""
    with open_record(Settings.read()) as house, house.database.transaction() as connection:
        proof = proofs.prove(connection, seq, notes(house, []), [verifier_of(house, None)])
    if to is None:
        sys.stdout.write(proof.decode())
        return 0
    try:
        to.write_bytes(proof)
    except OSError as error:
        raise LedgerError(f"cannot write {to}: {error.strerror}. Choose another --to.") from error
    return 0


def audit_verify_proof(file: Path, *, key: Path | None, as_json: bool) -> int:
    """Whether a proof holds. It needs no database: the public key is given, or made from the key of this home."""
    try:
        proof = file.read_bytes()
    except OSError as error:
        raise UsageError(f"cannot read {file}: {error.strerror}") from error
    shown = proofs.check(proof, [key_of(key) if key else _own_key(proof)])
    known = {"seq": shown.seq, "size": shown.checkpoint.size, "root": shown.checkpoint.root.hex(), "origin": shown.checkpoint.origin, "body": shown.body}
    if as_json:
        views.emit(known)
    else:
        views.show(views.pairs(("proven", f"entry {shown.seq:,} is on the ledger of {shown.checkpoint.size:,} entries that {shown.checkpoint.origin} signed"),
                               ("root", known["root"]), ("entry", shown.body)))
    return 0


def audit_stats(*, campaign: str | None, run_id: str | None, since: str | None, until: str | None, kind: str | None, as_json: bool) -> int:
    """Decisions, answers and their delays in figures."""
    if kind is not None and kind not in ledger.KINDS:
        raise UsageError(f"--kind {kind!r} is no kind of entry. There are: {', '.join(sorted(ledger.KINDS))}")
    first, end = (read_as_of(text, option) if text else None for text, option in ((since, "--from"), (until, "--to")))
    with open_record(Settings.read()) as house, house.database.snapshot() as connection:
        entries = ledger.read(connection, kinds=[kind] if kind else stats.KINDS, run_id=run_id, since=first, until=end)
        found = stats.count(entries, campaign=campaign)
    views.emit(found) if as_json else views.show(stats_report(found))
    return 0


def _own_key(proof: bytes) -> Verifier:
    """The key of this home under the name that the proof's checkpoint claims: a signature of another key does not hold under it."""
    settings = Settings.read()
    own = keys.read(settings.signing_key_file or settings.home / "keys" / keys.FILE)
    return Signer(proofs.origin_of(proof), own).verifier


def _known(found: Verified) -> dict[str, Any]:
    findings = [{"step": one.step, "what": one.what, "first_bad": one.first_bad, "anchor": one.anchor} for one in found.findings]
    return {"ok": found.ok, "ledger_id": found.ledger_id, "size": found.size, "root": found.root, "anchors": found.anchors, "anchored": found.anchored,
            "anchored_at": found.anchored_at, "not_anchored": found.size - min(found.anchored, found.size), "findings": findings}
