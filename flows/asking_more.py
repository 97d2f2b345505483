"""The second gather: what a run asks the warehouse after it has decided. Best effort: without answers the cause stays as it was found."""

import pandas as pd

from audit.runs import RunHandle
from connectors.breakdowns import read_breakdowns
from flows import logs
from flows.wiring import House
from pacing_brain import drill_down
from pacing_brain.errors import PacingError
from pacing_brain.frames import BREAKDOWNS
from pacing_brain.model import Outcome

QUESTIONS, ANSWERS = "questions", "breakdowns"


def ask(house: House, run: RunHandle, outcome: Outcome) -> Outcome:
    """The outcome with its causes completed. Questions and answers are on the record before anything is said of them; a run of which a shard is on the record asks nothing any more.

    A warehouse without breakdown tables is asked nothing but which tables it has.
    """
    if run.shards or outcome.questions.empty or ANSWERS in house.frames.kept(run.run_id):
        return outcome
    answers = _answers(house, run, outcome.questions)
    if answers.empty:
        return outcome
    house.frames.keep_all(run.run_id, {QUESTIONS: outcome.questions, ANSWERS: answers}, by_week_of={})
    logs.info("breakdowns_read", questions=len(outcome.questions), rows=len(answers))
    return drill_down.complete(outcome, answers)


def _answers(house: House, run: RunHandle, questions: pd.DataFrame) -> pd.DataFrame:
    try:
        return read_breakdowns(house.snowflake, run.run_id, questions)
    except PacingError as error:
        logs.warn(f"the breakdowns of run {run.run_id} could not be read, and its causes stay without them: {error}")
        return BREAKDOWNS.empty()
