"""Tracker files as people have them: encodings, separators, workbooks, headers."""

import io

import openpyxl
import pytest

from connectors.tracker import read_tracker
from connectors.tracker_columns import SYNONYMS, folded, meaning_of
from pacing_brain.errors import TrackerUnreadable
from pacing_brain.policy import Policy
from tests.unit.connectors.trackers import AS_OF, GOOD, csv_bytes, read, read_bytes, rows_of

UMLAUT = {"campaign_name": "Frühjahr Größe; é", "client": "Müller"}


def workbook(*rows, sheet="Plan", more=(), merged=()):
    """An .xlsx in memory: rows of values, formulas without a cached value, ranges of cells merged."""
    book = openpyxl.Workbook()
    book.active.title = sheet
    for row in rows:
        book.active.append(row)
    for title, lines in more:
        extra = book.create_sheet(title)
        for line in lines:
            extra.append(line)
    for cells in merged:
        book.active.merge_cells(cells)
    out = io.BytesIO()
    book.save(out)
    return out.getvalue()


def values(**changes):
    return list((GOOD | changes).values())


@pytest.mark.parametrize("encoding", ["utf-8", "utf-8-sig", "utf-16", "utf-16-le", "utf-16-be", "cp1252"])
@pytest.mark.parametrize("delimiter", [",", ";", "\t", "|"])
def test_every_encoding_and_separator_is_read(encoding, delimiter):
    """The same plan in any common encoding and separator gives the same text."""
    got = read_bytes(csv_bytes(rows_of(**UMLAUT), encoding=encoding, delimiter=delimiter))
    assert got.targets.loc[0, ["campaign_name", "client"]].tolist() == ["Frühjahr Größe; é", "Müller"]


def test_a_german_export_is_read():
    """Semicolons, decimal commas and points for thousands: what Excel writes in half of Europe."""
    got = read_bytes(csv_bytes(rows_of(budget="1.234.567,89", start_date="13.04.2026"), delimiter=";"))
    assert got.targets["budget_micros"].tolist() == [1_234_567_890_000]


def test_rows_are_counted_as_a_spreadsheet_counts_them():
    """A quoted line break is no new row, a blank row counts and is left out."""
    text = csv_bytes(rows_of({"campaign_name": "two\nlines"}, {"flight_id": "F2", "budget": "x"})).decode()
    head, first, second, rest = text.split("\r\n", 3)
    got = read_bytes("\r\n".join([head, first, "," * 8, second, rest]).encode())
    assert [q.row for q in got.quarantined] == [4]


def test_excels_own_separator_hint_is_followed():
    """A first line `sep=;` names the separator, and rows keep the numbers of the file."""
    got = read_bytes(b"sep=;\r\n" + csv_bytes(rows_of(budget="x"), delimiter=";"), options="header_row=2")
    assert got.quarantined[0].row == 3


def test_a_row_with_too_many_cells_is_quarantined():
    """An unquoted separator inside a value is told as such, not shifted into the next column."""
    broken = csv_bytes(rows_of({}, {"flight_id": "F2"})).replace(b"1000.00", b"1,000.00", 1)
    got = read_bytes(broken)
    assert got.targets["flight_id"].tolist() == ["F2"]
    assert "put quotes around the value" in got.quarantined[0].reason


@pytest.mark.parametrize(("data", "words"), [
    (b"", "is empty"), (b"\xff\xfe", "is empty"), (b'"never closed\n1,2', "never closed"), (b"\x81\x8d\x8f,\x90", "is no text"),
    (b"\xd0\xcf\x11\xe0old", "old .xls or a workbook with a password"), (b"<html></html>", "web page"), (b"PK\x03\x04broken", "no readable .xlsx"),
    (b"a,b\n1,2", "has no column platform, budget, currency, start_date, end_date, campaign_id or campaign_name"),
])
def test_what_is_no_tracker_is_told(data, words):
    """A file that is no table, or not this table, is one clear line that names it."""
    with pytest.raises(TrackerUnreadable, match=words) as caught:
        read_bytes(data)
    assert "plan.csv" in str(caught.value)


def test_a_missing_file_names_the_setting(tmp_path):
    """A path that does not exist names PACING_TRACKER."""
    with pytest.raises(TrackerUnreadable, match=r"No such file or directory\. Check PACING_TRACKER"):
        read_tracker(str(tmp_path / "none.csv"), as_of=AS_OF, policy=Policy())


def test_headers_are_known_by_synonyms():
    """Flight Start, Planned Spend, IO Name and the like are understood without case, blanks or underscores."""
    data = csv_bytes([{"Line ID": "F1", "IO Name": "Spring", "Channel": "DV360", "PLANNED SPEND": "5", "Ccy": "eur", "Flight Start": "2026-04-01",
                       "flight_END": "2026-04-30", "Notes": "kept out"}])
    row = read_bytes(data).targets.iloc[0]
    assert (row.flight_id, row.campaign_name, row.platform, row.budget_micros, row.currency) == ("F1", "Spring", "dv360", 5_000_000, "EUR")


def test_no_synonym_has_two_meanings():
    """Each header means one thing."""
    every = {(folded(name), meaning) for meaning, names in SYNONYMS.items() for name in (meaning, *names)}
    assert len(every) == len({header for header, _ in every})
    assert meaning_of("Notes") is None


def test_two_columns_for_one_meaning_are_refused():
    """Both are named; neither is guessed to be the right one."""
    with pytest.raises(TrackerUnreadable, match=r"columns 'budget' and 'Planned Spend' both mean budget\. Rename or remove one"):
        read_bytes(csv_bytes(rows_of(**{"Planned Spend": "5"})))
    with pytest.raises(TrackerUnreadable, match=r"columns 'budget' and 'budget \(2\)' both mean budget"):
        read_bytes(csv_bytes(rows_of()).replace(b"account_id", b"budget", 1))


def test_a_column_of_the_contracts_own_name_wins_over_a_synonym():
    """A plan may keep a Channel and an Advertiser of its own beside platform and client; two synonyms alone are refused."""
    got = read_bytes(csv_bytes(rows_of(client="Acme", Channel="Search", Advertiser="Somebody"))).targets.iloc[0]
    assert (got.platform, got.client) == ("google", "Acme")
    with pytest.raises(TrackerUnreadable, match=r"columns 'Channel' and 'Publisher' both mean platform"):
        read_bytes(csv_bytes(rows_of(Channel="Search", Publisher="google")).replace(b"platform", b"was_platform", 1))


@pytest.mark.parametrize(("header", "meaning"), [("Campaign #", "campaign_id"), ("Line #", "flight_id"), ("IO Start Date", "start_date"),
                                                 ("Go-Live Date", "start_date"), ("Planned Media Spend", "budget"), ("Media Channel", "platform")])
def test_more_headers_that_plans_use(header, meaning):
    """A number sign is a number, and an insertion order has dates and a budget as a flight has."""
    assert meaning_of(header) == meaning


def test_a_workbook_is_read_with_its_types():
    """Excel dates, numbers and text arrive as days, exact micros and text."""
    import datetime as dt
    got = read_bytes(workbook(list(GOOD), values(campaign_id=4711, budget=1234.5, start_date=dt.datetime(2026, 4, 1), end_date=dt.date(2026, 4, 30))))
    row = got.targets.iloc[0]
    assert (row.campaign_id, row.budget_micros, str(row.start_date.date()), str(row.end_date.date())) == ("4711", 1_234_500_000, "2026-04-01", "2026-04-30")


def test_a_number_of_a_workbook_is_never_ambiguous():
    """1.234 in a number cell is a number, where 1.234 in text could be a thousand."""
    assert read_bytes(workbook(list(GOOD), values(budget=1.234))).targets["budget_micros"].tolist() == [1_234_000]


def test_an_id_in_a_number_cell_of_a_workbook_is_refused_when_rounded():
    """A number cell keeps 15 digits: a longer id in it is not the id any more."""
    got = read_bytes(workbook(list(GOOD), values(campaign_id=23851234567890123.0)))
    assert got.quarantined[0].column == "campaign_id"
    assert "rounded by a spreadsheet" in got.quarantined[0].reason


def test_a_percentage_cell_is_a_percentage():
    """0.15 shown as 15 % is 15 percent."""
    book = openpyxl.Workbook()
    book.active.append([*GOOD, "cost_basis", "fee_pct"])
    book.active.append([*values(), "gross", 0.15])
    book.active.cell(row=2, column=len(GOOD) + 2).number_format = "0%"
    out = io.BytesIO()
    book.save(out)
    assert read_bytes(out.getvalue()).targets["budget_micros"].tolist() == [850_000_000]


def test_a_formula_without_a_computed_value_is_an_error_of_its_row():
    """A workbook written by a program holds formulas that were never computed: the row is named, the others go on."""
    got = read_bytes(workbook(list(GOOD), values(budget="=500*2"), values(flight_id="F2")))
    assert got.targets["flight_id"].tolist() == ["F2"]
    (fault,) = got.quarantined
    assert (fault.row, fault.column) == (2, "budget")
    assert "no computed value" in fault.reason


def test_a_computed_formula_is_its_value():
    """A formula with the value that Excel computed is read as that value."""
    import re
    import zipfile
    source = io.BytesIO(workbook(list(GOOD), values(budget="=500*2")))
    out = io.BytesIO()
    with zipfile.ZipFile(source) as old, zipfile.ZipFile(out, "w") as new:
        for info in old.infolist():
            data = old.read(info)
            if info.filename.endswith("sheet1.xml"):
                data = re.sub(rb"<f>500\*2</f><v\s*/>|<f>500\*2</f><v></v>", b"<f>500*2</f><v>1000</v>", data)
            new.writestr(info, data)
    got = read_bytes(out.getvalue())
    assert got.quarantined == ()
    assert got.targets["budget_micros"].tolist() == [1_000_000_000]


def test_an_error_of_the_spreadsheet_is_an_error_of_its_row():
    """#REF! in a cell that matters quarantines the row; in a column of no meaning it harms nobody."""
    got = read_bytes(workbook([*GOOD, "Notes"], [*values(budget="#REF!"), ""], [*values(flight_id="F2"), "#N/A"]))
    assert got.targets["flight_id"].tolist() == ["F2"]
    assert "gives an error in the spreadsheet" in got.quarantined[0].reason


def test_sheet_and_header_row_can_be_named(tmp_path):
    """?sheet= and ?header_row= find a plan that does not start at the top of the first sheet."""
    path = tmp_path / "book.xlsx"
    path.write_bytes(workbook(["Cover"], more=[("Q2 plan", [["Agency plan"], [], list(GOOD), values(), values(flight_id="F2", budget="x")])]))
    got = read_tracker(f"{path}?sheet=Q2%20plan&header_row=3", as_of=AS_OF, policy=Policy())
    assert got.targets["row"].tolist() == [4]
    assert [(q.place, q.row) for q in got.quarantined] == [("book.xlsx", 5)]
    with pytest.raises(TrackerUnreadable, match="has no sheet 'Q3'; it has 'Plan', 'Q2 plan'"):
        read_tracker(f"{path}?sheet=Q3", as_of=AS_OF, policy=Policy())
    with pytest.raises(TrackerUnreadable, match="header_row=x must be a number"):
        read_tracker(f"{path}?header_row=x", as_of=AS_OF, policy=Policy())


def test_a_workbook_without_rows_is_unreadable():
    """A header alone is a clear error."""
    with pytest.raises(TrackerUnreadable, match="has a header but no rows"):
        read_bytes(workbook(list(GOOD)))


def test_a_title_above_the_header_is_answered_with_the_header_row():
    """Who leaves a title above the plan is told which row holds the headers, and what to write."""
    data = b"Media plan Q4\n\n" + csv_bytes(rows_of())
    with pytest.raises(TrackerUnreadable, match=r"Row 3 looks like the header: put \?header_row=3 behind the name in PACING_TRACKER"):
        read_bytes(data)
    assert len(read_bytes(data, options="header_row=3").targets) == 1


def test_german_headers_are_known():
    """A plan whose headers are German reads as the English one does."""
    german = {"campaign_id": "Kampagnen-ID", "campaign_name": "Kampagne", "platform": "Plattform", "account_id": "Konto", "budget": "Budget (netto)",
              "currency": "Währung", "start_date": "Beginn", "end_date": "Ende"}
    (row,) = rows_of()
    assert read_bytes(csv_bytes([{german.get(name, name): value for name, value in row.items()}])).targets.equals(read_bytes(csv_bytes([row])).targets)


def test_a_merged_cell_speaks_for_each_of_its_rows():
    """A client written once over three rows is the client of all three; a title merged across columns is no value."""
    rows = [values(flight_id=name, campaign_id=name, client=client) for name, client in (("A", "Müller"), ("B", None), ("C", None), ("D", "Other"))]
    got = read_bytes(workbook(["Plan", *[None] * len(GOOD)], [*GOOD, "client"], *rows, merged=["A1:J1", "J3:J5"]), options="header_row=2")
    assert got.targets["client"].tolist() == ["Müller"] * 3 + ["Other"]


def test_one_amount_over_several_rows_is_not_filled_down():
    """A merged budget may be one for all or one for each: refused in every row of it, unless one flight_id makes them one line."""
    rows = [values(flight_id="", campaign_id="1"), values(flight_id="", campaign_id="2", budget=None)]
    got = read_bytes(workbook(list(GOOD), *rows, merged=["F2:F3"]))
    assert [(q.row, q.column) for q in got.quarantined] == [(2, "budget"), (3, "budget")]
    assert all("one merged cell over rows 2 to 3: give these rows one flight_id" in q.reason for q in got.quarantined)
    line = [values(campaign_id="1"), values(flight_id=None, campaign_id="2", budget=None)]
    got = read_bytes(workbook(list(GOOD), *line, merged=["A2:A3", "F2:F3"]))
    assert got.quarantined == ()
    assert got.targets["budget_micros"].tolist() == [1_000_000_000] * 2


@pytest.mark.parametrize("said", ["Total", "TOTAL GBP", "Summe", "Summe Google:", "Zwischensumme", "Gesamt", "Grand total", "Google subtotal"])
def test_a_row_of_totals_has_one_short_reason(said):
    """Rows that add others up are told apart from rows with a fault; a campaign whose name begins so is none."""
    got = read({}, dict.fromkeys(GOOD, "") | {"campaign_name": said, "budget": "1000.00"}, {"flight_id": "F9", "campaign_id": "9", "campaign_name": "Total Recall"})
    assert [(q.row, q.reason) for q in got.quarantined] == [(3, "a row of totals, no line of the plan: left out.")]
    assert len(got.targets) == 2


def test_who_keeps_the_plan_may_say_how_its_dates_are_written(tmp_path):
    """?dates=dmy or mdy settles what is not guessed; anything else is refused."""
    path = tmp_path / "plan.csv"
    path.write_bytes(csv_bytes(rows_of(start_date="03.04.2026", updated_at="")))
    days = [read_tracker(f"{path}{option}", as_of=AS_OF, policy=Policy()).targets["start_date"].dt.strftime("%m-%d").tolist()
            for option in ("", "?dates=dmy", "?dates=mdy")]
    assert days == [[], ["04-03"], ["03-04"]]
    with pytest.raises(TrackerUnreadable, match="dates=ymd must be dmy"):
        read_tracker(f"{path}?dates=ymd", as_of=AS_OF, policy=Policy())
