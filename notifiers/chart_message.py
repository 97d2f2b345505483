"""A chart as a message below its card: its figures travel through the outbox, and it is drawn when it is delivered. Pure."""

from dataclasses import asdict
from datetime import date
from typing import Any

from notifiers.charts import Chart
from notifiers.message import Message

KIND = "pacing_chart"  # a block of ours, that no poster shows as it is
_LINES = ("plan", "spent", "later")


def chart_message(chart: Chart, title: str) -> Message:
    """The chart, with its sentence for who cannot see it."""
    figures = asdict(chart) | {"first": chart.first.isoformat(), "last": chart.last.isoformat()}
    return Message(f"{title}: {chart.said}", ({"type": KIND, "title": title, "chart": figures},))


def chart_of(message: Message) -> tuple[Chart, str] | None:
    """(chart, title) of a message that is one."""
    if not message.blocks or message.blocks[0].get("type") != KIND:
        return None
    given: dict[str, Any] = dict(message.blocks[0]["chart"])
    lines = {name: tuple((float(x), int(y)) for x, y in given[name]) for name in _LINES}
    days = {name: date.fromisoformat(given[name]) for name in ("first", "last")}
    forecast = None if given["forecast"] is None else tuple(int(micros) for micros in given["forecast"])
    return Chart(**given | lines | days | {"forecast": forecast}), str(message.blocks[0]["title"])
