"""What each flight's own days add up to, up to the watermark; vectorised over every flight and row at once.

A day counts as soon as it begins before the watermark; it is closed when it ends at or before it. Days are compared as integers:
the last account day that begins before w is the day of the instant just before w.
"""

from dataclasses import dataclass
from typing import Any, TypeAlias

import numpy as np
import numpy.typing as npt
import pandas as pd
from pandas.api.extensions import ExtensionArray

from pacing_brain import days as calendar
from pacing_brain import platform_facts, resting, zones
from pacing_brain.days import number
from pacing_brain.earlier import earlier
from pacing_brain.model import MatchKind, RunContext
from pacing_brain.roster import Codes, positions

Flags = npt.NDArray[np.bool_]
Column: TypeAlias = npt.NDArray[Any] | ExtensionArray
INSTANT = "datetime64[us, UTC]"
NEVER = -1  # day number before every day
_TICK = pd.Timedelta(1, unit="us")
FIRST_LOAD_WITHIN = pd.Timedelta(hours=24)  # of a flight's start
_SPAN = 1 << 22


@dataclass(frozen=True)
class _Clock:
    """Day numbers per flight: its ends, the last day that begins before the watermark, the last that is closed."""

    start: Codes
    end: Codes
    begun: Codes
    closed: Codes  # inside the flight, NEVER when none


@dataclass(frozen=True)
class _Rows:
    """The rows of days that belong to a flight; `flight` is its position."""

    flight: Codes
    day: Codes
    micros: Codes
    counted: Flags  # not quarantined
    frame: pd.DataFrame


def sums(flights: pd.DataFrame, days: pd.DataFrame, accounts: pd.DataFrame, memory: pd.DataFrame,
         run: RunContext) -> tuple[pd.DataFrame, pd.DataFrame]:
    """(flights with the reconcile columns, days with `after_watermark` split off `matched`).

    actual_micros is null where it is not known: no load, a source that did not answer, no campaign matched. It is 0 for a planned id that
    is nowhere reported: nothing was spent under it. On its first day a flight waits for the first load of its account: until then spend is complete
    to its start.
    """
    flights = flights.reset_index(drop=True)
    of_account, known = _account_columns(flights, accounts, pd.Timestamp(run.as_of))
    flights = flights.assign(**of_account)
    clock = _clock(flights)
    of_flight = positions(days["flight_id"], pd.Index(flights["flight_id"]))
    rows = _own_rows(days, of_flight)
    faults = _fault_columns(len(flights), rows)
    spent = _spend_columns(rows, clock, known) | faults | _against_memory(flights, rows, memory, faults["duplicate_days"] + faults["bad_days"] == 0)
    described = platform_facts.columns(flights, rows.frame, rows.flight, rows.day)
    flights = flights.assign(**spent, **described, campaigns=_members(flights, rows, clock))
    return flights, _split_after_watermark(days, of_flight, clock)


def _split_after_watermark(days: pd.DataFrame, at: Codes, clock: _Clock) -> pd.DataFrame:
    """`days` with matched rows whose day does not begin before their flight's watermark in bucket `after_watermark`."""
    late = days["bucket"].eq("matched").to_numpy() & (number(days["day"]) > np.append(clock.begun, NEVER)[at])
    return days.assign(bucket=days["bucket"].mask(late, "after_watermark")) if late.any() else days


def account_positions(flights: pd.DataFrame, accounts: pd.DataFrame) -> Codes:
    """Each flight's row in `accounts`; the platform's own row (account_id empty) for an account that is not listed; -1 without either."""
    at = {key: position for position, key in enumerate(zip(accounts["platform"].tolist(), accounts["account_id"].tolist(), strict=True))}
    asked = zip(flights["platform"].tolist(), flights["account_id"].tolist(), strict=True)
    return np.array([at.get((platform, account), at.get((platform, ""), -1)) for platform, account in asked], dtype=np.int64)


def _account_columns(flights: pd.DataFrame, accounts: pd.DataFrame, as_of: pd.Timestamp) -> tuple[dict[str, pd.Series], Flags]:
    """(the columns that come from the account, where what was spent is known)."""
    at = account_positions(flights, accounts)
    theirs = accounts[["timezone", "timezone_from", "watermark", "available", "load_basis"]].reset_index(drop=True).reindex(at).set_axis(flights.index)
    zone = theirs["timezone"].fillna("UTC")
    of_policy = theirs["timezone_from"].isna() | theirs["timezone_from"].eq("policy")
    if of_policy.any():
        planned = flights["timezone"].where(flights["timezone"].isin([name for name in flights["timezone"].dropna().unique() if zones.is_zone(name)]))
        zone = zone.mask(of_policy, planned.fillna(zone))
    start = zones.midnights(flights["start_date"], zone)
    reached = _earliest(flights, accounts, theirs["watermark"].astype(INSTANT))
    available = theirs["available"].fillna(value=True).astype(bool)
    waits = theirs["load_basis"].fillna("none").eq("none") & available & (start > as_of - FIRST_LOAD_WITHIN)
    reached = reached.mask(waits & reached.isna(), start)
    found = (flights["n_matched"] > 0) | (flights["match_kind"].eq("none") & flights["campaign_id"].notna())
    return {
        "account_timezone": zone.astype("str"), "day_start": start,
        "day_end": zones.midnights(flights["end_date"] + zones.ONE_DAY, zone),
        "watermark": reached.where(reached.isna() | (reached > start), start),
    }, (available & reached.notna() & found).to_numpy(dtype=bool)


def _earliest(flights: pd.DataFrame, accounts: pd.DataFrame, watermark: pd.Series) -> pd.Series:
    """The watermark; of a line over several accounts the earliest of theirs."""
    lines = flights.loc[flights["campaigns"].notna(), "campaigns"]
    if lines.empty:
        return watermark
    members = pd.DataFrame([(at, one["platform"], one["account_id"]) for at, campaigns in lines.items() for one in campaigns],
                           columns=["at", "platform", "account_id"]).astype({"platform": "str", "account_id": "str"})
    at = account_positions(members, accounts)
    reached = accounts["watermark"].take(np.maximum(at, 0)).reset_index(drop=True).where(at >= 0)
    earliest = reached.groupby(members["at"]).min().mask(reached.isna().groupby(members["at"]).any())
    return watermark.where(~watermark.index.isin(earliest.index), earliest.reindex(watermark.index))


def _clock(flights: pd.DataFrame) -> _Clock:
    zone = flights["account_timezone"]
    start, end = number(flights["start_date"]), number(flights["end_date"])
    begun = _day_before(flights["watermark"], zone)
    closed = np.minimum(np.where(begun == NEVER, NEVER, _day_before(flights["watermark"] + _TICK, zone) - 1), end)
    return _Clock(start, end, begun, np.where(closed >= start, closed, NEVER))


def _day_before(instants: pd.Series, zone: pd.Series) -> Codes:
    """Number of the account day that holds the moment just before each instant; NEVER without one."""
    days = zones.local_days(instants - _TICK, zone)
    return np.where(days.notna().to_numpy(), number(days.fillna(pd.Timestamp(0))), NEVER)


def _own_rows(days: pd.DataFrame, at: Codes) -> _Rows:
    mine = np.flatnonzero(at >= 0)
    frame = days if len(mine) == len(days) else days.take(mine)
    return _Rows(at[mine], number(frame["day"]), frame["spend_micros"].fillna(0).to_numpy(dtype=np.int64),
                 frame["bucket"].ne("quarantined").to_numpy(), frame)


def _spend_columns(rows: _Rows, clock: _Clock, known: Flags) -> dict[str, Column]:
    flight, day, micros = _daily(rows)
    begun, closed, positive = day <= clock.begun[flight], day <= clock.closed[flight], micros > 0
    on_closed, recent = day == clock.closed[flight], closed & (day > clock.closed[flight] - 7)
    n, counted = len(known), rows.counted
    every = _distinct(rows.flight, rows.day)
    unknown = np.zeros(n, dtype=bool)  # a closed day that is quarantined says nothing
    unknown[rows.flight[~counted & (rows.day == clock.closed[rows.flight])]] = True
    has_closed = clock.closed != NEVER
    return {
        "actual_micros": _whole(_sum(n, flight, micros, begun), known), "after_watermark_micros": _whole(_sum(n, flight, micros, ~begun), known),
        "credit_micros": _sum(n, flight, np.minimum(micros, 0), begun),
        "spend_days": np.bincount(flight[begun & positive], minlength=n), "row_days": np.bincount(every[0], minlength=n),
        "first_spend_day": _day(_least(n, flight[positive], day[positive])), "last_spend_day": _day(_most(n, flight[positive], day[positive])),
        "closed_micros": _sum(n, flight, micros, closed),
        "closed_days": np.bincount(every[0][every[1] <= clock.closed[every[0]]], minlength=n),
        "closed_day": _day(clock.closed), "closed_day_micros": _whole(_sum(n, flight, micros, on_closed), has_closed & ~unknown),
        "at_rest": resting.at_rest(n, flight[positive], day[positive], clock.closed), "spent_out": np.zeros(n, dtype=bool),
        "last7_micros": _whole(_sum(n, flight, micros, recent), has_closed),
        "last7_days": np.where(has_closed, np.clip(clock.closed - clock.start + 1, 0, 7), 0),
        "impressions": _impressions(n, rows, rows.day <= clock.begun[rows.flight]),
        "closed_day_impressions": _impressions(n, rows, rows.day == clock.closed[rows.flight]),
    }


def _daily(rows: _Rows) -> tuple[Codes, Codes, Codes]:
    """(flight, day, micros) of counted rows, one per flight and day: the campaigns of one line are added."""
    flight, day, micros = rows.flight[rows.counted], rows.day[rows.counted], rows.micros[rows.counted]
    key = flight * _SPAN + day
    if not pd.Series(key).duplicated().any():
        return flight, day, micros
    total = pd.Series(micros).groupby(key).sum()
    keys = total.index.to_numpy()
    return keys // _SPAN, keys % _SPAN, total.to_numpy()


def _impressions(n: int, rows: _Rows, on: Flags) -> ExtensionArray:
    """Shown on those rows' days; null where no row says."""
    said = rows.frame["impressions"].notna().to_numpy() & rows.counted & on
    shown = rows.frame["impressions"].to_numpy("int64", na_value=0)
    return _whole(_sum(n, rows.flight, shown, said), np.bincount(rows.flight[said], minlength=n) > 0)


def _fault_columns(n: int, rows: _Rows) -> dict[str, Codes]:
    """Days with more than one row, and days whose spend is not a number; from the quarantined rows alone."""
    if rows.counted.all():
        return {"duplicate_days": np.zeros(n, dtype=np.int64), "bad_days": np.zeros(n, dtype=np.int64)}
    bad = rows.frame[["campaign_key", "n_rows", "spend_micros"]][~rows.counted].reset_index(drop=True)
    flight, day = rows.flight[~rows.counted], rows.day[~rows.counted]
    keyed = bad.assign(flight=flight, day=day)
    several = keyed.duplicated(["campaign_key", "flight", "day"], keep=False).to_numpy() | bad["n_rows"].gt(1).to_numpy()
    broken = bad["spend_micros"].isna().to_numpy()
    return {name: np.bincount(_distinct(flight[mask], day[mask])[0], minlength=n)
            for name, mask in (("duplicate_days", several), ("bad_days", broken))}


def _against_memory(flights: pd.DataFrame, rows: _Rows, memory: pd.DataFrame, sound: Flags) -> dict[str, Column]:
    """Closed history against what was remembered of the same campaign from the same start (a plan that moved is no lost history).

    Days that are quarantined now have their own evidence: only flights that are `sound` are called shrunk.
    """
    before = earlier(flights, memory, "closed_to", "closed_days", "closed_micros", "start_date", "campaign_key")
    same_campaign = before["campaign_key"].fillna("").to_numpy(dtype=object) == flights["campaign_key"].fillna("").to_numpy(dtype=object)
    unmatched = flights["match_kind"].eq(MatchKind.NONE.value)
    if unmatched.any():  # all its rows are gone, and with them the match: the same id says that it is the same
        then_id = before["campaign_key"].astype("str").str.replace(r"^.*/", "", regex=True)
        same_campaign |= (unmatched & then_id.eq(flights["campaign_id"]).fillna(value=False)).to_numpy(dtype=bool)
    closed_to, watermark = before["closed_to"].to_numpy(zones.DAY), flights["watermark"].to_numpy(zones.DAY)
    same = (before["start_date"].to_numpy(zones.DAY) == flights["start_date"].to_numpy(zones.DAY)) & same_campaign
    remembered = ~np.isnat(closed_to) & same & ~np.isnat(watermark) & sound
    to = np.where(remembered, number(closed_to), NEVER)
    still = rows.day <= to[rows.flight]
    now = _sum(len(flights), rows.flight, rows.micros, still & rows.counted)
    at, _ = _distinct(rows.flight[still], rows.day[still])
    then, days = (before[name].to_numpy("int64", na_value=0) for name in ("closed_micros", "closed_days"))
    shrunk = remembered & (then > now) & (then > 0)
    lost = np.maximum(days - np.bincount(at, minlength=len(flights)), 0)
    return {"shrunk_pct": np.where(shrunk, (then - now) / np.where(then > 0, then, 1) * 100.0, 0.0), "lost_days": np.where(remembered, lost, 0)}


def _members(flights: pd.DataFrame, rows: _Rows, clock: _Clock) -> pd.Series:
    """`campaigns` of lines over several, each with its own actual."""
    lines = flights["campaigns"].notna().to_numpy()
    if not lines.any():
        return flights["campaigns"]
    counted = rows.counted & lines[rows.flight] & (rows.day <= clock.begun[rows.flight])
    keys = pd.MultiIndex.from_arrays([rows.flight[counted], rows.frame["campaign_key"].to_numpy()[counted]])
    spent = pd.Series(rows.micros[counted]).groupby([keys.get_level_values(0), keys.get_level_values(1)]).sum().to_dict()
    return pd.Series([[one | {"actual_micros": int(spent.get((at, one["campaign_key"]), 0))} for one in members] if several else None
                      for at, (members, several) in enumerate(zip(flights["campaigns"], lines, strict=True))],
                     index=flights.index, dtype="object")


def _sum(n: int, flight: Codes, values: Codes, where: Flags) -> Codes:
    """Exact integer sums per flight."""
    total = np.zeros(n, dtype=np.int64)
    np.add.at(total, flight[where], values[where])
    return total


def _least(n: int, flight: Codes, day: Codes) -> Codes:
    result = np.full(n, _SPAN)
    np.minimum.at(result, flight, day)
    return np.where(result == _SPAN, NEVER, result)


def _most(n: int, flight: Codes, day: Codes) -> Codes:
    result = np.full(n, NEVER)
    np.maximum.at(result, flight, day)
    return result


def _distinct(flight: Codes, day: Codes) -> tuple[Codes, Codes]:
    """(flight, day) pairs, each once."""
    once = ~pd.Series(flight * _SPAN + day).duplicated().to_numpy()
    return flight[once], day[once]


def _whole(values: Codes, known: Flags) -> ExtensionArray:
    """Whole numbers, null where they are not known."""
    return pd.arrays.IntegerArray(values, ~known)


def _day(numbers: Codes) -> npt.NDArray[np.datetime64]:
    """Day numbers as days; NEVER is no day."""
    return np.where(numbers != NEVER, calendar.days(numbers).to_numpy(), np.datetime64("NaT"))
