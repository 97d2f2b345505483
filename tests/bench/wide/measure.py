"""A wide world lived through, window by window: how many incidents an account-wide fault is, how many are false, and what allowances and curves raise.

`python tests/bench/wide/measure.py [ACCOUNTS] [DAYS] [FROM] [BANDS] [SEED] [FAULTS]`: runs every four hours of the days from FROM on. FAULTS: usual (every second account, on one day), calm
(none), twins (none, and every flight on another plan than even, or with an allowance, has a twin on an even plan with the same noise), other (every account one of OTHERS, begun
on a day and at an hour of its own, a third of its campaigns ended before). Everything is drawn from one seed; nothing is read or written.
"""

import sys
from collections import Counter, defaultdict
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta

import numpy as np
import numpy.typing as npt
import pandas as pd

from pacing_brain import curves, frames, zones
from pacing_brain.brain import PacingBrain
from pacing_brain.model import Finding, Inputs, RunContext
from pacing_brain.policy import Policy

Floats = npt.NDArray[np.float64]
START = pd.Timestamp("2026-10-12")  # Europe's clocks change on 25 October, those of the United States on 1 November
ZONES = ("Europe/London", "Europe/Berlin", "America/New_York", "America/Los_Angeles", "America/Sao_Paulo", "Asia/Kolkata")
PLATFORMS = ("google", "meta", "dv360")
CURVES = (("even", None), ("even", None), ("ahead", None), ("asap", None), ("front", 60.0), ("back", 60.0), ("custom", None))
FAULTS = ("freeze", "x1.35", "vanished days")
OTHERS = ("freeze", "x1.35", "x0.7", "vanished days", "freeze that ends", "vanished days, then freeze")
FAULT_DAY, VANISHED_DAYS = 18, 3  # after START; the last days before it vanish
ENDS_AFTER, NEXT_AFTER = timedelta(hours=30), timedelta(hours=36)  # a freeze that ends; a fault that follows another
LAG_H = {"google": 2, "meta": 5, "dv360": 6}
NOISE, UNIT, SEED = 0.12, 1_000_000, 20261012
POLICY = 'bands = "{}"\n[scope."platform=dv360".allowance]\nahead_pct = 20.0\n'
GROUNDS = {"In the last 24 h": "level", "Left alone": "landing", "Not delivering": "zero"}  # by how the first reason begins
TOLD_WITHIN = timedelta(hours=96)


@dataclass
class World:
    """accounts: platform, account_id, timezone, fault ('' for none). targets: TARGETS. days: spend by campaign and account day, in micros, as it will be in the end."""

    accounts: pd.DataFrame
    targets: pd.DataFrame
    days: pd.DataFrame
    calm: set[str]  # flights whose account has no fault
    odd: dict[str, str] = field(default_factory=dict)  # calm flights that use an allowance or have another curve than even


def world(n_accounts: int, n_days: int, seed: int = SEED, faults: str = "usual") -> World:
    chance = np.random.default_rng(seed)
    kinds = {"usual": [FAULTS[(at // 2 + at // 6) % 3] if at % 2 else "" for at in range(n_accounts)], "calm": [""] * n_accounts, "twins": [""] * n_accounts,
             "other": [OTHERS[(at + at // 6) % 6] for at in range(n_accounts)]}[faults]
    begins = [timedelta(days=FAULT_DAY) if faults != "other" else timedelta(days=int(chance.integers(9, n_days - 4)), hours=4 * int(chance.integers(0, 6))) for _ in range(n_accounts)]
    begins = [begin - timedelta(hours=begin.seconds // 3600) if kind.startswith("x") else begin for begin, kind in zip(begins, kinds, strict=True)]
    accounts = pd.DataFrame({"platform": [PLATFORMS[at % 3] for at in range(n_accounts)], "account_id": [f"9{at:04}" for at in range(n_accounts)],
                             "timezone": [ZONES[at % 6] for at in range(n_accounts)], "fault": kinds,
                             "broken": [(START + begin).tz_localize("UTC") for begin in begins],
                             "vanished": [VANISHED_DAYS if faults != "other" else int(chance.integers(1, 5)) for _ in range(n_accounts)]})
    targets, days, odd = [], [], {}
    for account in accounts.itertuples():
        for number in range(int(chance.integers(20, 51))):
            flight = f"{account.account_id}-{number:02}"
            length = int(chance.integers(n_days + 5, n_days + 25)) if faults != "other" or number % 3 else int(chance.integers(5, 9))
            curve, pct = CURVES[number % len(CURVES)] if length > FAULT_DAY else ("even", None)
            budget = int(chance.integers(60, 900)) * UNIT * length
            group = f"group {account.account_id}-{number // 2}" if number in (0, 1) else flight  # the first two campaigns share one budget
            if number == 1:
                curve, pct, length, budget = (targets[-1][name] for name in ("curve", "curve_pct", "length", "budget_micros"))
            targets.append({"row": len(targets) + 2, "flight_id": group, "campaign_id": flight, "campaign_name": f"Campaign {flight}", "platform": account.platform,
                            "account_id": account.account_id, "client": f"Client {account.account_id}", "market": "GB", "product": "Boots", "currency": "GBP",
                            "timezone": account.timezone, "budget_micros": budget, "start_date": START, "end_date": START + pd.Timedelta(days=length - 1), "curve": curve,
                            "curve_pct": pct, "length": length, "target_to_date_micros": budget // length * 10 if curve == "custom" else None,
                            "updated_at": pd.Timestamp("2026-10-21T10:00:00Z") if curve == "custom" else None, "shares": 2 if number in (0, 1) else 1})
            allowance = account.platform == "google" and curve == "even" and number % 7 == 1
            noise = np.exp(chance.normal(0.0, NOISE, n_days))
            days.append(_days(targets[-1], n_days, noise, account, allowance=allowance))
            if not account.fault and (allowance or curve != "even"):
                odd[group] = "allowance" if allowance else curve
                if faults == "twins" and group == flight:
                    twin = {"row": len(targets) + 2, "flight_id": f"{flight}T", "campaign_id": f"{flight}T", "campaign_name": f"Campaign {flight} T", "curve": "even",
                            "curve_pct": None, "target_to_date_micros": None, "updated_at": None}
                    targets.append(targets[-1] | twin)
                    days.append(_days(targets[-1], n_days, noise, account, allowance=False))
    table = pd.DataFrame(targets)
    calm = set(table.loc[~table["account_id"].isin(accounts.loc[accounts["fault"].ne(""), "account_id"]), "flight_id"])
    return World(accounts, frames.TARGETS.check(table), pd.concat(days, ignore_index=True), calm, odd)


def _days(target: dict, n_days: int, noise: Floats, account: object, *, allowance: bool) -> pd.DataFrame:
    """The campaign's days: its curve's plan with a weekday shape and noise; with an allowance 1.6 and 0.4 times its daily budget by turns."""
    days = pd.date_range(START, periods=n_days)
    row = pd.DataFrame([target] * (n_days + 1)).assign(account_timezone=target["timezone"], day_weights=None)
    row = frames.TARGETS.check(row).assign(account_timezone=target["timezone"], watermark=pd.Timestamp("2026-10-21T22:00:00Z"), day_weights=pd.Series([None] * (n_days + 1), dtype="str"))
    at = zones.midnights(pd.Series(days.append(days[-1:] + pd.Timedelta(days=1))).astype("datetime64[us]"), row["account_timezone"])
    plan = np.diff(curves.planned_micros(row, at).to_numpy("float64")) / target["shares"]
    if target["curve"] == "asap":
        plan = np.full(n_days, target["budget_micros"] / (target["length"] // 2) / target["shares"])  # until its budget is through
    shape = np.array([1.05, 1.05, 1.0, 1.0, 1.05, 0.9, 0.95])[days.day_of_week]
    swing = np.where(np.arange(n_days) % 2 == 0, 1.6, 0.4) if allowance else 1.0
    spent = plan * shape * swing * noise
    if target["curve"] in ("ahead", "asap"):
        spent = spent * np.clip((target["budget_micros"] / target["shares"] - np.concatenate([[0.0], np.cumsum(spent)[:-1]])) / np.maximum(spent, 1.0), 0.0, 1.0)
    if account.fault.startswith("x"):
        spent = spent * np.where(days >= account.broken.tz_localize(None).normalize(), float(account.fault[1:]), 1.0)
    spent = spent[:target["length"]]
    days = days[:target["length"]]
    return pd.DataFrame({"platform": target["platform"], "account_id": target["account_id"], "campaign_id": target["campaign_id"], "campaign_name": target["campaign_name"],
                         "timezone": target["timezone"], "day": days, "spend_micros": np.rint(spent).astype("int64"),
                         "daily_budget_micros": pd.array([round(target["budget_micros"] / target["length"] / target["shares"])] * len(days), dtype="Int64")})


def seen(made: World, as_of: datetime) -> tuple[pd.DataFrame, pd.DataFrame]:
    """(SPEND, LOADS) as they are at an instant: loaded 20 minutes before, the present day as far as the platform's lag lets it be seen."""
    load = pd.Timestamp(as_of) - pd.Timedelta(minutes=20)
    mine = made.accounts.set_index("account_id")
    fault, broken = made.days["account_id"].map(mine["fault"]), made.days["account_id"].map(mine["broken"])
    stopped = broken.where(~fault.str.contains("then"), broken + NEXT_AFTER)
    frozen = fault.str.contains("freeze") & (load >= stopped) & ~(fault.str.contains("ends") & (load >= broken + ENDS_AFTER))
    reach = stopped.where(frozen, load)  # what a frozen feed holds stays as it was; its loads go on
    known = reach.astype("datetime64[us, UTC]") - pd.to_timedelta(made.days["platform"].map(LAG_H), unit="h")
    begin = zones.midnights(made.days["day"].astype("datetime64[us]"), made.days["timezone"])
    end = zones.midnights((made.days["day"] + pd.Timedelta(days=1)).astype("datetime64[us]"), made.days["timezone"])
    share = ((known - begin) / (end - begin)).clip(0.0, 1.0)
    on = broken.dt.tz_localize(None).dt.normalize()
    vanished = pd.to_timedelta(made.days["account_id"].map(mine["vanished"]), unit="D")
    gone = fault.str.startswith("vanished") & made.days["day"].lt(on) & made.days["day"].ge(on - vanished) & (load >= broken)
    rows = made.days[(share > 0) & ~gone]
    spend = rows.assign(spend_micros=(rows["spend_micros"] * share[rows.index]).round().astype("int64"), currency="GBP", market="GB", product="Boots", n_rows=1, loaded_at=load,
                        impressions=np.where(rows["spend_micros"].gt(0), 1000, 0), start_date=START, end_date=None)
    loads = made.accounts[["platform", "account_id"]].assign(loaded_at=load, from_rows=False)
    return frames.SPEND.check(spend), frames.LOADS.check(loads)


@dataclass
class Count:
    """opened: (instant, finding) of every problem when it appears. days: account-days that were watched without a fault."""

    opened: list[tuple[datetime, Finding]] = field(default_factory=list)
    raised: dict[str, set[str]] = field(default_factory=lambda: defaultdict(set))  # severity -> calm flights that had it
    grounds: dict[str, dict[str, str]] = field(default_factory=lambda: defaultdict(dict))  # severity -> flight -> what first raised it


def live(made: World, n_days: int, from_day: int, bands: str) -> Count:
    policy, brain, counted = Policy.parse(POLICY.format(bands)), PacingBrain(), Count()
    memory, standing = frames.MEMORY.empty(), set()
    first = START.to_pydatetime().replace(tzinfo=UTC)
    for step in range(6 * from_day, n_days * 6):
        as_of = first + timedelta(hours=4 * step)
        spend, loads = seen(made, as_of)
        totals = spend.groupby("currency", as_index=False).agg(n_rows=("n_rows", "sum"), spend_micros=("spend_micros", "sum"))
        run = RunContext(run_id=f"{as_of:%Y%m%dT%H%MZ}", as_of=as_of, window=as_of, live=True, tracker_read_at=as_of)
        outcome = brain.decide(Inputs(run=run, policy=policy, targets=made.targets, spend=spend, loads=loads, campaigns=frames.CAMPAIGNS.empty(),
                                      totals=frames.TOTALS.check(totals), memory=memory, patterns=frames.PATTERNS.empty()))
        memory = outcome.memory.assign(decided_seq=0)
        found = {finding.fingerprint: finding for finding in outcome.findings}
        counted.opened += [(as_of, finding) for key, finding in found.items() if key not in standing]
        standing = set(found)
        decided = outcome.decisions[outcome.decisions["flight_id"].isin(made.calm) & outcome.decisions["phase"].isin(["early", "live"])]
        for severity in ("warning", "critical"):
            raised = decided[decided["severity"].eq(severity)]
            counted.raised[severity] |= set(raised["flight_id"])
            for flight, reasons in zip(raised["flight_id"], raised["reasons"], strict=True):
                counted.grounds[severity].setdefault(flight, next((ground for begins, ground in GROUNDS.items() if reasons[0].startswith(begins)), "band"))
        if outcome.dead_letters:
            raise SystemExit(f"{as_of}: {outcome.dead_letters[:2]}")
    return counted


def report(made: World, counted: Count, watched: int) -> list[str]:
    """The figures, a line each."""
    lines, one, several = [], 0, 0
    for account in made.accounts[made.accounts["fault"].ne("")].itertuples():
        fault_at, asked = account.broken.to_pydatetime(), 1 + ("then" in account.fault)
        scope = f"account:{account.platform}/{account.account_id}"
        mine = [finding for at, finding in counted.opened if fault_at <= at <= fault_at + TOLD_WITHIN
                and (finding.scope == scope or any(flight.startswith((account.account_id, f"group {account.account_id}")) for flight in finding.flights))]
        wide, narrow = [one for one in mine if one.scope == scope], [one for one in mine if one.scope != scope and one.severity == "critical"]
        whole = 1 <= len(wide) <= asked and not narrow
        one, several = one + whole, several + (not whole)
        lines.append(f"  {account.fault:14} {scope}, day {(account.broken.tz_localize(None) - START) / pd.Timedelta(days=1):.1f}: {len(wide)} of the account ({_kinds(wide)}), {len(narrow)} critical of campaigns ({_kinds(narrow)})")
    calm = set(made.accounts.loc[made.accounts["fault"].eq(""), "account_id"])
    false = [finding for _, finding in counted.opened if finding.scope.startswith("account:") and finding.scope.rpartition("/")[2] in calm]
    month = max(len(calm) * watched / 30.4 / 50, 1e-9)
    raised = {severity: sorted(flight for flight in counted.raised[severity] if flight in made.odd) for severity in ("warning", "critical")}
    twins = [flight for flight in made.odd if f"{flight}T" in made.calm]
    against = [f"  of {len(twins)} with a twin on an even plan: ever {severity} {sum(f in counted.raised[severity] for f in twins)}, "
               f"and not the twin {sum(f in counted.raised[severity] and f'{f}T' not in counted.raised[severity] for f in twins)}; "
               f"the twin ever {sum(f'{f}T' in counted.raised[severity] for f in twins)}" for severity in ("critical", "warning") if twins]
    return [f"account-wide faults that are one incident: {one} of {one + several}", *lines,
            f"false account-wide incidents: {len(false)} in {len(calm)} accounts and {watched} days: {len(false) / month:.2f} a month per 50 accounts",
            f"flights that use an allowance or another curve than even: {len(made.odd)}; ever critical {len(raised['critical'])}, ever a warning {len(raised['warning'])}",
            *(f"  {kind}: {sum(made.odd[f] == kind for f in made.odd)}, "
              + ", ".join(f"{severity} {_grounds(counted, severity, [f for f in raised[severity] if made.odd[f] == kind])}" for severity in raised)
              for kind in sorted(set(made.odd.values()))),
            *against,
            (f"other calm flights: {len(made.calm) - len(made.odd)}; ever critical {len(counted.raised['critical'] - set(made.odd))}, "
            f"ever a warning {len(counted.raised['warning'] - set(made.odd))}")]


def _grounds(counted: Count, severity: str, flights: list[str]) -> str:
    """How many, and on what ground each was first raised."""
    return f"{len(flights)} ({', '.join(f'{n} {ground}' for ground, n in sorted(Counter(counted.grounds[severity][flight] for flight in flights).items())) or 'none'})"


def _kinds(found: list[Finding]) -> str:
    return ", ".join(f"{many} {kind}" for kind, many in sorted(Counter(str(one.problem) for one in found).items())) or "none"


if __name__ == "__main__":
    given = dict(enumerate(sys.argv[1:]))
    wanted, lived, begun = (int(given.get(at, default)) for at, default in enumerate((12, 28, 1)))
    built = world(wanted, lived, int(given.get(4, SEED)), str(given.get(5, "usual")))
    print(f"{len(built.accounts)} accounts ({built.accounts['fault'].eq('').sum()} calm), {built.targets['flight_id'].nunique()} flights, days {begun} to {lived}")
    for bands in (given[3],) if 3 in given else ("fixed", "evidence"):
        print(f"bands = {bands}", *report(built, live(built, lived, begun, bands), lived - begun), sep="\n")
