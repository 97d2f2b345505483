"""The table CAMPAIGN_SPEND, or a query of the user's own with the same columns, and the table ACCOUNT_LOADS beside it."""

from dataclasses import dataclass
from datetime import date
from pathlib import Path

import pandas as pd

from connectors.queries import identifier, optional, query
from connectors.snowflake import Catalog, Warehouse
from connectors.spend_read import OPTIONAL, SpendRead, loads_frame, micros, require, spend_frame, totals_frame
from pacing_brain.errors import SettingError, SpendShapeError
from pacing_brain.frames import CAMPAIGNS
from pacing_brain.model import Quarantined, SourceState

REQUIRED = ("PLATFORM", "ACCOUNT_ID", "CAMPAIGN_ID", "CAMPAIGN_NAME", "CURRENCY", "DAY", "LOADED_AT")


@dataclass(frozen=True)
class CampaignSpend:
    """`own_sql`: a file whose one SELECT returns the spend columns, with SPEND_MICROS or SPEND; None: the table."""

    own_sql: Path | None = None

    @property
    def name(self) -> str:
        return "campaign_spend" if self.own_sql is None else self.own_sql.name

    def read(self, warehouse: Warehouse, first: date, last: date) -> SpendRead:
        catalog = warehouse.catalog()
        table, have = self.relation(warehouse, catalog)
        require(have, REQUIRED, self._place)
        gaps = optional(have, OPTIONAL) | {"TABLE": table, "MICROS": self._micros(have)}
        spend, notes = spend_frame(warehouse.frame(query("campaign_spend", **gaps), (first, last), self._place), self._place)
        totals = warehouse.frame(query("campaign_spend_totals", **gaps), (first, last), self._place)
        undated = int(warehouse.frame(query("campaign_spend_undated", **gaps), (), self._place)["n_rows"].iloc[0])
        of_rows = warehouse.frame(query("loads_of_rows", **gaps), (), self._place)
        loads = loads_frame(account_loads(warehouse, catalog), of_rows)
        return SpendRead(spend, loads, CAMPAIGNS.empty(), totals_frame(totals), notes + self._undated(undated),
                         (SourceState(source=self.name),))  # fmt: skip

    def read_campaign(self, warehouse: Warehouse, account_id: str, campaign_id: str, first: date, last: date) -> pd.DataFrame:
        """SPEND of one campaign, in one query of its own; the name stands for an id that is null."""
        table, have = self.relation(warehouse, warehouse.catalog())
        require(have, REQUIRED, self._place)
        gaps = optional(have, OPTIONAL) | {"TABLE": query("campaign_spend_of_one", TABLE=table), "MICROS": self._micros(have)}
        spend, _ = spend_frame(warehouse.frame(query("campaign_spend", **gaps), (account_id, campaign_id, first, last), self._place), self._place)
        return spend

    @property
    def _place(self) -> str:
        return "CAMPAIGN_SPEND" if self.own_sql is None else self.own_sql.name

    def relation(self, warehouse: Warehouse, catalog: Catalog) -> tuple[str, dict[str, str]]:
        """What is selected from, and its columns with their types."""
        if self.own_sql is not None:
            text = f"(\n{_statement(self.own_sql)}\n)"
            return text, warehouse.describe(query("describe", TABLE=text), self._place)
        key = find(catalog, "CAMPAIGN_SPEND")
        if key is None:
            raise SpendShapeError("Table CAMPAIGN_SPEND does not exist in this database, or the role may not see it. "
                                  "Check SNOWFLAKE_DATABASE and _SCHEMA, GRANT SELECT, or set PACING_SPEND_SOURCE.")  # fmt: skip
        return identifier(*key), catalog[key]

    def _micros(self, have: dict[str, str]) -> str:
        if "SPEND_MICROS" in have:
            return micros("SPEND_MICROS", have["SPEND_MICROS"], self._place, per_unit=1)
        require(have, ("SPEND",), self._place)
        return micros("SPEND", have["SPEND"], self._place)

    def _undated(self, rows: int) -> tuple[Quarantined, ...]:
        reason = f"{rows} spend rows have no DAY: they belong to no flight and no total. Mend the feed that writes them."
        return (Quarantined(source="spend", place=self._place, column="DAY", reason=reason),) if rows else ()


def find(catalog: Catalog, table: str) -> tuple[str, str] | None:
    """Schema and name of a table, the session's own schema first."""
    return next((key for key in catalog if key[1] == table), None)


def account_loads(warehouse: Warehouse, catalog: Catalog) -> pd.DataFrame | None:
    """The rows of ACCOUNT_LOADS, or None when there is no such table."""
    key = find(catalog, "ACCOUNT_LOADS")
    if key is None:
        return None
    require(catalog[key], ("ACCOUNT_ID", "LOADED_AT"), "ACCOUNT_LOADS")
    gaps = optional(catalog[key], {"PLATFORM": "VARCHAR"}) | {"TABLE": identifier(*key)}
    return warehouse.frame(query("account_loads", **gaps), (), "ACCOUNT_LOADS")


def _statement(path: Path) -> str:
    try:
        text = path.read_text(encoding="utf-8-sig").strip().rstrip(";").strip()
    except (OSError, UnicodeDecodeError) as error:
        raise SettingError(f"PACING_SPEND_SOURCE: {path} cannot be read as UTF-8 text. Check the path.") from error
    if not text:
        raise SettingError(f"PACING_SPEND_SOURCE: {path} is empty. Write one SELECT that returns the spend columns.")
    return text
