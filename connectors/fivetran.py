"""A warehouse that Fivetran fills: its ad_reporting package for spend, its account and campaign history tables for the rest.

The report names no currency, zone, dates, status or load time; the history tables do, where a connector syncs them.
"""

from dataclasses import dataclass
from datetime import date

import pandas as pd

from connectors.fivetran_history import PLATFORMS, Platform, accounts_of, campaigns_of, history
from connectors.queries import identifier, optional, query
from connectors.snowflake import Warehouse
from connectors.spend_read import SpendRead, campaigns_frame, loads_frame, micros, require, spend_frame, totals_frame
from pacing_brain.frames import NO_CURRENCY
from pacing_brain.errors import SpendShapeError
from pacing_brain.model import SourceState

REPORT = "AD_REPORTING__CAMPAIGN_REPORT"
REQUIRED = ("PLATFORM", "ACCOUNT_ID", "CAMPAIGN_ID", "CAMPAIGN_NAME", "DATE_DAY", "SPEND")
_OPTIONAL = {"IMPRESSIONS": "NUMBER(38,0)", "CLICKS": "NUMBER(38,0)", "CONVERSIONS": "FLOAT", "_FIVETRAN_SYNCED": "TIMESTAMP_NTZ"}
ACCOUNT = ["platform", "account_id"]
CAMPAIGN = [*ACCOUNT, "campaign_id"]


@dataclass(frozen=True)
class Fivetran:
    name: str = "fivetran"

    def read(self, warehouse: Warehouse, first: date, last: date) -> SpendRead:
        """A platform without its account history has no currency and no load time: it is left out, and `sources` says so."""
        catalog = warehouse.catalog()
        found = history(catalog)
        gaps = _report(catalog)
        reported = _named(warehouse.frame(query("fivetran_platforms", **gaps), (), REPORT))
        there = {platform for platform in PLATFORMS if found[platform, "ACCOUNT_HISTORY"]}
        accounts = accounts_of(warehouse, catalog, found, there)
        campaigns = campaigns_of(warehouse, catalog, found, there, accounts)
        rows = _named(warehouse.frame(query("fivetran_report", **gaps), (first, last), REPORT))
        totals = _named(warehouse.frame(query("fivetran_totals", **gaps), (first, last), REPORT))
        names = {platform.name for platform in there}
        spend, notes = spend_frame(_joined(rows[rows["platform"].isin(names)], accounts, campaigns, _loads(accounts, campaigns, reported)), REPORT)
        return SpendRead(spend, loads_frame(_loads(accounts, campaigns, reported[reported["platform"].isin(names)]), accounts.head(0)),
                         campaigns_frame(campaigns), _totals(totals[totals["platform"].isin(names)], accounts), notes,
                         (SourceState(source=self.name), *_absent(self.name, there, reported)))  # fmt: skip


def _report(catalog: dict[tuple[str, str], dict[str, str]]) -> dict[str, str]:
    """The gaps of the report's queries."""
    key = next((key for key in catalog if key[1] == REPORT), None)
    if key is None:
        raise SpendShapeError(f"Table {REPORT} does not exist in this database, or the role may not see it. Run Fivetran's ad_reporting "
                              "package, GRANT SELECT on its table, or set PACING_SPEND_SOURCE.")  # fmt: skip
    have = catalog[key]
    require(have, REQUIRED, REPORT)
    return optional(have, _OPTIONAL) | {"TABLE": identifier(*key), "MICROS": micros("SPEND", have["SPEND"], REPORT)}


def _named(rows: pd.DataFrame) -> pd.DataFrame:
    """`google_ads` -> google; a platform that this version does not know keeps Fivetran's name."""
    names = {platform.prefix.lower(): platform.name for platform in PLATFORMS}
    return rows.assign(platform=rows["platform"].astype("str").str.lower().replace(names))


def _loads(accounts: pd.DataFrame, campaigns: pd.DataFrame, reported: pd.DataFrame) -> pd.DataFrame:
    """The newest sync of an account over account, campaign and report tables."""
    each = pd.concat([table[[*ACCOUNT, "loaded_at"]] for table in (accounts, campaigns, reported)], ignore_index=True)
    each["loaded_at"] = pd.to_datetime(each["loaded_at"], utc=True)
    return each.dropna(subset=["account_id"]).groupby(ACCOUNT, as_index=False)["loaded_at"].max()


def _joined(rows: pd.DataFrame, accounts: pd.DataFrame, campaigns: pd.DataFrame, loads: pd.DataFrame) -> pd.DataFrame:
    """Report rows with what the history tables know. No row is lost or doubled: the right sides are unique."""
    wide = rows.merge(accounts[[*ACCOUNT, "currency", "timezone"]], on=ACCOUNT, how="left", validate="many_to_one")
    facts = campaigns[[*CAMPAIGN, "start_date", "end_date", "status", "daily_budget_micros"]]
    wide = wide.merge(facts, on=CAMPAIGN, how="left", validate="many_to_one")
    return wide.merge(loads, on=ACCOUNT, how="left", validate="many_to_one").assign(market=None, product=None)


def _totals(totals: pd.DataFrame, accounts: pd.DataFrame) -> pd.DataFrame:
    known = totals.merge(accounts[[*ACCOUNT, "currency"]], on=ACCOUNT, how="left", validate="many_to_one")
    return totals_frame(known.assign(currency=known["currency"].fillna(NO_CURRENCY)))


def _absent(source: str, there: set[Platform], reported: pd.DataFrame) -> list[SourceState]:
    """Platforms that cannot be judged: ours without their tables, and those in the report that this version does not read."""
    states = [SourceState(source=source, platform=platform.name, available=False,
                          why=f"Table {platform.prefix}.ACCOUNT_HISTORY is missing, or the role may not see it: sync it with Fivetran and GRANT SELECT.")
              for platform in PLATFORMS if platform not in there]  # fmt: skip
    names = {platform.name for platform in PLATFORMS}
    for platform in sorted(set(reported["platform"].dropna()) - names):
        why = f"The report has rows of {platform}, but currency and load time are read for {' and '.join(sorted(names))} only."
        states.append(SourceState(source=source, platform=platform.removesuffix("_ads"), available=False, why=why))
    return states
