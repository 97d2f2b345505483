"""Where everything stands, as a person reads it. Pure: the object of `pacing status --json` in, a renderable out."""

from datetime import datetime, timedelta
from typing import Any

from rich.console import Group, RenderableType
from rich.text import Text

from flows import views
from flows.views.run import incidents, quarantine
from notifiers.cards_facts import platform
from pacing_brain.model import Quarantined
from pacing_brain.money import money

OVERDUE_WINDOWS = 1.5  # a last run older than this many windows of four hours is said to be late
WINDOW = timedelta(hours=4)
Status = dict[str, Any]


def status_report(found: Status) -> RenderableType:
    """The last run, the lanes, what is open worst first, what waits; or that nothing has run yet, and what to do."""
    if found["run"] is None:
        return _nothing(found["home"], found.get("rehearsal"))
    parts: list[RenderableType] = [_run(found), Text(""), _lanes(found)]
    parts += [views.heading(f"Open incidents: {len(found['incidents'])}"), incidents(found["incidents"])] if found["incidents"] else [
        views.heading("No open incidents")]
    if found["recommendations"]:
        parts += [views.heading(f"Pauses that await an answer: {len(found['recommendations'])}"), _recommendations(found)]
    if found["quarantined"]:
        rows = [Quarantined.model_validate(row) for row in found["quarantined"]]
        parts += [views.heading(f"Rows that cannot be used: {len(rows)}"), quarantine(rows)]
    if found["dead_letters"]:
        parts += [views.heading(f"Campaigns that could not be decided: {len(found['dead_letters'])}"),
                  views.pairs(*((views.say(letter["flight_id"]).plain, letter["error"]) for letter in found["dead_letters"]))]
    return Group(*parts, views.heading("Waiting"), _waiting(found))


def _nothing(home: str, rehearsal: str | None) -> RenderableType:
    if rehearsal:
        return Group(views.say(f"No live run has been sealed in {home} yet, only rehearsals."),
                     views.pairs(("the first live run", views.command("run")), ("what the last rehearsal found", views.command(f"explain CAMPAIGN --run {rehearsal}"))))
    return Group(views.say(f"Nothing has run in {home} yet."),
                 views.pairs(("see it work first", views.command("demo")), ("the first run", views.command("run"))))


def _run(found: Status) -> RenderableType:
    run = found["run"]
    late = run["age_seconds"] > OVERDUE_WINDOWS * WINDOW.total_seconds()
    whole = Text("complete", "green") if run["completeness"] == "complete" else views.say(
        f"partial: {'; '.join(run['partial']) or 'some campaigns could not be decided'}", "yellow")
    age = Text(views.ago(run["age_seconds"]) + (", which is late: check the schedule" if late else ""), "yellow" if late else "")
    return Group(Text(f"Last run {run['run_id']}", "bold"),
                 views.pairs(("window", views.moment(run["window"])), ("decided as of", views.moment(run["as_of"])), ("age", age), ("result", whole), ("mode", run.get("policy_mode", "recommend"))))


def _lanes(found: Status) -> Text:
    return Text("   ".join(f"{views.EMOJI[lane]} {found['by_lane'][lane]} {views.LANE_WORDS[lane]}" for lane in views.LANES)
                + f"   of {found['campaigns']} campaigns", "bold")


def _recommendations(found: Status) -> RenderableType:
    made = views.table("id", "flight", "campaign", "spent", "planned", "until", right=("spent", "planned"), whole=("id", "until"))
    for ask in found["recommendations"]:
        where = f"{platform(ask['platform'])} {ask['campaign_id']}"
        until = Text("expired", "yellow") if ask["expired"] else views.moment(ask["expires_at"])
        made.add_row(views.say(ask["recommendation_id"]), views.say(ask["flight_id"]), views.say(where),
                     money(ask["actual_micros"], ask["currency"]), money(ask["target_micros"], ask["currency"]), until)
    return made


def _waiting(found: Status) -> RenderableType:
    outbox, missed = found["outbox"], found["missed_windows"]
    dead = Text(f"{outbox['dead']} given up", "red") if outbox["dead"] else "none given up"
    windows = f"{len(missed)}, the last one {views.moment(datetime.fromisoformat(missed[-1]))}" if missed else "none"
    return views.pairs(("messages", Text.assemble(f"{outbox['pending'] + outbox['leased']} to be sent, {outbox['delivered']} delivered, ", dead)),
                       ("missed windows", windows), ("why a campaign", views.command("explain CAMPAIGN")))
