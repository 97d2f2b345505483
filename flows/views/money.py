"""Where the money is: the buckets of a run, per currency, against the warehouse's own total. Pure."""

from collections.abc import Mapping

from rich.console import Group, RenderableType
from rich.text import Text

from flows.views import say, table, to_the_micro

BUCKETS = {"matched": "in the plan", "after_watermark": "in the plan, later than complete", "untracked": "in no plan",
           "ambiguous": "match not certain", "outside_flight": "outside its flight", "quarantined": "quarantined"}
AT_ONCE = 4  # currencies side by side

Money = Mapping[str, Mapping[str, int]]


def adds_up(spend: Money, totals: Mapping[str, int]) -> bool:
    """Whether each currency's parts are its total and the total is the other side's, to the micro; both know the same currencies."""
    whole = all(sum(parts[name] for name in BUCKETS) == parts["total"] for parts in spend.values())
    known = {code for code, parts in spend.items() if parts["total"]} | {code for code, total in totals.items() if total}
    return whole and all(spend.get(code, {}).get("total", 0) == totals.get(code, 0) for code in known)


def buckets(spend: Money, totals: Mapping[str, Mapping[str, int]]) -> RenderableType:
    """Every micro in one bucket. totals: name of the other side -> currency -> micros."""
    if not spend:
        return Text("The warehouse reported no spend for these days.")
    return Group(*(_beside(codes, spend, totals) for codes in _side_by_side(sorted(spend))), _verdict(spend, totals))


def _beside(codes: tuple[str, ...], spend: Money, totals: Mapping[str, Mapping[str, int]]) -> RenderableType:
    made = table("spend", *codes, right=codes, whole=codes)
    for name, words in BUCKETS.items():
        if any(spend[code][name] for code in codes):
            made.add_row(words, *(to_the_micro(spend[code][name]) if spend[code][name] else "-" for code in codes))
    made.add_row(Text("= sum", "bold"), *(Text(to_the_micro(sum(spend[code][name] for name in BUCKETS)), "bold") for code in codes))
    for whose, total in totals.items():
        made.add_row(say(whose), *(to_the_micro(total.get(code, 0)) for code in codes))
    return made


def _verdict(spend: Money, totals: Mapping[str, Mapping[str, int]]) -> Text:
    off = [whose for whose, total in totals.items() if not adds_up(spend, total)]
    if off:
        return Text(f"The parts do NOT add up to {' and '.join(off)}.", "bold red")
    return Text("Every micro is in exactly one row; the sums are equal to the micro.", "green")


def _side_by_side(codes: list[str]) -> list[tuple[str, ...]]:
    return [tuple(codes[start:start + AT_ONCE]) for start in range(0, len(codes), AT_ONCE)]
