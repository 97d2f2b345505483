"""The policy: its tables (`policy_tables.py`), overridable per scope, kept by digest.

A policy file is TOML. Unknown keys are refused. `[scope."client=acme"]` overrides any key of the tables in `SCOPED`; scopes win from
the general to the specific: platform < client < market < account < campaign < flight. `docs/policy.md` explains every key.
"""

import hashlib
import re
import tomllib
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any, Literal, Self

import numpy as np
import orjson
import pandas as pd
from pydantic import Field, ValidationError, field_validator, model_validator

from pacing_brain.errors import PolicyError
from pacing_brain.policy_tables import (
    PERSON, Actions, Alerts, Allowance, Approvals, Autonomous, Breaker, Clock, Completeness, Confidence, Digests, Early, Ended,
    Evidence, Forecast, Freshness, Identity, Reallocation, Route, Stake, Table, Tracker, Variance, Zero, known_zone,
)

SCOPE_ORDER = ("platform", "client", "market", "account", "campaign", "flight")
SCOPE_COLUMNS = {"platform": "platform", "client": "client", "market": "market", "account": "account_id", "campaign": "campaign_id",
                 "flight": "flight_id"}
ALSO_SCOPED = ("approvals",)  # not numbers of a flight: read when somebody answers
ROUTE_ORDER = ("platform", "client", "market", "owner", "account", "campaign", "flight")
SCOPED = ("variance", "confidence", "identity", "freshness", "completeness", "evidence", "early", "stake", "zero", "ended", "actions", "forecast", "reallocation", "allowance")
CALENDAR = re.compile(r"(?P<first>\d{4}-\d\d-\d\d)(?:\.\.(?P<last>\d{4}-\d\d-\d\d))?(?: +(?P<selector>\S.*))?")
MOST_CALENDAR_DAYS, MOST_WEIGHT = 92, 20.0
SPAN = re.compile(r"([01]\d|2[0-3]):[0-5]\d-([01]\d|2[0-3]):[0-5]\d")
_SYNONYMS = {"uk": ("gb", "united kingdom", "great britain"), "us": ("usa", "united states"), "de": ("germany", "deutschland"),
             "fr": ("france",), "es": ("spain", "espana"), "it": ("italy", "italia"), "nl": ("netherlands", "holland")}

# What differs by platform out of the box; a policy's own scopes come after these.
BUILT_IN_SCOPES: dict[str, dict[str, Any]] = {
    "platform=google": {"freshness": {"grain": "hourly", "lag_hours": 2.0}, "allowance": {"period": "month", "day_factor": 2.0}},
    "platform=meta": {"freshness": {"grain": "hourly", "lag_hours": 5.0}, "allowance": {"period": "week", "day_factor": 1.75}},
    "platform=dv360": {"freshness": {"refresh_cycle_hours": 24.0}},
}


class Policy(Table):
    """Everything a decision depends on besides data. Immutable; equal policies have equal digests."""

    mode: Literal["observe", "recommend", "autonomous"] = "recommend"
    bands: Literal["fixed", "evidence"] = "evidence"
    schedule_hours: int = Field(default=4, ge=1, le=24)
    timezone: str = "UTC"  # of an account whose feed and tracker name none
    variance: Variance = Variance()
    confidence: Confidence = Confidence()
    identity: Identity = Identity()
    freshness: Freshness = Freshness()
    completeness: Completeness = Completeness()
    evidence: Evidence = Evidence()
    early: Early = Early()
    stake: Stake = Stake()
    zero: Zero = Zero()
    actions: Actions = Actions()
    forecast: Forecast = Forecast()
    reallocation: Reallocation = Reallocation()
    allowance: Allowance = Allowance()
    tracker: Tracker = Tracker()
    ended: Ended = Ended()
    clock: Clock = Clock()
    breaker: Breaker = Breaker()
    calendar: dict[str, float] = Field(default_factory=dict)  # `2026-11-27` or `2026-12-24..2026-12-26`, then a selector or nothing -> weight of each day
    routes: dict[str, Route] = Field(default_factory=dict)
    digests: Digests = Digests()
    alerts: Alerts = Alerts()
    approvals: Approvals = Approvals()
    autonomous: Autonomous = Autonomous()
    quiet_hours: dict[str, str] = Field(default_factory=dict)  # channel, or `*` -> `20:00-07:30` in its zone
    people: dict[str, tuple[str, ...]] = Field(default_factory=dict)  # a human's name -> their Slack users and os: logins
    synonyms: dict[str, tuple[str, ...]] = Field(default_factory=lambda: dict(_SYNONYMS))
    scope: dict[str, dict[str, Any]] = Field(default_factory=dict)

    @field_validator("timezone")
    @classmethod
    def _zone(cls, value: str) -> str:
        return known_zone(value)

    @field_validator("scope")
    @classmethod
    def _selectors(cls, value: dict[str, Any]) -> dict[str, Any]:
        for selector in value:
            parse_selector(selector)
        return value

    @field_validator("quiet_hours")
    @classmethod
    def _spans(cls, value: dict[str, str]) -> dict[str, str]:
        for channel, span in value.items():
            if span and not SPAN.fullmatch(span):
                raise ValueError(f"{channel}: {span!r} is no span of hours: write it as 20:00-07:30")
        return value

    @field_validator("calendar")
    @classmethod
    def _calendar(cls, value: dict[str, float]) -> dict[str, float]:
        for key, weight in value.items():
            parse_calendar(key)
            if not 0.0 <= weight <= MOST_WEIGHT:
                raise ValueError(f"{key}: {weight:g} is no weight of a day: write 0 to {MOST_WEIGHT:g}, 1 for a day like any other")
        return value

    @field_validator("people")
    @classmethod
    def _one_human_per_id(cls, value: dict[str, tuple[str, ...]]) -> dict[str, tuple[str, ...]]:
        seen: dict[str, str] = {}
        for name, ids in value.items():
            for one in ids:
                if not PERSON.fullmatch(one) or one.startswith("group:"):
                    raise ValueError(f"{name}: {one!r} is no id of a person: write a Slack user (U...) or os:login")
                if seen.setdefault(one, name) != name:
                    raise ValueError(f"{one} stands with {seen[one]} and with {name}: an id belongs to one human")
        return value

    @field_validator("routes")
    @classmethod
    def _routes_fit(cls, value: dict[str, Route]) -> dict[str, Route]:
        """A client's channel shows that client only, so no other route may lead there."""
        whose: dict[str, str] = {}
        for selector, route in value.items():
            kind, wanted = parse_selector(selector, ROUTE_ORDER)
            reader = f"client {wanted.casefold()}" if kind == "client" else "the desk"
            if route.channel and whose.setdefault(route.channel, reader) != reader:
                raise ValueError(f"channel {route.channel} is for {whose[route.channel]} and for {reader}: a client's channel shows that client only")
        return value

    @model_validator(mode="after")
    def _somebody_answers_for_it(self) -> Self:
        if self.mode == "autonomous" and not (self.autonomous.owner and self.approvals.approvers):
            raise ValueError("mode 'autonomous' needs [autonomous] owner, who answers for it, and [approvals] approvers, who can take a pause back")
        return self

    @model_validator(mode="after")
    def _scopes_fit(self) -> Self:
        for selector, tables in self.scope.items():
            if unknown := set(tables) - {*SCOPED, *ALSO_SCOPED}:
                raise ValueError(f"scope {selector!r}: {', '.join(sorted(unknown))} cannot be set per scope")
            for name, values in tables.items():
                table = getattr(self, name)
                if not isinstance(values, Mapping):
                    raise ValueError(f"scope {selector!r}: {name} must be a table")
                type(table).model_validate(table.model_dump() | dict(values))
        return self

    @classmethod
    def parse(cls, text: str, where: str = "policy") -> "Policy":
        """A policy from TOML text.

        Raises:
            PolicyError: not TOML, an unknown key or a value out of range; the message names the file and the key.
        """
        try:
            return cls.model_validate(tomllib.loads(text))
        except tomllib.TOMLDecodeError as error:
            raise PolicyError(f"{where} is not valid TOML: {error}") from error
        except ValidationError as error:
            raise PolicyError(f"{where}: {_first_fault(error)}") from error

    @classmethod
    def load(cls, path: Path) -> "Policy":
        try:
            text = path.read_text(encoding="utf-8")
        except OSError as error:
            raise PolicyError(f"policy file {path} cannot be read: {error.strerror}; is the path right?") from error
        except UnicodeDecodeError as error:
            raise PolicyError(f"policy file {path} is not UTF-8 text") from error
        return cls.parse(text, str(path))

    def canonical(self) -> str:
        """The effective policy as JSON with sorted keys: what is digested, kept and replayed."""
        return orjson.dumps(self.model_dump(mode="json"), option=orjson.OPT_SORT_KEYS).decode()

    @property
    def digest(self) -> str:
        """Hex SHA-256 of `canonical()`."""
        return hashlib.sha256(self.canonical().encode()).hexdigest()

    def scopes(self) -> Iterator[tuple[str, str, str, dict[str, Any]]]:
        """(selector, kind, value, tables) in the order in which they apply: built-in first, then from general to specific."""
        for scopes in (BUILT_IN_SCOPES, self.scope):
            for selector in sorted(scopes, key=lambda s: (SCOPE_ORDER.index(parse_selector(s)[0]), s)):
                yield selector, *parse_selector(selector), scopes[selector]

    def resolve(self, rows: pd.DataFrame, *tables: str) -> pd.DataFrame:
        """Every scoped number (those of `tables`, where some are named) for every row, as columns named table_key (for instance `variance_warning_pct`).

        Rows need the columns of `SCOPE_COLUMNS` that exist for them; a column that is absent matches no scope.
        """
        asked = tables or SCOPED
        columns = {f"{table}_{key}": np.full(len(rows), value, dtype=object if isinstance(value, str) else None)
                   for table in asked for key, value in getattr(self, table) if not isinstance(value, dict)}
        scoped = self._scoped(rows, asked)
        for mask, own in scoped:
            for table, values in ((table, values) for table, values in own.items() if table in asked):
                for key, value in values.items():
                    if not isinstance(value, Mapping):
                        columns[f"{table}_{key}"][mask] = value
        if "stake" in asked:
            columns["stake_units"] = self._stake_units(rows, columns["stake_minimum_units"], scoped)
        return pd.DataFrame(columns, index=rows.index)

    def _scoped(self, rows: pd.DataFrame, asked: tuple[str, ...]) -> list[tuple[Any, dict[str, Any]]]:
        """(where it holds, its tables) of every scope that says something of the tables asked, in the order in which they apply."""
        said = [(SCOPE_COLUMNS[kind], wanted, own) for _, kind, wanted, own in self.scopes() if SCOPE_COLUMNS[kind] in rows.columns and not own.keys().isdisjoint(asked)]
        texts = {column: pd.factorize(rows[column]) for column in {column for column, _, _ in said}}
        return [(_holds(wanted, *texts[column]), own) for column, wanted, own in said]

    @property
    def calendar_days(self) -> Iterator[tuple[pd.DatetimeIndex, tuple[str, str] | None, float]]:
        """(days, selector or none, weight): those for all first, then from the general scope to the specific, so that the last one wins."""
        parsed = [(*parse_calendar(key), weight) for key, weight in self.calendar.items()]
        yield from sorted(parsed, key=lambda one: SCOPE_ORDER.index(one[1][0]) if one[1] else -1)

    @staticmethod
    def selects(selector: tuple[str, str] | None, rows: pd.DataFrame) -> Any:
        """Whether a selector holds for each row; without one it does."""
        if selector is None:
            return np.ones(len(rows), dtype=bool)
        return _holds(selector[1], *pd.factorize(rows[SCOPE_COLUMNS[selector[0]]]))

    def approvals_in(self, tables: Mapping[str, Any]) -> Approvals:
        """`[approvals]` with a scope's own keys over it; amounts currency by currency."""
        whole, own = self.approvals.model_dump(), dict(tables.get("approvals", {}))
        amounts = whole["two_people_above"] | dict(own.get("two_people_above", {}))
        return Approvals.model_validate(whole | own | {"two_people_above": amounts})

    def approvals_for(self, row: Mapping[str, Any]) -> Approvals:
        """`[approvals]` as it holds for one flight: the most specific scope that says something wins, key by key."""
        own: dict[str, Any] = {}
        for _, kind, wanted, tables in self.scopes():
            if str(row.get(SCOPE_COLUMNS[kind]) or "").casefold() == wanted.casefold():
                said = dict(tables.get("approvals", {}))
                own |= said | ({"two_people_above": own.get("two_people_above", {}) | said["two_people_above"]} if "two_people_above" in said else {})
        return self.approvals_in({"approvals": own})

    def _stake_units(self, rows: pd.DataFrame, otherwise: Any, scoped: list[tuple[Any, dict[str, Any]]]) -> Any:
        """The least amount that counts, by the row's currency where one is set."""
        units = otherwise.astype("float64")
        if "currency" not in rows.columns:
            return units
        codes, currencies = pd.factorize(rows["currency"])
        known = {currency: code for code, currency in enumerate(currencies)}
        everywhere = (np.ones(len(rows), dtype=bool), {"stake": {"minimum_units_by_currency": self.stake.minimum_units_by_currency}})
        for mask, tables in (everywhere, *scoped):
            for currency, own in tables.get("stake", {}).get("minimum_units_by_currency", {}).items():
                if currency in known:
                    units[mask & (codes == known[currency])] = own
        return units

    def winners(self, row: Mapping[str, Any]) -> dict[str, tuple[Any, str]]:
        """For one campaign: key -> (value, the scope that won, or `policy` / `default`)."""
        default = Policy()
        won: dict[str, tuple[Any, str]] = {}
        for table in SCOPED:
            for key, value in getattr(self, table).model_dump().items():
                won[f"{table}.{key}"] = (value, "default" if value == getattr(getattr(default, table), key) else "policy")
        for selector, kind, wanted, tables in self.scopes():
            if str(row.get(SCOPE_COLUMNS[kind]) or "").casefold() != wanted.casefold():
                continue
            for table, values in tables.items():
                won |= {f"{table}.{key}": (value, selector) for key, value in values.items()}
        return won


def _holds(wanted: str, codes: Any, texts: Any) -> Any:
    """Where a text is the one that is wanted, in whatever case; `codes` are positions in `texts`, -1 for none."""
    return np.array([*(str(text).casefold() == wanted.casefold() for text in texts), False])[codes]


def parse_selector(selector: str, kinds: tuple[str, ...] = SCOPE_ORDER) -> tuple[str, str]:
    """`client=acme` -> ("client", "acme")."""
    kind, _, value = selector.partition("=")
    if kind not in kinds or not re.fullmatch(r"\S.*", value):
        raise ValueError(f"{selector!r} is no selector: write one of {', '.join(kinds)}, then = and a value")
    return kind, value


def parse_calendar(key: str) -> tuple[pd.DatetimeIndex, tuple[str, str] | None]:
    """`2026-12-24..2026-12-26 market=DE` -> its days, and its selector or none."""
    said = CALENDAR.fullmatch(key)
    try:
        first, last = (pd.Timestamp(day) for day in (said["first"], said["last"] or said["first"])) if said else (None, None)
    except ValueError:
        first = None
    if said is None or first is None or last is None or not 0 <= (last - first).days < MOST_CALENDAR_DAYS:
        raise ValueError(f"{key!r} is no day: write 2026-11-27 or 2026-12-24..2026-12-26, then a selector such as market=DE if it is not for all")
    return pd.date_range(first, last), parse_selector(said["selector"]) if said["selector"] else None


def _first_fault(error: ValidationError) -> str:
    fault = error.errors(include_url=False)[0]
    place = ".".join(str(part) for part in fault["loc"])
    if fault["type"] == "extra_forbidden":
        return f"unknown key {place}"
    message = fault["msg"].removeprefix("Value error, ")
    return f"{place}: {message}" if place else message
