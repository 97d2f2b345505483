"""Settings: the only reader of the environment. Values come from the environment or `.env`; CONTRACT.md lists them.

A missing or malformed setting is one clear line that names it. Secrets are `SecretStr`: they print as stars.
"""

import difflib
import os
import re
from dataclasses import dataclass
from pathlib import Path
from typing import Literal, Self
from urllib.parse import urlsplit

from dotenv import dotenv_values
from pydantic import Field, SecretStr, ValidationError, field_validator, model_validator
from pydantic_settings import BaseSettings, SettingsConfigDict

from pacing_brain.errors import SettingError

SOURCES = ("campaign_spend", "fivetran", "dv360")
NO_TEXT = ".env is no UTF-8 text. Save it as UTF-8."
LOOPBACK = {"127.0.0.1", "localhost", "::1"}
SLACK_FAULT = "SLACK_CHANNEL"  # the one setting that only a look at two of them finds missing


class Settings(BaseSettings):
    """Every setting with its default; an empty value counts as unset."""

    model_config = SettingsConfigDict(env_file=".env", env_file_encoding="utf-8", extra="ignore", env_ignore_empty=True, frozen=True,
                                      case_sensitive=False)  # by alias only: a field's own name would read HOME

    home: Path = Field(default=Path(".pacing"), alias="PACING_HOME")
    database_url: SecretStr | None = Field(default=None, alias="PACING_DATABASE_URL")
    database_admin_url: SecretStr | None = Field(default=None, alias="PACING_DATABASE_ADMIN_URL")
    allow_autonomous: Literal["1"] | None = Field(default=None, alias="PACING_ALLOW_AUTONOMOUS")
    allow_embedded_database: Literal["1"] | None = Field(default=None, alias="PACING_ALLOW_EMBEDDED_DATABASE")
    ops_port: int = Field(default=9300, ge=1, le=65535, alias="PACING_OPS_PORT")
    tracker: str | None = Field(default=None, alias="PACING_TRACKER")
    spend_source: str = Field(default="campaign_spend", alias="PACING_SPEND_SOURCE")
    policy: Path | None = Field(default=None, alias="PACING_POLICY")
    signing_key_file: Path | None = Field(default=None, alias="PACING_SIGNING_KEY_FILE")
    anchor_dir: Path | None = Field(default=None, alias="PACING_ANCHOR_DIR")
    http_host: str = Field(default="127.0.0.1", alias="PACING_HTTP_HOST")
    http_port: int = Field(default=3000, ge=1, le=65535, alias="PACING_HTTP_PORT")
    heartbeat_url: str | None = Field(default=None, alias="PACING_HEARTBEAT_URL")
    alert_url: SecretStr | None = Field(default=None, alias="PACING_ALERT_URL")  # one or several Apprise addresses
    alerts_to: SecretStr | None = Field(default=None, alias="PACING_ALERTS_TO")  # the same, for what is critical

    report_url: str | None = Field(default=None, alias="PACING_REPORT_URL")

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
    snowflake_protocol: Literal["http", "https"] | None = Field(default=None, alias="SNOWFLAKE_PROTOCOL")
    snowflake_connection_name: str | None = Field(default=None, alias="SNOWFLAKE_CONNECTION_NAME")

    slack_bot_token: SecretStr | None = Field(default=None, alias="SLACK_BOT_TOKEN")
    slack_signing_secret: SecretStr | None = Field(default=None, alias="SLACK_SIGNING_SECRET")
    slack_app_token: SecretStr | None = Field(default=None, alias="SLACK_APP_TOKEN")
    slack_channel: str | None = Field(default=None, alias="SLACK_CHANNEL")
    slack_api_url: str = Field(default="https://slack.com/api/", alias="SLACK_API_URL")

    google_ads_developer_token: SecretStr | None = Field(default=None, alias="GOOGLE_ADS_DEVELOPER_TOKEN")
    google_ads_client_id: str | None = Field(default=None, alias="GOOGLE_ADS_CLIENT_ID")
    google_ads_client_secret: SecretStr | None = Field(default=None, alias="GOOGLE_ADS_CLIENT_SECRET")
    google_ads_refresh_token: SecretStr | None = Field(default=None, alias="GOOGLE_ADS_REFRESH_TOKEN")
    google_ads_login_customer_id: str | None = Field(default=None, alias="GOOGLE_ADS_LOGIN_CUSTOMER_ID")
    meta_access_token: SecretStr | None = Field(default=None, alias="META_ACCESS_TOKEN")
    meta_app_secret: SecretStr | None = Field(default=None, alias="META_APP_SECRET")
    meta_api_url: str | None = Field(default=None, alias="META_API_URL")
    dv360_service_account_file: Path | None = Field(default=None, alias="DV360_SERVICE_ACCOUNT_FILE")
    dv360_api_url: str | None = Field(default=None, alias="DV360_API_URL")

    llm: str | None = Field(default=None, alias="PACING_LLM")  # provider:model of LangChain's; none: no narrator
    llm_url: str | None = Field(default=None, alias="PACING_LLM_URL")
    llm_api_key: SecretStr | None = Field(default=None, alias="PACING_LLM_API_KEY")
    llm_tokens_per_day: int = Field(default=100_000, ge=0, alias="PACING_LLM_TOKENS_PER_DAY")
    llm_usd_per_day: float = Field(default=1.0, ge=0.0, allow_inf_nan=False, alias="PACING_LLM_USD_PER_DAY")  # holds where the price is known
    llm_price: str | None = Field(default=None, alias="PACING_LLM_PRICE")  # USD per million tokens in:out

    prefect_api_url: str | None = Field(default=None, alias="PREFECT_API_URL")

    log_format: Literal["json", "text"] = Field(default="text", alias="PACING_LOG_FORMAT")

    console: Literal["stdout", "stderr", "none"] = Field(default="stdout", alias="PACING_CONSOLE")  # where cards are shown without a Slack token

    @field_validator("spend_source")
    @classmethod
    def _known_source(cls, value: str) -> str:
        if value not in SOURCES and not value.endswith(".sql"):
            raise ValueError(f"must be {', '.join(SOURCES)} or the path of a .sql file, not {value!r}")
        return value

    @field_validator("tracker")
    @classmethod
    def _place(cls, value: str | None) -> str | None:
        if value is not None and "://" in value and not _is_address(value):
            raise ValueError("is no address: check its host and port")
        return value

    @field_validator("slack_bot_token")
    @classmethod
    def _bot_token(cls, value: SecretStr | None) -> SecretStr | None:
        if value is not None and not re.fullmatch(r"xoxb-[A-Za-z0-9_-]+", value.get_secret_value()):
            raise ValueError("must be a bot token, which starts with xoxb- and has letters, digits and dashes only")
        return value

    @field_validator("slack_signing_secret")
    @classmethod
    def _signing_secret(cls, value: SecretStr | None) -> SecretStr | None:
        if value is not None and not re.fullmatch(r"[A-Za-z0-9]{16,}", value.get_secret_value()):
            raise ValueError("must be the app's Signing Secret (Basic Information), letters and digits only")
        return value

    @field_validator("slack_app_token")
    @classmethod
    def _app_token(cls, value: SecretStr | None) -> SecretStr | None:
        if value is not None and not re.fullmatch(r"xapp-[A-Za-z0-9_-]+", value.get_secret_value()):
            raise ValueError("must be an app-level token, which starts with xapp- and has letters, digits and dashes only")
        return value

    @field_validator("slack_channel")
    @classmethod
    def _channel(cls, value: str | None) -> str | None:
        if value is not None and not re.fullmatch(r"[CGDU][A-Z0-9]+|#[^\s#]+", value):
            raise ValueError(f"must be a channel id such as C0123456789 (it stands at the end of the channel's details), not {value!r}")
        return value

    @field_validator("alert_url", "alerts_to")
    @classmethod
    def _apprise(cls, value: SecretStr | None) -> SecretStr | None:
        if value is not None and not all(re.fullmatch(r"[a-zA-Z0-9]+://\S+", each) for each in _each(value)):
            raise ValueError("must be one or several Apprise addresses (mailto://..., msteams://..., json://...), divided by blanks")
        return value

    @field_validator("llm")
    @classmethod
    def _model(cls, value: str | None) -> str | None:
        if value is not None and not re.fullmatch(r"[a-z0-9_]+:\S+", value):
            raise ValueError(f"must be provider:model, such as openai:gpt-5-mini or ollama:llama3.2, not {value!r}")
        return value

    @field_validator("llm_price")
    @classmethod
    def _price(cls, value: str | None) -> str | None:
        if value is not None and not re.fullmatch(r"\d{1,6}(\.\d{1,6})?:\d{1,6}(\.\d{1,6})?", value):
            raise ValueError(f"must be the US dollars per million tokens, in:out, such as 0.25:2.00, not {value!r}")
        return value

    @field_validator("heartbeat_url", "slack_api_url", "prefect_api_url", "meta_api_url", "dv360_api_url", "report_url", "llm_url")
    @classmethod
    def _web(cls, value: str | None) -> str | None:
        if value is not None and not (re.fullmatch(r"https?://[^\s/]\S*", value) and _is_address(value)):
            raise ValueError("must be an address that begins with https:// (or http://)")
        return value

    @field_validator("snowflake_account")
    @classmethod
    def _account(cls, value: str | None) -> str | None:
        if value is not None and not re.fullmatch(r"[A-Za-z0-9_-]+(\.[A-Za-z0-9_-]+)*", value.removesuffix(".snowflakecomputing.com")):
            raise ValueError("must be the account identifier, organisation-account, and no address")
        return value

    @field_validator("database_url", "database_admin_url")
    @classmethod
    def _postgres(cls, value: SecretStr | None) -> SecretStr | None:
        if value is not None and not (re.match(r"postgres(ql)?(\+psycopg)?://", value.get_secret_value()) and _is_address(value.get_secret_value())):
            raise ValueError("must be a Postgres URL: postgresql://user:password@host:5432/database")
        return value

    @model_validator(mode="after")
    def _slack_is_whole(self) -> Self:
        if self.slack_bot_token is not None and self.slack_channel is None:
            raise ValueError("SLACK_CHANNEL is missing: SLACK_BOT_TOKEN is set, so it must name the channel that gets the cards")
        return self

    @property
    def interactive(self) -> bool:
        """Whether cards have buttons: somebody here can hear them."""
        return self.slack_bot_token is not None and (self.slack_signing_secret is not None or self.slack_app_token is not None)

    @property
    def embedded_database(self) -> bool:
        return self.database_url is None

    @property
    def embedded_warehouse(self) -> bool:
        return self.snowflake_account is None and self.snowflake_connection_name is None and self.snowflake_host is None

    @property
    def real(self) -> tuple[str, ...]:
        """Which of Slack and Snowflake are configured and not on this machine: other people see what is done there."""
        slack = self.slack_bot_token is not None and urlsplit(self.slack_api_url).hostname not in LOOPBACK
        snowflake = not self.embedded_warehouse and self.snowflake_host not in LOOPBACK
        return tuple(name for name, found in (("Slack", slack), ("Snowflake", snowflake)) if found)

    @property
    def other_addresses(self) -> list[str]:
        """Where, beside Slack, what is critical is told."""
        return _each(self.alerts_to)

    @property
    def unconfirmed_embedded(self) -> str | None:
        """Why this must not run yet: a real Slack or Snowflake, and a record that lives in a folder, unless somebody said that this is meant."""
        if not (self.real and self.embedded_database) or self.allow_embedded_database:
            return None
        configured = " and ".join(f"a real {name}" for name in self.real)
        return f"PACING_DATABASE_URL is missing: {configured} would be used with a record that lives in the folder {self.home} alone"

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
            raise SettingError(_faults(error)[0].line) from None
        except UnicodeDecodeError:
            raise SettingError(NO_TEXT) from None

    @classmethod
    def examined(cls, **overrides: object) -> "tuple[Settings, list[Fault]]":
        """The settings of this process with every fault in them; what is malformed stands at its default.

        Raises:
            SettingError: `.env` cannot be read at all.
        """
        faults: list[Fault] = []
        defaults = {field.alias or name: field.default for name, field in cls.model_fields.items()}
        while True:
            reset = {fault.name for fault in faults}
            if SLACK_FAULT in reset:
                reset.add("SLACK_BOT_TOKEN")  # one needs the other
            try:
                return cls(**overrides | {name: defaults[name] for name in reset}), faults  # type: ignore[arg-type]
            except ValidationError as error:
                new = [fault for fault in _faults(error) if fault.name not in {known.name for known in faults}]
                if not new:
                    raise SettingError(_faults(error)[0].line) from None
                faults += new
            except UnicodeDecodeError:
                raise SettingError(NO_TEXT) from None

    @classmethod
    def unknown(cls, env_file: str = ".env") -> "list[tuple[str, str]]":
        """Names that look like settings and are none, each with the setting it may have been meant for (empty: none)."""
        known = [field.alias or name for name, field in cls.model_fields.items()]
        found = []
        for name in sorted({name.upper() for name in (*os.environ, *dotenv_values(env_file))} - set(known)):
            near = difflib.get_close_matches(name, known, n=1, cutoff=0.9)
            if name.startswith("PACING_") or (near and name.startswith(("SNOWFLAKE_", "SLACK_"))):
                found.append((name, near[0] if near else ""))
        return found

    @property
    def secrets(self) -> tuple[str, ...]:
        """What must never be shown."""
        values = [value.get_secret_value() for name in type(self).model_fields if isinstance(value := getattr(self, name), SecretStr)]
        values += [*_each(self.alert_url), *_each(self.alerts_to)]
        addresses = [*values, self.tracker or "", self.heartbeat_url or "", self.prefect_api_url or "", self.llm_url or ""]
        return tuple(secret for secret in (*values, *(_password(address) for address in addresses)) if secret)


@dataclass(frozen=True)
class Fault:
    """What is wrong with a setting."""

    name: str
    message: str

    @property
    def line(self) -> str:
        return self.message if self.message.startswith(self.name) else f"{self.name} {self.message}"


def _faults(error: ValidationError) -> list[Fault]:
    return [Fault(str(fault["loc"][0]) if fault["loc"] else SLACK_FAULT, _said(fault["msg"]))
            for fault in error.errors(include_url=False, include_input=False)]


def _said(message: str) -> str:
    """What pydantic says, as a sentence about the setting; what we say is one already."""
    ours = message.removeprefix("Value error, ")
    return ours if ours != message else message.replace("Input should be", "must be").replace("String should match pattern", "must match")


def _each(addresses: SecretStr | None) -> list[str]:
    """One or several addresses, divided by blanks or commas."""
    return addresses.get_secret_value().replace(",", " ").split() if addresses else []


def _is_address(text: str) -> bool:
    """Whether host and port can be told apart."""
    try:
        port = urlsplit(text).port
    except ValueError:
        return False
    return port is None or port > 0


def _password(address: str) -> str:
    try:
        return urlsplit(address).password or ""
    except ValueError:
        return ""


class _Home(BaseSettings):
    """The home alone: a malformed setting of another kind does not matter to who needs nothing else."""

    model_config = Settings.model_config

    home: Path = Field(default=Path(".pacing"), alias="PACING_HOME")


class _Log(BaseSettings):
    """The format of the log alone: what is said about the other settings is said in it."""

    model_config = Settings.model_config

    log_format: str = Field(default="text", alias="PACING_LOG_FORMAT")


def log_format() -> Literal["json", "text"]:
    """PACING_LOG_FORMAT, as far as it can be read: a malformed one is told where all settings are."""
    try:
        return "json" if _Log().log_format.strip() == "json" else "text"
    except (ValidationError, UnicodeDecodeError):
        return "text"
