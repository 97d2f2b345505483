"""Rows of a frame as JSON natives: what ledger entries, cards and reports carry."""

from typing import Any

import pandas as pd


def natives(frame: pd.DataFrame) -> list[dict[str, Any]]:
    """One dict per row: whole numbers as int, days `YYYY-MM-DD`, instants RFC 3339 in UTC (`Z`), every missing value None."""
    columns = {str(name): column(frame[name]) for name in frame.columns}
    return [dict(zip(columns, row, strict=True)) for row in zip(*columns.values(), strict=True)] if columns else [{} for _ in frame.index]


def column(values: pd.Series) -> list[Any]:
    """A column's values as JSON natives."""
    dtype = values.dtype
    if isinstance(dtype, pd.DatetimeTZDtype):
        texts = values.dt.tz_convert("UTC").dt.strftime("%Y-%m-%dT%H:%M:%S.%fZ").astype("object")
        return [text.replace(".000000Z", "Z") if isinstance(text, str) else None for text in texts]
    if pd.api.types.is_datetime64_any_dtype(dtype):
        values = values.dt.strftime("%Y-%m-%d")
    missing = values.isna().to_numpy(dtype=bool)
    return [None if gone else value for value, gone in zip(values.tolist(), missing, strict=True)]
