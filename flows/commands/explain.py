"""What `pacing explain` does: find the campaign that is meant in what a run decided, and show why."""

from collections.abc import Callable
from pathlib import Path
from typing import Any

from flows import explaining, views
from flows.commands.record import open_record, run_id_of
from flows.reporting import chart_of, title_of
from flows.settings import Settings
from flows.views.explain import choices, explanation_report
from notifiers import chart_png, charts
from notifiers.charts import Chart
from pacing_brain.errors import DataError, UsageError

FOUND, NOT_ONE = 0, 1
DRAWN: dict[str, Callable[[Chart, str], bytes]] = {".png": chart_png.png, ".svg": lambda chart, _title: charts.svg_file(chart).encode()}


def explain(campaign: str, *, run_id: str | None, chart: Path | None = None, as_json: bool) -> int:
    """Why a campaign got its decision; several that fit are listed, none: the near ones. chart: a file for its picture."""
    if chart is not None and chart.suffix.casefold() not in DRAWN:
        raise UsageError(f"--chart {chart} is neither .png nor .svg: name the file so.")
    settings = Settings.read()
    with open_record(settings) as house:
        wanted = run_id_of(house, run_id)
        decisions = house.frames.load(wanted, "decisions")
        found = explaining.hits(decisions, campaign)
        if len(found) == 1:
            known = explaining.explanation(house, wanted, found)
            drawn = chart_of(house, wanted, found) if chart is not None or not as_json else None
            views.emit(known) if as_json else views.show(explanation_report(known, drawn))
            if chart is not None:
                _write(chart, drawn, known["decision"])
            return FOUND
        several = explaining.listed(found) if len(found) else []
        near = [] if several else explaining.near(decisions, campaign)
    _say_choices(campaign, several, near, as_json=as_json)
    return NOT_ONE


def _write(to: Path, chart: Chart | None, row: dict[str, Any]) -> None:
    if chart is None:
        raise DataError(f"{row['flight_id']} has no chart: what was planned to date is not known. Its reasons say why.")
    try:
        to.write_bytes(DRAWN[to.suffix.casefold()](chart, title_of(row)))
    except OSError as error:
        raise UsageError(f"--chart {to} cannot be written: {error.strerror}. Name another file.") from error


def _say_choices(campaign: str, several: list[dict[str, Any]], near: list[dict[str, Any]], *, as_json: bool) -> None:
    if as_json:
        views.emit({"asked": campaign, "several": several, "near": near})
    else:
        views.show(choices(campaign, several, near))
