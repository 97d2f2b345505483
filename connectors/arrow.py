"""Arrow tables as frames: integers stay integers, days and instants in microseconds, text as text."""

import pandas as pd
import pyarrow as pa
import pyarrow.compute as pc

from pacing_brain.errors import SpendShapeError


# The embedded warehouse (fakesnow 0.12) sends a TIMESTAMP that is null as 1970-01-01 00:00; nothing was loaded at that instant.
EMPTY_INSTANT = pd.Timestamp(0, tz="UTC")


def frame_of(table: pa.Table, what: str) -> pd.DataFrame:
    """The table as a frame with lower-case names: NUMBER with scale 0 as `Int64`, days as naive and instants as UTC `datetime64[us]`.

    A TIMESTAMP_NTZ is UTC by contract. Raises:
        SpendShapeError: a number does not fit into 64 bits.
    """
    return pd.DataFrame({name.lower(): _series(column, f"{what}, column {name}")
                         for name, column in zip(table.column_names, table.columns, strict=True)})  # fmt: skip


def _series(column: pa.ChunkedArray, what: str) -> pd.Series:
    kind = column.type
    if pa.types.is_decimal(kind) and kind.scale == 0:
        column, kind = _integers(column, what), pa.int64()
    if pa.types.is_integer(kind):
        return column.to_pandas(types_mapper=lambda _: pd.Int64Dtype()).astype("Int64")
    if pa.types.is_date(kind):
        return column.cast(pa.timestamp("us")).to_pandas()
    if pa.types.is_timestamp(kind):
        instants = pc.cast(column, pa.timestamp("us", kind.tz), safe=False).cast(pa.timestamp("us", "UTC")).to_pandas()
        return instants.mask(instants.eq(EMPTY_INSTANT))
    if pa.types.is_null(kind):
        return pd.Series(None, index=range(len(column)), dtype="str")
    return column.to_pandas()


def _integers(column: pa.ChunkedArray, what: str) -> pa.ChunkedArray:
    try:
        return column.cast(pa.int64())
    except pa.ArrowInvalid as error:
        raise SpendShapeError(f"{what} holds a number beyond 64 bits: look for an amount that is no amount") from error
