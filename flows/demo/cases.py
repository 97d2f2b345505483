"""Whether the sample world's cases came to what their labels ask for: labels against what stands on the record. Pure."""

from collections.abc import Collection, Mapping, Sequence
from dataclasses import asdict, dataclass
from typing import Any

import pandas as pd

from pacing_brain.model import Incident, Problem, Quarantined
from pacing_brain.natives import natives

Row = dict[str, Any]
ASSERTED = ("severity", "lane", "action", "match_kind")


@dataclass(frozen=True)
class Case:
    """A labelled case: what was wanted, what was decided, and what differs (empty: nothing)."""

    case: str
    subject: str
    campaign: str
    wanted: str
    decided: str
    why: str
    differs: tuple[str, ...] = ()

    @property
    def ok(self) -> bool:
        return not self.differs

    def as_json(self) -> Row:
        return asdict(self) | {"ok": self.ok}


def cases(labels: pd.DataFrame, planned: Mapping[str, str], decisions: pd.DataFrame, incidents: Sequence[Incident],
          quarantined: Sequence[Quarantined]) -> list[Case]:
    """Every label, in its order. planned: flight -> campaign name as the tracker has it."""
    decided = {row["flight_id"]: row for row in natives(decisions)}
    open_now = {incident.fingerprint: incident for incident in incidents}
    refused = {row.subject: row for row in quarantined if row.source == "tracker"}
    found = []
    for label in natives(labels):
        flight = label["flight_id"]
        if label["problem"] == Problem.TRACKER.value:
            found.append(_refused_row(label, planned.get(flight, ""), flight in decided, refused.get(flight)))
        elif flight is None:
            found.append(_account(label, open_now))
        else:
            found.append(_flight(label, planned.get(flight, ""), decided.get(flight), open_now))
    return found


def _flight(label: Row, name: str, decision: Row | None, open_now: Mapping[str, Incident]) -> Case:
    wanted = _words(label)
    if decision is None:
        return Case(label["case"], label["flight_id"], name, wanted, "not decided", "", ("it was not decided",))
    why = decision["root_cause"] or next(iter(decision["reasons"] or []), "")
    differs = [f"{what}: {decision[what]} instead of {label[what]}" for what in ASSERTED if label[what] not in (None, decision[what])]
    differs += _incident_differs(label, open_now)
    if label["word"] and label["word"].casefold() not in why.casefold():
        differs.append(f"its cause does not say {label['word']!r}")
    return Case(label["case"], label["flight_id"], name, wanted, _words(decision), why, tuple(differs))


def _incident_differs(label: Row, open_now: Collection[str]) -> list[str]:
    """A labelled problem has an open incident in its scope; what is labelled healthy has none of its own."""
    if label["problem"]:
        wanted = f"{label['scope']}:{label['problem']}"
        return [] if wanted in open_now else [f"no incident {wanted}"]
    return [f"an incident {name}" for name in open_now if name.startswith(f"{label['scope']}:")]


def _account(label: Row, open_now: Mapping[str, Incident]) -> Case:
    """A label on a whole account: its incident is all that is asked for."""
    name = f"{label['scope']}:{label['problem']}"
    incident, kind = open_now.get(name), f"incident:\n{label['problem']}"
    decided, why = (kind, incident.finding.headline) if incident else ("nothing", "")
    return Case(label["case"], label["scope"], "(whole account)", kind, decided, why, () if incident else (f"no incident {name}",))


def _refused_row(label: Row, name: str, decided: bool, refused: Quarantined | None) -> Case:
    differs = (("the row was used",) if decided else ()) + (("the row is not quarantined",) if refused is None else ())
    return Case(label["case"], label["flight_id"], name, "row\nquarantined", "row\nquarantined" if refused else "nothing",
                refused.reason if refused else "", differs)


def _words(row: Row) -> str:
    return "\n".join(str(row[name]) for name in ("lane", "action") if row[name])
