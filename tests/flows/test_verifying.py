"""The scheduled verification: what came since the last time, everything once a week, and an alarm when it fails."""

from datetime import timedelta

from audit import clock, ledger
from flows.anchoring import anchor
from flows.verifying import FILE, keep_verified
from tests.flows.test_anchoring import answered, house, record  # noqa: F401  fixtures


def test_only_what_is_new_is_read_and_all_of_it_once_a_week(record, house, monkeypatch):  # noqa: F811
    """The second time starts at the checkpoint of the first; a week later, without its note or with another ledger's, everything is read."""
    assert keep_verified(house).since == 0
    answered(record)
    again = keep_verified(house)
    assert (again.ok, again.since, again.anchored, again.size) == (True, record.sizes[-1], record.sizes[-1] + 1, record.sizes[-1] + 1)
    assert keep_verified(house).since == record.sizes[-1] + 1
    with monkeypatch.context() as later:
        later.setattr("flows.verifying.FULL_EVERY", timedelta())
        assert keep_verified(house).since == 0
    (house.settings.home / FILE).write_text("{}")
    assert keep_verified(house).since == 0


def test_what_does_not_verify_is_an_alarm_that_names_the_entry_and_its_anchor(record, house):  # noqa: F811
    """A new entry that was changed is found by the incremental pass, told once, with the first bad entry and the anchor that proves it."""
    keep_verified(house)
    answered(record)
    size = anchor(house)["size"]
    record.force("UPDATE pacing.ledger_entries SET body = :body WHERE seq = :seq", seq=size - 1, body=record.body(size - 1, decision="rejected"))
    for _ in range(2):
        found = keep_verified(house)
        assert (found.ok, found.since, found.findings[0].first_bad) == (False, record.sizes[-1], size - 1)
    (told,) = house.outbox.lease(9)
    assert f"entry {size - 1}" in told.text
    assert f"{size}.txt" in told.text
    with house.database.transaction() as connection:
        assert [entry.subject for entry in ledger.read(connection, kinds=["error_recorded"], until=clock.now(connection))] == ["verify"]
