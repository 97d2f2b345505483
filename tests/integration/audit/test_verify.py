"""verify: what is as it was passes, and whatever a superuser changes is found out by an anchor kept elsewhere."""

from datetime import UTC, datetime, timedelta

import pytest
from sqlalchemy import text

from audit import ledger
from audit.anchors import AnchorStore, anchor
from audit.checkpoint import Checkpoint, Signer, sign
from audit.ledger import Entry
from audit.verify import Note
from pacing_brain.errors import LedgerError
from tests.integration.audit.tampering import KEY, OTHER_KEY, build

EDITED = 4  # a decision of the first run


@pytest.fixture
def record(database, admin, tmp_path):
    return build(database, admin, AnchorStore(tmp_path / "anchors"))


def steps(found):
    return {finding.step for finding in found.findings}


def test_what_is_as_it_was_passes(record):
    """An untouched record verifies; the newest anchor covers all of it."""
    found = record.verify()
    assert found.findings == ()
    assert (found.size, found.anchors, found.anchored) == (record.sizes[-1], 3, record.sizes[-1])


def test_entries_after_the_newest_anchor_are_counted(record):
    """What was written since the newest anchor verifies in itself, and is said not to be anchored."""
    with record.database.transaction() as connection:
        ledger.append(connection, None, [Entry("silence_set", "F1")], datetime.now(UTC))
    found = record.verify()
    assert (found.ok, found.size - found.anchored) == (True, 1)


def edit_body(record):
    record.force("UPDATE pacing.ledger_entries SET body = :body WHERE seq = :seq", seq=EDITED, body=record.body(EDITED, actual_micros=11))


def edit_leaf(record):
    record.force("UPDATE pacing.ledger_entries SET leaf = sha256('x') WHERE seq = :seq", seq=EDITED)


def edit_both(record):
    edit_body(record)
    record.rehash()


def edit_column(record):
    record.force("UPDATE pacing.ledger_entries SET subject = 'F9' WHERE seq = :seq", seq=EDITED)


def edit_instant(record):
    record.force("UPDATE pacing.ledger_entries SET at = at + interval '1 second' WHERE seq = :seq", seq=EDITED)


def edit_input(record):
    record.force("UPDATE pacing.blobs SET data = (SELECT data FROM pacing.blobs ORDER BY digest DESC LIMIT 1)")


def swap_input(record):
    record.force("UPDATE pacing.recorded_frames SET digest = (SELECT max(digest) FROM pacing.blobs)",
                 "UPDATE pacing.recorded_parts SET digest = (SELECT max(digest) FROM pacing.blobs)")


def drop_input(record):
    record.force("DELETE FROM pacing.recorded_parts WHERE name = 'spend'", "DELETE FROM pacing.recorded_frames WHERE name = 'spend'")


def edit_policy(record):
    record.force("UPDATE pacing.policies SET text = replace(text, '25', '35')")


def delete_first(record):
    record.force("DELETE FROM pacing.ledger_entries WHERE seq = 0")


def delete_last(record):
    record.force("DELETE FROM pacing.ledger_entries WHERE seq = (SELECT max(seq) FROM pacing.ledger_entries)")


def delete_range(record):
    record.force("DELETE FROM pacing.ledger_entries WHERE seq BETWEEN 5 AND 9")


def close_up(record):
    """Entries deleted, the later ones renumbered in columns and bodies, everything hashed anew."""
    delete_range(record)
    with record.database.transaction() as connection:
        later = list(connection.execute(text("SELECT seq FROM pacing.ledger_entries WHERE seq > 9 ORDER BY seq")).scalars())
    for seq in later:
        record.force("UPDATE pacing.ledger_entries SET seq = :new, body = :body WHERE seq = :seq", seq=seq, new=seq - 5, body=record.body(seq, seq=seq - 5))
    record.rehash()


def insert_entry(record):
    record.force("INSERT INTO pacing.ledger_entries SELECT (SELECT max(seq) + 1 FROM pacing.ledger_entries), at, run_id, kind, subject, leaf, body "
                 "FROM pacing.ledger_entries WHERE seq = 3")


def insert_in_the_middle(record):
    record.force("UPDATE pacing.ledger_entries SET seq = seq + 1000 WHERE seq >= 6", "UPDATE pacing.ledger_entries SET seq = seq - 999 WHERE seq >= 1000",
                 "INSERT INTO pacing.ledger_entries SELECT 6, at, run_id, kind, subject, leaf, body FROM pacing.ledger_entries WHERE seq = 5")
    record.rehash()


def swap_entries(record):
    record.force("UPDATE pacing.ledger_entries SET seq = 1000 WHERE seq = 4", "UPDATE pacing.ledger_entries SET seq = 4 WHERE seq = 5",
                 "UPDATE pacing.ledger_entries SET seq = 5 WHERE seq = 1000")


def renumber(record):
    record.force("UPDATE pacing.ledger_entries SET seq = 1000 WHERE seq = 7")


def duplicate(record):
    record.force("UPDATE pacing.ledger_entries SET body = b.body, leaf = b.leaf FROM pacing.ledger_entries AS b "
                 "WHERE ledger_entries.seq = 5 AND b.seq = 4")


def drop_run(record):
    """A whole run gone, from every table, the rest closed up and hashed anew."""
    record.force("DELETE FROM pacing.ledger_entries WHERE seq >= :size", "DELETE FROM pacing.run_heartbeats WHERE run_id IN (SELECT max(run_id) FROM pacing.runs)",
                 "DELETE FROM pacing.run_shards WHERE run_id IN (SELECT max(run_id) FROM pacing.runs)",
                 "DELETE FROM pacing.runs WHERE run_id IN (SELECT max(run_id) FROM pacing.runs)", size=record.sizes[1] + 1)
    record.rehash()


def truncate_to_older(record):
    """As an older dump: the first anchor's entries, with a head that fits."""
    record.force("DELETE FROM pacing.ledger_entries WHERE seq >= :size", size=record.sizes[0])
    record.rehash()


def edit_run_row(record):
    record.force("UPDATE pacing.runs SET as_of = as_of + interval '1 hour' WHERE run_id = (SELECT min(run_id) FROM pacing.runs)")


def drop_run_row(record):
    record.force("DELETE FROM pacing.runs WHERE run_id = (SELECT min(run_id) FROM pacing.runs)")


def invent_run_row(record):
    record.force("INSERT INTO pacing.runs SELECT 'invented', window_at + interval '1 day', live, status, as_of, policy_digest, code_version, "
                 "spend_source, tracker, token, opened_at, sealed_at, completeness, summary, error FROM pacing.runs LIMIT 1")


def edit_head(record):
    record.force("UPDATE pacing.ledger_head SET frontier = sha256('x') || substr(frontier, 33)")


TAMPERED = [  # what is done, the steps that find it, the first bad entry
    (edit_body, {3, 5, 6}, EDITED), (edit_leaf, {3}, EDITED), (edit_both, {5}, 0), (edit_column, {4}, EDITED), (edit_instant, {4}, EDITED),
    (edit_input, {8}, None), (swap_input, {8}, None), (drop_input, {8}, None), (edit_policy, {8}, None), (delete_first, {2, 5}, 0),
    (delete_last, {2}, None), (delete_range, {2, 5}, 5), (close_up, {2, 5}, None), (insert_entry, {4, 6}, None), (insert_in_the_middle, {4, 5}, None),
    (swap_entries, {4, 5}, 4), (renumber, {2, 5}, 7), (duplicate, {4, 5}, 5), (drop_run, {2}, None), (truncate_to_older, {2, 7}, None),
    (edit_run_row, {7}, None), (drop_run_row, {7}, None), (invent_run_row, {7}, None), (edit_head, {6}, None)]


@pytest.mark.parametrize(("tamper", "found_by", "first_bad"), TAMPERED, ids=lambda value: getattr(value, "__name__", ""))
def test_tampering_is_found_out(record, tamper, found_by, first_bad):
    """Every class of tampering by a superuser is found at its step; where entries are concerned the first bad one and an anchor are named."""
    tamper(record)
    found = record.verify()
    assert found_by <= steps(found)
    if first_bad is not None:
        worst = min((finding for finding in found.findings if finding.first_bad is not None), key=lambda finding: finding.first_bad)
        assert worst.first_bad == first_bad
        assert worst.anchor == f"{record.sizes[0]}.txt"


@pytest.mark.parametrize("tamper", [edit_both, close_up, insert_in_the_middle], ids=lambda value: value.__name__)
def test_what_is_invisible_without_an_anchor_is_refused_all_the_same(record, tamper):
    """A forger who hashes everything anew leaves a record that agrees with itself: without an anchor verify therefore never passes."""
    tamper(record)
    assert 1 in steps(record.verify(notes=[]))


def test_only_an_anchor_shows_an_edit_that_is_made_everywhere(record):
    """After an edit with all hashes made anew, nothing but the anchors' roots and the missing anchor itself are found."""
    edit_both(record)
    assert steps(record.verify(notes=[])) == {1}
    assert steps(record.verify()) == {5}


def test_an_edit_is_narrowed_down_between_two_anchors(record):
    """An edit under the second anchor leaves the first one proven: the range between them is named."""
    seq = record.sizes[0] + 3
    record.force("UPDATE pacing.ledger_entries SET body = :body WHERE seq = :seq", seq=seq, body=record.body(seq, actual_micros=1))
    record.rehash()
    first = record.verify().findings[0]
    assert (first.step, first.first_bad, first.anchor) == (5, record.sizes[0], f"{record.sizes[1]}.txt")
    assert f"an entry from {record.sizes[0]} to {record.sizes[1] - 1}" in first.what


def test_yesterdays_dump_is_found_out(record):
    """An older copy of everything, with its own anchors, is behind an anchor kept elsewhere, and without one too old."""
    kept = record.notes()
    record.store.files()[-1].unlink()
    record.store.files()[-1].unlink()
    record.force("DELETE FROM pacing.run_heartbeats", "DELETE FROM pacing.run_shards WHERE first_seq >= :size",
                 "DELETE FROM pacing.runs WHERE window_at > (SELECT min(window_at) FROM pacing.runs)",
                 "DELETE FROM pacing.ledger_entries WHERE seq >= :size", size=record.sizes[0])
    record.rehash()
    assert record.verify(limit=timedelta(hours=24)).ok  # invisible within the limit, to who has only the copy's own anchors
    assert steps(record.verify(now=datetime.now(UTC) + timedelta(hours=25))) == {1}
    behind = record.verify(notes=kept)
    assert (behind.findings[0].step, behind.findings[0].anchor) == (2, f"{record.sizes[1]}.txt")


def test_a_removed_anchor_is_missed_only_by_who_keeps_another(record):
    """Without the newest anchors the rest still passes; once what they cover is older than the limit it does not."""
    record.store.files()[-1].unlink()
    found = record.verify()
    assert (found.ok, found.anchored) == (True, record.sizes[1])
    assert steps(record.verify(now=datetime.now(UTC) + timedelta(hours=25))) == {1}


def test_no_anchor_fails_closed(record):
    """Without any anchor nothing passes, however good the record looks."""
    (finding,) = record.verify(notes=[]).findings
    assert finding.line == "step 1, anchors: no anchor: without one an edit that is made everywhere at once cannot be found out"


def changed_points(record):
    """Checkpoints that are not what the ledger was, each signed or not, and what is said of it."""
    signer, last = record.signer, record.sizes[-1]
    true = Checkpoint.parse(record.notes()[-1].text.partition("\n\n")[0] + "\n")
    good = sign(true.text, [signer])
    yield "size edited", good.replace(f"\n{last}\n", f"\n{last - 1}\n"), "not good"
    yield "root edited", good.replace(true.text.splitlines()[2], Checkpoint("", 0, bytes(32)).text.splitlines()[2]), "not good"
    yield "origin edited", good.replace("pacing-monitor/", "pacing-monitor/0", 1), "not good"
    yield "another key", sign(true.text, [Signer(signer.name, OTHER_KEY)]), "no known key"
    yield "no note", "something else", "no signed note"
    yield "a fork", sign(Checkpoint(signer.name, last, bytes(32)).text, [signer]), "forked"
    yield "another ledger", sign(Checkpoint("pacing-monitor/0", last, bytes(32)).text, [Signer("pacing-monitor/0", KEY)]), "no known key"


def test_a_changed_checkpoint_is_refused(record):
    """Size, root, origin edited, signed with another key, forked: each is found and named, beside the good anchors."""
    for name, note, said in changed_points(record):
        found = record.verify(notes=[*record.notes(), Note(name, note)])
        assert steps(found) >= {1}, name
        assert any(name in finding.what and said in finding.what for finding in found.findings), (name, found.findings)


def test_the_same_ledger_under_another_name_is_another_ledger(record):
    """A database with another ledger id does not pass by anchors of this one."""
    signer = record.signer
    record.force("UPDATE pacing.ledger_head SET ledger_id = gen_random_uuid()")
    assert "another one was put in its place" in record.verify(signer=signer).findings[0].what


def test_findings_are_counted_not_endless(record):
    """A thousand bad entries are named twenty times at most."""
    record.force("UPDATE pacing.ledger_entries SET leaf = sha256('x')")
    assert len(record.verify().findings) == 20


def test_killed_between_seal_and_anchor_anchoring_goes_on(record):
    """A seal without its anchor verifies as not anchored yet, and the next anchor covers it."""
    with record.database.transaction() as connection:
        ledger.append(connection, None, [Entry("silence_set", "F1")], datetime.now(UTC))
    (record.store.directory / ".19.txt.part").write_text("pacing-mon")
    assert anchor(record.database, record.store, KEY).checkpoint.size == record.sizes[-1] + 1
    assert record.verify().ok


def test_a_ledger_without_a_head_is_said(record):
    """A head row that is gone is one line with the next step."""
    record.force("DELETE FROM pacing.ledger_head")
    with pytest.raises(LedgerError, match="no head"):
        record.verify(signer=Signer("x", KEY))
