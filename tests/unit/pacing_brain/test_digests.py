"""A digest is a function of a frame's rows, and of nothing else."""

import subprocess
import sys
from pathlib import Path

import numpy as np
import pandas as pd
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from pacing_brain import digests
from pacing_brain.digests import frame_digest, group_digests
from pacing_brain.errors import FrameError

ROOT = Path(__file__).parents[3]

CELLS = st.tuples(st.sampled_from(["F1", "F2", "F3", None]), st.integers(-2**63, 2**63 - 1), st.one_of(st.none(), st.integers(-5, 5)),
                  st.floats(allow_nan=True), st.one_of(st.none(), st.text(max_size=5)),
                  st.one_of(st.none(), st.lists(st.integers(0, 3), max_size=2)))


def frame(rows):
    raw = pd.DataFrame(rows, columns=["flight", "micros", "count", "ratio", "text", "json"])
    return pd.DataFrame({
        "flight": raw["flight"].astype("str"), "micros": raw["micros"].astype("int64"), "count": raw["count"].astype("Int64"),
        "ratio": raw["ratio"].astype("float64"), "text": raw["text"].astype("str"), "json": raw["json"].astype(object)})


def golden():
    return pd.DataFrame({
        "flight": pd.Series(["F1", "F2", "F1"], dtype="str"), "day": pd.to_datetime(["2026-05-01", None, "2026-05-02"]).astype("datetime64[us]"),
        "at": pd.to_datetime(["2026-05-01T01:00Z", "2026-05-01T02:00Z", None], utc=True).astype("datetime64[us, UTC]"),
        "micros": [1, -2, 3], "count": pd.array([1, None, 3], dtype="Int64"), "ratio": [0.5, np.nan, -0.0], "flag": [True, False, True],
        "json": [{"b": 1, "a": [1, None]}, None, [1.5, "\U0001f642"]]})


@settings(max_examples=40, deadline=None)
@given(rows=st.lists(CELLS, max_size=20), data=st.data())
def test_row_order_is_no_content(rows, data):
    """Any permutation of the rows gives the same digests."""
    mixed = frame(data.draw(st.permutations(rows)))
    assert frame_digest(mixed) == frame_digest(frame(rows))
    assert group_digests(mixed, "flight", ["micros", "text", "json"]).equals(group_digests(frame(rows), "flight", ["micros", "text", "json"]))


@settings(max_examples=40, deadline=None)
@given(rows=st.lists(CELLS, min_size=1, max_size=10), data=st.data())
def test_any_changed_cell_changes_the_digest(rows, data):
    """Replacing one row by a different one changes the frame's digest."""
    at = data.draw(st.integers(0, len(rows) - 1))
    other = data.draw(CELLS.filter(lambda cells: repr(cells) != repr(rows[at])))
    changed = [*rows[:at], other, *rows[at + 1:]]
    assert frame_digest(frame(changed)) != frame_digest(frame(rows))


def test_a_group_has_the_digest_of_its_rows_alone():
    """A group's digest is the frame digest of its own rows, whatever stands beside it, also across blocks."""
    rng = np.random.default_rng(7)
    rows = digests.BLOCK_ROWS * 2 + 17
    many = pd.DataFrame({"flight": pd.Series(rng.integers(0, 50, rows)).astype("str"), "micros": rng.integers(0, 4, rows)})
    found = group_digests(many, "flight", ["micros"])
    assert len(found) == 50
    assert all(found[flight] == frame_digest(own[["micros"]]) for flight, own in many.groupby("flight"))


def test_rows_that_share_a_mix_are_still_ordered():
    """Two rows made to collide in the mix are ordered by their words, so the digest does not depend on their order."""
    def spread(word):
        product = word * 0x9E3779B97F4A7C15 % 2**64
        return product ^ (product >> 29)

    collide = np.array([[1, 100], [2, spread(2) ^ spread(1) ^ 100]], dtype="uint64").astype("int64")
    pair = pd.DataFrame(collide, columns=["a", "b"])
    assert len(set(digests._Rows.of(pair)._mix(2))) == 1
    assert frame_digest(pair) == frame_digest(pair.iloc[::-1])


def test_null_zero_and_empty_differ():
    """Null, zero and the empty text are three different contents."""
    assert frame_digest(pd.DataFrame({"n": pd.array([None], dtype="Int64")})) != frame_digest(pd.DataFrame({"n": pd.array([0], dtype="Int64")}))
    assert frame_digest(pd.DataFrame({"t": pd.Series([None], dtype="str")})) != frame_digest(pd.DataFrame({"t": pd.Series([""], dtype="str")}))


def test_the_width_of_an_integer_is_no_content():
    """Int64 without nulls and int64 hold the same content; a text of the same digits does not."""
    plain = frame_digest(pd.DataFrame({"n": np.array([1], dtype="int64")}))
    assert plain == frame_digest(pd.DataFrame({"n": pd.array([1], dtype="Int64")}))
    assert plain != frame_digest(pd.DataFrame({"n": pd.Series(["1"], dtype="str")}))


def test_an_empty_frame_has_a_digest_and_no_groups():
    """No rows is a content too; grouping them gives no group."""
    none = golden().iloc[:0]
    assert frame_digest(none) != frame_digest(none[["flight"]])
    assert group_digests(none, "flight", ["micros"]).empty


def test_more_columns_than_one_mask_word_holds():
    """A null in the 70th column is seen."""
    wide = pd.DataFrame({f"c{number}": pd.array([0], dtype="Int64") for number in range(70)})
    other = wide.assign(c69=pd.array([None], dtype="Int64"))
    assert frame_digest(wide) != frame_digest(other)


def test_values_without_a_canonical_form_are_refused():
    """A set (whose order hangs on the hash seed) and an unknown dtype are refused by the column's name."""
    with pytest.raises(FrameError, match="column odd"):
        frame_digest(pd.DataFrame({"odd": pd.Series([{"a", "b"}], dtype=object)}))
    with pytest.raises(FrameError, match="column span"):
        frame_digest(pd.DataFrame({"span": pd.to_timedelta([1], unit="s")}))


def test_the_digest_is_the_same_in_every_process():
    """Another process with another hash seed finds the same digest: it can be compared for years."""
    code = "import runpy; m = runpy.run_path('tests/unit/pacing_brain/test_digests.py'); print(m['frame_digest'](m['golden']()))"
    out = subprocess.run([sys.executable, "-c", code], cwd=ROOT, env={"PYTHONPATH": ".", "PYTHONHASHSEED": "4711"}, capture_output=True,
                         text=True, check=True)
    assert out.stdout.strip() == frame_digest(golden()) == GOLDEN


GOLDEN = "40dc91177e7bed9776f08688f9495d7bc963fe06b7944e0fc8543b16498140fc"
