"""The columns of every frame that moves between rooms: declared once, with dtype, unit and meaning, checked at the border.

Money is integer micros (1e-6 of the row's currency), days are naive `datetime64[us]` at 00:00 of the account's calendar,
instants are `datetime64[us, UTC]`, text is pandas `str` (missing = NaN), ratios are float64. `Int64` is a nullable integer.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from functools import cached_property

import numpy as np
import numpy.typing as npt
import pandas as pd
from pandas.api.extensions import ExtensionArray

from pacing_brain.errors import FrameError

TEXT, DAY, INSTANT = "str", "datetime64[us]", "datetime64[us, UTC]"
MICROS, MICROS_OR_NULL, COUNT, COUNT_OR_NULL, RATIO, FLAG = "int64", "Int64", "int64", "Int64", "float64", "bool"


@dataclass(frozen=True)
class Column:
    dtype: str
    nullable: bool
    meaning: str


@dataclass(frozen=True)
class Frame:
    """A frame's declared columns. `check` casts, orders and refuses; `empty` gives one without rows."""

    name: str
    fields: Mapping[str, Column]

    @property
    def columns(self) -> list[str]:
        return list(self.fields)

    def check(self, frame: pd.DataFrame) -> pd.DataFrame:
        """The frame with exactly the declared columns, in order and of the declared dtypes; absent nullable ones are added as null.

        Its columns may be those of the given frame, not copies: neither is written to in place.

        Raises:
            FrameError: a required column is missing or has nulls, or a value does not fit its column; the message names both.
        """
        whole = frame.loc[:, ~frame.columns.duplicated(keep="last")] if frame.columns.has_duplicates else frame
        if list(whole.columns) == self.columns:
            return self._mended(whole.reset_index(drop=True))
        arrays = {name: self._fitting(whole[name].array, name) if name in whole.columns else self._absent(name, len(whole)) for name in self.fields}
        return pd.DataFrame(arrays, index=pd.RangeIndex(len(whole)), copy=False)

    def _mended(self, whole: pd.DataFrame) -> pd.DataFrame:
        """A frame that has the columns, with those replaced that do not fit: most need no look."""
        declared = zip(self.fields.items(), whole.dtypes, strict=True)
        suspects = [name for (name, column), dtype in declared if not column.nullable or column.dtype == "object" or dtype != column.dtype]
        held = {name: whole[name].array for name in suspects}
        fitting = {name: self._fitting(values, name) for name, values in held.items()}
        return whole.assign(**{name: values for name, values in fitting.items() if values is not held[name]})

    def _absent(self, name: str, rows: int) -> ExtensionArray:
        if not self.fields[name].nullable:
            raise FrameError(f"{self.name}: column {name} is missing")
        return pd.array([None] * rows, dtype=self.fields[name].dtype)

    def _fitting(self, values: ExtensionArray, name: str) -> ExtensionArray:
        """The column as it is declared; itself where it is so already."""
        column = self.fields[name]
        if not column.nullable and values.isna().any():
            raise FrameError(f"{self.name}: column {name} has {int(values.isna().sum())} empty values")
        try:
            if column.dtype == "object":
                return values if values.dtype == "object" and _only_none(np.asarray(values)) else _with_none(values)
            return values if values.dtype == column.dtype else values.astype(column.dtype)
        except (TypeError, ValueError, OverflowError) as error:
            raise FrameError(f"{self.name}: column {name} is not {column.dtype}: {str(error).splitlines()[0]}") from error

    def empty(self) -> pd.DataFrame:
        return self._empty.copy(deep=False)  # what is written to a copy is written to nobody else's

    @cached_property
    def _empty(self) -> pd.DataFrame:
        return self.check(pd.DataFrame({name: pd.Series([], dtype=column.dtype) for name, column in self.fields.items()}))


def _only_none(values: npt.NDArray[np.object_]) -> bool:
    """Whether every missing value is None."""
    return all(value is None for value in values[pd.isna(values)])


def _with_none(values: ExtensionArray) -> ExtensionArray:
    return pd.array(np.where(values.isna(), None, values.astype("object")), dtype="object")


def _frame(name: str, **columns: tuple[str, bool, str]) -> Frame:
    return Frame(name, {key: Column(*column) for key, column in columns.items()})


REQUIRED, NULLABLE = False, True
NO_CURRENCY = "XXX"  # ISO 4217: no currency; what a row has whose feed names none

# What the tracker plans: one row per usable tracker row. Rows with one flight_id are one line over several campaigns.
TARGETS = _frame(
    "targets",
    row=(COUNT, REQUIRED, "row number in the tracker file (header = 1), for people"),
    flight_id=(TEXT, REQUIRED, "given, or derived by the connector as platform:campaign id or name:start"),
    campaign_id=(TEXT, NULLABLE, "platform's id, always text; null when only the name is known"),
    campaign_name=(TEXT, NULLABLE, "as planned"),
    platform=(TEXT, REQUIRED, "google | meta | dv360 | another, lower case"),
    account_id=(TEXT, NULLABLE, "platform account, text"),
    client=(TEXT, NULLABLE, ""),
    market=(TEXT, NULLABLE, ""),
    product=(TEXT, NULLABLE, ""),
    currency=(TEXT, REQUIRED, "ISO 4217, upper case"),
    timezone=(TEXT, NULLABLE, "IANA name as the tracker gives it; the feed's wins"),
    budget_micros=(MICROS, REQUIRED, "what may be spent on media over the whole flight: after the fee when the plan is gross"),
    gross_micros=(MICROS_OR_NULL, NULLABLE, "budget as written, when cost_basis = gross"),
    fee_pct=(RATIO, NULLABLE, "percent of the gross budget, when cost_basis = gross"),
    start_date=(DAY, REQUIRED, "first day, inclusive"),
    end_date=(DAY, REQUIRED, "last day, inclusive"),
    curve=(TEXT, REQUIRED, "even | ahead | asap | front | back | custom"),
    curve_pct=(RATIO, NULLABLE, "P of front:P / back:P: percent of the budget in the first / second half"),
    target_to_date_micros=(MICROS_OR_NULL, NULLABLE, "planned to date as the tracker states it (curve custom)"),
    updated_at=(INSTANT, NULLABLE, "when a person last changed the row"),
    owner=(TEXT, NULLABLE, "Slack user or name"),
    pause_from=(DAY, NULLABLE, "first day of a planned gap, in which nothing is planned"),
    pause_to=(DAY, NULLABLE, "its last day"),
    rollover_cap_pct=(RATIO, NULLABLE, "of a monthly cycle: most percent of a month's budget that its unspent rest adds to the next month"),
)

# What was reported: one row per account, campaign, name, currency and day, as the spend query groups them.
SPEND = _frame(
    "spend",
    platform=(TEXT, REQUIRED, ""),
    account_id=(TEXT, REQUIRED, ""),
    campaign_id=(TEXT, NULLABLE, "null: the name stands for it"),
    campaign_name=(TEXT, NULLABLE, ""),
    market=(TEXT, NULLABLE, ""),
    product=(TEXT, NULLABLE, ""),
    start_date=(DAY, NULLABLE, "the platform's own first day"),
    end_date=(DAY, NULLABLE, "the platform's own last day; null = open"),
    currency=(TEXT, REQUIRED, "of the account"),
    timezone=(TEXT, NULLABLE, "IANA, of the account"),
    day=(DAY, REQUIRED, "the account's day"),
    spend_micros=(MICROS_OR_NULL, NULLABLE, "null: the warehouse holds a value that is not a number"),
    n_rows=(COUNT, REQUIRED, "warehouse rows behind this one; more than 1 is a fault"),
    impressions=(COUNT_OR_NULL, NULLABLE, ""),
    clicks=(COUNT_OR_NULL, NULLABLE, ""),
    conversions=(RATIO, NULLABLE, ""),
    loaded_at=(INSTANT, REQUIRED, "when the row was loaded"),
    status=(TEXT, NULLABLE, "the platform's status of the campaign, lower case"),
    daily_budget_micros=(MICROS_OR_NULL, NULLABLE, "the platform's daily budget"),
)

# When each account's feed was last loaded, whether or not rows changed.
LOADS = _frame(
    "loads",
    platform=(TEXT, NULLABLE, "null where the load table does not say; filled from spend or the plan"),
    account_id=(TEXT, REQUIRED, ""),
    loaded_at=(INSTANT, REQUIRED, "last successful load"),
    from_rows=(FLAG, REQUIRED, "true: no load table, the newest LOADED_AT of the account's rows stands in"),
)

# What exists on the platform, delivering or not (optional: may have no rows).
CAMPAIGNS = _frame(
    "campaigns",
    platform=(TEXT, REQUIRED, ""),
    account_id=(TEXT, REQUIRED, ""),
    campaign_id=(TEXT, REQUIRED, ""),
    campaign_name=(TEXT, NULLABLE, ""),
    status=(TEXT, NULLABLE, "lower case"),
)

# The warehouse's own total over the same days: what the rows are tied to.
TOTALS = _frame(
    "totals",
    currency=(TEXT, REQUIRED, ""),
    n_rows=(COUNT, REQUIRED, ""),
    spend_micros=(MICROS, REQUIRED, ""),
)

# What the last sealed live run left for this one, one row per flight.
MEMORY = _frame(
    "memory",
    flight_id=(TEXT, REQUIRED, ""),
    lane=(TEXT, REQUIRED, ""),
    severity=(TEXT, REQUIRED, ""),
    side=(TEXT, REQUIRED, "over | under | none"),
    action=(TEXT, REQUIRED, ""),
    gates_red=(TEXT, REQUIRED, "names of red gates, sorted, comma separated; empty: all green"),
    score_steps=(TEXT, REQUIRED, "each score on its step, so that a moved step ends a restatement"),
    first_bad_at=(INSTANT, NULLABLE, "since when it is not healthy"),
    watermark=(INSTANT, NULLABLE, ""),
    inputs_digest=(TEXT, REQUIRED, "hex SHA-256 of the decision's own rows"),
    policy_digest=(TEXT, REQUIRED, ""),
    decided_run=(TEXT, REQUIRED, "the run whose entry stands"),
    decided_seq=(COUNT_OR_NULL, NULLABLE, "its ledger entry"),
    start_date=(DAY, NULLABLE, "first day of the flight at that time"),
    end_date=(DAY, NULLABLE, "its last day at that time"),
    campaign_key=(TEXT, NULLABLE, "the matched campaign at that time"),
    closed_micros=(MICROS, REQUIRED, "spend of closed days at that time, over the flight"),
    closed_days=(COUNT, REQUIRED, "number of closed days with a row at that time"),
    closed_to=(DAY, NULLABLE, "last closed day at that time"),
    error=(TEXT, NULLABLE, "dead letter: why a node could not decide this flight"),
    readings=("object", NULLABLE, "its latest totals: lists of [minutes since 1970 of the load, micros of the flight, of its day, 100 x swing]"),
    day_shape=("object", NULLABLE, "how a day of its spend comes in, and how far its ordinary days stray from that (within_day)"),
    level_windows=(COUNT_OR_NULL, NULLABLE, "runs in a row in which its level was off; below 0: under"),
    budget_micros=(MICROS_OR_NULL, NULLABLE, "the plan's budget at that time"),
    budget_before_micros=(MICROS_OR_NULL, NULLABLE, "the budget before the last edit of budget or dates; null: not edited while it ran"),
    start_before=(DAY, NULLABLE, "its first day before that edit"),
    end_before=(DAY, NULLABLE, "its last day before that edit"),
    budget_changed_at=(INSTANT, NULLABLE, "the run that first saw the edit"),
    load_at=(INSTANT, NULLABLE, "its account's last load"),
    load_gap_hours=(RATIO, NULLABLE, "the longest time between two loads of its account that runs have seen"),
    load_gaps=(COUNT_OR_NULL, NULLABLE, "how many such times were seen"),
    days_ahead_at=(INSTANT, NULLABLE, "when its account was last seen with spend of a day that had not begun"),
)

# What was learned and is in force (issue by issue more kinds).
PATTERNS = _frame(
    "patterns",
    pattern_id=(TEXT, REQUIRED, ""),
    kind=(TEXT, REQUIRED, "alias | not_alias | load_rhythm ..."),
    scope=(TEXT, REQUIRED, "what it is about, e.g. flight:F1, account:google/1"),
    value=(TEXT, REQUIRED, "what was learned, e.g. google/118/4711 for an alias"),
    support=(COUNT, REQUIRED, "observations or answers behind it"),
    confidence=(RATIO, REQUIRED, "0..1"),
    expires_at=(INSTANT, NULLABLE, ""),
)

# How many incidents were opened before, for the breaker: by account, problem and age.
HISTORY = _frame(
    "history",
    platform=(TEXT, NULLABLE, ""),
    account_id=(TEXT, NULLABLE, ""),
    problem=(TEXT, REQUIRED, "over | under | zero"),
    age_days=(COUNT, REQUIRED, "0: in the last 24 hours, 1: in the 24 hours before, ..."),
    opened=(COUNT, REQUIRED, "incidents of single campaigns"),
    held_scope=(TEXT, NULLABLE, "the scope whose pauses of this kind are held since an earlier run"),
)

# Pauses that were carried out or handed over, and whose effect no run has seen yet.
ACTS = _frame(
    "acts",
    recommendation_id=(TEXT, REQUIRED, ""),
    flight_id=(TEXT, REQUIRED, ""),
    platform=(TEXT, REQUIRED, ""),
    account_id=(TEXT, REQUIRED, ""),
    campaign_id=(TEXT, REQUIRED, "the one that was paused"),
    paused_at=(INSTANT, REQUIRED, "done, or reported by the person who did it"),
    kind=(TEXT, REQUIRED, "pause | hand_over (nobody has reported it) | resume"),
)

# What a run asks for after it has decided, at most 50: a breakdown of a campaign's spend over some days.
QUESTIONS = _frame(
    "questions",
    flight_id=(TEXT, REQUIRED, ""),
    breakdown=(TEXT, REQUIRED, "line_item | audience | creative | inventory | device | hour"),
    platform=(TEXT, REQUIRED, ""),
    account_id=(TEXT, REQUIRED, ""),
    campaign_id=(TEXT, REQUIRED, ""),
    days_from=(DAY, REQUIRED, "first day"),
    days_to=(DAY, REQUIRED, "last day, closed"),
)

# The answers: spend by item and day.
BREAKDOWNS = _frame(
    "breakdowns",
    breakdown=(TEXT, REQUIRED, ""),
    platform=(TEXT, REQUIRED, ""),
    account_id=(TEXT, REQUIRED, ""),
    campaign_id=(TEXT, REQUIRED, ""),
    day=(DAY, REQUIRED, "the account's day"),
    item=(TEXT, REQUIRED, "what the platform calls it"),
    spend_micros=(MICROS, REQUIRED, ""),
)

# Context row of an account, computed once before the graph over everything.
ACCOUNTS = _frame(
    "accounts",
    platform=(TEXT, REQUIRED, ""),
    account_id=(TEXT, REQUIRED, ""),
    timezone=(TEXT, REQUIRED, "feed, else tracker, else policy"),
    timezone_from=(TEXT, REQUIRED, "feed | tracker | policy"),
    currency=(TEXT, NULLABLE, "feed's; null when the feed names none or several"),
    loaded_at=(INSTANT, NULLABLE, "last load; null: never seen"),
    load_basis=(TEXT, REQUIRED, "loads | rows | platform | none"),
    feed_age_hours=(RATIO, NULLABLE, "as_of - loaded_at"),
    cycle_hours=(RATIO, REQUIRED, "refresh_cycle_hours of the policy"),
    grain=(TEXT, REQUIRED, "hourly | daily"),
    watermark=(INSTANT, NULLABLE, "up to which spend is complete; null: no load"),
    closed_day=(DAY, NULLABLE, "last account day that ends at or before the watermark"),
    available=(FLAG, REQUIRED, "false: the source did not answer for this platform"),
    usual_gap_hours=(RATIO, NULLABLE, "the longest time between two of its loads so far; null: too few were seen"),
    quiet=("boolean", NULLABLE, "nearly all of its campaigns that delivered in these hours the day before have gone silent at once; null: not looked at"),
    common_level_pct=(RATIO, NULLABLE, "by how much nearly all of its campaigns changed at once, signed percent; null: they did not"),
    days_ahead_at=(INSTANT, NULLABLE, "when spend of a day that had not begun in its zone was last seen; null: not lately"),
    live_flights=(COUNT, REQUIRED, "flights on at the watermark and matched here"),
    silent_flights=(COUNT, REQUIRED, "those with zero delivery"),
)

# One row per flight; what `match` and the graph's nodes add, in order. The cohort frame.
FLIGHT_COLUMNS: dict[str, tuple[str, str]] = {
    # --- from the plan (first row of the line) ---
    "flight_id": ("plan", ""),
    "row": ("plan", "first tracker row of the line"),
    "rows": ("plan", "all tracker rows of the line, comma separated text"),
    "campaign_id": ("plan", "null for a line over several campaigns"),
    "campaign_name": ("plan", ""),
    "platform": ("plan", ""),
    "account_id": ("match", "the matched account, else the planned one"),
    "client": ("plan", ""), "market": ("plan", ""), "product": ("plan", ""),
    "currency": ("plan", ""), "timezone": ("plan", "tracker's zone, nullable"),
    "budget_micros": ("plan", ""), "gross_micros": ("plan", ""), "fee_pct": ("plan", ""),
    "start_date": ("plan", ""), "end_date": ("plan", ""),
    "curve": ("plan", ""), "curve_pct": ("plan", ""), "target_to_date_micros": ("plan", ""), "updated_at": ("plan", ""), "owner": ("plan", ""),
    "pause_from": ("plan", ""), "pause_to": ("plan", ""), "rollover_cap_pct": ("plan", ""),
    # --- match: who is who (over everything, before the graph) ---
    "match_kind": ("match", "id | alias | name | ambiguous | none"),
    "campaign_key": ("match", "platform/account/id (or name:...) of the matched campaign; null unless exactly one"),
    "n_campaigns": ("match", "campaigns of the plan line"),
    "n_matched": ("match", "campaigns of the line that were matched"),
    "platform_name": ("match", "the matched campaign's newest name"),
    "platform_campaign_id": ("match", "the id a halt would act on; null unless id or alias"),
    "name_similarity": ("match", "0..1, plan name against platform name; null without a candidate"),
    "candidates": ("match", "object: list of dicts {campaign_key, campaign_id, campaign_name, account_id, similarity, spend_micros, verdict, why}"),
    "campaigns": ("match", ("object: of a line over several campaigns a list of dicts {row, platform, campaign_id, campaign_key, account_id, match_kind, "
                            "actual_micros (reconcile)}; else null")),
    "known_on_platform": ("match", "bool: a spend row or the campaign list knows it"),
    "platform_status": ("match", "lower case or null"),
    "overlaps": ("match", "other flight_ids whose days overlap on the same campaign, comma separated; empty: none"),
    "overlap_evidence": ("match", "their rows and the shared days, as people read them; empty: none"),
    "rolled_micros": ("calendar", "Int64: of the budget, what the month before left unspent; null without a rollover"),
    "day_weights": ("calendar", "days that do not count 1: `2026-11-27 1.8, 2026-12-24 0`; null: none"),
    # --- reconcile: sums of the flight's own days ---
    "day_start": ("reconcile", "instant: start 00:00 in the account's zone"),
    "day_end": ("reconcile", "instant: end + 1 day 00:00 in the account's zone"),
    "account_timezone": ("reconcile", "the zone that was used"),
    "watermark": ("reconcile", "instant: the account's, never before day_start; null without loads"),
    "actual_micros": ("reconcile", "Int64: days of the flight that begin before the watermark; null when unknown"),
    "after_watermark_micros": ("reconcile", "Int64: later days of the flight"),
    "credit_micros": ("reconcile", "int64: sum of negative days (<= 0), contained in actual"),
    "spend_days": ("reconcile", "int64: days of the flight with spend > 0 up to the watermark"),
    "row_days": ("reconcile", "int64: days of the flight with a row"),
    "first_spend_day": ("reconcile", "day or null"), "last_spend_day": ("reconcile", "day or null"),
    "closed_micros": ("reconcile", "int64: spend of closed days"), "closed_days": ("reconcile", "int64: closed days with a row"),
    "closed_day": ("reconcile", "last closed account day inside the flight, or null"),
    "closed_day_micros": ("reconcile", "Int64: spend on it"),
    "last7_micros": ("reconcile", "Int64: spend of the last up to 7 closed days of the flight"),
    "last7_days": ("reconcile", "int64: how many closed days those are"),
    "impressions": ("reconcile", "Int64: in the flight up to the watermark; null when not reported"),
    "closed_day_impressions": ("reconcile", "Int64: shown on the last closed day; null when not reported"),
    "duplicate_days": ("reconcile", "int64: days with more than one row"),
    "bad_days": ("reconcile", "int64: days whose spend is not a number"),
    "feed_currencies": ("reconcile", "currencies of its rows, sorted, comma separated"),
    "daily_budget_micros": ("reconcile", "Int64: newest on the platform"),
    "daily_budget_before_micros": ("reconcile", "Int64: the value before its last change, null if unchanged or unknown"),
    "daily_budget_changed_day": ("reconcile", "first day with the newest value, null if unchanged or unknown"),
    "at_rest": ("reconcile", "bool: nothing was spent on the last closed day, a weekday on which it rests by habit"),
    "spent_out": ("reconcile", "bool, filled in by context: its platform has spent the daily budgets of the whole month or week, and waits for the next one"),
    "shrunk_pct": ("reconcile", "float: closed history is smaller than remembered by this percent; 0 = not"),
    "lost_days": ("reconcile", "int64: closed days that were there and are gone"),
    "platform_market": ("reconcile", ""), "platform_product": ("reconcile", ""),
    "platform_start": ("reconcile", ""), "platform_end": ("reconcile", ""),
    # --- levels: the last 24 hours against its own days before (over everything, before the graph; only with bands = "evidence") ---
    "last24_micros": ("levels", "Int64: spend of the last 24 h of loads; of a daily feed the last closed day"),
    "usual_micros": ("levels", "Int64: what those 24 h usually take, by its own days"),
    "planned24_micros": ("levels", "Int64: what the curve plans for them"),
    "noise_pct": ("levels", "float: its ordinary day-to-day noise, percent"),
    "own_noise_pct": ("levels", "float: the same as far as the campaign itself has shown it, percent"),
    "level_pct": ("levels", "float: the last 24 h against usual, signed percent"), "level_z": ("levels", "float: the same in units of its noise"),
    "off_plan_pct": ("levels", "float: the last 24 h against the plan's, signed percent"),
    "swing": ("levels", "float: the largest break of pace within a day, of the last 36 h, in units of its ordinary ones; signed"),
    "silent": ("levels", "bool: nothing in the last 8 h, where the same hours of the day before delivered"),
    "readings": ("levels", "object: what memory keeps of its totals"),
    "day_shape": ("levels", "object: what memory keeps of the shape of its days"),
    "feed_daily": ("levels", "bool: its account is read by closed days"),
    "lost_name": ("levels", "the name under which its spend goes on without the id, or null"),
    "lost_micros": ("levels", "Int64: spend under that name since"),
    "budget_was_micros": ("levels", "Int64: the plan's budget before the last edit of budget or dates, or null"),
    "start_was": ("levels", "day: its first day before that edit, or null"),
    "end_was": ("levels", "day: its last day before that edit, or null"),
    "budget_changed_at": ("levels", "instant: the run that first saw the edit, or null"),
    "level_windows": ("levels", "Int64: runs in a row in which its level was off; below 0: under"),
    "broke": ("levels", "bool: the pace broke within a day, on the side on which its level is off"),
    "level_off": ("levels", "how far its level is off: warning | critical | ''"),
    "bridge": ("levels", "object: what the variance is made of, in micros: it adds up exactly"),
    # --- variance ---
    "target_micros": ("variance", "Int64: planned from start to the watermark"),
    "variance_pct": ("variance", "float: |actual - target| / target * 100; null when target is 0 or something is unknown"),
    "pacing_pct": ("variance", "float: actual / target * 100, or null"),
    "direction": ("variance", "over | under | none"),
    "unexplained_pct": ("variance", "float: signed variance until the evidence is built"),
    "allowed_micros": ("allowance", "Int64: of being over plan, what the platform's own rules allow (it takes it back later)"),
    "lent_micros": ("allowance", "Int64: what its platform has spent ahead of its daily budgets in the present month or week; below 0: behind; null: no rule is known"),
    "band_severity": ("variance", "raw band: healthy | warning | critical"),
    "severity": ("variance", "after early hours, stake and hysteresis; later lanes may raise it"),
    "phase": ("variance", "before | early | live | ended | closed"),
    "elapsed_hours": ("variance", "float: real hours of the flight up to the watermark"),
    "stake_micros": ("variance", "int64: the least that counts"),
    "zero_delivery": ("variance", "bool"),
    "zero_kind": ("variance", "never | stopped | not_found | account | '' "),
    "cost_fault": ("variance", "bool: impressions without spend"),
    # --- forecast: at the flight's end, if it is left alone ---
    "forecast_micros": ("forecast", "Int64: spent at its end; null where it is not known"),
    "forecast_lo_micros": ("forecast", "Int64: 80 % interval"), "forecast_hi_micros": ("forecast", "Int64: 80 % interval"),
    "forecast_lo50_micros": ("forecast", "Int64"), "forecast_hi50_micros": ("forecast", "Int64"),
    "forecast_lo95_micros": ("forecast", "Int64"), "forecast_hi95_micros": ("forecast", "Int64"),
    "p_over": ("forecast", "float 0..1: over the budget by more than forecast.tolerance_pct"),
    "p_under": ("forecast", "float 0..1: under it by more than that"),
    "p_astray": ("forecast", "float 0..1: further off it than the warning band, on either side"),
    "expected_over_micros": ("forecast", "Int64: expected money over the budget"),
    "expected_under_micros": ("forecast", "Int64: expected money left of it"),
    "needed_daily_micros": ("forecast", "Int64: a day that lands on the budget; null without time left"),
    "rate_daily_micros": ("forecast", "Int64: what an ordinary day takes now"),
    "wait_window_micros": ("forecast", "Int64: spent until the next window"),
    "wait_window_off_micros": ("forecast", "Int64: of that above what is planned for it; negative: missing"),
    "wait_answer_micros": ("forecast", "Int64: spent until people usually answer (forecast.answer_hours)"),
    "wait_answer_off_micros": ("forecast", "Int64: of that above what is planned for it; negative: missing"),
    "used_up_day": ("forecast", "account day on which the budget is used up at today's rate; null: not before the end"),
    "weekday_pct": ("forecast", "what its own weekdays add to an even plan to date, percent of it"),
    "forecast_why_not": ("forecast", "one sentence where there is none, else null"),
    # --- confidence ---
    "score": ("confidence", "float 0..1"), "score_metadata": ("confidence", "float or null"),
    "score_name": ("confidence", "float or null"), "score_freshness": ("confidence", "float or null"),
    "metadata_detail": ("confidence", "object: dict field -> match | differs | empty | left_out"),
    "gates": ("confidence", "object: dict gate -> {state: green | red, evidence}"),
    "red_gates": ("confidence", "sorted, comma separated; empty: all green"),
    # --- lanes, root cause, mitigation ---
    "lane": ("lane", "escalate | healthy | warning | critical"),
    "action": ("lane", "log_only | slack_alert | escalate | recommend_halt | autonomous_halt (conclude)"),
    "urgent": ("lane", "bool"),
    "problem": ("lane", "over | under | zero | stale | duplicate | currency | identity | unplanned | tracker | error | ''"),
    "incident_scope": ("lane", "campaign | account | source | tracker | ''"),
    "root_cause_code": ("root_cause", "word or null"), "root_cause": ("root_cause", "sentence with its figures, or null"),
    "breakdown": ("drill_down", "object: list of {breakdown, items, change_micros, explains_pct}: what specialists found, or null"),
    "mitigation": ("mitigation", "object: list of sentences"), "recommendation": ("mitigation", "one sentence or null"),
    "reallocation": ("conclude", "object: list of dicts {flight_id, campaign_name, micros}: budget that could come from a sibling (below 0: go to it), or null"),
    "patterns": ("conclude", "object: list of dicts {pattern_id, kind, said}: what was learned that the decision cites, or null"),
    "reasons": ("all", "object: list of sentences, in the order in which they decided"),
}

_WHOLE = [
    "budget_micros", "rolled_micros", "gross_micros", "target_to_date_micros", "row", "n_campaigns", "n_matched", "actual_micros",
    "after_watermark_micros", "credit_micros", "spend_days", "row_days", "closed_micros", "closed_days",
    "closed_day_micros", "last7_micros", "last7_days", "impressions", "closed_day_impressions", "duplicate_days", "bad_days", "daily_budget_micros",
    "daily_budget_before_micros", "lost_days", "target_micros", "stake_micros", "restates_seq",
    "last24_micros", "usual_micros", "planned24_micros", "lost_micros", "budget_was_micros", "level_windows",
    "allowed_micros", "lent_micros", "forecast_micros", "forecast_lo_micros", "forecast_hi_micros", "forecast_lo50_micros", "forecast_hi50_micros", "forecast_lo95_micros",
    "forecast_hi95_micros", "expected_over_micros", "expected_under_micros", "needed_daily_micros", "rate_daily_micros", "wait_window_micros",
    "wait_window_off_micros", "wait_answer_micros", "wait_answer_off_micros",
]
_RATIOS = [
    "fee_pct", "rollover_cap_pct", "curve_pct", "name_similarity", "shrunk_pct", "variance_pct", "pacing_pct", "unexplained_pct",
    "elapsed_hours", "score", "score_metadata", "score_name", "score_freshness", "noise_pct", "own_noise_pct", "level_pct", "level_z", "off_plan_pct", "swing", "p_over", "p_under", "p_astray",
    "weekday_pct",
]
_DAYS = [
    "start_date", "end_date", "pause_from", "pause_to", "first_spend_day", "last_spend_day", "closed_day", "daily_budget_changed_day",
    "platform_start", "platform_end", "used_up_day", "start_was", "end_was",
]
_INSTANTS = ["updated_at", "day_start", "day_end", "watermark", "first_bad_at", "budget_changed_at"]
_FLAGS = ["at_rest", "spent_out", "silent", "broke", "feed_daily", "known_on_platform", "zero_delivery", "cost_fault", "urgent", "restated"]
OBJECTS = ["breakdown", "readings", "day_shape", "bridge", "campaigns", "candidates", "metadata_detail", "gates", "mitigation", "reallocation", "patterns", "reasons"]  # JSON values: lists and dicts


def _flight_dtype(name: str) -> str:
    groups = ((_WHOLE, COUNT_OR_NULL), (_RATIOS, RATIO), (_DAYS, DAY), (_INSTANTS, INSTANT), (_FLAGS, "boolean"), (OBJECTS, "object"))
    return next((dtype for names, dtype in groups if name in names), TEXT)


# The decided cohort, one row per flight: every column of FLIGHT_COLUMNS and what `conclude` adds.
DECISIONS = Frame("decisions", {
    name: Column(_flight_dtype(name), NULLABLE, meaning) for name, meaning in (
        *((name, meaning) for name, (_, meaning) in FLIGHT_COLUMNS.items()),
        ("incident", "fingerprint of the incident it points to, or null"), ("inputs_digest", "hex SHA-256 of its own rows"),
        ("score_steps", "each score on its step"), ("restated", "the standing decision holds"), ("restates_seq", "its ledger entry"),
        ("first_bad_at", "since when it is not healthy"), ("error", "dead letter: why it could not be decided"))})
