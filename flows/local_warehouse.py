"""The embedded warehouse: a Snowflake-protocol server over DuckDB that the real `snowflake-connector-python` logs in to.

It has no access control: it proves the plumbing, not the privileges.
"""

import os
import shutil
import sys
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from flows.local_child import HOST, HttpChild
from pacing_brain.errors import SpendUnavailable

DATABASE, SCHEMA = "PACING", "PUBLIC"

# Column -> SQL type, in the order of CONTRACT's spend columns. SPEND is written from `spend_micros`, to the micro.
CAMPAIGN_SPEND = {
    "PLATFORM": "TEXT", "ACCOUNT_ID": "TEXT", "CAMPAIGN_ID": "TEXT", "CAMPAIGN_NAME": "TEXT", "MARKET": "TEXT", "PRODUCT": "TEXT",
    "START_DATE": "DATE", "END_DATE": "DATE", "CURRENCY": "TEXT", "TIMEZONE": "TEXT", "DAY": "DATE", "SPEND": "NUMBER(38,6)",
    "IMPRESSIONS": "NUMBER(38,0)", "CLICKS": "NUMBER(38,0)", "CONVERSIONS": "FLOAT", "LOADED_AT": "TIMESTAMP_NTZ",
    "STATUS": "TEXT", "DAILY_BUDGET_MICROS": "NUMBER(38,0)",
}  # fmt: skip
ACCOUNT_LOADS = {"ACCOUNT_ID": "TEXT", "LOADED_AT": "TIMESTAMP_NTZ"}


class EmbeddedWarehouse(HttpChild):
    """Data under `home/warehouse`; they survive kill -9 of the server."""

    name = "warehouse"
    health_path = "/health"
    unavailable = SpendUnavailable

    def __init__(self, home: Path) -> None:
        super().__init__(home)
        self.data = self.home / "warehouse"

    def command(self, port: int) -> list[str]:
        return [sys.executable, "-W", "ignore", "-m", "flows.warehouse_server", str(self.data), str(port)]

    def environment(self) -> dict[str, str]:
        """The child finds our code wherever it was started, and leaves its uploads in the home."""
        uploads = self.data / "tmp"
        shutil.rmtree(uploads, ignore_errors=True)  # of a server that was killed
        uploads.mkdir(parents=True, exist_ok=True)
        paths = [str(Path(__file__).resolve().parents[1]), *filter(None, [os.environ.get("PYTHONPATH")])]
        return {"TMPDIR": str(uploads), "PYTHONPATH": os.pathsep.join(paths)}

    def connect_kwargs(self) -> dict[str, Any]:
        """Arguments of `snowflake.connector.connect`."""
        return {"account": "embedded", "user": "pacing", "password": "embedded", "host": HOST, "port": self.port, "protocol": "http",
                "database": DATABASE, "schema": SCHEMA}  # fmt: skip

    @contextmanager
    def connect(self) -> Iterator[Any]:
        """A connection of the real connector, closed at the end."""
        import snowflake.connector  # noqa: PLC0415

        connection = snowflake.connector.connect(**self.connect_kwargs(), session_parameters={"CLIENT_TELEMETRY_ENABLED": False})
        try:
            yield connection
        finally:
            connection.close()

    def load(self, spend: Any, loads: Any | None = None) -> None:
        """Replace CAMPAIGN_SPEND and, where given, ACCOUNT_LOADS; without `loads` there is no table of loads.

        `spend`: frame in the spend columns of CONTRACT.md with `spend_micros` as integers; optional columns may be absent.
        `loads`: frame with account_id and loaded_at.
        """
        with self.connect() as connection, tempfile.TemporaryDirectory() as directory:
            self._replace(connection, "CAMPAIGN_SPEND", CAMPAIGN_SPEND, spend, Path(directory))
            if loads is None:
                connection.cursor().execute("DROP TABLE IF EXISTS ACCOUNT_LOADS")
            else:
                self._replace(connection, "ACCOUNT_LOADS", ACCOUNT_LOADS, loads, Path(directory))

    def _replace(self, connection: Any, table: str, columns: dict[str, str], frame: Any, directory: Path) -> None:
        import pyarrow.parquet  # noqa: PLC0415

        path = directory / f"{table.lower()}.parquet"
        pyarrow.parquet.write_table(_arrow(frame, columns), path)
        cursor = connection.cursor()
        cursor.execute(f"CREATE OR REPLACE TABLE {table} ({', '.join(f'{name} {kind}' for name, kind in columns.items())})")
        cursor.execute(f"PUT 'file://{path}' @%{table} AUTO_COMPRESS = FALSE OVERWRITE = TRUE")
        cursor.execute(f"COPY INTO {table} FROM @%{table} FILE_FORMAT = (TYPE = PARQUET) MATCH_BY_COLUMN_NAME = CASE_INSENSITIVE PURGE = TRUE")


def _arrow(frame: Any, columns: dict[str, str]) -> Any:
    import pyarrow as pa  # noqa: PLC0415

    kinds = {"TEXT": pa.string(), "DATE": pa.date32(), "NUMBER(38,0)": pa.int64(), "FLOAT": pa.float64(),
             "TIMESTAMP_NTZ": pa.timestamp("us")}  # fmt: skip
    arrays = {}
    for name, kind in columns.items():
        if name == "SPEND":
            arrays[name] = _decimal_of_micros(frame["spend_micros"])
        elif name.lower() not in frame.columns:
            arrays[name] = pa.nulls(len(frame), kinds[kind])
        else:
            values = frame[name.lower()]
            if kind == "TIMESTAMP_NTZ" and values.dt.tz is not None:
                values = values.dt.tz_convert("UTC").dt.tz_localize(None)
            arrays[name] = pa.Array.from_pandas(values).cast(kinds[kind])
    return pa.table(arrays)


def _decimal_of_micros(micros: Any) -> Any:
    """NUMBER(38,6) from integer micros without passing through floats: the 128-bit integer is the micros themselves."""
    import numpy as np  # noqa: PLC0415
    import pyarrow as pa  # noqa: PLC0415

    missing = micros.isna().to_numpy()
    low = micros.fillna(0).astype("int64").to_numpy()
    words = np.stack([low, low >> 63], axis=1)  # little-endian halves; the upper one is the sign
    valid = pa.array(~missing).buffers()[1]
    return pa.Decimal128Array.from_buffers(pa.decimal128(38, 6), len(low), [valid, pa.py_buffer(np.ascontiguousarray(words).tobytes())])
