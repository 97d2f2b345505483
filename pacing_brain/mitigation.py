"""What can be done about a flight that is not healthy: remedies with their figures, and one recommendation.

Each flight's advice depends on its own row only. What needs its siblings, moving money within the client, is `reallocation`.
"""

import pandas as pd

from pacing_brain import curves, remedies
from pacing_brain.causes_of_delivery import STOPPED_STATES
from pacing_brain.cases import Case
from pacing_brain.model import Action, Lane, RunContext
from pacing_brain.remedies import FIXES, Outlook
from pacing_brain.records import records
from pacing_brain.zones import moment_text


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
        if case["direction"] == "over" and needed is not None and case["platform_status"] not in STOPPED_STATES:
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
