"""Ledger entries and policies as people read them. Pure."""

from typing import Any

import orjson
from rich.console import Group, RenderableType
from rich.text import Text

from flows import views

OWN = ("seq", "at", "run_id", "kind", "subject", "leaf")
SHOWN_CHARACTERS = 300  # of an entry's own words; --json has all of them
FIRST = ("error", "status", "outcome", "decision", "answer", "who", "by", "reason", "headline", "problem", "campaign_name", "client", "lane", "severity",
         "action", "pacing_pct", "direction", "actual_micros", "target_micros", "currency", "root_cause", "reasons", "confidence", "platform",
         "account_id", "campaign_id", "watermark", "mode", "window", "as_of", "campaigns", "by_severity", "by_action")  # what people look for, in their order
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
    """Its own keys with their values, as JSON says them, what people look for first, with blanks that a line can be broken at."""
    names = [*(name for name in FIRST if name in entry), *(name for name in entry if name not in FIRST and name not in OWN)]
    said = ", ".join(f"{name} {_value(entry[name])}" for name in names if entry[name] not in (None, [], {}))
    return said if len(said) <= SHOWN_CHARACTERS else said[:SHOWN_CHARACTERS] + "…"


def policy_report(known: Known) -> RenderableType:
    """Valid; what differs; which scope won."""
    parts: list[RenderableType] = [Text.assemble("Valid: ", views.say(known["policy"]), style="bold"),
                                   views.pairs(("digest", known["digest"]), ("compared with", known["compared_with"]))]
    parts += [Text("\nNothing differs.")] if not known["differs"] else [views.heading(f"Keys that differ: {len(known['differs'])}"), _differs(known)]
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


def verified_report(known: Known) -> RenderableType:
    """What was verified by what, or everything that was found."""
    words = Text("Verified: the ledger is what was anchored.", "bold green") if known["ok"] else Text("NOT verified.", "bold red")
    where = known["anchor_dir"] + (" (same machine as the database: whoever can change one can change both; set PACING_ANCHOR_DIR)"
                                   if known["same_machine"] else "")
    parts: list[RenderableType] = [words, views.pairs(
        ("entries", f"{known['size']:,}, of which {known['not_anchored']:,} since the newest anchor"), ("anchors", f"{known['anchors']} in {where}"),
        ("anchored up to", views.moment(known["anchored_at"]) if known["anchored_at"] else "nothing"), ("ledger", known["ledger_id"]),
        ("root", known["root"]))]
    if known["findings"]:
        made = views.table("step", "what is wrong", "first bad entry", "proven by", right=("step", "first bad entry"))
        for one in known["findings"]:
            made.add_row(str(one["step"]), views.say(one["what"]), "" if one["first_bad"] is None else str(one["first_bad"]), views.say(one["anchor"]))
        parts += [views.heading(f"Found: {len(known['findings'])}"), made]
    return Group(*parts)


def stats_report(known: Known) -> RenderableType:
    """Decisions by each of what they are counted by, then answers."""
    share = known["needed_a_person"]["share"]
    parts: list[RenderableType] = [views.pairs(
        ("decisions", f"{known['decisions']:,}, and {known['restated']:,} restated"),
        ("needed a person", f"{known['needed_a_person']['decisions']:,}" + (f" ({share:.1%})" if share is not None else "")),
        ("answers", ", ".join(f"{count} {name}" for name, count in known["answers"].items()) or "none"),
        ("seconds to an answer", _value(known["seconds_to_answer"])))]
    for name, counts in known["by"].items():
        if counts:
            made = views.table(name, "decisions", right=("decisions",))
            for value, count in counts.items():
                made.add_row(views.say(value), f"{count:,}")
            parts.append(made)
    return Group(*parts)
