"""What can be done about a flight that is not healthy: remedies with their figures, and one recommendation.

Each flight's advice depends on its own row only. What needs its siblings, moving money within the client, is `reallocate`, which runs over
everything once the flights are decided.
"""

from collections import defaultdict
from collections.abc import Iterator

import pandas as pd

from pacing_brain import curves, remedies
from pacing_brain.evidence import Case
from pacing_brain.model import Action, Lane, RunContext
from pacing_brain.money import money
from pacing_brain.remedies import FIXES, Outlook
from pacing_brain.verdicts import Row, records
from pacing_brain.zones import moment_text

JUDGED_LANES = [Lane.HEALTHY.value, Lane.WARNING.value, Lane.CRITICAL.value]


def advise(flights: pd.DataFrame, run: RunContext) -> pd.DataFrame:
    """The flights with mitigation (list of sentences, best first) and recommendation (one sentence; null for `log_only`)."""
    looked_at = flights["lane"].ne(Lane.HEALTHY.value)
    rows = flights[looked_at]
    over = rows["direction"].eq("over")
    catch_up = curves.reached_at(rows.loc[over, curves.COLUMNS], rows.loc[over, "actual_micros"]).reindex(rows.index)
    told = [advice(Case(row, {}, run)) for row in records(rows.assign(catch_up=catch_up))]
    plans: list[list[str]] = [[] for _ in range(len(flights))]
    said: list[str | None] = [None] * len(flights)
    for position, (steps, recommendation) in zip(looked_at.to_numpy().nonzero()[0], told, strict=True):
        plans[position], said[position] = steps, recommendation
    return flights.assign(mitigation=pd.Series(plans, index=flights.index, dtype="object"),
                          recommendation=pd.Series(said, index=flights.index, dtype="str"))


def advice(case: Case) -> tuple[list[str], str | None]:
    """(remedies, recommendation) of one flight."""
    outlook = Outlook.of(case)
    steps = _steps(case, outlook)
    return steps, None if case["action"] == Action.LOG_ONLY.value else _recommendation(case, outlook, steps)


def _steps(case: Case, outlook: Outlook) -> list[str]:
    code = case["root_cause_code"] or ""
    if code == "look_alike":
        return remedies.match_questions(case)
    first = [FIXES[code](case)] if code in FIXES else []
    if case["lane"] == Lane.ESCALATE.value:
        return first or ["A person looks at it: the checks that failed stand in the reasons."]
    if case["zero_delivery"]:
        return first if case["zero_kind"] in ("not_found", "account") else [*first, *remedies.zero(case, outlook)]
    if case["direction"] == "over":
        return [*first, *remedies.over(case, outlook)]
    return [*first, *remedies.under(case, outlook)] if case["direction"] == "under" else first


def _recommendation(case: Case, outlook: Outlook, steps: list[str]) -> str:
    if case["action"] == Action.RECOMMEND_HALT.value:
        return _halt(case, outlook)
    if case["lane"] != Lane.ESCALATE.value and not case["zero_delivery"] and case["root_cause_code"] not in FIXES:
        needed = outlook.needed_a_day
        if case["direction"] == "over" and needed is not None:
            return f"Bring it down to {case.money(needed)} a day: it lands on {case.money(case['budget_micros'])}."
        if case["direction"] == "under" and needed is not None:
            return f"Find what holds it back: it needs {case.money(needed)} a day to land on {case.money(case['budget_micros'])}."
    return steps[0] if steps else "A person looks at it."


def _halt(case: Case, outlook: Outlook) -> str:
    if case["zero_delivery"]:
        return f"Go through the checks first; pause it in {case.platform} only so that it does not catch up all at once when delivery returns."
    if case["direction"] == "under":
        return f"Pause it in {case.platform} until it is clear what holds it back."
    if outlook.catch_up is None or outlook.left_micros <= 0:
        return f"Pause it in {case.platform}: {case.money(case['actual_micros'])} of {case.money(case['budget_micros'])} is spent."
    return f"Pause it in {case.platform} until about {moment_text(outlook.catch_up, case['account_timezone'])}, when the plan has caught up."


def reallocate(flights: pd.DataFrame) -> dict[str, str]:
    """flight_id -> one sentence that names a sibling of the same client and currency that could take or give the money.

    Money moves from the flight that is furthest under plan to the one that is furthest over, or to one that spends to plan; only between
    flights that still run and whose figures can be trusted. Ties go to the first flight_id.
    """
    running = flights[flights["lane"].isin(JUDGED_LANES) & flights["phase"].isin(["early", "live"]) & flights["client"].notna()
                      & flights["actual_micros"].notna() & flights["target_micros"].notna()]
    off = (running["actual_micros"] - running["target_micros"]).astype("int64")
    slim = running[["flight_id", "campaign_name", "client", "currency", "lane", "direction", "target_micros"]].assign(off=off)
    groups: dict[tuple[str, str], list[Row]] = defaultdict(list)
    for row in records(slim):
        groups[row["client"], row["currency"]].append(row)
    return {flight: sentence for group in groups.values() for flight, sentence in _within(group)}


def _within(group: list[Row]) -> Iterator[tuple[str, str]]:
    bad = [row for row in group if row["lane"] != Lane.HEALTHY.value]
    under, over = ([row for row in bad if row["direction"] == side] for side in ("under", "over"))
    steady = [row for row in group if row["lane"] == Lane.HEALTHY.value and row["direction"] != "under"]
    giver = min(under, key=lambda row: (row["off"], row["flight_id"]), default=None)
    taker = min(over, key=lambda row: (-row["off"], row["flight_id"]), default=None)
    fallback = min(steady, key=lambda row: (-row["target_micros"], row["flight_id"]), default=None)
    for row in under:
        if taker is not None:
            yield row["flight_id"], (f"{money(min(-row['off'], taker['off']), row['currency'])} could move to {taker['campaign_name']} "
                                     f"of the same client, which is {money(taker['off'], row['currency'])} over plan.")
        elif fallback is not None:
            yield row["flight_id"], (f"Up to {money(-row['off'], row['currency'])} could move to {fallback['campaign_name']} of the same client, "
                                     "which spends to plan.")
    for row in over:
        if giver is not None:
            yield row["flight_id"], (f"If the spend is wanted, {money(min(row['off'], -giver['off']), row['currency'])} of budget could come from "
                                     f"{giver['campaign_name']} of the same client, which is {money(-giver['off'], row['currency'])} under plan.")
