"""What a person sees of a run when it is over. Pure: the summary and what belongs to it in, a renderable out."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

from rich.console import Group, RenderableType
from rich.table import Table
from rich.text import Text

from flows import views
from flows.views.money import buckets
from notifiers.cards_facts import flight_of
from pacing_brain.model import Incident, Quarantined
from pacing_brain.money import money

SHOWN_ROWS = 12  # of each list; the rest is counted
Summary = dict[str, Any]


@dataclass(frozen=True)
class RunDetails:
    """What a summary only counts. totals: the warehouse's own, per currency."""

    quarantined: Sequence[Quarantined] = ()
    opened: Sequence[Incident] = ()
    totals: dict[str, int] | None = None


def run_report(summary: Summary, details: RunDetails) -> RenderableType:
    """The run, its decisions, the money, the rows that could not be used, and the incidents that it opened."""
    parts: list[RenderableType] = [title(summary), *_notes(summary), views.heading("Decisions"), decisions(summary)]
    parts += [views.heading(f"Spend, {summary['days']['from']} to {summary['days']['to']}"),
              buckets(summary["spend_micros"], {} if details.totals is None else {"the warehouse's own total": details.totals})]
    if details.quarantined:
        parts += [views.heading(f"Rows that cannot be used: {len(details.quarantined)}"), quarantine(details.quarantined)]
    if details.opened:
        parts += [views.heading(f"Incidents opened: {len(details.opened)}"), incidents([as_row(one) for one in details.opened])]
    return Group(*parts)


def title(summary: Summary) -> Text:
    seconds = sum(summary.get("seconds", {}).values())
    took = f", {seconds:.1f} s" if seconds and not summary["already_sealed"] else ""
    return Text(f"\nRun {summary['run_id']} · window {views.moment(summary['window'])} · {summary['campaigns']} campaigns{took}", "bold")


def _notes(summary: Summary) -> list[RenderableType]:
    said = []
    if summary["already_sealed"]:
        said.append(Text("This window was sealed before; nothing was done again. This is what that run found.", "yellow"))
    if summary["mode"] == "rehearsal":
        said.append(Text("A rehearsal: nothing was sent, no incident or recommendation was opened, and what stands is unchanged.", "yellow"))
    if summary.get("policy_mode") == "observe":
        said.append(Text('Observing only (mode = "observe" in the policy): all is recorded, the digest is all that is sent, nothing is asked.', "yellow"))
    said += [views.say(f"Partial, because a source did not answer: {why}", "yellow") for why in summary["partial"]]
    if summary["dead_letters"]:
        said.append(Text(f"{summary['dead_letters']} campaigns could not be decided; the next run tries them again.", "yellow"))
    return list(said)


def decisions(summary: Summary) -> RenderableType:
    """Lanes and actions side by side, worst first."""
    lanes = views.table("lane", "campaigns", right=("campaigns",))
    for lane in views.LANES:
        lanes.add_row(f"{views.EMOJI[lane]} {views.LANE_WORDS[lane]}", str(summary["by_lane"][lane]))
    actions = views.table("action", "campaigns", right=("campaigns",))
    for action, words in reversed(views.ACTION_WORDS.items()):
        actions.add_row(f"{action} ({words})", str(summary["by_action"].get(action, 0)))
    told = views.pairs(("severities", ", ".join(f"{count} {name}" for name, count in summary["by_severity"].items())),
                       ("messages queued", str(summary["alerts_queued"])), ("pauses asked for", str(summary["recommendations_opened"])),
                       ("not found or not certain", str(summary["unmatched_targets"])), ("campaigns in no plan", str(summary["untracked"])))
    beside = Table.grid(padding=(0, 4))
    beside.add_row(lanes, actions)
    return Group(beside, Text(""), told)


def quarantine(rows: Sequence[Quarantined]) -> RenderableType:
    made = views.table("where", "row", "column", "value", "why", right=("row",), whole=("row",))
    for row in rows[:SHOWN_ROWS]:
        made.add_row(views.say(row.place), str(row.row or ""), views.say(row.column), views.say(row.value), views.say(row.reason))
    return _with_rest(made, len(rows))


def incidents(rows: Sequence[dict[str, Any]]) -> RenderableType:
    """Worst first; each with the figure that it is sorted by."""
    made = views.table("", "problem", "about", "what", "at stake", right=("at stake",), whole=("at stake", "problem"))
    for row in sorted(rows, key=views.worst_first)[:SHOWN_ROWS]:
        sign = views.EMOJI["critical"] if row["severity"] == "critical" else views.EMOJI["escalate" if row["lane"] == "escalate" else "warning"]
        made.add_row(sign, row["problem"], _about(row), views.say(row["headline"]), money(row["money_micros"], row["currency"]) if row["currency"] else "-")
    return _with_rest(made, len(rows))


def _about(row: dict[str, Any]) -> Text:
    """The campaign by its name and flight; of a wider scope the scope."""
    if len(row["flights"]) != 1 or not row["name"]:
        return views.say(row["scope"])
    return Text.assemble(views.say(row["name"]), "\n", views.say(row["flights"][0], "dim"))


def as_row(incident: Incident) -> dict[str, Any]:
    """An incident as JSON shows it."""
    finding = incident.finding.model_dump(mode="json", include={"scope", "problem", "severity", "lane", "action", "side", "urgent", "currency",
                                                                 "money_micros", "headline", "flights", "client", "owner"})
    name = flight_of(incident.finding.facts).get("campaign_name") if incident.finding.scope.startswith("campaign:") else None
    own = {"name": name, "incident_id": incident.incident_id, "fingerprint": incident.fingerprint, "opened_at": incident.opened_at.isoformat(),
           "changed_at": incident.changed_at.isoformat(), "opened_run": incident.opened_run, "version": incident.version}
    return own | finding


def _with_rest(made: RenderableType, count: int) -> RenderableType:
    return Group(made, Text(f"... and {count - SHOWN_ROWS} more", "dim")) if count > SHOWN_ROWS else made
