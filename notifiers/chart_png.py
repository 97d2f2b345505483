"""The chart of one flight as a PNG, for where no SVG can stand: a message, a mail. matplotlib's Agg, imported when it is first drawn."""

import io
import warnings
from datetime import timedelta
from typing import Any

from notifiers.cards_text import neutral, weekday
from notifiers.charts import Chart, Point
from pacing_brain.money import money

INCHES, DPI = (7.2, 3.4), 150
TITLE = 80  # characters
PLAN, SPENT, NEAR, FAR, FAN, DIM = "#5f6368", "#0b57a4", "#cfe6dc", "#f7e7c4", "#d6e4f3", "#5f6368"


def png(chart: Chart, title: str) -> bytes:
    """1080 x 510 pixels, on white: title, days and money on the axes, the legend below."""
    from matplotlib.backends.backend_agg import FigureCanvasAgg  # noqa: PLC0415  half a second, for those who draw
    from matplotlib.figure import Figure  # noqa: PLC0415

    figure = Figure(figsize=INCHES, dpi=DPI, layout="constrained")
    axes: Any = figure.add_subplot()
    _draw(axes, chart)
    _scale(axes, chart)
    axes.set_title(_plain(neutral(title)[:TITLE]), loc="left", fontsize=11)
    axes.legend(loc="upper center", bbox_to_anchor=(0.5, -0.12), ncols=5, fontsize=7.5, frameon=False)
    canvas: Any = FigureCanvasAgg(figure)
    out = io.BytesIO()
    with warnings.catch_warnings():  # a sign that its font lacks is drawn as a box
        warnings.simplefilter("ignore")
        canvas.print_png(out, metadata={"Software": None})  # the same chart gives the same bytes
    return out.getvalue()


def _draw(axes: Any, chart: Chart) -> None:
    for pct, colour, label in ((chart.critical_pct, FAR, "to watch"), (chart.warning_pct, NEAR, "on plan")):
        if chart.begun:
            x, y = _units(chart.begun)
            axes.fill_between(x, [max(0.0, value * (1 - pct / 100)) for value in y], [value * (1 + pct / 100) for value in y], color=colour, linewidth=0,
                              label=f"{label}: within {pct:g} % of plan")
    if chart.forecast and chart.begun_forecast:
        (start, spent), (expected, low, high) = chart.begun_forecast, (micros / 1e6 for micros in chart.forecast)
        axes.fill_between([start, 1.0], [spent / 1e6, low], [spent / 1e6, high], color=FAN, linewidth=0, label="ends here in 80 % of cases")
        axes.plot([start, 1.0], [spent / 1e6, expected], color=SPENT, linewidth=1.2)
    axes.plot(*_units(chart.plan), color=PLAN, linestyle=(0, (4, 3)), linewidth=1.5, label="planned")
    if chart.complete is not None:
        axes.axvline(chart.complete, color=DIM, linewidth=0.7)
    if chart.spent:
        axes.plot(*_units(chart.spent), color=SPENT, linewidth=2.4, label="spent")
    if chart.later:
        axes.plot(*_units(chart.later), color=SPENT, linewidth=1.8, linestyle=":", label="reported later")


def _units(line: tuple[Point, ...]) -> tuple[list[float], list[float]]:
    return [x for x, _ in line], [micros / 1e6 for _, micros in line]


def _scale(axes: Any, chart: Chart) -> None:
    axes.set_xlim(0.0, 1.0)
    axes.set_ylim(bottom=min(0.0, axes.get_ylim()[0]) if any(micros < 0 for _, micros in chart.spent) else 0.0)
    days = (chart.last - chart.first).days + 1
    ticks = sorted({days * step // 5 for step in range(5)})
    axes.set_xticks([tick / days for tick in ticks], [weekday(chart.first + timedelta(days=tick)) for tick in ticks], fontsize=8)
    axes.yaxis.set_major_formatter(lambda value, _: _plain(money(round(value * 1e6), chart.currency)))
    axes.tick_params(labelsize=8, color=DIM, labelcolor=DIM)
    axes.grid(axis="y", linewidth=0.4, alpha=0.6)
    axes.set_axisbelow(True)
    for side in ("top", "right"):
        axes.spines[side].set_visible(False)


def _plain(text: str) -> str:
    """Matplotlib reads $...$ as mathematics."""
    return text.replace("$", r"\$")
