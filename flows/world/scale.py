"""The big world: up to a million campaigns made as columns, for benchmarks. A few per cent are at fault and labelled."""

from typing import Any

import numpy as np
import pandas as pd

from flows.world import NEVER, World, calendar_around, campaign_frame
from flows.world.book import LABELS, TRACKER, UNIT
from flows.world.delivery import between, mixed

PLATFORMS = ("google", "meta", "dv360")
KINDS = (("GBP", "Europe/London", "GB"), ("EUR", "Europe/Berlin", "DE"), ("USD", "America/New_York", "US"),
         ("USD", "America/Los_Angeles", "US"), ("EUR", "Europe/Madrid", "ES"))  # fmt: skip
FAULTS = (  # case, severity, lane, action, problem
    ("critical_over", "critical", "critical", "recommend_halt", "over"),
    ("critical_under", "critical", "critical", "slack_alert", "under"),
    ("warning_over", "warning", "warning", "slack_alert", "over"),
    ("stopped_without_rows", "critical", "critical", "recommend_halt", "zero"),
    ("duplicate_rows", None, "escalate", "escalate", "duplicate"),
    ("never_delivered", "critical", "critical", "recommend_halt", "zero"),
)
NAMES = [fault[0] for fault in FAULTS]
FACTORS = {"critical_over": 1_500_000, "critical_under": 550_000, "warning_over": 1_170_000}
LEAD_DAYS = 30  # days of a flight that lie ahead


def many(seed: int, count: int, days: int, as_of: pd.Timestamp, *, accounts_of: tuple[int, int], fault_share: float) -> World:
    """The world of `World.scale`: flights that began at most `days` days ago and end after `as_of`."""
    zones = tuple(sorted({zone for _, zone, _ in KINDS}))
    calendar = calendar_around(as_of, zones, before=days, after=LEAD_DAYS + 2)
    account = _account_of(seed, count, accounts_of)
    accounts = _accounts(seed, int(account[-1]) + 1 if count else 0, zones)
    number = np.arange(count, dtype=np.int64)
    begun = between(mixed(seed, 11, number), max(days // 2, 2), max(days, 2))  # days ago; two, so that early hours are over
    length = begun + between(mixed(seed, 12, number), 5, LEAD_DAYS)
    daily = between(mixed(seed, 13, number), 40, 900) * UNIT
    case = _cases(seed, number, account, fault_share)
    case = np.where((case == NAMES.index("stopped_without_rows")) & (begun < 6), NAMES.index("never_delivered"), case)
    flights = pd.DataFrame({"number": number, "account": account, "first_day": days - begun, "last_day": days - begun + length - 1,
                            "daily_micros": daily, "case": case})  # fmt: skip
    campaigns = _campaigns(flights, accounts, calendar.first, today=days)
    targets = _targets(campaigns, accounts, length, daily)
    return World(seed, as_of, calendar, accounts, campaigns, targets, _labels(case, targets["Flight ID"]))


def _account_of(seed: int, count: int, accounts_of: tuple[int, int]) -> Any:
    """Account number of every campaign: accounts of accounts_of[0] to accounts_of[1] campaigns, one after the other."""
    most = count // max(accounts_of[0], 1) + 1
    sizes = between(mixed(seed, 10, np.arange(most)), accounts_of[0], accounts_of[1])
    return np.repeat(np.arange(most, dtype=np.int64), sizes)[:count]


def _accounts(seed: int, count: int, zones: tuple[str, ...]) -> pd.DataFrame:
    number = np.arange(count, dtype=np.int64)
    kind = between(mixed(seed, 14, number), 0, len(KINDS) - 1)
    columns = pd.DataFrame(KINDS, columns=["currency", "timezone", "market"]).astype("str").iloc[kind].reset_index(drop=True)
    return pd.DataFrame({
        "number": number, "platform": pd.Series(PLATFORMS, dtype="str").iloc[number % 3].reset_index(drop=True),
        "account_id": _text(3_000_000_000 + number * 7_919), "client": "Client " + _text(number // 4),
    }).join(columns).assign(zone=columns["timezone"].map({zone: index for index, zone in enumerate(zones)}).astype("int64"),
                            silent_from=np.iinfo(np.int64).max // 2)  # fmt: skip


def _cases(seed: int, number: Any, account: Any, fault_share: float) -> Any:
    """Index into FAULTS, or -1. The first campaign of an account is always healthy, so that no account falls silent as a whole."""
    drawn = between(mixed(seed, 15, number), 0, 999_999) < fault_share * 1_000_000
    first = np.r_[True, account[1:] != account[:-1]][: len(account)]
    return np.where(drawn & ~first, between(mixed(seed, 16, number), 0, len(FAULTS) - 1), -1)


def _campaigns(flights: pd.DataFrame, accounts: pd.DataFrame, first: pd.Timestamp, *, today: int) -> pd.DataFrame:
    """What the platforms do, from flights with number, account, first_day, last_day, daily_micros and case."""
    of = accounts.iloc[flights["account"]].reset_index(drop=True)
    number, case = flights["number"].to_numpy(), flights["case"].to_numpy()
    factors = np.array([FACTORS.get(name, UNIT) for name in NAMES] + [UNIT], dtype=np.int64)  # the last is for -1
    return campaign_frame(flights[["number", "account", "first_day", "last_day", "daily_micros"]].assign(
        campaign_id=_text(20_000_000_000 + number * 13), market=of["market"], product="Product " + _text(number % 50), old_name="",
        campaign_name=of["client"] + "_" + of["market"] + "_Campaign_" + _text(number), factor_ppm=factors[case],
        start_date=first + pd.to_timedelta(flights["first_day"], unit="D"), end_date=first + pd.to_timedelta(flights["last_day"], unit="D"),
        gone_day=np.where(case == NAMES.index("stopped_without_rows"), today - 3, NEVER),
        zero_day=np.where(case == NAMES.index("never_delivered"), 0, NEVER),
        duplicate_day=np.where(case == NAMES.index("duplicate_rows"), today - 2, NEVER),
        daily_budget_micros=flights["daily_micros"] * 12 // 10, quantum=np.where(of["platform"] == "meta", 10_000, 1)))  # fmt: skip


def _targets(campaigns: pd.DataFrame, accounts: pd.DataFrame, length: Any, daily: Any) -> pd.DataFrame:
    of = accounts.iloc[campaigns["account"]].reset_index(drop=True)
    given = {
        "Flight ID": "F" + _text(campaigns["number"].to_numpy()), "Client": of["client"], "Platform": of["platform"],
        "Account ID": of["account_id"], "Campaign ID": campaigns["campaign_id"], "Campaign Name": campaigns["campaign_name"],
        "Market": campaigns["market"], "Product": campaigns["product"], "Budget": _text(daily // UNIT * length), "Currency": of["currency"],
        "Start Date": campaigns["start_date"].dt.strftime("%Y-%m-%d"), "End Date": campaigns["end_date"].dt.strftime("%Y-%m-%d"), "Curve": "even",
    }  # fmt: skip
    return pd.DataFrame({name: given.get(name, pd.Series("", index=campaigns.index)) for name in TRACKER}).astype("str")


def _labels(case: Any, flights: pd.Series) -> pd.DataFrame:
    healthy = ("healthy", "healthy", "healthy", "log_only", None)
    kinds = pd.DataFrame([*FAULTS, healthy], columns=["case", "severity", "lane", "action", "problem"]).astype("str")
    labels = kinds.iloc[np.where(case < 0, len(FAULTS), case)].reset_index(drop=True)
    return labels.assign(flight_id=flights, scope="campaign:" + flights, match_kind="id", word=pd.Series(None, index=labels.index, dtype="str"))[LABELS]


def _text(numbers: Any) -> pd.Series:
    return pd.Series(numbers).astype("str")
