"""Whether those who approved a pause may still decide, by the policy in force at the moment in which it is carried out."""

from typing import Any

from audit.acts import Leased
from audit.answers import Given
from flows import autonomy
from flows.wiring import House
from pacing_brain.permissions import GROUP, ids_of, people_needed, person_of
from pacing_brain.policy import Policy
from pacing_brain.policy_tables import Approvals


def still_permitted(house: House, leased: Leased, policy: Policy, action: str = "approve_halt") -> str | None:
    """Why the approval of a pause, or of taking it back (`undo`, of the version before), does not hold any more; none: it does."""
    one = leased.recommendation
    if policy.mode == "observe":
        return "The policy in force only observes: nothing is changed."
    incident = house.incidents.get(one.incident_id)
    flight: Any = incident.finding.facts.get("flight") if incident else None
    approvals = policy.approvals_for(flight if isinstance(flight, dict) else {"platform": one.platform, "account_id": one.account_id})
    needed = people_needed(approvals, str(one.facts.get("currency")), int(one.facts.get("budget_micros") or 0))
    if action == "approve_halt" and (why := _policy_may_not(house, one.recommendation_id, one.version, policy, needed)) is not None:
        return why or None
    given = house.answers.approvers(one.recommendation_id, one.version - 1 if action == "undo" else one.version, action)
    valid = {person_of(policy, answer.user_id) or answer.user_id for answer in given if _may(answer, approvals, policy)}
    named = {person for person in valid if person in policy.people}
    if len(named if needed > 1 else valid) >= needed:
        return None
    return "By the policy in force those who approved it may not decide this any more." if given else "Nobody's approval of what is asked now is on the record."


def _policy_may_not(house: House, recommendation_id: str, version: int, policy: Policy, needed: int) -> str | None:
    """Of a pause that the policy approved itself: why that does not hold any more, empty where it does. None: people approved it."""
    own = [answer for answer in house.answers.approvers(recommendation_id, version) if answer.via == autonomy.VIA]
    if not own:
        return None
    if not autonomy.allowed(house, policy) or own[-1].user_id != autonomy.name_of(policy) or needed > 1:
        return "The policy that approved this by itself is not the one in force, or this process may not act by itself (PACING_ALLOW_AUTONOMOUS)."
    return ""


def _may(answer: Given, approvals: Approvals, policy: Policy) -> bool:
    """A member of a group was asked for at the click, an hour ago at most; here the policy must still name a group."""
    return not ids_of(policy, answer.user_id).isdisjoint(approvals.approvers) or any(name.startswith(GROUP) for name in approvals.approvers)
