"""The doctor names the fault and its mend, in set-ups of real parts with one thing broken each."""

import json
import socket
import subprocess
import sys
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest

from audit import clock
from audit.database import Database
from flows import views
from flows.commands.db import upgraded
from flows.doctor import PARTS, as_object, report
from flows.local_postgres import EmbeddedPostgres
from flows.settings import Settings
from tests.fakes.slack_server import TOKEN
from tests.integration.connectors.test_snowflake_login import login, refusal
from tests.integration.connectors.warehouse_shapes import fivetran
from tests.integration.doctor_house import clean_environment, database, house, slack, snowflake_that_refuses, warehouse_server

__all__ = ["clean_environment", "database", "house", "login", "slack", "warehouse_server"]

PACING = str(Path(sys.executable).with_name("pacing"))
SNOWFLAKE = ("ACCOUNT", "USER", "PASSWORD", "HOST", "PORT", "PROTOCOL", "DATABASE", "SCHEMA")


class TestWell:
    def test_nothing_configured_is_no_problem(self, clean_environment) -> None:
        """The embedded default has no problem, is not started for the doctor, and the command ends with 0."""
        done = subprocess.run([PACING, "doctor", "--json"], capture_output=True, text=True, check=False)
        found = json.loads(done.stdout)
        assert (done.returncode, done.stderr, found["ok"], found["problems"]) == (0, "", True, 0)
        assert {check["part"] for check in found["checks"]} == {"Settings", *PARTS}
        assert list(clean_environment.iterdir()) == []

    def test_a_whole_house_has_no_problem(self, house, fresh_database, slack, prefect_server) -> None:
        """Every part configured and well: no problem, and each says what it found."""
        house.spend()
        house.set(PACING_DATABASE_URL=fresh_database.app, PACING_DATABASE_ADMIN_URL=fresh_database.admin, SLACK_BOT_TOKEN=TOKEN, SLACK_CHANNEL="C0TEST",
                  SLACK_API_URL=slack.api_url, PREFECT_API_URL=prefect_server.api_url)
        found = house.examine()
        assert found.problems == []
        for said in ("1 campaign-days", "may add to the ledger and change nothing", "C0TEST", "Prefect 3", "1 rows can be used"):
            assert said in found.text
        assert slack.messages == []


class TestSettings:
    def test_every_malformed_setting_is_a_line_and_the_rest_is_looked_at(self, house) -> None:
        """Two malformed settings are two lines; a part that needs neither is checked, one that needs one is not."""
        house.set(PACING_OPS_PORT="http", SNOWFLAKE_ACCOUNT="https://x.snowflakecomputing.com")
        found = house.examine()
        assert "PACING_OPS_PORT must be a valid integer" in found.named("Settings: PACING_OPS_PORT")
        assert "organisation-account" in found.named("Settings: SNOWFLAKE_ACCOUNT")
        assert "Snowflake check skipped" in found.text
        assert "Slack token ok" in found.text

    def test_a_mistyped_name_is_told(self, house) -> None:
        """A name that is no setting is told with the one that was meant."""
        house.spend()
        (house.folder / ".env").write_text("PACING_SPEND_SORCE=fivetran\n", encoding="utf-8")
        found = house.examine()
        assert found.problems == ["Settings: PACING_SPEND_SORCE"]
        assert "Write PACING_SPEND_SOURCE." in found.named("Settings: PACING_SPEND_SORCE")

    def test_a_token_without_a_channel(self, house) -> None:
        """A Slack token without its channel names SLACK_CHANNEL."""
        house.set(SLACK_BOT_TOKEN="xoxb-sesame")
        found = house.examine()
        assert "SLACK_CHANNEL is missing" in found.named("Settings: SLACK_CHANNEL")

    def test_an_address_of_the_second_route_that_nobody_knows(self, house) -> None:
        """An address that Apprise cannot read is named by its kind, never whole."""
        house.set(PACING_ALERT_URL="json://127.0.0.1/s3cret teams://s3cret", PACING_ALERTS_TO="pagerduty://s3cret nobody://s3cret")
        found = house.examine()
        told, of_alerts = found.named("Second route: addresses"), found.named("Second route: alerts")
        assert "1 of 2 addresses that Apprise cannot read (teams://...)" in told
        assert "1 of 2 addresses that Apprise cannot read (nobody://...)" in of_alerts
        assert "s3cret" not in told + of_alerts

    def test_a_file_of_settings_that_is_no_text(self, house) -> None:
        """A .env that cannot be read is the one line there is."""
        (house.folder / ".env").write_text("PACING_TRACKER=plan.csv", encoding="utf-16")
        assert house.examine().problems == ["Settings: file"]

    def test_no_secret_is_shown_whatever_is_wrong(self, house, slack) -> None:
        """With every secret set and everything broken, neither the lines nor the JSON hold one."""
        house.set(PACING_DATABASE_URL="postgresql://u:sesame@127.0.0.1:1/x?password=sesame", PACING_DATABASE_ADMIN_URL="postgresql://a:sesame@127.0.0.1:1/x",
                  SNOWFLAKE_PASSWORD="sesame", SNOWFLAKE_TOKEN="sesame", SNOWFLAKE_PORT="1", SLACK_BOT_TOKEN="xoxb-sesame", SLACK_CHANNEL="C0TEST",
                  SLACK_API_URL=slack.api_url, PACING_TRACKER="postgresql://t:sesame@127.0.0.1:1/x?table=plan", PACING_HEARTBEAT_URL="https://h:sesame@x.example",
                  PREFECT_API_URL="http://p:sesame@127.0.0.1:1/api")
        found = house.examine()
        assert {"Tracker: file", "Snowflake: host", "Postgres: login", "Postgres: admin login", "Slack: token", "Prefect: server"} == set(found.problems)
        with (out := views.terminal()).capture() as shown:
            out.print(report(found.checks))
        assert "sesame" not in shown.get() + json.dumps(as_object(found.checks))

    def test_the_home_cannot_be_made(self, house) -> None:
        """A PACING_HOME below a file is named."""
        house.spend()
        house.set(PACING_HOME="plan.csv/home", PACING_DATABASE_URL="postgresql://u@127.0.0.1:1/x")
        assert "is a file" in house.examine().named("Home: folder")

    def test_a_key_and_a_folder_of_anchors_that_are_not_there(self, house) -> None:
        """A signing key that cannot be read and a folder of anchors that cannot be written are named by their settings."""
        house.spend()
        house.set(PACING_SIGNING_KEY_FILE="none.key", PACING_ANCHOR_DIR="nowhere")
        found = house.examine()
        assert found.problems == ["Home: signing key", "Home: anchors"]
        assert "PACING_ANCHOR_DIR nowhere" in found.named("Home: anchors")

    @pytest.mark.parametrize(("text", "said"), [("variance = { warnng_pct = 5 }", "unknown key variance.warnng_pct"), ("mode = 1\n[", "not valid TOML"),
                                                ("variance = { warning_pct = 30 }", "warning_pct must be below critical_pct"), (None, "cannot be read")])
    def test_a_policy_that_cannot_be_used(self, house, text, said) -> None:
        """An unknown key, no TOML, a value out of range, no file: named, and the other parts are looked at with the defaults."""
        house.spend()
        if text is not None:
            (house.folder / "policy.toml").write_text(text, encoding="utf-8")
        house.set(PACING_POLICY="policy.toml")
        found = house.examine()
        assert found.problems == ["Policy: file"]
        assert said in found.named("Policy: file")


class TestTracker:
    def test_a_file_that_is_not_there(self, house) -> None:
        """The path and the setting are named."""
        house.spend()
        house.set(PACING_TRACKER="other.csv")
        assert "Check PACING_TRACKER" in house.examine().named("Tracker: file")

    def test_no_tracker_beside_a_real_warehouse(self, house) -> None:
        """Snowflake without PACING_TRACKER is a problem: a sample plan is never held against it."""
        house.spend()
        house.set(PACING_TRACKER=None)
        assert "PACING_TRACKER is missing" in house.examine().named("Tracker: file")

    def test_a_missing_column(self, house) -> None:
        """A plan without a required column names it and shows the header."""
        house.spend()
        (house.folder / "plan.csv").write_text("campaign_id,platform,budget,start_date,end_date\n1,google,5,2026-01-01,2026-12-31\n", encoding="utf-8")
        assert "has no column currency" in house.examine().named("Tracker: file")

    def test_a_row_that_cannot_be_used(self, house) -> None:
        """The row, its column and its mend are told; the usable rows are counted."""
        house.spend()
        with (house.folder / "plan.csv").open("a", encoding="utf-8") as file:
            file.write("2,Acme 2,google,1000,USD,03/04/2026,2026-12-31\n")
        found = house.examine()
        assert "YYYY-MM-DD" in found.named("Tracker: row 3")
        assert "1 rows can be used, 1 cannot" in found.text


class TestSnowflake:
    def test_a_host_that_is_not_there(self, house) -> None:
        """Nothing listens: the host is named, and the spend is not looked at."""
        house.set(SNOWFLAKE_PORT="1")
        found = house.examine()
        assert found.problems == ["Snowflake: host"]
        assert "127.0.0.1:1 cannot be reached" in found.named("Snowflake: host")

    def test_a_login_that_is_refused(self, house, login) -> None:
        """Snowflake's number becomes the setting to look at."""
        login.answers = [refusal("394304", "JWT token is invalid. [abc]")]
        house.set(SNOWFLAKE_PORT=login.settings.port)
        assert "ALTER USER ... SET RSA_PUBLIC_KEY" in house.examine().named("Snowflake: login")

    def test_a_role_that_is_not_granted(self, house, login) -> None:
        """A role that the user has not got names SNOWFLAKE_ROLE."""
        login.answers = [refusal("390186", "Role 'X' specified in the connect string is not granted to this user.")]
        house.set(SNOWFLAKE_PORT=login.settings.port)
        assert "SNOWFLAKE_ROLE" in house.examine().named("Snowflake: login")

    def test_a_key_file_that_is_not_there(self, house) -> None:
        """The setting and the path are named, without a connection."""
        house.set(SNOWFLAKE_PRIVATE_KEY_FILE="none.p8")
        assert "SNOWFLAKE_PRIVATE_KEY_FILE none.p8 cannot be read" in house.examine().named("Snowflake: login")

    def test_a_key_file_that_is_no_key(self, house) -> None:
        """What is no private key is told by its setting, with what it must be."""
        (house.folder / "key.p8").write_text("no key", encoding="utf-8")
        house.set(SNOWFLAKE_PRIVATE_KEY_FILE="key.p8")
        assert "must be a PEM private key" in house.examine().named("Snowflake: login")

    def test_a_connection_that_is_not_in_its_file(self, house) -> None:
        """A name that connections.toml does not have is told."""
        house.set(SNOWFLAKE_CONNECTION_NAME="none", SNOWFLAKE_PASSWORD=None)
        assert "connection_name 'none'" in house.examine().named("Snowflake: login")

    def test_a_login_without_user_and_credential(self, house) -> None:
        """Each setting that a login lacks is a line of its own."""
        house.set(SNOWFLAKE_USER=None, SNOWFLAKE_PASSWORD=None)
        assert house.examine().problems == ["Snowflake: SNOWFLAKE_USER", "Snowflake: SNOWFLAKE_PRIVATE_KEY_FILE"]

    def test_a_missing_table(self, house) -> None:
        """CAMPAIGN_SPEND that is not there is named with what to grant or set."""
        found = house.examine()
        assert "GRANT SELECT" in found.named("Snowflake: table CAMPAIGN_SPEND")
        assert found.problems == ["Snowflake: table CAMPAIGN_SPEND", "Spend: read"]

    def test_a_missing_privilege(self, house) -> None:
        """What the role may not read is told with the grant."""
        with snowflake_that_refuses("003001", "SQL access control error: Insufficient privileges to operate on schema 'PACING'") as port:
            house.set(SNOWFLAKE_PORT=port)
            found = house.examine()
        assert "GRANT SELECT on the table and USAGE" in found.named("Snowflake: tables")
        assert "Insufficient privileges" in found.named("Spend: read")

    def test_no_warehouse_to_compute_with(self, house) -> None:
        """A role without USAGE on its warehouse is told which setting and grant it is."""
        with snowflake_that_refuses("000606", "No active warehouse selected in the current session.") as port:
            house.set(SNOWFLAKE_PORT=port)
            assert "set SNOWFLAKE_WAREHOUSE and grant USAGE" in house.examine().named("Snowflake: tables")

    def test_each_missing_column(self, house) -> None:
        """Every required column that is missing is a line of its own, in both tables."""
        house.warehouse.run("CREATE TABLE CAMPAIGN_SPEND (PLATFORM TEXT, ACCOUNT_ID TEXT, CAMPAIGN_ID TEXT, CAMPAIGN_NAME TEXT, DAY DATE, "
                            "SPEND NUMBER(38,6))", "CREATE TABLE ACCOUNT_LOADS (ACCOUNT_ID TEXT)")
        found = house.examine()
        assert found.problems == ["Snowflake: column CAMPAIGN_SPEND.CURRENCY", "Snowflake: column CAMPAIGN_SPEND.LOADED_AT",
                                  "Snowflake: column ACCOUNT_LOADS.LOADED_AT", "Spend: read"]

    def test_an_optional_table_without_a_column(self, house) -> None:
        """A breakdown that is there and lacks what it is asked for is named; one that is whole is listed."""
        house.spend()
        house.warehouse.run("CREATE TABLE SPEND_BY_DEVICE (PLATFORM TEXT, ACCOUNT_ID TEXT, CAMPAIGN_ID TEXT, DAY DATE, SPEND NUMBER(38,6))",
                            "CREATE TABLE SPEND_BY_HOUR (PLATFORM TEXT, ACCOUNT_ID TEXT, CAMPAIGN_ID TEXT, DAY DATE, ITEM TEXT, SPEND NUMBER(38,6))")
        found = house.examine()
        assert found.problems == ["Snowflake: column SPEND_BY_DEVICE.ITEM"]
        assert "breakdowns ok SPEND_BY_HOUR" in found.text

    def test_a_column_of_the_wrong_type(self, house) -> None:
        """A SPEND of text is found by reading."""
        house.warehouse.run("CREATE TABLE CAMPAIGN_SPEND (PLATFORM TEXT, ACCOUNT_ID TEXT, CAMPAIGN_ID TEXT, CAMPAIGN_NAME TEXT, CURRENCY TEXT, DAY DATE, "
                            "SPEND TEXT, LOADED_AT TIMESTAMP_NTZ)")
        assert "column SPEND is TEXT" in house.examine().named("Spend: read")

    def test_an_empty_warehouse(self, house) -> None:
        """Tables without a row are a problem of the feed."""
        house.spend()
        house.warehouse.run("DELETE FROM CAMPAIGN_SPEND", "DELETE FROM ACCOUNT_LOADS")
        assert "Check the feed" in house.examine().named("Spend: read")

    def test_a_feed_that_stopped(self, house) -> None:
        """Loads of three days ago are named with their age."""
        house.spend(datetime.now(UTC) - timedelta(hours=72))
        assert "72 h old" in house.examine().named("Spend: loads")

    def test_loads_in_local_time(self, house) -> None:
        """A load in the future says that LOADED_AT must be UTC."""
        house.spend(datetime.now(UTC) + timedelta(hours=2))
        assert "must be UTC" in house.examine().named("Spend: loads")

    def test_rows_without_a_currency(self, house) -> None:
        """Rows that lack what they need are told with table and column."""
        house.spend()
        house.warehouse.run("UPDATE CAMPAIGN_SPEND SET CURRENCY = NULL")
        assert "1 spend rows have no currency" in house.examine().named("Spend: rows currency")

    def test_a_machine_whose_clock_is_off(self, house) -> None:
        """This machine ten minutes ahead of the warehouse: the clock is named, with NTP."""
        house.spend()
        found = house.examine(now=lambda: datetime.now(UTC) + timedelta(minutes=10))
        assert "600 s apart" in found.named("Snowflake: clock")

    def test_an_own_query_without_a_column(self, house) -> None:
        """A .sql of the user's own is held to the same columns."""
        house.spend()
        (house.folder / "own.sql").write_text("SELECT PLATFORM, ACCOUNT_ID, CAMPAIGN_ID, CAMPAIGN_NAME, DAY, SPEND, LOADED_AT FROM CAMPAIGN_SPEND", encoding="utf-8")
        house.set(PACING_SPEND_SOURCE="own.sql")
        assert "own.sql has no column CURRENCY" in house.examine().named("Snowflake: column own.sql.CURRENCY")

    def test_a_platform_of_fivetran_without_its_history(self, house) -> None:
        """The platform whose account table is missing is named; the others are read."""
        fivetran(house.warehouse, house.folder)
        house.set(PACING_SPEND_SOURCE="fivetran")
        found = house.examine()
        assert "FACEBOOK_ADS.ACCOUNT_HISTORY" in found.named("Spend: platform meta")
        assert "Snowflake table GOOGLE_ADS.ACCOUNT_HISTORY ok" in found.text

    def test_no_warehouse_beside_an_own_tracker(self, house) -> None:
        """A tracker without Snowflake says that Snowflake is missing: the embedded warehouse holds no spend."""
        house.set(**{f"SNOWFLAKE_{name}": None for name in SNOWFLAKE})
        assert "Set SNOWFLAKE_ACCOUNT" in house.examine().named("Snowflake: table CAMPAIGN_SPEND")


@pytest.fixture
def well(house):
    """A house with the sample agency, so that what is wrong is the rest."""
    house.set(PACING_TRACKER=None, **{f"SNOWFLAKE_{name}": None for name in SNOWFLAKE})
    return house


class TestPostgres:
    def test_a_server_that_is_not_there(self, well) -> None:
        """No server: host and database are named."""
        well.set(PACING_DATABASE_URL="postgresql://u@127.0.0.1:1/pacing")
        assert "127.0.0.1/pacing did not answer" in well.examine().named("Postgres: login")

    def test_a_server_that_hangs(self, well) -> None:
        """A server that takes the connection and says nothing costs its part its time, and no other part anything."""
        with socket.create_server(("127.0.0.1", 0)) as silent:
            well.set(PACING_DATABASE_URL=f"postgresql://u@127.0.0.1:{silent.getsockname()[1]}/pacing")
            found = well.examine(limit_s=4.0)
        assert found.problems == ["Postgres: time"]
        assert "within 4 s" in found.named("Postgres: time")

    def test_a_login_or_database_that_does_not_exist(self, well, fresh_database) -> None:
        """Postgres' refusal is told with the setting."""
        well.set(PACING_DATABASE_URL=fresh_database.app.replace("pacing_app_test", "nobody"))
        assert "PACING_DATABASE_URL" in well.examine().named("Postgres: login")

    def test_a_database_without_the_schema(self, well, postgres) -> None:
        """A database that was never migrated says what to run."""
        well.set(PACING_DATABASE_URL=postgres.admin_url("postgres"))
        assert "Run `pacing db upgrade`" in well.examine().named("Postgres: schema")

    def test_a_superuser_as_the_application(self, well, fresh_database) -> None:
        """An application that could change the ledger is a problem, with the login to use."""
        well.set(PACING_DATABASE_URL=fresh_database.admin)
        assert "member of pacing_app only" in well.examine().named("Postgres: append-only")

    def test_a_login_without_its_role(self, well, fresh_database) -> None:
        """A login that may read but not write names the grant."""
        run_as_admin(fresh_database, "CREATE ROLE onlooker LOGIN; GRANT pacing_reader TO onlooker")
        well.set(PACING_DATABASE_URL=fresh_database.app.replace("pacing_app_test", "onlooker"))
        assert "GRANT pacing_app TO onlooker" in well.examine().named("Postgres: append-only")
        run_as_admin(fresh_database, "DROP ROLE onlooker")

    def test_a_right_that_must_not_be(self, well, fresh_database) -> None:
        """UPDATE on an append-only table is found and named."""
        run_as_admin(fresh_database, "GRANT UPDATE ON pacing.policies TO pacing_app")
        well.set(PACING_DATABASE_URL=fresh_database.app)
        assert "may change policies" in well.examine().named("Postgres: append-only")

    def test_a_server_that_grants_too_much(self, well, fresh_database) -> None:
        """Each power that the application does not need is named: attributes, predefined roles, ownership, a way past `append`."""
        run_as_admin(fresh_database, "CREATE ROLE mighty LOGIN CREATEROLE; GRANT pacing_app, pg_write_server_files TO mighty; "
                                     f"ALTER DATABASE {fresh_database.name} OWNER TO mighty")
        try:
            well.set(PACING_DATABASE_URL=fresh_database.app.replace("pacing_app_test", "mighty"))
            found = well.examine().named("Postgres: append-only")
            assert "CREATEROLE, the role pg_write_server_files, the ownership of the database" in found
            run_as_admin(fresh_database, "GRANT UPDATE (size) ON pacing.ledger_head TO mighty; GRANT INSERT ON pacing.ledger_entries TO mighty")
            assert "may change ledger_entries, ledger_head" in well.examine().named("Postgres: append-only")
        finally:
            run_as_admin(fresh_database, f"ALTER DATABASE {fresh_database.name} OWNER TO postgres; DROP OWNED BY mighty; DROP ROLE mighty")

    def test_a_trigger_that_was_switched_off(self, well, fresh_database) -> None:
        """An append-only trigger that does not fire always is named with its table."""
        run_as_admin(fresh_database, "ALTER TABLE pacing.ledger_entries DISABLE TRIGGER append_only")
        well.set(PACING_DATABASE_URL=fresh_database.app)
        assert "ledger_entries" in well.examine().named("Postgres: triggers")

    def test_a_shifted_clock_beside_a_real_slack(self, well, fresh_database) -> None:
        """A demo's database and a Slack token do not go together."""
        admin = Database(fresh_database.admin)
        with admin.transaction() as connection:
            clock.set_offset(connection, timedelta(hours=1))
        admin.close()
        well.set(PACING_DATABASE_URL=fresh_database.app, SLACK_BOT_TOKEN=TOKEN, SLACK_CHANNEL="C0TEST", SLACK_API_URL="https://slack.invalid/api/")
        assert "shifted" in well.examine().named("Postgres: clock")

    def test_an_admin_login_that_may_not_migrate(self, well, fresh_database) -> None:
        """The admin setting is named when its login cannot make roles."""
        well.set(PACING_DATABASE_URL=fresh_database.app, PACING_DATABASE_ADMIN_URL=fresh_database.app)
        assert "CREATEROLE" in well.examine().named("Postgres: admin login")


    def test_the_embedded_database_is_looked_at_and_not_migrated(self, well, short_tmp) -> None:
        """A cluster without our database is left as it is; once a run, or db upgrade, has made it, it is examined like a server's."""
        home = short_tmp / "doctor-home"
        well.set(PACING_HOME=home)
        with EmbeddedPostgres(home, durable=False):
            assert "Postgres schema ok the embedded database is at no schema" in well.examine().text
            upgraded(Settings.read())
            found = well.examine()
        assert found.problems == []
        assert "Postgres append-only ok pacing_application" in found.text


class TestSlack:
    @pytest.fixture
    def talking(self, well, slack):
        well.set(SLACK_BOT_TOKEN=TOKEN, SLACK_CHANNEL="C0TEST", SLACK_API_URL=slack.api_url)
        return well

    def test_a_token_that_is_not_valid(self, talking) -> None:
        """Slack's refusal is told with where the token is found."""
        talking.set(SLACK_BOT_TOKEN="xoxb-other")
        assert "OAuth & Permissions" in talking.examine().named("Slack: token")

    def test_a_missing_scope(self, talking, slack) -> None:
        """The scope is named with what it is for."""
        slack.scopes.discard("channels:history")
        assert "channels:history (to find a card again in a public channel)" in talking.examine().named("Slack: scopes")

    def test_a_channel_that_is_not_there(self, talking) -> None:
        """The channel and its setting are named."""
        talking.set(SLACK_CHANNEL="C0NONE")
        assert "SLACK_CHANNEL: channel_not_found" in talking.examine().named("Slack: channel C0NONE")

    def test_a_channel_of_a_route_without_the_app(self, talking, slack) -> None:
        """A route's channel that the app is not in is named with its selector."""
        (talking.folder / "policy.toml").write_text('[routes]\n"client=acme" = { channel = "C0ACME" }\n', encoding="utf-8")
        talking.set(PACING_POLICY="policy.toml")
        slack.not_joined.add("C0ACME")
        said = talking.examine().named("Slack: channel C0ACME")
        assert '[routes] "client=acme"' in said
        assert "/invite" in said

    def test_a_channel_by_its_name(self, talking) -> None:
        """A name instead of an id is a problem: a card could not be looked for."""
        talking.set(SLACK_CHANNEL="#pacing")
        assert "Write the channel's id" in talking.examine().named("Slack: channel #pacing")

    def test_a_slack_that_is_not_there(self, talking) -> None:
        """No connection is told as such."""
        talking.set(SLACK_API_URL="http://127.0.0.1:1/api/")
        assert "no answer (ConnectionRefusedError)" in talking.examine().named("Slack: token")


class TestPrefect:
    def test_a_server_that_is_not_there(self, well) -> None:
        """The setting is named, and that runs go on without it."""
        well.set(PREFECT_API_URL="http://127.0.0.1:1/api")
        assert "Runs go on without it" in well.examine().named("Prefect: server")

    def test_an_address_that_is_no_api(self, well, prefect_server) -> None:
        """The UI's address in place of the API's is found."""
        well.set(PREFECT_API_URL=prefect_server.ui_url)
        assert "ends in /api" in well.examine().named("Prefect: server")


def test_a_broken_house_ends_with_one(house) -> None:
    """The command prints a line per check, says how many problems there are, and ends with 1, without a traceback."""
    done = subprocess.run([PACING, "doctor"], capture_output=True, text=True, check=False)
    assert (done.returncode, done.stderr) == (1, "")
    assert "2 problems." in done.stdout


def run_as_admin(fresh_database, statements: str) -> None:
    import psycopg

    with psycopg.connect(fresh_database.admin.replace("+psycopg", ""), autocommit=True) as connection:
        for statement in statements.split(";"):
            connection.execute(statement)
