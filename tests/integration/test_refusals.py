"""What must not run with a real Slack or Snowflake: a record in a folder that nobody confirmed, and a clock that somebody shifted."""

from datetime import UTC, datetime, timedelta

import pytest

from flows.settings import Settings
from flows.wiring import open_house
from pacing_brain.errors import SettingError
from tests.flows.conftest import shift_to

SLACK = {"SLACK_BOT_TOKEN": "xoxb-1", "SLACK_CHANNEL": "C0OPS"}
SNOWFLAKE = {"SNOWFLAKE_ACCOUNT": "acme-eu", "SNOWFLAKE_USER": "pacing"}
HERE = {"SNOWFLAKE_HOST": "127.0.0.1", "SLACK_API_URL": "http://localhost:1/api/"}


@pytest.fixture
def settings(tmp_path):
    """Makes settings of a home of the test's own, whatever the environment says."""
    defaults = {each.alias or name: each.default for name, each in Settings.model_fields.items()}
    tracker = tmp_path / "plan.csv"

    def make(**own):
        return Settings.read(**defaults | {"PACING_HOME": tmp_path / "home", "PACING_TRACKER": str(tracker), "_env_file": None} | own)

    return make


@pytest.mark.parametrize("real", [SLACK, SNOWFLAKE, {"SNOWFLAKE_CONNECTION_NAME": "prod"}, SLACK | SNOWFLAKE], ids=["slack", "snowflake", "by name", "both"])
def test_a_real_service_on_the_embedded_database_is_refused(settings, tmp_path, real):
    """One line names the setting and both ways out, before any server is started."""
    with pytest.raises(SettingError) as refused, open_house(settings(**real)):
        pass
    assert str(refused.value).startswith("PACING_DATABASE_URL is missing: a real S")
    assert "PACING_ALLOW_EMBEDDED_DATABASE=1" in str(refused.value)
    assert "pacing db move" in str(refused.value)
    assert not (tmp_path / "home").exists()


@pytest.mark.parametrize("well", [{}, SLACK | HERE, SNOWFLAKE | HERE, SLACK | {"PACING_ALLOW_EMBEDDED_DATABASE": "1"},
                                  SLACK | SNOWFLAKE | {"PACING_DATABASE_URL": "postgresql://u@db/pacing"}],
                         ids=["nothing real", "slack here", "snowflake here", "confirmed", "a server"])
def test_nothing_else_is_refused(settings, well):
    """What is on this machine, what somebody confirmed and what has a server of its own may run."""
    assert settings(**well).unconfirmed_embedded is None


@pytest.mark.parametrize("real", [SLACK, SNOWFLAKE], ids=["slack", "snowflake"])
def test_a_shifted_clock_is_refused(settings, fresh_database, real):
    """A database whose clock somebody shifted is a demo's or a test's: no process that knows a real Slack or Snowflake starts on it."""
    shift_to(fresh_database.admin, datetime.now(UTC) - timedelta(days=3))
    own = settings(**{"SNOWFLAKE_ACCOUNT": "acme-eu", "SNOWFLAKE_HOST": "127.0.0.1"} | real | {"PACING_DATABASE_URL": fresh_database.app}
                   | ({"SNOWFLAKE_HOST": None} if real is SNOWFLAKE else {}))
    with pytest.raises(SettingError, match="shifted clock"), open_house(own):
        pass
