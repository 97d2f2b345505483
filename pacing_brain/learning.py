"""From observations to patterns. Pure. A pattern is something learned, with its support and an end date.

load_rhythm  how often an account's feed really loads: the median time between the loads that runs have seen. Cards say it, so that
             a feed that loads once a day is not taken for one that is late.
tolerance    somebody said that a problem is expected, or none: until then and within what was said it asks nobody.
outcome      what people did about a cause, and how often pacing recovered within a week, before anybody did anything else.
"""

import hashlib
import json

import pandas as pd

from pacing_brain.answers import Answer, Bounds
from pacing_brain.frames import PATTERNS

LOADS_NEEDED = 5
HOLDS_FOR = pd.Timedelta(days=30)
KEY = ["platform", "account_id"]
RECOVERS_WITHIN = pd.Timedelta(days=7)
REMEMBERED_FOR = pd.Timedelta(days=365)
REMEDIES = {"paused": "pausing it", "fixing": "mending it on the platform", "budget_lowered": "lowering the budget", "kept_running": "leaving it on"}


def tolerance(fingerprint: str, key: str, answer: Answer, said: Bounds, until: pd.Timestamp, currency: str | None) -> dict[str, object]:
    """One row of PATTERNS: somebody said that a problem is expected, or none, or that it goes on (which is weaker). key: of the answer, unique."""
    return {"pattern_id": "P-" + hashlib.sha256(f"tolerance\n{fingerprint}\n{key}".encode()).hexdigest()[:10], "kind": "tolerance", "scope": fingerprint,
            "value": json.dumps({"answer": answer.value, "bounds": said.as_json(), "currency": currency}, sort_keys=True), "support": 1,
            "confidence": 0.5 if answer is Answer.KEEP_RUNNING else 1.0, "expires_at": until}


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
    of_account = loads.assign(hours=hours).groupby(KEY)["hours"]
    rhythm = pd.DataFrame({"support": of_account.count(), "median": of_account.median(), "spread": of_account.std()}).reset_index()
    steady = rhythm[rhythm["support"].ge(LOADS_NEEDED - 1) & rhythm["spread"].le(rhythm["median"] / 2)]
    scopes = _scopes(steady)
    new = steady.assign(scope=scopes, value=steady["median"].map("{:.1f} h".format))[~scopes.isin(known["scope"])]
    ids = [f"P-{hashlib.sha256(f'load_rhythm{scope}{as_of.isoformat()}'.encode()).hexdigest()[:10]}" for scope in new["scope"]]
    return PATTERNS.check(new.assign(pattern_id=ids, kind="load_rhythm", support=new["support"] + 1,
                                     confidence=(1.0 - new["spread"] / new["median"]).clip(0.0, 1.0), expires_at=as_of + HOLDS_FOR))


def lacks_rhythm(loads: pd.DataFrame, known: pd.DataFrame) -> bool:
    """Whether an account with loads is without a rhythm among the patterns in force."""
    return not _scopes(loads).isin(known["scope"]).all()


def _scopes(accounts: pd.DataFrame) -> pd.Series:
    return "account:" + accounts["platform"] + "/" + accounts["account_id"]


def outcomes(cases: pd.DataFrame, known: pd.DataFrame, as_of: pd.Timestamp) -> tuple[pd.DataFrame, dict[str, list[int]]]:
    """(PATTERNS that say something new, their evidence by id): one for each cause and remedy whose result is known.

    Args:
        cases: seq (of the answer), incident_id, cause, remedy, at, over_at (when the problem was over, or null), in the order of the answers.
        known: PATTERNS in force.
        as_of: the run's instant.
    """
    after = cases.groupby("incident_id")["at"].shift(-1)
    recovered = cases["over_at"].notna() & (cases["over_at"] - cases["at"]).le(RECOVERS_WITHIN) & ~(after <= cases["over_at"]).fillna(value=False)
    closed = cases.assign(recovered=recovered)[recovered | after.notna() | (as_of - cases["at"]).gt(RECOVERS_WITHIN) | cases["over_at"].notna()]
    closed = closed[closed["remedy"].isin(REMEDIES)]
    rows, evidence = [], {}
    for (cause, remedy), group in closed.groupby(["cause", "remedy"], sort=True):
        scope, share = f"cause:{cause}", float(group["recovered"].mean())
        same = known["kind"].eq("outcome") & known["scope"].eq(scope) & known["value"].eq(remedy) & known["support"].eq(len(group))
        if not (same & known["confidence"].sub(share).abs().lt(1e-9)).any():
            pattern_id = f"P-{hashlib.sha256(f'outcome{scope}{remedy}{as_of.isoformat()}'.encode()).hexdigest()[:10]}"
            rows.append({"pattern_id": pattern_id, "kind": "outcome", "scope": scope, "value": remedy, "support": len(group), "confidence": share,
                         "expires_at": as_of + REMEMBERED_FOR})
            evidence[pattern_id] = [int(seq) for seq in group["seq"]]
    return (PATTERNS.check(pd.DataFrame(rows)) if rows else PATTERNS.empty()), evidence


def worked(remedy: str, support: int, confidence: float) -> str:
    """`Pausing it worked 7 of 9 times` for people."""
    return f"With this cause, {REMEDIES[remedy]} worked {round(confidence * support)} of {support} times."
