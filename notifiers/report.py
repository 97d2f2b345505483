"""The report of a run: one HTML page that needs nothing but itself. Pure: a `Report` in, text out.

Every outside string passes `shown` and the template's autoescape; the page's policy allows its own style and script by their hashes and nothing
else, so that a name can neither run, load nor send anything. Details stand in a block of data, which costs a browser nothing until one is opened.
"""

import base64
import hashlib
import json
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from functools import cache
from pathlib import Path
from typing import Any

import pandas as pd
from jinja2 import Environment, FileSystemLoader, StrictUndefined

from notifiers import report_words as words
from notifiers.charts import Chart
from pacing_brain.model import Quarantined

TEMPLATES = Path(__file__).with_name("templates")
ON_PAGE = 6_000  # flights on the page, worst first; all of them are in the CSV
LISTED = 400  # rows of each other table on the page
Micros = Mapping[str, Mapping[str, int]]


@dataclass(frozen=True)
class Report:
    """What a page and the tables beside it say.

    flights: DECISIONS plus standing_seq, worst first. spend: currency -> bucket -> micros, with `total`. totals: the warehouse's own, by currency;
    null where it is not one client's business. on_page: how many flights, the first ones, are listed on the page; null: as many as it holds. outside: one row per campaign and reason (currency, bucket, why, platform, account_id, campaign_id,
    campaign_name, spend_micros, first_day, last_day, n_days). charts: by flight_id. beside: names of the files beside the page.
    """

    run_id: str
    window: datetime
    as_of: datetime
    live: bool
    flights: pd.DataFrame
    spend: Micros
    totals: Mapping[str, int] | None
    outside: pd.DataFrame
    quarantined: Sequence[Quarantined] = ()
    charts: Mapping[str, Chart] = field(default_factory=dict)
    client: str | None = None
    partial: Sequence[str] = ()
    notes: Sequence[str] = ()
    beside: Sequence[str] = ()
    on_page: int | None = None


def page(report: Report) -> str:
    """The whole page."""
    rows = words.flight_rows(report.flights.head(ON_PAGE if report.on_page is None else min(report.on_page, ON_PAGE)), report.charts)
    return _environment().get_template("report.html.j2").render(
        report=report, policy=_policy(), style=_asset("report.css"), print_all=_PRINT_ALL, script=_asset("report.js"), rows=rows, details=_details(rows),
        lanes=words.lane_counts(report.flights), resting=words.resting(report.flights), sums=words.sums(report.flights),
        tie_out=words.tie_out(report.spend, report.totals), unjudged=words.unjudged(report.flights),
        outside=words.outside_rows(report.outside.head(LISTED)), quarantined=words.quarantined_rows(report.quarantined[:LISTED]),
        forecasts=any(chart.begun_forecast for chart in report.charts.values()), clients=_options(row["client"] for row in rows), platforms=_options(row["platform"] for row in rows), lane_words=words.LANES,
        more={"flights": len(report.flights) - len(rows), "outside": max(len(report.outside) - LISTED, 0),
              "quarantined": max(len(report.quarantined) - LISTED, 0)})


_PRINT_ALL = "#flights tr[hidden]{display:table-row}.needs-script{display:none}"  # without script there is nothing that could show more rows


def _details(rows: Sequence[words.Row]) -> str:
    """A JSON string per line: the markup of each flight's details, escaped like the page itself. No `<` in it can end the block."""
    template = _environment().get_template("report_detail.html.j2")
    return "\n".join(json.dumps(template.render(row=row).strip(), ensure_ascii=False).replace("<", "\\u003c") for row in rows)


@cache
def _environment() -> Environment:
    made = Environment(loader=FileSystemLoader(TEMPLATES), autoescape=True, undefined=StrictUndefined, trim_blocks=True, lstrip_blocks=True)
    made.filters |= {"shown": words.shown, "breakable": words.breakable, "moment": words.moment, "micros": words.to_the_micro}
    return made


@cache
def _asset(name: str) -> str:
    return (TEMPLATES / name).read_text(encoding="utf-8").strip()


@cache
def _policy() -> str:
    """The page's own style and script, by what they say; nothing from anywhere, nothing to anywhere."""
    styles = " ".join(_hash(text) for text in (_asset("report.css"), _PRINT_ALL))
    return f"default-src 'none'; style-src {styles}; script-src {_hash(_asset('report.js'))}; base-uri 'none'; form-action 'none'"


def _hash(text: str) -> str:
    return f"'sha256-{base64.b64encode(hashlib.sha256(text.encode()).digest()).decode()}'"


def _options(values: Iterable[Any]) -> list[str]:
    return sorted({value for value in values if value}, key=str.casefold)
