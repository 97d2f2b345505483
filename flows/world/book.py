"""The book that the sample world is written in: one call adds a plan line, the campaign behind it and the label on both."""

from dataclasses import dataclass, field, replace
from typing import Any

import numpy as np
import pandas as pd

from flows.world import NEVER
from flows.world.delivery import Calendar

START, END = -24, 10  # days around `as_of` of a flight of which nothing else is said: five weeks
LABELS = ["case", "flight_id", "scope", "problem", "severity", "lane", "action", "match_kind", "word"]
TRACKER = ["Flight ID", "Client", "Platform", "Account ID", "Campaign ID", "Campaign Name", "Market", "Product", "Budget", "Currency",
           "Start Date", "End Date", "Timezone", "Curve", "Cost Basis", "Fee Pct", "Owner", "Updated At"]  # fmt: skip
UNIT = 1_000_000
PLATFORM_MARKET = {"UK": "GB"}  # the platforms write it so; the policy's synonyms know
OWNERS = {"Halden Outdoor": "Asha", "Brightwater Bank": "Tomasz", "Mirelle Beauty": "Ines", "Kestrel Mobile": "Dele", "Lantern Games": "Yuki"}


@dataclass(frozen=True)
class Account:
    platform: str
    account_id: str
    client: str
    currency: str
    timezone: str
    market: str

    def sibling(self, account_id: str) -> "Account":
        return replace(self, account_id=account_id)


@dataclass(frozen=True)
class Expected:
    """What a case must come to; None is not asserted. `word` must occur in the root cause, in any case of letters."""

    severity: str | None
    lane: str | None
    action: str | None
    match_kind: str | None
    problem: str | None = None
    word: str | None = None

    def about(self, problem: str) -> "Expected":
        return replace(self, problem=problem)

    def does(self, action: str) -> "Expected":
        return replace(self, action=action)

    def matched(self, kind: str | None) -> "Expected":
        return replace(self, match_kind=kind)

    def word_is(self, word: str) -> "Expected":
        return replace(self, word=word)


@dataclass
class Book:
    seed: int
    as_of: pd.Timestamp
    calendar: Calendar
    accounts: dict[str, Account]
    campaigns: list[dict[str, Any]] = field(default_factory=list)
    targets: list[dict[str, str]] = field(default_factory=list)
    labels: list[dict[str, Any]] = field(default_factory=list)

    @property
    def today(self) -> pd.Timestamp:
        return self.as_of.tz_localize(None).normalize()

    def size(self, code: str) -> int:
        number = list(self.accounts).index(code)
        return sum(campaign["account"] == number for campaign in self.campaigns)

    def add(self, case: str, code: str, name: str, expected: Expected, *, budget: int, start: int = START, end: int = END, fee: int = 0,
            curve: str = "even", market: str | None = None, currency: str | None = None, planned_id: str | None = None,
            start_text: str | None = None, end_text: str | None = None, on_platform: bool = True, twins: int = 1, **does: Any) -> None:
        """One plan line of one campaign. `does` is what the campaign does (`_campaign`); amounts are whole units of the currency."""
        daily_micros = budget * UNIT // (end - start + 1)
        ids = [self._campaign(code, name, daily_micros, start, end, curve=curve, market=market, **does) for _ in range(twins)] \
            if on_platform else [self._new_id(code, -1 - len(self.targets))]  # fmt: skip
        flight = self._flight_id(code)
        self._target(flight, code, ids[0] if planned_id is None else planned_id, name, budget, start, end, Curve=curve,
                     **{"Market": market or self.accounts[code].market, "Currency": currency or self.accounts[code].currency,
                        "Cost Basis": "gross" if fee else "", "Fee Pct": str(fee) if fee else "",
                        "Start Date": start_text or self._date(start), "End Date": end_text or self._date(end)})  # fmt: skip
        self._label(case, flight, code, expected)

    def always_on(self, code: str, name: str, expected: Expected, *, daily: int, flights: list[tuple[str, int, int]]) -> None:
        """One campaign without an end, planned month by month."""
        campaign = self._campaign(code, name, daily * UNIT, flights[0][1], flights[-1][2], open_end=True)
        for case, start, end in flights:
            flight = self._flight_id(code)
            self._target(flight, code, campaign, name, daily * (end - start + 1), start, end)
            self._label(case, flight, code, expected)

    def line_over(self, case: str, code: str, names: list[str], expected: Expected, *, budget: int, shares: tuple[float, ...]) -> None:
        """One plan line over several campaigns: the same flight_id, dates and budget on a row for each."""
        flight = self._flight_id(code)
        for name, share in zip(names, shares, strict=True):
            campaign = self._campaign(code, name, round(budget * share) * UNIT // (END - START + 1), START, END)
            self._target(flight, code, campaign, name, budget, START, END)
        self._label(case, flight, code, expected)

    def unplanned(self, case: str, code: str, name: str | None = None, *, daily: int = 0) -> None:
        """Money outside every plan: the label is the account's; with a name, a campaign that no plan line knows."""
        if name is not None:
            self._campaign(code, name, daily * UNIT, -9, END)
        account = self.accounts[code]
        self.labels.append({"case": case, "scope": f"account:{account.platform}/{account.account_id}", "problem": "unplanned"})

    def target_frame(self) -> pd.DataFrame:
        return pd.DataFrame(self.targets, columns=TRACKER).astype("str")

    def label_frame(self) -> pd.DataFrame:
        return pd.DataFrame(self.labels, columns=LABELS).astype("str")

    def _campaign(self, code: str, name: str, daily_micros: int, start: int, end: int, *, curve: str = "even", market: str | None = None,
                  factor: float = 1.0, first: int | None = None, last: int | None = None, zero: int = NEVER, gone: int = NEVER,
                  paused: int = NEVER, duplicate: int = NEVER, step: tuple[int, float] = (NEVER, 1.0), now_called: str | None = None,
                  since: int | None = None, daily_budget: float | None = None, old_daily_budget: float = 1.1,
                  capped: bool = False, open_end: bool = False) -> str:
        """What the platform does; days are relative to `as_of`, factors and daily budgets to the plan's even day. Returns its id."""
        account = self.accounts[code]
        number = len(self.campaigns)
        campaign_id = self._new_id(code, number)
        yen = account.currency == "JPY"
        half, first_ppm, second_ppm = _lean(curve, start, end)
        budget = _rounded(daily_micros * (max(factor, 1.0) * 1.1 if daily_budget is None else daily_budget))
        self.campaigns.append({
            "number": number, "account": list(self.accounts).index(code), "campaign_id": campaign_id, "campaign_name": now_called or name,
            "old_name": name if since is not None else now_called or name, "rename_day": self._day(since) if since is not None else 0,
            "market": PLATFORM_MARKET.get(market or account.market, market or account.market), "product": _product(name),
            "start_date": self.today + pd.Timedelta(days=start), "end_date": pd.NaT if open_end else self.today + pd.Timedelta(days=end),
            "first_day": self._day(start if first is None else first), "last_day": self._day(end if last is None else last),
            "zero_day": self._day(zero), "gone_day": self._day(gone), "paused_day": self._day(paused), "duplicate_day": self._day(duplicate),
            "daily_micros": daily_micros, "factor_ppm": round(factor * UNIT), "step_day": self._day(step[0]), "step_ppm": round(step[1] * UNIT),
            "half_day": self._day(half), "first_ppm": first_ppm, "second_ppm": second_ppm,
            "quantum": UNIT if yen else 10_000 if account.platform == "meta" else 1, "cpm_micros": 420 * UNIT if yen else 4_200_000,
            "daily_budget_micros": budget, "cap_micros": budget if capped else np.iinfo(np.int64).max,
            "old_daily_budget_micros": _rounded(daily_micros * old_daily_budget),
        })  # fmt: skip
        return campaign_id

    def _target(self, flight: str, code: str, campaign_id: str, name: str, budget: int, start: int, end: int, **more: str) -> None:
        account = self.accounts[code]
        self.targets.append({
            "Flight ID": flight, "Client": account.client, "Platform": account.platform, "Account ID": account.account_id,
            "Campaign ID": campaign_id, "Campaign Name": name, "Market": account.market, "Product": _product(name), "Budget": f"{budget}.00",
            "Currency": account.currency, "Start Date": self._date(start), "End Date": self._date(end),
            "Timezone": account.timezone if len(self.targets) % 3 == 0 else "", "Curve": "even", "Cost Basis": "", "Fee Pct": "",
            "Owner": OWNERS[account.client], "Updated At": (self.today + pd.Timedelta(days=min(start, 0) - 3, hours=9)).isoformat() + "Z",
        } | more)  # fmt: skip

    def _label(self, case: str, flight: str, code: str, expected: Expected) -> None:
        account = self.accounts[code]
        whole_account = case in ("stale_account", "account_stopped")
        scope = f"account:{account.platform}/{account.account_id}" if whole_account else f"campaign:{flight}"
        self.labels.append({"case": case, "flight_id": flight, "scope": scope} | vars(expected))

    def _flight_id(self, code: str) -> str:
        account = self.accounts[code]
        return f"{account.client[:3].upper()}-{account.market}-{len({row['Flight ID'] for row in self.targets}) + 1:03d}"

    def _new_id(self, code: str, number: int) -> str:
        """Ids as the platforms give them: 11, 17 and 8 digits."""
        base = {"google": 20_418_377_001, "meta": 12_020_844_172_039_041, "dv360": 50_331_207}[self.accounts[code].platform]
        return str(base + number * 7_919)

    def _day(self, relative: int) -> int:
        return NEVER if relative == NEVER else relative + (self.today - self.calendar.first).days

    def _date(self, relative: int) -> str:
        return str((self.today + pd.Timedelta(days=relative)).date())


def _product(name: str) -> str:
    return name.split("_")[3] if name.count("_") >= 3 else name


def _rounded(micros: float) -> int:
    return round(micros / UNIT) * UNIT


def _lean(curve: str, start: int, end: int) -> tuple[int, int, int]:
    """(day on which the plan's pace changes, pace before, pace after) in ppm of the even pace."""
    days = end - start + 1
    if curve == "ahead":
        return start + days * 5 // 6, 1_200_000, 0
    if curve.startswith("front:"):
        percent = int(curve.removeprefix("front:"))
        return start + days // 2, 20_000 * percent, 20_000 * (100 - percent)
    return start, UNIT, UNIT
