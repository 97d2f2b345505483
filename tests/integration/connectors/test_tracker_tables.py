"""A tracker in a database: Postgres and Snowflake tables read like a file, without a chance to change them."""

from collections.abc import Iterator
from pathlib import Path

import psycopg
import pytest

from connectors.tracker import read_tracker
from flows.local_postgres import EmbeddedPostgres
from pacing_brain.errors import TrackerUnreadable
from pacing_brain.policy import Policy
from tests.unit.connectors.trackers import AS_OF

COLUMNS = "flight_id text, campaign_id {id}, campaign_name text, platform text, budget {money}, currency text, start_date date, end_date date"
ROW = "('F1', 23851234567890123, 'Spring', 'Meta', 1234567.891234, 'USD', '2026-04-01', '2026-04-30')"
BAD = "('F2', 12, 'Summer', 'Meta', 0, 'USD', '2026-04-01', '2026-04-30')"


@pytest.fixture(scope="module")
def postgres(tmp_path_factory) -> Iterator[str]:
    server = EmbeddedPostgres(Path(tmp_path_factory.mktemp("pg")), durable=False)
    server.start()
    url = server.admin_url()
    with psycopg.connect(url.replace("+psycopg", "", 1)) as connection:
        connection.execute("CREATE SCHEMA plans")
        connection.execute(f"CREATE TABLE plans.flights ({COLUMNS.format(id='bigint', money='numeric')})")
        connection.execute(f"INSERT INTO plans.flights VALUES {BAD}, {ROW}")
    yield url
    server.stop()


def read(location, **more):
    return read_tracker(location, as_of=AS_OF, policy=Policy(), **more)


def check(got):
    """F1 is exact, F2 is quarantined."""
    assert got.targets[["flight_id", "campaign_id", "budget_micros"]].to_numpy().tolist() == [["F1", "23851234567890123", 1_234_567_891_234]]
    assert [(q.subject, str(q.column).lower()) for q in got.quarantined] == [("F2", "budget")]


def test_a_postgres_table_is_read(postgres):
    """Bigint ids and numeric budgets arrive exact, in an order that does not depend on the server."""
    got = read(f"{postgres}&table=plans.flights")
    check(got)
    assert "plans.flights" in got.name
    assert got.targets["row"].tolist() == [2]


def test_a_postgres_query_is_read(postgres, tmp_path):
    """A query file is run as it stands."""
    path = tmp_path / "plan.sql"
    path.write_text("SELECT * FROM plans.flights ORDER BY flight_id DESC;", encoding="utf-8")
    got = read(f"{postgres}&query_file={path}")
    check(got)
    assert got.targets["row"].tolist() == [3]


def test_a_tracker_query_can_change_nothing(postgres, tmp_path):
    """The transaction is read-only: a query that writes is refused."""
    path = tmp_path / "plan.sql"
    path.write_text("DELETE FROM plans.flights RETURNING *", encoding="utf-8")
    with pytest.raises(TrackerUnreadable, match="read-only transaction"):
        read(f"{postgres}&query_file={path}")


def test_postgres_faults_are_told_without_the_password(postgres):
    """A missing table, an unreachable server and a missing option are one line each, without secrets."""
    with pytest.raises(TrackerUnreadable, match=r"does not exist.*GRANT SELECT"):
        read(f"{postgres}&table=nothing")
    with pytest.raises(TrackerUnreadable, match=r"name either \?table= or \?query_file="):
        read(postgres)
    with pytest.raises(TrackerUnreadable, match=r"query_file /none\.sql cannot be read"):
        read(f"{postgres}&query_file=/none.sql")
    with pytest.raises(TrackerUnreadable, match="does not answer or refuses the login") as caught:
        read("postgresql://me:sesame@127.0.0.1:1/db?table=t")
    assert "sesame" not in str(caught.value)


def test_a_snowflake_table_is_read(database):
    """NUMBER columns with a scale arrive exact."""
    database.run(f"CREATE TABLE PLAN ({COLUMNS.format(id='NUMBER(38,0)', money='NUMBER(38,6)')})", f"INSERT INTO PLAN VALUES {ROW}, {BAD}")
    got = read("snowflake:plan", snowflake=database.settings)
    check(got)
    assert got.name == "snowflake:plan"


def test_snowflake_faults_are_told(database):
    """A missing table, a name that is none and a missing configuration are one line each."""
    with pytest.raises(TrackerUnreadable, match=r"nothing.*does not exist"):
        read("snowflake:nothing", snowflake=database.settings)
    with pytest.raises(TrackerUnreadable, match="write snowflake:TABLE"):
        read("snowflake:a; DROP TABLE b", snowflake=database.settings)
    with pytest.raises(TrackerUnreadable, match="no Snowflake is configured"):
        read("snowflake:plan")
