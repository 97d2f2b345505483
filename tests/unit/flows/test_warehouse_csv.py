"""A CSV of spend becomes exact micros, or a message that names every column at fault."""

from decimal import Decimal

import pandas as pd
import pytest
from hypothesis import given
from hypothesis import strategies as st

from flows.warehouse_csv import loads_of, remarks, spend_of
from pacing_brain.errors import DataError

HEAD = "PLATFORM,ACCOUNT_ID,CAMPAIGN_ID,CAMPAIGN_NAME,CURRENCY,DAY,SPEND,LOADED_AT"
ROW = "google,0118,007,Boots,GBP,2026-11-04,12.5,2026-11-05T06:00:00+01:00"


def csv(*rows: str, head: str = HEAD) -> bytes:
    return "\n".join([head, *rows, ""]).encode()


def test_ids_stay_text_and_instants_are_utc() -> None:
    """Leading zeros survive, spend is integer micros, an instant with a zone is moved to UTC."""
    row = spend_of(csv(ROW), "s.csv").iloc[0]
    assert (row["account_id"], row["campaign_id"], row["spend_micros"]) == ("0118", "007", 12_500_000)
    assert row["loaded_at"] == pd.Timestamp("2026-11-05T05:00:00Z")


@given(st.decimals(min_value=-10**11, max_value=10**11, places=6))
def test_amounts_are_exact_to_the_micro(amount: Decimal) -> None:
    """Any amount with six decimals is read as the integer that it is in micros."""
    text = f"{amount:f}"
    assert int(spend_of(csv(ROW.replace("12.5", text)), "s.csv")["spend_micros"].iloc[0]) == int(amount * 1_000_000)


def test_every_column_at_fault_is_named() -> None:
    """Missing, unknown, malformed and empty columns stand in one message, each with its first row."""
    head = HEAD.replace(",LOADED_AT", ",FOO")
    with pytest.raises(DataError) as refused:
        spend_of(csv("google,1,2,n,USD,03/01/2024,1.5x,", ",1,2,n,USD,2024-01-04,1.1234567,", head=head), "s.csv")
    said = str(refused.value)
    for words in ("LOADED_AT is missing", "FOO is not known", "PLATFORM is empty in 1 row (row 3)", "DAY must be a day", "row 2: '03/01/2024'",
                  "SPEND must be an amount", "which 2 values are not", "Nothing was changed"):
        assert words in said
    assert "\n" not in said


def test_headers_are_read_without_case_and_blanks() -> None:
    """`Campaign Id` is CAMPAIGN_ID, and a byte order mark is no part of a name."""
    head = HEAD.replace("CAMPAIGN_ID", "Campaign Id").lower()
    assert spend_of(b"\xef\xbb\xbf" + csv(ROW, head=head), "s.csv")["campaign_id"].iloc[0] == "007"


def test_a_column_that_stands_twice_is_refused() -> None:
    """Two columns of one name leave open which is meant."""
    with pytest.raises(DataError, match="column SPEND stands twice"):
        spend_of(csv(ROW + ",1", head=HEAD + ",spend"), "s.csv")


def test_rows_with_more_fields_than_the_header_are_refused() -> None:
    """A separator too many would move every value into its neighbour's column."""
    with pytest.raises(DataError, match="more fields than its header"):
        spend_of(csv(ROW + ","), "s.csv")


def test_a_row_that_ends_early_is_named() -> None:
    """A row without its last fields has empty ones there."""
    with pytest.raises(DataError, match=r"LOADED_AT is empty in 1 row \(row 3\)"):
        spend_of(csv(ROW, "google,1,2,n,USD,2026-11-04,1"), "s.csv")


@pytest.mark.parametrize("data", [b"", b"\xff\xfe\x00garbage", b'a,"b\n'])
def test_what_is_no_csv_is_refused_in_one_line(data: bytes) -> None:
    """Bytes that are no CSV in UTF-8 give one line that names the file."""
    with pytest.raises(DataError, match=r"s\.csv"):
        spend_of(data, "s.csv")


def test_loads_need_both_columns_in_every_row() -> None:
    """A load without its account or its time is no load."""
    assert len(loads_of(b"account_id,loaded_at\n1,2026-11-05T06:00:00Z\n", "l.csv")) == 1
    with pytest.raises(DataError, match="LOADED_AT is empty in 1 row"):
        loads_of(b"account_id,loaded_at\n1,\n", "l.csv")


@pytest.mark.parametrize(("mark", "called"), [(";", "semicolons"), ("\t", "tabs"), ("|", "bars")])
def test_another_separator_than_the_comma_is_named(mark: str, called: str) -> None:
    """A file as a German Excel saves it is told by its separator, not by eight columns that it lacks."""
    with pytest.raises(DataError, match=f"its columns are separated by {called}. Save it as a CSV with commas."):
        spend_of(mark.join(["PLATFORM", "ACCOUNT_ID", "DAY"]).encode(), "s.csv")


def test_what_is_probably_not_meant_is_said():
    """A repeated day of a campaign and spend below zero are loaded, counted and named by their first row; else nothing is said."""
    head = "PLATFORM,ACCOUNT_ID,CAMPAIGN_ID,CAMPAIGN_NAME,CURRENCY,DAY,SPEND,LOADED_AT\n"
    row = "google,A,{id},Acme,USD,2026-05-{day},{spend},2026-05-21T08:00:00Z\n"
    well = [row.format(id=1, day=20, spend=5), row.format(id=1, day=21, spend=5), row.format(id=2, day=20, spend=5)]
    odd = [row.format(id=1, day=20, spend=-5), row.format(id="", day=20, spend=1), row.format(id="", day=20, spend=1)]
    assert remarks(spend_of((head + "".join(well)).encode(), "s.csv")) == []
    repeated, negative = remarks(spend_of((head + "".join(well + odd)).encode(), "s.csv"))
    assert repeated.startswith("rows that repeat a day of a campaign")
    assert repeated.endswith(": 2, the first in row 5")
    assert negative.endswith(": 1, the first in row 5")
