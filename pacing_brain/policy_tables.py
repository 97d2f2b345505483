"""The tables of a policy: every threshold, with its unit in its name and its default. `docs/policy.md` explains every key."""

import re
from typing import Literal, Self
from zoneinfo import ZoneInfo, ZoneInfoNotFoundError

from pydantic import BaseModel, ConfigDict, Field, NonNegativeFloat, PositiveFloat, field_validator, model_validator

HaltOrAlert = Literal["recommend_halt", "slack_alert"]
PERSON = re.compile(r"[UW][A-Z0-9]+|os:\S+|group:S[A-Z0-9]+")


class Table(BaseModel):
    model_config = ConfigDict(extra="forbid", frozen=True)


def known_zone(value: str) -> str:
    try:
        ZoneInfo(value)
    except (ZoneInfoNotFoundError, ValueError) as error:
        raise ValueError(f"{value!r} is no IANA time zone") from error
    return value


class Variance(Table):
    """Bands on the variance, half-open: healthy < warning_pct <= warning < critical_pct <= critical."""

    warning_pct: PositiveFloat = 10.0
    critical_pct: PositiveFloat = 25.0
    hysteresis_pct: float = Field(default=80.0, gt=0.0, le=100.0)  # a raised severity ends below this percent of its band edge

    @model_validator(mode="after")
    def _ordered(self) -> Self:
        if self.warning_pct >= self.critical_pct:
            raise ValueError("warning_pct must be below critical_pct")
        return self


class Confidence(Table):
    """score = weight_metadata * metadata + weight_name * name + weight_freshness * freshness; below minimum a person is asked."""

    minimum: float = Field(default=0.70, ge=0.0, le=1.0)
    weight_metadata: float = Field(default=0.5, ge=0.0, le=1.0)
    weight_name: float = Field(default=0.3, ge=0.0, le=1.0)
    weight_freshness: float = Field(default=0.2, ge=0.0, le=1.0)

    @model_validator(mode="after")
    def _whole(self) -> Self:
        if abs(self.weight_metadata + self.weight_name + self.weight_freshness - 1.0) > 1e-9:
            raise ValueError("weight_metadata + weight_name + weight_freshness must be 1")
        return self


class Identity(Table):
    """A proposal needs this similarity of names and this distance to the next candidate."""

    proposal_similarity: float = Field(default=0.85, ge=0.0, le=1.0)
    proposal_margin: float = Field(default=0.08, ge=0.0, le=1.0)


class Freshness(Table):
    """The feed of an account: how often it loads, how it lags, when it is too old to act on."""

    red_after_hours: PositiveFloat = 24.0
    red_after_cycle_hours: NonNegativeFloat = 12.0  # red at the later of red_after_hours and cycle + this
    refresh_cycle_hours: PositiveFloat = 4.0
    grain: Literal["hourly", "daily"] = "daily"
    lag_hours: NonNegativeFloat = 0.0  # hourly: the watermark is this far before the load
    daily_lag_hours: NonNegativeFloat = 6.0  # daily: the last midnight before (load - this)


class Completeness(Table):
    shrink_pct: NonNegativeFloat = 1.0  # closed history that got smaller by more than this is red


class Evidence(Table):
    """With `bands = "evidence"`: when the last 24 hours are off the campaign's own level, and when a plan's edit or a feed's delay is one.

    A percentage counts both ways: 35 is 35 % more, or as many times less (26 % less).
    """

    level_z: PositiveFloat = 2.1  # critical: this many times the campaign's own noise away from its level,
    level_pct: PositiveFloat = 22.0  # and this far from it,
    off_plan_pct: PositiveFloat = 35.0  # and from what the plan wants of the day,
    level_windows: int = Field(default=2, ge=1)  # in this many runs in a row (of a daily feed: one),
    landing_chance: float = Field(default=0.25, ge=0.0, le=1.0)  # and at least this chance of not landing, to that side; asked of the bands too
    sure_chance: float = Field(default=0.85, ge=0.0, le=1.0)  # where it is as sure as this that it does not land,
    sure_z: PositiveFloat = 1.2  # this stands in for level_z
    broken: PositiveFloat = 4.0  # a pace that broke within a day by so many of its ordinary breaks is critical at once,
    broken_z: PositiveFloat = 1.0  # from here on, in place of level_z,
    broken_level_pct: PositiveFloat = 20.0  # of level_pct,
    broken_off_plan_pct: PositiveFloat = 25.0  # of off_plan_pct,
    broken_landing_chance: float = Field(default=0.1, ge=0.0, le=1.0)  # and of landing_chance
    warning_z: PositiveFloat = 1.5
    warning_level_pct: PositiveFloat = 16.0
    warning_off_plan_pct: PositiveFloat = 10.0
    warning_landing_chance: float = Field(default=0.05, ge=0.0, le=1.0)
    spread_factor: PositiveFloat = 2.0  # of the variance, this many times its spread is noise
    astray_chance: float = Field(default=0.85, ge=0.0, le=1.0)  # a warning whatever today's line says: it ends outside the warning band as surely as this
    edit_pct: PositiveFloat = 5.0  # a budget edit larger than this that the spend does not follow is a warning
    edit_factor: PositiveFloat = 3.0  # by this factor and more it is taken for a slip and escalated
    edit_hours: PositiveFloat = 72.0  # the warning stands this long
    late_gaps: int = Field(default=2, ge=1)  # this many usual gaps between loads, seen before, make a later one late


class Early(Table):
    """Before both have passed no band is judged, except zero delivery and more than day_factor times the plan of the day."""

    hours: NonNegativeFloat = 24.0
    closed_days: int = Field(default=1, ge=0)
    day_factor: PositiveFloat = 2.0


_STAKE_UNITS = {"JPY": 2500.0, "KRW": 25000.0, "HUF": 10000.0, "CLP": 25000.0, "COP": 100000.0, "IDR": 400000.0, "VND": 600000.0}


class Stake(Table):
    """No alert under the larger of a share of the budget and an amount in the account's currency."""

    minimum_pct_of_budget: NonNegativeFloat = 0.5
    minimum_units: NonNegativeFloat = 25.0
    minimum_units_by_currency: dict[str, NonNegativeFloat] = Field(default_factory=lambda: dict(_STAKE_UNITS))


class Zero(Table):
    planned_hours: NonNegativeFloat = 12.0  # the load must cover at least this much of the flight


class Actions(Table):
    """What a critical cell asks for. `preset = "specification"` is the original table to the letter."""

    over: HaltOrAlert = "recommend_halt"
    under: HaltOrAlert = "slack_alert"
    zero: HaltOrAlert = "recommend_halt"
    preset: Literal["default", "specification"] = "default"


class Forecast(Table):
    """What counts as landing on the budget, and how long people usually take to answer."""

    tolerance_pct: NonNegativeFloat = 5.0  # of the budget, on either side
    answer_hours: PositiveFloat = 12.0


class Reallocation(Table):
    """How much of its own budget a flight may give away or take on, when budget is moved between a client's flights."""

    most_pct: NonNegativeFloat = 30.0


class Allowance(Table):
    """What a platform may spend above a daily budget because it takes it back within the period."""

    period: Literal["none", "week", "month"] = "none"
    day_factor: float = Field(default=1.0, ge=1.0)  # times the daily budget on one day
    ahead_pct: NonNegativeFloat = 0.0  # percent above the even plan at which the platform paces, up to the budget


class Tracker(Table):
    red_after_days: PositiveFloat = 14.0  # without a readable plan
    target_to_date_max_days: PositiveFloat = 7.0  # an older one is quarantined


class Ended(Table):
    final_after_hours: NonNegativeFloat = 72.0  # an ended flight is decided until its data are final


class Clock(Table):
    future_minutes: NonNegativeFloat = 5.0  # a load further ahead of the clock is a fault


class Breaker(Table):
    """When very many campaigns fail at once, their pauses are held: a data fault is likelier."""

    least: int = Field(default=20, ge=1)  # so many new problems of one kind are never too many
    times_median: PositiveFloat = 3.0  # of the 14-day median of new incidents a day
    share_pct: float = Field(default=10.0, ge=0.0, le=100.0)  # of the scope's judged flights
    judged_flights: int = Field(default=10, ge=1)  # an account with fewer is no scope of its own


class Route(Table):
    """Where cards about what matches go, and the one person they mention. A client's channel is for the client to read."""

    channel: str | None = None
    owner: str | None = None
    timezone: str | None = None  # of the channel; null: digests.timezone

    @field_validator("timezone")
    @classmethod
    def _zone(cls, value: str | None) -> str | None:
        return value if value is None else known_zone(value)


class Digests(Table):
    """One message a channel and local day, from `at` to the next day's `at`."""

    at: str = Field(default="08:00", pattern=r"^([01]\d|2[0-3]):[0-5]\d$")
    timezone: str = "UTC"  # of SLACK_CHANNEL, and of every channel whose route names none

    @field_validator("timezone")
    @classmethod
    def _zone(cls, value: str) -> str:
        return known_zone(value)


class Alerts(Table):
    """How much is told. What has no card is a row of the digest."""

    cards_per_run: int = Field(default=10, ge=1, le=10)  # new cards a channel and run
    flapping_after_changes: int = Field(default=3, ge=3)  # more than this in 24 h: one note a day
    monitor_channel: str = ""  # where the monitor says that it is ill itself; empty: SLACK_CHANNEL


class Approvals(Table):
    """Who may decide. Read at every answer and before every act; nothing is paused without it."""

    approvers: tuple[str, ...] = ()
    responders: tuple[str, ...] = ()
    two_people_above: dict[str, NonNegativeFloat] = Field(default_factory=dict)  # by currency; one not listed takes the strictest rule
    expires_after_hours: PositiveFloat = 12.0
    cli: bool = False
    reported_by_another: bool = False  # a pause made by hand is reported by somebody else than who approved it

    @field_validator("approvers", "responders")
    @classmethod
    def _ids(cls, value: tuple[str, ...]) -> tuple[str, ...]:
        for one in value:
            if not PERSON.fullmatch(one):
                raise ValueError(f"{one!r} is no id: write a Slack user (U...), group:S... or os:login")
        return value


class Autonomous(Table):
    """What `mode = "autonomous"` may do by itself, and who answers for it. Without PACING_ALLOW_AUTONOMOUS=1 in the acting process: nothing."""

    owner: str = ""  # a person; every act is announced with this name
    max_halts_per_run: int = Field(default=1, ge=0)
    max_share_of_spend_pct: float = Field(default=5.0, ge=0.0, le=100.0)  # of a week's spend of the flights in the same currency

    @field_validator("owner")
    @classmethod
    def _person(cls, value: str) -> str:
        if value and (not PERSON.fullmatch(value) or value.startswith("group:")):
            raise ValueError(f"{value!r} is no id of a person: write a Slack user (U...) or os:login")
        return value
