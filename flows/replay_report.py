"""What another policy would have changed: decisions, money, alerts a day, halts. Pure."""

from collections import Counter
from collections.abc import Iterable
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any, Self

import pandas as pd

from flows.recording import unjudged
from notifiers.telling import needs_card
from pacing_brain import incidents
from pacing_brain.model import HALTS, Finding, Incident, Outcome, RunContext
from pacing_brain.natives import natives

Row = dict[str, Any]
VERDICT = ["severity", "lane", "action", "direction", "urgent"]
SHOWN = ["flight_id", "campaign_name", "platform", "client", "currency", "actual_micros", "target_micros", "pacing_pct", "score", "reasons", *VERDICT]


@dataclass
class Side:
    """One way of deciding the windows: which problems are open, whom it has asked to pause, and what it told people."""

    open: dict[str, Incident]
    asking: set[str]
    alerts: Counter[str] = field(default_factory=Counter)  # by day
    halts: list[Row] = field(default_factory=list)

    @classmethod
    def starting(cls, before: Iterable[Incident], memory: pd.DataFrame) -> Self:
        return cls({incident.fingerprint: incident for incident in before},
                   set(memory.loc[memory["action"].isin(HALTS), "flight_id"]))

    def live(self, outcome: Outcome, run: RunContext) -> None:
        """One window more. An alert is a problem that people get a card of: opened, or changed in what they would do about it."""
        day = f"{run.as_of:%Y-%m-%d}"
        self.alerts[day] += 0  # a day without alerts counts too
        for change in incidents.step(self.open.values(), outcome.findings, run, unjudged(outcome)):
            if change.kind == "resolved":
                del self.open[change.incident.fingerprint]
                continue
            self.open[change.incident.fingerprint] = change.incident
            self.alerts[day] += change.kind != "renewed" and needs_card(change.incident.finding)
        decisions = outcome.decisions
        asked = decisions[decisions["action"].isin(HALTS)]
        new = natives(asked.loc[~asked["flight_id"].isin(self.asking), ["flight_id", "campaign_name", "currency", "actual_micros", "target_micros"]])
        self.halts += [{"run_id": run.run_id, "flight_id": row["flight_id"], "campaign_name": row["campaign_name"], "currency": row["currency"],
                        "off_plan_micros": off_plan(row)} for row in new]
        self.asking = set(asked["flight_id"])


def incident_of(incident_id: str, at: datetime, said: Row) -> Incident:
    """An open incident as the ledger tells of it."""
    names = ("scope", "problem", "severity", "lane", "action", "side", "currency", "money_micros", "headline", "flights")
    finding = Finding(urgent=bool(said.get("urgent")), **{name: said[name] for name in names})
    return Incident(incident_id=incident_id, fingerprint=finding.fingerprint, state="open", version=said["version"], opened_at=at, changed_at=at,
                    opened_run=str(said["run_id"]), last_run=str(said["run_id"]), finding=finding)


def changed(was: pd.DataFrame, would: pd.DataFrame, run_id: str, window: datetime) -> list[Row]:
    """One row for each flight whose verdict differs, worst money first."""
    before = {row["flight_id"]: row for row in natives(was[SHOWN])}
    rows = []
    for row in natives(would[SHOWN]):
        old = before.get(row["flight_id"])
        verdicts = [None if each is None else {name: each[name] for name in VERDICT} for each in (old, row)]
        if verdicts[0] != verdicts[1]:
            rows.append({name: row[name] for name in SHOWN if name not in (*VERDICT, "reasons")} | {
                "run_id": run_id, "window": window.isoformat(), "off_plan_micros": off_plan(row), "was": verdicts[0], "would": verdicts[1],
                "why": row["reasons"] or []})
    return sorted(rows, key=lambda row: (-(row["off_plan_micros"] or 0), row["flight_id"]))


def off_plan(row: Row) -> int | None:
    """Micros between what was spent and what was planned, either way; none where one of them is not known."""
    return None if None in (row["actual_micros"], row["target_micros"]) else abs(row["actual_micros"] - row["target_micros"])


def summary(rows: list[Row], was: Side, will: Side, digest: str) -> Row:
    days = sorted(will.alerts)
    return {"policy": digest, "changed": {"decisions": len(rows), "campaigns": len({row["flight_id"] for row in rows}), "rows": rows},
            "money": _money(rows, was, will), "halts": {"recorded": was.halts, "would": will.halts},
            "alerts": {"recorded": was.alerts.total(), "would": will.alerts.total(),
                       "a_day": {"recorded": round(was.alerts.total() / len(days), 2), "would": round(will.alerts.total() / len(days), 2)},
                       "days": {day: {"recorded": was.alerts[day], "would": will.alerts[day]} for day in days}}}


def _money(rows: list[Row], was: Side, will: Side) -> dict[str, Row]:
    """By currency, each flight once, at its largest: money off plan whose verdict changes, and that a halt is recommended for."""
    parts = {"changed": rows, "halts_recorded": was.halts, "halts_would": will.halts}
    most: dict[tuple[str, str], dict[str, int]] = {}
    for part, found in parts.items():
        for row in found:
            flights = most.setdefault((row["currency"], part), {})
            flights[row["flight_id"]] = max(flights.get(row["flight_id"], 0), row["off_plan_micros"] or 0)
    currencies = sorted({currency for currency, _ in most})
    return {currency: {part: sum(most.get((currency, part), {}).values()) for part in parts} for currency in currencies}
