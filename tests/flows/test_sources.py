"""Whole runs on warehouses of other shapes: only what is faulty in them escalates or is critical.

The tables are those of `tests/integration/connectors/warehouse_shapes.py`, with days enough to be judged.
"""

from datetime import timedelta
from typing import Any

import pytest

from tests.flows.desk import AT, FIRST, LAST, LOADED, Desk
from tests.integration.connectors.warehouse_shapes import REPORT

SYNCED, STALE = f"{LOADED:%Y-%m-%d %H:%M:%S}", f"{AT - timedelta(hours=40):%Y-%m-%d %H:%M:%S}"
DAYS = [FIRST + timedelta(days=number) for number in range((AT.date() - FIRST).days)]  # the present day is not loaded yet
LINE = {"platform": "google", "account_id": "1", "budget": "3000", "currency": "USD", "start_date": f"{FIRST}", "end_date": f"{LAST}"}
HISTORY = {
    "GOOGLE_ADS": (
        ("CREATE TABLE GOOGLE_ADS.ACCOUNT_HISTORY (ID NUMBER(38,0), CURRENCY_CODE TEXT, TIME_ZONE TEXT, UPDATED_AT TIMESTAMP_NTZ, _FIVETRAN_SYNCED "
        "TIMESTAMP_NTZ, _FIVETRAN_ACTIVE BOOLEAN)"),
        ("CREATE TABLE GOOGLE_ADS.CAMPAIGN_HISTORY (ID NUMBER(38,0), CUSTOMER_ID NUMBER(38,0), NAME TEXT, STATUS TEXT, START_DATE TEXT, END_DATE TEXT, "
        "UPDATED_AT TIMESTAMP_NTZ, _FIVETRAN_SYNCED TIMESTAMP_NTZ, _FIVETRAN_ACTIVE BOOLEAN)"),
        ("INSERT INTO GOOGLE_ADS.ACCOUNT_HISTORY VALUES (1,'USD','UTC','2026-01-01 00:00:00','{0}',TRUE), "
        "(2,'USD','UTC','2026-01-01 00:00:00','{1}',TRUE)")),
    "FACEBOOK_ADS": (
        "CREATE TABLE FACEBOOK_ADS.ACCOUNT_HISTORY (ID NUMBER(38,0), NAME TEXT, CURRENCY TEXT, TIMEZONE_NAME TEXT, _FIVETRAN_SYNCED TIMESTAMP_NTZ)",
        ("CREATE TABLE FACEBOOK_ADS.CAMPAIGN_HISTORY (ID NUMBER(38,0), ACCOUNT_ID NUMBER(38,0), NAME TEXT, STATUS TEXT, START_TIME TIMESTAMP_NTZ, "
        "STOP_TIME TIMESTAMP_NTZ, DAILY_BUDGET NUMBER(38,0), UPDATED_TIME TIMESTAMP_NTZ, _FIVETRAN_SYNCED TIMESTAMP_NTZ)"),
        "INSERT INTO FACEBOOK_ADS.ACCOUNT_HISTORY VALUES (7,'A','EUR','UTC','{0}')")}
GOOGLE = {"101": ("1", 1.0), "102": ("1", 1.02), "103": ("1", 0.97), "104": ("1", 1.6), "105": ("1", 0.0), "201": ("2", 1.0), "202": ("2", 1.0)}
META = {"701": 1.0, "702": 0.99, "703": 0.5}
FAULTY = {"104": "over", "105": "zero", "201": "stale", "202": "stale", "703": "under"}


@pytest.fixture
def desk(fresh_database, warehouse, tmp_path) -> Desk:
    return Desk(fresh_database, warehouse, tmp_path)


def line(campaign: str, **more: Any) -> dict[str, Any]:
    return LINE | {"flight_id": campaign, "campaign_id": campaign, "campaign_name": f"Campaign {campaign}"} | more


def google_lines() -> list[dict[str, Any]]:
    return [line(campaign, account_id=account) for campaign, (account, _) in GOOGLE.items()]


def meta_lines() -> list[dict[str, Any]]:
    return [line(campaign, platform="meta", account_id="7", currency="EUR") for campaign in META]


def fivetran(desk: Desk, *platforms: str) -> None:
    """Google's and Meta's campaigns in Fivetran's report; the history tables of the platforms that are named. Account 2 has not synced for 40 h."""
    rows = [("google_ads", account, campaign, pace) for campaign, (account, pace) in GOOGLE.items() if pace]
    rows += [("facebook_ads", "7", campaign, pace) for campaign, pace in META.items()]
    report = ", ".join(f"('r','{day}','{platform}','{account}','A','{campaign}','Campaign {campaign}',5,500,{100 * pace:.2f},0,0)"
                       for platform, account, campaign, pace in rows for day in DAYS)
    made = [statement.format(SYNCED, STALE) for platform in platforms for statement in (f"CREATE SCHEMA {platform}", *HISTORY[platform])]
    google = ", ".join(f"({campaign},{account},'Campaign {campaign}','ENABLED','{FIRST}','2037-12-30','2026-10-19 00:00:00','"
                       f"{SYNCED if account == '1' else STALE}',TRUE)" for campaign, (account, _) in GOOGLE.items())
    meta = ", ".join(f"({campaign},7,'Campaign {campaign}','ACTIVE','{FIRST} 00:00:00',NULL,10000,'2026-10-19 00:00:00','{SYNCED}')" for campaign in META)
    histories = {"GOOGLE_ADS": google, "FACEBOOK_ADS": meta}
    desk.sql(REPORT, f"INSERT INTO AD_REPORTING__CAMPAIGN_REPORT VALUES {report}", *made,
             *(f"INSERT INTO {platform}.CAMPAIGN_HISTORY VALUES {histories[platform]}" for platform in platforms))


def faulty(ran: Any) -> dict[str, str]:
    """Flights that are critical or escalated, with their problem."""
    bad = ran.decisions[ran.decisions["lane"].isin(["critical", "escalate"])]
    return dict(bad["problem"].items())


def test_fivetran_end_to_end(desk):
    """Of ten campaigns the overspender, the silent one, those of the account that did not sync and the underspender are raised, no other."""
    fivetran(desk, "GOOGLE_ADS", "FACEBOOK_ADS")
    desk.plan([*google_lines(), *meta_lines()])
    ran = desk.run(PACING_SPEND_SOURCE="fivetran")
    assert faulty(ran) == FAULTY
    assert "account:google/2:stale" in ran.incidents
    assert set(ran.asks) == {"104", "105"}
    assert not ran.summary["partial"]
    ran.adds_up()


def test_a_platform_whose_tables_are_missing_leaves_the_others_as_they_are(desk):
    """Without Meta's account history the run says partial, Meta's lines are escalated by one incident of the source, and Google's are as ever."""
    fivetran(desk, "GOOGLE_ADS")
    desk.plan([*google_lines(), *meta_lines()])
    ran = desk.run(PACING_SPEND_SOURCE="fivetran")
    assert "FACEBOOK_ADS.ACCOUNT_HISTORY is missing" in ran.summary["partial"][0]
    assert faulty(ran) == FAULTY | dict.fromkeys(META, "stale")
    assert [name for name in ran.incidents if name.startswith("source:")] == ["source:fivetran/meta:stale"]
    assert set(ran.asks) == {"104", "105"}
    assert not set(META) & set(ran.decisions[ran.decisions["zero_delivery"].astype(bool)].index)


def test_a_platform_that_the_plan_does_not_use_makes_no_run_partial(desk):
    """Nobody misses Meta's tables when no line of the plan runs there; that they are not there stands beside the inputs."""
    fivetran(desk, "GOOGLE_ADS")
    desk.plan(google_lines())
    ran = desk.run(PACING_SPEND_SOURCE="fivetran")
    assert not ran.summary["partial"]
    (inputs,) = ran.said("inputs_recorded")
    assert {state["platform"]: state["available"] for state in inputs["sources"]} == {None: True, "meta": False}
    (sealed,) = ran.said("run_sealed")
    assert sealed["completeness"] == "complete"
    assert faulty(ran) == {name: problem for name, problem in FAULTY.items() if name in GOOGLE}


def test_dv360_end_to_end(desk):
    """Orders known by id in one table and by name in the other: the overspender and the one that stopped are raised, no other."""
    orders = {"4711": 1.0, "4712": 1.03, "4713": 1.5, "4714": 0.95, "4715": 1.0}
    stopped = DAYS[-3]
    rows = ", ".join(f"('1','{day}','Campaign {order}','L{item}',{50 * pace:.2f},500,5,'USD','{SYNCED}')" for order, pace in orders.items()
                     for item in (1, 2) for day in DAYS if order != "4715" or day < stopped)
    budgets = ", ".join(f"({order},'Campaign {order}','ACTIVE',1,3000,'{FIRST}','{LAST}','ACTIVE')" for order in orders)
    desk.sql("CREATE TABLE DV360_PERFORMANCE (ADVERTISER TEXT, DATE DATE, INSERTION_ORDER TEXT, LINE_ITEM TEXT, SPEND FLOAT, IMPRESSIONS NUMBER(38,0), "
             "CLICKS NUMBER(38,0), CURRENCY TEXT, LOADED_AT TIMESTAMP_NTZ)", f"INSERT INTO DV360_PERFORMANCE VALUES {rows}",
             "CREATE TABLE DV360_BUDGETS (INSERTION_ORDER_ID NUMBER(38,0), IO_NAME TEXT, IO_STATUS TEXT, SEGMENT_NUMBER NUMBER(38,0), BUDGET_AMOUNT FLOAT, "
             "SEGMENT_START_DATE DATE, SEGMENT_END_DATE DATE, SEGMENT_STATUS TEXT)", f"INSERT INTO DV360_BUDGETS VALUES {budgets}")
    desk.plan([line(order, platform="dv360") for order in orders])
    ran = desk.run(PACING_SPEND_SOURCE="dv360")
    assert faulty(ran) == {"4713": "over", "4715": "zero"}
    assert set(ran.asks) == {"4713", "4715"}
    assert not ran.summary["partial"]
    ran.adds_up()
