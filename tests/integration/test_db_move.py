"""`pacing db move`: a record with a real run goes from an embedded database to another server's."""

import os
import pwd
import shutil
import subprocess
from collections.abc import Iterator
from datetime import UTC, datetime
from pathlib import Path

import psycopg
import pytest
from sqlalchemy import URL

from audit import clock, ledger, outbox
from audit.database import Database
from audit.outbox import OutgoingMessage
from flows.commands.db_move import moved
from flows.local_postgres import SUPERUSER, EmbeddedPostgres
from flows.settings import Settings
from flows.wiring import APP_LOGIN, DATABASE, MOVED, embedded_database, open_house
from pacing_brain.errors import DatabaseRefused, LedgerError, SettingError
from tests.conftest import Database as Urls
from tests.conftest import _execute
from tests.flows.desk import AT, Desk, loaded, planned, spent

POSTGRES_15 = Path("/usr/lib/postgresql/15/bin")


@pytest.fixture(scope="module")
def lived(warehouse, short_tmp) -> Iterator[Path]:
    """A home of its own whose embedded record holds a run, its cards and its incidents; the clock is not shifted any more."""
    home = short_tmp / "move"
    home.mkdir()
    with EmbeddedPostgres(home, durable=False) as server:
        app = embedded_database(server)
        desk = Desk(Urls(DATABASE, server.url(SUPERUSER, DATABASE), app), warehouse, home)
        desk.plan(planned())
        desk.load(spent(), loaded())
        desk.run()
        admin = Database(server.url(SUPERUSER, DATABASE))
        with admin.transaction() as connection:
            clock.set_offset(connection, None)
        admin.close()
        yield home


@pytest.fixture
def home(lived) -> Iterator[Path]:
    """The home, unmarked at the end: a move changes nothing else in it."""
    yield lived
    (lived / MOVED).unlink(missing_ok=True)


@pytest.fixture
def empty(postgres) -> Iterator[str]:
    """The superuser's URL of an empty database on another server."""
    _execute(postgres, "CREATE DATABASE moved_here")
    yield postgres.admin_url("moved_here")
    _execute(postgres, "DROP DATABASE moved_here WITH (FORCE)")


def settings(home: Path, **own: object) -> Settings:
    defaults = {each.alias or name: each.default for name, each in Settings.model_fields.items()}
    return Settings.read(**defaults | {"PACING_HOME": home, "_env_file": None} | own)


def both(home: Path, admin: str) -> Settings:
    return settings(home, PACING_DATABASE_URL=admin.replace(f"//{SUPERUSER}@", f"//{APP_LOGIN}@"), PACING_DATABASE_ADMIN_URL=admin)


def entries(url: str) -> list[bytes]:
    database = Database(url)
    with database.transaction() as connection:
        found = [entry.body for entry in ledger.read(connection)]
    database.close()
    return found


def check(home: Path, admin: str) -> None:
    """Moves, and looks at what arrived with the application's login."""
    with EmbeddedPostgres(home, durable=False) as server:
        before = entries(server.url(SUPERUSER, DATABASE))
    own = both(home, admin)
    found = moved(own)
    app = own.database_url.get_secret_value()
    assert entries(app) == before
    assert found["entries"] == len(before) == found["tables"]["ledger_entries"] > 10
    assert found["rows"] == sum(found["tables"].values())
    assert found["tables"]["outbox"] > 0
    goes_on(app)


def goes_on(app: str) -> None:
    """The ledger takes further entries and nothing else, and the outbox numbers on."""
    database = Database(app)
    with database.transaction() as connection:
        ledger.append(connection, None, [ledger.Entry("error_recorded", "test", {})], clock.now(connection))
        outbox.put(connection, [OutgoingMessage("new", "c", "t", "post", "x", [])])
    with pytest.raises((DatabaseRefused, LedgerError)), database.transaction() as connection:
        connection.exec_driver_sql("UPDATE pacing.ledger_entries SET kind = 'x'")
    with pytest.raises((DatabaseRefused, LedgerError)), database.transaction() as connection:
        connection.exec_driver_sql("UPDATE pacing.ledger_head SET size = 0, frontier = ''")
    database.close()


def test_everything_arrives_and_the_old_one_is_marked(home, empty) -> None:
    """Every entry is there byte for byte and goes on being append-only; nothing starts on the old record until somebody removes the mark."""
    check(home, empty)
    with pytest.raises(SettingError, match=r"was moved to .*moved_here at 20"), open_house(settings(home), record_only=True):
        pass
    (home / MOVED).unlink()
    with open_house(settings(home), record_only=True) as house:
        assert house.runs.last_sealed().as_of == AT


def test_a_filled_target_is_refused(home, fresh_database) -> None:
    """A database that holds a record is left as it is, and so is the old one."""
    database = Database(fresh_database.app)
    with database.transaction() as connection:
        ledger.append(connection, None, [ledger.Entry("error_recorded", "theirs", {})], datetime.now(UTC))
    database.close()
    with pytest.raises(DatabaseRefused, match="holds a record already"):
        moved(both(home, fresh_database.admin))
    assert len(entries(fresh_database.app)) == 1
    assert not (home / MOVED).exists()


def test_nothing_is_moved_under_a_process_that_works_on_it(home, empty) -> None:
    """A session on the embedded database is reason enough to refuse; nothing is made in the target."""
    with EmbeddedPostgres(home, durable=False) as server, psycopg.connect(server.url(APP_LOGIN, DATABASE).replace("+psycopg", "")), \
            pytest.raises(DatabaseRefused, match="end `pacing up`"):
        moved(both(home, empty))
    assert not (home / MOVED).exists()
    with psycopg.connect(empty.replace("+psycopg", "")) as connection:
        assert connection.execute("SELECT to_regnamespace('pacing')").fetchone() == (None,)


def test_both_logins_must_be_named(home) -> None:
    """Without the administrator's login the missing setting is named."""
    with pytest.raises(SettingError, match=r"^PACING_DATABASE_ADMIN_URL is missing"):
        moved(settings(home, PACING_DATABASE_URL="postgresql://a@b/c"))


@pytest.fixture
def fifteen(short_tmp) -> Iterator[str]:
    """The superuser's URL of a PostgreSQL 15 of this machine."""
    if not POSTGRES_15.exists():
        pytest.skip("PostgreSQL 15 is not installed (apt-get install postgresql-15)")
    folder = Path(f"{short_tmp}-15")
    folder.mkdir()
    user = None
    if os.geteuid() == 0:  # it refuses to run as root
        user = "postgres"
        os.chown(folder, pwd.getpwnam(user).pw_uid, -1)
    data = folder / "data"

    def do(program: str, *words: str) -> None:
        subprocess.run([POSTGRES_15 / program, "-D", data, *words], check=True, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL, user=user, cwd=folder)

    do("initdb", "-U", SUPERUSER, "-A", "trust", "--no-sync")
    do("pg_ctl", "-w", "-o", f"-c listen_addresses='' -c unix_socket_directories={folder} -c fsync=off", "start")
    yield URL.create("postgresql+psycopg", username=SUPERUSER, database=SUPERUSER, query={"host": str(folder)}).render_as_string()
    do("pg_ctl", "-m", "immediate", "stop")
    shutil.rmtree(folder)


def test_to_another_major_version(home, fifteen) -> None:
    """From the embedded PostgreSQL 18 to a PostgreSQL 15."""
    check(home, fifteen)
