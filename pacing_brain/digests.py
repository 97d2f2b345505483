"""What a frame's content is, as a SHA-256: independent of row order, of Arrow's and of pandas' bytes.

A frame is a bag of rows. Every cell becomes little-endian 64-bit words: whole numbers, flags, days and instants (microseconds) one word,
ratios their IEEE 754 bits, text and JSON the first 16 bytes of a SHA-256 (two words), null zeros. A row is its null bits (one word for each
64 columns) and its cells' words. Rows are ordered by `_mix` of each cell's first word, equal ones by all their words; a digest is
SHA-256(header || rows), where the header names the columns and their kinds.
"""

import hashlib
import itertools
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from datetime import date
from decimal import Decimal
from typing import Any

import numpy as np
import numpy.typing as npt
import orjson
import pandas as pd

from pacing_brain.errors import FrameError

Words = npt.NDArray[np.uint64]
Positions = npt.NDArray[np.intp]
BLOCK_ROWS = 1 << 15  # rows encoded at a time: small enough to stay in the processor's cache
_MULTIPLIER = np.uint64(0x9E3779B97F4A7C15)  # 2^64 / golden ratio: spreads neighbours apart
_JSON = orjson.OPT_SORT_KEYS | orjson.OPT_SERIALIZE_NUMPY | orjson.OPT_NON_STR_KEYS


def frame_digest(frame: pd.DataFrame) -> str:
    """Hex SHA-256 of the frame's rows, whatever their order.

    Raises:
        FrameError: a column's dtype has no canonical form.
    """
    rows = _Rows.of(frame)
    order = rows.order(np.zeros(len(frame), dtype=np.uint64), groups=1)
    digest = hashlib.sha256(rows.header())
    for block in rows.blocks(order):
        digest.update(block.data)
    return digest.hexdigest()


def group_digests(frame: pd.DataFrame, by: str | pd.Series, columns: Sequence[str]) -> pd.Series:
    """Hex SHA-256 of each group's rows over `columns`, indexed by group and sorted by it; rows whose group is null belong to none.

    by: a column, or a value for each row. A group's digest is `frame_digest` of its rows alone.

    Raises:
        FrameError: a column's dtype has no canonical form.
    """
    key = frame[by] if isinstance(by, str) else by
    codes, groups = pd.factorize(key)
    own = codes >= 0
    members = frame[list(columns)] if own.all() else frame.loc[own, list(columns)]
    codes = codes[own]
    rows = _Rows.of(members)
    order = rows.order(codes.astype(np.uint64), groups=len(groups))
    sizes = (np.bincount(codes, minlength=len(groups)) * rows.width).tolist()
    digests = list(_sliced(rows.header(), rows.blocks(order), sizes))
    return pd.Series(digests, index=pd.Index(groups, name=key.name), dtype="str", name="digest").sort_index()


def _sliced(header: bytes, blocks: Iterator[Words], sizes: Iterable[int]) -> Iterator[str]:
    """One digest per slice of `sizes` bytes; a slice may reach over several blocks."""
    start, view, at = hashlib.sha256(header), memoryview(b""), 0
    for size in sizes:
        digest, left = start.copy(), size
        while left > len(view) - at:
            digest.update(view[at:])
            left -= len(view) - at
            view, at = next(blocks).data.cast("B"), 0
        digest.update(view[at:at + left])
        at += left
        yield digest.hexdigest()


@dataclass(frozen=True)
class _Column:
    """One column's cells as words: row i is `table[codes[i]]`, or `table[i]` when there are no codes."""

    name: str
    kind: str
    null: npt.NDArray[np.bool_] | None
    table: Words  # (rows or unique values) x words of a cell
    codes: Positions | None = None

    def take(self, positions: Positions) -> Words:
        return self.table[positions if self.codes is None else self.codes[positions]]

    def first_words(self) -> Words:
        first = self.table[:, 0]
        return first if self.codes is None else np.ascontiguousarray(first)[self.codes]


@dataclass(frozen=True)
class _Rows:
    columns: tuple[_Column, ...]

    @classmethod
    def of(cls, frame: pd.DataFrame) -> "_Rows":
        return cls(tuple(_column(str(name), frame[name]) for name in frame.columns))

    @property
    def mask_words(self) -> int:
        return -(-len(self.columns) // 64)

    @property
    def width(self) -> int:
        """Bytes of a row."""
        return 8 * (self.mask_words + sum(int(column.table.shape[1]) for column in self.columns))

    def header(self) -> bytes:
        return orjson.dumps([[column.name, column.kind] for column in self.columns])

    def take(self, positions: Positions) -> Words:
        rows = np.zeros((len(positions), self.width // 8), dtype="<u8")
        at = self.mask_words
        for number, column in enumerate(self.columns):
            if column.null is not None:
                rows[:, number // 64] |= column.null[positions].astype(np.uint64) << np.uint64(number % 64)
            rows[:, at:at + column.table.shape[1]] = column.take(positions)
            at += column.table.shape[1]
        return rows

    def blocks(self, order: Positions) -> Iterator[Words]:
        for first in range(0, len(order), BLOCK_ROWS):
            yield self.take(order[first:first + BLOCK_ROWS])

    def order(self, codes: Words, groups: int) -> Positions:
        """Positions of the rows by group, then by mix, then by words.

        Group and mix share one 64-bit key, so that one sort does nearly all; only rows with equal keys are compared word by word.
        """
        bits = max(int(groups).bit_length(), 1)
        key = (codes << np.uint64(64 - bits)) | (self._mix(len(codes)) >> np.uint64(bits))
        order = np.argsort(key)
        key = key[order]
        same = np.flatnonzero(key[1:] == key[:-1])
        if len(same):
            tied = np.union1d(same, same + 1)
            words = self.take(order[tied])
            order[tied] = order[tied][np.lexsort((*words.T[::-1], key[tied]))]
        return order

    def _mix(self, rows: int) -> Words:
        mixed = np.zeros(rows, dtype=np.uint64)
        for column in self.columns:
            mixed ^= column.first_words()
            mixed *= _MULTIPLIER
            mixed ^= mixed >> np.uint64(29)
        return mixed


def _column(name: str, values: pd.Series) -> _Column:
    absent = values.isna().to_numpy(dtype=bool)
    null = absent if absent.any() else None
    dtype = values.dtype
    if pd.api.types.is_bool_dtype(dtype):
        return _Column(name, "flag", null, _one_word(values.fillna(value=False).to_numpy(dtype="<i8")))
    if pd.api.types.is_integer_dtype(dtype):
        return _Column(name, "int", null, _one_word(values.fillna(0).to_numpy(dtype="<i8")))
    if pd.api.types.is_float_dtype(dtype):
        return _Column(name, "float", null, _one_word(values.fillna(0.0).to_numpy(dtype="<f8")))
    if pd.api.types.is_datetime64_any_dtype(dtype):
        micros = values.to_numpy(dtype="datetime64[us]").astype("<i8")
        return _Column(name, "instant" if isinstance(dtype, pd.DatetimeTZDtype) else "day", null, _one_word(np.where(absent, 0, micros)))
    if pd.api.types.is_object_dtype(dtype):
        return _hashed(name, "json", null, pd.Series(_json(values, absent), dtype=object))
    if pd.api.types.is_string_dtype(dtype):
        return _hashed(name, "text", null, values)
    raise FrameError(f"column {name} has dtype {dtype}, which has no canonical form")


def _one_word(values: npt.NDArray[Any]) -> Words:
    return np.ascontiguousarray(values).view("<u8").reshape(-1, 1)


def _json(values: pd.Series, absent: npt.NDArray[np.bool_]) -> list[bytes | None]:
    try:
        return [None if none else canonical_json(value) for value, none in zip(values, absent, strict=True)]
    except TypeError as error:
        raise FrameError(f"column {values.name} holds a value that has no canonical form: {error}") from error


def canonical_json(value: object) -> bytes:
    """JSON with sorted keys. Reading it and writing it again gives the same bytes.

    Raises:
        TypeError: a value that JSON cannot say, or that has no order of its own.
    """
    return orjson.dumps(value, option=_JSON, default=_plain)


def _plain(value: object) -> str:
    if isinstance(value, date | Decimal):  # pandas' Timestamp is a datetime, which orjson refuses for being a subclass
        return str(value)
    raise TypeError(type(value).__name__)


def _hashed(name: str, kind: str, null: npt.NDArray[np.bool_] | None, values: pd.Series) -> _Column:
    """Two words per distinct text: the first 16 bytes of its SHA-256; code -1 (null) is the last row of the table, zeros."""
    codes, uniques = pd.factorize(values)
    texts = (value if isinstance(value, bytes) else value.encode("utf-8", "surrogatepass") for value in uniques.tolist())
    table = b"".join(itertools.chain((hashlib.sha256(text).digest()[:16] for text in texts), (bytes(16),)))
    return _Column(name, kind, null, np.frombuffer(table, dtype="<u8").reshape(-1, 2), codes)
