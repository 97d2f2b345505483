"""The record on a second major version of PostgreSQL: schema, rights, append, withhold, detach and verify, as on the embedded one."""

from datetime import UTC, date, datetime, timedelta

import pytest
from sqlalchemy import text

from audit import clock, ledger, migrate, retention
from audit.anchors import AnchorStore, anchor
from audit.database import Database
from pacing_brain.errors import DatabaseRefused, LedgerError
from tests.integration.audit.tampering import KEY, Record
from tests.system_postgres import SystemPostgres, found

MAY, JUNE = datetime(2026, 5, 21, tzinfo=UTC), datetime(2026, 6, 21, tzinfo=UTC)


@pytest.fixture(scope="module")
def second():
    """A server of the system, where there is one."""
    programs = found()
    if programs is None:
        pytest.skip("no PostgreSQL of the system: apt-get install postgresql")
    with SystemPostgres(programs) as server:
        yield server


@pytest.fixture
def record(second, tmp_path):
    migrate.upgrade(second.admin_url(), app_login="pacing_app_test")
    database, admin = Database(second.url("pacing_app_test", "postgres")), Database(second.admin_url())
    yield Record(database, admin, AnchorStore(tmp_path / "anchors"), [])
    database.close()
    admin.close()


def test_the_record_is_the_same_on_another_version(record, tmp_path):
    """Entries of two months are appended, one is withheld, a month is detached; the rest is refused, and all of it verifies."""
    for at in (MAY, JUNE):
        with record.database.transaction() as connection:
            made = [ledger.Entry("campaign_decided", f"F{number}", {"n": number}) for number in range(5)]
            assert len(ledger.append(connection, None, made, at)) == 5
    with record.admin.transaction() as connection:
        assert connection.execute(text("SHOW server_version_num")).scalar_one() < "180000"
        clock.set_offset(connection, JUNE - datetime.now(UTC))
    anchor(record.database, record.store, KEY)
    assert retention.withhold(record.admin, 7, "why", {}) == 10
    assert retention.detach(record.admin, date(2026, 5, 1), tmp_path, {}).seq == 11
    refused = ["UPDATE {0} SET body = NULL", "DELETE FROM {0}", "TRUNCATE {0}", "INSERT INTO {0} SELECT * FROM {0}"]
    for statement in refused:
        for table in ("pacing.ledger_entries", "pacing.ledger_entries_2026_05"):
            with pytest.raises(DatabaseRefused), record.database.transaction() as connection:
                connection.execute(text(statement.format(table)))
            if not statement.startswith("INSERT"):
                with pytest.raises(LedgerError, match="append-only"), record.admin.transaction() as connection:
                    connection.exec_driver_sql(f"SET LOCAL session_replication_role = replica; {statement.format(table)}")
    anchor(record.database, record.store, KEY)
    found_ = record.verify(now=JUNE, limit=timedelta(days=2))
    assert (found_.findings, found_.size, found_.without_body) == ((), 12, 6)
