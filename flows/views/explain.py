"""Why a campaign got its decision, as a person would want it. Pure: what `flows.explaining` gathered in, a renderable out."""

from typing import Any

from rich.console import Group, RenderableType
from rich.text import Text

from flows import views
from notifiers.cards_facts import CHECKS, DETAILS, account_number, pct_of_plan, platform
from notifiers.charts import Chart, text
from pacing_brain.money import money
from pacing_brain.zones import day_text

Row = dict[str, Any]
MATCHES = {"id": "same id", "alias": "a match that a person confirmed", "name": "same name, id not confirmed", "ambiguous": "several campaigns fit",
           "none": "no campaign found"}
DETAIL_WORDS = {"match": "agrees", "differs": "differs", "empty": "empty on one side", "left_out": "left out: the source does not have it"}
LISTED = 15


def explanation_report(known: Row, chart: Chart | None = None) -> RenderableType:
    """Verdict, figures, trust, reasons, cause, remedies, bridge, history, and where it stands on the record."""
    row = known["decision"]
    parts: list[RenderableType] = [verdict(row), Text(""), figures(row), views.heading("Trust"), trust(row, known["weights"]),
                                   views.heading("Reasons, in the order in which they decided"), views.numbered(row["reasons"] or [])]
    if chart is not None:
        parts[3:3] = [views.heading("Planned against spent"), *(Text(line) for line in text(chart))]
    parts += [views.heading("Where it will land"), landing(row)]
    if row["root_cause"]:
        parts += [views.heading("Why"), views.say(row["root_cause"])]
    if row["mitigation"]:
        parts += [views.heading("What can be done"), views.numbered(row["mitigation"])]
    if known["narration"]:
        parts += [views.heading(f"In plain words, by a language model ({known['narration']['model']}); what counts is above"), views.say(known["narration"]["text"])]
    if row.get("reallocation"):
        parts += [views.heading("Budget that could move within the client"), moves(row)]
    if row["candidates"]:
        parts += [views.heading("Campaigns it was compared with"), _candidates(row)]
    parts += [views.heading("Variance bridge"), bridge(known), views.heading("Decided before"), history(known["history"])]
    return Group(*parts, views.heading("On the record"), _record(known))


def verdict(row: Row) -> RenderableType:
    """One line that says what it is, and one that says what follows."""
    who = " · ".join(views.say(part).plain for part in (row["client"], row["campaign_name"] or row["platform_name"]) if part)
    return Group(views.say(f"{views.EMOJI[row['lane']]} {who or row['flight_id']}: {_state(row)}", "bold"),
                 Text(f"{row['action']}: {views.ACTION_WORDS.get(row['action'], '')}{', urgent' if row['urgent'] else ''}"))


def _state(row: Row) -> str:
    if row["lane"] == "escalate":
        return "a person is asked"
    if row["zero_delivery"]:
        return "not found on the platform" if row["zero_kind"] == "not_found" else "not delivering"
    if row["phase"] in ("before", "closed"):
        return {"before": "not started yet", "closed": "over, figures final"}[row["phase"]]
    if row["pacing_pct"] is None:
        return views.LANE_WORDS[row["lane"]]
    off = abs(row["actual_micros"] - row["target_micros"])
    side = f", {money(off, row['currency'])} {row['direction']}" if row["direction"] != "none" else ""
    return f"{pct_of_plan(row)} of plan to date{side}"


def figures(row: Row) -> RenderableType:
    currency = row["currency"]
    flight = f"{views.days(row)}, {row['curve']} pacing, budget {money(row['budget_micros'], currency)}"
    later = row["after_watermark_micros"]
    return views.pairs(
        ("flight", f"{row['flight_id']} · {flight} · row {row['rows']} of the plan"),
        ("where", f"{platform(row['platform'])}, account {account_number(row)}, campaign {row['platform_campaign_id'] or row['campaign_id'] or 'not known'}"),
        ("planned to date", money(row["target_micros"], currency)), ("spent to date", money(row["actual_micros"], currency)),
        ("variance", _variance(row)),
        ("allowed by the platform", f"{money(row['allowed_micros'], currency)}: it takes that back by itself" if row.get("allowed_micros") else ""), ("pacing", "" if row["pacing_pct"] is None else f"{row['pacing_pct']:.1f} % of plan"),
        ("spend complete to", views.moment(row["watermark"]) or "not known: the account's feed was never seen"),
        ("reported later", money(later, currency) if later else ""),
        ("severity", f"{row['severity']} (by the band alone: {row['band_severity']})" if row["band_severity"] else row["severity"]),
        ("what counts", f"{money(row['stake_micros'], currency)} or more off plan" if row["stake_micros"] is not None else ""),
        ("not healthy since", views.moment(row["first_bad_at"])), ("owner", row["owner"]))


def _variance(row: Row) -> str:
    if row["variance_pct"] is None:
        return "not judged"
    off = row["actual_micros"] - row["target_micros"]
    return f"{row['variance_pct']:.1f} %, {money(abs(off), row['currency'])} {row['direction']} plan"


def trust(row: Row, weights: dict[str, float] | None) -> RenderableType:
    """The score with its parts, and each check with its evidence; a red one first."""
    made = views.table("", "check", "evidence", whole=("check",))
    gates = row["gates"] or {}
    for name in sorted(gates, key=lambda gate: (gates[gate]["state"] != "red", gate)):
        red = gates[name]["state"] == "red"
        made.add_row(Text("✗" if red else "✓", "bold red" if red else "green"), CHECKS.get(name, name), views.say(gates[name]["evidence"]))
    return Group(_score(row, weights), made)


def _score(row: Row, weights: dict[str, float] | None) -> RenderableType:
    if row["score"] is None:
        return Text("No score: nothing was found to compare the plan with.")
    of = {name: (f" x {weights[f'weight_{name}']:g}" if weights else "") for name in ("metadata", "name", "freshness")}
    least = f", at least {weights['minimum']:.0%} is needed" if weights else ""
    details = ", ".join(f"{DETAILS.get(name, name)} {DETAIL_WORDS.get(state, state)}" for name, state in (row["metadata_detail"] or {}).items())
    return Group(Text(f"{row['score']:.0%}{least}; {MATCHES.get(row['match_kind'], row['match_kind'])}"), views.pairs(
        *((name, f"{_share(row[f'score_{name}'])}{of[name]}" + (f" ({details})" if name == "metadata" and details else "")) for name in of)))


def _share(value: float | None) -> str:
    return "not known" if value is None else f"{value:.0%}"


def _candidates(row: Row) -> RenderableType:
    made = views.table("campaign", "id", "alike", "spent", "verdict", right=("alike", "spent"), whole=("alike", "spent"))
    for one in row["candidates"][:LISTED]:
        alike = "" if one.get("similarity") is None else f"{one['similarity']:.0%}"
        made.add_row(views.say(one.get("campaign_name")), views.say(one.get("campaign_id")), alike, money(one.get("spend_micros"), row["currency"]),
                     views.say(one.get("why") or one.get("verdict")))
    return made


BRIDGE = {  # in the order in which the variance is explained
    "target_change_micros": "the plan was changed, and the spend still follows the earlier one",
    "lag_micros": "spent, and not reported yet",
    "platform_allowance_micros": "the platform may spend this above a daily budget, and takes it back",
    "weekday_micros": "weekdays that are always stronger or weaker",
    "noise_micros": "its own ups and downs, and the time left to come back",
    "residual_micros": "not explained: this meets the bands",
}


def bridge(known: Row) -> RenderableType:
    """From planned to spent, step by step; the steps add up."""
    row, parts = known["decision"], known["bridge"]
    if parts["residual_micros"] is None:
        return Text("No bridge: planned or spent is not known.")
    currency = row["currency"]
    made = views.table("", "amount", right=("amount",), whole=("amount",))
    made.add_row("planned to date", money(row["target_micros"], currency))
    for name, words in BRIDGE.items():
        amount = parts.get(name, 0)
        if amount or name == "residual_micros":
            made.add_row(words, f"{'+' if amount > 0 else ''}{money(amount, currency)}")
    made.add_row(Text("= spent to date", "bold"), views.say(money(row["actual_micros"], currency), "bold"))
    if parts["basis"] == "evidence":
        return made
    return Group(made, Text('With bands = "fixed" the whole variance meets the bands; with "evidence" what explains it is taken off first.', "dim"))


def moves(row: Row) -> RenderableType:
    """What siblings could give or take, and this flight's budget before and after."""
    currency, total = row["currency"], sum(one["micros"] for one in row["reallocation"])
    made = views.table("", "flight", "amount", right=("amount",), whole=("flight", "amount"))
    made.add_row("its budget", views.say(row["flight_id"]), money(row["budget_micros"], currency))
    for one in row["reallocation"][:LISTED]:
        made.add_row(views.say(one["campaign_name"]), views.say(one["flight_id"]), f"{'+' if one['micros'] > 0 else ''}{money(one['micros'], currency)}")
    made.add_row(Text("after that", "bold"), "", views.say(money(row["budget_micros"] + total, currency), "bold"))
    return made


def landing(row: Row) -> RenderableType:
    """The forecast with its ranges, its chances, and what waiting costs."""
    if row["forecast_micros"] is None:
        return Text(row["forecast_why_not"] or "No forecast.")
    currency = row["currency"]
    shown = {name: money(row[name], currency) for name in row if name.endswith("_micros") and isinstance(row[name], int)}
    ranges = [(f"{covered} % range", f"{shown[f'forecast_lo{key}_micros']} to {shown[f'forecast_hi{key}_micros']}") for covered, key in ((50, "50"), (80, ""), (95, "95"))]
    waits = [(words, f"{shown[f'wait_{until}_micros']} spent, {shown[f'wait_{until}_off_micros']} off plan")
             for until, words in (("window", "until the next run"), ("answer", "until an answer usually comes")) if f"wait_{until}_micros" in shown]
    return views.pairs(
        ("left alone, it ends near", f"{shown['forecast_micros']} of {shown['budget_micros']}"), *ranges,
        ("well over the budget", f"{row['p_over']:.0%} likely, {shown['expected_over_micros']} over to be expected"),
        ("well under the budget", f"{row['p_under']:.0%} likely, {shown['expected_under_micros']} left to be expected"),
        ("lands on the budget at", f"{shown['needed_daily_micros']} a day" if "needed_daily_micros" in shown else ""),
        ("an ordinary day takes now", shown.get("rate_daily_micros", "")),
        ("budget used up on", day_text(row["used_up_day"]) if row["used_up_day"] else ""), *waits)


def history(entries: list[Row]) -> RenderableType:
    if not entries:
        return Text("Never in a live run.")
    made = views.table("record", "at", "lane", "action", "of plan", "spent", "planned", right=("record", "of plan", "spent", "planned"),
                       whole=("at", "spent", "planned", "record"))
    for one in entries:
        made.add_row(str(one["seq"]), views.moment(one["at"]), f"{views.EMOJI.get(one['lane'], '')} {one['lane']}", one["action"],
                     views.percent(one["pacing_pct"]), money(one["actual_micros"], one["currency"]), money(one["target_micros"], one["currency"]))
    return made


def _record(known: Row) -> RenderableType:
    incident, ask, run, entry = known["incident"], known["recommendation"], known["run"], known["ledger"]
    asked = "" if ask is None else f"{ask['recommendation_id']}, open until {views.moment(ask['expires_at'])}"
    return views.pairs(
        ("run", f"{run['run_id']} ({run['mode']}), as of {views.moment(run['as_of'])}"),
        ("ledger entry", "" if entry["seq"] is None else f"{entry['seq']}{', restated by this run: nothing it depends on has changed' if entry['restated'] else ''}"),
        ("incident", "none open" if incident is None else f"{incident['incident_id']}, open since {views.moment(incident['opened_at'])}: {incident['headline']}"),
        ("pause asked for", asked), ("policy", (run["policy_digest"] or "")[:12]))


def choices(asked: str, several: list[Row], near: list[Row]) -> RenderableType:
    """What could have been meant."""
    what = views.say(asked).plain
    if not several and not near:
        return Group(Text(f"No campaign of the run has {what!r} in its id or name."), views.pairs(("is its row of the plan in use?", views.command("status"))))
    lead = f"{len(several)} flights fit {what!r}. Name one by its flight id:" if several else f"No campaign has {what!r} in its id or name. Near ones:"
    made = views.table("", "flight", "campaign", "where", "days", whole=("flight",))
    for row in (several or near)[:LISTED]:
        made.add_row(views.EMOJI[row["lane"]], views.say(row["flight_id"]), views.say(row["campaign_name"] or row["campaign_id"]),
                     views.say(f"{platform(row['platform'])} {row['account_id'] or ''}"), views.days(row))
    rest = [Text(f"... and {len(several) - LISTED} more", "dim")] if len(several) > LISTED else []
    return Group(Text(lead), made, *rest)
