"""Fivetran's account and campaign history tables: currency, zone, dates, status, daily budget, last sync. Any of them may be missing."""

from dataclasses import dataclass

import pandas as pd

from connectors.queries import identifier, optional, query
from connectors.snowflake import Catalog, Warehouse

_OPEN_YEAR = 2037  # Google writes 2037-12-30 for a campaign without an end
_NO_CENTS = frozenset(["BIF", "CLP", "COP", "CRC", "DJF", "GNF", "HUF", "IDR", "ISK", "JPY", "KMF", "KRW", "PYG", "RWF", "TWD", "UGX", "VND", "VUV", "XAF", "XOF", "XPF"])  # Meta: offset 1
_TABLES = ("ACCOUNT_HISTORY", "CAMPAIGN_HISTORY")


@dataclass(frozen=True)
class Platform:
    """Where one platform's connector keeps what the report lacks. Source: docs of Fivetran's google_ads and facebook_ads schemas."""

    name: str
    prefix: str
    currency: str
    timezone: str
    account: str
    starts: str
    ends: str
    budget: str | None = None  # daily, in minor units of the currency


PLATFORMS = (
    Platform("google", "GOOGLE_ADS", "CURRENCY_CODE", "TIME_ZONE", "CUSTOMER_ID", "START_DATE", "END_DATE"),
    Platform("meta", "FACEBOOK_ADS", "CURRENCY", "TIMEZONE_NAME", "ACCOUNT_ID", "START_TIME", "STOP_TIME", "DAILY_BUDGET"),
)
_STAMPS = {"_FIVETRAN_SYNCED": "TIMESTAMP_NTZ", "_FIVETRAN_ACTIVE": "BOOLEAN"}

Found = dict[tuple[Platform, str], list[tuple[str, str]]]


def history(catalog: Catalog) -> Found:
    """The history tables of each platform: ACCOUNT_HISTORY in a schema named after it (several connectors: all of them), or
    GOOGLE_ADS_ACCOUNT_HISTORY in any.
    """
    return {(platform, table): [key for key in catalog if _is(key, platform.prefix, table)] for platform in PLATFORMS for table in _TABLES}


def _is(key: tuple[str, str], prefix: str, table: str) -> bool:
    schema, name = key[0].upper(), key[1].upper()
    return (name == table and prefix in schema) or name.removesuffix("_DATA") == f"{prefix}_{table}"


def accounts_of(warehouse: Warehouse, catalog: Catalog, found: Found, platforms: set[Platform]) -> pd.DataFrame:
    """platform, account_id, currency, timezone, loaded_at; one row per account."""
    frames = [_accounts(warehouse, catalog, platform, key) for platform in PLATFORMS if platform in platforms
              for key in found[platform, "ACCOUNT_HISTORY"]]  # fmt: skip
    return _newest(frames, ["platform", "account_id"], ["currency", "timezone"])


def _accounts(warehouse: Warehouse, catalog: Catalog, platform: Platform, key: tuple[str, str]) -> pd.DataFrame:
    have = catalog[key]
    gaps = optional(have, _STAMPS) | _renamed(have, CURRENCY=platform.currency, TIMEZONE=platform.timezone) | _updated(have)
    return warehouse.frame(query("fivetran_accounts", TABLE=identifier(*key), **gaps), (), ".".join(key)).assign(platform=platform.name)


def campaigns_of(warehouse: Warehouse, catalog: Catalog, found: Found, platforms: set[Platform], accounts: pd.DataFrame) -> pd.DataFrame:
    """platform, account_id, campaign_id, campaign_name, status, start_date, end_date, daily_budget_micros, loaded_at."""
    frames = [_campaigns(warehouse, catalog, platform, key) for platform in PLATFORMS if platform in platforms
              for key in found[platform, "CAMPAIGN_HISTORY"]]  # fmt: skip
    campaigns = _newest(frames, ["platform", "account_id", "campaign_id"],
                        ["campaign_name", "status", "starts", "ends", "daily_budget"])  # fmt: skip
    campaigns = campaigns.merge(accounts[["platform", "account_id", "currency", "timezone"]], on=["platform", "account_id"], how="left")
    ends = _days(campaigns["ends"], campaigns["timezone"])
    return campaigns.assign(start_date=_days(campaigns["starts"], campaigns["timezone"]), end_date=ends.where(ends.dt.year < _OPEN_YEAR),
                            daily_budget_micros=_minor_to_micros(campaigns["daily_budget"], campaigns["currency"]))  # fmt: skip


def _campaigns(warehouse: Warehouse, catalog: Catalog, platform: Platform, key: tuple[str, str]) -> pd.DataFrame:
    have = catalog[key]
    columns = _renamed(have, ACCOUNT=platform.account, NAME="NAME", STATUS="STATUS", START=platform.starts, END=platform.ends,
                       DAILY_BUDGET=platform.budget or "")  # fmt: skip
    gaps = optional(have, _STAMPS) | columns | _updated(have)
    rows = warehouse.frame(query("fivetran_campaigns", TABLE=identifier(*key), **gaps), (), ".".join(key))
    return rows.assign(platform=platform.name)


def _renamed(have: dict[str, str], **columns: str) -> dict[str, str]:
    """Gap -> the platform's own column, or a null of text."""
    return {gap: optional(have, {column: "VARCHAR"})[column] if column else "CAST(NULL AS VARCHAR)" for gap, column in columns.items()}


def _updated(have: dict[str, str]) -> dict[str, str]:
    """Google calls it UPDATED_AT, Meta UPDATED_TIME."""
    name = "UPDATED_TIME" if "UPDATED_TIME" in have else "UPDATED_AT"
    return {"UPDATED_AT": optional(have, {name: "TIMESTAMP_NTZ"})[name]}


def _newest(frames: list[pd.DataFrame], key: list[str], values: list[str]) -> pd.DataFrame:
    """One row per key over all connectors of a platform: the one synced last, with the newest sync of any."""
    if not frames:
        return pd.DataFrame({name: pd.Series([], dtype="str") for name in (*key, *values)}).assign(
            loaded_at=pd.Series([], dtype="datetime64[us, UTC]"))  # fmt: skip
    frames = [frame.assign(loaded_at=pd.to_datetime(frame["loaded_at"], utc=True, format="mixed", errors="coerce")
                           .astype("datetime64[us, UTC]")) for frame in frames]  # fmt: skip
    rows = pd.concat([frame.astype(dict.fromkeys([*key, *values], "str")) for frame in frames], ignore_index=True)
    return rows.sort_values("loaded_at", na_position="first", kind="stable").drop_duplicates(key, keep="last").reset_index(drop=True)


def _days(texts: pd.Series, zones: pd.Series) -> pd.Series:
    """Days of the account. Google's dates are the account's own; Meta's instants are UTC and fall on the day of the account's zone."""
    instants = pd.to_datetime(texts, utc=True, format="mixed", errors="coerce").astype("datetime64[us, UTC]")
    days = instants.dt.tz_localize(None).dt.normalize()
    with_time = texts.str.contains(":", na=False) & instants.notna() & zones.notna()
    for zone in zones[with_time].unique():
        here = with_time & zones.eq(zone)
        days[here] = instants[here].dt.tz_convert(zone).dt.tz_localize(None).dt.normalize()
    return days


def _minor_to_micros(texts: pd.Series, currencies: pd.Series) -> pd.Series:
    """Meta's minor units as micros: cents are 10,000; a currency without cents counts in units."""
    units = pd.to_numeric(texts, errors="coerce").round().astype("Int64")
    return (units * currencies.isin(_NO_CENTS).map({True: 1_000_000, False: 10_000})).where(currencies.notna())
