"""The ledger on a real Postgres: gapless under concurrency, exact bytes, append-only for everyone."""

import os
import threading
from contextlib import suppress
from datetime import UTC, datetime

import orjson
import pytest
from sqlalchemy import select, text

from audit import clock, ledger, tables
from audit.database import Database, raw
from audit.ledger import Entry
from audit.merkle import leaf_hash
from pacing_brain.errors import DatabaseRefused, LedgerError
from tests.unit.audit.merkle_reference import reference_root

AT = datetime(2026, 5, 21, 8, tzinfo=UTC)
DEEP = os.environ.get("PACING_TEST_DEEP") == "1"


def entries(count, subject="F1"):
    return [Entry("campaign_decided", subject, {"n": number}) for number in range(count)]


def append(database, count, subject="F1", run_id="r1"):
    with database.transaction() as connection:
        return ledger.append(connection, run_id, entries(count, subject), AT)


def test_entries_are_numbered_from_zero(database):
    """The first entry is number 0, appends go on where the last one ended, and no entries are no append."""
    assert append(database, 3) == range(3)
    assert append(database, 0) == range(3, 3)
    assert append(database, 2) == range(3, 5)
    with database.transaction() as connection:
        assert ledger.head(connection).size == 5


def test_the_body_repeats_in_columns_what_it_says(database):
    """Columns and bytes agree, the leaf is that of the bytes, and odd text survives."""
    odd = "F\x00\U0001f642<!channel>\u202e"
    with database.transaction() as connection:
        ledger.append(connection, "r1", [Entry("row_quarantined", odd, {"value": odd})], AT)
    with database.transaction() as connection:
        (entry,) = ledger.read(connection, subject=odd)
    content = orjson.loads(entry.body)
    assert (content["subject"], content["value"]) == (odd, odd)
    assert (entry.seq, entry.at, entry.run_id, entry.kind) == (content["seq"], AT, "r1", content["kind"])
    assert entry.subject == odd.replace("\x00", "\ufffd")
    assert entry.leaf == leaf_hash(entry.body)


@pytest.mark.deep
def test_concurrent_writers_leave_no_gap(fresh_database, admin):
    """Eight writers, of whose transactions one in twenty is rolled back, leave no gap, and the root is the reference's."""
    class Undone(Exception):
        pass

    turns = 200 if DEEP else 20

    def undo_one_in_twenty(turn):
        if turn % 20 == 7:
            raise Undone

    def write(name):
        own = Database(fresh_database.app, pool_size=1)
        for turn in range(turns):
            try:
                with own.transaction() as connection:
                    ledger.append(connection, name, entries(turn % 5 + 1, name), AT)
                    undo_one_in_twenty(turn)
            except Undone:
                continue
        own.close()

    writers = [threading.Thread(target=write, args=(f"w{number}",)) for number in range(8)]
    for writer in writers:
        writer.start()
    for writer in writers:
        writer.join()
    with admin.transaction() as connection:
        found = list(ledger.read(connection))
        head = ledger.head(connection)
    assert [entry.seq for entry in found] == list(range(len(found))) == list(range(head.size))
    assert len(found) == 8 * sum(turn % 5 + 1 for turn in range(turns) if turn % 20 != 7)
    assert head.root == reference_root([entry.body for entry in found]).hex()


def test_reading_picks_and_orders(database):
    """Entries are picked by kind, subject, run and number, from either end."""
    append(database, 3, "F1")
    append(database, 2, "F2", "r2")
    with database.transaction() as connection:
        def seqs(**which):
            return [entry.seq for entry in ledger.read(connection, **which)]

        assert seqs() == [0, 1, 2, 3, 4]
        assert seqs(subject="F2") == seqs(run_id="r2") == [3, 4]
        assert seqs(after_seq=1, limit=2) == [2, 3]
        assert seqs(newest_first=True, limit=1) == [4]
        assert seqs(kinds=["run_opened"]) == []
        assert seqs(standing=True) == []


def test_a_refused_entry_leaves_nothing(database):
    """One entry of an unknown kind undoes the whole append."""
    with pytest.raises(LedgerError), database.transaction() as connection:
        ledger.append(connection, "r1", [*entries(2), Entry("guessed", "F1")], AT)
    assert append(database, 1) == range(1)


@pytest.mark.parametrize("statement", ["UPDATE pacing.{0} SET {1} = {1}", "DELETE FROM pacing.{0}", "TRUNCATE pacing.{0} CASCADE"])
@pytest.mark.parametrize("table", tables.APPEND_ONLY, ids=lambda table: table.name)
def test_append_only_is_true_for_the_superuser_too(admin, table, statement):
    """UPDATE, DELETE and TRUNCATE are refused to a superuser, with session_replication_role = replica too."""
    def attempt(role):
        with admin.transaction() as connection:
            connection.execute(text(f"SET LOCAL session_replication_role = {role}"))
            connection.execute(text(statement.format(table.name, next(iter(table.columns)).name)))

    for role in ("origin", "replica"):
        with pytest.raises(LedgerError, match="append-only"):
            attempt(role)


@pytest.mark.parametrize("statement", [
    "UPDATE pacing.ledger_entries SET kind = kind", "DELETE FROM pacing.ledger_entries", "TRUNCATE pacing.ledger_entries",
    "UPDATE pacing.ledger_head SET ledger_id = gen_random_uuid()", "ALTER TABLE pacing.ledger_entries DISABLE TRIGGER append_only",
    "INSERT INTO pacing.clock_offset (shift) VALUES ('1 hour')", "DROP TABLE pacing.ledger_entries", "CREATE TABLE pacing.mine ()",
    "INSERT INTO pacing.ledger_entries SELECT * FROM pacing.ledger_entries", "UPDATE pacing.ledger_head SET size = size",
    "SELECT * FROM pacing.ledger_head FOR UPDATE", "SELECT pacing.withhold(0, 'because')", "SELECT pacing.detach('2026-05-01', 1, 'f', 'd')",
    "SELECT pacing.make_month(now())", "SET ROLE pacing_owner", "SET session_replication_role = replica"])
def test_the_application_has_no_right_to_it(database, statement):
    """The application's login is refused by its rights already, before any trigger."""
    with pytest.raises(DatabaseRefused), database.transaction() as connection:
        connection.execute(text(statement))


@pytest.mark.parametrize("steps", [[1] * 40, [7, 1, 9, 31, 64, 2], [300, 5]], ids=str)
def test_the_servers_frontier_is_the_references(database, steps):
    """However many entries an append has, the head that the server makes has the reference's root, and each entry its bytes' leaf."""
    for count in steps:
        append(database, count)
    with database.transaction() as connection:
        found = list(ledger.read(connection))
        assert ledger.head(connection).root == reference_root([entry.body for entry in found]).hex()
    assert all(entry.leaf == leaf_hash(entry.body) for entry in found)


def test_a_large_append_is_one(database, monkeypatch):
    """What is more than is sent at a time is numbered through, in one transaction."""
    monkeypatch.setattr(ledger, "APPEND_ENTRIES", 3)
    assert append(database, 8) == range(8)
    with database.transaction() as connection:
        assert [(entry.seq, entry.content["n"]) for entry in ledger.read(connection)] == [(number, number) for number in range(8)]


ODD_CALLS = {"a list is shorter": "ARRAY['k'], ARRAY['s'], ARRAY['a'::bytea, 'b'], ARRAY['c'::bytea]", "nothing": "NULL, NULL, NULL, NULL",
             "no kind": "ARRAY[NULL], ARRAY['s'], ARRAY['a'::bytea], ARRAY['c'::bytea]", "half a body": "ARRAY['k'], ARRAY['s'], ARRAY['a'::bytea], ARRAY[NULL::bytea]"}


@pytest.mark.parametrize("arguments", ODD_CALLS.values(), ids=ODD_CALLS)
def test_an_append_by_halves_leaves_nothing(database, arguments):
    """Called otherwise than `ledger.append` calls it, the server's function refuses, or writes nothing; numbers go on without a gap."""
    with suppress(DatabaseRefused), database.transaction() as connection:
        connection.exec_driver_sql(f"SELECT pacing.append('r', now(), {arguments})")
    assert append(database, 1) == range(1)


def test_each_month_is_a_partition_of_its_own(database, admin):
    """Entries stand in the partition of their month, in UTC, made when it is first needed; numbers go on across months."""
    instants = [datetime(2026, 5, 31, 23, 59, 59, 999999, tzinfo=UTC), datetime(2026, 6, 1, tzinfo=UTC), datetime(2026, 5, 31, 12, tzinfo=UTC)]
    for at in instants:
        with database.transaction() as connection:
            connection.exec_driver_sql("SET LOCAL timezone = 'Pacific/Kiritimati'")
            ledger.append(connection, None, entries(1), at)
    with admin.transaction() as connection:
        stands = connection.exec_driver_sql("SELECT seq, tableoid::regclass::text FROM pacing.ledger_entries ORDER BY seq").all()
    assert [tuple(row) for row in stands] == list(enumerate(["pacing.ledger_entries_2026_05", "pacing.ledger_entries_2026_06", "pacing.ledger_entries_2026_05"]))


@pytest.mark.parametrize("statement", ["UPDATE {0} SET body = NULL, subject = ''", "DELETE FROM {0}", "TRUNCATE {0}"])
@pytest.mark.parametrize("role", ["postgres", "pacing_owner"])
@pytest.mark.parametrize("table", ["pacing.ledger_entries", "pacing.ledger_entries_2026_05"])
def test_no_entry_changes_in_any_partition(database, admin, table, role, statement):
    """As superuser and as owner, on the table and on a partition, an entry of which no other says that it is withheld stays as it is."""
    append(database, 2)
    for replication in ("origin", "replica") if role == "postgres" else ("origin",):
        script = f"SET LOCAL session_replication_role = {replication}; SET LOCAL ROLE {role}; {statement.format(table)}"
        with pytest.raises(LedgerError, match="append-only"), admin.transaction() as connection:
            raw(connection).execute(script)


def test_the_head_only_grows(admin, database):
    """A head cannot be set back, deleted, or given a frontier that does not fit its size; not by the superuser either."""
    append(database, 3)
    for statement in ("UPDATE pacing.ledger_head SET size = 2, frontier = substr(frontier, 1, 32)", "UPDATE pacing.ledger_head SET size = 4",
                      "DELETE FROM pacing.ledger_head", "TRUNCATE pacing.ledger_head"):
        with pytest.raises(LedgerError), admin.transaction() as connection:
            connection.execute(text(statement))


def test_an_export_holds_the_exact_bytes(database, tmp_path):
    """entries.jsonl has one line per entry, in order, with the text that was hashed; nothing else is written."""
    append(database, 5)
    head = ledger.export(database, tmp_path / "out")
    lines = [orjson.loads(line) for line in (tmp_path / "out" / "entries.jsonl").read_bytes().splitlines()]
    assert [line["seq"] for line in lines] == list(range(5))
    assert all(leaf_hash(line["body"].encode()).hex() == line["leaf"] for line in lines)
    assert reference_root([line["body"].encode() for line in lines]).hex() == head.root
    assert [path.name for path in (tmp_path / "out").iterdir()] == ["entries.jsonl"]


def test_an_export_tells_where_it_cannot_write(database, tmp_path):
    """An export into a file instead of a directory is one line that names it."""
    (tmp_path / "file").write_text("")
    with pytest.raises(LedgerError, match="file"):
        ledger.export(database, tmp_path / "file")


def test_the_clock_is_the_databases(database, admin):
    """pacing_now() is the time, can be shifted by the owner only, and says that it is."""
    with database.transaction() as connection:
        real = clock.now(connection)
        assert not clock.is_shifted(connection)
    with admin.transaction() as connection:
        clock.set_offset(connection, datetime(2026, 5, 21, tzinfo=UTC) - real)
    with database.transaction() as connection:
        assert clock.is_shifted(connection)
        assert abs((clock.now(connection) - datetime(2026, 5, 21, tzinfo=UTC)).total_seconds()) < 60
        assert connection.execute(select(tables.clock_offset)).one().one is True
    with admin.transaction() as connection:
        clock.set_offset(connection, None)
        assert not clock.is_shifted(connection)
