"""From decisions to findings: each problem once, in the smallest scope that explains it.

A campaign's own problem is a finding of the campaign. A red gate that concerns an account, the source or the tracker is one finding of that
scope, which lists its campaigns. Money outside every plan is one finding per account.
"""

from collections import defaultdict
from collections.abc import Iterable, Mapping
from typing import Any

import numpy as np
import pandas as pd

from pacing_brain import day_boundary
from pacing_brain.account_wide import LEAST, SHARE
from pacing_brain.model import Action, Finding, Inputs, Lane, Problem, Severity
from pacing_brain.money import money
from pacing_brain.natives import natives

ACCOUNT_WIDE = [Problem.DUPLICATE.value, Problem.CURRENCY.value, Problem.TRACKER.value]  # one fault of the account when all its flights have it, or nearly all of many
RECENT_DAYS = 3  # money outside the plan is a problem while it goes on
OF_THEIR_OWN = (Problem.UNPLANNED, Problem.STILL_SPENDING, Problem.DAYS)  # beside what the decision itself points to
SHORT = ["flight_id", "campaign_name", "client", "currency", "actual_micros", "target_micros", "row"]
RANK = {Severity.HEALTHY: 0, Severity.WARNING: 1, Severity.CRITICAL: 2}


def find(decisions: pd.DataFrame, days: pd.DataFrame, accounts: pd.DataFrame, inputs: Inputs) -> tuple[Finding, ...]:
    """Every finding of the run, sorted by fingerprint."""
    bad = decisions[decisions["lane"].ne(Lane.HEALTHY.value)]
    feeds = {(row["platform"], row["account_id"]): row for row in natives(accounts)}
    together: dict[tuple[str, str], list[dict[str, Any]]] = defaultdict(list)
    for scope, row in zip(_scopes(bad, decisions, accounts, inputs), natives(bad), strict=True):
        together[scope, row["problem"]].append(row)
    found = [_finding(scope, problem, rows, feeds) for (scope, problem), rows in together.items()]
    found += _outside_every_plan(decisions, days, accounts, inputs) + day_boundary.findings(accounts, decisions)
    return sorted_by_fingerprint(_with_unusable_rows(found, inputs))


def sorted_by_fingerprint(found: list[Finding]) -> tuple[Finding, ...]:
    return tuple(sorted(found, key=lambda finding: finding.fingerprint))


def by_flight(found: Iterable[Finding]) -> dict[str, str]:
    """flight_id -> fingerprint of the finding that its decision points to."""
    return {flight: finding.fingerprint for finding in found if finding.problem not in OF_THEIR_OWN for flight in finding.flights}


def _scopes(bad: pd.DataFrame, decisions: pd.DataFrame, accounts: pd.DataFrame, inputs: Inputs) -> pd.Series:
    """The scope of each bad row as `kind:id`."""
    account = bad["platform"].astype("str") + "/" + bad["account_id"].fillna("").astype("str")
    judged = decisions[~decisions["phase"].isin(["before", "closed"])].groupby(["platform", "account_id"]).size().rename("judged")
    alike = bad.groupby(["platform", "account_id", "problem"])["flight_id"].transform("size")
    judged = bad.join(judged, on=["platform", "account_id"])["judged"]
    whole = (judged.eq(alike) & alike.ge(2) | judged.ge(LEAST) & alike.ge(SHARE * judged)) & bad["problem"].isin(ACCOUNT_WIDE)
    down = ~bad[["platform"]].merge(accounts.groupby("platform")["available"].all(), on="platform", how="left")["available"].fillna(value=True)
    everything = any(not state.available and state.platform is None for state in inputs.run.sources)
    source = np.where(everything, f"source:{inputs.run.spend_source}", f"source:{inputs.run.spend_source}/" + bad["platform"].astype("str"))
    stale = bad["problem"].eq(Problem.STALE.value)
    return pd.Series(np.select(
        [stale & down.to_numpy(dtype=bool), bad["incident_scope"].eq("source"), bad["overlaps"].fillna("").ne("") & bad["problem"].eq("tracker"),
         bad["red_gates"].str.contains("tracker").fillna(value=False).astype(bool) & bad["problem"].eq("tracker") & bad["overlaps"].fillna("").eq("") & bad["budget_was_micros"].isna(),
         bad["incident_scope"].eq("account") | whole],
        [source, f"source:{inputs.run.spend_source}", f"tracker:{inputs.run.tracker}", f"tracker:{inputs.run.tracker}", "account:" + account],
        "campaign:" + bad["flight_id"].astype("str")), index=bad.index)


def _finding(scope: str, problem: str, rows: list[dict[str, Any]], feeds: Mapping[tuple[str, str], dict[str, Any]]) -> Finding:
    """One finding from the rows that share a scope and a problem. feeds: ACCOUNTS rows by platform and account."""
    worst = max(rows, key=lambda row: (RANK[Severity(row["severity"])], at_stake(row)))
    amounts = _amounts(rows)
    currency, money_micros = max(amounts.items(), key=lambda item: item[1], default=(worst["currency"], 0))
    account = feeds.get((worst["platform"], worst["account_id"] or ""))
    facts: dict[str, Any] = {"account": account, "amounts": amounts}
    single = scope.startswith("campaign:")
    facts |= {"flight": worst} if single else {"flights": [{name: row[name] for name in SHORT} for row in rows]}
    if single:
        facts["siblings_delivering"] = account["live_flights"] - account["silent_flights"] if account else None
        facts["digest_only"] = _digest_only(worst)
    return Finding(
        scope=scope, problem=Problem(problem), severity=Severity(worst["severity"]), lane=Lane(worst["lane"]), action=Action(worst["action"]),
        urgent=any(row["urgent"] for row in rows), side=worst["direction"] if single else "none", currency=currency, money_micros=money_micros,
        headline=_headline(scope, problem, rows, worst), flights=tuple(row["flight_id"] for row in rows), client=_one(rows, "client"),
        platform=_one(rows, "platform"), account_id=_one(rows, "account_id"), market=_one(rows, "market"),
        owner=_one(rows, "owner"), facts=facts)


def _digest_only(row: dict[str, Any]) -> bool:
    """Low trust without a red gate and less than the warning band off plan is a line in the digest, not a card."""
    return row["lane"] == Lane.ESCALATE.value and not row["red_gates"] and not row["cost_fault"] and row["band_severity"] == "healthy"


def at_stake(row: dict[str, Any]) -> int:
    """Money that hangs on it: how far off plan, else the spend that waits for an answer, else the plan to date."""
    if row["actual_micros"] is not None and row["target_micros"] is not None:
        return abs(int(row["actual_micros"]) - int(row["target_micros"]))
    waiting: int = max((candidate.get("spend_micros") or 0 for candidate in row["candidates"] or []), default=0)
    return waiting or int(row["target_micros"] or 0)


def _amounts(rows: list[dict[str, Any]]) -> dict[str, int]:
    amounts: dict[str, int] = {}
    for row in rows:
        amounts[row["currency"]] = amounts.get(row["currency"], 0) + at_stake(row)
    return dict(sorted(amounts.items()))


def _one(rows: list[dict[str, Any]], name: str) -> str | None:
    values = {row[name] for row in rows}
    return values.pop() if len(values) == 1 else None


def _headline(scope: str, problem: str, rows: list[dict[str, Any]], worst: dict[str, Any]) -> str:
    if scope.startswith("campaign:"):
        return str(worst["root_cause"] or (worst["reasons"] or ["No reason was recorded."])[-1])
    where = scope.partition(":")[2]
    if problem == Problem.ZERO:
        return f"Account {where} stopped delivering: {len(rows)} live campaigns, none of them spends."
    evidence = next((gate["evidence"] for row in rows for gate in (row["gates"] or {}).values() if gate["state"] == "red"), "")
    unjudged = "1 campaign is" if len(rows) == 1 else f"{len(rows)} campaigns are"
    return f"{evidence} {unjudged} not judged by it.".strip()


def _outside_every_plan(decisions: pd.DataFrame, days: pd.DataFrame, accounts: pd.DataFrame, inputs: Inputs) -> list[Finding]:
    """Spend with no line, after the last day, or of a campaign that has not begun: one finding per account while it goes on."""
    outside = days[days["bucket"].isin(["untracked", "outside_flight"]) & days["spend_micros"].fillna(0).gt(0)]
    outside = outside.merge(_first_days(decisions), on="campaign_key", how="left")
    outside["first_day"] = outside["first_day"].fillna(_first_covered_days(days, outside))
    outside = outside.merge(accounts[["platform", "account_id", "closed_day"]], on=["platform", "account_id"], how="left")
    early = outside["first_day"].gt(outside["closed_day"])  # the flight has not begun; later, what came before it is history
    outside = outside[outside["bucket"].eq("untracked") | outside["day"].ge(outside["first_day"]) | outside["first_day"].isna() | early]
    why = np.select([outside["bucket"].eq("untracked"), outside["day"].lt(outside["first_day"])],
                    ["no line in the plan", "before the first day"], "after the last day")
    outside = outside.assign(outside=why, recent=outside["day"].gt(outside["closed_day"] - pd.Timedelta(days=RECENT_DAYS)))
    found = []
    for (platform, account_id), group in outside.groupby(["platform", "account_id"], sort=True):
        going_on = group[group["campaign_key"].isin(group.loc[group["recent"], "campaign_key"])]
        if len(going_on):
            found += _unplanned(str(platform), str(account_id), going_on, decisions, inputs)
    return found


def _first_days(decisions: pd.DataFrame) -> pd.DataFrame:
    """campaign_key -> first day of its first flight, over single campaigns, lines over several, and candidates."""
    single = decisions[["campaign_key", "start_date"]].dropna(subset=["campaign_key"])
    named = decisions.loc[decisions["campaign_key"].isna(), ["start_date", "campaigns", "candidates"]]
    listed = [(one["campaign_key"], row.start_date) for row in named.itertuples()
              for one in [*(row.campaigns or []), *(row.candidates or [])] if one.get("campaign_key")]
    everything = pd.concat([single, pd.DataFrame(listed, columns=["campaign_key", "start_date"])], ignore_index=True)
    return everything.groupby("campaign_key", as_index=False)["start_date"].min().rename(columns={"start_date": "first_day"})


def _first_covered_days(days: pd.DataFrame, outside: pd.DataFrame) -> pd.Series:
    """Of campaigns whose flights are all closed, and so decided no more: the first day of spend that a flight covers, for each row."""
    closed = outside.loc[outside["first_day"].isna() & outside["bucket"].eq("outside_flight"), "campaign_key"]
    covered = days[days["flight_id"].notna() & days["campaign_key"].isin(closed)]
    return covered.groupby("campaign_key")["day"].min().reindex(outside["campaign_key"]).set_axis(outside.index)


def _unplanned(platform: str, account_id: str, group: pd.DataFrame, decisions: pd.DataFrame, inputs: Inputs) -> list[Finding]:
    amounts = {str(currency): int(total) for currency, total in group.groupby("currency")["spend_micros"].sum().items()}
    currency, total = max(amounts.items(), key=lambda item: item[1])
    if total < int(inputs.policy.stake.minimum_units_by_currency.get(currency, inputs.policy.stake.minimum_units) * 1_000_000):
        return []
    since, n_days = group["day"].min(), group["day"].nunique()
    newest_first = group.sort_values(["day", "campaign_name", "campaign_id", "outside"], ascending=[False, True, True, True])
    campaigns = [{"campaign_key": str(key), "campaign_id": _first(rows["campaign_id"]), "campaign_name": _first(rows["campaign_name"]),
                  "spend_micros": int(rows["spend_micros"].sum()), "since": rows["day"].min().strftime("%Y-%m-%d"),
                  "why": _first(rows["outside"])} for key, rows in newest_first.groupby("campaign_key", sort=True)]
    clients = decisions[decisions["platform"].eq(platform) & decisions["account_id"].eq(account_id)]["client"].dropna().unique()
    return [Finding(
        scope=f"account:{platform}/{account_id}", problem=Problem.UNPLANNED, severity=Severity.WARNING, lane=Lane.ESCALATE,
        action=Action.ESCALATE, urgent=False, side="over", currency=currency, money_micros=total, platform=platform, account_id=account_id,
        client=str(clients[0]) if len(clients) == 1 else None,
        headline=_in_no_plan(money(total, currency), len(campaigns), account_id, since, inputs),
        facts={"amounts": amounts, "since": since.strftime("%Y-%m-%d"), "per_day_micros": total // max(n_days, 1), "campaigns": campaigns})]


def _in_no_plan(amount: str, n_campaigns: int, account_id: str, since: pd.Timestamp, inputs: Inputs) -> str:
    """A row of the plan that cannot be used leaves its campaign without one: the reader is told that this may be it."""
    refused = [row for row in inputs.quarantined if row.source == "tracker" and row.row and not row.is_totals]
    doubt = f" {_rows(len(refused))} of the plan cannot be used, and it may belong to one of them." if refused else ""
    campaigns = "1 campaign" if n_campaigns == 1 else f"{n_campaigns} campaigns"
    return f"{amount} of spend in {campaigns} of account {account_id} is in no plan, since {since:%d %b %Y}.{doubt}"


def _rows(count: int) -> str:
    return f"{count} {'row' if count == 1 else 'rows'}"


def _first(values: pd.Series) -> str | None:
    kept = values.dropna()
    return str(kept.iloc[0]) if len(kept) else None


def _with_unusable_rows(found: list[Finding], inputs: Inputs) -> list[Finding]:
    """Rows of the plan that cannot be used are a finding of the tracker, one with whatever else is wrong with it: nothing is dropped in silence."""
    rows = [row for row in inputs.quarantined if row.source == "tracker" and not row.is_totals]
    if not rows:
        return found
    where = f"Row {rows[0].row}: " if rows[0].row else ""
    said = f"{_rows(len(rows))} of the plan cannot be used. {where}{rows[0].reason}"
    listed = [{"row": row.row, "column": row.column, "value": row.value, "reason": row.reason} for row in rows[:50]]
    of_tracker = Finding(
        scope=f"tracker:{inputs.run.tracker}", problem=Problem.TRACKER, severity=Severity.WARNING, lane=Lane.ESCALATE, action=Action.ESCALATE,
        urgent=False, side="none", currency=None, money_micros=0, headline=said, facts={"rows": listed, "amounts": {}})
    other = next((finding for finding in found if finding.fingerprint == of_tracker.fingerprint), None)
    if other is None:
        return [*found, of_tracker]
    both = other.model_copy(update={"headline": f"{other.headline} {said}", "facts": {**other.facts, "rows": listed}})
    return [both if finding is other else finding for finding in found]
