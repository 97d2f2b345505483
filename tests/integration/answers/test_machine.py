"""A machine of clicks, renewals, other questions, time, and a policy that changes: what the record says is what a slow obvious reference says."""

import os
from datetime import timedelta
from pathlib import Path
from typing import Any

import hypothesis.strategies as st
import pytest
from hypothesis import HealthCheck, settings
from hypothesis.stateful import RuleBasedStateMachine, initialize, invariant, precondition, rule, run_state_machine_as_test

from flows.reminding import end_late
from tests.integration.answers.conftest import ANA, AT, BEN, DEEP, RESPONDER, STRANGER, Desk, flights
from tests.unit.notifiers import world

HUMANS = {ANA: "ana", "U0ANA00002": "ana", BEN: "ben"}
APPROVERS = {ANA, "U0ANA00002", BEN, "U0NAMELESS"}
WITHOUT_ANA = f"""
[approvals]
approvers = ["{BEN}"]
responders = ["{RESPONDER}"]
two_people_above = {{ GBP = 100000 }}
[people]
ana = ["{ANA}", "U0ANA00002"]
ben = ["{BEN}"]
"""
EXAMPLES, STEPS = (int(os.environ.get("PACING_TEST_SEQUENCES", "20000")), 8) if DEEP else (4, 8)  # a sequence is some 8 transactions and several whole seals
HOUR = timedelta(hours=1)


class Asking(RuleBasedStateMachine):
    """The reference keeps, for the one question that is open: its version, who has approved it, until when it can be answered."""

    desk: Desk
    numbers = iter(range(10**9))
    clock = AT

    @initialize(large=st.booleans())
    def ask(self, large: bool) -> None:
        self.policy = self.desk.house.settings.policy
        self.may = set(APPROVERS)
        self.policy.write_text(self.desk.original, encoding="utf-8")
        self.flight = f"F{next(type(self).numbers)}"
        self.budget = 200_000 if large else 60_000
        self.approved_by: set[str] = set()
        self.approved = False
        self.open = True
        self.clicks: list[Any] = []
        self._seal()

    def _row(self) -> dict[str, Any]:
        return flights(1)[0] | {"flight_id": self.flight, "campaign_id": self.flight, "budget_micros": self.budget * world.UNITS}

    def _seal(self) -> None:
        type(self).clock += 4 * HOUR
        self.now = type(self).clock
        self.asked = self.desk.seal(self._row(), at=self.now).get(self.flight)
        if self.asked:
            self.one, self.version, self.ends, self.sealed = self.asked, self.asked.version, self.now + 12 * HOUR, self.now

    @precondition(lambda self: self.open and not self.approved)
    @rule()
    def renew(self) -> None:
        """The same question again: approvals stay."""
        if self.now < self.ends:
            self._seal()

    @precondition(lambda self: self.open and not self.approved)
    @rule(more=st.integers(1, 3))
    def another_question(self, more: int) -> None:
        """The plan changed: who approved the old question has not approved this one."""
        if self.now < self.ends:
            self.budget += more * 1000
            self.approved_by = set()
            self._seal()

    @rule(hours=st.sampled_from([1, 5, 9]))
    def time_passes(self, hours: int) -> None:
        type(self).clock += hours * HOUR
        self.now = type(self).clock
        self.desk.at(self.now)
        if end_late(self.desk.house):
            self.open = False

    @rule(keeps=st.booleans())
    def the_policy_changes(self, keeps: bool) -> None:
        self.may = set(APPROVERS) if keeps else {BEN}
        self.policy.write_text(self.desk.original if keeps else WITHOUT_ANA, encoding="utf-8")

    @rule(user=st.sampled_from([ANA, "U0ANA00002", BEN, "U0NAMELESS", RESPONDER, STRANGER]), stale=st.booleans())
    def approve(self, user: str, stale: bool) -> None:
        version = self.version - 1 if stale else self.version
        click = self.desk.click("approve_halt", self.one.recommendation_id, version, user)
        self.clicks.append((click, user))
        found = self.desk.answering.answer(click, self.desk.caller(user)).verdict
        assert found == self._expected(user, version)

    def _expected(self, user: str, version: int) -> str:
        """The reference: every reason to refuse, one after the other."""
        late, old = self.now >= self.ends, self.now - self.sealed > 8 * HOUR
        if user not in self.may or not self.open or self.approved or version != self.version or late or old:
            return "refused"
        if self.budget > 100_000:
            if user not in HUMANS or HUMANS[user] in self.approved_by:
                return "refused"
            self.approved_by.add(HUMANS[user])
            if len(self.approved_by) < 2:
                return "counted"
        self.approved = True
        return "accepted"

    @precondition(lambda self: self.clicks)
    @rule(data=st.data())
    def the_same_click_again(self, data: Any) -> None:
        """Gives what it gave, and changes nothing."""
        click, user = data.draw(st.sampled_from(self.clicks))
        before = self.desk.now(self.one)
        self.desk.answering.answer(click, self.desk.caller(user))
        assert self.desk.now(self.one) == before

    @invariant()
    def the_queue_holds_what_was_approved(self) -> None:
        """No pause waits without as many permitted humans as the policy asks, and no approval is lost."""
        if hasattr(self, "one"):
            assert (self.desk.now(self.one).status == "approved") == self.approved


@pytest.mark.timeout(0 if DEEP else 300)
def test_no_pause_without_its_people_and_no_approval_lost(desk: Desk, tmp_path: Path) -> None:
    """Whatever the order of clicks, renewals, other questions, time and policies."""
    del tmp_path
    desk.original = desk.house.settings.policy.read_text(encoding="utf-8")
    machine = type("Machine", (Asking,), {"desk": desk})
    run_state_machine_as_test(machine, settings=settings(max_examples=EXAMPLES, stateful_step_count=STEPS, deadline=None, print_blob=True,
                                                         suppress_health_check=list(HealthCheck)))
