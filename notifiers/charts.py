"""Planned against spent, with the bands around the plan: as SVG for the report and as text for the terminal. Pure; no library.

Both axes are linear: elapsed share of the flight's days (0 to 1) and money spent since its start. The bands stand around the plan up to now;
after now there are the plan and, where there is one, the forecast as a fan from what is spent. Spend that is reported after "complete to" is
drawn apart: it is not judged.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date
from html import escape
from itertools import pairwise

from notifiers.cards_text import weekday
from pacing_brain.money import money

Point = tuple[float, int]  # (elapsed share of the flight, micros since its start)
WIDTH, HEIGHT = 320, 112  # of the drawing, in its own units
TOP, BOTTOM, LEFT, RIGHT = 6, 98, 2, 318
COLUMNS, ROWS = 64, 11  # of the text
SPENT, LATER, PLAN, NEAR, FAR, CAST = "●", "○", "·", "▒", "░", "×"
OWN_STYLE = (":root{--dim:#5f6368;--line:#d8dade;--plan:#5f6368;--spent:#0b57a4;--near:#cfe6dc;--far:#f7e7c4;--fan:#d6e4f3}"
             "@media(prefers-color-scheme:dark){:root{--dim:#a4a9b1;--line:#383c44;--plan:#a4a9b1;--spent:#78b4f2;--near:#1f4436;--far:#463a1d;--fan:#20344b}}"
             "text{font:9px system-ui,sans-serif;fill:var(--dim)}path{fill:none}.axis{stroke:var(--line)}.far{fill:var(--far)}.near{fill:var(--near)}"
             ".plan{stroke:var(--plan);stroke-dasharray:4 3;stroke-width:1.5}.spent{stroke:var(--spent);stroke-width:2.5}"
             ".later{stroke:var(--spent);stroke-width:2;stroke-dasharray:2 2}.now{stroke:var(--dim);stroke-width:.75}"
             ".fan{fill:var(--fan)}.cast{stroke:var(--spent);stroke-width:1.25}")  # of a drawing that stands alone


@dataclass(frozen=True)
class Chart:
    """One flight. plan: from (0, 0) to its end. spent: up to `complete` (null: not known). later: reported after it, beginning where spent ends.

    forecast: (expected, low, high) micros at the flight's end, the range within which it lands in 80 % of cases; null: there is none.
    """

    first: date
    last: date
    currency: str
    plan: tuple[Point, ...]
    spent: tuple[Point, ...]
    later: tuple[Point, ...]
    complete: float | None
    warning_pct: float
    critical_pct: float
    forecast: tuple[int, int, int] | None = None

    @property
    def begun_forecast(self) -> Point | None:
        """Where the fan opens: spent to "complete to"; null: there is no forecast, or nothing to come."""
        return (self.complete, self.spent[-1][1]) if self.forecast and self.complete is not None and self.complete < 1 and self.spent else None

    @property
    def top_micros(self) -> int:
        """The highest amount that is shown; at least 1."""
        over = max((micros for _, micros in self.begun), default=0) * (1 + self.critical_pct / 100)
        high = self.forecast[2] if self.forecast and self.begun_forecast else 0
        return max(1, int(over), high, *(micros for line in (self.plan, self.spent, self.later) for _, micros in line))

    @property
    def begun(self) -> tuple[Point, ...]:
        """The plan up to now."""
        if self.complete is None:
            return ()
        return (*(point for point in self.plan if point[0] < self.complete), (self.complete, at(self.plan, self.complete)))

    @property
    def said(self) -> str:
        """The chart in one sentence."""
        plan, spent = (self.plan[-1][1] if self.plan else 0), (self.spent[-1][1] if self.spent else None)
        if self.complete is None or spent is None:
            return f"{money(plan, self.currency)} planned in all; what is spent is not known."
        planned = at(self.plan, self.complete)
        ends = ""
        if self.forecast and self.begun_forecast:
            expected, low, high = (money(micros, self.currency) for micros in self.forecast)
            ends = f" Ends near {expected} (80 % range {low} to {high})."
        return f"{money(spent, self.currency)} spent, {money(planned, self.currency)} planned to date, {money(plan, self.currency)} planned in all.{ends}"


def at(line: Sequence[Point], x: float) -> int:
    """The height of a line at x; level before its first and after its last point."""
    if not line:
        return 0
    for (x0, y0), (x1, y1) in pairwise(line):
        if x0 <= x <= x1:
            return y1 if x1 == x0 else round(y0 + (y1 - y0) * ((x - x0) / (x1 - x0)))
    return line[0][1] if x < line[0][0] else line[-1][1]


def svg(chart: Chart) -> str:
    """One `<svg>` without styles of its own: the page's rules colour its classes (far, near, plan, spent, later, now)."""
    top = chart.top_micros
    parts = [_band(chart, chart.critical_pct, "far", top), _band(chart, chart.warning_pct, "near", top), _line(chart.plan, "plan", top)]
    if chart.complete is not None:
        x = _x(chart.complete)
        parts.append(f'<path class="now" d="M{x} {TOP}V{BOTTOM}"/>')
    parts += [*_fan(chart, top), _line(chart.spent, "spent", top), _line(chart.later, "later", top)]
    labels = (f'<text x="{LEFT}" y="110">{weekday(chart.first)}</text><text x="{RIGHT}" y="110" text-anchor="end">{weekday(chart.last)}</text>'
              f'<text x="{LEFT}" y="{TOP + 9}">{escape(money(top, chart.currency))}</text>')
    return (f'<svg viewBox="0 0 {WIDTH} {HEIGHT}" role="img" aria-label="{escape(chart.said)}"><path class="axis" d="M{LEFT} {BOTTOM}H{RIGHT}"/>'
            f'{"".join(parts)}{labels}</svg>')


def svg_file(chart: Chart) -> str:
    """The drawing with its own style, in light and dark: a file that needs nothing else."""
    return svg(chart).replace("<svg ", '<svg xmlns="http://www.w3.org/2000/svg" ', 1).replace(">", f"><style>{OWN_STYLE}</style>", 1) + "\n"


def _fan(chart: Chart, top: int) -> list[str]:
    """Where it may end, and where it most likely does."""
    start = chart.begun_forecast
    if chart.forecast is None or start is None:
        return []
    expected, low, high = chart.forecast
    return [f'<path class="fan" d="M{_drawn([start, (1.0, high), (1.0, low)], top)}Z"/>', _line((start, (1.0, expected)), "cast", top)]


def _line(points: Sequence[Point], name: str, top: int) -> str:
    drawn = _drawn(points, top)
    return f'<path class="{name}" d="M{drawn}"/>' if drawn else ""


def _band(chart: Chart, pct: float, name: str, top: int) -> str:
    """The area within pct percent of the plan so far."""
    if not chart.begun:
        return ""
    upper = _drawn([(x, round(y * (1 + pct / 100))) for x, y in chart.begun], top)
    lower = _drawn([(x, max(round(y * (1 - pct / 100)), 0)) for x, y in reversed(chart.begun)], top)
    return f'<path class="{name}" d="M{upper}L{lower}Z"/>'


def _drawn(points: Sequence[Point], top: int) -> str:
    return "L".join(dict.fromkeys(f"{_x(x)} {_y(y, top)}" for x, y in points))


def _x(share: float) -> str:
    return f"{LEFT + (RIGHT - LEFT) * min(max(share, 0.0), 1.0):.0f}"


def _y(micros: int, top: int) -> str:
    """Credits may take a sum below nothing: it is drawn at nothing."""
    return f"{BOTTOM - (BOTTOM - TOP) * min(max(micros / top, 0.0), 1.0):.0f}"


def text(chart: Chart) -> list[str]:
    """Lines of plain text: spend and plan as dots, the bands around the plan up to now; then a legend."""
    top = chart.top_micros
    grid = [[" "] * COLUMNS for _ in range(ROWS)]
    for column in range(COLUMNS):
        x = (column + 0.5) / COLUMNS
        for row in range(ROWS):
            grid[row][column] = _cell(chart, x, (ROWS - row - 0.5) / ROWS * top, top / ROWS)
    scale = money(top, chart.currency)
    lines = [f"{scale if row == 0 else '0' if row == ROWS - 1 else '':>{len(scale)}} │{''.join(cells).rstrip()}" for row, cells in enumerate(grid)]
    first, last = weekday(chart.first), weekday(chart.last)
    axis = f"{'':>{len(scale)}} └{'─' * COLUMNS}"
    days = f"{'':>{len(scale)}}  {first}{last:>{COLUMNS - len(first)}}"
    legend = (f"{SPENT} spent  {PLAN} planned  {NEAR} within {chart.warning_pct:g} % of plan  {FAR} within {chart.critical_pct:g} %"
              + (f"  {LATER} reported later, not complete" if chart.later else "") + (f"  {CAST} forecast" if chart.begun_forecast else ""))
    return [*lines, axis, days, legend, chart.said]


def _cell(chart: Chart, x: float, height: float, step: float) -> str:
    """What stands at a place: spend over the plan over the bands."""
    now = chart.complete if chart.complete is not None else -1.0
    planned = at(chart.plan, x)
    cast = (chart.begun_forecast, (1.0, chart.forecast[0])) if chart.forecast and chart.begun_forecast else ()
    for line, sign, shown in ((chart.spent, SPENT, x <= now), (chart.later, LATER, bool(chart.later) and now < x <= chart.later[-1][0]),
                              (cast, CAST, x > now), (chart.plan, PLAN, True)):
        if shown and line and abs(height - min(at(line, x), chart.top_micros - 1)) <= step / 2:
            return sign
    if x > now:
        return " "
    off = abs(height - planned)
    return NEAR if off <= planned * chart.warning_pct / 100 else FAR if off <= planned * chart.critical_pct / 100 else " "
