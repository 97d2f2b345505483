"""One small world in every shape of warehouse that a spend source reads."""

from pathlib import Path

DAYS = ("2025-12-31", "2026-01-02", "2026-01-03", "2026-01-04")  # the first is outside
LOADED = "2026-01-20 08:00:00"
SPEND_COLUMNS = ("PLATFORM TEXT, ACCOUNT_ID TEXT, CAMPAIGN_ID TEXT, CAMPAIGN_NAME TEXT, CURRENCY TEXT, TIMEZONE TEXT, DAY DATE, "
                 "SPEND {spend}, LOADED_AT TIMESTAMP_NTZ")
REPORT = ("CREATE TABLE AD_REPORTING__CAMPAIGN_REPORT (SOURCE_RELATION TEXT, DATE_DAY DATE, PLATFORM TEXT, ACCOUNT_ID TEXT, ACCOUNT_NAME TEXT, "
          "CAMPAIGN_ID TEXT, CAMPAIGN_NAME TEXT, CLICKS NUMBER(38,0), IMPRESSIONS NUMBER(38,0), SPEND FLOAT, CONVERSIONS FLOAT, "
          "CONVERSIONS_VALUE FLOAT)")


def _amounts():
    for day in DAYS:
        yield day, "4711", "Spring", "0.1"
    yield DAYS[1], "4712", "Summer", "250.25"


def campaign_spend(database, _directory: Path, spend: str = "NUMBER(38,6)") -> str:
    rows = ", ".join(f"('google','1','{campaign}','{name}','USD','UTC','{day}',{amount},'{LOADED}')" for day, campaign, name, amount in _amounts())
    database.run(f"CREATE TABLE CAMPAIGN_SPEND ({SPEND_COLUMNS.format(spend=spend)})", f"INSERT INTO CAMPAIGN_SPEND VALUES {rows}")
    return "campaign_spend"


def campaign_spend_of_floats(database, directory: Path) -> str:
    return campaign_spend(database, directory, "FLOAT")


def own_sql(database, directory: Path) -> str:
    campaign_spend(database, directory)
    database.run("ALTER TABLE CAMPAIGN_SPEND RENAME TO MINE")
    path = directory / "own.sql"
    path.write_text("SELECT * FROM MINE;\n", encoding="utf-8")
    return str(path)


def fivetran(database, _directory: Path) -> str:
    rows = ", ".join(f"('r','{day}','google_ads','1','Acme','{campaign}','{name}',1,10,{amount},0,0)" for day, campaign, name, amount in _amounts())
    database.run(REPORT, f"INSERT INTO AD_REPORTING__CAMPAIGN_REPORT VALUES {rows}", "CREATE SCHEMA GOOGLE_ADS",
                 "CREATE TABLE GOOGLE_ADS.ACCOUNT_HISTORY (ID NUMBER(38,0), CURRENCY_CODE TEXT, TIME_ZONE TEXT, UPDATED_AT TIMESTAMP_NTZ, "
                 "_FIVETRAN_SYNCED TIMESTAMP_NTZ, _FIVETRAN_ACTIVE BOOLEAN)",
                 "CREATE TABLE GOOGLE_ADS.CAMPAIGN_HISTORY (ID NUMBER(38,0), CUSTOMER_ID NUMBER(38,0), NAME TEXT, STATUS TEXT, START_DATE TEXT, "
                 "END_DATE TEXT, UPDATED_AT TIMESTAMP_NTZ, _FIVETRAN_SYNCED TIMESTAMP_NTZ, _FIVETRAN_ACTIVE BOOLEAN)",
                 "INSERT INTO GOOGLE_ADS.ACCOUNT_HISTORY VALUES (1,'EUR','UTC','2024-01-01 00:00:00','2024-01-01 00:00:00',FALSE), "
                 "(1,'USD','America/New_York','2025-01-01 00:00:00','2026-01-19 08:00:00',TRUE)",
                 f"INSERT INTO GOOGLE_ADS.CAMPAIGN_HISTORY VALUES (4711,1,'Spring','PAUSED','2026-01-01','2037-12-30','2026-01-01 00:00:00','{LOADED}',"
                 "TRUE), (4711,1,'Old','ENABLED','2025-01-01','2025-12-30','2025-01-01 00:00:00','2025-01-01 00:00:00',FALSE)")
    return "fivetran"


def dv360(database, _directory: Path) -> str:
    rows = ", ".join(f"('1','{day}','{name}','L1',{amount},10,1,'USD','{LOADED}')" for day, _, name, amount in _amounts())
    database.run("CREATE TABLE DV360_PERFORMANCE (ADVERTISER TEXT, DATE DATE, INSERTION_ORDER TEXT, LINE_ITEM TEXT, SPEND FLOAT, "
                 "IMPRESSIONS NUMBER(38,0), CLICKS NUMBER(38,0), CURRENCY TEXT, LOADED_AT TIMESTAMP_NTZ)",
                 f"INSERT INTO DV360_PERFORMANCE VALUES {rows}",
                 "CREATE TABLE DV360_BUDGETS (INSERTION_ORDER_ID NUMBER(38,0), IO_NAME TEXT, IO_STATUS TEXT, SEGMENT_NUMBER NUMBER(38,0), "
                 "BUDGET_AMOUNT FLOAT, SEGMENT_START_DATE DATE, SEGMENT_END_DATE DATE, SEGMENT_STATUS TEXT)",
                 "INSERT INTO DV360_BUDGETS VALUES (4711,'Spring','ACTIVE',1,100,'2026-01-01','2026-01-31','ACTIVE'), "
                 "(4711,'Spring','ACTIVE',2,100,'2026-02-01','2026-02-28','ACTIVE'), (4712,'Summer','PAUSED',1,9,'2026-01-01','2026-01-31','ACTIVE')")
    return "dv360"


SHAPES = {"campaign_spend": campaign_spend, "campaign_spend_of_floats": campaign_spend_of_floats, "own_sql": own_sql, "fivetran": fivetran,
          "dv360": dv360}
