"""The embedded servers, on real processes."""

import os
import signal
import subprocess
import sys
from pathlib import Path

import psycopg
import pytest

from flows.local_postgres import EmbeddedPostgres

START_AND_WAIT = """
import sys, time
from pathlib import Path
from flows.local_postgres import EmbeddedPostgres
server = EmbeddedPostgres(Path(sys.argv[1]), durable=False).start()
print(server.admin_url(), flush=True)
time.sleep(60)
"""


def select(url: str, statement: str = "select 1") -> object:
    with psycopg.connect(url.replace("+psycopg", "")) as connection:
        row = connection.execute(statement).fetchone()
    assert row is not None
    return row[0]


@pytest.fixture
def home(short_tmp: Path, request: pytest.FixtureRequest) -> Path:
    return short_tmp / request.node.name[:30]


class TestEmbeddedPostgres:
    def test_several_users_share_one_server_and_the_last_one_halts_it(self, home: Path) -> None:
        """A server is up while anyone uses it, and gone after the last one left."""
        first, second = EmbeddedPostgres(home, durable=False).start(), EmbeddedPostgres(home, durable=False).start()
        url = first.admin_url()
        first.stop()
        assert select(url) == 1
        second.stop()
        with pytest.raises(psycopg.OperationalError):
            select(url)

    def test_data_survive_the_kill_of_the_postmaster(self, home: Path) -> None:
        """After kill -9 of the postmaster the next start clears what it left and finds the data."""
        crashed = EmbeddedPostgres(home, durable=False).start()
        with psycopg.connect(crashed.admin_url().replace("+psycopg", "")) as connection:
            connection.execute("create table kept as select 42 as answer")
        os.kill(int((home / "postgres" / "postmaster.pid").read_text().split()[0]), signal.SIGKILL)
        with EmbeddedPostgres(home, durable=False) as again:
            assert select(again.admin_url(), "select answer from kept") == 42
        crashed.stop()

    def test_a_pid_file_of_another_program_is_no_server(self, home: Path) -> None:
        """A stale pid file whose number now belongs to another program does not keep Postgres from starting."""
        with EmbeddedPostgres(home, durable=False):
            stale = (home / "postgres" / "postmaster.pid").read_text().splitlines()
        (home / "postgres" / "postmaster.pid").write_text("\n".join([str(os.getpid()), *stale[1:]]) + "\n")
        with EmbeddedPostgres(home, durable=False) as server:
            assert select(server.admin_url()) == 1

    def test_a_long_path_with_blanks_will_do(self, home: Path) -> None:
        """A home whose path is too long for a socket, with blanks and quotes in it, works."""
        with EmbeddedPostgres(home / ("long 'path' " + "x" * 100), durable=False) as server:
            assert select(server.admin_url()) == 1

    def test_a_killed_process_leaves_a_server_that_the_next_one_takes_over(self, home: Path) -> None:
        """After kill -9 of its user the server is found, used and halted by the next user."""
        with subprocess.Popen([sys.executable, "-c", START_AND_WAIT, str(home)], stdout=subprocess.PIPE, text=True) as process:
            assert process.stdout is not None
            url = process.stdout.readline().strip()
            process.kill()
        assert select(url) == 1
        with EmbeddedPostgres(home, durable=False) as server:
            assert server.admin_url() == url
        with pytest.raises(psycopg.OperationalError):
            select(url)


def test_a_fresh_database_is_the_tests_own(fresh_database) -> None:
    """Every test gets a database that the application's role can log in to."""
    assert select(fresh_database.app, "select current_database()") == fresh_database.name
    assert select(fresh_database.admin, "select current_user") == "postgres"
