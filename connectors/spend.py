"""Spend and account loads from Snowflake, whatever shape the warehouse has."""

from dataclasses import dataclass, replace
from datetime import date, datetime
from pathlib import Path
from typing import Protocol

import pandas as pd

from connectors.campaign_spend import CampaignSpend
from connectors.dv360 import Dv360
from connectors.fivetran import Fivetran
from connectors.snowflake import Warehouse
from connectors.snowflake_settings import SnowflakeSettings
from connectors.spend_read import SpendRead, as_day
from pacing_brain.errors import SettingError

__all__ = ["SpendRead", "SpendSource", "of_campaign", "shape"]

CAMPAIGN_TIMEOUT_S = 30


class Shape(Protocol):
    """How one kind of warehouse is read."""

    @property
    def name(self) -> str: ...

    def read(self, warehouse: Warehouse, first: date, last: date) -> SpendRead: ...


def shape(source: str) -> Shape:
    """`campaign_spend`, `fivetran`, `dv360`, or the path of a `.sql` file that returns the spend columns.

    Raises:
        SettingError: none of these.
    """
    if source.endswith(".sql"):
        return CampaignSpend(Path(source))
    shapes: dict[str, Shape] = {"campaign_spend": CampaignSpend(), "fivetran": Fivetran(), "dv360": Dv360()}
    if source not in shapes:
        raise SettingError(f"PACING_SPEND_SOURCE must be {', '.join(shapes)} or the path of a .sql file, not {source!r}")
    return shapes[source]


@dataclass(frozen=True)
class SpendSource:
    """One source for one run: `query_tag` is the run id, and every query carries it."""

    source: str
    settings: SnowflakeSettings
    query_tag: str

    def read(self, days_from: date | datetime, days_to: date | datetime) -> SpendRead:
        """Spend of the days from `days_from` to `days_to`, both inclusive, with loads, campaigns and totals.

        Raises:
            SettingError: no such source, or its `.sql` file cannot be read.
            SpendUnavailable: Snowflake did not answer: actuals are unavailable, never zero.
            SpendRefused: the login or a privilege was refused.
            SpendShapeError: a table or column is missing.
        """
        with Warehouse(self.settings, self.query_tag) as warehouse:
            return shape(self.source).read(warehouse, as_day(days_from), as_day(days_to))

    def read_campaign(self, account_id: str, campaign_id: str, days_from: date | datetime, days_to: date | datetime) -> pd.DataFrame:
        """SPEND of one campaign, now, in one attempt of at most CAMPAIGN_TIMEOUT_S a query: for the check before a pause.

        Shapes that know campaigns by name only are read whole and cut.

        Raises: as `read`.
        """
        brief = replace(self.settings, attempts=1, network_timeout_s=CAMPAIGN_TIMEOUT_S, statement_timeout_s=CAMPAIGN_TIMEOUT_S)
        first, last, kind = as_day(days_from), as_day(days_to), shape(self.source)
        with Warehouse(brief, self.query_tag) as warehouse:
            if isinstance(kind, CampaignSpend):
                return kind.read_campaign(warehouse, account_id, campaign_id, first, last)
            spend = kind.read(warehouse, first, last).spend
        return of_campaign(spend, account_id, campaign_id)


def of_campaign(spend: pd.DataFrame, account_id: str, campaign_id: str) -> pd.DataFrame:
    """The rows of one campaign of one account; the name stands for an id that is null."""
    known_as = spend["campaign_id"].fillna(spend["campaign_name"])
    return spend[spend["account_id"].eq(account_id) & known_as.eq(campaign_id)]
