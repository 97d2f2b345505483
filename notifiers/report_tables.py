"""The report as tables: CSV with one row per flight, and a workbook with money outside the plan and unusable rows beside them.

Money is exact: units with six decimals. A text that a spreadsheet would take for a formula is quoted with an apostrophe.
"""

import csv
import io
import unicodedata
from collections.abc import Iterable, Iterator, Mapping, Sequence
from decimal import Decimal
from typing import Any

from openpyxl import Workbook
from openpyxl.cell import WriteOnlyCell
from openpyxl.styles import Font

from notifiers import report_words as words
from notifiers.cards_facts import pct_of_plan, platform, score_pct
from notifiers.report import Report
from pacing_brain.natives import natives
from pacing_brain.model import HALTS

FORMULA = "=+-@\t\r"
EXACT_MICROS = 10**15  # a spreadsheet's number holds 15 digits; larger amounts are written as text
CELL = 32_767  # characters that a cell holds
MONEY = "#,##0.00####"
SHEET_FLIGHTS = 50_000  # more are in the CSV alone: nobody waits for a workbook of that size
FLIGHT = ["flight_id", "plan_rows", "client", "market", "product", "platform", "account_id", "campaign_id", "campaign_name", "owner", "first_day",
          "last_day", "currency", "budget", "planned_to_date", "spent", "off_plan", "of_plan", "verdict", "state", "severity", "action", "trust",
          "spend_complete_to", "reported_later", "why", "what_can_be_done", "reasons", "record"]
OUTSIDE = ["currency", "amount", "why", "platform", "account_id", "campaign_id", "campaign_name", "first_day", "last_day", "days_with_spend"]
QUARANTINED = ["source", "place", "row", "column", "value", "reason", "about"]
Cells = list[Any]  # text, whole numbers, or Decimal for money


def csv_text(report: Report) -> str:
    """One row per flight, worst first."""
    out = io.StringIO()
    writer = csv.writer(out, lineterminator="\r\n")
    writer.writerow(FLIGHT)
    writer.writerows([in_csv(value) for value in row] for row in flights(report))
    return out.getvalue()


def workbook(report: Report) -> bytes:
    """Flights, money outside the plan, rows that cannot be used: a sheet each."""
    return _book((("Flights", FLIGHT, flights(report, SHEET_FLIGHTS)), ("Money outside the plan", OUTSIDE, outside(report)),
                  ("Rows that cannot be used", QUARANTINED, quarantined(report))))


def sheets(tables: Mapping[str, Sequence[Mapping[str, Any]]]) -> bytes:
    """A workbook with a sheet for each table; the keys of its first row are the columns."""
    return _book((name, list(rows[0]) if rows else [], (list(row.values()) for row in rows)) for name, rows in tables.items())


def _book(sheets: Iterable[tuple[str, Sequence[str], Iterable[Cells]]]) -> bytes:
    book = Workbook(write_only=True)
    for name, columns, rows in sheets:
        sheet = book.create_sheet(name)
        sheet.freeze_panes = "A2"
        sheet.append([_head(sheet, column) for column in columns])
        for row in rows:
            sheet.append([_in_sheet(sheet, value) for value in row])
    out = io.BytesIO()
    book.save(out)
    return out.getvalue()


def flights(report: Report, most: int | None = None) -> Iterator[Cells]:
    for row in natives(report.flights.head(most) if most else report.flights):
        actual, target = row["actual_micros"], row["target_micros"]
        off = None if actual is None or target is None else actual - target
        yield [row["flight_id"], row["rows"], row["client"], row["market"], row["product"], platform(row["platform"]), row["account_id"],
               row["platform_campaign_id"] or row["campaign_id"], row["campaign_name"], row["owner"], row["start_date"], row["end_date"],
               row["currency"], units(row["budget_micros"]), units(target), units(actual), units(off), pct_of_plan(row), words.LANES[row["lane"]],
               words.state(row), row["severity"], "pause recommended" if row["action"] in HALTS else "",
               None if row["score"] is None else score_pct(row), row["watermark"], units(row["after_watermark_micros"]), row["root_cause"],
               " ".join(row["mitigation"] or []), " ".join(row["reasons"] or []), row.get("standing_seq")]


def outside(report: Report) -> Iterator[Cells]:
    for row in natives(report.outside):
        yield [row["currency"], units(row["spend_micros"]), row["why"], platform(row["platform"]), row["account_id"], row["campaign_id"],
               row["campaign_name"], row["first_day"], row["last_day"], row["n_days"]]


def quarantined(report: Report) -> Iterator[Cells]:
    for row in report.quarantined:
        yield [row.source, row.place, row.row, row.column, row.value, row.reason, row.subject]


def units(micros: int | None) -> Decimal | None:
    """`45195.123456`, exactly."""
    return None if micros is None else Decimal(micros).scaleb(-6)


def quoted(text: object) -> str:
    """An outside string as one line that no spreadsheet takes for a formula, in whatever width its first sign is written."""
    line = words.shown(text)
    first = unicodedata.normalize("NFKC", line.lstrip()[:1])
    risky = any(sign and sign in FORMULA for sign in (str(text)[:1], first[:1]))
    return f"'{line}" if risky else line


def in_csv(value: Any) -> str:
    """A cell of a CSV: money exact, texts harmless."""
    if value is None:
        return ""
    return f"{value:f}" if isinstance(value, Decimal) else str(value) if isinstance(value, int) else quoted(value)


def _in_sheet(sheet: Any, value: Any) -> Any:
    if value is None or isinstance(value, int):
        return value
    if isinstance(value, Decimal):
        if abs(value.scaleb(6)) >= EXACT_MICROS:
            return f"{value:f}"
        cell: Any = WriteOnlyCell(sheet, value)
        cell.number_format = MONEY
        return cell
    cell = WriteOnlyCell(sheet, quoted(value)[:CELL])
    cell.data_type = "s"  # text, whatever it looks like
    return cell


def _head(sheet: Any, name: str) -> Any:
    cell = WriteOnlyCell(sheet, name.replace("_", " "))
    cell.font = Font(bold=True)
    return cell
