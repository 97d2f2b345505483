"""What Snowflake says becomes one line with the next step, transient or terminal."""

import pytest
from snowflake.connector import errors as sf

from connectors.snowflake_errors import query_error
from connectors.snowflake_settings import SnowflakeSettings
from pacing_brain.errors import SpendRefused, SpendShapeError, SpendUnavailable

SETTINGS = SnowflakeSettings(account="acme", password="sesame", token="tok")


@pytest.mark.parametrize(("errno", "kind", "step"), [
    (3001, SpendRefused, "GRANT SELECT"), (606, SpendRefused, "SNOWFLAKE_WAREHOUSE"), (90105, SpendRefused, "SNOWFLAKE_DATABASE"),
    (2003, SpendShapeError, "GRANT SELECT"), (904, SpendShapeError, "column is missing"), (1003, SpendShapeError, "does not compile"),
    (630, SpendUnavailable, "larger warehouse"), (604, SpendUnavailable, "start the run again"), (390114, SpendUnavailable, "expired"),
    (100038, SpendShapeError, "pacing doctor"),
])
def test_a_failed_query_says_the_next_step(errno, kind, step):
    """Each number has its kind and step, in one line that names what was read."""
    error = query_error(sf.ProgrammingError(msg="said\nmore", errno=errno, done_format_msg=True), SETTINGS, "CAMPAIGN_SPEND")
    assert isinstance(error, kind)
    assert step in str(error)
    assert "CAMPAIGN_SPEND" in str(error)
    assert "\n" not in str(error)


def test_a_broken_connection_is_unavailable():
    """What another attempt may mend is transient."""
    assert isinstance(query_error(sf.OperationalError(msg="gone", errno=250003), SETTINGS, "x"), SpendUnavailable)


def test_secrets_never_reach_a_message():
    """Whatever the library says, credentials are starred; the settings do not show them either."""
    said = str(query_error(sf.ProgrammingError(msg="bad sesame tok", errno=1), SETTINGS, "x"))
    assert "sesame" not in said
    assert "tok" not in said.replace("stok", "")
    assert "sesame" not in repr(SETTINGS)
    assert "tok" not in repr(SETTINGS).replace("token", "")
