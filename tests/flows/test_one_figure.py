"""One figure is the same wherever a person meets it: ledger, card, report, CSV, Prefect's table, chart and explain, over the sample world."""

import csv
import io
import json
import re
from dataclasses import replace
from decimal import Decimal
from typing import Any

import pytest
from rich.console import Console

from flows import reporting
from flows.artifacts import campaign_rows, plain
from flows.views.explain import figures, verdict
from notifiers import report_tables, report_words
from notifiers.cards import CardContext, incident_card
from notifiers.console import clean
from pacing_brain import incidents as lifecycle
from pacing_brain.decision import bodies
from pacing_brain.model import Incident, Problem
from pacing_brain.money import money
from pacing_brain.natives import natives
from tests.reports import sample_facts, sample_outcome

FACTS = sample_facts()
REPORT = reporting.build(FACTS)
PREFECT = campaign_rows(FACTS.decisions)


def _cards() -> dict[str, Incident]:
    changes = lifecycle.step([], sample_outcome().findings, FACTS.inputs.run, frozenset())
    return {one.incident.finding.flights[0]: one.incident for one in changes if one.incident.finding.problem in (Problem.OVER, Problem.UNDER)}


def _printed(*parts: Any) -> str:
    terminal = Console(file=io.StringIO(), width=200)
    terminal.print(*parts)
    return terminal.file.getvalue()  # type: ignore[attr-defined,no-any-return]


@pytest.mark.parametrize("flight", sorted(FACTS.decisions.loc[FACTS.decisions["pacing_pct"].notna() & FACTS.decisions["lane"].ne("escalate"), "flight_id"]))
def test_spent_planned_and_percent_are_one_figure(flight: str) -> None:
    """Spent, planned to date and the percent of plan are the ledger's micros, to the last sign that each place shows."""
    row = FACTS.decisions[FACTS.decisions["flight_id"].eq(flight)]
    (entry,), (known,) = list(bodies(row)), natives(row)
    spent, planned = money(entry["actual_micros"], entry["currency"]), money(entry["target_micros"], entry["currency"])
    (shown,) = report_words.flight_rows(row, {})
    assert (shown["spent"], shown["planned"]) == (spent, planned)
    (table,) = csv.DictReader(io.StringIO(report_tables.csv_text(replace(REPORT, flights=row))))
    assert (Decimal(table["spent"]) * 1_000_000, Decimal(table["planned_to_date"]) * 1_000_000) == (entry["actual_micros"], entry["target_micros"])
    explained = _printed(verdict(known)) + _printed(figures(known))
    assert spent in explained
    assert planned in explained
    assert abs(float(shown["pct"].removesuffix(" %").replace(",", "")) - entry["pacing_pct"]) <= 0.5
    if "% of plan to date" in explained:
        assert f"{shown['pct']} of plan to date" in explained
    if flight in CARDS:
        card = incident_card(CARDS[flight], CardContext(as_of=FACTS.run.as_of))
        said = clean(" ".join(json.loads(text) for text in re.findall(r'"text": ("(?:[^"\\]|\\.)*")', json.dumps(card.blocks)))).replace("*", "")
        assert all(figure in said for figure in (spent, planned, shown["off"], f"{shown['pct']} of plan to date"))
    (cells,) = (row for row in PREFECT if row["flight"] == plain(flight))
    assert (cells["actual"], cells["target"]) == (plain(spent), plain(planned))
    assert abs(float(cells["variance %"]) - abs(entry["pacing_pct"] - 100)) <= 0.051  # one decimal
    if flight in REPORT.charts:
        assert REPORT.charts[flight].said.startswith(f"{spent} spent, {planned} planned to date, ")


CARDS = _cards()


def test_there_are_cards_to_compare() -> None:
    """Flights over and under plan are among what is compared."""
    assert len(CARDS) >= 5
