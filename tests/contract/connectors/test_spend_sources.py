"""What every spend source keeps, whatever shape its warehouse has."""

import datetime as dt

import pandas as pd
import pytest

from connectors.spend import SpendRead, SpendSource
from pacing_brain.frames import CAMPAIGNS, LOADS, SPEND, TOTALS
from tests.integration.connectors.warehouse_shapes import SHAPES

DAYS = dt.date(2026, 1, 1), dt.date(2026, 1, 31)


@pytest.fixture(params=sorted(SHAPES))
def source(request, database, tmp_path) -> SpendRead:
    """The same world in each shape: google/1 or dv360 advertiser `1`, two campaigns, 0.1 on three days for the first, 250.25 for the second."""
    return SpendSource(SHAPES[request.param](database, tmp_path), database.settings, "run-1").read(*DAYS)


def test_frames_have_their_declared_columns(source):
    """Every frame is as `frames.py` declares it."""
    for frame, declared in ((source.spend, SPEND), (source.loads, LOADS), (source.campaigns, CAMPAIGNS), (source.totals, TOTALS)):
        pd.testing.assert_frame_equal(frame, declared.check(frame))


def test_amounts_are_exact(source):
    """Ten cents three times is thirty cents, to the micro, whatever the column's type."""
    sums = source.spend.groupby("campaign_name")["spend_micros"].sum()
    assert sums.to_dict() == {"Spring": 300_000, "Summer": 250_250_000}


def test_rows_tie_to_the_warehouse_total(source):
    """Totals per currency are the sum of the rows, to the micro."""
    rows = source.spend.groupby("currency")["spend_micros"].sum()
    assert source.totals.set_index("currency")["spend_micros"].to_dict() == rows.to_dict() == {"USD": 250_550_000}


def test_days_outside_are_left_out(source):
    """Only the days asked for are read: a row of December is not."""
    assert source.spend["day"].min() >= pd.Timestamp(DAYS[0])


def test_ids_are_text_and_platforms_are_ours(source):
    """Ids arrive as text, platforms under the names that the tracker uses."""
    assert set(source.spend["campaign_id"]) == {"4711", "4712"}
    assert set(source.spend["platform"]) <= {"google", "dv360"}
    assert source.spend["account_id"].unique().tolist() == ["1"]


def test_the_account_has_its_load(source):
    """Every account of the spend has a last load, in UTC."""
    assert source.loads["account_id"].tolist() == ["1"]
    assert str(source.loads["loaded_at"].iloc[0]) == "2026-01-20 08:00:00+00:00"


def test_no_row_stands_twice(source):
    """One row per campaign and day, each from one warehouse row."""
    assert not source.spend.duplicated(["campaign_name", "day"]).any()
    assert source.spend["n_rows"].eq(1).all()


def test_the_source_says_that_it_answered(source):
    """The first state is the source itself, available."""
    assert source.sources[0].available
    assert source.sources[0].platform is None
    assert source.quarantined == ()
