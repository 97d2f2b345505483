"""A DV360 warehouse: performance by name joined to insertion orders by id, and nothing guessed between them."""

import datetime as dt

import pytest

from connectors.spend import SpendSource
from pacing_brain.errors import SpendShapeError
from tests.integration.connectors.warehouse_shapes import LOADED, dv360

JAN = dt.date(2026, 1, 1), dt.date(2026, 1, 31)


def read(database):
    return SpendSource("dv360", database.settings, "run-1").read(*JAN)


def more(database, line_item="L2", name="Spring", day="2026-01-02", amount="1.0", advertiser="1"):
    database.run(f"INSERT INTO DV360_PERFORMANCE VALUES ('{advertiser}','{day}','{name}','{line_item}',{amount},10,1,'USD','{LOADED}')")


def test_an_order_has_its_id_status_and_span_of_segments(database, tmp_path):
    """The order's dates reach from its first to its last budget segment."""
    dv360(database, tmp_path)
    row = read(database).spend.set_index("campaign_id").loc["4711"].iloc[0]
    assert (row.status, str(row.start_date.date()), str(row.end_date.date())) == ("active", "2026-01-01", "2026-02-28")


def test_line_items_add_up_and_are_no_duplicates(database, tmp_path):
    """Two line items of one order and day are parts of it; the same line item twice is a doubled row."""
    dv360(database, tmp_path)
    more(database)
    day = read(database).spend.set_index(["campaign_name", "day"]).loc[("Spring", "2026-01-02")]
    assert (day.spend_micros, day.n_rows) == (1_100_000, 1)
    more(database)
    got = read(database)
    assert got.spend.set_index(["campaign_name", "day"]).loc[("Spring", "2026-01-02"), "n_rows"] == 2
    assert got.totals["spend_micros"].sum() == got.spend["spend_micros"].sum()


def test_a_name_of_two_orders_stands_for_itself(database, tmp_path):
    """Where one name belongs to two ids the row keeps its name only, and the place is told."""
    dv360(database, tmp_path)
    database.run("INSERT INTO DV360_BUDGETS VALUES (4799,'Spring','ACTIVE',1,100,'2026-01-01','2026-01-31','ACTIVE')")
    got = read(database)
    assert got.spend.set_index("campaign_name").loc["Spring", "campaign_id"].isna().all()
    assert "4711, 4799" in got.quarantined[0].reason
    assert len(got.spend) == 4


def test_the_campaign_list_holds_orders_that_never_delivered(database, tmp_path):
    """An order with a budget and no delivery is known to exist."""
    dv360(database, tmp_path)
    database.run("INSERT INTO DV360_BUDGETS VALUES (4713,'Autumn','ACTIVE',1,100,'2026-01-01','2026-01-31','ACTIVE')")
    got = read(database).campaigns.set_index("campaign_id")
    assert got.loc["4713", ["account_id", "campaign_name"]].tolist() == ["1", "Autumn"]


def test_without_load_times_it_cannot_be_read(database, tmp_path):
    """No load column and no ACCOUNT_LOADS: refused by name, since a stop could not be told from a stale feed."""
    dv360(database, tmp_path)
    database.run("ALTER TABLE DV360_PERFORMANCE DROP COLUMN LOADED_AT")
    with pytest.raises(SpendShapeError, match="no column LOADED_AT"):
        read(database)
    database.run("CREATE TABLE ACCOUNT_LOADS (ACCOUNT_ID TEXT, LOADED_AT TIMESTAMP_NTZ)", "INSERT INTO ACCOUNT_LOADS VALUES ('1', '2026-01-09 00:00:00')")
    got = read(database)
    assert not got.loads["from_rows"].any()
    assert str(got.spend["loaded_at"].iloc[0]) == "2026-01-09 00:00:00+00:00"


def test_missing_and_rival_tables_are_named(database, tmp_path):
    """No performance table, or two that could be it, is a clear error."""
    with pytest.raises(SpendShapeError, match="No DV360 performance table"):
        read(database)
    dv360(database, tmp_path)
    database.run("CREATE TABLE OTHER_PERFORMANCE AS SELECT * FROM DV360_PERFORMANCE")
    with pytest.raises(SpendShapeError, match="Several tables could be the DV360 performance table: DV360_PERFORMANCE, OTHER_PERFORMANCE"):
        read(database)
