"""One campaign, judged in three lines of Python, by the same graph as a million of them.

>>> record = SpendRecord(campaign_id="4711", campaign_name="Winter", platform="google", currency="GBP", budget=Decimal("60000"),
...                      start_date=date(2026, 11, 1), end_date=date(2026, 11, 30), spend={date(2026, 11, 1): Decimal("2100")},
...                      as_of=datetime(2026, 11, 18, 8, tzinfo=UTC))
>>> alert = PacingBrain().judge(record)
"""

import hashlib
import re
from collections.abc import Mapping
from datetime import date, datetime, timedelta
from decimal import ROUND_HALF_EVEN, Decimal

import pandas as pd
from pydantic import AwareDatetime, BaseModel, ConfigDict, Field, field_validator, model_validator

from pacing_brain import curves, frames, zones
from pacing_brain.model import Action, Inputs, RunContext, Severity
from pacing_brain.natives import natives
from pacing_brain.policy import Policy


class SpendRecord(BaseModel):
    """A campaign as planned and as reported. What the platform says defaults to what the plan says."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    campaign_id: str
    campaign_name: str
    platform: str
    currency: str
    budget: Decimal = Field(gt=0)  # currency units, over the whole flight
    start_date: date
    end_date: date
    spend: Mapping[date, Decimal]  # currency units per account day
    as_of: AwareDatetime
    loaded_at: AwareDatetime | None = None  # last load of the account's feed; null: as_of
    account_id: str = "account"
    timezone: str = "UTC"
    curve: str = "even"
    market: str | None = None
    product: str | None = None
    platform_name: str | None = None
    platform_market: str | None = None
    platform_product: str | None = None
    platform_currency: str | None = None
    impressions: Mapping[date, int] | None = None

    @model_validator(mode="after")
    def _dates(self) -> "SpendRecord":
        if self.end_date < self.start_date:
            raise ValueError(f"end_date {self.end_date} is before start_date {self.start_date}")
        return self

    @field_validator("curve")
    @classmethod
    def _known_curve(cls, value: str) -> str:
        name, _, share = value.partition(":")
        if name not in curves.CURVES or name == "custom" or bool(share) != (name in ("front", "back")):
            raise ValueError(f"must be even, ahead, asap, front:P or back:P, not {value!r}")
        if share and not (re.fullmatch(r"\d+(\.\d+)?", share) and float(share) <= 100):
            raise ValueError(f"P of {name}:P must be a percent from 0 to 100, not {share!r}")
        return value

    @field_validator("timezone")
    @classmethod
    def _known_zone(cls, value: str) -> str:
        if not zones.is_zone(value):
            raise ValueError(f"{value!r} is no IANA time zone")
        return value

    def inputs(self, policy: Policy) -> Inputs:
        """The frames of a cohort of one."""
        loaded_at = self.loaded_at or self.as_of
        run = RunContext(run_id="single", as_of=self.as_of, window=_floor(self.as_of, policy.schedule_hours), live=False)
        spend = self._spend(loaded_at)
        total = spend.groupby("currency", as_index=False).agg(n_rows=("n_rows", "sum"), spend_micros=("spend_micros", "sum"))
        loads = pd.DataFrame([{"platform": self.platform, "account_id": self.account_id, "loaded_at": loaded_at, "from_rows": False}])
        known = pd.DataFrame([{"platform": self.platform, "account_id": self.account_id, "campaign_id": self.campaign_id,
                               "campaign_name": self.platform_name or self.campaign_name}])
        return Inputs(run=run, policy=policy, targets=self._target(), spend=spend, loads=frames.LOADS.check(loads),
                      campaigns=frames.CAMPAIGNS.check(known), totals=frames.TOTALS.check(total), memory=frames.MEMORY.empty(),
                      patterns=frames.PATTERNS.empty())

    def _target(self) -> pd.DataFrame:
        curve, _, share = self.curve.partition(":")
        return frames.TARGETS.check(pd.DataFrame([{
            "row": 1, "flight_id": self.campaign_id, "campaign_id": self.campaign_id, "campaign_name": self.campaign_name,
            "platform": self.platform, "account_id": self.account_id, "market": self.market, "product": self.product, "currency": self.currency,
            "budget_micros": to_micros(self.budget), "start_date": self.start_date, "end_date": self.end_date, "curve": curve,
            "curve_pct": float(share) if share else None}]))

    def _spend(self, loaded_at: datetime) -> pd.DataFrame:
        fixed = {"platform": self.platform, "account_id": self.account_id, "campaign_id": self.campaign_id,
                 "campaign_name": self.platform_name or self.campaign_name, "market": self.platform_market or self.market,
                 "product": self.platform_product or self.product, "start_date": self.start_date, "end_date": self.end_date,
                 "currency": self.platform_currency or self.currency, "timezone": self.timezone, "n_rows": 1, "loaded_at": loaded_at}
        days = [{**fixed, "day": day, "spend_micros": to_micros(spend), "impressions": (self.impressions or {}).get(day)}
                for day, spend in sorted(self.spend.items())]
        return frames.SPEND.check(pd.DataFrame(days)) if days else frames.SPEND.empty()


class ReconciledSpend(BaseModel):
    """Plan and spend held against each other: how far they can be trusted, and how far they are apart."""

    model_config = ConfigDict(frozen=True)

    campaign_id: str
    planned: Decimal | None  # currency units, to the watermark
    spent: Decimal | None  # currency units, to the watermark
    metadata_score: float | None
    name_score: float | None
    freshness_score: float | None
    confidence_score: float
    pacing_variance: float | None  # |spent - planned| / planned * 100


class PacingAlert(BaseModel):
    """What was decided about one campaign, and what a person should know."""

    model_config = ConfigDict(frozen=True)

    alert_id: str
    campaign_id: str
    severity: Severity
    variance_pct: float | None
    confidence_score: float
    action_taken: Action
    recommendation: str | None
    requires_human: bool
    root_cause_analysis: str | None
    mitigation_plan: tuple[str, ...]
    reasons: tuple[str, ...]


def reconciled(row: Mapping[str, object]) -> ReconciledSpend:
    return ReconciledSpend.model_validate({
        "campaign_id": row["flight_id"], "planned": from_micros(row["target_micros"]), "spent": from_micros(row["actual_micros"]),
        "metadata_score": row["score_metadata"], "name_score": row["score_name"], "freshness_score": row["score_freshness"],
        "confidence_score": row["score"], "pacing_variance": row["variance_pct"]})


def alert(row: Mapping[str, object], record: SpendRecord) -> PacingAlert:
    digest = hashlib.sha256(f"{record.campaign_id}\n{record.as_of.isoformat()}\n{row['inputs_digest']}".encode()).hexdigest()
    return PacingAlert.model_validate({
        "alert_id": f"A-{digest[:12]}", "campaign_id": record.campaign_id, "severity": row["severity"], "variance_pct": row["variance_pct"],
        "confidence_score": row["score"], "action_taken": row["action"], "recommendation": row["recommendation"],
        "requires_human": row["action"] in (Action.ESCALATE, Action.RECOMMEND_HALT), "root_cause_analysis": row["root_cause"],
        "mitigation_plan": tuple(row["mitigation"] or ()), "reasons": tuple(row["reasons"] or ())})  # type: ignore[arg-type]


def first(decisions: pd.DataFrame) -> dict[str, object]:
    return natives(decisions)[0]


def to_micros(amount: Decimal) -> int:
    return int((amount * 1_000_000).to_integral_value(rounding=ROUND_HALF_EVEN))


def from_micros(micros: object) -> Decimal | None:
    return None if micros is None else Decimal(int(str(micros))) / 1_000_000


def _floor(instant: datetime, hours: int) -> datetime:
    midnight = instant.replace(hour=0, minute=0, second=0, microsecond=0)
    return midnight + timedelta(hours=(instant - midnight) // timedelta(hours=hours) * hours)
