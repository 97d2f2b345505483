"""What the report says of each flight, currency and bucket, in the words of CARDS.md. Pure; HTML is the template's business."""

import re
from collections.abc import Mapping, Sequence
from datetime import UTC, date, datetime
from functools import lru_cache
from typing import Any

import pandas as pd
from markupsafe import Markup, escape

from notifiers import charts
from notifiers.cards_digest import LIVE_PHASES, PARTS, PROBLEMS
from notifiers.cards_facts import CHECKS, account_number, curve, off_plan_micros, pct_of_plan, platform, score_pct, trust
from notifiers.cards_text import instant, neutral, span_days, weekday
from notifiers.console import clean
from notifiers.telling import SCALE
from pacing_brain.model import HALTS, Problem, Quarantined
from pacing_brain.money import money
from pacing_brain.natives import natives

Row = dict[str, Any]
LANES = {"critical": "critical", "escalate": "needs a person", "warning": "to watch", "healthy": "on plan"}
RANKS = {lane: rank for rank, lane in enumerate(LANES)}  # worst first
RESTING = {"before": "not started yet", "closed": "over, figures final"}
BUCKETS = {**PARTS, "untracked": "in no plan", "ambiguous": "to confirm"}
_ORDINARY = re.compile(r"[\x20-\x7e\u00a1-\u00ac\u00ae-\u02ff–—‘’“”•…€₹₩∞·]*")  # nothing in it that `neutral` would touch, but for blanks

_MICROS = re.compile(r"(-?\d+) micros ([A-Z]{3})")


@lru_cache(maxsize=65_536)
def shown(value: object) -> str:
    """An outside string as one line that cannot steer what stands around it."""
    text = "" if value is None else str(value)
    return text if _ORDINARY.fullmatch(text) else neutral(text)


def breakable(name: str) -> Markup:
    """A name, escaped, that a line can be broken in where its words end."""
    return Markup(escape(name).replace("_", Markup("_<wbr>")))  # noqa: S704  escaped in the same breath


def moment(value: object) -> str:
    """`Thu 5 Nov 2026 08:00 UTC`, empty when not known."""
    found = value if isinstance(value, datetime) else instant(value)
    return f"{weekday(found.date())} {found.year} {found.astimezone(UTC):%H:%M} UTC" if found else ""


def to_the_micro(micros: int) -> str:
    """`294,193.198423`: nothing is rounded."""
    whole, rest = divmod(abs(micros), 1_000_000)
    return f"{'-' if micros < 0 else ''}{whole:,}.{rest:06}"


def worst_first(flights: pd.DataFrame) -> pd.DataFrame:
    """By lane, then money at stake (a yen is not a pound), then flight."""
    units = flights["currency"].map(SCALE.minimum_units_by_currency).fillna(SCALE.minimum_units).astype("float64")
    off = (flights["actual_micros"] - flights["target_micros"]).abs()
    stake = off.fillna(flights["target_micros"]).fillna(0).astype("float64") / units
    order = pd.DataFrame({"lane": flights["lane"].map(RANKS), "stake": -stake, "flight": flights["flight_id"]})
    return flights.loc[order.sort_values(["lane", "stake", "flight"], kind="stable").index].reset_index(drop=True)


def lane_counts(flights: pd.DataFrame) -> list[tuple[str, str, int]]:
    """(lane, word, how many) of the flights that are on, as the digest counts them."""
    found = flights.loc[flights["phase"].isin(LIVE_PHASES), "lane"].value_counts()
    return [(lane, word, int(found.get(lane, 0))) for lane, word in LANES.items()]


def resting(flights: pd.DataFrame) -> list[tuple[str, int]]:
    found = flights["phase"].value_counts()
    return [(word, int(found[phase])) for phase, word in RESTING.items() if phase in found]


def sums(flights: pd.DataFrame) -> list[Row]:
    """Spent and planned to date by currency, over the flights that can be judged: the digest's own figures."""
    judged = flights[flights["phase"].isin(LIVE_PHASES) & flights["lane"].ne("escalate") & flights["actual_micros"].notna()
                     & flights["target_micros"].notna()]
    grouped = judged.groupby("currency")
    found = grouped[["actual_micros", "target_micros"]].sum().assign(n=grouped.size()).sort_index()
    made = []
    for currency, actual, target, n in found.itertuples():
        row = {"actual_micros": int(actual), "target_micros": int(target)}
        made.append({"currency": currency, "spent": money(int(actual), currency), "planned": money(int(target), currency),
                     "pct": pct_of_plan(row) or "", "flights": int(n)})
    return made


def tie_out(spend: Mapping[str, Mapping[str, int]], totals: Mapping[str, int] | None) -> list[Row]:
    """The parts of each currency, their sum, and whether it is the warehouse's own total, to the micro."""
    made = []
    for currency in sorted(spend.keys() | (totals or {}).keys()):
        parts = spend.get(currency, {})
        known = [(BUCKETS[name], int(parts.get(name, 0))) for name in PARTS if parts.get(name, 0)]
        total = sum(micros for _, micros in known)
        own = None if totals is None else int(totals.get(currency, 0))
        made.append({"currency": currency, "parts": known, "sum": total, "total": own, "ties": own is None or own == total})
    return made


def flight_rows(flights: pd.DataFrame, drawings: Mapping[str, charts.Chart]) -> list[Row]:
    """One dict per flight, in the order given."""
    return [_flight(number, row, drawings.get(row["flight_id"])) for number, row in enumerate(natives(flights))]


def _flight(number: int, row: Row, chart: charts.Chart | None) -> Row:
    currency, off = row["currency"], off_plan_micros(row)
    units = SCALE.minimum_units_by_currency.get(currency, SCALE.minimum_units)
    keys = [str(RANKS[row["lane"]]), str(number), *(_key(value) for value in (
        row["pacing_pct"], _scaled(off, units, size=True), _scaled(row["actual_micros"], units), _scaled(row["target_micros"], units), row["score"]))]
    return {
        "number": number, "order": " ".join(keys), "lane": row["lane"], "lane_word": LANES[row["lane"]], "more": _more(row), "name": shown(_name(row)), "client": shown(row["client"]),
        "platform": shown(platform(row["platform"])), "pct": pct_of_plan(row) or "", "off": off_words(row),
        "spent": "" if row["actual_micros"] is None else money(row["actual_micros"], currency),
        "planned": "" if row["target_micros"] is None else money(row["target_micros"], currency),
        "trust": "" if row["score"] is None else score_pct(row), "facts": _facts(row), "red": _red(row),
        "reasons": [shown(said) for said in row["reasons"] or []], "why": shown(row["root_cause"]),
        "remedies": [shown(said) for said in row["mitigation"] or [row["recommendation"]] if said],
        "chart": charts.svg(chart) if chart else "", "record": _record(row)}


def _key(value: float | None) -> str:
    """For sorting in the browser; what is not known is `-` and goes last."""
    return "-" if value is None else f"{value:.6g}"


def _scaled(micros: int | None, units: float, *, size: bool = False) -> float | None:
    return None if micros is None else (abs(micros) if size else micros) / units


def _name(row: Row) -> str:
    return str(row["campaign_name"] or row["platform_name"] or row["campaign_id"] or row["flight_id"])


def state(row: Row) -> str:
    """What is the matter, in a few words; a flight whose pacing can be told has its percent."""
    if row["zero_delivery"]:
        return "not found on the platform" if row["zero_kind"] == "not_found" else "not delivering"
    if row["lane"] == "escalate":
        return _asked_of_a_person(row)
    if row["phase"] in RESTING:
        return RESTING[row["phase"]]
    pct = pct_of_plan(row)
    return f"{pct} of plan to date" if pct else ""


def _asked_of_a_person(row: Row) -> str:
    verdicts = {one.get("verdict") for one in row["candidates"] or []}
    if row["problem"] == Problem.IDENTITY and row["match_kind"] in ("none", "ambiguous") and "proposed" not in verdicts:
        return "which campaign is it?" if "tie" in verdicts else "planned, not found on the platform"
    return PROBLEMS.get(Problem(row["problem"]), "needs a look") if row["problem"] else "not enough trust"


def off_words(row: Row) -> str:
    """`£10,695 over`."""
    off = off_plan_micros(row)
    if off is None or not (row["actual_micros"] or row["target_micros"]) or (row["lane"] == "escalate" and row["pacing_pct"] is None):
        return ""
    return f"{money(abs(off), row['currency'])} {'over' if off > 0 else 'under'}" if off else "exactly on plan"


def _more(row: Row) -> str:
    """Beside the verdict: what the percent does not say, and what is asked."""
    told, pct = state(row), pct_of_plan(row)
    asked = "pause recommended" if row["action"] in HALTS else ""
    return " · ".join(said for said in ("" if pct and told.startswith(pct) else told, asked) if said)


def _facts(row: Row) -> list[tuple[str, str]]:
    """Labels and what belongs to them; what is not known is left out."""
    first, last, currency = date.fromisoformat(row["start_date"]), date.fromisoformat(row["end_date"]), row["currency"]
    later, account = row["after_watermark_micros"], account_number(row)
    found = (
        ("Flight", f"{span_days(first, last)}, {curve(row)}, budget {money(row['budget_micros'], currency)}"),
        ("Where", f"{platform(row['platform'])}{f', account {account}' if account else ''}{f', campaign {_id(row)}' if _id(row) else ''}"),
        ("Spend complete to", moment(row["watermark"]) or "not known: no load of this account was seen"),
        ("Reported later", money(later, currency) if later else ""), ("Can we trust this?", clean(trust(row))),
        ("Not on plan since", moment(row["first_bad_at"]) if row["lane"] != "healthy" else ""), ("Owner", row["owner"]))
    return [(label, shown(said)) for label, said in found if said]


def _id(row: Row) -> str | None:
    found: str | None = row["platform_campaign_id"] or row["campaign_id"]
    return found


def _red(row: Row) -> list[tuple[str, str]]:
    gates = row["gates"] or {}
    return [(CHECKS.get(name, name), shown(gate["evidence"])) for name, gate in sorted(gates.items()) if gate["state"] == "red"]


def _record(row: Row) -> str:
    seq = row.get("standing_seq")
    entry = "" if seq is None else f", record {seq}{' (stands unchanged)' if row['restated'] else ''}"
    return shown(f"Flight {row['flight_id']}, row {row['rows']} of the plan{entry}")


def unjudged(flights: pd.DataFrame) -> list[Row]:
    """Flights whose pacing was not judged, together where one fault explains them: what, why, how many, planned to date."""
    held = flights[flights["phase"].isin(LIVE_PHASES) & (flights["lane"].eq("escalate") | flights["error"].notna())]
    made = []
    for _, group in held.groupby(held["incident"].fillna(held["flight_id"]), sort=False):
        rows = natives(group.head(1))
        planned = group.groupby("currency")["target_micros"].sum()
        made.append({"what": state(rows[0]), "flights": len(group), "why": _ground(rows[0]),
                     "about": shown(_name(rows[0])) if len(group) == 1 else _together(group, rows[0]),
                     "planned": ", ".join(money(int(micros), currency) for currency, micros in planned.items() if micros)})
    return made


def _together(group: pd.DataFrame, first: Row) -> str:
    named = ", ".join(shown(name) for name in group["campaign_name"].dropna().head(3))
    alone = len(group[["platform", "account_id"]].drop_duplicates()) == 1
    where = f"{platform(first['platform'])} account {account_number(first)}: " if alone else ""
    return shown(f"{where}{named}{f' and {len(group) - 3} more' if len(group) > 3 else ''}")


def _ground(row: Row) -> str:
    red = _red(row)
    return red[0][1] if red else shown(row["error"] or (row["reasons"] or [""])[-1])


def outside_rows(outside: pd.DataFrame) -> list[Row]:
    return [{"amount": money(row["spend_micros"], row["currency"]), "why": shown(row["why"]), "campaign": shown(row["campaign_name"] or row["campaign_id"]),
             "id": shown(row["campaign_id"]), "where": shown(f"{platform(row['platform'])}, account {account_number(row)}"),
             "days": span_days(date.fromisoformat(row["first_day"]), date.fromisoformat(row["last_day"]))} for row in natives(outside)]


def quarantined_rows(rows: Sequence[Quarantined]) -> list[Row]:
    return [{"place": shown(row.place), "row": row.row or "", "column": shown(row.column), "value": shown(_value(row.value)),
             "reason": shown(row.reason)} for row in rows]


def _value(text: str | None) -> str:
    """A value as it stands in its source; an amount in micros as an amount."""
    amount = _MICROS.fullmatch(text or "")
    return f"{to_the_micro(int(amount[1]))} {amount[2]}" if amount else text or ""
