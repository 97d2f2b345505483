"""Do an account's days begin where its time zone says? Spend of a day that has not begun there is of a day that began elsewhere.

A boundary that moved takes from one day and gives to its neighbour; what comes in altogether stays. So nobody's level is judged differently: the
account is told about once, and the test within a day waits until the days have one shape again. Days that begin later than they should leave
no such trace; a campaign whose first hours are missing is left out of the test within a day (`within_day`), and nobody is told.
"""

import pandas as pd

from pacing_brain import reconcile, zones
from pacing_brain.earlier import earlier
from pacing_brain.frames import INSTANT
from pacing_brain.model import Action, Finding, Inputs, Lane, Problem, Severity

KEY = ["platform", "account_id"]
EARLY, MOST = pd.Timedelta(hours=2), pd.Timedelta(hours=48)  # before its day begins: less is a load that took a while, more is a wrong date
SEEN_FOR = pd.Timedelta(hours=36)  # it shows in the last hours of a day only


def look(accounts: pd.DataFrame, flights: pd.DataFrame, inputs: Inputs) -> pd.DataFrame:
    """ACCOUNTS with days_ahead_at: when spend of a day that had not begun was last seen, if that is not long ago."""
    as_of = pd.Timestamp(inputs.run.as_of).tz_convert("UTC")
    remembered = earlier(flights, inputs.memory, "days_ahead_at")["days_ahead_at"]
    before = remembered.groupby(reconcile.account_positions(flights, accounts)).max().reindex(range(len(accounts))).set_axis(accounts.index)
    standing = before.where(before.gt(as_of - SEEN_FOR))
    return accounts.assign(days_ahead_at=standing.mask(_ahead(accounts, inputs.spend, as_of), as_of).astype(INSTANT))


def _ahead(accounts: pd.DataFrame, spend: pd.DataFrame, as_of: pd.Timestamp) -> pd.Series:
    """Where the newest day with spend begins after the newest load."""
    late = spend[[*KEY, "day", "loaded_at"]][spend["day"].ge(as_of.tz_localize(None).normalize()) & spend["spend_micros"].gt(0).fillna(value=False)]
    newest = late[["day", "loaded_at"]].groupby(reconcile.account_positions(late, accounts)).max().reindex(range(len(accounts))).set_axis(accounts.index)
    begins = zones.midnights(newest["day"], accounts["timezone"])
    loaded = newest["loaded_at"].where(newest["loaded_at"].gt(accounts["loaded_at"]) | accounts["loaded_at"].isna(), accounts["loaded_at"])
    ahead = begins - loaded.clip(upper=as_of)
    return ahead.gt(EARLY) & ahead.le(MOST)


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
