"""A replay as people read it: equal bytes or not, and what another policy would have changed. Pure."""

from typing import Any

from rich.console import Group, RenderableType
from rich.text import Text

from flows import views

ROWS = 40  # of what would have changed; --json has all
Known = dict[str, Any]


def replay_report(known: Known) -> RenderableType:
    """What was compared with what, then what would have changed."""
    compared = known["bytes"]
    equal = not compared["different"]
    verdict = f"{compared['equal']:,} of {compared['compared']:,} recorded entries are derived again, byte for byte."
    withheld = f"{compared['withheld']:,} entries whose body is withheld cannot be compared" if compared["withheld"] else None
    parts: list[RenderableType] = [
        Text(verdict, "bold green" if equal else "bold red"),
        views.pairs(("windows", f"{len(known['runs'])} runs, {known['from']} to {known['to']}"), ("inputs", "all digests recomputed, all as recorded"),
                    ("versions", _versions(known)), ("withheld", withheld))]
    if not equal:
        made = views.table("run", "not equal", "entry", right=("entry",))
        for one in compared["differs"]:
            made.add_row(one["run_id"], views.say(one["what"]), "" if one["seq"] is None else str(one["seq"]))
        parts.append(made)
    return Group(*parts, *(_would(known) if "changed" in known else []))


def _versions(known: Known) -> str:
    if known["same_versions"]:
        return "code and libraries as recorded"
    code = known["code"]
    said = [] if code["recorded"] == [code["now"]] else [f"code {', '.join(code['recorded'])} then, {code['now']} now"]
    said += [f"{name} {', '.join(one['recorded'])} then, {one['now'] or 'none'} now" for name, one in known["other_libraries"].items()]
    return "NOT those that were recorded: " + "; ".join(said)


def _would(known: Known) -> list[RenderableType]:
    changed, alerts, halts = known["changed"], known["alerts"], known["halts"]
    a_day = alerts["a_day"]
    facts = views.pairs(
        ("policy", known["policy"][:12]), ("would have changed", f"{changed['decisions']:,} decisions on {changed['campaigns']:,} campaigns"),
        ("alerts a day", f"{a_day['would']:g}, recorded {a_day['recorded']:g} ({alerts['would']} in all, recorded {alerts['recorded']})"),
        ("halts recommended", f"{len(halts['would'])}, recorded {len(halts['recorded'])}"))
    return [views.heading("Under the other policy"), facts, *([_money(known["money"])] if known["money"] else []),
            *([_rows(changed["rows"])] if changed["rows"] else [])]


def _money(money: dict[str, dict[str, int]]) -> RenderableType:
    made = views.table("money off plan", "decided otherwise", "halts, recorded", "halts, would be", right=("decided otherwise", "halts, recorded", "halts, would be"))
    for currency, parts in money.items():
        made.add_row(currency, *(views.to_the_micro(parts[name]) for name in ("changed", "halts_recorded", "halts_would")))
    return made


def _rows(rows: list[Known]) -> RenderableType:
    made = views.table("window", "campaign", "off plan", "was", "would be", "why", right=("off plan",), whole=("window",))
    for row in rows[:ROWS]:
        money = "" if row["off_plan_micros"] is None else f"{row['currency']} {row['off_plan_micros'] / 1_000_000:,.2f}"
        made.add_row(row["window"][:16] + "Z", views.say(row["campaign_name"] or row["flight_id"]), money, _verdict(row["was"]), _verdict(row["would"]),
                     views.say(row["why"][-1] if row["why"] else ""))
    return Group(made, *([Text(f"... and {len(rows) - ROWS:,} more; --json has all", "dim")] if len(rows) > ROWS else []))


def _verdict(one: Known | None) -> str:
    return "not decided" if one is None else f"{one['lane']}, {views.ACTION_WORDS.get(one['action'], one['action'])}"
