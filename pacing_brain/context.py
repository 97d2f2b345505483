"""What is the same for every campaign of an account: its zone, its feed, its watermark. Computed once, before the graph, over everything.

A decision may read its own rows, its memory and these context rows, and nothing else: that is what makes it independent of
row order and of who else is in the cohort, and replayable.
"""

import numpy as np
import pandas as pd

from pacing_brain import frames, reconcile, zero, zones
from pacing_brain.model import Inputs
from pacing_brain.policy import Policy

KEY = ["platform", "account_id"]
ANY_ACCOUNT = ""  # the platform's own row: stands in for an account that the feed never mentioned


def accounts(inputs: Inputs) -> pd.DataFrame:
    """ACCOUNTS, one row per account that anyone mentions plus one per platform (`account_id` empty), sorted.

    Watermark (DESIGN, Definitions): hourly grain = min(as_of, last load) - lag; daily grain = the last midnight of the account's
    zone before (load - daily lag). It comes from loads alone: a campaign that stops must not stop the clock.
    """
    table = _mentioned(inputs).merge(_last_loads(inputs), on=KEY, how="left")
    table = _with_platform_loads(table)
    table = _with_zone_and_currency(table, inputs)
    values = inputs.policy.resolve(table)
    table["cycle_hours"] = values["freshness_refresh_cycle_hours"].astype("float64")
    table["grain"] = values["freshness_grain"].astype("str")
    as_of = pd.Timestamp(inputs.run.as_of).tz_convert("UTC")
    table["feed_age_hours"] = (as_of - table["loaded_at"]).dt.total_seconds() / 3600.0
    table["watermark"] = _watermark(table, values, as_of)
    table["closed_day"] = zones.local_days(table["watermark"], table["timezone"]) - pd.Timedelta(days=1)
    table["available"] = _available(table["platform"], inputs)
    return frames.ACCOUNTS.check(table.assign(live_flights=0, silent_flights=0).sort_values(KEY))


def not_final_from(as_of: pd.Timestamp, policy: Policy) -> pd.Timestamp:
    """The first last-day of flights that may still be decided on `as_of`: earlier ones are closed in every zone."""
    final = as_of.tz_convert("UTC").tz_localize(None).normalize() - pd.Timedelta(hours=policy.ended.final_after_hours)
    return final.normalize() - pd.Timedelta(days=2)


def with_silence(table: pd.DataFrame, flights: pd.DataFrame, days: pd.DataFrame, inputs: Inputs) -> tuple[pd.DataFrame, pd.DataFrame, pd.DataFrame]:
    """(ACCOUNTS with how many of an account's live flights there are and how many of those deliver nothing, days split at the watermark,
    flights with what their days add up to).
    """
    summed, days = reconcile.sums(flights, days, table, inputs.memory, inputs.run)
    values = inputs.policy.resolve(summed)
    found = zero.find(summed, values, inputs.run)
    live = (summed["match_kind"].isin(["id", "alias", "name"]) & summed["watermark"].lt(summed["day_end"])
            & zones.hours_covered(summed).ge(values["zero_planned_hours"].astype("float64")) & (found["zero_delivery"] | zero.may_deliver(summed, values)))
    counted = summed.loc[live, KEY].assign(live_flights=1, silent_flights=found.loc[live, "zero_delivery"].astype("int64"))
    counts = counted.groupby(KEY, as_index=False).sum()
    merged = table.drop(columns=["live_flights", "silent_flights"]).merge(counts, on=KEY, how="left")
    return frames.ACCOUNTS.check(merged.fillna({"live_flights": 0, "silent_flights": 0})), days, summed


def _mentioned(inputs: Inputs) -> pd.DataFrame:
    """Every (platform, account) that spend, the campaign list, the plan or a load names, and each platform's own row."""
    named = [frame[KEY] for frame in (inputs.spend, inputs.campaigns, inputs.targets)]
    known = pd.concat(named, ignore_index=True).dropna().drop_duplicates()
    platforms = pd.DataFrame({"platform": sorted(set(inputs.targets["platform"]) | set(known["platform"])), "account_id": ANY_ACCOUNT})
    loads = _loads_with_platform(inputs, known)[KEY]
    return pd.concat([known, loads, platforms], ignore_index=True).drop_duplicates().sort_values(KEY, ignore_index=True)


def _loads_with_platform(inputs: Inputs, known: pd.DataFrame) -> pd.DataFrame:
    """Loads with their platform: as given, else that of the account wherever it is named. A load of a strange account says nothing."""
    given = inputs.loads[inputs.loads["platform"].notna()]
    looked_up = inputs.loads[inputs.loads["platform"].isna()].drop(columns="platform").merge(known, on="account_id", how="inner")
    return pd.concat([given, looked_up[given.columns]], ignore_index=True)


def _last_loads(inputs: Inputs) -> pd.DataFrame:
    known = pd.concat([frame[KEY] for frame in (inputs.spend, inputs.campaigns, inputs.targets)]).dropna().drop_duplicates()
    loads = _loads_with_platform(inputs, known).sort_values([*KEY, "loaded_at", "from_rows"])
    last = loads.drop_duplicates(KEY, keep="last")[[*KEY, "loaded_at", "from_rows"]]
    return last.assign(load_basis=np.where(last["from_rows"], "rows", "loads")).drop(columns="from_rows")


def _with_platform_loads(table: pd.DataFrame) -> pd.DataFrame:
    """An account that was never loaded is seen with its platform's newest load; a platform without any load has none."""
    newest = table.groupby("platform")["loaded_at"].transform("max")
    own = table["loaded_at"].notna()
    basis = np.where(own, table["load_basis"].fillna("none"), np.where(newest.notna(), "platform", "none"))
    return table.assign(loaded_at=table["loaded_at"].where(own, newest), load_basis=basis)


def _with_zone_and_currency(table: pd.DataFrame, inputs: Inputs) -> pd.DataFrame:
    """Zone: the feed's newest, else the tracker's, else the policy's. Currency: the feed's, when it is one."""
    spend = inputs.spend.sort_values([*KEY, "day", "campaign_id", "campaign_name"], na_position="first")
    zoned = spend[spend["timezone"].isin([zone for zone in spend["timezone"].dropna().unique() if zones.is_zone(zone)])]
    feed = zoned.groupby(KEY)["timezone"].last().rename("feed_zone")
    plan = inputs.targets.dropna(subset=["account_id", "timezone"]).groupby(KEY)["timezone"].min().rename("plan_zone")
    per_account = spend.groupby(KEY)["currency"]
    currency = per_account.first().where(per_account.nunique().eq(1)).rename("currency")
    clients = inputs.targets.dropna(subset=["account_id"]).groupby(KEY)["client"].agg(_only).rename("client")
    table = table.join(feed, on=KEY).join(plan, on=KEY).join(currency, on=KEY).join(clients, on=KEY)
    origin = np.select([table["feed_zone"].notna(), table["plan_zone"].notna()], ["feed", "tracker"], "policy")
    zone = table["feed_zone"].fillna(table["plan_zone"]).fillna(inputs.policy.timezone)
    return table.assign(timezone=zone.astype("str"), timezone_from=origin)


def _only(values: pd.Series) -> str | None:
    distinct = values.dropna().unique()
    return str(distinct[0]) if len(distinct) == 1 else None


def _watermark(table: pd.DataFrame, values: pd.DataFrame, as_of: pd.Timestamp) -> pd.Series:
    seen = table["loaded_at"].mask(table["loaded_at"].gt(as_of), as_of)
    hourly = seen - pd.to_timedelta(values["freshness_lag_hours"].astype("float64"), unit="h")
    daily = zones.last_midnight(seen - pd.to_timedelta(values["freshness_daily_lag_hours"].astype("float64"), unit="h"), table["timezone"])
    return hourly.where(table["grain"].eq("hourly"), daily)


def _available(platforms: pd.Series, inputs: Inputs) -> pd.Series:
    down = [state.platform for state in inputs.run.sources if not state.available]
    return ~platforms.isin([name for name in down if name]) & (None not in down)


