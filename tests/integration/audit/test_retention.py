"""What may be taken away again: one body (withhold), a month's bodies (detach). An entry says so first, and everything still verifies."""

from datetime import UTC, datetime

import orjson
import pytest
from sqlalchemy import text

from audit import ledger
from audit.anchors import AnchorStore, anchor
from audit.database import raw
from audit.withheld import KEPT_KINDS
from pacing_brain.errors import LedgerError
from tests.integration.audit.tampering import KEY, build

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
