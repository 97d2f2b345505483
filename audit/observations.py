"""What runs saw and made, whole: frames kept by what they contain, so that unchanged history is kept once and an edit is found out."""

import hashlib
from collections.abc import Mapping

import numpy as np
import orjson
import pandas as pd
import pyarrow as pa
from sqlalchemy import Connection, select
from sqlalchemy.dialects.postgresql import insert

from audit.database import Database
from audit.tables import blobs, recorded_frames, recorded_parts, runs
from audit.tables import runs as runs_table
from pacing_brain.digests import canonical_json, frame_digest, group_digests
from pacing_brain.errors import LedgerError

WHOLE = "all"  # the only part of a frame that is not split
_EPOCH_TO_MONDAY_DAYS = 3  # 1970-01-01 was a Thursday


class Observations:
    def __init__(self, database: Database) -> None:
        self.database = database

    def keep(self, run_id: str, name: str, frame: pd.DataFrame, *, by_week_of: str | None = None) -> str:
        """Keep a frame for a run, and return the digest of its content. Row order is no content. Keeping it again changes nothing.

        by_week_of: a day column: the frame is kept in parts by its ISO week, and a week that some run kept before is not kept again.

        Raises:
            LedgerError: the run kept another content under this name.
        """
        return self.keep_all(run_id, {name: frame}, by_week_of={name: by_week_of} if by_week_of else {})[name]

    def keep_all(self, run_id: str, frames: Mapping[str, pd.DataFrame], *, by_week_of: Mapping[str, str]) -> dict[str, str]:
        """Keep several frames, all of them or none: what a killed process leaves by halves cannot contradict what its successor reads.

        by_week_of: name -> day column, for frames that are kept in parts.

        Raises:
            LedgerError: the run kept another content under one of the names.
        """
        with self.database.transaction() as connection:
            return {name: _keep(connection, run_id, name, frame, by_week_of.get(name)) for name, frame in frames.items()}

    def load(self, run_id: str, name: str) -> pd.DataFrame:
        """A frame as it was kept, checked against its digest; row order is not kept.

        Raises:
            LedgerError: it was never kept, or it is not what it was.
        """
        with self.database.transaction() as connection:
            of_it = recorded_frames.c.run_id == run_id, recorded_frames.c.name == name
            frame = connection.execute(select(recorded_frames).where(*of_it)).one_or_none()
            if frame is None:
                raise LedgerError(f"run {run_id} kept no frame {name}")
            statement = select(recorded_parts.c.part, recorded_parts.c.digest, blobs.c.data).join_from(recorded_parts, blobs).where(
                recorded_parts.c.run_id == run_id, recorded_parts.c.name == name).order_by(recorded_parts.c.part)
            parts = connection.execute(statement).all()
        if whole_digest({part: digest for part, digest, _ in parts}) != frame.digest:
            raise LedgerError(f"frame {name} of run {run_id} has other parts than it was kept with")
        return pd.concat([check_part(f"frame {name} of run {run_id}, part {row.part}", row.digest, bytes(row.data), frame.dtypes) for row in parts],
                         ignore_index=True)

    def kept(self, run_id: str) -> dict[str, str]:
        """Digests by name of the frames that a run kept: a resumed run loads its inputs instead of reading them anew."""
        with self.database.transaction() as connection:
            rows = connection.execute(select(recorded_frames.c.name, recorded_frames.c.digest).where(recorded_frames.c.run_id == run_id))
            return {row.name: row.digest for row in rows}

    def standing(self, name: str) -> pd.DataFrame | None:
        """The newest frame of a name that a sealed live run kept (memory, decisions); none: no such run."""
        statement = select(recorded_frames.c.run_id).join_from(recorded_frames, runs).where(
            recorded_frames.c.name == name, runs.c.live, runs.c.status == "sealed").order_by(runs.c.window_at.desc()).limit(1)
        with self.database.transaction() as connection:
            run_id = connection.execute(statement).scalar_one_or_none()
        return self.load(run_id, name) if run_id is not None else None

    def recent(self, name: str, *, runs: int) -> pd.DataFrame:
        """The frames of a name of the last sealed live runs, one under the other; empty when there is none."""
        statement = select(recorded_frames.c.run_id).join_from(recorded_frames, runs_table).where(
            recorded_frames.c.name == name, runs_table.c.live, runs_table.c.status == "sealed").order_by(runs_table.c.window_at.desc()).limit(runs)
        with self.database.transaction() as connection:
            found = connection.execute(statement).scalars().all()
        kept = [frame for run_id in found if len(frame := self.load(run_id, name))]
        return pd.concat(kept, ignore_index=True) if kept else pd.DataFrame()


def _keep(connection: Connection, run_id: str, name: str, frame: pd.DataFrame, by_week_of: str | None) -> str:
    parts = _parts(frame, by_week_of)
    digests = {WHOLE: frame_digest(frame)} if parts is None else group_digests(frame, parts, frame.columns).to_dict()
    digest = whole_digest(digests)
    row = {"run_id": run_id, "name": name, "digest": digest, "n_rows": len(frame),
           "dtypes": [[str(column), str(dtype)] for column, dtype in frame.dtypes.items()]}
    new = insert(recorded_frames).values(row).on_conflict_do_nothing().returning(recorded_frames.c.run_id)
    if connection.execute(new).first() is None:
        return _same(connection, run_id, name, digest)
    held = set(connection.execute(select(blobs.c.digest).where(blobs.c.digest.in_(digests.values()))).scalars())
    for part in sorted(part for part in digests if digests[part] not in held):
        rows = frame if parts is None else frame[(parts == part).to_numpy()]
        blob = {"digest": digests[part], "n_rows": len(rows), "data": to_arrow(rows)}
        connection.execute(insert(blobs).values(blob).on_conflict_do_nothing())
    connection.execute(insert(recorded_parts), [{"run_id": run_id, "name": name, "part": part, "digest": each} for part, each in digests.items()])
    return digest


def to_arrow(frame: pd.DataFrame) -> bytes:
    """An Arrow IPC stream (zstd); text as a dictionary, objects as JSON."""
    plain = frame.assign(**{name: _as_json(frame[name]) for name in frame.columns if frame[name].dtype == object})
    table = pa.Table.from_pandas(plain, preserve_index=False).replace_schema_metadata(None)
    for number, column in enumerate(table.schema):
        if pa.types.is_string(column.type) or pa.types.is_large_string(column.type):
            table = table.set_column(number, column.name, table.column(number).combine_chunks().dictionary_encode())
    sink = pa.BufferOutputStream()
    with pa.ipc.new_stream(sink, table.schema, options=pa.ipc.IpcWriteOptions(compression="zstd")) as writer:
        writer.write_table(table)
    return sink.getvalue().to_pybytes()  # type: ignore[no-any-return]


def from_arrow(data: bytes, dtypes: list[tuple[str, str]]) -> pd.DataFrame:
    """The frame that `to_arrow` wrote, with these columns and dtypes.

    Raises:
        ValueError, KeyError: it is no such stream.
    """
    table = pa.ipc.open_stream(data).read_all()
    return pd.DataFrame({name: _column(table.column(name), dtype) for name, dtype in dtypes})


def _column(values: pa.ChunkedArray, dtype: str) -> pd.Series:
    if pa.types.is_dictionary(values.type):
        values = values.cast(values.type.value_type)
    if dtype == "object":
        return pd.Series([None if text is None else orjson.loads(text) for text in values.to_pylist()], dtype=object)
    if dtype in {"Int64", "boolean"}:
        types_mapper = {pa.int64(): pd.Int64Dtype(), pa.bool_(): pd.BooleanDtype()}.get
        return values.to_pandas(types_mapper=types_mapper)
    return values.to_pandas().astype(dtype)


def _as_json(values: pd.Series) -> list[str | None]:
    absent = values.isna()
    return [None if none else canonical_json(value).decode() for value, none in zip(values, absent, strict=True)]


def _parts(frame: pd.DataFrame, by_week_of: str | None) -> pd.Series | None:
    """The part of each row, an ISO week; none: the frame is not split."""
    if by_week_of is None or frame.empty:
        return None
    days = frame[by_week_of].to_numpy(dtype="datetime64[D]").astype(np.int64)
    numbers, weeks = np.unique((days + _EPOCH_TO_MONDAY_DAYS) // 7, return_inverse=True)
    mondays = pd.to_datetime(numbers * 7 - _EPOCH_TO_MONDAY_DAYS, unit="D")
    return pd.Series(pd.Categorical.from_codes(weeks, mondays.strftime("%G-W%V")), index=frame.index)


def whole_digest(digests: dict[str, str]) -> str:
    """The digest of a frame: of its one part, else SHA-256 over `part digest` lines in order."""
    if digests.keys() == {WHOLE}:
        return digests[WHOLE]
    lines = "".join(f"{part} {digest}\n" for part, digest in sorted(digests.items()))
    return hashlib.sha256(lines.encode()).hexdigest()


def _same(connection: Connection, run_id: str, name: str, digest: str) -> str:
    of_it = recorded_frames.c.run_id == run_id, recorded_frames.c.name == name
    if connection.execute(select(recorded_frames.c.digest).where(*of_it)).scalar_one() != digest:
        raise LedgerError(f"run {run_id} kept another frame {name} before")
    return digest


def check_part(where: str, digest: str, data: bytes | None, dtypes: list[tuple[str, str]]) -> pd.DataFrame:
    """The rows of a part, which have the digest that it was kept under.

    Raises:
        LedgerError: they have not.
    """
    if data is None:
        raise LedgerError(f"{where} is gone")
    try:
        rows = from_arrow(data, dtypes)
    except (pa.ArrowException, ValueError, KeyError, TypeError, OSError) as error:
        raise LedgerError(f"{where} cannot be read: it was changed since it was kept") from error
    if frame_digest(rows) != digest:
        raise LedgerError(f"{where} is not what was kept: its digest differs")
    return rows
