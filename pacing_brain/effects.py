"""Proof of effect: did spend really stop after a pause, or start again after one that was taken back? Pure.

A pause is proven when a whole account-day after it is closed and the campaign spent nothing since the day of the pause; it failed when there is
spend on any later day. The day of the pause itself proves nothing: what was spent before it still arrives. A pause that was handed over
to a person who never said that it is done is only judged on whole days: spend on one of them says that nobody did it.
"""

from typing import Literal

import pandas as pd

from pacing_brain.model import Action, Effect, Finding, Inputs, Lane, Problem, Severity
from pacing_brain.money import money


def see(inputs: Inputs, days: pd.DataFrame, accounts: pd.DataFrame) -> list[Effect]:
    """The pauses that this run can prove, or that failed; of the others nothing is said yet."""
    found: list[Effect] = []
    if inputs.acts.empty:
        return found
    feeds = accounts.set_index(["platform", "account_id"])
    for act in inputs.acts.itertuples(index=False):
        if (act.platform, act.account_id) not in feeds.index:
            continue
        feed = feeds.loc[(act.platform, act.account_id)]
        since = act.paused_at.tz_convert(feed["timezone"]).tz_localize(None).normalize() + pd.Timedelta(days=1)
        known_as = days["campaign_id"].fillna(days["campaign_name"])
        later = days[days["account_id"].eq(act.account_id) & known_as.eq(act.campaign_id) & days["day"].ge(since)]
        spent = int(later["spend_micros"].fillna(0).sum())
        effect = _effect(act.kind, spent, whole_day=pd.notna(feed["closed_day"]) and feed["closed_day"] >= since)
        if effect is not None:
            currency = str(later["currency"].iloc[0]) if len(later) else None
            found.append(Effect(act.recommendation_id, act.flight_id, effect, since.to_pydatetime(), spent, currency, act.kind))
    return found


def _effect(kind: str, spent: int, *, whole_day: bool) -> Literal["proven", "failed", "not_done"] | None:
    """What the days since prove; none: nothing yet."""
    if kind == "resume":
        return "proven" if spent > 0 else "failed" if whole_day else None
    if kind == "hand_over" and spent > 0:
        return "not_done" if whole_day else None
    return "failed" if spent > 0 else "proven" if whole_day else None


def findings(effects: list[Effect], decisions: pd.DataFrame) -> list[Finding]:
    """A pause that did not stop the spend is a problem of its own."""
    rows = decisions.set_index("flight_id")
    return [_finding(effect, rows.loc[effect.flight_id]) for effect in effects
            if effect.effect == "failed" and effect.kind != "resume" and effect.flight_id in rows.index]


def _finding(effect: Effect, row: pd.Series) -> Finding:
    amount = money(effect.spend_micros, effect.currency or "")
    said = f"It was paused, and has spent {amount} since {effect.since:%a %d %b %Y}. Somebody resumed it, or the pause did not hold."
    known = {name: None if pd.isna(row[name]) else str(row[name]) for name in ("client", "platform", "account_id", "owner")}
    flight = {name: None if pd.isna(row[name]) else str(row[name]) for name in ("campaign_name", "client", "platform", "account_id", "currency")}
    return Finding(
        scope=f"campaign:{effect.flight_id}", problem=Problem.STILL_SPENDING, severity=Severity.CRITICAL, lane=Lane.CRITICAL,
        action=Action.SLACK_ALERT, urgent=True, side="over", currency=effect.currency, money_micros=effect.spend_micros, headline=said,
        flights=(effect.flight_id,), facts={"flight": {"flight_id": effect.flight_id, **flight}, "amounts": {}}, **known)
