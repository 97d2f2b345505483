"""What `/pacing` and *Show the working* say: the words of `pacing status` and `pacing explain`, as Slack takes them."""

import io
from collections.abc import Iterable, Iterator

from rich.console import Console, RenderableType

from flows import explaining
from flows.status import standing
from flows.views.explain import choices, explanation_report
from flows.views.status import status_report
from flows.wiring import House
from notifiers.cards_text import escape

WIDTH, NARROW = 92, 66  # characters of a message, and of a form
PIECE, MOST = 2_600, 9  # characters of one block, and how many of them
NOTHING_YET = "No run has been sealed yet."


def status(house: House, asked: str) -> Iterator[str]:
    """`pacing status`, or `pacing explain` of the campaign that is asked for."""
    if asked:
        yield from _explained(house, asked, WIDTH)
        return
    yield from in_code(_lines(status_report({"home": str(house.settings.home)} | standing(house)), WIDTH))


def working(house: House, subject: str) -> Iterator[str]:
    """Why the flight of a recommendation or an incident got its decision."""
    one = house.recommendations.get(subject)
    incident = house.incidents.get(one.incident_id if one else subject)
    if incident is None:
        yield "This card is not on the record any more."
    elif len(incident.finding.flights) == 1:
        yield from _explained(house, incident.finding.flights[0], NARROW)
    else:
        yield escape(incident.finding.headline)
        yield from in_code([f"pacing explain {flight}" for flight in incident.finding.flights])


def _explained(house: House, asked: str, width: int) -> Iterator[str]:
    run = house.runs.last_sealed()
    if run is None:
        yield NOTHING_YET
        return
    decisions = house.frames.load(run.run_id, "decisions")
    found = explaining.hits(decisions, asked)
    if len(found) == 1:
        yield from in_code(_lines(explanation_report(explaining.explanation(house, run.run_id, found)), width))
        return
    several = explaining.listed(found) if len(found) else []
    yield from in_code(_lines(choices(asked, several, [] if several else explaining.near(decisions, asked)), width))


def _lines(report: RenderableType, width: int) -> list[str]:
    out = io.StringIO()
    Console(file=out, width=width, color_system=None, force_terminal=False, highlight=False, markup=False, emoji=False).print(report)
    return out.getvalue().splitlines()


def in_code(lines: Iterable[str]) -> Iterator[str]:
    """Blocks of code of whole lines, the first MOST of them."""
    piece, made = "", 0
    for line in [escape(line.rstrip().replace("```", "'''"))[:PIECE] for line in lines]:
        if len(piece) + len(line) > PIECE:
            made += 1
            if made == MOST:
                yield "… and more: `pacing explain` in a terminal."
                return
            yield f"```\n{piece}```"
            piece = ""
        piece += f"{line}\n"
    if piece.strip():
        yield f"```\n{piece}```"
