"""The report: one page and its tables, whole or of one client; nothing in a name can do anything."""

import csv
import dataclasses
import io
import json
import re
from decimal import Decimal
from html.parser import HTMLParser
from typing import Any

import pandas as pd
import pytest
from openpyxl import load_workbook

from flows import report_client, reporting
from flows.settings import Settings
from notifiers import report_tables
from notifiers.report import Report, page
from notifiers.report_tables import quoted
from pacing_brain.errors import RunError
from pacing_brain.model import Quarantined
from pacing_brain.money import money
from tests.reports import sample_facts

HOSTILE = ["<script>alert(1)</script>", '"><img src=x onerror=alert(1)>', "=cmd|' /C calc'!A0", "a\u202egnp.exe", "</template></script><b>", "{{ 7*7 }}", "+1", "\t=1", "＝1"]


class Reader(HTMLParser):
    """Tags, attributes and text of a page."""

    def __init__(self) -> None:
        super().__init__()
        self.tags: list[tuple[str, dict[str, str | None]]] = []
        self.text: list[str] = []

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.tags.append((tag, dict(attrs)))

    def handle_data(self, data: str) -> None:
        self.text.append(data)


def read(html: str) -> Reader:
    """The page, and in it the details of every flight as a browser would open them."""
    before, _, rest = html.partition('<script type="application/json" id="details">')
    block, _, after = rest.partition("</script>")
    assert "<" not in block
    reader = Reader()
    reader.feed(before + "".join(json.loads(line) for line in block.splitlines()) + after)
    return reader


def rows_of(report: Report) -> list[dict[str, str]]:
    return list(csv.DictReader(io.StringIO(report_tables.csv_text(report))))


@pytest.fixture(scope="module")
def whole() -> Report:
    return reporting.build(sample_facts())


def test_the_page_needs_and_reaches_nothing(whole: Report) -> None:
    """No address, no handler, no inline style, one script and one style that its policy knows by their hashes."""
    reader = read(page(whole))
    assert not [tag for tag, _ in reader.tags if tag in ("img", "iframe", "object", "embed", "base", "link")]
    assert not [name for _, attrs in reader.tags for name in attrs if name.startswith("on") or name == "style"]
    assert {href for tag, attrs in reader.tags if tag == "a" and not (href := attrs.get("href") or "").startswith("#")} <= {"report.csv", "report.xlsx"}
    policy = next(attrs["content"] or "" for tag, attrs in reader.tags if attrs.get("http-equiv"))
    assert "default-src 'none'" in policy
    assert "unsafe" not in policy
    assert page(whole) == page(whole)


def test_people_read_their_own_words(whole: Report) -> None:
    """No word of the code stands on the page; the digest's do."""
    said = " ".join(read(page(whole)).text[2:]).casefold()
    body = said[: said.rindex("use strict")]
    assert not re.findall(r"\b(halt|variance|watermark|untracked|escalate|lane)\b", body.partition("where things stand")[2])
    for words in ("planned to date", "pause recommended", "not delivering", "spend complete to", "needs a person", "in no plan"):
        assert words in body


def test_every_flight_is_there_once_with_its_reasons(whole: Report) -> None:
    """Every decision has a row, worst first, and each reason stands on the page."""
    reader = read(page(whole))
    said = " ".join(reader.text)
    assert sum(1 for tag, attrs in reader.tags if tag == "tr" and "data-k" in attrs) == len(sample_facts().decisions)
    for reasons in sample_facts().decisions["reasons"]:
        assert all(reason in said for reason in reasons)
    lanes = [attrs["data-l"] for tag, attrs in reader.tags if tag == "tr" and "data-k" in attrs]
    assert lanes == sorted(lanes, key=["critical", "escalate", "warning", "healthy"].index)


def test_money_outside_the_plan_is_the_tie_outs(whole: Report) -> None:
    """What is listed outside the plan adds up, per currency and bucket, to the tie-out, and the tie-out to the warehouse's total."""
    listed = whole.outside.groupby(["currency", "bucket"])["spend_micros"].sum().to_dict()
    wanted = {(currency, name): micros for currency, parts in whole.spend.items() for name, micros in parts.items()
              if micros and name not in ("matched", "after_watermark", "total")}
    assert listed == wanted
    assert whole.totals == {currency: parts["total"] for currency, parts in whole.spend.items()}
    assert "in every currency, to the micro" in page(whole)


def test_parts_that_do_not_add_up_are_said(whole: Report) -> None:
    """A total of the warehouse's that is off by one micro is not glossed over."""
    off = dataclasses.replace(whole, totals={**(whole.totals or {}), "EUR": (whole.totals or {})["EUR"] + 1})
    assert "do not add up to the warehouse total" in page(off)


def test_of_a_very_large_plan_the_page_lists_what_is_not_on_plan(whole: Report) -> None:
    """The page says how many flights it leaves out and where they are; the CSV has every one."""
    off_plan = int(whole.flights["lane"].ne("healthy").sum())
    built = dataclasses.replace(whole, beside=("report.csv",), on_page=off_plan)
    listed = page(built)
    assert f"Of {len(built.flights)} flights the worst {off_plan} that are not on plan are on this page" in listed
    assert 'every flight is in <a href="report.csv">report.csv</a>' in listed
    assert listed.count('class="open"') == off_plan
    assert len(list(csv.reader(io.StringIO(report_tables.csv_text(built))))) == len(built.flights) + 1


def test_a_report_has_an_address_where_it_is_served() -> None:
    """PACING_REPORT_URL is where the reports folder is; without it there is no address."""
    served = Settings.read(PACING_REPORT_URL="https://reports.example.com/pacing/", _env_file=None)
    assert reporting.url_of(served, "R1") == "https://reports.example.com/pacing/R1/report.html"
    assert reporting.url_of(Settings.read(_env_file=None), "R1") is None


def test_the_csv_is_exact(whole: Report) -> None:
    """One row per flight, money with every micro of it."""
    rows = {row["flight_id"]: row for row in rows_of(whole)}
    assert len(rows) == len(sample_facts().decisions)
    for one in sample_facts().decisions.itertuples():
        spent = rows[one.flight_id]["spent"]
        assert (int(Decimal(spent) * 1_000_000) if spent else None) == (None if pd.isna(one.actual_micros) else int(one.actual_micros))


def test_the_workbook_has_three_sheets(whole: Report) -> None:
    """Flights, money outside the plan, unusable rows; amounts are numbers that are exact."""
    book = load_workbook(io.BytesIO(report_tables.workbook(whole)))
    assert book.sheetnames == ["Flights", "Money outside the plan", "Rows that cannot be used"]
    assert [sheet.max_row - 1 for sheet in book] == [len(whole.flights), len(whole.outside), len(whole.quarantined)]
    amounts = [cell.value for cell in book["Money outside the plan"]["B"][1:]]
    assert [round(Decimal(str(amount)) * 1_000_000) for amount in amounts] == whole.outside["spend_micros"].tolist()


def test_a_large_amount_stays_exact() -> None:
    """What a spreadsheet's number cannot hold is text."""
    assert report_tables._in_sheet(None, Decimal("9999999999.123457")) == "9999999999.123457"


def hostile(report: Report) -> Report:
    names = pd.Series([HOSTILE[at % len(HOSTILE)] for at in range(len(report.flights))], dtype="str")
    flights = report.flights.assign(campaign_name=names, client=names, owner=names, root_cause=names, flight_id=names + report.flights["flight_id"],
                                    platform=names, reasons=[[name] for name in names])
    bad = [Quarantined(source="tracker", place=name, row=1, column=name, value=name, reason=name) for name in HOSTILE]
    return dataclasses.replace(report, flights=flights, outside=report.outside.assign(campaign_name=HOSTILE[0], campaign_id=HOSTILE[1]), quarantined=bad,
                               run_id=HOSTILE[0], partial=HOSTILE, client=HOSTILE[1])


def test_hostile_names_are_inert(whole: Report) -> None:
    """No name makes a tag, an attribute, a template's value or a change of direction; each can still be read."""
    reader = read(page(hostile(whole)))
    assert sum(tag == "script" for tag, _ in reader.tags) == 1
    assert not [tag for tag, _ in reader.tags if tag in ("img", "b>")]
    assert not [name for _, attrs in reader.tags for name in attrs if name.startswith("on")]
    said = "".join(reader.text)
    assert "<script>alert(1)</script>" in said
    assert "{{ 7*7 }}" in said
    assert "\u202e" not in page(hostile(whole))


def test_no_cell_is_a_formula(whole: Report) -> None:
    """What a spreadsheet would run is quoted, in the CSV and in the workbook."""
    for row in rows_of(hostile(whole)):
        for name in ("flight_id", "client", "campaign_name", "owner", "why", "reasons"):
            assert row[name][:1] not in set("=+-@\t\r＝")
    book = load_workbook(io.BytesIO(report_tables.workbook(hostile(whole))))
    texts = [cell for sheet in book for row in sheet.iter_rows(min_row=2) for cell in row if isinstance(cell.value, str)]
    assert all(cell.data_type == "s" and cell.value[:1] not in "=+-@" for cell in texts if cell.value)


@pytest.mark.parametrize(("text", "wanted"), [("=1", "'=1"), (" =1", "' =1"), ("\t=1", "'=1"), ("＝1", "'＝1"), ("\r", "'"), ("a=1", "a=1"), ("", "")])
def test_quoting(text: str, wanted: str) -> None:
    """A leading = + - @ tab or return gets an apostrophe, other text stays."""
    assert quoted(text) == wanted


def everything(report: Report) -> str:
    book = load_workbook(io.BytesIO(report_tables.workbook(report)))
    cells = [str(cell.value) for sheet in book for row in sheet.iter_rows() for cell in row if cell.value is not None]
    return "\n".join([page(report), report_tables.csv_text(report), *cells])


def clients() -> list[str]:
    return sorted(sample_facts().decisions["client"].dropna().unique())


@pytest.mark.parametrize("client", clients())
def test_a_client_sees_itself_alone(client: str) -> None:
    """No name, id, flight or amount of another client is anywhere in the files of one."""
    facts = sample_facts()
    said = everything(report_client.build(facts, client))
    own, others = facts.decisions["client"].eq(client), facts.decisions[facts.decisions["client"].ne(client)]
    mine = facts.decisions[own]
    for name in ("client", "campaign_name", "flight_id", "campaign_id", "platform_campaign_id"):
        for word in set(others[name].dropna()) - set(mine[name].dropna()):
            assert not re.search(rf"(?<!\w){re.escape(word)}(?!\w)", said), word
    own_money = set(mine["currency"])
    for name in ("actual_micros", "target_micros"):
        for micros, currency in zip(others[name], others["currency"], strict=True):
            if not pd.isna(micros) and micros and micros not in set(mine[name]):
                assert f"{Decimal(int(micros)).scaleb(-6):f}" not in said
                assert currency in own_money or money(int(micros), currency) not in said
    for row in facts.inputs.totals.itertuples():
        if row.currency not in set(mine["currency"]) or others["currency"].eq(row.currency).any():
            assert money(row.spend_micros, row.currency) not in said
    assert all(flight in said for flight in mine["flight_id"])


def test_a_sentence_about_another_client_is_left_out() -> None:
    """A reason that names another client's campaign is replaced, and it is said that something is."""
    facts = sample_facts()
    first, second = clients()[:2]
    theirs = facts.decisions.loc[facts.decisions["client"].eq(second), "campaign_name"].iloc[0]
    at = facts.decisions.index[facts.decisions["client"].eq(first)][0]
    reasons: list[Any] = facts.decisions["reasons"].tolist()
    reasons[facts.decisions.index.get_loc(at)] = [f"Looks like {theirs}.", "Fine."]
    report = report_client.build(dataclasses.replace(facts, decisions=facts.decisions.assign(reasons=reasons)), first.upper())
    assert theirs not in everything(report)
    assert report_client.LEFT_OUT in page(report)


def test_an_unknown_client_is_an_error() -> None:
    """A name that no flight has is refused with the next step."""
    with pytest.raises(RunError, match="without --client"):
        report_client.build(sample_facts(), "Nobody")
    assert report_client.folder_name("../../etc") != report_client.folder_name("etc")
    assert "/" not in report_client.folder_name("../../etc")
