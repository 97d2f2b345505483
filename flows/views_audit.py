"""Ledger entries and policies as people read them. Pure."""

from typing import Any

import orjson
from rich.console import Group, RenderableType
from rich.text import Text

from flows import views

OWN = ("seq", "at", "run_id", "kind", "subject", "leaf")
SHOWN_CHARACTERS = 300  # of an entry's own words; --json has all of them
Known = dict[str, Any]


def entries_report(known: Known) -> RenderableType:
    """Entries in order, each with the beginning of what it says, and the size and root of the ledger."""
    made = views.table("seq", "at", "kind and subject", "says", right=("seq",), whole=("seq", "at"))
    for one in known["entries"]:
        what = Text.assemble((one["kind"], "bold"), "\n", views.say(one["subject"], "dim"))
        made.add_row(str(one["seq"]), views.moment(one["at"]).replace(" UTC", "Z"), what, views.say(_says(one)))
    shown = f"{len(known['entries'])} of {known['size']:,} entries" if known["entries"] else f"none of {known['size']:,} entries"
    return Group(made, views.pairs(("shown", shown), ("ledger", known["ledger_id"]), ("root", known["root"])))


def _says(entry: Known) -> str:
    """Its own keys with their values, as JSON says them, in an order and with blanks that a line can be broken at."""
    said = ", ".join(f"{name} {_value(value)}" for name, value in entry.items() if name not in OWN and value not in (None, [], {}))
    return said if len(said) <= SHOWN_CHARACTERS else said[:SHOWN_CHARACTERS] + "…"


def policy_report(known: Known) -> RenderableType:
    """Valid; what differs; which scope won."""
    parts: list[RenderableType] = [Text.assemble("Valid: ", views.say(known["policy"]), style="bold"),
                                   views.pairs(("digest", known["digest"]), ("compared with", known["compared_with"]))]
    parts += [Text("\nNothing differs.")] if not known["differs"] else [views.heading(f"Differs in {len(known['differs'])} keys"), _differs(known)]
    if known["campaign"]:
        parts += [views.heading(f"What holds for {views.say(known['campaign']['name']).plain} ({views.say(known['campaign']['flight_id']).plain})"),
                  _winners(known["campaign"]["keys"])]
    return Group(*parts)


def _differs(known: Known) -> RenderableType:
    made = views.table("key", "there", "here")
    for one in known["differs"]:
        made.add_row(views.say(one["key"]), views.say(_value(one["before"])), views.say(_value(one["after"])))
    return made


def _winners(keys: list[Known]) -> RenderableType:
    made = views.table("key", "value", "won by")
    for one in keys:
        made.add_row(views.say(one["key"]), views.say(_value(one["value"])), views.say(one["scope"], "dim" if one["scope"] == "default" else "bold"))
    return made


def _value(value: object) -> str:
    return "(not set)" if value is None else value if isinstance(value, str) else orjson.dumps(value).decode()
