"""Who may answer what: the table of docs/answers.md. Pure.

A person is a human. Their ids (Slack users, `os:` logins) stand in the policy's `[people]`; an id that stands nowhere is a person of its own,
who is not counted where two people are needed. What is not known about somebody, is refused.
"""

from collections.abc import Collection, Mapping
from dataclasses import dataclass, field
from enum import IntEnum

from pacing_brain.policy import Policy
from pacing_brain.policy_tables import Approvals

GROUP = "group:"
MICROS = 1_000_000


class Role(IntEnum):
    """What somebody is for a flight; a higher one may all that a lower may."""

    NOBODY = 0
    RESPONDER = 1
    APPROVER = 2


@dataclass(frozen=True)
class Caller:
    """Somebody who answers. user_id: a Slack user, or `os:<login>`.

    refused: why they may not even be listened to (a bot, a guest, another workspace, not known); members: user group -> its users, None where
    Slack did not say. zone: where they are, for "tomorrow".
    """

    team: str
    user_id: str
    refused: str | None = None
    members: Mapping[str, Collection[str] | None] = field(default_factory=dict)
    zone: str | None = None


def person_of(policy: Policy, user_id: str) -> str | None:
    """The name of the human behind an id; none: the policy names nobody with it."""
    return next((name for name, ids in policy.people.items() if user_id in ids), None)


def ids_of(policy: Policy, user_id: str) -> frozenset[str]:
    """Every id of the human behind this one."""
    name = person_of(policy, user_id)
    return frozenset({user_id, *policy.people.get(name, ())}) if name else frozenset({user_id})


def role(policy: Policy, approvals: Approvals, caller: Caller, owner: str | None) -> Role:
    """What the caller is for a flight: approver, responder (its owner is one), or nobody."""
    ids = ids_of(policy, caller.user_id)
    if _named(approvals.approvers, ids, caller):
        return Role.APPROVER
    return Role.RESPONDER if _named(approvals.responders, ids, caller) or _owns(owner, ids, person_of(policy, caller.user_id)) else Role.NOBODY


def may_say(policy: Policy, approvals: Approvals, caller: Caller, owner: str | None) -> bool:
    """Whether the caller may silence, or report what was missed: responders, owners, approvers; anyone while the policy names nobody.

    Neither touches a campaign, and a new installation has named nobody yet.
    """
    return not (approvals.approvers or approvals.responders) or role(policy, approvals, caller, owner) >= Role.RESPONDER


def unsaid_groups(approvals: Approvals, caller: Caller) -> bool:
    """Whether Slack did not say who is in a group that could have made a difference."""
    return any(caller.members.get(name.removeprefix(GROUP), ()) is None for name in (*approvals.approvers, *approvals.responders) if name.startswith(GROUP))


def groups(policy: Policy) -> frozenset[str]:
    """Every user group that any scope of the policy names."""
    everywhere = [policy.approvals, *(policy.approvals_in(tables) for tables in policy.scope.values())]
    return frozenset(name.removeprefix(GROUP) for one in everywhere for name in (*one.approvers, *one.responders) if name.startswith(GROUP))


def people_needed(approvals: Approvals, currency: str, budget_micros: int) -> int:
    """How many people must approve the pause of a flight with this budget. A currency that is not listed takes the strictest rule: two."""
    if not approvals.two_people_above:
        return 1
    above = approvals.two_people_above.get(currency)
    return 2 if above is None or budget_micros > round(above * MICROS) else 1


def _named(names: Collection[str], ids: Collection[str], caller: Caller) -> bool:
    return any(name in ids if not name.startswith(GROUP) else not set(ids).isdisjoint(caller.members.get(name.removeprefix(GROUP)) or ())
               for name in names)


def _owns(owner: str | None, ids: Collection[str], name: str | None) -> bool:
    """The tracker names an owner by an id, or by the name that `[people]` gives them."""
    wanted = (owner or "").strip().removeprefix("@").casefold()
    return bool(wanted) and wanted in {each.casefold() for each in (*ids, *([name] if name else []))}
