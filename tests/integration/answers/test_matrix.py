"""Who may do what, cell by cell: role, scope and amount against every answer; each refusal is said to the person and on the ledger."""

import itertools

import pytest

from flows.answering import Answering
from pacing_brain.permissions import Caller
from pacing_brain.rulings import Click
from tests.integration.answers.conftest import ANA, AT, BEN, DEEP, RESPONDER, STRANGER, TEAM, Desk
from tests.unit.notifiers import world

SCOPED, OWNER, NAMELESS = "U0SCOPED01", "U0BUYERUK", "U0NAMELESS"
OWN_APPROVERS = f"""
[scope."client=own".approvals]
approvers = ["{SCOPED}"]
responders = ["{BEN}"]
two_people_above = {{ GBP = 1000000 }}
"""
PAUSE, KEEP, ON_IT, LATER = "approve_halt", "reject_halt", "acknowledge", "snooze"
ROLES = {"approver": ANA, "nameless approver": NAMELESS, "responder": RESPONDER, "owner": OWNER, "stranger": STRANGER, "client's approver": SCOPED,
         "client's responder": BEN}
AMOUNTS = {"small": 60_000, "large": 200_000, "of a currency that is not listed": 60_000}
ANYBODY_WHO_RESPONDS = {  # by scope
    "general": {"approver", "nameless approver", "responder", "owner", "client's responder"}, "client": {"owner", "client's approver", "client's responder"}}
DECIDES = {"general": {"approver", "nameless approver", "client's responder"}, "client": {"client's approver"}}  # Ben approves in general
CELLS = list(itertools.product(ROLES, ("general", "client"), AMOUNTS, (PAUSE, KEEP, ON_IT, LATER)))


def expected(role: str, scope: str, amount: str, action: str) -> str:
    """The table of docs/answers.md."""
    if action in (ON_IT, LATER):
        return "accepted" if role in ANYBODY_WHO_RESPONDS[scope] else "refused"
    if role not in DECIDES[scope]:
        return "refused"
    two = (amount == "large" and scope == "general") or amount == "of a currency that is not listed"
    if action == KEEP or not two:
        return "accepted"
    return "refused" if role in ("nameless approver", "client's approver") else "counted"  # [people] does not name them


@pytest.mark.deep
def test_every_cell_is_as_the_table_says(desk: Desk) -> None:
    """Role by scope by amount by answer; who is refused hears why, and the ledger says the same."""
    cells = CELLS if DEEP else CELLS[::5]
    policy = desk.house.settings.policy
    policy.write_text(policy.read_text(encoding="utf-8") + OWN_APPROVERS, encoding="utf-8")
    rows = [world.flight(flight_id=f"F{number}", campaign_id=f"{4700 + number}", client="own" if scope == "client" else "Halden", owner=OWNER,
                         budget_micros=AMOUNTS[amount] * world.UNITS, currency="NOK" if "listed" in amount else "GBP")
            for number, (_, scope, amount, _) in enumerate(cells)]
    asked, answering = desk.seal(*rows), Answering(desk.house)
    found = []
    for number, (role, _scope, _amount, action) in enumerate(cells):
        one = asked[f"F{number}"]
        about = (one.recommendation_id, one.version) if action in (PAUSE, KEEP) else (one.incident_id, 1)
        choice = "fixing" if action == ON_IT else None
        given = answering.answer(Click(TEAM, ROLES[role], f"{number}.1", action, *about, choice=choice, until=AT), Caller(TEAM, ROLES[role]))
        found.append(given.verdict)
        refused = [entry for entry in desk.said("click_refused") if entry.subject == about[0]]
        assert [entry.content["why"] for entry in refused] == ([given.said] if given.verdict == "refused" else []), cells[number]
        assert bool(given.said) == (given.verdict != "accepted")
    assert dict(zip(cells, found, strict=True)) == {cell: expected(*cell) for cell in cells}
