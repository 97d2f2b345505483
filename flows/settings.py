"""Settings: the only reader of the environment. Values come from the environment or `.env`; CONTRACT.md lists them.

A missing or malformed setting is one clear line that names it. Secrets are `SecretStr`: they print as stars.
"""

import re
from pathlib import Path
from typing import Literal, Self

from pydantic import Field, SecretStr, ValidationError, field_validator, model_validator
from pydantic_settings import BaseSettings, SettingsConfigDict

from pacing_brain.errors import SettingError

SOURCES = ("campaign_spend", "fivetran", "dv360")


class Settings(BaseSettings):
    """Every setting with its default; an empty value counts as unset."""

    model_config = SettingsConfigDict(env_file=".env", env_file_encoding="utf-8", extra="ignore", env_ignore_empty=True, frozen=True,
                                      case_sensitive=False, populate_by_name=True)

    home: Path = Field(default=Path(".pacing"), alias="PACING_HOME")
    database_url: SecretStr | None = Field(default=None, alias="PACING_DATABASE_URL")
    database_admin_url: SecretStr | None = Field(default=None, alias="PACING_DATABASE_ADMIN_URL")
    ops_port: int = Field(default=9300, ge=1, le=65535, alias="PACING_OPS_PORT")
    tracker: str | None = Field(default=None, alias="PACING_TRACKER")
    spend_source: str = Field(default="campaign_spend", alias="PACING_SPEND_SOURCE")
    policy: Path | None = Field(default=None, alias="PACING_POLICY")
    http_host: str = Field(default="127.0.0.1", alias="PACING_HTTP_HOST")
    http_port: int = Field(default=3000, ge=1, le=65535, alias="PACING_HTTP_PORT")
    heartbeat_url: str | None = Field(default=None, alias="PACING_HEARTBEAT_URL")

    snowflake_account: str | None = Field(default=None, alias="SNOWFLAKE_ACCOUNT")
    snowflake_user: str | None = Field(default=None, alias="SNOWFLAKE_USER")
    snowflake_private_key_file: Path | None = Field(default=None, alias="SNOWFLAKE_PRIVATE_KEY_FILE")
    snowflake_private_key_file_pwd: SecretStr | None = Field(default=None, alias="SNOWFLAKE_PRIVATE_KEY_FILE_PWD")
    snowflake_password: SecretStr | None = Field(default=None, alias="SNOWFLAKE_PASSWORD")
    snowflake_authenticator: str | None = Field(default=None, alias="SNOWFLAKE_AUTHENTICATOR")
    snowflake_token: SecretStr | None = Field(default=None, alias="SNOWFLAKE_TOKEN")
    snowflake_role: str | None = Field(default=None, alias="SNOWFLAKE_ROLE")
    snowflake_warehouse: str | None = Field(default=None, alias="SNOWFLAKE_WAREHOUSE")
    snowflake_database: str | None = Field(default=None, alias="SNOWFLAKE_DATABASE")
    snowflake_schema: str | None = Field(default=None, alias="SNOWFLAKE_SCHEMA")
    snowflake_host: str | None = Field(default=None, alias="SNOWFLAKE_HOST")
    snowflake_port: int | None = Field(default=None, ge=1, le=65535, alias="SNOWFLAKE_PORT")
    snowflake_protocol: str | None = Field(default=None, pattern="^https?$", alias="SNOWFLAKE_PROTOCOL")
    snowflake_connection_name: str | None = Field(default=None, alias="SNOWFLAKE_CONNECTION_NAME")

    slack_bot_token: SecretStr | None = Field(default=None, alias="SLACK_BOT_TOKEN")
    slack_channel: str | None = Field(default=None, alias="SLACK_CHANNEL")
    slack_api_url: str = Field(default="https://slack.com/api/", alias="SLACK_API_URL")

    prefect_api_url: str | None = Field(default=None, alias="PREFECT_API_URL")

    console: Literal["stdout", "stderr", "none"] = Field(default="stdout", alias="PACING_CONSOLE")  # where cards are shown without a Slack token

    @field_validator("spend_source")
    @classmethod
    def _known_source(cls, value: str) -> str:
        if value not in SOURCES and not value.endswith(".sql"):
            raise ValueError(f"must be {', '.join(SOURCES)} or the path of a .sql file, not {value!r}")
        return value

    @field_validator("slack_bot_token")
    @classmethod
    def _bot_token(cls, value: SecretStr | None) -> SecretStr | None:
        if value is not None and not value.get_secret_value().startswith("xoxb-"):
            raise ValueError("must be a bot token, which starts with xoxb-")
        return value

    @field_validator("slack_channel")
    @classmethod
    def _channel(cls, value: str | None) -> str | None:
        if value is not None and not re.fullmatch(r"[CGDU][A-Z0-9]+|#[^\s#]+", value):
            raise ValueError(f"must be a channel id such as C0123456789 (it stands at the end of the channel's details), not {value!r}")
        return value

    @field_validator("database_url", "database_admin_url")
    @classmethod
    def _postgres(cls, value: SecretStr | None) -> SecretStr | None:
        if value is not None and not re.match(r"postgres(ql)?(\+psycopg)?://", value.get_secret_value()):
            raise ValueError("must be a Postgres URL: postgresql://user:password@host:5432/database")
        return value

    @model_validator(mode="after")
    def _slack_is_whole(self) -> Self:
        if self.slack_bot_token is not None and self.slack_channel is None:
            raise ValueError("SLACK_CHANNEL is missing: SLACK_BOT_TOKEN is set, so it must name the channel that gets the cards")
        return self

    @property
    def embedded_database(self) -> bool:
        return self.database_url is None

    @property
    def embedded_warehouse(self) -> bool:
        return self.snowflake_account is None and self.snowflake_connection_name is None and self.snowflake_host is None

    @classmethod
    def embedded(cls, folder: str) -> "Settings":
        """The embedded default in a folder of this process' home, whatever else is set here.

        Raises:
            SettingError: PACING_HOME is malformed.
        """
        defaults = {field.alias or name: field.default for name, field in cls.model_fields.items()}
        return cls.read(**defaults | {"PACING_HOME": _Home().home / folder, "_env_file": None})

    @classmethod
    def read(cls, **overrides: object) -> "Settings":
        """The settings of this process.

        Raises:
            SettingError: one line that names the first setting at fault.
        """
        try:
            return cls(**overrides)  # type: ignore[arg-type]
        except ValidationError as error:
            fault = error.errors(include_url=False, include_input=False)[0]
            name = str(fault["loc"][0]) if fault["loc"] else ""
            message = fault["msg"].removeprefix("Value error, ")
            raise SettingError(f"{name} {message}".strip() if name else message) from None


class _Home(BaseSettings):
    """The home alone: a malformed setting of another kind does not matter to who needs nothing else."""

    model_config = Settings.model_config

    home: Path = Field(default=Path(".pacing"), alias="PACING_HOME")
