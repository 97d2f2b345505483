"""What `pacing audit statement` does: the month's tables as files."""

import csv
import io
import os
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

from flows import views
from flows.commands.record import open_record
from flows.settings import Settings
from flows.statement import end_of, tables
from notifiers.report_tables import in_csv, sheets
from pacing_brain.errors import RunError, UsageError


def audit_statement(*, month: str, to: Path, as_json: bool) -> int:
    """A CSV for each table, and one workbook with all of them."""
    try:
        first = datetime.strptime(month, "%Y-%m").replace(tzinfo=UTC)
    except ValueError:
        raise UsageError(f"--month {month!r} is no month: write it as 2026-11") from None
    with open_record(Settings.read()) as house:
        over = house.now() >= end_of(first)
        found = tables(house, first)
    files = {f"{name.replace(' ', '-')}.csv": _csv(rows).encode() for name, rows in found.items()}
    files[f"statement-{month}.xlsx"] = sheets({name.capitalize(): rows for name, rows in found.items()})
    try:
        to.mkdir(parents=True, exist_ok=True)
        for name, content in files.items():
            unfinished = to / f".{name}.part"
            unfinished.write_bytes(content)
            os.replace(unfinished, to / name)  # noqa: PTH105  in one step: a reader never sees half a file
    except OSError as error:
        raise RunError(f"cannot write to {to}: {error.strerror}. Choose another --to.") from error
    known: dict[str, Any] = {"month": month, "month_is_over": over, "to": str(to), "files": sorted(files), "rows": {name: len(rows) for name, rows in found.items()}}
    if as_json:
        views.emit(known)
    else:
        unfinished_month = None if over else "the month is not over: planned is the whole month's, spent is what is known so far"
        views.show(views.pairs(("written", f"{len(files)} files to {to}"), *((name, f"{len(rows)} rows") for name, rows in found.items()), ("note", unfinished_month)))
    return 0


def _csv(rows: list[dict[str, Any]]) -> str:
    """A header even without rows would name nothing: an empty table is an empty file."""
    out = io.StringIO()
    writer = csv.writer(out, lineterminator="\r\n")
    if rows:
        writer.writerow(rows[0])
        writer.writerows([in_csv(value) for value in row.values()] for row in rows)
    return out.getvalue()
