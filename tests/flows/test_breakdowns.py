"""A run that asks its warehouse for more: optional tables, recorded answers, and a replay of the same bytes."""

from datetime import date, timedelta

import pytest

from flows.replaying import replay
from flows.wiring import open_house
from tests.flows.desk import AT, DAILY, FIRST, Desk, campaign_id, loaded, planned, spent

SINCE = date(2026, 11, 2)
TABLE = "CREATE TABLE SPEND_BY_{} (PLATFORM VARCHAR, ACCOUNT_ID VARCHAR, CAMPAIGN_ID VARCHAR, DAY DATE, ITEM VARCHAR, SPEND NUMBER(38,6))"
HOSTILE_ITEM = "<!channel> mobile *https://evil.example*"


@pytest.fixture
def desk(fresh_database, warehouse, tmp_path) -> Desk:
    """G1 spends four times its plan since 2 November; everything else is as ever."""
    desk = Desk(fresh_database, warehouse, tmp_path)
    desk.plan(planned())
    spend = spent()
    since = spend["campaign_id"].eq(campaign_id("G1")) & spend["day"].dt.date.ge(SINCE)
    desk.load(spend.assign(spend_micros=spend["spend_micros"].where(~since, spend["spend_micros"] * 4)), loaded())
    return desk


def insert(item: str, before: float, since: float) -> str:
    days = [FIRST + timedelta(days=number) for number in range((AT.date() - FIRST).days)]
    rows = ", ".join(f"('google', '118', '{campaign_id('G1')}', '{day}', '{item}', {since if day >= SINCE else before})" for day in days)
    return f"INSERT INTO SPEND_BY_DEVICE VALUES {rows}"


def test_the_answers_stand_on_the_record_and_complete_the_cause(desk):
    """The one table that is there is asked about the campaign that jumped; its answer is in the cause, on the card and on the record, and a replay has equal bytes."""
    desk.sql(TABLE.format("DEVICE"), insert(HOSTILE_ITEM, 0.3 * DAILY / 1e6, 3.3 * DAILY / 1e6), insert("desktop", 0.7 * DAILY / 1e6, 0.7 * DAILY / 1e6))
    ran = desk.run()
    ran.unharmed("G1")
    assert ran.lanes["G1"] == ("critical", "recommend_halt")
    row = ran.decisions.loc["G1"]
    assert row["root_cause"].endswith(f"By device: {HOSTILE_ITEM} went from about £30 to about £330 a day, which explains 100 % of the change of the last 3 days.")
    assert row["breakdown"][0]["explains_pct"] == 100.0
    (seen,) = ran.said("inputs_recorded")
    assert {"questions", "breakdowns"} <= set(seen["digests"])
    assert "By device" in next(body["root_cause"] for body in ran.said("campaign_decided") if body["flight_id"] == "G1")
    with desk.record() as database, database.transaction() as connection:
        (card,) = connection.exec_driver_sql("SELECT blocks::text FROM pacing.outbox WHERE kind = 'post' AND text LIKE %s", ("%G1%",)).scalars()
    assert "By device" in card
    assert "<!channel>" not in card
    with open_house(desk.settings(), record_only=True) as house:
        found = replay(house, AT - timedelta(hours=4), AT + timedelta(hours=1), None)
    assert (found["bytes"]["different"], found["bytes"]["differs"]) == (0, [])


def test_without_tables_nothing_is_asked_and_nothing_said(desk):
    """A warehouse without breakdown tables, or with one that lacks a column: the run is as it would be, and its record has no questions."""
    plain = desk.run()
    desk.sql("CREATE TABLE SPEND_BY_AUDIENCE (ITEM VARCHAR)")
    broken = desk.run(AT + timedelta(hours=4))
    for ran in (plain, broken):
        assert "breakdowns" not in ran.said("inputs_recorded")[0]["digests"]
        assert "By " not in str(ran.decisions.loc["G1", "root_cause"])
        assert ran.decisions.loc["G1", "lane"] == "critical"
