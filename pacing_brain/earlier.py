"""What memory holds of each flight, beside what this run sees."""

import numpy as np
import pandas as pd
from pandas.api.extensions import ExtensionArray


def earlier(flights: pd.DataFrame, memory: pd.DataFrame, *columns: str) -> pd.DataFrame:
    """Columns of MEMORY on the flights' index; null for a flight that it does not know."""
    known, asked = (frame["flight_id"].to_numpy(dtype=object) for frame in (memory, flights))
    held = {name: _with_nulls(memory[name]) for name in columns}
    if not np.array_equal(known, asked):  # most runs have the flights of the last
        at = pd.Index(known).get_indexer(pd.Index(asked))
        held = {name: values.take(at, allow_fill=True) for name, values in held.items()}
    return pd.DataFrame(held, index=flights.index, copy=False)


def _with_nulls(values: pd.Series) -> ExtensionArray:
    """Whole numbers stay whole where some are null."""
    return values.astype("Int64").array if values.dtype == "int64" else values.array
