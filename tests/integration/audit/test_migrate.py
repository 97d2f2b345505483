"""The schema: equal to tables.py, commented, granted cell by cell, made by any number of upgrades at once."""

import itertools
import threading
from datetime import UTC, datetime

import pytest
from alembic.autogenerate import compare_metadata
from alembic.runtime.migration import MigrationContext
from sqlalchemy import text
from sqlalchemy.exc import ProgrammingError

from audit import ledger, migrate, tables
from audit.database import Database
from pacing_brain.errors import DatabaseRefused

STATEMENTS = ("SELECT", "INSERT", "UPDATE", "DELETE", "TRUNCATE", "REFERENCES", "TRIGGER")
READ, ADD, CHANGE = {"SELECT"}, {"SELECT", "INSERT"}, {"SELECT", "INSERT", "UPDATE"}
APP = {"alembic_version": READ, "clock_offset": READ, "ledger_head": READ, "ledger_entries": READ, "ledger_entries_2026_05": set(), "policies": ADD, "run_shards": ADD,
       "missed_windows": ADD, "blobs": ADD, "recorded_frames": ADD, "recorded_parts": ADD, "quarantined_rows": ADD, "dead_letters": ADD,
       "runs": CHANGE, "run_heartbeats": CHANGE, "incidents": CHANGE, "recommendations": CHANGE, "outbox": CHANGE, "patterns": CHANGE,
       "answers": ADD, "standing_answers": CHANGE, "told": CHANGE, "silences": CHANGE, "acts": CHANGE, "halts": CHANGE, "channel_turns": CHANGE, "llm_usage": CHANGE}
READER = {table: rights & READ for table, rights in APP.items()}
FUNCTIONS = {  # which roles may call which; a trigger's function is called by nobody
    "append": {"pacing_app"}, "pacing_now": {"public", "pacing_app", "pacing_reader"}, "withhold": set(), "detach": set(), "recover": set(), "say": set(), "grown": set(),
    "make_month": set(), "guard_entries": set(), "holds_the_record": set()}
CONSTRAINTS = """
    SELECT conrelid::regclass::text AS owner, conname AS name, pg_get_constraintdef(oid) AS definition, obj_description(oid, 'pg_constraint') AS said
    FROM pg_constraint WHERE connamespace = 'pacing'::regnamespace AND contype <> 'n'"""  # NOT NULL stands with the column
INDEXES = """
    SELECT indrelid::regclass::text AS owner, indexrelid::regclass::text AS name, pg_get_indexdef(indexrelid) AS definition,
           obj_description(indexrelid, 'pg_class') AS said, conrelid IS NOT NULL AS of_constraint
    FROM pg_index JOIN pg_class ON oid = indrelid LEFT JOIN pg_constraint ON conindid = indexrelid AND contype IN ('p', 'u')
    WHERE relnamespace = 'pacing'::regnamespace"""
COLUMNS = """
    SELECT table_name AS owner, column_name AS name, concat_ws(' ', data_type, is_nullable, column_default, is_identity) AS definition
    FROM information_schema.columns WHERE table_schema = 'pacing'"""


def catalog(database, query):
    with database.transaction() as connection:
        rows = connection.execute(text(query)).mappings().all()
    return {(row["owner"], row["name"]): row["definition"] for row in rows if row["owner"] not in {"alembic_version", "pacing.alembic_version"}}


@pytest.fixture
def empty_database(postgres, admin):
    """A database without our schema."""
    name = f"{admin.url.database}_empty"
    with admin.session() as session:
        session.execute(text(f"CREATE DATABASE {name}"))
    yield name
    with admin.session() as session:
        session.execute(text(f"DROP DATABASE {name} WITH (FORCE)"))


def test_alembic_finds_no_difference(admin):
    """Alembic's comparison of the migrated schema with tables.py is empty; comments stand in the migrations only."""
    with admin.transaction() as connection:
        context = MigrationContext.configure(connection, opts={
            "version_table_schema": "pacing", "include_schemas": True, "compare_server_default": True,
            "include_name": lambda name, kind, _: kind != "schema" or name == "pacing"})
        found = [difference for difference in compare_metadata(context, tables.metadata) if difference[0] != "remove_table_comment"]
    assert found == []


def test_tables_make_what_the_migrations_make(postgres, admin, empty_database):
    """Columns, constraints and indexes made from tables.py are those of the migrations, partial indexes and checks to the letter."""
    made = Database(postgres.admin_url(empty_database))
    with made.transaction() as connection:
        connection.execute(text("CREATE SCHEMA pacing"))
        tables.metadata.create_all(connection)
    for query in (COLUMNS, CONSTRAINTS, INDEXES):
        assert catalog(made, query) == catalog(admin, query)
    made.close()


def test_everything_is_commented(admin):
    """Every table, constraint, index of its own and function says what it is for."""
    silent = """
        SELECT relname FROM pg_class WHERE relnamespace = 'pacing'::regnamespace AND relkind IN ('r', 'p') AND NOT relispartition AND obj_description(oid, 'pg_class') IS NULL
        UNION ALL SELECT proname FROM pg_proc WHERE pronamespace = 'pacing'::regnamespace AND obj_description(oid, 'pg_proc') IS NULL"""
    with admin.transaction() as connection:
        without = list(connection.execute(text(silent)).scalars())
        without += [row.name for row in connection.execute(text(CONSTRAINTS)) if row.said is None]
        without += [row.name for row in connection.execute(text(INDEXES)) if row.said is None and not row.of_constraint]
    assert without == []


@pytest.fixture
def with_a_month(admin, database):
    """The superuser's database, with a partition of the ledger."""
    with database.transaction() as connection:
        ledger.append(connection, None, [ledger.Entry("silence_set", "F1")], datetime(2026, 5, 21, tzinfo=UTC))
    return admin


@pytest.mark.parametrize(("role", "rights"), [("pacing_app", APP), ("pacing_reader", READER), ("public", {})])
def test_each_role_may_do_its_own_and_nothing_else(with_a_month, role, rights):
    """Role by role, table by table, statement by statement, partitions included: what is granted, on any column, is what stands here."""
    asked = """
        SELECT relname, has_table_privilege(:role, oid, :statement) OR (:statement NOT IN ('DELETE', 'TRUNCATE', 'TRIGGER')
            AND has_any_column_privilege(:role, oid, CASE WHEN :statement IN ('DELETE', 'TRUNCATE', 'TRIGGER') THEN 'SELECT' ELSE :statement END))
        FROM pg_class WHERE relnamespace = 'pacing'::regnamespace AND relkind IN ('r', 'p')"""
    with with_a_month.transaction() as connection:
        granted = {(table, statement) for statement in STATEMENTS
                   for table, may in connection.execute(text(asked), {"role": role, "statement": statement}).all() if may}
    assert granted == {(table, statement) for table, statements in rights.items() for statement in statements}


def test_each_role_may_call_its_own_functions_and_no_other(admin):
    """Function by function, role by role; what runs as its owner looks for names in pg_catalog first and in the caller's temporary tables last."""
    called = """
        SELECT proname, has_function_privilege(:role, oid, 'EXECUTE') FROM pg_proc
        WHERE pronamespace = 'pacing'::regnamespace AND prorettype <> 'trigger'::regtype"""
    definers = "SELECT proname, proconfig FROM pg_proc WHERE pronamespace = 'pacing'::regnamespace AND prosecdef"
    with admin.transaction() as connection:
        may = {(role, name) for role in ("public", "pacing_app", "pacing_reader")
               for name, granted in connection.execute(text(called), {"role": role}).all() if granted}
        known = {name for name, _ in connection.execute(text(called), {"role": "public"}).all()}
        paths = {row.proname: row.proconfig for row in connection.execute(text(definers))}
    assert known == set(FUNCTIONS)
    assert may == {(role, name) for name, roles in FUNCTIONS.items() for role in roles}
    assert paths == {name: ["search_path=pg_catalog, pg_temp"] for name in ("append", "withhold", "detach", "recover")}


STATEMENT = {"SELECT": "SELECT count(*) FROM pacing.{0}", "INSERT": "INSERT INTO pacing.{0} SELECT * FROM pacing.{0} WHERE false",
             "UPDATE": "UPDATE pacing.{0} SET {1} = {1}", "DELETE": "DELETE FROM pacing.{0}", "TRUNCATE": "TRUNCATE pacing.{0} CASCADE"}
LEDGER = {"ledger_entries": "kind", "ledger_entries_2026_05": "kind", "ledger_head": "size"}


def works(connection, role, statement):
    """Whether Postgres carries a statement out for a role; all that it may refuse it for is a missing right."""
    with connection.begin_nested() as undone:
        connection.execute(text(f"SET LOCAL ROLE {role}"))
        try:
            connection.execute(text(statement))
        except ProgrammingError as error:
            if "permission denied" in str(error.orig):
                return False
            raise
        finally:
            undone.rollback()
    return True


def test_what_is_granted_is_what_works(with_a_month):
    """Each statement, as each role, on the ledger's tables: it works where the right is granted, and is refused by its right elsewhere."""
    rights = {"pacing_app": APP, "pacing_reader": READER}
    with with_a_month.transaction() as connection:
        for role, table, statement in itertools.product(rights, LEDGER, STATEMENT):
            does = works(connection, role, STATEMENT[statement].format(table, LEDGER[table]))
            assert does == (statement in rights[role][table]), (role, table, statement)


def test_the_owner_is_nobodys_login(admin):
    """pacing_owner owns every table, cannot log in, and is no superuser; so are the other two."""
    with admin.transaction() as connection:
        owners = set(connection.execute(text("SELECT tableowner FROM pg_tables WHERE schemaname = 'pacing'")).scalars())
        roles = connection.execute(text("SELECT rolname, rolcanlogin, rolsuper FROM pg_roles WHERE rolname IN "
                                        "('pacing_owner', 'pacing_app', 'pacing_reader') ORDER BY 1")).all()
    assert owners == {"pacing_owner"}
    assert [tuple(role) for role in roles] == [(name, False, False) for name in ("pacing_app", "pacing_owner", "pacing_reader")]


def test_upgrading_again_changes_nothing(fresh_database):
    """An upgrade is safe to repeat, and the application's login can check it."""
    migrate.upgrade(fresh_database.admin)
    assert migrate.current(fresh_database.app) == migrate.newest()
    migrate.check(fresh_database.app)


def test_several_upgrades_at_once(postgres, empty_database):
    """Upgrades that start together, of one database and with one login, all succeed."""
    failed = []

    def upgrade():
        try:
            migrate.upgrade(postgres.admin_url(empty_database), app_login="pacing_many", app_password="it's")
        except Exception as error:  # noqa: BLE001  # a thread's error is the test's
            failed.append(error)

    threads = [threading.Thread(target=upgrade) for _ in range(5)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert failed == []
    migrate.check(postgres.url("pacing_many", empty_database))


def test_a_login_without_superuser_can_migrate(postgres, admin, empty_database):
    """The owner of a database who may create roles needs no superuser for the upgrade."""
    with admin.session() as session:
        session.execute(text("CREATE ROLE pacing_dba LOGIN CREATEROLE"))
        session.execute(text("GRANT pacing_owner, pacing_app, pacing_reader TO pacing_dba WITH ADMIN OPTION"))
        session.execute(text(f"ALTER DATABASE {empty_database} OWNER TO pacing_dba"))
    migrate.upgrade(postgres.url("pacing_dba", empty_database), app_login="pacing_plain")
    migrate.check(postgres.url("pacing_plain", empty_database))


def test_a_schema_that_is_behind_or_ahead_is_refused(postgres, admin, fresh_database, empty_database):
    """A missing, an older and a newer schema are each refused with what to do."""
    with pytest.raises(DatabaseRefused, match=r"has no schema yet.*pacing db upgrade"):
        migrate.check(postgres.admin_url(empty_database))
    with admin.transaction() as connection:
        connection.execute(text("UPDATE pacing.alembic_version SET version_num = '9999'"))
    for act in (migrate.check, migrate.upgrade):
        with pytest.raises(DatabaseRefused, match=r"9999.*Upgrade this program"):
            act(fresh_database.admin)
