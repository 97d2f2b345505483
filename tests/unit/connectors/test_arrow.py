"""Arrow tables as a real Snowflake sends them become frames without losing a digit."""

import datetime as dt
from decimal import Decimal

import pyarrow as pa
import pytest

from connectors.arrow import frame_of
from pacing_brain.errors import SpendShapeError


def column(values, kind):
    return frame_of(pa.table({"X": pa.array(values, kind)}), "T")["x"]


@pytest.mark.parametrize("kind", [pa.decimal128(38, 0), pa.int64(), pa.int8()])
def test_integers_stay_integers(kind):
    """NUMBER(38,0) comes as a decimal or as an integer of any width: the frame holds Int64 and nulls."""
    values = column([None if kind == pa.int8() else Decimal(123456789012345678) if pa.types.is_decimal(kind) else 123456789012345678, None], kind)
    assert str(values.dtype) == "Int64"
    assert values.isna().iloc[1]
    assert kind == pa.int8() or values.iloc[0] == 123456789012345678


def test_a_number_beyond_64_bits_is_refused():
    """An amount that no campaign can have spent names its column."""
    with pytest.raises(SpendShapeError, match="T, column X holds a number beyond 64 bits"):
        column([Decimal(10) ** 30], pa.decimal128(38, 0))


@pytest.mark.parametrize("kind", [pa.timestamp("ns"), pa.timestamp("us", "Europe/Berlin"), pa.timestamp("ms", "UTC")])
def test_instants_are_utc(kind):
    """NTZ is UTC by contract, TZ and LTZ are converted; an empty one is null, also as the embedded warehouse sends it."""
    noon = dt.datetime(2026, 1, 2, 12, tzinfo=None if kind.tz is None else dt.UTC)
    values = column([noon, None, noon.replace(year=1970, month=1, day=1, hour=0)], kind)
    assert str(values.dtype) == "datetime64[us, UTC]"
    assert str(values.iloc[0]) == "2026-01-02 12:00:00+00:00"
    assert values.isna().tolist() == [False, True, True]


def test_days_are_naive_and_empty_columns_are_text():
    """DATE is a day without a zone; a column of nulls alone is empty text."""
    assert str(column([dt.date(2026, 1, 2), None], pa.date32()).dtype) == "datetime64[us]"
    assert column([None, None], pa.null()).isna().all()
