"""Why a flight is not healthy, by rules on what the frames show.

The first rule of `ORDER` that has something to say gives the cause: a fault in the data comes before one of identity, that before one of
delivery, because the later ones cannot be believed while the earlier ones stand. A rule whose columns are not there says nothing.
"""

import numpy as np
import pandas as pd

from pacing_brain import delivery, faults
from pacing_brain.evidence import Case, cases
from pacing_brain.faults import Rule
from pacing_brain.model import Lane, RunContext

UNKNOWN = ("unknown", "No cause can be seen in the data that is at hand.")

ORDER: tuple[tuple[str, Rule], ...] = (
    ("actuals_unavailable", faults.actuals_unavailable),
    ("feed_stale", faults.feed_stale),
    ("load_in_the_future", faults.load_in_the_future),
    ("mixed_currencies", faults.mixed_currencies),
    ("currency_differs", faults.currency_differs),
    ("duplicate_rows", faults.duplicate_rows),
    ("not_a_number", faults.not_a_number),
    ("history_shrank", faults.history_shrank),
    ("account_jumped", faults.account_jumped),
    ("rows_do_not_add_up", faults.rows_do_not_add_up),
    ("tracker_stale", faults.tracker_stale),
    ("overlapping_lines", faults.overlapping_lines),
    ("zone_differs", faults.zone_differs),
    ("match_lost", faults.match_lost),
    ("plan_edited", faults.plan_edited),
    ("look_alike", faults.look_alike),
    ("missing_id", faults.missing_id),
    ("not_found", faults.not_found),
    ("partly_found", faults.partly_found),
    ("renamed", faults.renamed),
    ("details_differ", faults.details_differ),
    ("cost_fault", delivery.cost_fault),
    ("paused_on_platform", delivery.paused),
    ("ended_on_platform", delivery.ended_on_platform),
    ("starts_later_on_platform", delivery.starts_later_on_platform),
    ("account_stopped", delivery.account_stopped),
    ("never_delivered", delivery.never_delivered),
    ("fell_silent", delivery.fell_silent),
    ("stopped", delivery.stopped),
    ("level_jumped", delivery.level_jumped),
    ("gross_against_net", delivery.gross_against_net),
    ("budget_tenfold", delivery.tenfold),
    ("late_start", delivery.late_start),
    ("daily_budget_changed", delivery.daily_budget_changed),
    ("hit_its_cap", delivery.hit_its_cap),
    ("level_changed", delivery.level_changed),
    ("daily_budget_above_plan", delivery.daily_budget_above_plan),
    ("steadily_off_plan", delivery.steadily_off),
    ("will_not_land", delivery.will_not_land),
    ("flight_ended", delivery.flight_ended),
)


def explain(flights: pd.DataFrame, days: pd.DataFrame, accounts: pd.DataFrame, run: RunContext) -> pd.DataFrame:
    """The flights with root_cause_code and root_cause: a word and one sentence, both null for the healthy.

    Args:
        flights: the cohort after its lanes.
        days: SPEND plus flight_id and bucket.
        accounts: ACCOUNTS.
        run: whether sources answered, and when.
    """
    looked_at = np.flatnonzero(flights["lane"].ne(Lane.HEALTHY.value))
    found = [cause(case) for case in cases(flights, looked_at, days, accounts, run)]
    told = np.full((len(flights), 2), None, dtype=object)
    told[looked_at] = np.array(found, dtype=object).reshape(-1, 2)
    return flights.assign(**{name: pd.Series(told[:, at], index=flights.index, dtype="str") for at, name in enumerate(("root_cause_code", "root_cause"))})


def cause(case: Case) -> tuple[str, str]:
    """The first cause of `ORDER` that the case shows."""
    for code, rule in ORDER:
        if sentence := rule(case):
            return code, sentence
    return UNKNOWN
