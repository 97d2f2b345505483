"""The statement of a month for a controller: what was planned, spent and known when, what was decided, answered and done, and what was missed.

Everything is worked out from the record. A day's spend *as known then* is what the last live run before the end of the following day (UTC)
saw of it; *as known now* is what the newest run saw that still read this day for this flight. Money is in micros.
"""

from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from typing import Any

import pandas as pd

from audit import ledger
from audit.ledger import Recorded
from audit.runs import SealedRun
from flows.recorded_inputs import recorded
from flows.reporting import days_of, outside
from flows.wiring import House
from notifiers.report_tables import units
from pacing_brain import curves, match, zones
from pacing_brain.errors import RunError
from pacing_brain.frames import DAY
from pacing_brain.model import HALTS, Inputs
from pacing_brain.natives import natives

Row = dict[str, Any]
COUNTED = ("matched", "after_watermark")
KINDS = ("campaign_decided", "recommendation_opened", "recommendation_decided", "action_attempted", "action_finished", "silence_set", "silence_ended",
         "run_missed", "problem_missed")
PLAN = ["flight_id", "client", "platform", "account_id", "campaign_id", "campaign_name", "currency", "budget_micros", "start_date", "end_date"]
SCOPES = {"flight": "flight_id", "account": "account_id", "client": "client", "platform": "platform", "campaign": "campaign_id"}


@dataclass
class Month:
    """What the runs of a month knew, gathered from one run to the next, in order."""

    first: datetime
    end: datetime
    flights: dict[str, Row] = field(default_factory=dict)  # as the newest run of the month had them
    then: dict[tuple[str, pd.Timestamp], int] = field(default_factory=dict)
    now: dict[tuple[str, pd.Timestamp], int] = field(default_factory=dict)
    not_judged: dict[str, int] = field(default_factory=dict)
    unknown_days: list[pd.Timestamp] = field(default_factory=list)
    outside: pd.DataFrame = field(default_factory=pd.DataFrame)

    @property
    def days(self) -> pd.DatetimeIndex:
        return pd.date_range(self.first.replace(tzinfo=None), self.end.replace(tzinfo=None), freq="D", inclusive="left").as_unit("us")


def tables(house: House, first: datetime) -> dict[str, list[Row]]:
    """The statement's tables by name, each a list of rows with the same keys. first: the first instant of the month, UTC.

    Raises:
        RunError: no live run was sealed in the month.
        LedgerError: a recorded input is not what was kept.
    """
    month = Month(first, end_of(first))
    runs = house.runs.sealed_between(first, month.end + timedelta(days=2))
    if not [run for run in runs if run.window < month.end]:
        raise RunError(f"no live run was sealed in {first:%Y-%m}. `pacing audit show --kind run_sealed` lists them.")
    newest = house.runs.last_sealed()
    _gather(house, month, runs, newest)
    with house.database.transaction() as connection:
        entries = list(ledger.read(connection, kinds=KINDS, since=first, until=month.end))
    return {"flights": list(_flights(month, entries)), "approvals": list(_approvals(house, entries)), "actions": list(_actions(house, entries)),
            "outside the plan": _outside(month), "missed": _missed(month, entries), "silenced": list(_silenced(month, entries))}


def end_of(first: datetime) -> datetime:
    """The first instant of the next month."""
    return (first + timedelta(days=32)).replace(day=1)


def _gather(house: House, month: Month, runs: list[SealedRun], newest: SealedRun | None) -> None:
    """One run for each day of the month, the last of the month, and the newest of all."""
    by_day = {day: max((run for run in runs if day <= _naive(run.as_of) < day + timedelta(days=2)), key=lambda run: run.as_of, default=None)
              for day in month.days}
    reached = _naive(newest.as_of) if newest else _naive(month.first)
    month.unknown_days = [day for day, run in by_day.items() if run is None and day + timedelta(days=2) <= reached]
    last = [run for run in runs if run.window < month.end][-1]
    wanted = {run.run_id: run for run in [*by_day.values(), last, newest] if run is not None}
    for run in sorted(wanted.values(), key=lambda run: run.as_of):
        inputs = _inputs(house, run)
        _spend(month, inputs, [day for day, of_day in by_day.items() if of_day is not None and of_day.run_id == run.run_id],
               house.frames.load(run.run_id, "decisions"), in_month=run.window < month.end, last=run.run_id == last.run_id)


def _inputs(house: House, run: SealedRun) -> Inputs:
    policy = house.policies.get(run.policy_digest)
    if policy is None:
        raise RunError(f"the policy of run {run.run_id} is not on the record")
    return recorded(house, run.run_id, policy)


def _spend(month: Month, inputs: Inputs, its_days: list[pd.Timestamp], decisions: pd.DataFrame, *, in_month: bool, last: bool) -> None:
    days = match.match(inputs)[1]
    counted = days[days["bucket"].isin(COUNTED) & days["day"].isin(month.days)]
    sums = counted.groupby(["flight_id", "day"])["spend_micros"].sum()
    read = [day for day in month.days if _naive(inputs.run.days_from) <= day <= _naive(inputs.run.days_to)]
    for flight in inputs.targets["flight_id"].unique():
        month.now |= {(flight, day): 0 for day in read}
    found = {(str(flight), day): int(micros) for (flight, day), micros in sums.items()}
    month.now |= found
    month.then |= {key: micros for key, micros in found.items() if key[1] in its_days}
    doubted = set(decisions.loc[decisions["red_gates"].fillna("").ne("") | decisions["error"].notna(), "flight_id"])
    for (flight, day), micros in found.items():
        if day in its_days and flight in doubted:
            month.not_judged[flight] = month.not_judged.get(flight, 0) + micros
    if in_month:
        of_month = decisions[decisions["start_date"].lt(_naive(month.end)) & decisions["end_date"].ge(_naive(month.first))]
        planned = _planned(of_month, month)
        month.flights |= {row["flight_id"]: row | {"planned_micros": planned.get(row["flight_id"])} for row in natives(of_month[PLAN])}
    if last:
        every = days_of(inputs)
        month.outside = outside(every[every["day"].isin(month.days)], decisions)


def _planned(decisions: pd.DataFrame, month: Month) -> dict[str, int]:
    """What each flight's curve plans for the days of the month."""
    zone = decisions["account_timezone"]
    at = [curves.planned_micros(decisions, zones.midnights(pd.Series(_naive(bound), index=decisions.index).astype(DAY), zone))
          for bound in (month.first, month.end)]
    return {str(flight): int(micros) for flight, micros in zip(decisions["flight_id"], at[1] - at[0], strict=True) if not pd.isna(micros)}


def _flights(month: Month, entries: Iterable[Recorded]) -> Iterator[Row]:
    decided: dict[str, list[Row]] = {}
    for entry in entries:
        if entry.kind == "campaign_decided":
            decided.setdefault(entry.subject, []).append(entry.content)
    for flight, row in sorted(month.flights.items()):
        then, now = (sum(known.get((flight, day), 0) for day in month.days) for known in (month.then, month.now))
        said = decided.get(flight, [])
        yield {name: row[name] for name in PLAN if name != "budget_micros"} | {
            "budget": units(row["budget_micros"]), "planned": units(row["planned_micros"]), "spent_as_known_then": units(then), "spent_as_known_now": units(now),
            "changed_since": units(now - then), "off_plan": None if row["planned_micros"] is None else units(now - row["planned_micros"]),
            "decisions": len(said), "critical": sum(one.get("severity") == "critical" for one in said),
            "halts_recommended": sum(one.get("action") in HALTS for one in said), "spend_not_judged": units(month.not_judged.get(flight, 0))}


def _approvals(house: House, entries: Iterable[Recorded]) -> Iterator[Row]:
    """Every answer, and every question that ended without one, with its delay from the first time that it was asked."""
    for entry in entries:
        if entry.kind != "recommendation_decided":
            continue
        said = entry.content
        with house.database.transaction() as connection:
            asked = next(iter([*ledger.read(connection, kinds=["recommendation_opened"], subject=entry.subject, limit=1)]), None)
        yield {"recommendation": entry.subject, "flight_id": said.get("flight_id"), "asked_at": asked and _text(asked.at), "answered_at": _text(entry.at),
               "delay_minutes": asked and round((entry.at - asked.at).total_seconds() / 60), "answer": said.get("decision"), "by": _who(said),
               "reason": said.get("reason") or said.get("why"), "record": entry.seq}


def _actions(house: House, entries: Iterable[Recorded]) -> Iterator[Row]:
    """What was done, with its proof: the entry, its leaf, and the size of an anchor that covers it."""
    sizes = [int(path.stem) for path in house.anchors.files()]
    for entry in entries:
        if entry.kind in ("action_attempted", "action_finished"):
            said = entry.content
            yield {"at": _text(entry.at), "what": entry.kind, "recommendation": entry.subject, "flight_id": said.get("flight_id"),
                   "platform": said.get("platform"), "account_id": said.get("account_id"), "campaign_id": said.get("campaign_id"),
                   "outcome": said.get("outcome"), "reason": said.get("why"), "record": entry.seq, "leaf": entry.leaf.hex(),
                   "anchor": min((size for size in sizes if size > entry.seq), default=None)}


def _outside(month: Month) -> list[Row]:
    return [{"currency": row["currency"], "amount": units(row["spend_micros"]), "why": row["why"], "platform": row["platform"], "account_id": row["account_id"],
             "campaign_id": row["campaign_id"], "campaign_name": row["campaign_name"], "first_day": row["first_day"], "last_day": row["last_day"]}
            for row in natives(month.outside)] if len(month.outside) else []


def _missed(month: Month, entries: Iterable[Recorded]) -> list[Row]:
    windows = [{"what": "window without a run", "when": entry.subject, "record": entry.seq} for entry in entries if entry.kind == "run_missed"]
    windows += [{"what": f"problem of {entry.subject} that nobody was told of: {entry.content.get('reason')}", "when": str(entry.content.get("since")),
                 "record": entry.seq} for entry in entries if entry.kind == "problem_missed"]
    return windows + [{"what": "day whose spend no run knew by the end of the next", "when": f"{day:%Y-%m-%d}", "record": None} for day in month.unknown_days]


def _silenced(month: Month, entries: Iterable[Recorded]) -> Iterator[Row]:
    """Each silence with the money behind it: how far the flights that it covers are off their plan, by currency."""
    ends = {entry.subject: entry for entry in entries if entry.kind == "silence_ended"}
    for entry in entries:
        if entry.kind != "silence_set":
            continue
        said = entry.content
        matcher = said.get("matcher") or {}
        end = ends.get(entry.subject)
        for currency, micros in _behind(month, matcher).items() or {None: None}.items():
            yield {"silence": entry.subject, "set_at": _text(entry.at), "ended_at": end and _text(end.at), "until": said.get("ends_at"), "by": _who(said),
                   "reason": said.get("reason"), "covers": ", ".join(f"{name}={value}" for name, value in sorted(matcher.items())),
                   "currency": currency, "off_plan": units(micros), "record": entry.seq}


def _behind(month: Month, matcher: Mapping[str, str]) -> dict[str, int]:
    found: dict[str, int] = {}
    known = {SCOPES[name]: value for name, value in matcher.items() if name in SCOPES}
    for flight, row in month.flights.items():
        if known and row["planned_micros"] is not None and all(str(row[name]).casefold() == str(value).casefold() for name, value in known.items()):
            off = abs(sum(month.now.get((flight, day), 0) for day in month.days) - row["planned_micros"])
            found[row["currency"]] = found.get(row["currency"], 0) + off
    return found


def _who(said: Row) -> str | None:
    """Whom the entry names: a person in Slack or at the command line, and what they claimed to be."""
    by = said.get("by") or said.get("who") or said.get("author") or said.get("person")
    if isinstance(by, Mapping):
        claim = by.get("claim")
        return f"{by.get('person')} (as {claim})" if claim else str(by.get("person") or by.get("user"))
    return None if by is None else str(by)


def _text(at: datetime) -> str:
    return f"{at.astimezone(UTC):%Y-%m-%dT%H:%M:%SZ}"


def _naive(at: datetime | None) -> pd.Timestamp:
    if at is None:
        return pd.Timestamp.min
    return pd.Timestamp(at if at.tzinfo is None else at.astimezone(UTC).replace(tzinfo=None)).as_unit("us")
