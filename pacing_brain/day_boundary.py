"""Do an account's days begin where its time zone says? Spend of a day that has not begun there is of a day that began elsewhere.

A boundary that moved takes from one day and gives to its neighbour; what comes in altogether stays. So nobody's level is judged differently: the
account is told about once, and the test within a day waits until the days have one shape again. Days that begin later than they should leave
no such trace; a campaign whose first hours are missing is left out of the test within a day (`within_day`), and nobody is told.
"""

import numpy as np
import numpy.typing as npt
import pandas as pd

from pacing_brain import reconcile
from pacing_brain.earlier import earlier
from pacing_brain.model import Action, Finding, Inputs, Lane, Problem, Severity
from pacing_brain.roster import Codes
from pacing_brain.zones import DAY, NEVER, Instants, begins, by_zone, instant

KEY = ["platform", "account_id"]
EARLY, MOST = np.timedelta64(2, "h"), np.timedelta64(48, "h")  # before its day begins: less is a load that took a while, more is a wrong date
SEEN_FOR = np.timedelta64(36, "h")  # it shows in the last hours of a day only


def look(accounts: pd.DataFrame, flights: pd.DataFrame, inputs: Inputs) -> pd.DataFrame:
    """ACCOUNTS with days_ahead_at: when spend of a day that had not begun was last seen, if that is not long ago."""
    now, at = instant(inputs.run.as_of), reconcile.account_positions(flights, accounts)
    seen = _newest(earlier(flights, inputs.memory, "days_ahead_at")["days_ahead_at"].to_numpy(DAY), at, len(accounts))
    standing = np.where(_ahead(accounts, inputs.spend, now), now, np.where(seen > now - SEEN_FOR, seen, NEVER))
    return accounts.assign(days_ahead_at=pd.DatetimeIndex(standing, tz="UTC"))


def _ahead(accounts: pd.DataFrame, spend: pd.DataFrame, as_of: np.datetime64) -> npt.NDArray[np.bool_]:
    """Where the newest day with spend begins after the newest load."""
    late = np.flatnonzero((spend["day"].to_numpy(DAY) >= as_of.astype("datetime64[D]")) & (spend["spend_micros"].to_numpy("int64", na_value=0) > 0))
    at = reconcile.account_positions(spend[KEY].take(late), accounts)
    day, loaded = (_newest(spend[name].to_numpy(DAY)[late], at, len(accounts)) for name in ("day", "loaded_at"))
    loaded = np.minimum(np.fmax(loaded, accounts["loaded_at"].to_numpy(DAY)), as_of)
    ahead = begins(day, by_zone(accounts["timezone"])) - loaded
    return np.asarray((ahead > EARLY) & (ahead <= MOST))


def _newest(instants: Instants, at: Codes, n: int) -> Instants:
    """Of the instants of each account's rows the newest; `at`: the account of each, or -1."""
    newest = np.full(n, NEVER)
    np.fmax.at(newest, at[at >= 0], instants[at >= 0])
    return newest


def findings(accounts: pd.DataFrame, decisions: pd.DataFrame) -> list[Finding]:
    """One for each account whose days begin early."""
    if "days_ahead_at" not in accounts or accounts["days_ahead_at"].isna().all():
        return []
    clients = decisions.dropna(subset=["client"]).groupby(KEY)["client"].unique()
    found = []
    for account in accounts[accounts["days_ahead_at"].notna() & accounts["account_id"].ne("")].itertuples():
        theirs = clients.get((account.platform, account.account_id), ())
        found.append(Finding(
            scope=f"account:{account.platform}/{account.account_id}", problem=Problem.DAYS, severity=Severity.WARNING, lane=Lane.ESCALATE,
            action=Action.ESCALATE, urgent=False, side="none", currency=None, money_micros=0, platform=account.platform, account_id=account.account_id,
            client=str(theirs[0]) if len(theirs) == 1 else None, headline=sentence(account.account_id, account.timezone), facts={"amounts": {}}))
    return found


def sentence(account_id: str, timezone: str) -> str:
    """What was seen, in words."""
    return (f"There is spend of days that have not begun yet in {timezone}, the time zone of account {account_id}: its days begin earlier than that. "
            "Totals are right; single days are shifted.")
