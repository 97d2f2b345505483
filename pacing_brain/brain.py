"""`PacingBrain`: inputs in, decisions out.

match (who is who) -> context (account rows) -> the graph over the cohort -> conclude (what needs everyone)
"""

from collections.abc import Iterator
from dataclasses import dataclass, field, replace
from typing import Any, Self

import pandas as pd

from pacing_brain import confidence, context, drill_down, graph, match, remembered, single
from pacing_brain.conclude import conclude, failed
from pacing_brain.model import Inputs, Outcome
from pacing_brain.nodes import Cohort
from pacing_brain.policy import Policy
from pacing_brain.roster import roster
from pacing_brain.single import PacingAlert, ReconciledSpend, SpendRecord


@dataclass(frozen=True)
class PacingBrain:
    """Decides cohorts of campaigns. Holds the compiled graph and nothing else; one instance serves any number of runs."""

    graph: Any = field(default_factory=graph.compiled)
    told: bool = True  # False: nobody is told, so no remedies, no reallocation and no findings are worked out

    @classmethod
    def silent(cls) -> Self:
        """For histories: the same decisions, memory and causes, without what is only for telling people."""
        return cls(graph.silent(), told=False)

    def decide(self, inputs: Inputs) -> Outcome:
        """The decisions on every flight of the plan, and what was found beside them.

        A flight on which a node raises is isolated by splitting the cohort, escalated with its error, and listed in
        `Outcome.dead_letters`; the others are decided as if it were not there.

        `Outcome.questions` are what would tell more about causes; with `Inputs.breakdowns`, their answers, the causes are complete.
        """
        outcome = self._concluded(inputs, self.cohort(inputs))
        if not self.told:
            return outcome
        asked = replace(outcome, questions=drill_down.questions(outcome.decisions))
        return asked if inputs.breakdowns.empty else drill_down.complete(asked, inputs.breakdowns)

    def _concluded(self, inputs: Inputs, cohort: Cohort) -> Outcome:
        decided = list(self._decide_or_split(cohort)) if len(cohort["flights"]) else []
        return conclude(inputs, decided, cohort["flights"], cohort["days"], cohort["accounts"], told=self.told)

    def cohort(self, inputs: Inputs, *, with_closed: bool = False) -> Cohort:
        """What enters the graph: who is who, and the context rows, both computed over everything. Flights that were closed long ago stay out."""
        known = roster(inputs.spend, inputs.campaigns)
        flights, days = match.match(inputs, known)
        if not with_closed:
            open_ = flights["end_date"].to_numpy() >= context.not_final_from(inputs.run.as_of, inputs.policy)
            flights = flights if open_.all() else flights[open_].reset_index(drop=True)
        accounts, days, flights = context.with_silence(context.accounts(inputs, known), flights, days, inputs)
        flights, accounts = remembered.recall(flights, days, accounts, inputs)
        return {"flights": flights, "days": days, "accounts": accounts, "memory": inputs.memory,
                "facts": confidence.source_facts(inputs), "run": inputs.run, "policy": inputs.policy, "parts": []}

    def judge(self, record: SpendRecord, policy: Policy | None = None) -> PacingAlert:
        """One campaign, through the same graph."""
        return single.alert(self._only(record, policy or Policy()), record)

    def reconcile(self, record: SpendRecord, policy: Policy | None = None) -> ReconciledSpend:
        """One campaign's plan and spend held against each other, with the three scores."""
        return single.reconciled(self._only(record, policy or Policy()))

    def _only(self, record: SpendRecord, policy: Policy) -> dict[str, object]:
        """The decision on one campaign, however long ago it ended: whoever asks about one gets an answer."""
        inputs = record.inputs(policy)
        return single.first(self._concluded(inputs, self.cohort(inputs, with_closed=True)).decisions)

    def _decide_or_split(self, cohort: Cohort) -> Iterator[pd.DataFrame]:
        """The decided cohort, or both of its halves, down to the one flight on which a node raises."""
        flights = cohort["flights"]
        try:
            yield graph.decide(self.graph, cohort)["flights"]
        except Exception as error:  # noqa: BLE001  the one place: whatever a node raises concerns one campaign, not the run
            if len(flights) == 1:
                yield failed(flights, error)
                return
            middle = len(flights) // 2
            for half in (flights.iloc[:middle], flights.iloc[middle:]):
                yield from self._decide_or_split(self.part(cohort, half))

    @staticmethod
    def part(cohort: Cohort, flights: pd.DataFrame) -> Cohort:
        """Some flights of a cohort with the rows of their campaigns and the same context rows."""
        days = cohort["days"]
        own = days["flight_id"].isin(flights["flight_id"])
        theirs = days["campaign_key"].isin(days.loc[own, "campaign_key"]) | days["campaign_key"].isin(flights["campaign_key"].dropna())
        return {**cohort, "flights": flights.reset_index(drop=True), "days": days[own | theirs], "parts": []}
