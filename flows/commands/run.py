"""What `pacing run` and `pacing status` do: call the house, show what came of it. Each returns an exit code."""

import sys
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

from rich.console import Group, RenderableType

from flows import logs, views
from flows.commands import record
from flows.run_pacing import Request
from flows.settings import Settings
from flows.status import standing
from flows.views.run import RunDetails, run_report
from flows.views.status import status_report
from flows.wiring import House, open_house
from flows.working import working
from pacing_brain.errors import UsageError

EARLIEST, LATEST = datetime(2000, 1, 1, tzinfo=UTC), datetime(2200, 1, 1, tzinfo=UTC)


def run(*, as_of: str | None, policy: Path | None, full: bool, rehearsal: bool, as_json: bool) -> int:
    """One run, and what it found."""
    logs.begin(settings := Settings.read())
    request = Request(None if as_of is None else read_as_of(as_of), policy, full, rehearsal)
    if not record.exists(settings):
        _before_the_first(settings)
    if as_json:
        views.emit(run_window(settings.model_copy(update={"console": "none"}), request))
        return 0
    with open_house(settings, record_only=True) as house:  # held until the end, so that the embedded database starts once
        with working("starting"):
            summary = run_window(settings, request)
        views.show(run_report(summary, details_of(house, summary)))
        unsent = house.outbox.counts()["pending"]
    views.show(next_steps(summary, unsent))
    return 0


def _before_the_first(settings: Settings) -> None:
    """Where no earlier plan could stand in, a plan file that cannot be read is told before any server is started; else that it takes a while.

    Raises:
        TrackerUnreadable: as the run would.
    """
    from connectors.tracker_columns import understood  # noqa: PLC0415  the other commands do without pandas
    from connectors.tracker_files import is_path, read_sheet  # noqa: PLC0415

    if settings.tracker and is_path(settings.tracker):
        understood(read_sheet(settings.tracker, http=None, snowflake=None, query_tag=""))
    if sys.stderr.isatty():
        logs.warn("the first run here makes its database, warehouse and Prefect server ready: up to a minute, once.")


def run_window(settings: Settings, request: Request) -> dict[str, Any]:
    """Through Prefect, and without it where it does not answer."""
    from flows.prefect_run import run as run_through_prefect  # noqa: PLC0415  the other commands do without Prefect

    return run_through_prefect(settings, request)


def read_as_of(text: str, option: str = "--as-of") -> datetime:
    """An instant as people write it; without a zone it is UTC, which is said. option: which one it was given with.

    Raises:
        UsageError: it is no instant of this century or the next.
    """
    try:
        instant = datetime.fromisoformat(text.strip())
        if instant.tzinfo is None:
            logs.warn(f"{option} {text} names no zone: taken as UTC.")
            instant = instant.replace(tzinfo=UTC)
        instant = instant.astimezone(UTC)
    except (ValueError, OverflowError):
        raise UsageError(f"{option} {text!r} is no instant: write it as 2026-11-05T08:00:00Z") from None
    if not EARLIEST <= instant < LATEST:
        raise UsageError(f"{option} {text!r} is out of range: 2000 to 2199")
    return instant


def details_of(house: House, summary: dict[str, Any]) -> RunDetails:
    """What the summary of a sealed run only counts."""
    run_id = summary["run_id"]
    totals = house.frames.load(run_id, "totals").groupby("currency")["spend_micros"].sum()
    return RunDetails(house.quarantine.of_run(run_id), [one for one in house.incidents.open() if one.opened_run == run_id],
                      {str(code): int(micros) for code, micros in totals.items()})


def next_steps(summary: dict[str, Any], unsent: int = 0) -> RenderableType:
    """Where to go from here. unsent: messages that wait in the outbox, since Slack did not take them."""
    steps = [("why a campaign got its decision", views.command("explain CAMPAIGN"))]
    if summary.get("report"):
        steps.append(("every flight, to look at in a browser", str(summary["report"])))
    if summary["mode"] == "live":
        steps.insert(0, ("where everything stands", views.command("status")))
        if summary["already_sealed"]:
            steps.append(("mended something? decide anew, telling nobody", views.command("run --rehearsal")))
    else:
        steps[0] = (steps[0][0], views.command(f"explain CAMPAIGN --run {summary['run_id']}"))
    if unsent:
        steps.insert(0, (f"why {unsent} of the messages could not be sent yet", views.command("doctor")))
    return Group(views.heading("Next"), views.pairs(*steps))


def status(*, as_json: bool) -> int:
    """Where everything stands after the last sealed run."""
    settings = Settings.read()
    if not record.exists(settings):
        found: dict[str, Any] = {"home": str(settings.home), "run": None}
    else:
        with record.open_record(settings) as house:
            found = {"home": str(settings.home)} | standing(house)
    views.emit(found) if as_json else views.show(status_report(found))
    return 0
