"""What the views of the command line share: the terminal, words for money and time, tables, JSON. Pure but for `emit` and `show`."""

import shlex
import shutil
import sys
from datetime import UTC, date, datetime, timedelta
from pathlib import Path
from typing import IO, Any

import orjson
from rich.box import SIMPLE_HEAD
from rich.console import Console as Terminal
from rich.console import RenderableType
from rich.table import Table
from rich.text import Text

from notifiers.cards_text import duration, neutral, span_days
from pacing_brain.policy_tables import Stake

WIDTH = 110  # where nothing says how wide the terminal is
WIDEST = 150
EMOJI = {"healthy": "🟢", "warning": "🟡", "critical": "🔴", "escalate": "🔎"}
LANES = ("critical", "escalate", "warning", "healthy")  # worst first
LANE_WORDS = {"healthy": "on plan", "warning": "to watch", "critical": "critical", "escalate": "need a person"}
ACTION_WORDS = {"log_only": "nothing to do", "slack_alert": "people are told", "escalate": "a person is asked", "recommend_halt": "a pause is recommended",
                "autonomous_halt": "the policy may pause it"}
SCALE = Stake()  # its least amounts by currency say how far a yen is from a pound, near enough to sort by
RANK = {"critical": 0, "warning": 1, "healthy": 2}


def terminal(file: IO[str] | None = None) -> Terminal:
    """Standard output as a terminal that shows text as it is: no markup, no emoji codes, no colour where nobody looks."""
    probe = Terminal(file=file)
    width = min(probe.width, WIDEST) if probe.is_terminal or "COLUMNS" in probe._environ else WIDTH  # noqa: SLF001  rich names no other way
    return Terminal(file=file, width=width, highlight=False, markup=False, emoji=False)


def show(*parts: RenderableType) -> None:
    out = terminal()
    for part in parts:
        out.print(part)


def emit(value: object) -> None:
    """One JSON object on stdout."""
    sys.stdout.write(orjson.dumps(value, option=orjson.OPT_INDENT_2 | orjson.OPT_NON_STR_KEYS, default=str).decode() + "\n")


def say(value: object, style: str = "") -> Text:
    """An outside string as one harmless line."""
    return Text(neutral("" if value is None else str(value)), style)


def heading(words: str) -> Text:
    return Text(f"\n{words}", "bold")


class Plain(Table):
    """A table that shows every string as one harmless line; what has styles or several lines comes as Text."""

    def add_row(self, *cells: RenderableType | None, **options: Any) -> None:
        super().add_row(*(say(cell) if isinstance(cell, str) else cell for cell in cells), **options)


def table(*columns: str, right: tuple[str, ...] = (), whole: tuple[str, ...] = ()) -> Plain:
    """A table with these headers. right: columns of numbers. whole: columns that must not be folded."""
    made = Plain(box=SIMPLE_HEAD, pad_edge=False, show_edge=False, header_style="dim")
    for name in columns:
        made.add_column(say(name), justify="right" if name in right else "left", no_wrap=name in whole, overflow="fold")
    return made


def pairs(*rows: tuple[str, object]) -> Table:
    """Labels and what belongs to them; a row without content is left out."""
    grid = Plain.grid(padding=(0, 2))
    grid.add_column(style="dim", no_wrap=True)
    grid.add_column(overflow="fold")
    for label, content in rows:
        if content not in (None, ""):
            grid.add_row(label, content if isinstance(content, Text) else say(content))
    return grid


def numbered(sentences: list[str]) -> Table:
    grid = Plain.grid(padding=(0, 1))
    grid.add_column(justify="right", style="dim", no_wrap=True)
    grid.add_column(overflow="fold")
    for number, sentence in enumerate(sentences, 1):
        grid.add_row(f"{number}.", say(sentence))
    return grid


def to_the_micro(micros: int) -> str:
    """`294,193.198423`: nothing is rounded."""
    whole, rest = divmod(abs(micros), 1_000_000)
    return f"{'-' if micros < 0 else ''}{whole:,}.{rest:06}"


def moment(value: object) -> str:
    """`Thu 5 Nov 2026 08:00 UTC`."""
    if value is None:
        return ""
    at = value if isinstance(value, datetime) else datetime.fromisoformat(str(value))
    return f"{at.astimezone(UTC):%a} {at.astimezone(UTC).day} {at.astimezone(UTC):%b %Y %H:%M} UTC"


def days(row: dict[str, Any]) -> str:
    """`1 to 30 Nov 2026`: the days of a flight."""
    return span_days(date.fromisoformat(row["start_date"]), date.fromisoformat(row["end_date"]))


def ago(seconds: float) -> str:
    return f"{duration(timedelta(seconds=max(seconds, 0.0)))} ago"


def percent(value: float | None) -> str:
    return "" if value is None else f"{value:.0f} %"


def command(words: str) -> str:
    """A command line that works when it is copied, as this program was called: `pacing status`."""
    called = Path(sys.argv[0])
    found = shutil.which("pacing")
    if called.stem != "pacing" or (found and Path(found).resolve() == called.resolve()):
        return f"pacing {words}"
    here = Path.cwd()
    near = called.absolute()
    return f"{shlex.quote(str(near.relative_to(here) if near.is_relative_to(here) else near))} {words}"


def worst_first(incident: dict[str, Any]) -> tuple[int, float, str]:
    """Severity, then money at stake, never percent."""
    least = SCALE.minimum_units_by_currency.get(incident["currency"] or "", SCALE.minimum_units)
    return RANK[incident["severity"]], -incident["money_micros"] / least, incident["fingerprint"]
