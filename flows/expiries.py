"""Which keys and tokens end, and when: what can be known of that from here, and, where it cannot, that it cannot.

Nothing is asked of anybody outside: a token says its own end, a certificate its own, and Postgres that of the login.
"""

import base64
import binascii
import json
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from pathlib import Path

from cryptography import x509
from sqlalchemy import make_url, text

from audit.database import Database
from flows.settings import Settings

WARN_BEFORE = timedelta(days=14)
_LOGIN_ENDS = text("SELECT rolvaliduntil FROM pg_roles WHERE rolname = current_user AND rolvaliduntil < 'infinity'")


@dataclass(frozen=True)
class Expiry:
    """what: the setting or the login. ends: UTC; none: not known, or never, as `says` tells. mend: how it is renewed."""

    what: str
    ends: datetime | None
    says: str
    mend: str = ""

    def warning(self, now: datetime) -> str | None:
        """One line, in the last 14 days and after the end."""
        if self.ends is None or self.ends - now > WARN_BEFORE:
            return None
        days = (self.ends - now).days
        when = f"ends in {days} days" if self.ends > now else "has ended"
        return f"{self.what} {when} ({self.ends:%Y-%m-%d %H:%M} UTC). {self.mend}"


def expiries(settings: Settings, database: Database | None = None) -> list[Expiry]:
    """Everything configured that may end; `database` is asked about its own login.

    Raises:
        DatabaseUnavailable, DatabaseRefused: it did not answer.
    """
    return [*_snowflake(settings), *_slack(settings), *_certificate(settings), *(_login(database) if database else ())]


def warnings(found: Sequence[Expiry], now: datetime) -> list[tuple[str, str]]:
    """(what, line) of each that ends soon or has ended."""
    return [(one.what, line) for one in found if (line := one.warning(now))]


def _snowflake(settings: Settings) -> list[Expiry]:
    found = []
    if settings.snowflake_token is not None:
        ends = ends_of_token(settings.snowflake_token.get_secret_value())
        found.append(Expiry("SNOWFLAKE_TOKEN", ends, "it says its own end" if ends else
                            "the token does not say when it ends: SHOW USER PROGRAMMATIC ACCESS TOKENS does",
                            "Make a new one (ALTER USER ... ROTATE PROGRAMMATIC ACCESS TOKEN) and set it."))
    if settings.snowflake_private_key_file is not None:
        found.append(Expiry("SNOWFLAKE_PRIVATE_KEY_FILE", None, "a key pair has no end: it holds until the user's RSA_PUBLIC_KEY is changed"))
    if settings.snowflake_password is not None:
        found.append(Expiry("SNOWFLAKE_PASSWORD", None, "how long a password holds is a policy of the account, which cannot be seen from here"))
    return found


def _slack(settings: Settings) -> list[Expiry]:
    if settings.slack_bot_token is None:
        return []
    return [Expiry("SLACK_BOT_TOKEN", None, "a bot token without rotation (xoxb-) holds until it is revoked; rotating ones are refused by the settings")]


def _certificate(settings: Settings) -> list[Expiry]:
    """The client's certificate, where the database's URL names one."""
    url = make_url(settings.database_url.get_secret_value()) if settings.database_url else None
    path = url.query.get("sslcert") if url else None
    if not isinstance(path, str):
        return []
    what, mend = "the certificate of PACING_DATABASE_URL", "Put a new one in its place."
    try:
        ends = x509.load_pem_x509_certificate(Path(path).read_bytes()).not_valid_after_utc
    except (OSError, ValueError) as error:
        return [Expiry(what, None, f"{path} cannot be read as a certificate ({type(error).__name__})", mend)]
    return [Expiry(what, ends, "it says its own end", mend)]


def _login(database: Database) -> list[Expiry]:
    with database.transaction() as connection:
        ends = connection.execute(_LOGIN_ENDS).scalar_one_or_none()
    what = "the password of the Postgres login"
    if ends is None:
        return [Expiry(what, None, "Postgres names no end (VALID UNTIL)")]
    return [Expiry(what, ends.astimezone(UTC), "Postgres names its end", "As its administrator: ALTER ROLE ... PASSWORD ... VALID UNTIL ...")]


def ends_of_token(token: str) -> datetime | None:
    """`exp` of a token that is a JWT. It is not verified: a wrong end is Snowflake's to refuse."""
    parts = token.split(".")
    if len(parts) != 3:
        return None
    try:
        body = json.loads(base64.urlsafe_b64decode(parts[1] + "=" * (-len(parts[1]) % 4)))
        return datetime.fromtimestamp(body["exp"], UTC)
    except (binascii.Error, ValueError, KeyError, TypeError, OverflowError, OSError):
        return None
