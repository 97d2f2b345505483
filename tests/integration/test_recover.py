"""A database that was restored from a dump: refused, recovered by its owner, red until two approvers know of it."""

import json

import pytest
from sqlalchemy import text

from audit import identity
from audit.verify import Note
from pacing_brain.errors import LedgerError
from tests.integration.test_audit_commands import pacing, record  # noqa: F401  fixture

POLICY = """[approvals]
approvers = ["os:ann", "os:bob", "os:eve"]
[people]
ann = ["os:ann"]
bob = ["os:bob"]
"""


@pytest.fixture
def restored(record, fresh_database, tmp_path, monkeypatch):  # noqa: F811
    """The record as it was after its first run, beside all its anchors."""
    (tmp_path / "policy.toml").write_text(POLICY)
    monkeypatch.setenv("PACING_POLICY", str(tmp_path / "policy.toml"))
    record.force("DELETE FROM pacing.run_heartbeats", "DELETE FROM pacing.run_shards WHERE first_seq >= :size",
                 "DELETE FROM pacing.runs WHERE window_at > (SELECT min(window_at) FROM pacing.runs)",
                 "DELETE FROM pacing.ledger_entries WHERE seq >= :size", size=record.sizes[0])
    record.rehash()
    monkeypatch.setenv("PACING_DATABASE_ADMIN_URL", fresh_database.admin)
    return record


def test_a_restore_is_recovered_and_acknowledged(restored, fresh_database, monkeypatch):
    """Nothing is signed until the owner declares the break; then verify names it until two approvers acknowledged it; it is exported and goes on."""
    assert pacing("audit", "checkpoint").exit_code == 1
    shown = pacing("audit", "recover", "--as", "Ann", "--reason", "disk failed", "--json")
    assert shown.exit_code == 0, shown.stderr
    found = json.loads(shown.stdout)
    assert (found["kept"], found["lost_to"], found["seq"]) == (restored.sizes[0], restored.sizes[-1], restored.sizes[0])
    red = pacing("audit", "verify", "--json")
    assert [one["step"] for one in json.loads(red.stdout)["findings"]] == [9]
    assert "2 of 2 approvers" in json.loads(red.stdout)["findings"][0]["what"]
    assert pacing("audit", "recover", "--as", "Ann", "--reason", "again").exit_code == 1
    for user, code in (("mallory", 1), ("eve", 1), ("ann", 0), ("ann", 0)):  # no approver; an approver who is nobody in [people]; ann, twice
        monkeypatch.setattr(identity, "system_user", lambda user=user: user)
        assert pacing("audit", "acknowledge", "--as", "somebody", "--reason", "I know").exit_code == code, user
    assert pacing("audit", "verify").exit_code == 1
    monkeypatch.setattr(identity, "system_user", lambda: "bob")
    assert json.loads(pacing("audit", "acknowledge", "--as", "Bob", "--reason", "I know", "--json").stdout)["acknowledged_by"] == ["ann", "bob"]
    green = pacing("audit", "verify", "--json")
    assert (green.exit_code, json.loads(green.stdout)["findings"]) == (0, [])
    assert pacing("audit", "export", "--to", "export").exit_code == 0


def test_an_undeclared_break_is_refused(restored):
    """An anchor that is newer than the one the recovery cites, and a new name without an entry, are found; the application can do neither."""
    gone = restored.store.files()[-1]
    kept = Note(gone.name, gone.read_text())
    gone.unlink()
    assert pacing("audit", "recover", "--as", "Ann", "--reason", "disk failed").exit_code == 0
    gone.with_name("kept.note").write_text(kept.text)
    shown = pacing("audit", "verify", "--anchor", gone.with_name("kept.note"), "--json")
    assert any("was not declared" in one["what"] for one in json.loads(shown.stdout)["findings"])
    restored.force("ALTER TABLE pacing.ledger_head ENABLE ALWAYS TRIGGER only_grows")
    with pytest.raises(LedgerError, match="only grows"):
        rename(restored.admin)


def rename(database):
    with database.transaction() as connection:
        connection.execute(text("UPDATE pacing.ledger_head SET ledger_id = gen_random_uuid()"))
