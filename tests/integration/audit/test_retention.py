"""What may be taken away again: one body (withhold), a month's bodies (detach). An entry says so first, and everything still verifies."""

import hashlib
from datetime import UTC, date, datetime, timedelta

import orjson
import pyarrow.parquet as pq
import pytest
from sqlalchemy import text

from audit import clock, ledger, retention
from audit.anchors import AnchorStore, anchor
from audit.database import raw
from audit.withheld import KEPT_KINDS
from pacing_brain.errors import DatabaseRefused, LedgerError
from tests.integration.audit.tampering import KEY, Record, build

DECISION = 4  # of the first run


@pytest.fixture
def record(database, admin, tmp_path):
    return build(database, admin, AnchorStore(tmp_path / "anchors"))


def owner(record, statement, **values):
    with record.admin.transaction() as connection:
        return connection.execute(text(statement), values).scalar_one()


def entry(record, seq):
    with record.database.transaction() as connection:
        (found,) = ledger.read(connection, after_seq=seq - 1, limit=1)
    return found


def test_a_withheld_body_is_gone_and_everything_verifies(record):
    """Body and subject are gone, the leaf stays, an entry says why and who; anchors from before and after hold."""
    before = entry(record, DECISION)
    said = entry(record, owner(record, "SELECT pacing.withhold(:seq, 'asked for by \"F1\"', '{\"person\": \"os:dpo\"}')", seq=DECISION))
    after = entry(record, DECISION)
    assert (after.body, after.subject, after.leaf, after.kind) == (None, "", before.leaf, before.kind)
    assert after.content["body_gone"]
    assert (said.kind, said.subject) == ("body_withheld", f"entry {DECISION}")
    assert (said.content["entry"], said.content["reason"], said.content["by"]) == (DECISION, 'asked for by "F1"', {"person": "os:dpo"})
    anchor(record.database, record.store, KEY)
    found = record.verify()
    assert (found.findings, found.without_body) == ((), 1)


@pytest.mark.parametrize(("seq", "reason", "said"), [
    (DECISION, "", "no reason"), (99, "why", "there is none"), (0, "why", "others are verified by policy_adopted")])
def test_what_cannot_be_withheld(record, seq, reason, said):
    """Without a reason, what is not there, and what other entries are verified by: refused, and nothing is written."""
    with pytest.raises(LedgerError, match=said):
        owner(record, "SELECT pacing.withhold(:seq, :reason)", seq=seq, reason=reason)
    assert record.verify().without_body == 0


def test_a_body_is_withheld_once(record):
    """The second time it is said that it is gone already."""
    owner(record, "SELECT pacing.withhold(:seq, 'once')", seq=DECISION)
    with pytest.raises(LedgerError, match="not here any more"):
        owner(record, "SELECT pacing.withhold(:seq, 'twice')", seq=DECISION)


def test_a_body_that_is_gone_without_an_entry_is_found_out(record):
    """Bodies dropped past the triggers are named, of withheld kinds and of those that are never withheld."""
    record.force("UPDATE pacing.ledger_entries SET body = NULL WHERE seq IN (1, :seq)", seq=DECISION)
    found = [finding for finding in record.verify().findings if finding.step == 3]
    assert [finding.first_bad for finding in found] == [1, DECISION]
    assert "no entry says why" in found[0].what


def test_the_entry_alone_lets_nothing_else_through(record):
    """Once an entry is said to be withheld, its row may lose body and subject, and nothing else of it may change."""
    with record.database.transaction() as connection:
        ledger.append(connection, None, [ledger.Entry("body_withheld", f"entry {DECISION}", {"entry": DECISION})], datetime.now(UTC))
    for change in ("leaf = sha256('x')", "body = 'x'", "body = NULL", "body = NULL, subject = '', kind = 'k'"):
        script = f"SET LOCAL ROLE pacing_owner; UPDATE pacing.ledger_entries SET {change} WHERE seq = {DECISION}"
        with pytest.raises(LedgerError, match="append-only"), record.admin.transaction() as connection:
            raw(connection).execute(script)


def test_both_sides_know_the_same_kinds(admin):
    """The kinds that keep their bodies are the same in the server and in verify."""
    with admin.transaction() as connection:
        kept = {kind for kind in ledger.KINDS if connection.execute(text("SELECT pacing.holds_the_record(:kind)"), {"kind": kind}).scalar_one()}
    assert kept == KEPT_KINDS


@pytest.fixture
def of_may(database, admin, tmp_path):
    """Two months of entries, anchored; the second one still runs."""
    for month in (5, 6):
        with database.transaction() as connection:
            made = [ledger.Entry("policy_adopted", "p"), *[ledger.Entry("campaign_decided", f"F{number}", {"n": number}) for number in range(3)]]
            ledger.append(connection, None, made, datetime(2026, month, 21, tzinfo=UTC))
    with admin.transaction() as connection:
        clock.set_offset(connection, datetime(2026, 6, 22, tzinfo=UTC) - datetime.now(UTC))
    store = AnchorStore(tmp_path / "anchors")
    anchor(database, store, KEY)
    return Record(database, admin, store, [8])


def test_a_month_goes_to_a_file(of_may, tmp_path):
    """The file holds every byte that the ledger lets go, its digest stands on the ledger; before and after everything verifies."""
    before = [entry(of_may, seq) for seq in range(8)]
    made = retention.detach(of_may.admin, date(2026, 5, 3), tmp_path / "kept", {"person": "os:dba"})
    rows = pq.read_table(made.path).to_pylist()
    assert [(row["seq"], row["body"], row["leaf"]) for row in rows] == [(one.seq, one.body, one.leaf) for one in before[:4]]
    assert made.sha256 == hashlib.sha256(made.path.read_bytes()).hexdigest()
    said = entry(of_may, made.seq).content
    assert (said["file"], said["file_sha256"], said["by"]) == ("2026-05.parquet", made.sha256, {"person": "os:dba"})
    assert [entry(of_may, seq).body is None for seq in range(8)] == [False, True, True, True, False, False, False, False]
    found = of_may.verify(now=datetime(2026, 6, 22, tzinfo=UTC), limit=timedelta(days=9))
    assert ([finding for finding in found.findings if finding.step != 8], found.without_body) == ([], 3)


@pytest.mark.parametrize(("month", "said"), [("2026-04", "no entries of 2026-04"), ("2026-06", "not over"), ("2026-05", "there already")])
def test_a_month_that_cannot_go(of_may, tmp_path, month, said):
    """A month without entries, one that still runs, and a file that is there are refused; no file is left, nothing is let go."""
    (tmp_path / "2026-05.parquet").write_text("kept")
    with pytest.raises(LedgerError, match=said):
        retention.detach(of_may.admin, retention.read_month(month), tmp_path, {})
    assert [path.name for path in tmp_path.glob("*.parquet")] == ["2026-05.parquet"]
    assert entry(of_may, 1).body is not None


def test_the_application_may_take_nothing_away(of_may, tmp_path):
    """With the application's login both are refused by its rights."""
    with pytest.raises(DatabaseRefused):
        retention.withhold(of_may.database, 1, "why", {})
    with pytest.raises(DatabaseRefused):
        retention.detach(of_may.database, date(2026, 5, 1), tmp_path, {})


def test_a_detached_month_keeps_its_leaves(database, admin):
    """A month's partition is replaced by one without bodies, with the same triggers; later months are as they were, and appends go on."""
    for month in (5, 6):
        with database.transaction() as connection:
            made = [ledger.Entry("run_opened", "r1"), *[ledger.Entry("campaign_decided", f"F{number}") for number in range(3)]]
            ledger.append(connection, "r1", made, datetime(2026, month, 21, tzinfo=UTC))
    with database.transaction() as connection:
        before, head = list(ledger.read(connection)), ledger.head(connection)
    for entries, said in ((3, "it has 4 entries, not 3"), (4, None), (4, "detached already")):
        statement = text(f"SELECT pacing.detach('2026-05-17', {entries}, '2026-05.parquet', 'ab')")
        if said:
            with pytest.raises(LedgerError, match=said), admin.transaction() as connection:
                connection.execute(statement)
        else:
            with admin.transaction() as connection:
                connection.execute(statement)
    with database.transaction() as connection:
        after = list(ledger.read(connection))
        ledger.append(connection, None, [ledger.Entry("silence_set", "F1")], datetime(2026, 5, 31, tzinfo=UTC))
        assert ledger.head(connection).size == head.size + 2
    assert [one.leaf for one in after[:8]] == [one.leaf for one in before]
    assert [one.seq for one in after if one.body is None] == [1, 2, 3]
    said = orjson.loads(after[8].body)
    assert (said["kind"], said["subject"], said["first"], said["last"], said["entries"]) == ("partition_detached", "2026-05", 0, 3, 4)
    for table in ("ledger_entries", "ledger_entries_2026_05"):
        with pytest.raises(LedgerError, match="append-only"), admin.transaction() as connection:
            connection.execute(text(f"UPDATE pacing.{table} SET kind = kind"))
