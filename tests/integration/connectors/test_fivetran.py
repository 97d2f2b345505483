"""A Fivetran warehouse: what its history tables know is used, what they lack is not invented."""

import datetime as dt

import pytest

from connectors.spend import SpendSource
from pacing_brain.errors import SpendShapeError
from tests.integration.connectors.warehouse_shapes import REPORT, fivetran

JAN = dt.date(2026, 1, 1), dt.date(2026, 1, 31)
META = ("CREATE SCHEMA FACEBOOK_ADS",
        "CREATE TABLE FACEBOOK_ADS.ACCOUNT_HISTORY (ID NUMBER(38,0), NAME TEXT, CURRENCY TEXT, TIMEZONE_NAME TEXT, _FIVETRAN_SYNCED TIMESTAMP_NTZ)",
        ("CREATE TABLE FACEBOOK_ADS.CAMPAIGN_HISTORY (ID NUMBER(38,0), ACCOUNT_ID NUMBER(38,0), NAME TEXT, STATUS TEXT, START_TIME TIMESTAMP_NTZ, "
        "STOP_TIME TIMESTAMP_NTZ, DAILY_BUDGET NUMBER(38,0), UPDATED_TIME TIMESTAMP_NTZ, _FIVETRAN_SYNCED TIMESTAMP_NTZ)"),
        "INSERT INTO FACEBOOK_ADS.ACCOUNT_HISTORY VALUES (7,'A','USD','America/New_York','2026-01-19 08:00:00'), (8,'B','JPY','Asia/Tokyo','2026-01-19 08:00:00')",
        ("INSERT INTO FACEBOOK_ADS.CAMPAIGN_HISTORY VALUES (70,7,'m','ACTIVE','2026-01-02 03:00:00',NULL,5000,'2026-01-01 00:00:00','2026-01-20 09:00:00'), "
        "(80,8,'j','ACTIVE','2026-01-01 20:00:00','2026-02-01 14:59:59',5000,'2026-01-01 00:00:00','2026-01-20 10:00:00'), "
        "(81,8,'never delivered','PAUSED',NULL,NULL,NULL,'2026-01-01 00:00:00','2026-01-20 10:00:00')"),
        ("INSERT INTO PUBLIC.AD_REPORTING__CAMPAIGN_REPORT VALUES ('r','2026-01-02','facebook_ads','7','A','70','m',1,10,12.34,0,0), "
        "('r','2026-01-02','facebook_ads','8','B','80','j',1,10,1234,0,0)"))


def read(database):
    return SpendSource("fivetran", database.settings, "run-1").read(*JAN)


def test_history_gives_currency_zone_dates_and_status(database, tmp_path):
    """The active state of account and campaign is used; an end in 2037 is no end."""
    fivetran(database, tmp_path)
    row = read(database).spend.set_index("campaign_id").loc["4711"].iloc[0]
    assert (row.currency, row.timezone, row.status, str(row.start_date.date())) == ("USD", "America/New_York", "paused", "2026-01-01")
    assert row.isna()["end_date"]


def test_both_platforms_are_read_with_their_own_units(database, tmp_path):
    """Meta's minor units become micros by currency, its instants days of the account's zone, its campaign list the source's."""
    fivetran(database, tmp_path)
    database.run(*META)
    got = read(database)
    meta = got.spend[got.spend["platform"].eq("meta")].set_index("campaign_id")
    assert meta["daily_budget_micros"].to_dict() == {"70": 50_000_000, "80": 5_000_000_000}
    assert meta["start_date"].dt.strftime("%Y-%m-%d").to_dict() == {"70": "2026-01-01", "80": "2026-01-02"}
    assert str(meta.loc["80", "end_date"].date()) == "2026-02-01"
    assert got.campaigns.set_index("campaign_id")["status"].to_dict() == {"4711": "paused", "70": "active", "80": "active", "81": "paused"}
    assert got.totals.set_index("currency")["spend_micros"].to_dict() == {"USD": 250_550_000 + 12_340_000, "JPY": 1_234_000_000}
    assert got.loads.set_index("account_id")["loaded_at"].dt.hour.to_dict() == {"1": 8, "7": 9, "8": 10}
    assert all(state.available for state in got.sources)


def test_a_platform_without_its_tables_is_left_out_by_name(database, tmp_path):
    """Without Meta's account history its rows leave rows and totals alike, the others go on, and the source says so."""
    fivetran(database, tmp_path)
    database.run(META[-1])
    got = read(database)
    assert got.spend["platform"].unique().tolist() == ["google"]
    assert got.totals["spend_micros"].tolist() == [got.spend["spend_micros"].sum()]
    (absent,) = [state for state in got.sources if not state.available]
    assert absent.platform == "meta"
    assert "FACEBOOK_ADS.ACCOUNT_HISTORY is missing" in str(absent.why)


def test_a_platform_of_the_report_that_is_not_read_is_named(database, tmp_path):
    """Rows of a platform whose currency and loads this version cannot know are not judged, and that is said."""
    fivetran(database, tmp_path)
    database.run("INSERT INTO AD_REPORTING__CAMPAIGN_REPORT VALUES ('r','2026-01-02','tiktok_ads','9','T','90','t',1,10,5,0,0)")
    got = read(database)
    assert {state.platform for state in got.sources if not state.available} == {"meta", "tiktok"}
    assert "9" not in set(got.loads["account_id"])


def test_optional_history_columns_may_be_missing(database):
    """A history that lacks currency, zone, dates, status and activity is read: no currency is XXX, never another account's."""
    database.run(REPORT, "INSERT INTO AD_REPORTING__CAMPAIGN_REPORT VALUES ('r','2026-01-02','facebook_ads','7','A','70','m',1,10,12.34,0,0)",
                 "CREATE TABLE FACEBOOK_ADS_ACCOUNT_HISTORY_DATA (ID TEXT, NAME TEXT, _FIVETRAN_SYNCED TEXT)",
                 "CREATE TABLE FACEBOOK_ADS_CAMPAIGN_HISTORY_DATA (ID TEXT, ACCOUNT_ID TEXT, NAME TEXT, _FIVETRAN_SYNCED TEXT, UPDATED_TIME TEXT)",
                 "INSERT INTO FACEBOOK_ADS_ACCOUNT_HISTORY_DATA VALUES ('7','A','2026-01-03 20:20:40.042')",
                 "INSERT INTO FACEBOOK_ADS_CAMPAIGN_HISTORY_DATA VALUES ('70','7','m','2026-01-04T14:20:41.962','2020-11-23T16:27:51')")
    got = read(database)
    row = got.spend.iloc[0]
    assert (row.platform, row.currency, row.spend_micros) == ("meta", "XXX", 12_340_000)
    assert row[["timezone", "start_date", "status"]].isna().all()
    assert str(got.loads["loaded_at"].iloc[0]) == "2026-01-04 14:20:41.962000+00:00"
    assert [q.column for q in got.quarantined] == ["currency"]


def test_a_doubled_report_row_is_seen(database, tmp_path):
    """Two rows of one campaign and day come with n_rows 2."""
    fivetran(database, tmp_path)
    database.run("INSERT INTO AD_REPORTING__CAMPAIGN_REPORT VALUES ('r','2026-01-02','google_ads','1','Acme','4712','Summer',1,10,250.25,0,0)")
    assert read(database).spend.set_index("campaign_id")["n_rows"].loc["4712"] == 2


def test_an_account_that_stopped_is_still_loaded(database, tmp_path):
    """An account without rows in the days asked for keeps its load: a stop is not a feed that stopped."""
    fivetran(database, tmp_path)
    got = SpendSource("fivetran", database.settings, "run-1").read(dt.date(2026, 3, 1), dt.date(2026, 3, 2))
    assert (len(got.spend), got.loads["account_id"].tolist()) == (0, ["1"])


def test_without_the_report_there_is_no_spend(database):
    """A warehouse without the ad_reporting table names it."""
    with pytest.raises(SpendShapeError, match="AD_REPORTING__CAMPAIGN_REPORT does not exist"):
        read(database)
