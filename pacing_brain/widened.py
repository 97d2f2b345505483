"""A frame with many more columns at once: assigned one by one, each costs a walk over all that are there."""

from collections.abc import Mapping
from typing import Any

import pandas as pd


def widened(frame: pd.DataFrame, columns: Mapping[str, Any]) -> pd.DataFrame:
    """`frame.assign(**columns)`: those that it has are replaced, the others stand at its end."""
    wide = pd.concat([frame, pd.DataFrame({name: values for name, values in columns.items() if name not in frame}, index=frame.index)], axis=1)
    for name in (name for name in columns if name in frame):
        wide[name] = columns[name]
    return wide
