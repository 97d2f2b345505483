"""Frames to bytes and back, with nothing lost."""

import numpy as np
import pandas as pd
from hypothesis import given, settings
from hypothesis import strategies as st

from audit.observations import from_arrow, to_arrow
from pacing_brain.digests import frame_digest
from pacing_brain.frames import MEMORY, PATTERNS, SPEND, TARGETS

ROWS = st.lists(st.tuples(st.one_of(st.none(), st.text(st.characters(exclude_categories=["Cs"]), max_size=6)),
                          st.one_of(st.none(), st.integers(-2**63, 2**63 - 1)), st.floats(), st.booleans(),
                          st.one_of(st.none(), st.datetimes(pd.Timestamp("1900-01-01"), pd.Timestamp("2200-01-01"))),
                          st.one_of(st.none(), st.dictionaries(st.text("ab\x00", max_size=2), st.one_of(st.none(), st.integers(0, 9)), max_size=2))),
                max_size=8)


def dtypes(frame):
    return [(name, str(dtype)) for name, dtype in frame.dtypes.items()]


@settings(max_examples=60, deadline=None)
@given(ROWS)
def test_a_frame_comes_back_as_it_was(rows):
    """Text with nulls and character 0, wide integers with nulls, NaN, instants and JSON come back equal, dtypes too."""
    raw = pd.DataFrame(rows, columns=["text", "micros", "ratio", "flag", "day", "json"], dtype=object)
    frame = pd.DataFrame({
        "text": raw["text"].astype("str"), "micros": raw["micros"].astype("Int64"), "ratio": raw["ratio"].astype("float64"),
        "flag": raw["flag"].astype("bool"), "day": raw["day"].astype("datetime64[us]"),
        "at": raw["day"].astype("datetime64[us]").dt.tz_localize("UTC"), "json": raw["json"]})
    again = from_arrow(to_arrow(frame), dtypes(frame))
    pd.testing.assert_frame_equal(again, frame)
    assert frame_digest(again) == frame_digest(frame)


def test_every_declared_frame_comes_back_with_its_dtypes():
    """Frames without rows keep the dtypes that they are declared with."""
    for declared in (SPEND, TARGETS, MEMORY, PATTERNS):
        pd.testing.assert_frame_equal(from_arrow(to_arrow(declared.empty()), dtypes(declared.empty())), declared.empty())


def test_the_bytes_of_a_float_are_kept():
    """Negative zero and the smallest float come back bit for bit."""
    frame = pd.DataFrame({"ratio": [-0.0, np.nextafter(0, 1), 0.1 + 0.2]})
    again = from_arrow(to_arrow(frame), dtypes(frame))
    assert again["ratio"].to_numpy().tobytes() == frame["ratio"].to_numpy().tobytes()
