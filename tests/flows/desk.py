"""A desk of six campaigns for whole-run tests: one plan, one warehouse of its own, one record. What is spoiled in it, is on purpose.

Undisturbed: G3 is 50 % over and carries a recommended halt, M3 is 20 % under, the others are on plan.
"""

import csv
import io
import itertools
import tempfile
from collections.abc import Iterable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, field
from datetime import UTC, date, datetime, timedelta
from pathlib import Path
from typing import Any

import pandas as pd

from audit import clock, ledger
from audit.database import Database
from audit.incidents import Incidents
from audit.observations import Observations
from audit.outbox import Outbox
from audit.recommendations import Recommendation, Recommendations
from connectors.snowflake_settings import SnowflakeSettings
from flows.local_postgres import EmbeddedPostgres
from flows.local_warehouse import ACCOUNT_LOADS, CAMPAIGN_SPEND, EmbeddedWarehouse
from flows.run_pacing import Request, run_window
from flows.settings import Settings
from pacing_brain.model import Incident
from tests.conftest import APP_LOGIN, _execute
from tests.conftest import Database as Urls

AT = datetime(2026, 11, 5, 8, tzinfo=UTC)
LOADED = AT - timedelta(hours=1)
FIRST, LAST = date(2026, 10, 20), date(2026, 11, 18)
ACCOUNTS = {"google": ("118", "GBP", "Europe/London"), "meta": ("4402", "EUR", "Europe/Berlin")}
TODAY = {"google": 5 / 24, "meta": 3 / 24}  # of the day, up to the watermark: the load less 2 h and 5 h, in the account's zone
DAILY = 100_000_000
PACE = {"G1": 1.0, "G2": 1.0, "G3": 1.5, "M1": 1.0, "M2": 1.0, "M3": 0.8}
UNDISTURBED = {"G1": ("healthy", "log_only"), "G2": ("healthy", "log_only"), "G3": ("critical", "recommend_halt"),
               "M1": ("healthy", "log_only"), "M2": ("healthy", "log_only"), "M3": ("warning", "slack_alert")}
HOSTILE = ("<!channel> 'Émilie' \"🎈👩‍👩‍👧\"; مرحبا \u202eabc\u202c <@U1> & *b* _i_ `c` |\u2028 " * 12)[:500]
_numbers = itertools.count(1)

Row = dict[str, Any]


def planned() -> list[Row]:
    """The plan: one row per campaign, as text."""
    return [{"flight_id": flight, "campaign_id": campaign_id(flight), "campaign_name": f"Desk {flight} autumn", "platform": _platform(flight),
             "account_id": ACCOUNTS[_platform(flight)][0], "client": "Acme", "market": "UK", "product": "Boots", "budget": "3000.00",
             "currency": ACCOUNTS[_platform(flight)][1], "start_date": f"{FIRST}", "end_date": f"{LAST}"} for flight in PACE]


def spent(at: datetime = AT) -> pd.DataFrame:
    """The spend rows of every campaign up to an instant."""
    return pd.DataFrame([_day(flight, day, at) for flight in PACE for day in _days(at)])


def loaded(at: datetime = LOADED) -> pd.DataFrame:
    """Both accounts' loads."""
    return pd.DataFrame({"account_id": [account for account, _, _ in ACCOUNTS.values()], "loaded_at": pd.Timestamp(at).as_unit("us")})


def _platform(flight: str) -> str:
    return "google" if flight.startswith("G") else "meta"


def campaign_id(flight: str) -> str:
    return f"70{ord(flight[0])}{flight[1]}"


def _days(at: datetime) -> list[date]:
    return [FIRST + timedelta(days=number) for number in range((at.date() - FIRST).days + 1)]


def _day(flight: str, day: date, at: datetime) -> Row:
    platform = _platform(flight)
    account, currency, zone = ACCOUNTS[platform]
    share = TODAY[platform] + (at - AT) / timedelta(days=1) if day == at.date() else 1
    micros = round(DAILY * PACE[flight] * share)
    return {"platform": platform, "account_id": account, "campaign_id": campaign_id(flight), "campaign_name": f"Desk {flight} autumn", "market": "UK",
            "product": "Boots", "start_date": pd.Timestamp(FIRST), "end_date": pd.Timestamp(LAST), "currency": currency, "timezone": zone,
            "day": pd.Timestamp(day), "spend_micros": micros, "impressions": micros // 5000, "clicks": micros // 500_000, "conversions": 1.0,
            "loaded_at": pd.Timestamp(at - timedelta(hours=1)).as_unit("us"), "status": "active"}


def csv_text(rows: Iterable[Mapping[str, Any]], delimiter: str = ",") -> str:
    rows = list(rows)
    out = io.StringIO(newline="")
    writer = csv.DictWriter(out, list(dict.fromkeys(name for row in rows for name in row)), delimiter=delimiter, restval="", lineterminator="\n")
    writer.writeheader()
    writer.writerows(rows)
    return out.getvalue()


@contextmanager
def new_database(postgres: EmbeddedPostgres, template: str) -> Iterator[Urls]:
    """A migrated, empty database, for what several tests look at."""
    name = f"desk_{next(_numbers)}"
    _execute(postgres, f'CREATE DATABASE "{name}" TEMPLATE "{template}"')
    yield Urls(name, postgres.admin_url(name), postgres.url(APP_LOGIN, name))
    _execute(postgres, f'DROP DATABASE "{name}" WITH (FORCE)')


@dataclass(frozen=True)
class Ran:
    """A sealed window and what it left."""

    summary: dict[str, Any]
    decisions: pd.DataFrame  # by flight_id
    entries: list[ledger.Recorded]  # of this run
    incidents: dict[str, Incident]  # open after it, by fingerprint
    asks: dict[str, Recommendation]  # pending after it, by flight

    @property
    def lanes(self) -> dict[str, tuple[str, str]]:
        return {flight: (row["lane"], row["action"]) for flight, row in self.decisions.iterrows()}

    def said(self, *kinds: str) -> list[dict[str, Any]]:
        return [entry.content for entry in self.entries if entry.kind in kinds]

    def quarantined(self) -> list[dict[str, Any]]:
        return self.said("row_quarantined")

    def unharmed(self, *but: str) -> None:
        """Every other flight got the decision of an undisturbed run."""
        others = {flight: lane for flight, lane in UNDISTURBED.items() if flight not in but}
        assert {flight: lane for flight, lane in self.lanes.items() if flight in others} == others

    def adds_up(self) -> None:
        """Every micro that the warehouse reports is in one bucket."""
        for money in self.summary["spend_micros"].values():
            assert sum(value for name, value in money.items() if name != "total") == money["total"]


@dataclass
class Desk:
    """A plan in a file, a warehouse database, a record; `run` is one window."""

    urls: Urls
    server: EmbeddedWarehouse
    folder: Path
    database: str = field(default_factory=lambda: f"DESK{next(_numbers)}")

    @property
    def tracker(self) -> Path:
        return self.folder / "plan.csv"

    @property
    def snowflake(self) -> SnowflakeSettings:
        return SnowflakeSettings(**self.server.connect_kwargs() | {"database": self.database})

    def plan(self, rows: Iterable[Mapping[str, Any]]) -> None:
        self.tracker.write_text(csv_text(rows), encoding="utf-8")

    def load(self, spend: pd.DataFrame, loads: pd.DataFrame | None = None) -> None:
        """The warehouse holds this; without loads there is no table of them."""
        spend = spend.reset_index(drop=True).astype({"spend_micros": "Int64"})
        self.sql("DROP TABLE IF EXISTS ACCOUNT_LOADS")
        with self._connection() as connection, tempfile.TemporaryDirectory() as directory:
            self.server._replace(connection, "CAMPAIGN_SPEND", CAMPAIGN_SPEND, spend, Path(directory))
            if loads is not None:
                self.server._replace(connection, "ACCOUNT_LOADS", ACCOUNT_LOADS, loads, Path(directory))

    def sql(self, *statements: str) -> None:
        with self._connection() as connection:
            for statement in statements:
                connection.cursor().execute(statement)

    def _connection(self) -> Any:
        import snowflake.connector

        return snowflake.connector.connect(**self.snowflake.connect_arguments("test"))

    def settings(self, **changes: Any) -> Settings:
        """Settings of this desk alone, whatever the outer environment says."""
        defaults = {each.alias or name: each.default for name, each in Settings.model_fields.items()}
        snowflake = {f"SNOWFLAKE_{name.upper()}": value for name, value in self.server.connect_kwargs().items()} | {"SNOWFLAKE_DATABASE": self.database}
        own = {"PACING_HOME": self.folder, "PACING_DATABASE_URL": self.urls.app, "PACING_TRACKER": str(self.tracker), "PACING_CONSOLE": "none",
               "_env_file": None}
        return Settings.read(**defaults | snowflake | own | changes)

    def at(self, instant: datetime) -> None:
        """The record's clock shows an instant."""
        with self.record(self.urls.admin) as database, database.transaction() as connection:
            clock.set_offset(connection, instant - datetime.now(UTC))

    def run(self, at: datetime = AT, request: Request | None = None, **settings: Any) -> Ran:
        """The window of an instant, which is now."""
        self.at(at)
        return self.left(run_window(self.settings(**settings), request or Request(as_of=at)))

    def left(self, summary: dict[str, Any]) -> Ran:
        with self.record() as database:
            decisions = Observations(database).load(summary["run_id"], "decisions").set_index("flight_id")
            incidents = {each.fingerprint: each for each in Incidents(database).open()}
            asks = {each.flight_id: each for each in Recommendations(database).pending()}
            return Ran(summary, decisions, self.entries(summary["run_id"]), incidents, asks)

    def entries(self, run_id: str | None = None) -> list[ledger.Recorded]:
        with self.record() as database, database.transaction() as connection:
            return list(ledger.read(connection, run_id=run_id))

    def outbox(self) -> dict[str, int]:
        with self.record() as database:
            return Outbox(database).counts()

    def record(self, url: str | None = None) -> "_Opened":
        return _Opened(url or self.urls.app)


class _Opened:
    """A database that is closed at the end of a `with`."""

    def __init__(self, url: str) -> None:
        self.database = Database(url)

    def __enter__(self) -> Database:
        return self.database

    def __exit__(self, *_: object) -> None:
        self.database.close()
