"""report: the page, the CSV and the workbook of a sealed run, built from what the record holds of it and from nothing else."""

import dataclasses
import os
import tempfile
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

import pandas as pd

from audit.runs import SealedRun
from flows import card_charts, logs, report_charts, report_client
from flows.recorded_inputs import recorded
from flows.settings import Settings
from flows.wiring import House
from notifiers import report_tables, report_words
from notifiers.charts import Chart
from notifiers.report import ON_PAGE, Report, page
from pacing_brain import context, match
from pacing_brain.days import buckets
from pacing_brain.errors import RunError
from pacing_brain.model import Inputs, Quarantined
from pacing_brain.natives import natives

OUTSIDE = {"untracked": "no line in the plan", "ambiguous": "may belong to a line of the plan: to confirm", "quarantined": "unusable: see the rows that cannot be used"}
OUTSIDE_KEYS = ["currency", "bucket", "why", "platform", "account_id", "campaign_key"]
REPORT_IN_RUN = 100_000  # flights; more take minutes: `pacing report` writes them on demand
WORKBOOK_IN_RUN = 10_000  # flights
EVERY_FLIGHT_ON_PAGE = 20_000  # flights; of more the page lists those that are not on plan: nobody reads on, and the CSV has them all
TITLED = ["flight_id", "client", "campaign_name", "platform_name"]
CSV, XLSX, HTML = "report.csv", "report.xlsx", "report.html"


@dataclass(frozen=True)
class Facts:
    """What a run read and decided, whole. days: SPEND plus campaign_key, flight_id and bucket."""

    run: SealedRun
    inputs: Inputs
    decisions: pd.DataFrame
    days: pd.DataFrame
    quarantined: tuple[Quarantined, ...]


def write(house: House, run_id: str, *, client: str | None = None, to: Path | None = None, in_run: bool = False) -> dict[str, Path]:
    """Build the report of a sealed run and put it where people look for it; each file is there whole or not at all.

    client: the report holds this client only. to: another folder than `$PACING_HOME/reports/<run id>`. in_run: a run does not wait for the
    workbook of a very large plan, which `pacing report` writes on demand.

    Raises:
        RunError: the run is not sealed, or it knows no such client.
    """
    facts = facts_of(house, run_id)
    return _written(house, build(facts) if client is None else report_client.build(facts, client), to=to, in_run=in_run)


def _written(house: House, report: Report, *, to: Path | None, in_run: bool) -> dict[str, Path]:
    with_workbook = not in_run or len(report.flights) <= WORKBOOK_IN_RUN
    report = dataclasses.replace(report, beside=(CSV, XLSX) if with_workbook else (CSV,))
    folder = to or place(house.settings.home, report.run_id, report.client)
    made = {HTML: page(report).encode("utf-8", "replace"), CSV: b"\xef\xbb\xbf" + report_tables.csv_text(report).encode("utf-8", "replace")}  # Excel needs the mark
    if with_workbook:
        made[XLSX] = report_tables.workbook(report)
    folder.mkdir(parents=True, exist_ok=True)
    return {name: _replaced(folder / name, content) for name, content in made.items()}


def page_of(house: House, run_id: str, flights: int) -> str | None:
    """Write the report of a run that has just been sealed, and show its charts below its new cards; its page, or null: a run that stands does not fail for what only shows it.

    Of more than REPORT_IN_RUN flights it takes minutes, and `pacing report` writes it on demand.
    """
    if flights > REPORT_IN_RUN:
        return None
    try:
        report = build(facts_of(house, run_id))
        page = str(_written(house, report, to=None, in_run=True)[HTML])
        card_charts.send(house, run_id, report.charts, {row["flight_id"]: title_of(row) for row in natives(report.flights[TITLED])})
        return page  # noqa: TRY300  what was sent is said by the outbox
    except Exception as error:  # noqa: BLE001  whatever it is: the run is sealed, and `pacing report` says it again
        logs.warn(f"the report of run {run_id} could not be written: {type(error).__name__}: {error}")
        return None


def title_of(row: Mapping[str, str | None]) -> str:
    return " · ".join(str(part) for part in (row["client"], row["campaign_name"] or row["platform_name"] or row["flight_id"]) if part)


def url_of(settings: Settings, run_id: str) -> str | None:
    """The address of a run's page for people, where PACING_REPORT_URL says under which one the `reports` folder is served; null: nobody serves it."""
    return None if settings.report_url is None else f"{settings.report_url.rstrip('/')}/{run_id}/{HTML}"


def place(home: Path, run_id: str, client: str | None = None) -> Path:
    """The folder of a run's report; one client's stands in a folder of its own, so that it can be handed on whole."""
    folder = home / "reports" / run_id
    return folder if client is None else folder / "clients" / report_client.folder_name(client)


def facts_of(house: House, run_id: str) -> Facts:
    """What the record holds of a run. Which flight a day belongs to is worked out again from the inputs that it kept.

    Raises:
        RunError: the run is not sealed.
        LedgerError: a frame is not what was kept.
    """
    run = house.runs.get(run_id)
    policy = house.policies.get(run.policy_digest) if run else None
    if run is None or policy is None:
        raise RunError(f"no sealed run {run_id} is on the record. `pacing audit show --kind run_sealed` lists them.")
    inputs = recorded(house, run_id, policy)
    return Facts(run, inputs, house.frames.load(run_id, "decisions"), days_of(inputs), tuple(house.quarantine.of_run(run_id)))


def days_of(inputs: Inputs) -> pd.DataFrame:
    """Every spend row with its flight and bucket, as the brain works it out before its graph."""
    flights, days = match.match(inputs)
    flights = flights[flights["end_date"].ge(context.not_final_from(inputs.run.as_of, inputs.policy))].reset_index(drop=True)
    return context.with_silence(context.accounts(inputs), flights, days, inputs)[1]


def chart_of(house: House, run_id: str, decision: pd.DataFrame) -> Chart | None:
    """The chart of one flight of a run; none: its plan cannot be drawn."""
    facts = facts_of(house, run_id)
    return report_charts.charts(decision, facts.days, facts.inputs.policy).get(str(decision["flight_id"].iloc[0]))


def build(facts: Facts) -> Report:
    """The report over everything that the run saw."""
    flights = report_words.worst_first(facts.decisions)
    on_page = int(flights["lane"].ne("healthy").sum()) if len(flights) > EVERY_FLIGHT_ON_PAGE else None
    spend = micros_by_bucket(facts.days)
    totals = {str(row["currency"]): int(row["spend_micros"]) for row in natives(facts.inputs.totals)}
    notes = [] if spend == _recorded(facts.run) else ["The parts below are worked out by another version of this program than the run's: they are not those of its record."]
    return Report(run_id=facts.run.run_id, window=facts.run.window, as_of=facts.run.as_of, live=facts.run.live, flights=flights, spend=spend, totals=totals,
                  outside=outside(facts.days, facts.decisions), quarantined=facts.quarantined, charts=report_charts.charts(flights.head(min(on_page or ON_PAGE, ON_PAGE)), facts.days, facts.inputs.policy),
                  partial=tuple(facts.run.summary["partial"]), notes=notes, on_page=on_page)


def micros_by_bucket(days: pd.DataFrame) -> dict[str, dict[str, int]]:
    return {str(row.pop("currency")): row for row in natives(buckets(days))}


def _recorded(run: SealedRun) -> Mapping[str, Mapping[str, int]]:
    return {str(currency): dict(parts) for currency, parts in run.summary["spend_micros"].items()}


def outside(days: pd.DataFrame, decisions: pd.DataFrame) -> pd.DataFrame:
    """Spend that counts for no flight: a row per campaign and reason, by bucket, then the largest first."""
    rows = days[days["bucket"].isin([*OUTSIDE, "outside_flight"]) & days["spend_micros"].fillna(0).ne(0)]
    rows = rows.merge(_planned_days(decisions), on="campaign_key", how="left")
    when = pd.Series("between its flights", index=rows.index).mask(rows["day"].lt(rows["from"]), "before the first day of its flight").mask(
        rows["day"].gt(rows["until"]), "after the last day of its flight").mask(rows["from"].isna(), "no flight covers these days")
    rows = rows.assign(why=rows["bucket"].map(OUTSIDE).fillna(when).astype("str"))
    found = rows.groupby(OUTSIDE_KEYS, as_index=False, dropna=False).agg(
        spend_micros=("spend_micros", "sum"), campaign_id=("campaign_id", "first"), campaign_name=("campaign_name", "last"), first_day=("day", "min"),
        last_day=("day", "max"), n_days=("day", "nunique"))
    rank = found["bucket"].map({name: at for at, name in enumerate(("untracked", "outside_flight", "ambiguous", "quarantined"))})
    order = pd.DataFrame({"rank": rank, "micros": -found["spend_micros"].astype("int64"), "key": found["campaign_key"]})
    return found.loc[order.sort_values(["rank", "micros", "key"]).index].reset_index(drop=True)


def _planned_days(decisions: pd.DataFrame) -> pd.DataFrame:
    """campaign_key -> first and last day of its flights, those of lines over several campaigns too."""
    own = decisions[["campaign_key", "start_date", "end_date"]].dropna(subset=["campaign_key"])
    several = decisions[decisions["campaigns"].notna()]
    listed = [(one["campaign_key"], row.start_date, row.end_date) for row in several[["campaigns", "start_date", "end_date"]].itertuples()
              for one in row.campaigns if one.get("campaign_key")]
    every = pd.concat([own, pd.DataFrame(listed, columns=own.columns).astype(own.dtypes)], ignore_index=True).groupby("campaign_key")
    return pd.DataFrame({"from": every["start_date"].min(), "until": every["end_date"].max()}).reset_index()


def _replaced(path: Path, content: bytes) -> Path:
    handle, name = tempfile.mkstemp(dir=path.parent, prefix=f".{path.name}.")
    try:
        with os.fdopen(handle, "wb") as out:
            out.write(content)
        Path(name).replace(path)
    except BaseException:
        Path(name).unlink(missing_ok=True)
        raise
    return path
