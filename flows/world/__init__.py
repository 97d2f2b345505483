"""The sample world: a seeded agency with a media plan, a warehouse that fills as time passes, and labels that say what is right.

`World.generate()` is the believable one, with every case on purpose (`cases.py`); `World.scale()` is the big one. Both are functions
of their arguments alone. `at(instant)` is the warehouse as it could be read then, so that many windows can be lived through.
"""

import itertools
from collections.abc import Iterator
from dataclasses import dataclass
from functools import cached_property
from typing import Any

import numpy as np
import pandas as pd

from flows.world.delivery import DAY, HOUR, REVISION, Calendar, Ints, delivered_ppm, final_micros, last_loads

DEMO_AS_OF = pd.Timestamp("2026-11-05T08:00:00Z")  # Europe's clocks went back on 25 October, America's on 1 November
NEVER = np.iinfo(np.int32).max  # a day number that does not come
ROWS_AT_ONCE = 3_000_000  # campaign-days worked on in one block
SPEND_COLUMNS = [
    "platform", "account_id", "campaign_id", "campaign_name", "market", "product", "start_date", "end_date", "currency", "timezone", "day",
    "spend_micros", "impressions", "clicks", "conversions", "loaded_at", "status", "daily_budget_micros",
]  # fmt: skip


@dataclass(frozen=True)
class Visible:
    """What the warehouse holds at an instant: frames for `EmbeddedWarehouse.load`."""

    as_of: pd.Timestamp
    spend: pd.DataFrame  # the spend columns of CONTRACT.md, spend_micros int64; a duplicated row stands twice
    loads: pd.DataFrame  # platform, account_id, loaded_at


@dataclass(frozen=True)
class World:
    """targets: the tracker's columns as text. labels: what each case must come to (`world_cases.LABELS`).

    accounts: number, platform, account_id, client, currency, timezone, zone, silent_from. campaigns: what the platforms do (`BLANK`).
    """

    seed: int
    as_of: pd.Timestamp
    calendar: Calendar
    accounts: pd.DataFrame
    campaigns: pd.DataFrame
    targets: pd.DataFrame
    labels: pd.DataFrame

    @classmethod
    def generate(cls, seed: int = 7, campaigns: int = 60, as_of: Any = None, *, cases: bool = True,
                 accounts_of: tuple[int, int] = (20, 50)) -> "World":
        """The agency: every case once or more and healthy campaigns around them, at least `campaigns` in all.

        Healthy ones beyond what the standing accounts hold go to further accounts of `accounts_of` campaigns.
        """
        from flows.world.cases import agency  # noqa: PLC0415

        return agency(seed, campaigns, instant(as_of), cases=cases, accounts_of=accounts_of)

    @classmethod
    def scale(cls, seed: int = 7, campaigns: int = 100_000, days: int = 30, as_of: Any = None, *,
              accounts_of: tuple[int, int] = (20, 50), fault_share: float = 0.02) -> "World":
        """Many campaigns, about 2 % of them at fault; a campaign has at most `days` days with rows (1,000,000 x 30 are 30,000,000 rows)."""
        from flows.world.scale import many  # noqa: PLC0415

        return many(seed, campaigns, days, instant(as_of), accounts_of=accounts_of, fault_share=fault_share)

    @cached_property
    def now(self) -> Visible:
        return self.at(self.as_of)

    @property
    def spend(self) -> pd.DataFrame:
        return self.now.spend

    @property
    def loads(self) -> pd.DataFrame:
        return self.now.loads

    def targets_csv(self) -> str:
        """The tracker as a person keeps it."""
        return str(self.targets.to_csv(index=False, lineterminator="\n"))

    def at(self, when: Any) -> Visible:
        """The warehouse as it could be read at an instant (UTC), a month before and after `as_of`."""
        moment = instant(when)
        micros = micros_since_1970(moment)
        loaded, complete_to = last_loads(self.seed, self.accounts, self.calendar, micros)
        share = delivered_ppm(complete_to, self.accounts["zone"].to_numpy(np.int64), self.calendar)
        blocks = [self._block(block, share, loaded) for block in self._blocks()]
        spend = pd.concat(blocks, ignore_index=True) if len(blocks) > 1 else blocks[0]
        feeds = self.accounts[["platform", "account_id"]].assign(loaded_at=_instants(loaded))
        return Visible(moment, spend, feeds.reset_index(drop=True))

    def _blocks(self) -> Iterator[slice]:
        step = max(ROWS_AT_ONCE // self.calendar.days, 1)
        edges = [*range(0, len(self.campaigns), step), len(self.campaigns)]
        yield from (slice(start, end) for start, end in itertools.pairwise(edges))

    def _block(self, block: slice, share: Ints, loaded: Ints) -> pd.DataFrame:
        campaigns = self.campaigns.iloc[block]
        days = slice(int(campaigns["first_day"].min()), min(self.calendar.days, int(campaigns["last_day"].max()) + 1))
        final, exists = final_micros(self.seed, campaigns, self.calendar, days)
        reported = share[campaigns["account"].to_numpy(), days]
        row, day = np.nonzero(exists & (reported > 0))
        spent = final[row, day] * reported[row, day] // 1_000_000
        quantum = campaigns["quantum"].to_numpy()[row]
        return self._rows(campaigns, row, day + days.start, spent // quantum * quantum, loaded)

    def _rows(self, campaigns: pd.DataFrame, row: Ints, day: Ints, spent: Ints, loaded: Ints) -> pd.DataFrame:
        twice = np.repeat(np.arange(len(row)), np.where(campaigns["duplicate_day"].to_numpy()[row] == day, 2, 1))
        row, day, spent = row[twice], day[twice], spent[twice]
        of = campaigns.iloc[row].reset_index(drop=True)
        feeds = self.accounts.iloc[of["account"]].reset_index(drop=True)
        impressions = spent * 1000 // of["cpm_micros"].to_numpy()
        after = day >= of["step_day"].to_numpy()
        ends = self.calendar.midnights()[feeds["zone"].to_numpy(), day + 1]
        return pd.DataFrame({
            "platform": feeds["platform"], "account_id": feeds["account_id"], "campaign_id": of["campaign_id"],
            "campaign_name": of["campaign_name"].where(day >= of["rename_day"], of["old_name"]), "market": of["market"],
            "product": of["product"], "start_date": of["start_date"], "end_date": of["end_date"], "currency": feeds["currency"],
            "timezone": feeds["timezone"], "day": self.calendar.first + pd.to_timedelta(day, unit="D").as_unit("us"), "spend_micros": spent,
            "impressions": impressions, "clicks": impressions // 90, "conversions": (impressions // 4000).astype(np.float64),
            "loaded_at": _instants(np.minimum(loaded[of["account"].to_numpy()], ends + REVISION + 4 * HOUR)),
            "status": of["status"].where(day < of["paused_day"], "paused"),
            "daily_budget_micros": of["daily_budget_micros"].where(after | (of["step_day"] == NEVER), of["old_daily_budget_micros"]),
        })[SPEND_COLUMNS]  # fmt: skip


# What a campaign does when nothing is said about it; day numbers count from the calendar's first day.
BLANK: dict[str, Any] = {
    "number": 0, "account": 0, "campaign_id": "", "campaign_name": "", "old_name": "", "rename_day": 0, "market": "", "product": "",
    "start_date": pd.NaT, "end_date": pd.NaT, "first_day": 0, "last_day": NEVER, "zero_day": NEVER, "gone_day": NEVER, "paused_day": NEVER,
    "duplicate_day": NEVER, "daily_micros": 0, "factor_ppm": 1_000_000, "step_day": NEVER, "step_ppm": 1_000_000, "half_day": 0,
    "first_ppm": 1_000_000, "second_ppm": 1_000_000, "quantum": 1, "cpm_micros": 4_200_000, "status": "active",
    "daily_budget_micros": 0, "old_daily_budget_micros": 0, "cap_micros": int(np.iinfo(np.int64).max),
}  # fmt: skip


def campaign_frame(fields: Any) -> pd.DataFrame:
    """The campaigns' frame from columns or rows of some of `BLANK`'s fields."""
    given = pd.DataFrame(fields)
    columns = {name: given[name] if name in given else pd.Series([value] * len(given), index=given.index) for name, value in BLANK.items()}
    kinds = {name: "int64" if isinstance(value, int) else "str" if isinstance(value, str) else "datetime64[us]" for name, value in BLANK.items()}
    return pd.DataFrame(columns).astype(kinds)


def instant(when: Any) -> pd.Timestamp:
    """An instant in UTC; a naive one is taken as UTC, None as the demo's."""
    moment = DEMO_AS_OF if when is None else pd.Timestamp(when)
    return (moment.tz_localize("UTC") if moment.tzinfo is None else moment.tz_convert("UTC")).as_unit("us")


def micros_since_1970(moment: pd.Timestamp) -> int:
    return int(moment.value) // 1000  # `value` is in nanoseconds whatever the unit


def calendar_around(as_of: pd.Timestamp, zones: tuple[str, ...], *, before: int, after: int) -> Calendar:
    """Days from `before` days before `as_of`'s date to `after` days after it."""
    today = as_of.tz_localize(None).normalize()
    return Calendar(today - pd.Timedelta(days=before), before + after + 1, zones)


def _instants(micros: Ints) -> Any:
    return pd.to_datetime(micros, unit="us", utc=True).as_unit("us")


__all__ = ["BLANK", "DAY", "DEMO_AS_OF", "NEVER", "Visible", "World", "calendar_around", "campaign_frame", "instant", "micros_since_1970"]
