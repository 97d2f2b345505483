"""kill -9 at every boundary of append, seal, sign and anchor: what is left verifies, and the next one goes on from it."""

import multiprocessing
import os
import signal
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest

from audit import anchors, ledger
from audit import seal as sealing
from audit.anchors import AnchorStore
from audit.checkpoint import Signer
from audit.database import Database
from audit.ledger import Entry
from audit.runs import Runs
from audit.seal import Seal
from tests.integration.audit.conftest import WINDOW
from tests.integration.audit.tampering import KEY, build
from tests.integration.audit.test_processes import DEEP

PLACES = {  # what dies: the owner of a function, its name, which call of it, before or after
    "before the append": (ledger, "append", 1, False), "after the append, not committed": (ledger, "append", 1, True),
    "after its commit": (Runs, "seal", 1, False), "in the seal, before its entries": (ledger, "append", 2, False),
    "in the seal, after its entries": (ledger, "append", 2, True), "in the seal, at its end": (sealing, "write", 1, True),
    "after the seal": (Runs, "seal", 1, True), "before it is signed": (anchors, "_extended", 1, True), "before the signature": (Signer, "line", 1, False),
    "after the signature": (Signer, "line", 1, True), "before the frontier is written": (anchors, "_write_once", 2, False),
    "after the frontier is written": (anchors, "_write_once", 2, True), "the note is half written": (os, "fsync", 3, False),
    "the note is not linked yet": (os, "link", 3, False), "the note is linked": (os, "link", 3, True), "before the directory is on the disk": (anchors, "_to_disk", 3, False),
    "after the anchor": (anchors, "_write_once", 3, True)}
USUAL = ["after the append, not committed", "in the seal, after its entries", "after the seal", "the note is half written", "the note is linked"]
_processes = multiprocessing.get_context("forkserver")
_processes.set_forkserver_preload([__name__])


def die_at(owner, name, call, after):
    real, calls = getattr(owner, name), 0

    def deadly(*args, **options):
        nonlocal calls
        calls += 1
        if calls == call and not after:
            os.kill(os.getpid(), signal.SIGKILL)
        result = real(*args, **options)
        if calls == call:
            os.kill(os.getpid(), signal.SIGKILL)
        return result

    setattr(owner, name, deadly)


def work(url, directory, run, place):
    """Go on with an open run: a shard, the seal, the anchor; die at a place."""
    database = Database(url, pool_size=2)
    handle = Runs(database).open(run)
    if place is not None:
        die_at(*PLACES[place])
    if handle.state != "sealed":
        Runs(database).record_shard(handle, 0, [Entry("campaign_decided", f"F{number}") for number in range(5)])
        Runs(database).seal(handle, Seal(summary={}))
    anchors.anchor(database, AnchorStore(Path(directory)), KEY)
    database.close()


def process(*arguments):
    child = _processes.Process(target=work, args=arguments)
    child.start()
    child.join(60)
    return child.exitcode


@pytest.mark.deep
@pytest.mark.parametrize("place", list(PLACES) if DEEP else USUAL)
def test_what_a_killed_process_leaves_verifies(place, database, admin, opening, fresh_database, tmp_path):
    """Killed there, the record verifies; started again, the run is sealed once, and a new anchor covers all of it."""
    record = build(database, admin, AnchorStore(tmp_path / "anchors"))
    (record.store.directory / "verifier.txt").unlink()  # so that each of the three files of an anchor is written
    window = WINDOW + timedelta(hours=4)
    run, directory = opening(window=window, as_of=window), str(record.store.directory)
    assert process(fresh_database.app, directory, run, place) == -signal.SIGKILL
    assert record.verify().findings == ()
    assert process(fresh_database.app, directory, run, None) == 0
    found = record.verify(now=datetime.now(UTC))
    assert (found.findings, found.anchored) == ((), found.size)
    with database.transaction() as connection:
        mine = [entry.kind for entry in ledger.read(connection, run_id=Runs(database).last_sealed().run_id)]
    assert (mine.count("campaign_decided"), mine.count("run_sealed")) == (5, 1)
