"""The embedded servers, on real processes."""

import os
import shutil
import signal
import sqlite3
import subprocess
import sys
from contextlib import closing
from pathlib import Path

import pandas as pd
import psutil
import psycopg
import pytest

from flows.local import Local, start_all
from flows.local_child import HttpChild
from flows.local_postgres import EmbeddedPostgres
from flows.local_prefect import ChildPrefect
from flows.local_warehouse import EmbeddedWarehouse
from flows.world import World
from pacing_brain.errors import DatabaseUnavailable, SpendUnavailable

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


MICROS = [9_007_199_254_740_993, -1, 999_999, 0, 123_456_789_012_345_678]
SPEND = pd.DataFrame({
    "platform": "google", "account_id": "a'; --", "campaign_id": list("12345"), "campaign_name": "Zoë 🎯 <!channel>", "currency": "GBP",
    "timezone": "Europe/London", "day": pd.Timestamp("2026-10-25"), "spend_micros": MICROS,
    "loaded_at": pd.Timestamp("2026-10-25T03:04:05.678901Z"),
})  # fmt: skip
LOADS = pd.DataFrame({"account_id": ["a"], "loaded_at": [pd.Timestamp("2026-10-25T08:00:00Z")]})
SUM_MICROS = "SELECT SUM(CAST(ROUND(SPEND * 1000000) AS NUMBER(38,0))) FROM CAMPAIGN_SPEND"


def ask(warehouse: EmbeddedWarehouse, query: str) -> list[tuple[object, ...]]:
    with warehouse.connect() as connection:
        return connection.cursor().execute(query).fetchall()


def runs(pid: int) -> bool:
    try:
        return psutil.Process(pid).status() != psutil.STATUS_ZOMBIE
    except psutil.NoSuchProcess:
        return False


def pid_of(server: HttpChild) -> int:
    process, _ = server._recorded()
    assert process is not None
    return process.pid


class TestEmbeddedWarehouse:
    def test_money_is_exact_through_the_real_connector(self, warehouse: EmbeddedWarehouse) -> None:
        """What the connector reads back is the loaded integers, to the micro, where floats would have lost them."""
        warehouse.load(SPEND, LOADS)
        assert ask(warehouse, SUM_MICROS) == [(sum(MICROS),)]
        assert ask(warehouse, "SELECT CAMPAIGN_NAME, ACCOUNT_ID FROM CAMPAIGN_SPEND LIMIT 1") == [("Zoë 🎯 <!channel>", "a'; --")]
        assert ask(warehouse, "SELECT * FROM ACCOUNT_LOADS") == [("a", pd.Timestamp("2026-10-25 08:00:00"))]

    def test_the_sample_world_ties_out_by_currency(self, warehouse: EmbeddedWarehouse) -> None:
        """The generator's integers come back by currency, duplicate rows counted twice, with every account's load."""
        world = World.generate()
        warehouse.load(world.spend, world.loads)
        sums = dict(ask(warehouse, SUM_MICROS.replace("SELECT", "SELECT CURRENCY,", 1) + " GROUP BY 1"))
        assert sums == world.spend.groupby("currency")["spend_micros"].sum().to_dict()
        assert ask(warehouse, "SELECT COUNT(*) FROM CAMPAIGN_SPEND") == [(len(world.spend),)]
        assert dict(ask(warehouse, "SELECT * FROM ACCOUNT_LOADS")) == {
            account: loaded.tz_localize(None) for account, loaded in zip(world.loads["account_id"], world.loads["loaded_at"], strict=True)
        }

    def test_load_replaces_and_can_leave_the_loads_out(self, warehouse: EmbeddedWarehouse) -> None:
        """A second load stands instead of the first, and without loads there is no table of them."""
        warehouse.load(SPEND, LOADS)
        warehouse.load(SPEND.iloc[:1])
        assert ask(warehouse, "SELECT COUNT(*) FROM CAMPAIGN_SPEND") == [(1,)]
        assert ask(warehouse, "SELECT TABLE_NAME FROM INFORMATION_SCHEMA.TABLES WHERE TABLE_NAME = 'ACCOUNT_LOADS'") == []

    def test_data_survive_the_kill_of_the_server(self, home: Path) -> None:
        """After kill -9 of the server the next start replaces it and finds the data; a second user takes the running one."""
        with EmbeddedWarehouse(home) as crashed:
            crashed.load(SPEND)
            os.kill(pid_of(crashed), signal.SIGKILL)
            with EmbeddedWarehouse(home) as again, EmbeddedWarehouse(home) as shared:
                assert ask(again, SUM_MICROS) == [(sum(MICROS),)]
                assert pid_of(shared) == pid_of(again)
                last = pid_of(again)
        assert not runs(last)

    def test_a_server_that_is_not_started_says_so(self, home: Path) -> None:
        """Asking for the address of a server that is not started is an error that says what to do."""
        with pytest.raises(SpendUnavailable, match="Start it first"):
            EmbeddedWarehouse(home).connect_kwargs()
        with pytest.raises(DatabaseUnavailable, match="Start it first"):
            EmbeddedPostgres(home).admin_url()

    def test_a_server_that_cannot_start_names_its_log(self, home: Path) -> None:
        """A server that dies at its start is one error that names the log."""
        (home / "warehouse" / "PACING.db").mkdir(parents=True)

        class Broken(EmbeddedWarehouse):
            def command(self, port: int) -> list[str]:
                return [sys.executable, "-c", "raise SystemExit('no')"]

        with pytest.raises(SpendUnavailable, match=r"warehouse\.log"):
            start_all([Broken(home)])
        assert "no" in (home / "warehouse.log").read_text()


RUN_40_TASKS = """
from prefect import flow, task

@task
def step(i): return i

@flow
def many(): return [step(i) for i in range(40)]

many()
"""


class TestChildPrefect:
    def test_a_stop_keeps_every_task_run_of_a_home_made_from_the_template(self, home: Path, prefect_server: ChildPrefect) -> None:
        """A new home takes the migrated template, and task runs of a flow that has just ended are stored before the server goes."""
        home.mkdir()
        shutil.copy(prefect_server._template, home)
        server = ChildPrefect(home).start()
        assert server._migrated()
        run = subprocess.run([sys.executable, "-c", RUN_40_TASKS], env=os.environ | server.client_environment(), capture_output=True, check=True)
        assert (run.stdout, run.stderr) == (b"", b"")
        server.stop()
        assert (home / "prefect.log").read_text() == ""
        with closing(sqlite3.connect(home / "prefect" / "prefect.db")) as database:
            assert database.execute("select count(*) from task_run where state_type = 'COMPLETED'").fetchone() == (40,)


def test_an_ending_program_leaves_nothing_behind(home: Path) -> None:
    """A program that is interrupted, or that forgets to stop its servers, leaves no process and writes nothing."""
    command = [sys.executable, "-W", "error", "-c", START_ALL_AND_WAIT, str(home)]
    with subprocess.Popen(command, stdout=subprocess.PIPE, stderr=subprocess.PIPE, start_new_session=True, text=True) as process:
        assert process.stdout is not None
        pids = [int(pid) for pid in process.stdout.readline().split()]
        os.killpg(process.pid, signal.SIGINT)
        assert process.communicate(timeout=120) == ("", "")
    assert len(pids) == 2
    assert not [pid for pid in pids if runs(pid)]


START_ALL_AND_WAIT = """
import sys, time
from pathlib import Path
from flows.local import Local
local = Local(Path(sys.argv[1]), prefect=False).start()
postmaster = (local.postgres.data / "postmaster.pid").read_text().split()[0]
try:
    print(postmaster, local.warehouse._pid, flush=True)
    time.sleep(60)
except KeyboardInterrupt:
    sys.exit(130)
"""


def test_local_leaves_out_what_is_configured_elsewhere(home: Path) -> None:
    """A part that is configured elsewhere has no embedded server."""
    local = Local(home, postgres=False, prefect=False)
    assert [server.name for server in local.servers] == ["warehouse"]
    assert not home.exists()
