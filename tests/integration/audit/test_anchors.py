"""Anchors: what was sealed is signed and kept outside the database, and a database that is not what was anchored is not signed for."""

import threading
from datetime import UTC, datetime

import pytest
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey
from sqlalchemy import text

from audit import ledger
from audit.anchors import AnchorStore, anchor
from audit.checkpoint import Verifier, read_checkpoint
from audit.database import Database
from audit.ledger import Entry
from audit.merkle import Frontier, leaf_hash
from pacing_brain.errors import LedgerError

AT = datetime(2026, 5, 21, 8, tzinfo=UTC)
KEY = Ed25519PrivateKey.from_private_bytes(bytes(32))


def append(database, count):
    with database.transaction() as connection:
        return ledger.append(connection, "r1", [Entry("campaign_decided", "F1", {"n": number}) for number in range(count)], AT)


@pytest.fixture
def store(tmp_path):
    return AnchorStore(tmp_path / "anchors")


@pytest.fixture
def forced(admin):
    """Runs a statement as the superuser with the triggers that protect the record switched off."""
    def run(*statements):
        with admin.transaction() as connection:
            for table in ("ledger_entries", "ledger_head"):
                connection.execute(text(f"ALTER TABLE pacing.{table} DISABLE TRIGGER ALL"))
            for statement in statements:
                connection.execute(text(statement))

    return run


def test_an_anchor_is_a_signed_checkpoint_in_a_file(database, store):
    """The file names its size, opens with the key beside it, and holds the ledger's root; an empty ledger has none."""
    assert anchor(database, store, KEY) is None
    append(database, 5)
    made = anchor(database, store, KEY)
    with database.transaction() as connection:
        head = ledger.head(connection)
    verifier = Verifier.parse((store.directory / "verifier.txt").read_text())
    assert verifier.name == f"pacing-monitor/{head.ledger_id}"
    assert read_checkpoint((store.directory / "5.txt").read_text(), [verifier]) == made.checkpoint
    assert (made.checkpoint.size, made.checkpoint.root.hex(), made.new) == (5, head.root, True)
    assert sorted(path.name for path in store.directory.iterdir()) == ["5.frontier", "5.txt", "verifier.txt"]


def test_anchoring_again_adds_what_is_new(database, store):
    """Nothing new is no new anchor; entries since make another, and the old one stays as it was."""
    append(database, 3)
    anchor(database, store, KEY)
    before = (store.directory / "3.txt").read_bytes()
    assert anchor(database, store, KEY).new is False
    append(database, 4)
    assert anchor(database, store, KEY).checkpoint.size == 7
    assert [path.name for path in store.files()] == ["3.txt", "7.txt"]
    assert (store.directory / "3.txt").read_bytes() == before


def test_the_frontier_beside_an_anchor_is_not_trusted(database, store):
    """Without it, or with a false one, the tree is built from the first leaf on and the anchor is the same."""
    append(database, 3)
    anchor(database, store, KEY)
    false = Frontier()
    false.extend(leaf_hash(bytes([number])) for number in range(3))
    for frontier in ("", "zz", false.to_bytes().hex()):
        (store.directory / "3.frontier").write_text(frontier)
        append(database, 1)
        assert anchor(database, store, KEY).checkpoint.root.hex() == root_of(database)
        (store.files()[-1]).unlink()


def root_of(database):
    with database.transaction() as connection:
        return ledger.head(connection).root


def test_several_signers_at_once_make_one_line_of_anchors(database, store, fresh_database):
    """Signers that start together while entries are added leave anchors that all stand, and no unfinished file."""
    failed = []

    def work():
        own = Database(fresh_database.app, pool_size=1)
        try:
            for _ in range(5):
                append(own, 2)
                anchor(own, store, KEY)
        except LedgerError as error:
            failed.append(error)
        own.close()

    threads = [threading.Thread(target=work) for _ in range(4)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert failed == []
    assert int(store.files()[-1].stem) == 40
    with database.transaction() as connection:
        leaves = list(ledger.leaves(connection, 0, 40))
    for path in store.files():
        frontier = Frontier()
        frontier.extend(leaves[:int(path.stem)])
        assert read_checkpoint(path.read_text(), [Verifier.parse((store.directory / "verifier.txt").read_text())]).root == frontier.root()
    assert not [path for path in store.directory.iterdir() if path.suffix == ".part"]


@pytest.mark.parametrize("beside", [True, False], ids=["frontier kept", "frontier lost"])
def test_a_changed_ledger_is_not_signed_for(database, store, forced, beside):
    """An older copy, a leaf changed since, or before when nothing is kept beside the anchor: refused, and no file is written."""
    append(database, 4)
    anchor(database, store, KEY)
    if not beside:
        (store.directory / "4.frontier").unlink()
    append(database, 2)
    forced("UPDATE pacing.ledger_entries SET leaf = sha256('x') WHERE seq = 5")
    with pytest.raises(LedgerError, match="do not make the ledger's root"):
        anchor(database, store, KEY)
    if not beside:
        forced("UPDATE pacing.ledger_entries SET leaf = sha256('x') WHERE seq = 1")
        with pytest.raises(LedgerError, match="first 4 entries are not those"):
            anchor(database, store, KEY)
    assert [path.name for path in store.files()] == ["4.txt"]


def test_a_database_behind_its_anchor_is_not_signed_for(database, store, forced):
    """Entries that are gone, with a head that fits, are found out by the anchor, which is named."""
    append(database, 4)
    with database.transaction() as connection:
        before = ledger.ledger_head.select()
        size, frontier = connection.execute(before).one()[2:]
    append(database, 3)
    anchor(database, store, KEY)
    forced("DELETE FROM pacing.ledger_entries WHERE seq >= 4", f"UPDATE pacing.ledger_head SET size = {size}, frontier = '\\x{bytes(frontier).hex()}'")
    with pytest.raises(LedgerError, match=r"has 4 entries, but .*7\.txt was signed for 7"):
        anchor(database, store, KEY)


def test_another_ledger_or_key_is_not_signed_for(database, store, forced):
    """A database put in this one's place, another key, a renamed and a damaged anchor are each refused by name."""
    append(database, 4)
    anchor(database, store, KEY)
    append(database, 1)
    with pytest.raises(LedgerError, match="no known key"):
        anchor(database, store, Ed25519PrivateKey.generate())
    kept = (store.directory / "4.txt").rename(store.directory / "6.txt")
    with pytest.raises(LedgerError, match=r"6\.txt holds a checkpoint of 4"):
        anchor(database, store, KEY)
    note = kept.read_text()
    kept.rename(store.directory / "4.txt").write_text(note.replace("\n4\n", "\n3\n"))
    with pytest.raises(LedgerError, match=r"4\.txt is not good"):
        anchor(database, store, KEY)
    (store.directory / "4.txt").write_text(note)
    forced("UPDATE pacing.ledger_head SET ledger_id = gen_random_uuid()")
    with pytest.raises(LedgerError, match="another database"):
        anchor(database, store, KEY)


def test_where_anchors_cannot_be_written_is_said(database, tmp_path):
    """A directory that is a file is one line that names it."""
    append(database, 1)
    (tmp_path / "file").write_text("")
    with pytest.raises(LedgerError, match="file"):
        anchor(database, AnchorStore(tmp_path / "file"), KEY)
