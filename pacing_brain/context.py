"""What is the same for every campaign of an account: its zone, its feed, its watermark. Computed once, before the graph, over everything.

A decision may read its own rows, its memory and these context rows, and nothing else: that is what makes it independent of
row order and of who else is in the cohort, and replayable.
"""

from collections import defaultdict

import numpy as np
import pandas as pd

from pacing_brain import allowance, frames, reconcile, zero, zones
from pacing_brain.model import Inputs
from pacing_brain.policy import Policy

KEY = ["platform", "account_id"]
Key = tuple[str, str]
NO_LOAD = (pd.Timestamp.min.tz_localize("UTC"), False)
ANY_ACCOUNT = ""  # the platform's own row: stands in for an account that the feed never mentioned


def accounts(inputs: Inputs) -> pd.DataFrame:
    """ACCOUNTS, one row per account that anyone mentions plus one per platform (`account_id` empty), sorted.

    Watermark (DESIGN, Definitions): hourly grain = min(as_of, last load) - lag; daily grain = the last midnight of the account's
    zone before (load - daily lag). It comes from loads alone: a campaign that stops must not stop the clock.
    """
    spend, plan = inputs.spend[[*KEY, "timezone", "currency"]].drop_duplicates(), inputs.targets[[*KEY, "timezone", "client"]].drop_duplicates()
    known = {key for rows in (spend, plan, inputs.campaigns) for key in _keys(rows) if None not in key}
    loads = _last_loads(inputs.loads, known)
    everyone = sorted({*known, *loads, *((platform, ANY_ACCOUNT) for platform in {*plan["platform"], *(platform for platform, _ in known)})})
    table = pd.DataFrame(everyone, columns=KEY, dtype="str")
    table = table.assign(**_load_columns(everyone, loads), **_zone_columns(everyone, spend, plan, inputs), currency=_only(everyone, spend, "currency"),
                         client=_only(everyone, plan, "client"))
    values = inputs.policy.resolve(table, "freshness")
    table["cycle_hours"] = values["freshness_refresh_cycle_hours"].astype("float64")
    table["grain"] = values["freshness_grain"].astype("str")
    as_of = pd.Timestamp(inputs.run.as_of).tz_convert("UTC")
    table["feed_age_hours"] = (as_of - table["loaded_at"]).dt.total_seconds() / 3600.0
    table["watermark"] = _watermark(table, values, as_of)
    table["closed_day"] = zones.local_days(table["watermark"], table["timezone"]) - pd.Timedelta(days=1)
    table["available"] = _available(table["platform"], inputs)
    return frames.ACCOUNTS.check(table.assign(live_flights=0, silent_flights=0))


def not_final_from(as_of: pd.Timestamp, policy: Policy) -> pd.Timestamp:
    """The first last-day of flights that may still be decided on `as_of`: earlier ones are closed in every zone."""
    final = as_of.tz_convert("UTC").tz_localize(None).normalize() - pd.Timedelta(hours=policy.ended.final_after_hours)
    return final.normalize() - pd.Timedelta(days=2)


def with_silence(table: pd.DataFrame, flights: pd.DataFrame, days: pd.DataFrame, inputs: Inputs) -> tuple[pd.DataFrame, pd.DataFrame, pd.DataFrame]:
    """(ACCOUNTS with how many of an account's live flights there are and how many of those deliver nothing, days split at the watermark,
    flights with what their days add up to and the columns of `zero.find`).
    """
    summed, days = reconcile.sums(flights, days, table, inputs.memory, inputs.run)
    values = inputs.policy.resolve(summed, "zero", "ended", "stake", "allowance")
    summed = summed.assign(spent_out=allowance.spent_out(summed, days, values))
    found = zero.find(summed, values, inputs.run)
    live = (summed["match_kind"].isin(["id", "alias", "name"]) & summed["watermark"].lt(summed["day_end"])
            & zones.hours_covered(summed).ge(values["zero_planned_hours"].astype("float64")) & (found["zero_delivery"] | zero.may_deliver(summed, values)))
    live &= summed["account_id"].notna()
    at = reconcile.account_positions(summed, table)
    silent = live & found["zero_delivery"]
    live_flights, silent_flights = (np.bincount(at[mine.to_numpy(dtype=bool)], minlength=len(table)) for mine in (live, silent))
    return table.assign(live_flights=live_flights, silent_flights=silent_flights), days, summed.assign(**found)


def _keys(rows: pd.DataFrame) -> list[Key]:
    """(platform, account) of each row; None where it is null."""
    return list(zip(*(rows[name].to_numpy(dtype=object, na_value=None).tolist() for name in KEY), strict=True))


def _said(rows: pd.DataFrame, column: str) -> dict[Key, list[str]]:
    """The distinct values of a column by account, sorted; an account for which nothing is said is absent."""
    said: dict[Key, set[str]] = defaultdict(set)
    there = rows[rows[column].notna()]
    for key, value in zip(_keys(there), there[column], strict=True):
        said[key].add(value)
    return {key: sorted(values) for key, values in said.items()}


def _only(everyone: list[Key], rows: pd.DataFrame, column: str) -> pd.Series:
    """What is said of each account, when it is one thing."""
    said = _said(rows, column)
    return pd.Series([said[key][0] if len(said.get(key, ())) == 1 else None for key in everyone], dtype="str")


def _last_loads(loads: pd.DataFrame, known: set[Key]) -> dict[Key, tuple[pd.Timestamp, bool]]:
    """(when, whether from rows) of each account's last load. Its platform: as given, else wherever the account is named; a strange one says nothing."""
    platforms: dict[str, list[str]] = defaultdict(list)
    for platform, account in known:
        platforms[account].append(platform)
    last: dict[Key, tuple[pd.Timestamp, bool]] = {}
    for (given, account), *load in zip(_keys(loads), loads["loaded_at"], loads["from_rows"], strict=True):
        for platform in platforms[account] if given is None else [given]:
            last[platform, account] = max(last.get((platform, account), NO_LOAD), (load[0], load[1]))
    return last


def _load_columns(everyone: list[Key], loads: dict[Key, tuple[pd.Timestamp, bool]]) -> dict[str, pd.Series]:
    """An account that was never loaded is seen with its platform's newest load; a platform without any load has none."""
    newest: dict[str, pd.Timestamp] = {}
    for (platform, _), (at, _) in loads.items():
        newest[platform] = max(newest.get(platform, at), at)
    instants = [loads[key][0] if key in loads else newest.get(key[0]) for key in everyone]
    basis = [("rows" if loads[key][1] else "loads") if key in loads else "platform" if key[0] in newest else "none" for key in everyone]
    return {"loaded_at": pd.Series(instants, dtype=frames.INSTANT), "load_basis": pd.Series(basis, dtype="str")}


def _zone_columns(everyone: list[Key], spend: pd.DataFrame, plan: pd.DataFrame, inputs: Inputs) -> dict[str, pd.Series]:
    """Zone: the feed's newest, else the tracker's, else the policy's."""
    feed = _said(spend[spend["timezone"].isin([zone for zone in spend["timezone"].dropna().unique() if zones.is_zone(zone)])], "timezone")
    planned = _said(plan, "timezone")
    found = [(_newest(inputs.spend, key, feed[key]), "feed") if key in feed else (planned[key][0], "tracker") if key in planned
             else (inputs.policy.timezone, "policy") for key in everyone]
    return {name: pd.Series([one[at] for one in found], dtype="str") for at, name in enumerate(("timezone", "timezone_from"))}


def _newest(spend: pd.DataFrame, key: Key, said: list[str]) -> str:
    """The zone of the account's newest row."""
    if len(said) == 1:
        return said[0]
    mine = spend[spend["platform"].eq(key[0]) & spend["account_id"].eq(key[1]) & spend["timezone"].isin(said)]
    return str(mine.sort_values(["day", "campaign_id", "campaign_name"], na_position="first")["timezone"].iloc[-1])


def _watermark(table: pd.DataFrame, values: pd.DataFrame, as_of: pd.Timestamp) -> pd.Series:
    seen = table["loaded_at"].mask(table["loaded_at"].gt(as_of), as_of)
    hourly = seen - pd.to_timedelta(values["freshness_lag_hours"].astype("float64"), unit="h")
    daily = zones.last_midnight(seen - pd.to_timedelta(values["freshness_daily_lag_hours"].astype("float64"), unit="h"), table["timezone"])
    return hourly.where(table["grain"].eq("hourly"), daily)


def _available(platforms: pd.Series, inputs: Inputs) -> pd.Series:
    down = [state.platform for state in inputs.run.sources if not state.available]
    return ~platforms.isin([name for name in down if name]) & (None not in down)


