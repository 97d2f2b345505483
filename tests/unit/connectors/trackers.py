"""A tracker of one good row, to be spoiled one cell at a time."""

import csv
import datetime as dt
import io

from connectors.tracker import TrackerRead, plan_of
from connectors.tracker_files import sheet_of_bytes
from pacing_brain.policy import Policy

AS_OF = dt.datetime(2026, 4, 10, 12, tzinfo=dt.UTC)
GOOD = {"flight_id": "F1", "campaign_id": "4711", "campaign_name": "Spring", "platform": "google", "account_id": "118", "budget": "1000.00",
        "currency": "USD", "start_date": "2026-04-01", "end_date": "2026-04-30"}


def rows_of(*rows: dict[str, str], **changes: str) -> list[dict[str, str]]:
    """The good row with changes, or several of them."""
    return [GOOD | row for row in rows] if rows else [GOOD | changes]


def csv_bytes(rows: list[dict[str, str]], *, encoding: str = "utf-8", delimiter: str = ",") -> bytes:
    names = list(dict.fromkeys(name for row in rows for name in row))
    out = io.StringIO(newline="")
    writer = csv.DictWriter(out, names, delimiter=delimiter, restval="")
    writer.writeheader()
    writer.writerows(rows)
    return out.getvalue().encode(encoding)


def read_bytes(data: bytes, name: str = "plan.csv", options: str = "") -> TrackerRead:
    return plan_of(sheet_of_bytes(data, name, options), as_of=AS_OF, policy=Policy())


def read(*rows: dict[str, str], **changes: str) -> TrackerRead:
    return read_bytes(csv_bytes(rows_of(*rows, **changes)))
