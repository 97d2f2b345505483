"""Every malformed setting is one line that names it, and no secret is ever shown."""

import os
import traceback
from pathlib import Path

import pytest

from flows.settings import Settings
from pacing_brain.errors import SettingError

SECRET = "open-sesame"
MALFORMED = {
    "PACING_DATABASE_URL": f"mysql://u:{SECRET}@db/x", "PACING_DATABASE_ADMIN_URL": f"db.example.com/{SECRET}", "PACING_OPS_PORT": "http",
    "PACING_HTTP_PORT": "70000", "PACING_SPEND_SOURCE": "bigquery", "PACING_HEARTBEAT_URL": "example.com", "PACING_CONSOLE": "paper",
    "SNOWFLAKE_ACCOUNT": "https://acme.snowflakecomputing.com/console", "SNOWFLAKE_PORT": "0", "SNOWFLAKE_PROTOCOL": "ftp",
    "SLACK_BOT_TOKEN": f"xoxp-{SECRET}", "SLACK_CHANNEL": "pacing alerts", "SLACK_API_URL": "slack.com", "PREFECT_API_URL": "127.0.0.1:4200",
}
ODD = {"PREFECT_API_URL": "http://[::1/api", "PACING_HEARTBEAT_URL": "https://host:port/x", "PACING_TRACKER": f"postgresql://u:{SECRET}@[::1/x?table=a",
       "PACING_DATABASE_URL": f"postgresql://u:{SECRET}@db:port/x", "SLACK_BOT_TOKEN": f"xoxb-{SECRET}\n2"}
SECRETS = ("PACING_DATABASE_URL", "PACING_DATABASE_ADMIN_URL", "SNOWFLAKE_PASSWORD", "SNOWFLAKE_TOKEN", "SNOWFLAKE_PRIVATE_KEY_FILE_PWD", "SLACK_BOT_TOKEN")


@pytest.fixture(autouse=True)
def alone(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    """No setting of the outer environment, no .env."""
    for name in os.environ:
        if name.startswith(("PACING_", "SNOWFLAKE_", "SLACK_", "PREFECT_")):
            monkeypatch.delenv(name)
    monkeypatch.chdir(tmp_path)


@pytest.mark.parametrize(("name", "value"), [*MALFORMED.items(), *ODD.items()])
def test_a_malformed_setting_is_one_line_that_names_it(name, value, monkeypatch) -> None:
    """The line begins with the setting's name; it holds no secret, and neither does the traceback."""
    monkeypatch.setenv(name, value)
    if name == "SLACK_BOT_TOKEN":
        monkeypatch.setenv("SLACK_CHANNEL", "C0123456789")
    with pytest.raises(SettingError) as caught:
        Settings.read()
    line = str(caught.value)
    assert line.startswith(name)
    assert "\n" not in line
    assert SECRET not in line + "".join(traceback.format_exception(caught.value))


def test_every_fault_is_found_and_the_rest_kept(monkeypatch) -> None:
    """`examined` names every malformed setting at once; what is well formed stays."""
    for name, value in MALFORMED.items():
        monkeypatch.setenv(name, value)
    monkeypatch.setenv("PACING_TRACKER", "plan.csv")
    settings, faults = Settings.examined()
    assert {fault.name for fault in faults} == set(MALFORMED)
    assert settings.tracker == "plan.csv"
    assert SECRET not in repr((settings, faults))


def test_a_token_without_a_channel_names_the_channel(monkeypatch) -> None:
    """The setting that is missing is named, not the one that is there."""
    monkeypatch.setenv("SLACK_BOT_TOKEN", f"xoxb-{SECRET}")
    with pytest.raises(SettingError, match=r"^SLACK_CHANNEL is missing"):
        Settings.read()


def test_no_secret_is_in_a_repr_or_a_dump(monkeypatch) -> None:
    """Printing the settings, in any of the usual ways, shows stars."""
    values = dict.fromkeys(SECRETS, SECRET) | {"SLACK_BOT_TOKEN": f"xoxb-{SECRET}", "SLACK_CHANNEL": "C0123456789"}
    values |= {name: f"postgresql://u:{SECRET}@db/x" for name in SECRETS if "DATABASE" in name}
    for name, value in values.items():
        monkeypatch.setenv(name, value)
    settings = Settings.read()
    assert SECRET not in f"{settings!r}{settings}{settings.model_dump()}{settings.model_dump_json()}"
    assert set(settings.secrets) == {*values.values(), SECRET} - {"C0123456789"}


def test_an_empty_value_is_unset(monkeypatch) -> None:
    """`NAME=` in .env is as if the line were not there."""
    Path(".env").write_text("PACING_DATABASE_URL=\nPACING_OPS_PORT=\nSLACK_BOT_TOKEN=\n", encoding="utf-8")
    settings = Settings.read()
    assert (settings.database_url, settings.ops_port, settings.slack_bot_token) == (None, 9300, None)


def test_the_environment_wins_over_the_file(monkeypatch) -> None:
    """What the environment says is taken, what it leaves out comes from .env."""
    Path(".env").write_text("PACING_TRACKER=file.csv\nPACING_POLICY=p.toml\n", encoding="utf-8")
    monkeypatch.setenv("PACING_TRACKER", "environment.csv")
    settings = Settings.read()
    assert (settings.tracker, settings.policy) == ("environment.csv", Path("p.toml"))


def test_only_the_names_of_settings_are_read(monkeypatch) -> None:
    """HOME, POLICY, TRACKER and CONSOLE of the environment mean nothing: a field's own name is no setting."""
    for name in ("HOME", "POLICY", "TRACKER", "CONSOLE"):
        monkeypatch.setenv(name, "/somewhere")
    settings = Settings.read()
    assert (settings.home, settings.policy, settings.tracker, settings.console) == (Path(".pacing"), None, None, "stdout")


def test_names_that_are_no_settings(monkeypatch) -> None:
    """A mistyped name is found with the setting it was meant for; other programs' names are left alone."""
    monkeypatch.setenv("PACING_TRACKR", "x")
    monkeypatch.setenv("SNOWFLAKE_ACOUNT", "x")
    monkeypatch.setenv("SNOWFLAKE_REGISTRY", "x")
    monkeypatch.setenv("SLACK_WEBHOOK_URL", "x")
    Path(".env").write_text("PACING_COLOUR=blue\n", encoding="utf-8")
    assert Settings.unknown() == [("PACING_COLOUR", ""), ("PACING_TRACKR", "PACING_TRACKER"), ("SNOWFLAKE_ACOUNT", "SNOWFLAKE_ACCOUNT")]


def test_the_embedded_default_ignores_what_is_configured(monkeypatch) -> None:
    """The demo's settings take the home and nothing else, whatever is malformed beside it."""
    monkeypatch.setenv("PACING_HOME", "elsewhere")
    monkeypatch.setenv("PACING_OPS_PORT", "http")
    monkeypatch.setenv("PACING_DATABASE_URL", "postgresql://u@db/x")
    settings = Settings.embedded("demo")
    assert settings.home == Path("elsewhere/demo")
    assert settings.embedded_database
    assert settings.embedded_warehouse


def test_a_file_that_is_no_text_is_named() -> None:
    """A .env in UTF-16 is one line that says so."""
    Path(".env").write_text("PACING_TRACKER=plan.csv\n", encoding="utf-16")
    for read in (Settings.read, Settings.examined):
        with pytest.raises(SettingError, match=r"^\.env is no UTF-8 text"):
            read()
