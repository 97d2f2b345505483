"""What each flight's own days add up to, up to the watermark; vectorised over every flight and row at once.

A day counts as soon as it begins before the watermark; it is closed when it ends at or before it. Days are compared as integers:
the last account day that begins before w is the day of the instant just before w.
"""

from dataclasses import dataclass

import numpy as np
import numpy.typing as npt
import pandas as pd
from pandas.api.extensions import ExtensionArray

from pacing_brain import days as calendar
from pacing_brain import platform_facts, resting, zones
from pacing_brain.days import number
from pacing_brain.earlier import earlier
from pacing_brain.model import MatchKind, RunContext
from pacing_brain.platform_facts import Column, OwnRows
from pacing_brain.roster import Codes, positions
from pacing_brain.widened import widened

Flags = npt.NDArray[np.bool_]
Instants = np.ndarray  # datetime64[us], in UTC
NEVER, ALWAYS = -1, 1 << 22  # day numbers before and after every day
_DAY, _TICK = np.timedelta64(1, "D"), np.timedelta64(1, "us")
FIRST_LOAD_WITHIN = np.timedelta64(24, "h")  # of a flight's start
_SPAN = 1 << 22


@dataclass(frozen=True)
class _Clock:
    """When each flight begins and ends, and up to when its spend is known: as instants, and as day numbers."""

    zone: ExtensionArray
    day_start: Instants
    day_end: Instants
    watermark: Instants
    start: Codes
    end: Codes
    begun: Codes  # the last day that begins before the watermark
    closed: Codes  # the last that is closed, inside the flight; NEVER when none


@dataclass(frozen=True)
class _Rows(OwnRows):
    micros: Codes
    counted: Flags  # not quarantined


def sums(flights: pd.DataFrame, days: pd.DataFrame, accounts: pd.DataFrame, memory: pd.DataFrame,
         run: RunContext) -> tuple[pd.DataFrame, pd.DataFrame]:
    """(flights with the reconcile columns, days with `after_watermark` split off `matched`).

    actual_micros is null where it is not known: no load, a source that did not answer, no campaign matched. It is 0 for a planned id that
    is nowhere reported: nothing was spent under it. On its first day a flight waits for the first load of its account: until then spend is complete
    to its start.
    """
    flights = flights.reset_index(drop=True)
    clock, known = _clock(flights, accounts, run)
    of_flight, on = positions(days["flight_id"].array, pd.Index(flights["flight_id"])), number(days["day"])
    rows = _own_rows(days, of_flight, on)
    faults = _fault_columns(len(flights), rows)
    of_clock = {name: pd.DatetimeIndex(getattr(clock, name), tz="UTC") for name in ("day_start", "day_end", "watermark")}
    shrunk = _against_memory(flights, rows, clock, memory, faults["duplicate_days"] + faults["bad_days"] == 0)
    flights = widened(flights, {"account_timezone": clock.zone} | of_clock | _spend_columns(rows, clock, known) | faults | shrunk
                      | platform_facts.columns(flights, rows) | {"campaigns": _members(flights, rows, clock)})
    return flights, _split_after_watermark(days, of_flight, on, clock)


def _split_after_watermark(days: pd.DataFrame, at: Codes, on: Codes, clock: _Clock) -> pd.DataFrame:
    """`days` with matched rows whose day does not begin before their flight's watermark in bucket `after_watermark`. Flights that are final have none."""
    late = np.flatnonzero(on > np.append(clock.begun, ALWAYS)[at])
    late = late[np.asarray(days["bucket"].array.take(late), dtype=object) == "matched"]
    if not len(late):
        return days
    bucket = days["bucket"].array.copy()
    bucket[late] = "after_watermark"
    return days.assign(bucket=bucket)


def account_positions(flights: pd.DataFrame, accounts: pd.DataFrame) -> Codes:
    """Each flight's row in `accounts`; the platform's own row (account_id empty) for an account that is not listed; -1 without either."""
    at = {key: position for position, key in enumerate(zip(accounts["platform"].tolist(), accounts["account_id"].tolist(), strict=True))}
    asked = zip(flights["platform"].tolist(), flights["account_id"].tolist(), strict=True)
    return np.array([at[key] if key in at else at.get((key[0], ""), -1) for key in asked], dtype=np.int64)


def _clock(flights: pd.DataFrame, accounts: pd.DataFrame, run: RunContext) -> tuple[_Clock, Flags]:
    """(each flight's clock by its account's zone and watermark, where what was spent is known)."""
    at = account_positions(flights, accounts)
    zone = _zone(flights, accounts, at)
    by_zone = zones.by_zone(zone)
    first, last = (flights[name].to_numpy(zones.DAY) for name in ("start_date", "end_date"))
    day_start, day_end = zones.begins(first, by_zone), zones.begins(last + _DAY, by_zone)
    reached = _earliest(flights, accounts, np.append(accounts["watermark"].to_numpy(zones.DAY), zones.NEVER)[at])
    available = np.append(accounts["available"].to_numpy(dtype=bool), True)[at]
    unloaded = np.append(accounts["load_basis"].to_numpy(dtype=object), "none")[at] == "none"
    reached = np.where(unloaded & available & (day_start > zones.instant(run.as_of) - FIRST_LOAD_WITHIN) & np.isnat(reached), day_start, reached)
    watermark = np.where(np.isnat(reached) | (reached > day_start), reached, day_start)
    start, end, begun = number(first), number(last), _day_before(watermark, by_zone)
    closed = np.minimum(np.where(begun == NEVER, NEVER, _day_before(watermark + _TICK, by_zone) - 1), end)
    nowhere = (flights["match_kind"].to_numpy(dtype=object) == MatchKind.NONE.value) & flights["campaign_id"].notna().to_numpy()
    known = available & ~np.isnat(reached) & ((flights["n_matched"].to_numpy() > 0) | nowhere)
    return _Clock(zone, day_start, day_end, watermark, start, end, begun, np.where(closed >= start, closed, NEVER)), known


def _zone(flights: pd.DataFrame, accounts: pd.DataFrame, at: Codes) -> ExtensionArray:
    """The account's zone; the plan's own where only the policy says one for the account."""
    zone = accounts["timezone"].array.take(at, allow_fill=True).fillna("UTC")
    of_policy = np.append(accounts["timezone_from"].to_numpy(dtype=object), "policy")[at] == "policy"
    if of_policy.any():
        planned = flights["timezone"].array
        own = np.flatnonzero(of_policy & planned.isin([name for name in planned.dropna().unique() if zones.is_zone(name)]))
        zone[own] = planned.take(own)
    return zone


def _earliest(flights: pd.DataFrame, accounts: pd.DataFrame, watermark: Instants) -> Instants:
    """The watermark; of a line over several accounts the earliest of theirs."""
    lines = np.flatnonzero(flights["campaigns"].notna())
    if not len(lines):
        return watermark
    members = pd.DataFrame([(at, one["platform"], one["account_id"]) for at in lines for one in flights["campaigns"].iloc[at]],
                           columns=["at", "platform", "account_id"]).astype({"platform": "str", "account_id": "str"})
    at = account_positions(members, accounts)
    reached = np.append(accounts["watermark"].to_numpy(zones.DAY), zones.NEVER)[at]
    earliest = watermark.copy()
    earliest[members["at"]] = np.datetime64("9999-01-01", "us")
    np.minimum.at(earliest, members["at"].to_numpy(), reached)  # NaT, unknown, is less than all
    return earliest


def _day_before(instants: Instants, by_zone: zones.ByZone) -> Codes:
    """Number of the account day that holds the moment just before each instant; NEVER without one."""
    days = zones.days_of(instants - _TICK, by_zone)
    return np.where(np.isnat(days), NEVER, number(days))


def _own_rows(days: pd.DataFrame, of_flight: Codes, on: Codes) -> _Rows:
    place = np.flatnonzero(of_flight >= 0)
    rows = OwnRows(of_flight[place], on[place], place, days)
    return _Rows(rows.flight, rows.day, place, days, rows.column("spend_micros").to_numpy("int64", na_value=0),
                 np.asarray(rows.column("bucket"), dtype=object) != "quarantined")


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
        **_shown(n, rows, {"impressions": clock.begun[rows.flight] >= rows.day, "closed_day_impressions": clock.closed[rows.flight] == rows.day}),
    }


def _daily(rows: _Rows) -> tuple[Codes, Codes, Codes]:
    """(flight, day, micros) of counted rows, one per flight and day: the campaigns of one line are added."""
    flight, day, micros = rows.flight[rows.counted], rows.day[rows.counted], rows.micros[rows.counted]
    key = flight * _SPAN + day
    if pd.Index(key).is_unique:
        return flight, day, micros
    total = pd.Series(micros).groupby(key).sum()
    keys = total.index.to_numpy()
    return keys // _SPAN, keys % _SPAN, total.to_numpy()


def _shown(n: int, rows: _Rows, on: dict[str, Flags]) -> dict[str, ExtensionArray]:
    """Impressions on each of those days; null where no row says."""
    shown = rows.column("impressions")
    counts, said = shown.to_numpy("int64", na_value=0), rows.counted & ~shown.isna()
    return {name: _whole(_sum(n, rows.flight, counts, said & there), np.bincount(rows.flight[said & there], minlength=n) > 0) for name, there in on.items()}


def _fault_columns(n: int, rows: _Rows) -> dict[str, Codes]:
    """Days with more than one row, and days whose spend is not a number; from the quarantined rows alone."""
    bad = np.flatnonzero(~rows.counted)
    if not len(bad):
        return {"duplicate_days": np.zeros(n, dtype=np.int64), "bad_days": np.zeros(n, dtype=np.int64)}
    flight, day, place = rows.flight[bad], rows.day[bad], rows.place[bad]
    campaign = rows.days["campaign_key"].array.take(place).factorize()[0]
    again = pd.Index((campaign * n + flight) * _SPAN + day).duplicated(keep=False)
    several, broken = again | (rows.days["n_rows"].to_numpy()[place] > 1), rows.days["spend_micros"].array.take(place).isna()
    return {name: np.bincount(_distinct(flight[mask], day[mask])[0], minlength=n)
            for name, mask in (("duplicate_days", several), ("bad_days", broken))}


def _against_memory(flights: pd.DataFrame, rows: _Rows, clock: _Clock, memory: pd.DataFrame, sound: Flags) -> dict[str, Column]:
    """Closed history against what was remembered of the same campaign from the same start (a plan that moved is no lost history).

    Days that are quarantined now have their own evidence: only flights that are `sound` are called shrunk.
    """
    before = earlier(flights, memory, "closed_to", "closed_days", "closed_micros", "start_date", "campaign_key")
    then_key, now_key = (np.asarray(frame["campaign_key"].array.fillna(""), dtype=object) for frame in (before, flights))
    same_campaign = then_key == now_key
    unmatched = flights["match_kind"].to_numpy(dtype=object) == MatchKind.NONE.value
    if unmatched.any():  # all its rows are gone, and with them the match: the same id says that it is the same
        then_id = before["campaign_key"].astype("str").str.replace(r"^.*/", "", regex=True)
        same_campaign |= unmatched & then_id.eq(flights["campaign_id"]).fillna(value=False).to_numpy(dtype=bool)
    closed_to = before["closed_to"].to_numpy(zones.DAY)
    same = (before["start_date"].to_numpy(zones.DAY) == flights["start_date"].to_numpy(zones.DAY)) & same_campaign
    remembered = ~np.isnat(closed_to) & same & ~np.isnat(clock.watermark) & sound
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
    keys = pd.MultiIndex.from_arrays([rows.flight[counted], np.asarray(rows.column("campaign_key"), dtype=object)[counted]])
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
    once = ~pd.Index(flight * _SPAN + day).duplicated()
    return flight[once], day[once]


def _whole(values: Codes, known: Flags) -> ExtensionArray:
    """Whole numbers, null where they are not known."""
    return pd.arrays.IntegerArray(values, ~known)


def _day(numbers: Codes) -> npt.NDArray[np.datetime64]:
    """Day numbers as days; NEVER is no day."""
    return np.where(numbers != NEVER, calendar.dates(numbers), zones.NEVER)
