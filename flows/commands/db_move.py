"""`pacing db move`: the record of the embedded database, taken to a server. The old one is kept, and marked."""

from datetime import datetime, timedelta
from pathlib import Path
from typing import Any

from sqlalchemy import text

from audit import clock, migrate, moving
from audit.anchors import anchor
from audit.database import Database
from audit.verify import Note, verify
from flows import views
from flows.commands.record import open_record
from flows.verifying import verifier_of
from flows.commands.db import upgraded
from flows.settings import Settings
from flows.wiring import MOVED, House
from pacing_brain.errors import DatabaseRefused, LedgerError, SettingError

EVER = timedelta(days=36_500)
_OTHERS = text("SELECT count(*) FROM pg_stat_activity WHERE datname = current_database() AND pid <> pg_backend_pid() AND backend_type = 'client backend'")


def move(*, as_json: bool) -> int:
    """Say what was moved where, and what is next."""
    found = moved(Settings.read())
    if as_json:
        views.emit(found)
        return 0
    views.show(views.say(f"{found['entries']} entries of the ledger and {found['rows']} rows in all went to {found['to']}, and verify there: "
                         f"root {found['root'][:16]}."),
               views.heading("Next"),
               views.numbered([f"Keep PACING_DATABASE_URL as it is now, and take PACING_DATABASE_ADMIN_URL out of where the monitor runs: {found['to']} is the record now.",
                               f"Keep {found['home']}/keys and the anchors: the ledger goes on under the same key.",
                               f"The old database is kept in {found['home']}/postgres. {found['home']}/{MOVED} marks it; nothing runs on it while that file is there.",
                               "Run pacing doctor, then start the monitor again."]))
    return 0


def moved(settings: Settings) -> dict[str, Any]:
    """Move the record, and say what arrived.

    1. both logins of the server are named, and it holds nothing
    2. the embedded record is marked: nothing starts on it any more, and nothing is at work on it
    3. a last checkpoint of it is anchored: what arrives is held against it
    4. the server is migrated, and everything copied in one transaction
    5. the application's login verifies the whole ledger there

    Raises:
        SettingError: a login is missing.
        DatabaseRefused: the target holds a record, or something is at work on the source. Nothing was changed.
        LedgerError: what arrived does not verify.
    """
    application, admin = _logins(settings)  # 1
    target = Database(admin, pool_size=1, statement_timeout_s=moving.COPY_STATEMENT_S)
    try:
        with target.transaction() as connection:
            moving.refuse_filled(connection, target.where)
        with open_record(settings.model_copy(update={"database_url": None, "database_admin_url": None})) as house:
            mark = settings.home / MOVED
            mark.write_text(f"being moved to {target.where}\n", encoding="utf-8")  # 2
            try:
                rows = _copied(house, settings, target)
                found = _verified(house, application)  # 5
            except BaseException:
                mark.unlink()
                raise
            at = _now(house)
            mark.write_text(f"moved to {target.where} at {at:%Y-%m-%d %H:%M} UTC\n", encoding="utf-8")
            return found | {"to": target.where, "rows": sum(rows.values()), "tables": rows, "home": str(Path(settings.home).resolve())}
    finally:
        target.close()


def _logins(settings: Settings) -> tuple[str, str]:
    for name, value in (("PACING_DATABASE_URL", settings.database_url), ("PACING_DATABASE_ADMIN_URL", settings.database_admin_url)):
        if value is None:
            raise SettingError(f"{name} is missing: `pacing db move` takes the embedded record to the server that PACING_DATABASE_URL and "
                               "PACING_DATABASE_ADMIN_URL name, as the application's login and as one that may migrate")
    assert settings.database_url is not None and settings.database_admin_url is not None  # noqa: S101, PT018  the loop above
    return settings.database_url.get_secret_value(), settings.database_admin_url.get_secret_value()


def _copied(house: House, settings: Settings, target: Database) -> dict[str, int]:
    source = Database(house.database.url.render_as_string(hide_password=False), pool_size=1, statement_timeout_s=moving.COPY_STATEMENT_S)
    try:
        if anchor(house.database, house.anchors, house.signing_key()) is None:  # 3
            raise LedgerError("the embedded ledger is empty: there is nothing to move. Set PACING_DATABASE_URL and run `pacing db upgrade`.")
        house.database.close()
        with source.transaction() as connection:
            if others := connection.execute(_OTHERS).scalar_one():
                raise DatabaseRefused(f"{others} other sessions are open on the embedded database: end `pacing up`, `pacing serve` and runs first. Nothing was changed.")
        upgraded(settings)  # 4
        return moving.move(source, target)
    finally:
        source.close()


def _verified(house: House, application: str) -> dict[str, Any]:
    migrate.check(application)
    there = Database(application, pool_size=1)
    try:
        notes = [Note(path.name, path.read_text("utf-8")) for path in house.anchors.files()]
        found = verify(there, notes, [verifier_of(house, None)], now=_now(house), max_age=EVER)
    finally:
        there.close()
    if not found.ok:
        raise LedgerError(f"what arrived does not verify: {found.findings[0].line}. The embedded record is as it was; drop the schema pacing of the server, and find out why.")
    return {"entries": found.size, "root": found.root}


def _now(house: House) -> datetime:
    with house.database.transaction() as connection:
        return clock.now(connection)
