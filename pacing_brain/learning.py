"""From observations to patterns. Pure. A pattern is something learned, with its support and an end date.

load_rhythm  how often an account's feed really loads: the median time between the loads that runs have seen. Cards say it, so that
             a feed that loads once a day is not taken for one that is late.
"""

import hashlib

import pandas as pd

from pacing_brain.frames import PATTERNS

LOADS_NEEDED = 5
HOLDS_FOR = pd.Timedelta(days=30)
KEY = ["platform", "account_id"]


def load_rhythms(seen: pd.DataFrame, known: pd.DataFrame, as_of: pd.Timestamp) -> pd.DataFrame:
    """PATTERNS that are new: one per account whose loads show a rhythm and of which none is in force.

    Args:
        seen: platform, account_id, loaded_at: every load that a run saw; repeated rows count once.
        known: PATTERNS in force.
        as_of: the run's instant.
    """
    if seen.empty:
        return PATTERNS.empty()
    loads = seen.dropna(subset=[*KEY, "loaded_at"])[[*KEY, "loaded_at"]].drop_duplicates().sort_values([*KEY, "loaded_at"])
    hours = loads.groupby(KEY)["loaded_at"].diff().dt.total_seconds() / 3600.0
    rhythm = loads.assign(hours=hours).groupby(KEY)["hours"].agg(support="count", median="median", spread="std").reset_index()
    steady = rhythm[rhythm["support"].ge(LOADS_NEEDED - 1) & rhythm["spread"].le(rhythm["median"] / 2)]
    scopes = "account:" + steady["platform"] + "/" + steady["account_id"]
    new = steady.assign(scope=scopes, value=steady["median"].map("{:.1f} h".format))[~scopes.isin(known["scope"])]
    ids = [f"P-{hashlib.sha256(f'load_rhythm{scope}{as_of.isoformat()}'.encode()).hexdigest()[:10]}" for scope in new["scope"]]
    return PATTERNS.check(new.assign(pattern_id=ids, kind="load_rhythm", support=new["support"] + 1,
                                     confidence=(1.0 - new["spread"] / new["median"]).clip(0.0, 1.0), expires_at=as_of + HOLDS_FOR))
