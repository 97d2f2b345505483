"""The doctor on the tracker: readable, its columns understood, its rows usable."""

from contextlib import nullcontext

from connectors.tracker import plan_of
from connectors.tracker_columns import REQUIRED, SYNONYMS, understood
from connectors.tracker_files import read_sheet
from flows.doctor.checks import Checks, Subject
from flows.doctor.warehouse import TAG, bounded

SHOWN = 10
MISSING = "PACING_TRACKER is missing: Snowflake is configured, so it must name your tracker."


def check_tracker(subject: Subject, checks: Checks) -> None:
    """Every row that cannot be used is a line of its own, up to ten."""
    settings = subject.settings
    if settings.tracker is None:
        if settings.embedded_warehouse:
            checks.ok("file", "PACING_TRACKER is not set: the plan of the sample agency")
        else:
            checks.problem("file", MISSING, "Set PACING_TRACKER to a path, an https sheet or a table (tracker-template.csv of pacing init shows the columns).")
        return
    needs_snowflake = settings.tracker.startswith("snowflake:")
    with checks.telling("file"), bounded(settings) if needs_snowflake else nullcontext() as login:
        sheet = read_sheet(settings.tracker, http=None, snowflake=login, query_tag=TAG)
        checks.ok("file", f"{sheet.name} can be read")
        _, headers = understood(sheet)
        ignored = [header for header in sheet.cells.columns if header not in headers.values()]
        absent = [name for name in SYNONYMS if name not in headers and name not in REQUIRED]
        checks.ok("columns", f"{', '.join(headers)}" + (f"; not given: {', '.join(absent)}" if absent else "")
                  + (f"; mean nothing here: {', '.join(ignored)[:200]}" if ignored else ""))
        read = plan_of(sheet, as_of=subject.now(), policy=subject.policy)
        unusable = [row for row in read.quarantined if not row.is_totals]  # a row of totals is nobody's fault
        for row in unusable[:SHOWN]:
            says, _, mend = row.reason.partition(": ")
            checks.problem(f"row {row.row}", f"column {row.column}: {says.rstrip('.')}." if row.column else f"{says.rstrip('.')}.",
                           mend or "Mend the row in the tracker.")
        if (more := len(unusable) - SHOWN) > 0:
            checks.problem("rows", f"{more} more rows cannot be used.", "Mend those above first; pacing run names every one.")
        if read.targets.empty:
            checks.problem("rows", "no row of the tracker can be used.", "Mend the rows: there is nothing to pace.")
        else:
            left_out = len(read.quarantined) - len(unusable)
            checks.ok("rows", f"{len(read.targets)} rows can be used, {len(unusable)} cannot"
                      + (f"; {left_out} {'row' if left_out == 1 else 'rows'} of totals left out" if left_out else ""))
