"""The gates: each green or red, with its evidence in a sentence for people. One red gate escalates, whatever the score says.

Sentences are built per distinct case and per red flight, never per healthy flight; flights with the same evidence share one dict.
"""

from collections.abc import Callable
from typing import TYPE_CHECKING, Any

import numpy as np
import numpy.typing as npt
import pandas as pd

from pacing_brain import plan_edits, zones
from pacing_brain.days import number
from pacing_brain.frames import NO_CURRENCY
from pacing_brain.identity_evidence import identity
from pacing_brain.model import Gate, RunContext
from pacing_brain.money import money
from pacing_brain.records import records
from pacing_brain.remembered import late_after

if TYPE_CHECKING:
    from pacing_brain.confidence import SourceFacts

Flags = npt.NDArray[np.bool_]
CENT = 10_000  # micros
Texts = npt.NDArray[np.object_]
Verdict = tuple[Flags, Texts | str]  # (red, evidence: of each, or of all alike)


def check(flights: pd.DataFrame, feed: pd.DataFrame, facts: "SourceFacts", values: pd.DataFrame, run: RunContext) -> pd.DataFrame:
    """Columns gates ({gate: {state, evidence}}) and red_gates (sorted names, comma separated); `feed` is each flight's account row."""
    verdicts: dict[str, Verdict] = {
        Gate.IDENTITY.value: identity(flights, feed), Gate.FRESHNESS.value: _freshness(flights, feed, values, run),
        Gate.COMPLETENESS.value: _completeness(flights, feed, values), Gate.CURRENCY.value: _currency(flights, feed, facts),
        Gate.TIMEZONE.value: _timezone(flights), Gate.TIE_OUT.value: _tie_out(flights, facts),
        Gate.TRACKER.value: _tracker(flights, facts, values), Gate.CLOCK.value: _clock(flights, feed, facts, run),
    }
    return pd.DataFrame({"gates": _dicts(verdicts), "red_gates": pd.array(_red(verdicts), dtype="str")}, index=flights.index, copy=False)


def _dicts(verdicts: dict[str, Verdict]) -> list[dict[str, dict[str, str]]]:
    columns = [_shared(*verdict) for verdict in verdicts.values()]
    names = list(verdicts)
    return [dict(zip(names, row, strict=True)) for row in zip(*columns, strict=True)]


def _shared(red: Flags, evidence: Texts | str) -> list[dict[str, str]]:
    if isinstance(evidence, str):
        return [{"state": "green", "evidence": evidence}] * len(red)
    codes, distinct = pd.factorize(evidence)
    green, failed = ([{"state": state, "evidence": str(text)} for text in distinct] for state in ("green", "red"))
    return [failed[code] if bad else green[code] for code, bad in zip(codes.tolist(), red.tolist(), strict=True)]


def _red(verdicts: dict[str, Verdict]) -> list[str]:
    gates = sorted(verdicts)
    rows = zip(*(verdicts[gate][0].tolist() for gate in gates), strict=True)
    return [",".join(gate for gate, bad in zip(gates, row, strict=True) if bad) for row in rows]


def _said(flights: pd.DataFrame, red: Flags, green: str | Texts, sentence: Callable[[Any], str], **beside: Any) -> Verdict:
    """Green evidence everywhere, and a sentence of its own for each red flight, from its row and the columns `beside` it."""
    if not red.any():
        return red, green
    evidence = np.full(len(flights), green, dtype=object)
    evidence[red] = [sentence(row) for row in records(flights, np.flatnonzero(red), beside)]
    return red, evidence


def _freshness(flights: pd.DataFrame, feed: pd.DataFrame, values: pd.DataFrame, run: RunContext) -> Verdict:
    """Red at `red_after_hours` or the cycle + `red_after_cycle_hours`, whichever is later; always when the source did not answer."""
    after, after_cycle = (values[f"freshness_red_after_{name}"].to_numpy("float64") for name in ("hours", "cycle_hours"))
    age, cycle, gap = (feed[name].to_numpy("float64") for name in ("feed_age_hours", "cycle_hours", "usual_gap_hours"))
    limit = np.fmin(np.maximum(after, cycle + after_cycle), late_after(gap))
    down = ~feed["available"].to_numpy(dtype=bool)
    red = down | ~(age < limit)
    own = {f"feed_{name}": feed[name] for name in ("account_id", "usual_gap_hours", "feed_age_hours", "cycle_hours", "load_basis")}
    why = {state.platform: state.why or f"{state.source} did not answer" for state in run.sources if not state.available}
    return _said(flights, red, _loaded(feed), lambda row: _stale(row, why), **own, feed_limit=limit, feed_down=down)


_BASIS = {"rows": ", by its newest row: from rows, as there is no load table",
          "platform": ", by its platform's newest load: the account itself was never loaded"}


def _loaded(feed: pd.DataFrame) -> Texts:
    """One sentence per distinct (age, cycle, basis): flights of one account share it."""
    keys = list(zip(feed["feed_age_hours"].round(1).tolist(), feed["cycle_hours"].tolist(), feed["load_basis"].tolist(), strict=True))
    texts = {(age, cycle, basis): "The flight has just begun, and its account was not loaded yet." if basis == "none" else
             f"Loaded {max(age, 0.0):.1f} h before the run; it loads every {cycle:g} h{_BASIS.get(basis, '')}." for age, cycle, basis in set(keys)}
    return np.array([texts[key] for key in keys], dtype=object)


def _stale(row: dict[str, Any], why: dict[str | None, str]) -> str:
    if row["feed_down"]:
        return f"actuals unavailable: {why.get(row['platform']) or why.get(None, 'the source did not answer')}."
    account = f"account {row['feed_account_id']}" if row["feed_account_id"] and pd.notna(row["feed_account_id"]) else f"platform {row['platform']}"
    if row["feed_load_basis"] == "none" or pd.isna(row["feed_feed_age_hours"]):
        return f"No load of {account} was ever seen, so nothing is known about its spend."
    if pd.notna(row["feed_usual_gap_hours"]):
        return (f"The feed of {account} was last loaded {row['feed_feed_age_hours']:.1f} h before the run. Its loads used to be at most "
                f"{row['feed_usual_gap_hours']:.1f} h apart: it has stopped loading, whatever its spend looks like.")
    return (f"The feed of {account} was last loaded {row['feed_feed_age_hours']:.1f} h before the run{_BASIS.get(row['feed_load_basis'], '')}; "
            f"it loads every {row['feed_cycle_hours']:g} h and is too old to act on from {row['feed_limit']:g} h.")


def _completeness(flights: pd.DataFrame, feed: pd.DataFrame, values: pd.DataFrame) -> Verdict:
    limit, common = values["completeness_shrink_pct"].to_numpy("float64"), feed["common_level_pct"]
    red = (flights["shrunk_pct"].to_numpy("float64") > limit) | common.notna().to_numpy()
    for name in ("duplicate_days", "bad_days", "lost_days"):
        red |= flights[name].to_numpy("int64", na_value=0) > 0
    return _said(flights, red, "One row per campaign and day, and no history lost.", _incomplete, shrink_limit=limit, common_level_pct=common)


def _incomplete(row: dict[str, Any]) -> str:
    said = []
    if row["duplicate_days"]:
        said.append(f"{_counted(row['duplicate_days'], 'day')} with more than one row for the campaign: none of them is counted")
    if row["bad_days"]:
        said.append(f"{_counted(row['bad_days'], 'day')} with spend that is not a number")
    if row["lost_days"]:
        said.append(f"{_counted(row['lost_days'], 'closed day')} that had a row {'has' if row['lost_days'] == 1 else 'have'} none any more")
    if row["shrunk_pct"] > row["shrink_limit"]:
        said.append(f"spend of closed days is {row['shrunk_pct']:.1f} % less than it was at the last run")
    if pd.notna(row["common_level_pct"]):
        said.append(f"{common_level(row['common_level_pct'])}, so the amounts are not believed until somebody has looked")
    return "; ".join(said)[0].upper() + "; ".join(said)[1:] + "."


def common_level(pct: float) -> str:
    """What a whole account's change of level looks like, without a full stop."""
    return f"nearly all campaigns of the account changed at once, and by the same factor (x{1.0 + pct / 100.0:.2f})"


def _counted(count: int, what: str) -> str:
    return f"{count} {what}{'' if count == 1 else 's'}"


def _currency(flights: pd.DataFrame, feed: pd.DataFrame, facts: "SourceFacts") -> Verdict:
    """The plan's currency is the feed's, and the campaign has one. Where a platform's feed names none at all, there is nothing to compare."""
    own, theirs, account = (np.asarray(one, dtype=object) for one in (flights["currency"], flights["feed_currencies"], feed["currency"]))
    theirs = np.where(theirs == "", account, theirs)
    unnamed = pd.isna(theirs) | ((theirs == NO_CURRENCY) & flights["platform"].isin(facts.without_currency).to_numpy())
    red = ~unnamed & (theirs != own)
    green = ["The feed names no currency; the plan's is taken." if none else f"Plan and feed are both in {currency}."
             for none, currency in zip(unnamed, own, strict=True)]
    return _said(flights, red, np.array(green, dtype=object), _other_currency, their_currency=theirs)


def _other_currency(row: dict[str, Any]) -> str:
    if "," in row["their_currency"]:
        return f"The campaign's rows are in several currencies ({row['their_currency'].replace(',', ', ')}); the plan is in {row['currency']}."
    return f"The plan is in {row['currency']}, the feed in {row['their_currency']}: the amounts cannot be compared."


def _timezone(flights: pd.DataFrame) -> Verdict:
    """The tracker's zone, where given, has the account's offset at the beginning of every flight day and at its end."""
    planned, account = (flights[name].to_numpy(dtype=object) for name in ("timezone", "account_timezone"))
    other = flights["timezone"].notna().to_numpy() & (planned != account)
    red = np.zeros(len(flights), dtype=bool)
    for theirs, ours in sorted(set(zip(planned[other], account[other], strict=True))):
        at = np.flatnonzero(other & (planned == theirs) & (account == ours))
        red[at] = _apart(flights[["start_date", "end_date"]].take(at), theirs, ours)
    return _said(flights, red, "The account's zone is used; the plan does not contradict it.",
                 lambda row: f"The plan is in {row['timezone']}, the account in {row['account_timezone']}: "
                             "their days begin at different hours. The account's zone is used.")


def _apart(rows: pd.DataFrame, planned: str, account: str) -> Flags:
    """Whether the two zones differ on one of each flight's days."""
    if not zones.is_zone(planned):
        return np.ones(len(rows), dtype=bool)
    span = pd.Series(pd.date_range(rows["start_date"].min(), rows["end_date"].max() + zones.ONE_DAY, unit="us"))
    differ = zones.midnights(span, pd.Series(planned, index=span.index)).ne(zones.midnights(span, pd.Series(account, index=span.index)))
    before = np.concatenate([[0], np.cumsum(differ)])
    first = number(span)[0]
    return np.asarray(before[number(rows["end_date"]) + 2 - first] > before[number(rows["start_date"]) - first])


def _tie_out(flights: pd.DataFrame, facts: "SourceFacts") -> Verdict:
    """The rows add up to the warehouse's own total, to the micro."""
    off = {currency: sums for currency, sums in facts.tie_out.items() if sums[0] != sums[1]}
    red = (flights["currency"].isin(off) | flights["feed_currencies"].isin(off)).to_numpy() if off else np.zeros(len(flights), dtype=bool)
    return _said(flights, red, "The rows add up to the warehouse's own total.", lambda row: _not_tied(row, off))


def _not_tied(row: dict[str, Any], off: dict[str, tuple[int, int]]) -> str:
    currency = row["currency"] if row["currency"] in off else row["feed_currencies"]
    rows, total = off[currency]
    apart = abs(rows - total)
    said = money(apart, currency) if apart >= CENT else f"{apart:,} micros"
    return (f"The rows in {currency} add up to {money(rows, currency)}, the warehouse's own total is {money(total, currency)}: "
            f"{said} {'too many' if rows > total else 'missing'}.")


def _tracker(flights: pd.DataFrame, facts: "SourceFacts", values: pd.DataFrame) -> Verdict:
    """Red when the plan could not be read for too long, and when two of its lines claim the same days of one campaign."""
    old = facts.tracker_age_days > facts.tracker_red_after_days
    slip = plan_edits.slipped(flights, values)
    red = flights["overlaps"].ne("").to_numpy(dtype=bool) | old | slip
    green = "The plan was read for this run." if facts.tracker_age_days <= 0 else f"The plan was last read {facts.tracker_age_days:.1f} days ago."
    return _said(flights, red, green, lambda row: " ".join([*_too_old(facts, old), *_claimed_twice(row), *_slip(row)]),
                 slip=slip)


def _too_old(facts: "SourceFacts", old: bool) -> list[str]:
    return [f"{facts.tracker} has not been readable for {facts.tracker_age_days:.0f} days, more than {facts.tracker_red_after_days:g}."] if old else []


def _slip(row: dict[str, Any]) -> list[str]:
    return [f"{plan_edits.edit_sentence(row)} That looks like a slip of the keyboard."] if row["slip"] else []


def _claimed_twice(row: dict[str, Any]) -> list[str]:
    if not row["overlaps"]:
        return []
    others = row["overlap_evidence"]
    return [f"Row {row['rows']} plans the same days of this campaign as {others}: that spend counts for none of them until the plan is corrected."]


def _clock(flights: pd.DataFrame, feed: pd.DataFrame, facts: "SourceFacts", run: RunContext) -> Verdict:
    """A load in the future: one of the clocks is wrong, and with it every age."""
    ahead = np.asarray((feed["loaded_at"].array - pd.Timestamp(run.as_of)).total_seconds()) / 60.0
    red = ahead > facts.future_minutes
    return _said(flights, red, "No load lies in the future.", lambda row: f"The feed's last load is {row['ahead']:.0f} min after the run's clock: "
                 "one of the clocks is wrong.", ahead=ahead)
