"""What Snowflake's errors mean to an operator: transient or terminal, one line, the next step, no secrets."""

import re

from snowflake.connector import errors as sf

from connectors.snowflake_settings import SnowflakeSettings
from pacing_brain.errors import PacingError, SpendRefused, SpendShapeError, SpendUnavailable

# Numbers in a message or an errno -> next step. Source: docs.snowflake.com, key-pair troubleshooting and error lists.
_LOGIN = {
    "394300": "The account does not take this kind of login: check SNOWFLAKE_AUTHENTICATOR.",
    "394302": "The token is empty or malformed: check SNOWFLAKE_TOKEN.",
    "394303": "The key's signature is outside its time: set this machine's clock (NTP).",
    "394304": "The public key registered for the user is another one: ALTER USER ... SET RSA_PUBLIC_KEY.",
    "390144": "The key pair was refused: compare the user's RSA_PUBLIC_KEY with SNOWFLAKE_PRIVATE_KEY_FILE, and the clock.",
    "390100": "User or password is wrong: check SNOWFLAKE_USER and its credential.",
    "390101": "User or account is wrong: check SNOWFLAKE_ACCOUNT and SNOWFLAKE_USER.",
    "390186": "The role is not granted to the user: check SNOWFLAKE_ROLE.",
    "390189": "The role does not exist or is not granted: check SNOWFLAKE_ROLE.",
    "390201": "The database, schema or warehouse named does not exist for this role: check SNOWFLAKE_DATABASE, _SCHEMA, _WAREHOUSE.",
    "390303": "The OAuth token is not valid: renew SNOWFLAKE_TOKEN.",
    "390318": "The OAuth token has expired: renew SNOWFLAKE_TOKEN.",
    "390420": "A network policy refuses this address: ask the Snowflake administrator to allow it.",
    "390422": "A network policy refuses this address: ask the Snowflake administrator to allow it.",
    "390430": "The token is refused or this machine's address is not allowed for it: check SNOWFLAKE_TOKEN and its network policy.",
}
_QUERY: dict[int, tuple[type[PacingError], str]] = {
    606: (SpendRefused, "No warehouse is active: set SNOWFLAKE_WAREHOUSE and grant USAGE on it."),
    630: (SpendUnavailable, "The statement ran into its timeout: use a larger warehouse, or look for what blocks it."),
    604: (SpendUnavailable, "The statement was cancelled: start the run again."),
    904: (SpendShapeError, "A column is missing: compare the table with the spend columns (pacing doctor lists them)."),
    2003: (SpendShapeError, "A table does not exist or the role may not see it: check the name and GRANT SELECT."),
    2043: (SpendShapeError, "A table or column does not exist or the role may not see it: check the name and GRANT SELECT."),
    1003: (SpendShapeError, "The SQL does not compile: run it in a Snowflake worksheet."),
    3001: (SpendRefused, "The role lacks a privilege: GRANT SELECT on the table and USAGE on its schema and database."),
    90105: (SpendRefused, "No database is set: check SNOWFLAKE_DATABASE and SNOWFLAKE_SCHEMA."),
    390114: (SpendUnavailable, "The session has expired: start the run again."),
}
_TRANSIENT = (sf.OperationalError, sf.InternalServerError, sf.ServiceUnavailableError, sf.GatewayTimeoutError, sf.RequestTimeoutError,
              sf.BadGatewayError, sf.TooManyRequests, sf.OtherHTTPRetryableError, sf.RequestExceedMaxRetryError)  # fmt: skip
NOT_WORTH_REPEATING = (604, 630)


def login_error(error: Exception, settings: SnowflakeSettings) -> PacingError:
    """What a failed login means."""
    text = _said(error, settings)
    code = next((code for code in re.findall(r"\d{6}", f"{getattr(error, 'errno', '')} {error}") if code in _LOGIN), None)
    if code is not None:
        return SpendRefused(f"Snowflake ({settings.where}) refused the login ({code}). {_LOGIN[code]}")
    if re.search(r"\b40[34]\b|Forbidden|Not Found", text):
        return SpendRefused(f"Snowflake does not know the account {settings.where}. Check SNOWFLAKE_ACCOUNT (organisation-account).")
    if isinstance(error, _TRANSIENT):
        return SpendUnavailable(f"Snowflake ({settings.where}) did not answer: {text}. Check SNOWFLAKE_ACCOUNT or _HOST and the network; "
                                "the next run tries again.")  # fmt: skip
    if settings.private_key_file is not None and isinstance(error, TypeError | ValueError):
        return SpendRefused(f"SNOWFLAKE_PRIVATE_KEY_FILE {settings.private_key_file} cannot be used ({text.partition('. ')[0]}). It must be a PEM private key (PKCS#8), "
                            "and SNOWFLAKE_PRIVATE_KEY_FILE_PWD its passphrase, if it has one.")  # fmt: skip
    return SpendRefused(f"Snowflake ({settings.where}) refused the login: {text}. Check the SNOWFLAKE_ settings (.env.example explains each).")


def query_error(error: sf.Error, settings: SnowflakeSettings, what: str) -> PacingError:
    """What a failed query means. `what` says what was being read."""
    text, errno = _said(error, settings), int(getattr(error, "errno", None) or -1)
    if errno in _QUERY:
        kind, step = _QUERY[errno]
        return kind(f"Snowflake, reading {what}: {text}. {step}")
    if isinstance(error, _TRANSIENT):
        return SpendUnavailable(f"Snowflake stopped answering while reading {what}: {text}. The next run tries again.")
    if "privilege" in text.casefold():
        return SpendRefused(f"Snowflake, reading {what}: {text}. {_QUERY[3001][1]}")
    return SpendShapeError(f"Snowflake cannot read {what}: {text}. Compare the table with the spend columns (pacing doctor lists them).")


def _said(error: Exception, settings: SnowflakeSettings) -> str:
    """The first line of what the library said, short and without secrets."""
    message = getattr(error, "raw_msg", None) or getattr(error, "msg", None) or str(error) or type(error).__name__
    for secret in settings.secrets:
        message = message.replace(secret, "***")
    return str(message).strip().splitlines()[0][:200].rstrip(". ")
