"""What it takes to log in to Snowflake: a value, read by `flows.settings` and handed over."""

from dataclasses import dataclass, field
from pathlib import Path
from typing import Any


@dataclass(frozen=True)
class SnowflakeSettings:
    """Either `connection_name` (an entry of connections.toml) or `account` and `user` with one credential.

    The credential is, in this order: a private key file, a token (`authenticator` unset: a programmatic access token; `oauth`), a
    password. Timeouts are seconds.
    """

    account: str | None = None
    user: str | None = None
    private_key_file: Path | None = None
    private_key_file_pwd: str | None = field(default=None, repr=False)
    token: str | None = field(default=None, repr=False)
    password: str | None = field(default=None, repr=False)
    authenticator: str | None = None
    role: str | None = None
    warehouse: str | None = None
    database: str | None = None
    schema: str | None = None
    host: str | None = None
    port: int | None = None
    protocol: str | None = None
    connection_name: str | None = None
    connections_file: Path | None = None
    login_timeout_s: int = 20
    network_timeout_s: int = 300
    statement_timeout_s: int = 600
    attempts: int = 3
    first_wait_s: float = 0.5  # before the second attempt; doubled for each further one

    @property
    def where(self) -> str:
        """A name for people, without secrets."""
        return self.connection_name or self.account or self.host or "Snowflake"

    @property
    def secrets(self) -> tuple[str, ...]:
        return tuple(secret for secret in (self.private_key_file_pwd, self.token, self.password) if secret)

    def connect_arguments(self, query_tag: str) -> dict[str, Any]:
        """Arguments of `snowflake.connector.connect`. Session parameters travel with the login: the session is right from its first
        statement, and no ALTER SESSION is needed.
        """
        given = {name: getattr(self, name) for name in ("account", "user", "role", "warehouse", "database", "schema", "host", "port",
                                                        "protocol", "connection_name")} | self._credential()  # fmt: skip
        return {name: value for name, value in given.items() if value is not None} | {
            "connections_file_path": self.connections_file,
            "paramstyle": "qmark",  # binds are sent apart from the text, so that the result cache can hit
            "login_timeout": self.login_timeout_s,
            "network_timeout": self.network_timeout_s,
            "platform_detection_timeout_seconds": 0,  # no calls to cloud metadata addresses
            "log_imported_packages_in_telemetry": False,
            "session_parameters": {"QUERY_TAG": query_tag, "TIMEZONE": "UTC", "CLIENT_TELEMETRY_ENABLED": False,
                                   "STATEMENT_TIMEOUT_IN_SECONDS": self.statement_timeout_s},
        }  # fmt: skip

    def _credential(self) -> dict[str, Any]:
        if self.private_key_file is not None:
            return {"private_key_file": str(self.private_key_file), "private_key_file_pwd": self.private_key_file_pwd,
                    "authenticator": self.authenticator or "SNOWFLAKE_JWT"}  # fmt: skip
        if self.token is not None:
            return {"token": self.token, "authenticator": self.authenticator or "PROGRAMMATIC_ACCESS_TOKEN"}
        return {"password": self.password, "authenticator": self.authenticator}
