"""What people did about problems and what became of them: the cases that outcome patterns are learned from."""

from datetime import datetime, timedelta

import pandas as pd
from sqlalchemy import Connection, select

from audit import patterns
from audit.tables import answers, incidents, recommendations
from pacing_brain import learning, lifetime
from pacing_brain.frames import INSTANT

LOOK_BACK = timedelta(days=365)
DONE = (*lifetime.STOPPED, *lifetime.TAKEN_BACK, "resumed")  # a pause that was really made
COLUMNS = ["seq", "incident_id", "cause", "remedy", "at", "over_at"]


def cases(connection: Connection, as_of: datetime) -> pd.DataFrame:
    """seq, incident_id, cause, remedy, at, over_at: every answer of a year that did something about a problem, in order.

    An answer without a remedy of its own (it is expected, a wrong alarm, later) is none; a pause that was called off is none either.
    """
    said = select(answers, incidents.c.state, incidents.c.changed_at, recommendations.c.status).join(
        incidents, incidents.c.incident_id == answers.c.incident_id).outerjoin(
        recommendations, recommendations.c.recommendation_id == answers.c.subject).where(
        answers.c.verdict == "accepted", answers.c.at > as_of - LOOK_BACK, answers.c.at <= as_of,
        answers.c.answer.in_(("approve_halt", "reject_halt", "acknowledge"))).order_by(answers.c.position)
    rows = []
    for one in connection.execute(said):
        choice = one.facts.get("choice")
        remedy = {"reject_halt": "kept_running", "approve_halt": "paused" if one.status in DONE else None}.get(
            one.answer, choice if choice in learning.REMEDIES else None)
        if remedy and one.facts.get("cause"):
            rows.append([one.seq, one.incident_id, one.facts["cause"], remedy, one.at, one.changed_at if one.state == "resolved" else None])
    return pd.DataFrame(rows, columns=COLUMNS).astype({"at": INSTANT, "over_at": INSTANT})


def learn(connection: Connection, run_id: str, known: pd.DataFrame, as_of: datetime) -> int:
    """Learn what the answers of a year say now, in place of what they said before; how many patterns are new."""
    new, evidence = learning.outcomes(cases(connection, as_of), known, pd.Timestamp(as_of))
    for _, row in new.groupby("pattern_id", sort=True):
        (one,) = row.to_dict("records")
        patterns.give_way(connection, "outcome", str(one["scope"]), str(one["value"]), str(one["pattern_id"]), as_of, run_id)
        patterns.learn(connection, run_id, row.reset_index(drop=True), as_of, evidence=evidence[str(one["pattern_id"])])
    return len(new)
