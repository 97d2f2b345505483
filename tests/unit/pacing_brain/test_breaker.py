"""The breaker: one data fault is one finding, and a hundred pauses are held."""

import datetime as dt
from dataclasses import replace

import pandas as pd
import pytest

from notifiers import cards
from notifiers.cards_facts import CardContext
from notifiers import limits
from pacing_brain import breaker, frames, incidents
from pacing_brain.findings import find
from pacing_brain.model import Inputs, Problem, RunContext
from pacing_brain.policy import Policy

AS_OF = dt.datetime(2026, 11, 18, 12, tzinfo=dt.UTC)
RUN = RunContext(run_id="R1", as_of=AS_OF, window=AS_OF)


def flights(bad: int, good: int, account: str = "1", platform: str = "google", problem: str = "over") -> pd.DataFrame:
    names = [f"{platform}{account}-{number:04}" for number in range(bad + good)]
    is_bad = [number < bad for number in range(bad + good)]
    return pd.DataFrame({
        "flight_id": names, "campaign_name": names, "platform": platform, "account_id": account, "phase": "live", "client": "Acme", "row": 1,
        "lane": ["critical" if one else "healthy" for one in is_bad], "problem": [problem if one else "" for one in is_bad],
        "direction": [problem if one else "none" for one in is_bad], "severity": ["critical" if one else "healthy" for one in is_bad],
        "action": ["recommend_halt" if one else "log_only" for one in is_bad], "urgent": is_bad, "currency": "EUR",
        "actual_micros": 150_000_000, "target_micros": 100_000_000, "reasons": [["why"]] * len(names)})


def whole(decisions: pd.DataFrame) -> pd.DataFrame:
    """With every column a decision has."""
    return frames.DECISIONS.check(decisions.astype({"actual_micros": "Int64", "target_micros": "Int64"}))


def inputs(memory: pd.DataFrame | None = None, history: pd.DataFrame | None = None, released: str | None = None) -> Inputs:
    patterns = frames.PATTERNS.empty()
    if released:
        patterns = pd.DataFrame([{"pattern_id": "P1", "kind": "release", "scope": released, "value": "until tomorrow", "support": 1, "confidence": 1.0,
                                  "expires_at": pd.NaT}])
    empty = frames.SPEND.empty()
    return Inputs(run=RUN, policy=Policy(), targets=frames.TARGETS.empty(), spend=empty, loads=frames.LOADS.empty(), campaigns=frames.CAMPAIGNS.empty(),
                  totals=frames.TOTALS.empty(), memory=frames.MEMORY.empty() if memory is None else memory, patterns=patterns,
                  history=frames.HISTORY.empty() if history is None else history)


def opened(per_day: int, *, today: int = 0, held: str | None = None, account: str = "1") -> pd.DataFrame:
    rows = [("google", account, "over", day, per_day, None) for day in range(1, 15)] + [("google", account, "over", 0, today, held)]
    return frames.HISTORY.check(pd.DataFrame(rows, columns=list(frames.HISTORY.columns)))


def test_many_new_problems_in_one_account_are_held_and_told_once() -> None:
    """Forty of sixty flights of an account over plan at once: no pause is asked for, and one finding says that a data fault is likely."""
    decisions = whole(pd.concat([flights(40, 20), flights(1, 300, account="2")]))
    held = breaker.look(decisions, inputs())
    assert [(one.scope, one.kind, one.new, one.judged, len(one.flights)) for one in held] == [("account:google/1", "over", 40, 60, 40)]
    after = breaker.hold(decisions, held)
    assert after["action"].eq("recommend_halt").sum() == 1
    assert "data fault is likelier" in after["reasons"].iloc[0][-1]
    accounts = frames.ACCOUNTS.empty()
    found = breaker.findings(find(after, frames.SPEND.empty().assign(bucket="", flight_id="", campaign_key=""), accounts, inputs()), held, after)
    surge = [one for one in found if one.problem is Problem.SURGE]
    assert len(surge) == 1
    assert surge[0].headline.startswith("A data fault is likely: 40 campaigns of account google/1 are newly over plan at once, against 0 on a usual day.")
    assert sum(bool(one.facts.get("digest_only")) for one in found) == 40
    told = cards.incident_card(incidents.step([], surge, RUN, frozenset())[0].incident, CardContext(as_of=AS_OF, run_id="R1", next_run=AS_OF, deciders=()))
    assert limits.check(told) == []
    assert "pacing halts release" in str(told.blocks)
    assert "nobody can release them" in str(told.blocks)
    named = cards.incident_card(incidents.step([], surge, RUN, frozenset())[0].incident, CardContext(as_of=AS_OF, run_id="R1", next_run=AS_OF, deciders=("U0ANA00001",)))
    assert "Can release them: <@U0ANA00001>." in str(named.blocks)


@pytest.mark.parametrize(("bad", "good", "before", "trips"), [
    (20, 20, 0, False),  # not more than 20
    (21, 20, 0, True),
    (21, 190, 0, False),  # under a tenth of what was judged
    (30, 30, 10, False),  # three times a usual day
    (31, 30, 10, True),
])
def test_the_three_limits_hold_together(bad: int, good: int, before: int, trips: bool) -> None:
    """More than 20, more than three times the median of 14 days, and a tenth of the judged flights; each alone is no fault."""
    held = breaker.look(whole(flights(bad, good)), inputs(history=opened(before) if before else None))
    assert bool(held) is trips


def test_what_was_bad_already_is_not_new() -> None:
    """Flights that were critical at the last run on the same side count no more."""
    decisions = whole(flights(40, 20))
    memory = pd.DataFrame({"flight_id": decisions["flight_id"], "lane": decisions["lane"], "side": decisions["direction"]})
    assert not breaker.look(decisions, inputs(memory=memory))


def test_what_is_held_stays_held_until_it_is_over_or_released() -> None:
    """A later run of the same fault finds nothing new and still holds; a release ends it."""
    decisions = whole(flights(40, 20))
    memory = pd.DataFrame({"flight_id": decisions["flight_id"], "lane": decisions["lane"], "side": decisions["direction"]})
    history = opened(0, today=40, held="account:google/1")
    assert breaker.look(decisions, inputs(memory=memory, history=history))
    assert not breaker.look(decisions, inputs(memory=memory, history=history, released="account:google/1:over"))
    assert not breaker.look(whole(flights(20, 40)), inputs(history=replace_today(history, 0)))


def replace_today(history: pd.DataFrame, opened_today: int) -> pd.DataFrame:
    return history.assign(opened=history["opened"].mask(history["age_days"].eq(0), opened_today))


def test_the_smallest_scope_that_explains_it_is_named() -> None:
    """Faults in many small accounts are the platform's; one large account's are its own; both platforms together are everything's."""
    small = [flights(3, 2, account=str(number)) for number in range(10)]
    assert [one.scope for one in breaker.look(whole(pd.concat(small)), inputs())] == ["source:google"]
    both = [*small, *(flights(3, 2, account=str(number), platform="meta") for number in range(10))]
    assert [one.scope for one in breaker.look(whole(pd.concat(both)), inputs())] == ["source:all"]
    two = [flights(30, 10, account="1"), flights(30, 10, account="2")]
    assert [one.scope for one in breaker.look(whole(pd.concat(two)), inputs())] == ["source:google"]


def test_a_run_of_doubtful_data_is_no_surge() -> None:
    """Flights that escalate are neither judged nor counted."""
    decisions = flights(40, 20).assign(lane="escalate", action="escalate")
    assert not breaker.look(whole(decisions), inputs())


def test_the_history_is_an_input_like_the_others() -> None:
    """An empty history is that of a first run: nothing is usual yet."""
    assert breaker.look(whole(flights(21, 0)), replace(inputs(), history=frames.HISTORY.empty()))
