"""The named things: values that rooms hand to each other beside frames."""

from dataclasses import dataclass, field
from datetime import datetime
from enum import StrEnum
from typing import Literal

import pandas as pd
from pydantic import BaseModel, ConfigDict, Field

from pacing_brain.frames import ACTS, BREAKDOWNS, HISTORY, QUESTIONS
from pacing_brain.policy import Policy


class Severity(StrEnum):
    HEALTHY = "healthy"
    WARNING = "warning"
    CRITICAL = "critical"


class Lane(StrEnum):
    """The route a campaign took through the graph."""

    ESCALATE = "escalate"
    HEALTHY = "healthy"
    WARNING = "warning"
    CRITICAL = "critical"


class Action(StrEnum):
    LOG_ONLY = "log_only"
    SLACK_ALERT = "slack_alert"
    ESCALATE = "escalate"
    RECOMMEND_HALT = "recommend_halt"
    AUTONOMOUS_HALT = "autonomous_halt"  # a pause that the policy may approve by itself


class MatchKind(StrEnum):
    ID = "id"
    ALIAS = "alias"
    NAME = "name"
    AMBIGUOUS = "ambiguous"
    NONE = "none"


class Gate(StrEnum):
    """A check that is green or red, with evidence. One red gate escalates, whatever the score says."""

    IDENTITY = "identity"
    FRESHNESS = "freshness"
    COMPLETENESS = "completeness"
    CURRENCY = "currency"
    TIMEZONE = "timezone"
    TIE_OUT = "tie_out"
    TRACKER = "tracker"
    CLOCK = "clock"


HALTS = (Action.RECOMMEND_HALT.value, Action.AUTONOMOUS_HALT.value)


class Problem(StrEnum):
    """What an incident is about; with its scope it is the incident's fingerprint."""

    OVER = "over"
    UNDER = "under"
    ZERO = "zero"
    STALE = "stale"
    DUPLICATE = "duplicate"
    CURRENCY = "currency"
    IDENTITY = "identity"
    UNPLANNED = "unplanned"
    TRACKER = "tracker"
    ERROR = "error"
    SURGE = "surge"
    STILL_SPENDING = "still_spending"
    DAYS = "days"  # an account whose days begin at another hour than its time zone says


class _Value(BaseModel):
    model_config = ConfigDict(frozen=True, extra="forbid")


class SourceState(_Value):
    """Whether a source of spend answered. `platform` null: the whole source."""

    source: str
    platform: str | None = None
    available: bool = True
    why: str | None = None  # one sentence for people when it did not answer


class RunContext(_Value):
    """What is the same for a whole run. The clock is read once, here: `as_of`."""

    run_id: str
    as_of: datetime  # UTC
    window: datetime  # as_of floored to the schedule, UTC
    live: bool = True
    code_version: str = "0"
    tracker: str = "tracker"  # a name for people, without secrets
    tracker_read_at: datetime | None = None  # when the plan was last readable; null: now
    spend_source: str = "campaign_spend"
    sources: tuple[SourceState, ...] = ()
    days_from: datetime | None = None  # first day that was asked for
    days_to: datetime | None = None


TOTALS = "a row of totals, no line of the plan: left out"


class Quarantined(_Value):
    """A row that cannot be used: kept with its place and the reason, never dropped in silence."""

    source: str  # tracker | spend
    place: str  # file name or table, without secrets
    row: int | None = None
    column: str | None = None
    value: str | None = None  # at most 200 characters
    reason: str  # one sentence with the next step
    subject: str | None = None  # flight_id or campaign key, where known

    @property
    def is_totals(self) -> bool:
        """Nothing to mend: it adds other rows up."""
        return self.reason.startswith(TOTALS)


@dataclass(frozen=True)
class Inputs:
    """All that a decision may depend on. Frames are declared in `frames.py` under the same names."""

    run: RunContext
    policy: Policy
    targets: pd.DataFrame
    spend: pd.DataFrame
    loads: pd.DataFrame
    campaigns: pd.DataFrame
    totals: pd.DataFrame
    memory: pd.DataFrame
    patterns: pd.DataFrame
    quarantined: tuple[Quarantined, ...] = ()  # rows that a connector could not use
    history: pd.DataFrame = field(default_factory=HISTORY.empty)  # incidents opened before, for the breaker
    acts: pd.DataFrame = field(default_factory=ACTS.empty)  # pauses whose effect is still to be seen
    breakdowns: pd.DataFrame = field(default_factory=BREAKDOWNS.empty)  # of a run that has asked its questions: their answers


class Finding(_Value):
    """A problem that one run found in the smallest scope that explains it. Findings become incidents (`incidents.py`)."""

    scope: str  # campaign:<flight_id> | account:<platform>/<account_id> | source:<name> | tracker:<name>
    problem: Problem
    severity: Severity
    lane: Lane
    action: Action
    urgent: bool
    side: str  # over | under | none
    currency: str | None
    money_micros: int  # at stake: what "worst first" sorts by after severity
    headline: str  # one sentence with its figures
    flights: tuple[str, ...] = ()
    client: str | None = None
    platform: str | None = None
    account_id: str | None = None
    market: str | None = None
    owner: str | None = None
    facts: dict[str, object] = Field(default_factory=dict)  # JSON-able figures for the card

    @property
    def fingerprint(self) -> str:
        return f"{self.scope}:{self.problem.value}"


class Incident(_Value):
    """An open problem, from first alert to resolved. `finding` is its newest state."""

    incident_id: str
    fingerprint: str
    state: str  # open | resolved
    version: int
    opened_at: datetime
    changed_at: datetime
    opened_run: str
    last_run: str
    finding: Finding


class IncidentChange(_Value):
    """What a run does to an incident: opened | changed | renewed | resolved. Only the first, second and last are told to people."""

    kind: str
    incident: Incident
    before: Incident | None = None
    what: tuple[str, ...] = ()  # which of severity, action, side, scope changed


@dataclass(frozen=True)
class Effect:
    """What a run saw of one pause, or of one that was taken back (kind = resume). not_done: handed over, and neither reported nor seen. since: the first day that counts. spend_micros: spent from then on."""

    recommendation_id: str
    flight_id: str
    effect: Literal["proven", "failed", "not_done"]
    since: datetime
    spend_micros: int
    currency: str | None
    kind: str = "pause"


@dataclass(frozen=True)
class Outcome:
    """What `PacingBrain.decide` returns: data that describes, nothing that has been done.

    decisions: the cohort frame with every column of `FLIGHT_COLUMNS`, one row per flight, sorted by flight_id,
        plus inputs_digest, restated (bool) and restates_seq (Int64).
    days: SPEND plus flight_id (nullable) and bucket (matched | after_watermark | untracked | ambiguous | outside_flight | quarantined).
    buckets: one row per currency: matched, after_watermark, untracked, ambiguous, outside_flight, quarantined, total (int64 micros).

    Where nobody is told (`PacingBrain.silent`), buckets, findings and quarantined are empty.
    """

    decisions: pd.DataFrame
    days: pd.DataFrame
    accounts: pd.DataFrame
    buckets: pd.DataFrame
    findings: tuple[Finding, ...]
    memory: pd.DataFrame
    dead_letters: tuple[dict[str, str], ...] = ()
    quarantined: tuple[Quarantined, ...] = field(default_factory=tuple)  # spend rows that cannot be used
    effects: tuple[Effect, ...] = ()  # pauses that this run saw to hold, or not
    questions: pd.DataFrame = field(default_factory=QUESTIONS.empty)  # what would tell more about causes, if the warehouse has it
