"""A DV360 warehouse: insertion-order performance keyed by name, budget segments keyed by insertion-order id.

The two tables are known by their columns, whatever they are called; tables of the session's own schema win.
"""

from dataclasses import dataclass
from datetime import date

import pandas as pd

from connectors.campaign_spend import account_loads
from connectors.queries import identifier, optional, query
from connectors.snowflake import Catalog, Warehouse
from connectors.spend_read import UNKNOWN, SpendRead, campaigns_frame, loads_frame, micros, spend_frame, totals_frame
from pacing_brain.errors import SpendShapeError
from pacing_brain.model import Quarantined, SourceState

PLATFORM = "dv360"
_LOADED = ("LOADED_AT", "_FIVETRAN_SYNCED", "_LOADED_AT", "LOAD_TIME")
_ADVERTISER = ("ADVERTISER_ID", "ADVERTISER", "ADVERTISER_NAME")
# What a column is for -> names it goes by, and the type of the null that stands for it where it may be absent.
_NAMES: dict[str, tuple[tuple[str, ...], str]] = {
    "ADVERTISER": (_ADVERTISER, "VARCHAR"), "LOADED_AT": (_LOADED, "TIMESTAMP_NTZ"),
    "DATE": (("DATE", "DAY", "DATE_DAY"), "DATE"), "INSERTION_ORDER": (("INSERTION_ORDER", "INSERTION_ORDER_NAME", "IO_NAME"), "VARCHAR"),
    "CURRENCY": (("CURRENCY", "ADVERTISER_CURRENCY", "CURRENCY_CODE"), "VARCHAR"),
    "TIMEZONE": (("TIMEZONE", "TIME_ZONE", "ADVERTISER_TIMEZONE", "ADVERTISER_TIME_ZONE"), "VARCHAR"),
    "LINE_ITEM": (("LINE_ITEM_ID", "LINE_ITEM", "LINE_ITEM_NAME"), "VARCHAR"),
    "IMPRESSIONS": (("IMPRESSIONS",), "NUMBER(38,0)"), "CLICKS": (("CLICKS",), "NUMBER(38,0)"), "CONVERSIONS": (("CONVERSIONS",), "FLOAT"),
    "MARKET": (("MARKET",), "VARCHAR"), "PRODUCT": (("PRODUCT",), "VARCHAR"), "IO_STATUS": (("IO_STATUS",), "VARCHAR"),
    "SEGMENT_START_DATE": (("SEGMENT_START_DATE",), "DATE"), "SEGMENT_END_DATE": (("SEGMENT_END_DATE",), "DATE"),
}  # fmt: skip
_PERFORMANCE = ("ADVERTISER", "DATE", "INSERTION_ORDER")


@dataclass(frozen=True)
class Dv360:
    name: str = "dv360"

    def read(self, warehouse: Warehouse, first: date, last: date) -> SpendRead:
        catalog = warehouse.catalog()
        performance, budgets = _tables(catalog)
        place, gaps = performance[1], _gaps(catalog, performance)
        rows = warehouse.frame(query("dv360_performance", **gaps), (first, last), place)
        totals = warehouse.frame(query("dv360_totals", **gaps), (first, last), place)
        delivered = warehouse.frame(query("dv360_accounts", **gaps), (), place)
        orders = _placed(warehouse.frame(query("dv360_budgets", **_gaps(catalog, budgets)), (), budgets[1]), delivered)
        given = account_loads(warehouse, catalog)
        loads = loads_frame(given, pd.concat([delivered, orders])[["account_id", "loaded_at"]].groupby("account_id", as_index=False).max()
                            .assign(platform=PLATFORM))  # fmt: skip
        if loads.empty and len(delivered):
            raise SpendShapeError(f"{place} has no column {' or '.join(_LOADED[:2])} and there is no table ACCOUNT_LOADS: a campaign that stopped "
                                  "would look like a feed that stopped. Add one of them.")  # fmt: skip
        spend, notes = spend_frame(_identified(rows, orders, loads), place)
        return SpendRead(spend, loads, campaigns_frame(orders), totals_frame(totals), notes + _ambiguous(orders, budgets[1]),
                         (SourceState(source=self.name),))  # fmt: skip


def _tables(catalog: Catalog) -> tuple[tuple[str, str], tuple[str, str]]:
    """The performance and the budget table, by their columns."""
    budgets = [key for key, have in catalog.items() if {"INSERTION_ORDER_ID", "IO_NAME"} <= have.keys()]
    spent = [key for key, have in catalog.items() if "SPEND" in have and key not in budgets
             and all(any(name in have for name in _NAMES[each][0]) for each in _PERFORMANCE)]  # fmt: skip
    wanted = (("performance", spent, "ADVERTISER, DATE, INSERTION_ORDER and SPEND"), ("budget", budgets, "INSERTION_ORDER_ID and IO_NAME"))
    for kind, found, columns in wanted:
        if not found:
            raise SpendShapeError(f"No DV360 {kind} table: none that the role may see has {columns}. Check SNOWFLAKE_DATABASE and _SCHEMA, "
                                  "and GRANT SELECT.")  # fmt: skip
        rivals = [key for key in found if key[0] == found[0][0]]
        if len(rivals) > 1:
            raise SpendShapeError(f"Several tables could be the DV360 {kind} table: {', '.join(name for _, name in rivals)}. Give the role one of "
                                  "them, or set PACING_SPEND_SOURCE to a .sql file.")  # fmt: skip
    return spent[0], budgets[0]


def _gaps(catalog: Catalog, key: tuple[str, str]) -> dict[str, str]:
    have = catalog[key]
    columns = {gap: next((name for name in names if name in have), names[0]) for gap, (names, _) in _NAMES.items()}
    gaps = {gap: optional(have, {column: _NAMES[gap][1]})[column] for gap, column in columns.items()} | {"TABLE": identifier(*key)}
    return gaps | ({"MICROS": micros("SPEND", have["SPEND"], key[1])} if "SPEND" in have else {})


def _placed(orders: pd.DataFrame, delivered: pd.DataFrame) -> pd.DataFrame:
    """Insertion orders with their advertiser: the budget table's, else that of the delivery under the same name, if it is one."""
    one = delivered.drop_duplicates(["campaign_name", "account_id"]).drop_duplicates("campaign_name", keep=False)
    by_name = orders["campaign_name"].map(one.set_index("campaign_name")["account_id"])
    accounts = delivered["account_id"].dropna().unique()
    only = accounts[0] if len(accounts) == 1 else UNKNOWN
    return orders.assign(account_id=orders["account_id"].fillna(by_name).fillna(only), platform=PLATFORM)


def _identified(rows: pd.DataFrame, orders: pd.DataFrame, loads: pd.DataFrame) -> pd.DataFrame:
    """Rows with the order's id where its name stands for one id in the advertiser; else the name stands for itself."""
    key = ["account_id", "campaign_name"]
    single = orders.drop_duplicates(key, keep=False)[[*key, "campaign_id", "status", "start_date", "end_date"]]
    wide = rows.drop(columns="loaded_at").merge(single, on=key, how="left", validate="many_to_one")
    newest = loads.groupby("account_id", as_index=False)["loaded_at"].max()
    return wide.merge(newest, on="account_id", how="left", validate="many_to_one").assign(platform=PLATFORM, daily_budget_micros=None)


def _ambiguous(orders: pd.DataFrame, place: str) -> tuple[Quarantined, ...]:
    several = orders[orders.duplicated(["account_id", "campaign_name"], keep=False)]
    return tuple(
        Quarantined(source="spend", place=place, column="IO_NAME", value=str(name)[:200], subject=f"{PLATFORM}/{account}/name:{name}",
                    reason=f"The name stands for insertion orders {', '.join(sorted(rows['campaign_id']))}: spend is known by name only. "
                    "Give each its own name.")
        for (account, name), rows in several.groupby(["account_id", "campaign_name"]))
