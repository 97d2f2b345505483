"""What people answered in a recorded history, as the tolerances that it taught: the rules of a live run, without its record."""

from typing import Any

import pandas as pd

from pacing_brain import frames
from pacing_brain.answers import WITHIN_LIMITS, Answer, Extent, bounds, until
from pacing_brain.findings import at_stake
from pacing_brain.learning import tolerance
from pacing_brain.model import Lane
from pacing_brain.natives import natives

TEACH = {answer.value: answer for answer in (*WITHIN_LIMITS, Answer.KEEP_RUNNING)}  # any other answer changes messages only


class Answered:
    """Answers as they come in between windows. table: `History.answers`.

    An answer is about the problem that its flight had in the window before it; a flight without one has nothing to be answered.
    """

    def __init__(self, table: pd.DataFrame) -> None:
        self._table = table[table["answer"].isin(TEACH)]
        self._read = 0
        self._bad: dict[str, dict[str, Any]] = {}

    def learn(self, patterns: pd.DataFrame, as_of: pd.Timestamp) -> pd.DataFrame:
        """The patterns with what was answered by `as_of`; what was said before about the same problem gives way."""
        upto = int(self._table["at"].le(as_of).sum()) if len(self._table) else 0
        came, self._read = self._table.iloc[self._read:upto], upto
        for answered in came.to_dict("records"):
            if (row := self._bad.get(str(answered["flight_id"]))) is not None:
                new = _tolerance({str(name): value for name, value in answered.items()}, row)
                patterns = frames.PATTERNS.check(pd.concat([patterns[patterns["scope"].ne(new["scope"])], pd.DataFrame([new])], ignore_index=True))
        return patterns

    def keep(self, decisions: pd.DataFrame, patterns: pd.DataFrame) -> pd.DataFrame:
        """Note the problems that may be answered next. Returns the patterns without the tolerances that a problem has outgrown."""
        if self._table.empty:
            return patterns
        bad = decisions[decisions["lane"].ne(Lane.HEALTHY.value) & decisions["incident_scope"].eq("campaign") & decisions["flight_id"].isin(self._table["flight_id"])]
        self._bad = {row["flight_id"]: row for row in natives(bad)}
        outgrown = [_fingerprint(row) for row in self._bad.values() if not any(one["kind"] == "tolerance" for one in row["patterns"] or [])]
        return patterns[~(patterns["kind"].eq("tolerance") & patterns["scope"].isin(outgrown))]


def _tolerance(answered: dict[str, Any], row: dict[str, Any]) -> dict[str, object]:
    answer, at, wanted = TEACH[answered["answer"]], answered["at"], answered["until"]
    extent = Extent(row["severity"], row["lane"], row["direction"], at_stake(row), zero=row["problem"] == "zero")
    ends = until(answer, at, None if pd.isna(wanted) else wanted, pd.Timestamp(row["day_end"]))
    return tolerance(_fingerprint(row), f"{at.isoformat()}", answer, bounds(answer, extent), pd.Timestamp(ends), row["currency"])


def _fingerprint(row: dict[str, Any]) -> str:
    return f"campaign:{row['flight_id']}:{row['problem']}"
