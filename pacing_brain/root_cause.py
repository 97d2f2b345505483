"""Why a flight is not healthy, by rules on what the frames show.

The first rule of `ORDER` that has something to say gives the cause: a fault in the data comes before one of identity, that before one of
delivery, because the later ones cannot be believed while the earlier ones stand. A rule whose columns are not there says nothing.
"""

import numpy as np
import pandas as pd

from pacing_brain import causes_in_data, causes_of_delivery
from pacing_brain.cases import Case, cases
from pacing_brain.causes_in_data import Rule
from pacing_brain.model import Lane, RunContext

UNKNOWN = ("unknown", "No cause can be seen in the data that is at hand.")

ORDER: tuple[tuple[str, Rule], ...] = (
    ("actuals_unavailable", causes_in_data.actuals_unavailable),
    ("feed_stale", causes_in_data.feed_stale),
    ("load_in_the_future", causes_in_data.load_in_the_future),
    ("mixed_currencies", causes_in_data.mixed_currencies),
    ("currency_differs", causes_in_data.currency_differs),
    ("duplicate_rows", causes_in_data.duplicate_rows),
    ("not_a_number", causes_in_data.not_a_number),
    ("history_shrank", causes_in_data.history_shrank),
    ("account_jumped", causes_in_data.account_jumped),
    ("rows_do_not_add_up", causes_in_data.rows_do_not_add_up),
    ("tracker_stale", causes_in_data.tracker_stale),
    ("overlapping_lines", causes_in_data.overlapping_lines),
    ("zone_differs", causes_in_data.zone_differs),
    ("match_lost", causes_in_data.match_lost),
    ("plan_edited", causes_in_data.plan_edited),
    ("look_alike", causes_in_data.look_alike),
    ("missing_id", causes_in_data.missing_id),
    ("not_found", causes_in_data.not_found),
    ("partly_found", causes_in_data.partly_found),
    ("renamed", causes_in_data.renamed),
    ("details_differ", causes_in_data.details_differ),
    ("cost_fault", causes_of_delivery.cost_fault),
    ("paused_on_platform", causes_of_delivery.paused),
    ("ended_on_platform", causes_of_delivery.ended_on_platform),
    ("starts_later_on_platform", causes_of_delivery.starts_later_on_platform),
    ("account_stopped", causes_of_delivery.account_stopped),
    ("never_delivered", causes_of_delivery.never_delivered),
    ("fell_silent", causes_of_delivery.fell_silent),
    ("stopped", causes_of_delivery.stopped),
    ("level_jumped", causes_of_delivery.level_jumped),
    ("gross_against_net", causes_of_delivery.gross_against_net),
    ("budget_tenfold", causes_of_delivery.tenfold),
    ("late_start", causes_of_delivery.late_start),
    ("daily_budget_changed", causes_of_delivery.daily_budget_changed),
    ("hit_its_cap", causes_of_delivery.hit_its_cap),
    ("level_changed", causes_of_delivery.level_changed),
    ("daily_budget_above_plan", causes_of_delivery.daily_budget_above_plan),
    ("steadily_off_plan", causes_of_delivery.steadily_off),
    ("will_not_land", causes_of_delivery.will_not_land),
    ("flight_ended", causes_of_delivery.flight_ended),
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
