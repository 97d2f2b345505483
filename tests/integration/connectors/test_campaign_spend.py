import datetime as dt

import pytest

from connectors.spend import SpendSource
from pacing_brain.errors import SettingError, SpendRefused, SpendShapeError, SpendUnavailable
from dataclasses import replace

JAN = dt.date(2026, 1, 1), dt.date(2026, 1, 31)
TABLE = """CREATE TABLE CAMPAIGN_SPEND (PLATFORM TEXT, ACCOUNT_ID TEXT, CAMPAIGN_ID TEXT, CAMPAIGN_NAME TEXT, MARKET TEXT, PRODUCT TEXT,
START_DATE DATE, END_DATE DATE, CURRENCY TEXT, TIMEZONE TEXT, DAY DATE, SPEND NUMBER(38,6), IMPRESSIONS NUMBER(38,0), CLICKS NUMBER(38,0),
CONVERSIONS FLOAT, LOADED_AT TIMESTAMP_NTZ, STATUS TEXT)"""
NARROW = """CREATE TABLE CAMPAIGN_SPEND (PLATFORM TEXT, ACCOUNT_ID TEXT, CAMPAIGN_ID TEXT, CAMPAIGN_NAME TEXT, CURRENCY TEXT, DAY DATE,
SPEND {spend}, LOADED_AT TIMESTAMP_NTZ)"""


def row(*, campaign="'1'", day="'2026-01-02'", spend="1.5", account="'A'", currency="'USD'", loaded="'2026-01-03 08:00:00'"):
    return f"('google', {account}, {campaign}, 'n{campaign[1:-1]}', {currency}, {day}, {spend}, {loaded})"


def narrow(database, *rows, spend="NUMBER(38,6)"):
    database.run(NARROW.format(spend=spend), *([f"INSERT INTO CAMPAIGN_SPEND VALUES {', '.join(rows)}"] if rows else []))


def read(database, source="campaign_spend"):
    return SpendSource(source, database.settings, "run-1").read(*JAN)


def test_micros_are_exact_where_floats_are_not(database):
    """An amount of 18 digits arrives to the micro, and adds up to the warehouse's own total."""
    narrow(database, row(spend="123456789012.123457"), row(campaign="'2'", spend="0.000001"))
    got = read(database)
    assert sorted(got.spend["spend_micros"]) == [1, 123456789012123457]
    assert got.totals.to_dict("records") == [{"currency": "USD", "n_rows": 2, "spend_micros": 123456789012123458}]


def test_absent_optional_columns_are_null(database):
    """A table without market, dates, zone or clicks is read, and those columns are empty."""
    narrow(database, row())
    spend = read(database).spend
    assert spend[["market", "start_date", "timezone", "impressions", "status", "daily_budget_micros"]].isna().all(axis=None)


def test_all_columns_arrive(database):
    """Days, instants, counts and text of a full table arrive in the declared types."""
    database.run(TABLE, "INSERT INTO CAMPAIGN_SPEND VALUES ('Google','A','1','n','US','Coffee','2026-01-01','2026-02-01','usd','UTC',"
                        "'2026-01-02',2.5,10,1,0.5,'2026-01-03 08:00:00','PAUSED')")
    got = read(database).spend.iloc[0]
    assert (got.platform, got.currency, got.status, got.impressions, got.conversions) == ("google", "USD", "paused", 10, 0.5)
    assert str(got.loaded_at) == "2026-01-03 08:00:00+00:00"
    assert (str(got.day), str(got.start_date)) == ("2026-01-02 00:00:00", "2026-01-01 00:00:00")


def test_a_doubled_row_is_seen(database):
    """Two rows of one campaign and day come as one with n_rows 2: nothing is summed away in silence."""
    narrow(database, row(), row())
    got = read(database)
    assert got.spend[["n_rows", "spend_micros"]].to_numpy().tolist() == [[2, 3_000_000]]
    assert got.totals["n_rows"].tolist() == [2]


def test_nan_spend_is_null_never_zero(database):
    """NaN and infinity in a FLOAT column are null micros on a row that is kept; the total is that of the others."""
    narrow(database, row(spend="'NaN'::FLOAT"), row(campaign="'2'", spend="'inf'::FLOAT"), row(campaign="'3'", spend="0.1"), spend="FLOAT")
    got = read(database)
    by_campaign = got.spend.set_index("campaign_id")["spend_micros"]
    assert by_campaign[["1", "2"]].isna().all()
    assert by_campaign["3"] == 100_000
    assert got.totals["spend_micros"].tolist() == [100_000]


def test_a_credit_stays_negative(database):
    """A negative day is kept as it is, in the row and in the total."""
    narrow(database, row(spend="-12.34"))
    got = read(database)
    assert got.spend["spend_micros"].tolist() == got.totals["spend_micros"].tolist() == [-12_340_000]


def test_mixed_currencies_have_a_total_each(database):
    """Totals never add two currencies."""
    narrow(database, row(), row(currency="'EUR'", spend="2"))
    assert read(database).totals.sort_values("currency").to_numpy().tolist() == [["EUR", 1, 2_000_000], ["USD", 1, 1_500_000]]


def test_only_the_days_asked_for(database):
    """Both ends belong to the days, nothing outside does; the loads look at every row."""
    narrow(database, row(day="'2025-12-31'", loaded="'2026-02-09 00:00:00'"), row(day="'2026-01-01'"), row(day="'2026-01-31'"))
    got = read(database)
    assert sorted(got.spend["day"].dt.day) == [1, 31]
    assert str(got.loads["loaded_at"].iloc[0]) == "2026-02-09 00:00:00+00:00"


def test_loads_come_from_their_table(database):
    """ACCOUNT_LOADS wins over the rows; an account it lacks takes its rows' newest load, and says so."""
    narrow(database, row(), row(account="'B'"))
    database.run("CREATE TABLE ACCOUNT_LOADS (ACCOUNT_ID TEXT, LOADED_AT TIMESTAMP_NTZ)",
                 "INSERT INTO ACCOUNT_LOADS VALUES ('A', '2026-01-05 12:00:00'), ('A', '2026-01-04 12:00:00')")
    loads = read(database).loads.set_index("account_id")
    assert str(loads.loc["A", "loaded_at"]) == "2026-01-05 12:00:00+00:00"
    assert loads["from_rows"].to_dict() == {"A": False, "B": True}


def test_rows_without_keys_keep_their_money(database):
    """A row without account or currency stays in the frame and the totals, and is told once."""
    narrow(database, row(account="NULL", currency="NULL"), row(day="NULL"))
    got = read(database)
    assert got.spend[["account_id", "currency", "spend_micros"]].to_numpy().tolist() == [["unknown", "XXX", 1_500_000]]
    assert got.totals["currency"].tolist() == ["XXX"]
    assert {q.column for q in got.quarantined} == {"account_id", "currency", "DAY"}


def test_an_empty_warehouse_gives_empty_frames(database):
    """No rows is no spend and no loads, without an error."""
    narrow(database)
    got = read(database)
    assert (len(got.spend), len(got.loads), len(got.totals)) == (0, 0, 0)


def test_a_missing_table_is_named(database):
    """Without CAMPAIGN_SPEND the error names the table and the settings to look at."""
    with pytest.raises(SpendShapeError, match=r"CAMPAIGN_SPEND does not exist.*SNOWFLAKE_DATABASE"):
        read(database)


def test_a_missing_column_is_named(database):
    """Without a required column the error names table and column."""
    database.run("CREATE TABLE CAMPAIGN_SPEND (PLATFORM TEXT, ACCOUNT_ID TEXT, DAY DATE, SPEND NUMBER(38,6))")
    with pytest.raises(SpendShapeError, match=r"CAMPAIGN_SPEND has no column CAMPAIGN_ID, CAMPAIGN_NAME, CURRENCY, LOADED_AT"):
        read(database)


def test_spend_as_text_is_refused(database):
    """A SPEND column of text is refused by name."""
    narrow(database, spend="TEXT")
    with pytest.raises(SpendShapeError, match="column SPEND is TEXT, not a number"):
        read(database)


def test_an_own_query_is_read(database, tmp_path):
    """A user's own .sql that returns SPEND_MICROS is read like the table, semicolon and comments included."""
    database.run("CREATE TABLE MINE (ACC TEXT, D DATE, M NUMBER(38,0), L TIMESTAMP_NTZ)",
                 "INSERT INTO MINE VALUES ('A', '2026-01-02', 123456789012345678, '2026-01-03 00:00:00')")
    path = tmp_path / "own.sql"
    path.write_text("-- ours\nSELECT 'meta' AS platform, ACC AS account_id, CAST(NULL AS TEXT) AS campaign_id, 'n' AS campaign_name,\n"
                    "'EUR' AS currency, D AS day, M AS spend_micros, L AS loaded_at FROM MINE -- end\n;\n", encoding="utf-8")
    got = read(database, str(path))
    assert got.spend["spend_micros"].tolist() == [123456789012345678]
    assert got.sources[0].source == "own.sql"
    assert got.loads["from_rows"].tolist() == [True]


def test_an_own_query_that_is_missing_or_empty(database, tmp_path):
    """A .sql path that cannot be read or holds nothing is one line that names the setting."""
    (tmp_path / "empty.sql").write_text(";", encoding="utf-8")
    for name in ("none.sql", "empty.sql"):
        with pytest.raises(SettingError, match="PACING_SPEND_SOURCE"):
            read(database, str(tmp_path / name))


def test_an_own_query_that_does_not_compile(database, tmp_path):
    """SQL that Snowflake cannot run names the file."""
    (tmp_path / "bad.sql").write_text("SELECT nothing FROM nowhere", encoding="utf-8")
    with pytest.raises(SpendShapeError, match=r"bad\.sql"):
        read(database, str(tmp_path / "bad.sql"))


def test_snowflake_down_is_unavailable(database):
    """No server is SpendUnavailable after bounded attempts, naming the setting and no secret."""
    settings = replace(database.settings, port=1, login_timeout_s=1, password="sesame")
    with pytest.raises(SpendUnavailable, match=r"did not answer.*SNOWFLAKE_ACCOUNT") as caught:
        SpendSource("campaign_spend", settings, "run-1").read(*JAN)
    assert "sesame" not in str(caught.value)


def test_a_key_file_that_is_missing(database):
    """A private key that is not there is refused by the setting's name, without a connection."""
    from pathlib import Path
    settings = replace(database.settings, private_key_file=Path("nowhere.p8"))
    with pytest.raises(SpendRefused, match="SNOWFLAKE_PRIVATE_KEY_FILE"):
        SpendSource("campaign_spend", settings, "run-1").read(*JAN)
