"""Settings -> concrete objects. The only file that knows every class.

The brain, Snowflake and Slack are imported where they are first used: whoever only looks at the record does not pay for them.
"""

import hashlib
import io
import sys
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass
from datetime import datetime
from functools import cached_property
from importlib.metadata import version
from pathlib import Path
from typing import TYPE_CHECKING, Any
from urllib.parse import urlsplit

from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey

import pacing_brain
from audit import clock, keys, migrate
from audit.acts import Acts, Halts
from audit.anchors import AnchorStore
from audit.answers import Answers
from audit.database import Database
from audit.dead_letters import DeadLetters
from audit.incidents import Incidents
from audit.llm_usage import LlmUsage
from audit.observations import Observations
from audit.outbox import ELSEWHERE, Outbox
from audit.patterns import Patterns
from audit.policies import Policies
from audit.quarantine import Quarantine
from audit.recommendations import Recommendations
from audit.runs import Runs
from audit.silences import Silences
from audit.standing import StandingAnswers
from audit.told import Tellings
from audit.windows import Windows
from connectors.snowflake_settings import SnowflakeSettings
from flows import platforms
from flows.local_postgres import SUPERUSER, EmbeddedPostgres
from flows.local_warehouse import EmbeddedWarehouse
from flows.world.sample import SampleAgency
from flows.settings import Settings
from notifiers.console import Console
from notifiers.delivery import Poster
from pacing_brain.errors import SettingError
from pacing_brain.policy import Policy

if TYPE_CHECKING:
    from notifiers.other_channels import OtherChannels
    from notifiers.second_route import SecondRoute
    from connectors.platforms.model import Platform
    from connectors.spend import SpendSource
    from connectors.tracker import TrackerRead
    from flows.narrator import Narrator
    from pacing_brain.brain import PacingBrain

DATABASE, APP_LOGIN = "pacing", "pacing_application"
MOVED = "postgres-moved.txt"  # in a home whose record went to a server: nothing runs on the old one
EMBEDDED_NEXT = "Set it to a PostgreSQL server (`pacing db move` takes along what there is), or say that this is meant: PACING_ALLOW_EMBEDDED_DATABASE=1."


@dataclass
class House:
    """Everything a run needs, open. `policy` is the one in force."""

    settings: Settings
    policy: Policy
    database: Database
    snowflake: SnowflakeSettings
    sample: SampleAgency | None = None

    @cached_property
    def runs(self) -> Runs:
        return Runs(self.database)

    @cached_property
    def windows(self) -> Windows:
        return Windows(self.database)

    @cached_property
    def frames(self) -> Observations:
        return Observations(self.database)

    @cached_property
    def incidents(self) -> Incidents:
        return Incidents(self.database)

    @cached_property
    def recommendations(self) -> Recommendations:
        return Recommendations(self.database)

    @cached_property
    def answers(self) -> Answers:
        return Answers(self.database)

    @cached_property
    def standing_answers(self) -> StandingAnswers:
        return StandingAnswers(self.database)

    @cached_property
    def acts(self) -> Acts:
        return Acts(self.database)

    @cached_property
    def halts(self) -> Halts:
        return Halts(self.database)

    def can_pause(self, platform: str | None) -> bool:
        """Whether a platform's credentials are here, so that an approved pause is carried out and not handed over."""
        return platforms.can_pause(self.settings, platform)

    def platform(self, name: str) -> "Platform | None":
        """A platform with its credentials, to be closed after use; none: there are none.

        Raises:
            SettingError: as `flows.platforms.open_platform`.
        """
        return platforms.open_platform(self.settings, name)

    @cached_property
    def outbox(self) -> Outbox:
        return Outbox(self.database)

    @cached_property
    def tellings(self) -> Tellings:
        return Tellings(self.database)

    @cached_property
    def silences(self) -> Silences:
        return Silences(self.database)

    @cached_property
    def patterns(self) -> Patterns:
        return Patterns(self.database)

    @cached_property
    def policies(self) -> Policies:
        return Policies(self.database)

    @cached_property
    def quarantine(self) -> Quarantine:
        return Quarantine(self.database)

    @cached_property
    def llm_usage(self) -> LlmUsage:
        return LlmUsage(self.database)

    @cached_property
    def narrator(self) -> "Narrator | None":
        """The chat model that puts things in plain words; none: none is configured.

        Raises:
            SettingError: as `flows.narrator.narrator_of`.
        """
        from flows.narrator import narrator_of

        return narrator_of(self.settings, self.llm_usage)

    @cached_property
    def dead_letters(self) -> DeadLetters:
        return DeadLetters(self.database)

    @cached_property
    def all_anchors(self) -> list[AnchorStore]:
        """Where signed checkpoints are kept; in the home when nothing else is set, which proves less. Of ledgers that were closed, too."""
        own = self.settings.anchor_dir
        return AnchorStore(own or self.settings.home / "anchors", same_machine=own is None).generations

    @property
    def anchors(self) -> AnchorStore:
        """Those of the ledger as it is now."""
        return self.all_anchors[-1]

    def signing_key(self) -> Ed25519PrivateKey:
        """The key that signs checkpoints; one of its own is made in the home when none is configured.

        Raises:
            LedgerError: it cannot be read or made.
        """
        configured = self.settings.signing_key_file
        return keys.read(configured) if configured else keys.made_or_read(self.settings.home / "keys")

    @cached_property
    def brain(self) -> "PacingBrain":
        from pacing_brain.brain import PacingBrain

        return PacingBrain()

    @cached_property
    def poster(self) -> Poster:
        """Slack, or the terminal when no token is set."""
        token = self.settings.slack_bot_token
        if token is not None:
            from notifiers.slack import Slack

            return Slack(token.get_secret_value(), self.settings.slack_api_url)
        return Console({"stdout": None, "stderr": sys.stderr, "none": io.StringIO()}[self.settings.console])

    @cached_property
    def elsewhere(self) -> dict[str, str]:
        """Channel of the outbox -> address, where what is critical is told beside Slack."""
        return {f"{ELSEWHERE}{number}": address for number, address in enumerate(self.settings.other_addresses, 1)}

    @cached_property
    def other_channels(self) -> "OtherChannels":
        from notifiers.other_channels import OtherChannels

        return OtherChannels(self.elsewhere)

    @cached_property
    def second_route(self) -> "SecondRoute | None":
        """Another way to people than Slack, where one is configured."""
        url = self.settings.alert_url
        if url is None:
            return None
        from notifiers.second_route import SecondRoute

        return SecondRoute(url.get_secret_value())

    @property
    def channel(self) -> str:
        """Where messages go that no route claims."""
        return self.settings.slack_channel or "console"

    @property
    def tracker_name(self) -> str:
        return "sample tracker" if self.sample else Path(urlsplit(self.settings.tracker or "").path).name or "tracker"

    def now(self) -> datetime:
        """The database clock, UTC."""
        with self.database.transaction() as connection:
            return clock.now(connection)

    def read_tracker(self, as_of: datetime, policy: Policy) -> "TrackerRead":
        from connectors.tracker import read_tracker

        location = str(self.sample.tracker) if self.sample else self.settings.tracker or ""
        return read_tracker(location, as_of=as_of, policy=policy, snowflake=self.snowflake)

    def spend(self, run_id: str) -> "SpendSource":
        from connectors.spend import SpendSource

        return SpendSource(self.settings.spend_source, self.snowflake, run_id)


@contextmanager
def open_house(settings: Settings, *, record_only: bool = False) -> Iterator[House]:
    """The house of these settings: embedded parts are started, and left at the end.

    record_only: for looking at what is on the record; nothing is read from outside and nobody is told, so no warehouse is started.

    Raises:
        SettingError, PolicyError: what is configured cannot be used.
        DatabaseUnavailable, DatabaseRefused: Postgres did not answer, or its schema is not ours.
    """
    policy = Policy.load(settings.policy) if settings.policy else Policy()
    if not record_only and (why := settings.unconfirmed_embedded):
        raise SettingError(f"{why}. {EMBEDDED_NEXT}")
    with ExitStack() as stack:
        database = Database(_database_url(settings, stack))
        stack.callback(database.close)
        if record_only:
            yield House(settings, policy, database, SnowflakeSettings())
            return
        warehouse = stack.enter_context(EmbeddedWarehouse(settings.home)) if settings.embedded_warehouse else None
        house = House(settings, policy, database, snowflake_settings(settings, warehouse), _sample(settings, warehouse))
        _refuse_shifted_clock(house)
        yield house


def _database_url(settings: Settings, stack: ExitStack) -> str:
    if settings.database_url is not None:
        url = settings.database_url.get_secret_value()
        migrate.check(url)
        return url
    refuse_moved(settings.home)
    postgres = stack.enter_context(EmbeddedPostgres(settings.home))
    return embedded_database(postgres)


def refuse_moved(home: Path) -> None:
    """A record that went to a server does not go on in its old place.

    Raises:
        SettingError: `pacing db move` has marked this home.
    """
    if (home / MOVED).exists():
        said = (home / MOVED).read_text("utf-8").strip()
        raise SettingError(f"the embedded database in {home} was {said}: set PACING_DATABASE_URL to that server. (To go on with the old one all the same, "
                           f"delete {home / MOVED}; the two records then differ for ever.)")


def embedded_database(postgres: EmbeddedPostgres) -> str:
    """The application's URL of the embedded record; made and migrated when it is not there yet."""
    admin = Database(postgres.admin_url(), pool_size=1)
    try:
        with admin.session() as connection:
            if not connection.exec_driver_sql(f"SELECT 1 FROM pg_database WHERE datname = '{DATABASE}'").first():
                connection.exec_driver_sql(f"CREATE DATABASE {DATABASE}")
    finally:
        admin.close()
    url = postgres.url(SUPERUSER, DATABASE)
    if migrate.current(url) != migrate.newest():
        migrate.upgrade(url, app_login=APP_LOGIN)
    return postgres.url(APP_LOGIN, DATABASE)


def snowflake_settings(settings: Settings, warehouse: EmbeddedWarehouse | None) -> SnowflakeSettings:
    if warehouse is not None:
        return SnowflakeSettings(**warehouse.connect_kwargs())
    secret: dict[str, Any] = {name: value.get_secret_value() if value else None for name, value in (
        ("private_key_file_pwd", settings.snowflake_private_key_file_pwd), ("password", settings.snowflake_password),
        ("token", settings.snowflake_token))}
    plain: dict[str, Any] = {name: getattr(settings, f"snowflake_{name}") for name in (
        "account", "user", "private_key_file", "authenticator", "role", "warehouse", "database", "schema", "host", "port", "protocol",
        "connection_name")}
    return SnowflakeSettings(**plain, **secret)


def _sample(settings: Settings, warehouse: EmbeddedWarehouse | None) -> SampleAgency | None:
    """Nothing configured: the sample agency plans and spends. A real warehouse is never held against a sample plan."""
    if settings.tracker is not None:
        return None
    if warehouse is None:
        raise SettingError("PACING_TRACKER is missing: Snowflake is configured, so it must name your tracker (a path, an https sheet or a table)")
    return SampleAgency(settings.home, warehouse)


def _refuse_shifted_clock(house: House) -> None:
    """A clock that can be shifted belongs to demo and test homes: a process that knows a real Slack or Snowflake does not start on it."""
    real = house.settings.real
    if not real:
        return
    with house.database.transaction() as connection:
        if clock.is_shifted(connection):
            raise SettingError(f"PACING_DATABASE_URL names a database with a shifted clock (a demo or test home), and a real {real[0]} is configured")


def code_version() -> str:
    """Version of the package and a digest of the brain's source: what a replay must have to give equal bytes."""
    source = hashlib.sha256()
    for path in sorted(Path(pacing_brain.__file__).parent.glob("*.py")):
        source.update(path.name.encode() + path.read_bytes())
    return f"{version('pacing-monitor')}+{source.hexdigest()[:12]}"
