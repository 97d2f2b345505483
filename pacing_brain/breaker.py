"""The breaker: when very many campaigns of one scope fail at once, a data fault is likelier than a hundred people's mistakes. Pure.

    new incidents of one kind in a scope > max(least, times * their median a day over 14 days)   and   >= share of its judged flights

Then that scope's pauses are held: its decisions stay, their alerts are rows of the digest, one finding says that a data fault is likely.
Held stays held while as many flights are critical, until an approver releases it (a pattern of kind `release`). An account is a scope of
its own from ten judged flights on; a source is a platform; then there is everything together. The smallest scope that explains it is named.
"""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from typing import Any

import pandas as pd

from pacing_brain.earlier import earlier
from pacing_brain.model import Action, Finding, Inputs, Lane, Problem, Severity
from pacing_brain.natives import natives
from pacing_brain.policy import Policy

KINDS = ("over", "under", "zero")
READ = ["flight_id", "phase", "lane", "problem", "direction", "platform", "account_id", "incident_scope"]
HISTORY_DAYS = 14
EXPLAINS = 0.9  # a scope that holds so much of a wider one's new problems explains them
WORDS = {"over": "over plan", "under": "under plan", "zero": "not delivering"}


@dataclass(frozen=True)
class Held:
    """Pauses of a scope that are held. new: problems of the kind that began now; usual: their median a day; judged: flights of the scope."""

    scope: str
    kind: str
    new: int
    usual: float
    judged: int
    flights: tuple[str, ...]


def look(decisions: pd.DataFrame, inputs: Inputs) -> list[Held]:
    """Every scope and kind whose pauses are held now."""
    if decisions["lane"].eq(Lane.CRITICAL.value).sum() <= inputs.policy.breaker.least:
        return []
    judged = decisions[READ][decisions["phase"].isin(["early", "live"]) & decisions["lane"].ne(Lane.ESCALATE.value)]
    critical = judged[judged["lane"].eq(Lane.CRITICAL.value) & judged["problem"].isin(KINDS) & judged["incident_scope"].ne("account")]
    if len(critical) <= inputs.policy.breaker.least:
        return []
    fresh = critical[_new(critical, inputs.memory)]
    found: list[Held] = []
    for kind in KINDS:
        rows, begun = critical[critical["problem"].eq(kind)], fresh[fresh["problem"].eq(kind)]
        if len(rows) > inputs.policy.breaker.least:
            found += _of_kind(kind, judged, rows, begun, inputs)
    released = set(inputs.patterns.loc[inputs.patterns["kind"].eq("release"), "scope"])
    return [held for held in found if f"{held.scope}:{held.kind}" not in released]


def hold(decisions: pd.DataFrame, held: Iterable[Held]) -> pd.DataFrame:
    """The decisions with no pause recommended where pauses are held."""
    said: dict[str, str] = {flight: _reason(one) for one in held for flight in one.flights}
    mine = decisions["flight_id"].isin(said) & decisions["action"].eq(Action.RECOMMEND_HALT.value)
    if not mine.any():
        return decisions
    reasons = [[*reasons, said[flight]] if hit else reasons
               for reasons, flight, hit in zip(decisions["reasons"], decisions["flight_id"], mine, strict=True)]
    return decisions.assign(action=decisions["action"].mask(mine, Action.SLACK_ALERT.value), reasons=reasons)


def findings(found: Iterable[Finding], held: Iterable[Held], decisions: pd.DataFrame) -> list[Finding]:
    """The findings with one more for each scope whose pauses are held; those of its campaigns are rows of the digest."""
    held = list(held)
    quiet = {flight for one in held for flight in one.flights}
    told = [finding.model_copy(update={"facts": {**finding.facts, "digest_only": True}})
            if finding.scope.startswith("campaign:") and quiet.issuperset(finding.flights) else finding for finding in found]
    by_scope: dict[str, list[Held]] = {}
    for one in held:
        by_scope.setdefault(one.scope, []).append(one)
    return told + [_finding(scope, several, decisions) for scope, several in sorted(by_scope.items())]


def _new(critical: pd.DataFrame, memory: pd.DataFrame) -> pd.Series:
    """Whether a flight had no such problem at the last run."""
    before = earlier(critical, memory, "lane", "side")
    same = before["lane"].eq(Lane.CRITICAL.value) & (before["side"].eq(critical["direction"]) | critical["problem"].eq("zero"))
    return ~same.fillna(value=False).astype(bool)


@dataclass(frozen=True)
class _Seen:
    """What is known of one kind of problem in a scope: its judged flights, those with the problem, those with a new one, incidents before."""

    judged: pd.DataFrame
    rows: pd.DataFrame
    begun: pd.DataFrame
    history: pd.DataFrame

    def of(self, **where: object) -> "_Seen":
        """The part of a platform, or of an account of it."""
        parts = []
        for frame in (self.judged, self.rows, self.begun, self.history):
            mine = pd.Series(data=True, index=frame.index)
            for name, value in where.items():
                mine &= frame[name].eq(value).fillna(value=False)
            parts.append(frame[mine])
        return _Seen(*parts)


def _of_kind(kind: str, judged: pd.DataFrame, rows: pd.DataFrame, begun: pd.DataFrame, inputs: Inputs) -> list[Held]:
    policy = inputs.policy
    seen = _Seen(judged, rows, begun, inputs.history[inputs.history["problem"].eq(kind)])
    accounts = {f"account:{platform}/{account}": seen.of(platform=platform, account_id=account)
                for platform, account in _keys(rows, ["platform", "account_id"])}
    own = {scope: part for scope, part in accounts.items() if len(part.judged) >= policy.breaker.judged_flights}
    sources = {f"source:{platform}": seen.of(platform=platform) for (platform,) in _keys(rows, ["platform"])}
    smaller: list[Held] = []
    for wider in (own, sources, {"source:all": seen}):
        smaller = _smallest(smaller, [held for scope, part in wider.items() if (held := _held(scope, kind, part, policy))])
    return smaller


def _smallest(smaller: list[Held], wider: list[Held]) -> list[Held]:
    """The wider scopes that a single smaller one does not explain, and the smaller ones that none of those contains."""
    kept = [one for one in wider if not any(len(set(small.flights) & set(one.flights)) >= EXPLAINS * len(one.flights) for small in smaller)]
    covered = {flight for one in kept for flight in one.flights}
    return kept + [small for small in smaller if not covered.issuperset(small.flights)]


def _held(scope: str, kind: str, seen: _Seen, policy: Policy) -> Held | None:
    limits = policy.breaker
    usual, today, open_now = _usual(scope, seen.history)
    new = len(seen.begun) + today
    over = max(float(limits.least), limits.times_median * usual)
    enough = len(seen.rows) > limits.least and len(seen.rows) * 100.0 >= limits.share_pct * len(seen.judged)
    if not enough or not (new > over or open_now):
        return None
    return Held(scope, kind, new, usual, len(seen.judged), tuple(seen.rows["flight_id"]))


def _usual(scope: str, history: pd.DataFrame) -> tuple[float, int, bool]:
    """Median of incidents opened a day over the days before, those of the last 24 hours, and whether one of this kind is held already."""
    days = history[history["age_days"].between(1, HISTORY_DAYS)].groupby("age_days")["opened"].sum()
    per_day = days.reindex(range(1, HISTORY_DAYS + 1), fill_value=0)
    return float(per_day.median()), int(history.loc[history["age_days"].eq(0), "opened"].sum()), bool(history["held_scope"].eq(scope).any())


def _keys(rows: pd.DataFrame, names: list[str]) -> list[tuple[Any, ...]]:
    return [tuple(row) for row in rows[names].dropna().drop_duplicates().sort_values(names).itertuples(index=False)]


def _reason(one: Held) -> str:
    return (f"No pause is asked for: {one.new} campaigns of {_where(one.scope)} are newly {WORDS[one.kind]} at once, against {one.usual:g} on a usual day, "
            "so a data fault is likelier. An approver may release it.")


def _finding(scope: str, several: list[Held], decisions: pd.DataFrame) -> Finding:
    rows = decisions[decisions["flight_id"].isin([flight for one in several for flight in one.flights])]
    kinds = [{"kind": one.kind, "new": one.new, "usual": one.usual, "judged": one.judged, "flights": len(one.flights)} for one in several]
    worst = max(several, key=lambda one: (one.new, one.kind))
    off = (rows["actual_micros"] - rows["target_micros"]).abs().fillna(0).astype("int64")
    amounts: Mapping[str, int] = {str(currency): int(total) for currency, total in off.groupby(rows["currency"]).sum().items()}
    currency, total = max(amounts.items(), key=lambda item: (item[1], item[0]))
    said = (f"A data fault is likely: {worst.new} campaigns of {_where(scope)} are newly {WORDS[worst.kind]} at once, against {worst.usual:g} on a usual day. "
            f"No pause is asked for until an approver releases it.")
    listed = rows[["flight_id", "campaign_name", "client", "currency", "actual_micros", "target_micros", "row"]]
    platform, _, account = scope.partition(":")[2].partition("/")
    return Finding(
        scope=scope, problem=Problem.SURGE, severity=Severity.CRITICAL, lane=Lane.ESCALATE, action=Action.ESCALATE, urgent=True, side="none",
        currency=currency, money_micros=total, headline=said, flights=(), platform=None if platform == "all" else platform,
        account_id=account or None, facts={"kinds": kinds, "amounts": dict(amounts), "flights": _natives(listed)})


def _natives(rows: pd.DataFrame) -> list[dict[str, Any]]:
    return natives(rows.assign(**{name: rows[name].astype("Int64") for name in ("actual_micros", "target_micros", "row")}))


def _where(scope: str) -> str:
    kind, _, name = scope.partition(":")
    return "all platforms" if name == "all" else f"{'account' if kind == 'account' else 'platform'} {name}"
