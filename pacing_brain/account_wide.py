"""What nearly all campaigns of an account do at once is the account's, not theirs: campaigns do not do that, feeds do.

    quiet   nothing in the last 4 h of loads, in all but a few of the campaigns whose same hours of the day before did deliver
    moved   the last 24 hours are off their own days by one factor, in all but a few of the campaigns, each within its own noise

Both need LEAST campaigns and SHARE of them. A campaign that moved with its account is not off its own level: that is taken off before the level test.
What comes at once after an account was silent is no move: it is of more than a day. A move by a fifth is a fault of the feed, and stays one while their
days are a tenth away from their median day: for a week, if the new level stands. One incident, and nobody is paused.
"""

import numpy as np
import numpy.typing as npt
import pandas as pd

from pacing_brain import reconcile

Flags = npt.NDArray[np.bool_]
KEY = ["platform", "account_id"]
LEAST, SHARE, NEAR = 5, 0.8, 2.5  # campaigns; the share of them that agree; how near to their median, in units of a campaign's own noise
THROUGH = 0.5  # a campaign with less of its budget left than this much of its day is ending
UP, DOWN, WITH, ENDS = (float(np.log(factor)) for factor in (1.2, 0.8, 1.1, 1.11))  # a move that is a fault; one that excuses; where a fault ends


def look(accounts: pd.DataFrame, flights: pd.DataFrame, measured: pd.DataFrame, memory: pd.DataFrame) -> tuple[pd.DataFrame, pd.DataFrame]:
    """(ACCOUNTS with `quiet` and common_level_pct, `measured` without what is the account's). measured: `quiet` null where silence would say nothing."""
    if not _many(accounts, flights):
        return accounts.assign(quiet=False, common_level_pct=np.nan), measured
    return _moved(*_quiet(accounts, flights, measured), flights, memory)


def _quiet(accounts: pd.DataFrame, flights: pd.DataFrame, measured: pd.DataFrame) -> tuple[pd.DataFrame, pd.DataFrame]:
    """(ACCOUNTS with `quiet`, `measured` with what is quiet together called silent)."""
    live = measured["quiet"].notna() & _spends(flights, measured)
    groups = flights.loc[live, KEY].assign(quiet=measured.loc[live, "quiet"].astype("float64")).groupby(KEY)["quiet"]
    found = (groups.size().ge(LEAST) & groups.mean().ge(SHARE)).rename("all_quiet")
    accounts = accounts.assign(quiet=accounts[KEY].join(found, on=KEY)["all_quiet"].eq(other=True))
    together = flights[KEY].join(found, on=KEY)["all_quiet"].eq(other=True) & measured["quiet"].eq(other=True).fillna(value=False)
    return accounts, measured.assign(silent=measured["silent"] | together.astype(bool))


def _moved(accounts: pd.DataFrame, measured: pd.DataFrame, flights: pd.DataFrame, memory: pd.DataFrame) -> tuple[pd.DataFrame, pd.DataFrame]:
    """(ACCOUNTS with common_level_pct where a move is a fault, `measured` with no level of its own where a campaign moved with its account)."""
    level, noise = (np.log1p(measured[name].to_numpy("float64") / 100.0) for name in ("level_pct", "noise_pct"))
    live = np.isfinite(level) & _spends(flights, measured)
    table = flights.loc[live, [*KEY, "flight_id"]].assign(level=level[live], noise=noise[live], from_usual=measured.loc[live, "from_usual"], caught_up=measured.loc[live, "caught_up"])
    by_account = [table[name] for name in KEY]
    middle = table.groupby(KEY)["level"].transform("median")
    alike = (table["level"] - middle).abs().le(NEAR * table["noise"])
    share, n = alike.groupby(by_account).transform("mean"), alike.groupby(by_account).transform("size")
    before = table["flight_id"].map(memory.drop_duplicates("flight_id").set_index("flight_id")["gates_red"]).astype("str").str.contains("completeness").eq(other=True)
    held = before.groupby(by_account).transform("mean").ge(SHARE) & table.groupby(KEY)["from_usual"].transform("median").abs().ge(ENDS)
    enough, thawed = n.ge(LEAST), table["caught_up"].groupby(by_account).transform("mean").ge(SHARE)
    fault = (middle.ge(UP) & ~thawed | middle.le(DOWN)) & share.ge(SHARE) | held
    found = table[enough & fault].groupby(KEY)["from_usual"].median().rename("common")
    common = accounts[KEY].join(found, on=KEY)["common"].astype("float64").mask(accounts["quiet"].to_numpy(dtype=bool))
    excused = table.index[enough & alike & share.ge(SHARE) & middle.abs().ge(WITH)]
    none = pd.Series(0.0, index=measured.index)
    alone = {name: measured[name].mask(measured.index.isin(excused), none) for name in ("level_pct", "level_z", "swing")}
    return accounts.assign(common_level_pct=np.expm1(common) * 100.0), measured.assign(**alone)


def _many(accounts: pd.DataFrame, flights: pd.DataFrame) -> bool:
    """Whether any account has enough campaigns to speak for it."""
    at = reconcile.account_positions(flights, accounts)
    return bool((np.bincount(at[(at >= 0) & flights["account_id"].notna().to_numpy()]) >= LEAST).any())


def _spends(flights: pd.DataFrame, measured: pd.DataFrame) -> Flags:
    """Where a campaign is meant to spend: it is on, something of the day was planned, and its budget is not through."""
    planned = measured["planned24_micros"].astype("Float64").fillna(0).to_numpy("float64")
    left = flights["budget_micros"].astype("float64") - (flights["actual_micros"].fillna(0) + flights["after_watermark_micros"].fillna(0)).astype("float64")
    return np.asarray(flights["watermark"].lt(flights["day_end"]).to_numpy(dtype=bool) & (planned > 0) & (left.to_numpy() > planned * THROUGH))
