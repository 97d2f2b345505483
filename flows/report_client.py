"""The report of one client: its flights, its money, and no word or figure of another's. Pure.

What is kept is what is known to be the client's: its flights, the days that belong to them, and of an account that it has to itself everything.
A sentence that names another client, or a campaign or flight of another's, or a sum over all clients, is left out and said to be.
"""

import hashlib
import re
from collections.abc import Callable
from typing import TYPE_CHECKING, Any

import pandas as pd

from notifiers import report_words
from notifiers.report import ON_PAGE, Report
from pacing_brain.errors import RunError
from pacing_brain.model import Quarantined
from pacing_brain.money import money

if TYPE_CHECKING:
    from flows.reporting import Facts

LEFT_OUT = "A detail that concerns more than this client is left out here."
SHORTEST = 3  # characters; a shorter name says nothing by itself
NAMES = ["client", "campaign_name", "platform_name", "campaign_id", "platform_campaign_id", "flight_id"]


def build(facts: "Facts", client: str) -> Report:
    """The report of one client, by its name without regard to case.

    Raises:
        RunError: no flight of the run is of that client.
    """
    from flows import report_charts, reporting  # noqa: PLC0415  it builds either kind

    known = facts.decisions["client"].dropna().unique()
    name = next((one for one in known if one.casefold().strip() == client.casefold().strip()), None)
    if name is None:
        raise RunError(f"no flight of run {facts.run.run_id} is of client {client!r}. `pacing report` without --client shows every client.")
    own = facts.decisions["client"].eq(name).fillna(value=False).astype(bool)
    foreign = _foreign(facts, own)
    flights = report_words.worst_first(_silenced(facts.decisions[own], foreign))
    days = _days(facts, own, name)
    lost = reporting.outside(days, facts.decisions[own])
    named = [foreign(f"{one.campaign_name} {one.campaign_id}") for one in lost[["campaign_name", "campaign_id"]].itertuples()]
    return Report(
        run_id=facts.run.run_id, window=facts.run.window, as_of=facts.run.as_of, live=facts.run.live, client=name, flights=flights,
        spend=reporting.micros_by_bucket(days), totals=None, outside=lost[[not one for one in named]].reset_index(drop=True),
        quarantined=_quarantined(facts, own, foreign), charts=report_charts.charts(flights.head(ON_PAGE), days, facts.inputs.policy),
        partial=tuple(said for said in facts.run.summary["partial"] if not foreign(said)))


def folder_name(client: str) -> str:
    """A folder for any name a client may have: readable, and another one for another name."""
    plain = re.sub(r"[^a-z0-9]+", "-", client.casefold()).strip("-")[:40]
    return f"{plain or 'client'}-{hashlib.sha256(client.encode('utf-8', 'replace')).hexdigest()[:8]}"


def _days(facts: "Facts", own: pd.Series, name: str) -> pd.DataFrame:
    """Days of the client's flights; beside them those of its campaigns alone, and of accounts that nobody else plans in."""
    days, decisions, targets = facts.days, facts.decisions, facts.inputs.targets
    flights = days["flight_id"].isin(decisions.loc[own, "flight_id"])
    planned = pd.concat([targets[["platform", "account_id", "client"]], decisions[["platform", "account_id", "client"]]], ignore_index=True)
    shared = planned[planned["client"].ne(name).fillna(value=True).astype(bool)]
    mine = planned[planned["client"].eq(name).fillna(value=False).astype(bool)].dropna(subset=["account_id"])
    alone = _pairs(mine) - _pairs(shared)
    anywhere = set(shared.loc[shared["account_id"].isna(), "platform"])  # a line without an account may be of any account of its platform
    own_account = pd.Series([pair in alone and pair[0] not in anywhere for pair in zip(days["platform"], days["account_id"], strict=True)], index=days.index, dtype=bool)
    keys = set(decisions.loc[own, "campaign_key"].dropna()) - set(decisions.loc[~own, "campaign_key"].dropna())
    outside = days["bucket"].eq("outside_flight") & days["campaign_key"].isin(keys)
    return days[flights | (days["flight_id"].isna() & (outside | own_account))]


def _pairs(planned: pd.DataFrame) -> set[tuple[str, Any]]:
    return set(zip(planned["platform"], planned["account_id"], strict=True))


def _foreign(facts: "Facts", own: pd.Series) -> Callable[[str], bool]:
    """Whether a text has a name of another client's in it, or one of the run's sums over all clients."""
    known = [name for name in NAMES if name in facts.decisions]
    theirs = _words(facts.decisions.loc[~own, known]) | _words(facts.days[~facts.days["flight_id"].isin(facts.decisions.loc[own, "flight_id"])][["campaign_name", "campaign_id"]])
    theirs -= _words(facts.decisions.loc[own, known])
    sums = [(row.spend_micros, row.currency) for row in facts.inputs.totals.itertuples()]
    sums += [(micros, currency) for currency, micros in facts.inputs.spend.groupby("currency")["spend_micros"].sum().items()]
    theirs |= {money(int(micros), currency) for micros, currency in sums if micros}
    pattern = re.compile("|".join(rf"(?<!\w){re.escape(word)}(?!\w)" for word in sorted(theirs, key=len, reverse=True)), re.IGNORECASE) if theirs else None
    return lambda text: bool(pattern and pattern.search(text))


def _words(frame: pd.DataFrame) -> set[str]:
    return {word for name in frame.columns for word in frame[name].dropna().astype("str").str.strip().unique() if len(word) >= SHORTEST}


def _silenced(flights: pd.DataFrame, foreign: Callable[[str], bool]) -> pd.DataFrame:
    """The flights with every sentence that is foreign replaced, and without the campaigns of others that looked alike."""

    def said(value: Any) -> Any:
        if isinstance(value, str):
            return LEFT_OUT if foreign(value) else value
        if isinstance(value, list):
            return list(dict.fromkeys(said(one) for one in value)) if all(isinstance(one, str) for one in value) else [
                one for one in value if not foreign(" ".join(str(each) for each in one.values()))]
        return {key: said(each) for key, each in value.items()} if isinstance(value, dict) else value

    text = {name: [said(value) for value in flights[name].astype("object").where(flights[name].notna(), None)]
            for name in ("reasons", "mitigation", "gates", "candidates", "root_cause", "recommendation", "error", "platform_name")}
    return flights.assign(**{name: pd.Series(values, index=flights.index, dtype=flights[name].dtype) for name, values in text.items()})


def _quarantined(facts: "Facts", own: pd.Series, foreign: Callable[[str], bool]) -> tuple[Quarantined, ...]:
    """Rows about the client's flights and campaigns; a row of the plan that names nobody may be anyone's, and is left out."""
    mine = set(facts.decisions.loc[own, "flight_id"]) | set(facts.decisions.loc[own, "campaign_key"].dropna())
    return tuple(_own_words(row, foreign) for row in facts.quarantined if row.subject in mine)


def _own_words(row: Quarantined, foreign: Callable[[str], bool]) -> Quarantined:
    return row.model_copy(update={"reason": LEFT_OUT, "value": None}) if foreign(f"{row.reason} {row.value or ''}") else row
