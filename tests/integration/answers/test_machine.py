"""A machine of people, runs, time, policies, the platform and the process that acts, which dies or falls asleep at any seam: what holds in every order."""

import os
from collections import Counter
from collections.abc import Callable
from contextlib import ExitStack
from datetime import datetime, timedelta
from pathlib import Path
from typing import Any

import hypothesis.strategies as st
import pytest
from hypothesis import HealthCheck, settings
from hypothesis.stateful import RuleBasedStateMachine, initialize, invariant, rule, run_state_machine_as_test

from flows.answering import Answering
from flows.apply_approved import carry_out_all
from flows.reminding import end_late
from pacing_brain.errors import LedgerError
from pacing_brain.lifetime import ACTED_UPON, OPEN
from pacing_brain.permissions import Caller
from pacing_brain.rulings import Click
from tests.integration.answers.conftest import ANA, BEN, DEEP, POLICY, RESPONDER, STRANGER, TEAM
from tests.integration.answers.ground import EXPIRES, LARGE, SMALL, Ground, flight, seal
from tests.integration.answers.mortal import Fate, Killed, Process, Reality
from tests.integration.answers.reference import ANA2, HUMANS, HOUR, LEASE, MINUTE, NAMELESS, POLICIES, SKEW, WITHIN, Reference, key_of
from tests.unit.notifiers import world

PEOPLE = st.sampled_from([ANA, ANA, BEN, BEN, ANA2, NAMELESS, RESPONDER, STRANGER])
SEAMS = st.sampled_from(range(25))  # of a whole act there are 23, of a run 12
READS = [(), (), (), (), ("unavailable",), ("refused",), ("", "unavailable"), ("", "stale"), ("", "refused"), ("stale",)]
WRITES = [(), (), (), (), ("refused",), ("not sent",), ("lost before",), ("lost after",), ("lost after",), ("without effect",)]
CHANGES = [*POLICIES, "paused", "serving", "on plan", "away", "stopped"]
EXAMPLES, STEPS = (int(os.environ.get("PACING_TEST_SEQUENCES", "20000")) if DEEP else 25), 8


class Acting(Reference, RuleBasedStateMachine):
    """Everything that happens, in any order."""

    happened: Counter[str]
    clicks = 0

    @initialize(large=st.booleans(), approved_by=st.sampled_from([(), (), (ANA,), (BEN, ANA2), (ANA, BEN)]))
    def ask(self, large: bool, approved_by: tuple[str, ...]) -> None:
        """A run asks; a pause of a large budget needs two people."""
        self.happened["sequences"] += 1
        self.undone = ExitStack()
        self.undone.enter_context(self.ground.sequence())
        self.first = self.budget = LARGE if large else SMALL
        self.flight, self.sealed_at = f"F{self.first}", self.ground.now
        self.incident = self.ground.asked[self.budget]
        self.rows = {}
        self.taken = []
        self.approved_at: dict[str, datetime] = {}
        self.stopped = False
        self.person_at: datetime | None = None
        self.reality = Reality(lambda: self.ground.now, self._may_be_paused, self.flight, self.flight)
        self._policy(POLICY)
        self._look()
        for user in approved_by:
            self._approve(user)

    # what runs do

    @rule(what=st.sampled_from(["the same", "the same", "something else", "nothing"]), later=st.sampled_from([4 * HOUR, 4 * HOUR, 9 * HOUR]),
          seam=SEAMS, meanwhile=st.sampled_from(["dies", "somebody answers"]), user=PEOPLE)
    def another_run_asks(self, what: str, later: timedelta, seam: int, meanwhile: str, user: str) -> None:
        """The same: approvals stay; something else (the plan changed): who approved the old question has not approved this one."""
        self.ground.later(later)
        if what == "something else":
            self.budget += 1000
        self._seal(seam, None if meanwhile == "dies" else lambda: self._answered_meanwhile(user), asks=what != "nothing")

    def _answered_meanwhile(self, user: str) -> None:
        """On the card as it is at that moment: before the seal or after it."""
        self.happened["answers while a run records"] += 1
        self.sealed_at = self.ground.newest_run()
        self._look(ran=True)
        self._approve(user)

    def _seal(self, seam: int = 0, meanwhile: Callable[[], None] | None = None, *, asks: bool = True) -> None:
        rows, known = [flight(self.first, budget_micros=self.budget * world.UNITS)], {"": self.incident}
        at, before, answers = self.ground.now, self.rows, len(self.taken)
        try:
            (self.incident,) = seal(self._process(seam, meanwhile), rows, known, at, asks=asks).values()
        except Killed:
            self.happened["runs killed"] += 1
            (self.incident,) = seal(self._process(), rows, known, at, asks=asks).values()
        before = before if len(self.taken) == answers else self.rows
        self.sealed_at = at
        self._look(ran=True)
        for key, old in before.items():
            new = self.rows[key]
            if old.status not in OPEN:
                assert new.status == old.status  # a run takes no approval away
            elif asks and len(self.taken) == answers:
                assert new.status in OPEN
                assert new.expires_at == at + EXPIRES
                assert (new.version > old.version) == (new.facts["budget_micros"] != old.facts["budget_micros"])
            elif len(self.taken) == answers:
                assert new.status == "withdrawn"

    # what people do

    @rule(user=PEOPLE, stale=st.sampled_from([0, 0, 0, 1]), dies=st.sampled_from([0, 0, 0, 1, 2]), hours=st.sampled_from([0, 0, 0, 7]))
    def approve(self, user: str, stale: int, dies: int, hours: int) -> None:
        """At once, or when the time to answer is over while the run is still young enough."""
        self.ground.later(hours * HOUR)
        self._approve(user, stale, dies)

    @rule(user=PEOPLE, action=st.sampled_from(["reject_halt", "acknowledge", "snooze"]))
    def answer_otherwise(self, user: str, action: str) -> None:
        """Keep it running, it's expected, remind me later."""
        one, incident = self._newest(), self.incident
        if action == "reject_halt":
            about, may = (one.recommendation_id, one.version), self._can_be_decided(one, user, one.version)
        else:
            about, may = (incident.incident_id, incident.version), user in self._approvers() | {RESPONDER}
        told = self._click(action, *about, user, choice="expected" if action == "acknowledge" else None)
        assert told == ("accepted" if may else "refused")
        self._look(one if may and one.open else None, {"reject_halt": "rejected", "acknowledge": "acknowledged", "snooze": "snoozed"}[action])

    @rule(data=st.data())
    def the_same_click_again(self, data: Any) -> None:
        """Gives what it gave, and changes nothing."""
        if self.taken:
            click, told = data.draw(st.sampled_from(self.taken))
            assert Answering(self._process()).answer(click, Caller(TEAM, click.user_id)).verdict == told
            self._look()

    def _approve(self, user: str, stale: int = 0, dies: int = 0) -> None:
        one = self._newest()
        version = one.version - stale
        expected, key = self._expected(one, user, version), key_of(one)
        assert self._click("approve_halt", one.recommendation_id, version, user, dies) == expected
        if expected == "accepted":
            self.approved_at[key] = self.ground.now
        self._look(one if expected == "accepted" else None, "approved")

    def _click(self, action: str, subject: str, version: int, user: str, dies: int = 0, **more: Any) -> str:
        """Press a button; who is not answered, because the process died, presses it again."""
        type(self).clicks += 1
        click = Click(TEAM, user, f"{self.clicks}.1", action, subject, version, **more)
        try:
            told = Answering(self._process(dies)).answer(click, Caller(TEAM, user)).verdict
        except Killed:
            self.happened["clicks killed"] += 1
            told = Answering(self._process()).answer(click, Caller(TEAM, user)).verdict
        self.taken.append((click, told))
        self.happened[f"clicks {told}"] += 1
        return told

    # what else happens

    @rule(minutes=st.sampled_from([2, 6, 31, 61, 301, 541]), upkeep=st.booleans())
    def time_passes(self, minutes: int, upkeep: bool) -> None:
        """Whether upkeep runs or not: who answers too late is late."""
        self.ground.later(minutes * MINUTE)
        if upkeep:
            late = [one for one in self.rows.values() if one.open and self.ground.now >= one.expires_at]
            end_late(self._process())
            self._look(late[0] if late else None, "expired")

    @rule(what=st.sampled_from([*CHANGES, "over", "allowed"]))
    def something_changes(self, what: Any) -> None:
        """The policy in force, the campaign (a person does that), what is spent, the switch that stops every pause."""
        if what in POLICIES:
            self._policy(what)
        elif what in ("paused", "serving"):
            self.reality.person(what)
            self.person_at = self.ground.now
        elif what in ("stopped", "allowed"):
            self._switch(stopped=what == "stopped")
        else:
            self.reality.spends = what

    def _policy(self, policy: str) -> None:
        self.policy = policy
        self.ground.policy.write_text(policy, encoding="utf-8")

    def _switch(self, *, stopped: bool) -> None:
        if stopped != self.stopped:
            self._process().halts.set(stopped=stopped, who="os:ann", reason="a bad feed", by={})
        self.stopped = stopped

    # what acts

    @rule(first=st.sampled_from(["", "", "", "", *CHANGES]), reads=st.sampled_from(READS), writes=st.sampled_from(WRITES), seam=SEAMS,
          meanwhile=st.sampled_from(["dies", "sleeps", "is overtaken"]), minutes=st.sampled_from([1, 6, 61, 800]),
          then=st.sampled_from(["", "", "again", "a person resumes it"]))
    def apply(self, first: str, reads: Any, writes: Any, seam: int, meanwhile: str, minutes: int, then: str) -> None:
        """Every approval that waits is carried out, as far as it goes: the process dies, or sleeps while another one works or nobody does.

        Between "attempting" and the platform's answer it sleeps no longer than a call may take: no record can hold back what is on its way.
        """
        if first:
            self.something_changes(first)
        self.reality.reads, self.reality.writes, self.reality.answered = list(reads), list(writes), False
        began = self.ground.now

        def asleep() -> None:
            self.happened[f"acting, {meanwhile}"] += 1
            on_its_way = not self.reality.answered and any((self.ground.attempted_at(one) or began) > began for one in self.rows.values())
            self.ground.later(MINUTE if on_its_way else minutes * MINUTE)
            if meanwhile == "is overtaken":
                self._carry_out(self._process())

        self._carry_out(self._process(seam, None if meanwhile == "dies" else asleep))
        self.reality.reads, self.reality.writes = [], []
        self._look(acting=True)
        if then:
            self._once_more(resumed=then != "again")

    def _once_more(self, *, resumed: bool) -> None:
        """When the lease is over; a person may have resumed it at once."""
        if resumed:
            self.something_changes("serving")
        self.ground.later(6 * MINUTE)
        self._carry_out(self._process())
        self._look(acting=True)

    def _carry_out(self, process: Process) -> None:
        try:
            for applied in carry_out_all(process):
                self.happened[f"ends {applied.outcome}"] += 1
        except Killed:
            self.happened["acting, dies"] += 1
        except LedgerError:
            self.happened["acting, was overtaken"] += 1

    def _may_be_paused(self) -> str:
        """No pause without the live approval of as many distinct permitted humans as the policy asks: called before it takes effect."""
        (one,) = [row for row in self.ground.of_flight(self.flight) if row.status == "attempting"]
        attempted, key = self.ground.attempted_at(one), key_of(one)
        assert attempted is not None
        permitted = [user for user in self._approved_by(one) if user in self._approvers()]
        people = {HUMANS.get(user, user) for user in permitted if self._needed(one) == 1 or user in HUMANS}
        assert len(people) >= self._needed(one)
        assert attempted - self.approved_at[key] <= WITHIN + LEASE
        assert attempted < one.expires_at + LEASE
        assert not self.stopped
        assert self.reality.spends == "over"
        assert self.person_at is None or self.person_at <= one.renewed_at + SKEW  # what a person did since, stands
        self.happened["asked to pause"] += 1
        return key

    def _process(self, seam: int = 0, asleep: Callable[[], None] | None = None) -> Process:
        return self.ground.process(self.reality, Fate(seam, asleep))

    # what must hold

    @invariant()
    def one_approval_changes_the_status_once_at_most(self) -> None:
        if hasattr(self, "reality"):
            assert set(self.reality.ours.values()) <= {1}

    def teardown(self) -> None:
        """Whatever was found, the sequence is undone."""
        if hasattr(self, "undone"):
            with self.undone:
                self._is_brought_to_its_end()

    def _is_brought_to_its_end(self) -> None:
        """No approval is lost: once everything answers again, each that was given has its end, and the record says all of it."""
        for _ in range(3):
            if not any(one.status in ACTED_UPON for one in self.rows.values()):
                break
            self.ground.later(6 * MINUTE)
            self._carry_out(self._process())
            self._look(acting=True)
        self.one_approval_changes_the_status_once_at_most()
        self.happened["pauses"] += self.reality.ours.total()
        for one in self.rows.values():
            assert one.status not in ACTED_UPON
            self._is_on_the_record(one)
        assert self.ground.verified() == []

@pytest.mark.timeout(0 if DEEP else 300)
def test_no_pause_without_its_people_and_no_approval_lost(postgres: Any, template_database: str, short_tmp: Path) -> None:
    """Whatever the order of clicks, runs, time, policies, the platform's faults, deaths and sleeps, and what people do on the platform.

    PACING_TEST_SEQUENCES of them; with `--hypothesis-seed` others.
    """
    ground, happened = Ground(postgres, template_database, short_tmp), Counter[str]()
    machine = type("Machine", (Acting,), {"ground": ground, "happened": happened})
    try:
        run_state_machine_as_test(machine, settings=settings(max_examples=EXAMPLES, stateful_step_count=STEPS, deadline=None, print_blob=True,
                                                             suppress_health_check=list(HealthCheck)))
    finally:
        print(dict(sorted(happened.items())))
        ground.stack.close()
