"""The policy as approver: by the steps of a person's approval, and only where everything that could forbid it was asked at this moment."""

from typing import Any

from sqlalchemy import Connection

from audit import answers, approvals, outbox, standing
from audit.approvals import Held
from audit.recommendations import Recommendation
from flows.card_context import edited_card
from flows.wiring import House
from pacing_brain import lifetime
from pacing_brain.model import Action
from pacing_brain.permissions import Role, people_needed
from pacing_brain.policy import Policy
from pacing_brain.rulings import Answerer, Click, Ruling

VIA = "policy"


def name_of(policy: Policy) -> str:
    """As whom a policy approves: this text of it, and no other."""
    return f"policy:{policy.digest[:16]}"


def allowed(house: House, policy: Policy) -> bool:
    """Whether this process may act by itself: the policy in force says so, and so does the process's own environment."""
    return policy.mode == "autonomous" and house.settings.allow_autonomous is not None


def approve(house: House, policy: Policy) -> int:
    """Approve what the newest run says the policy may pause by itself; how many. Nothing without both switches, or while pauses are stopped."""
    if not allowed(house, policy) or house.halts.stopped() is not None:
        return 0
    asked = [one for one in house.recommendations.pending() if one.basis.get("action") == Action.AUTONOMOUS_HALT.value]
    return sum(_approve(house, policy, one) for one in asked)


def _approve(house: House, policy: Policy, one: Recommendation) -> bool:
    click = Click("", name_of(policy), f"{one.recommendation_id}:{one.version}", "approve_halt", one.recommendation_id, one.version, VIA,
                  reason="mode = autonomous", claim=policy.autonomous.owner)
    with house.database.transaction() as connection:
        held = approvals.hold(connection, click)
        if not _may(connection, house, policy, held, click) or held.incident is None:
            return False
        given = approvals.take(connection, held, click, Answerer(Role.APPROVER, name_of(policy), named=True), Ruling("accepted"))
        outbox.put(connection, edited_card(connection, house, policy, held.incident, f"answer:{given.seq}"))
        return True


def _may(connection: Connection, house: House, policy: Policy, held: Held, click: Click) -> bool:
    """Pending, as the newest run under this very policy asks it; one approval is enough; nobody has said anything about it; the run's cap is not reached."""
    one, incident = held.recommendation, held.incident
    if one is None or incident is None or one.status != "pending" or one.version != click.version or held.now >= one.expires_at:
        return False
    run = house.runs.get(one.run_id)
    flight: Any = incident.finding.facts.get("flight") or {}
    needed = people_needed(policy.approvals_for(flight), str(one.facts.get("currency")), int(one.facts.get("budget_micros") or 0))
    return (lifetime.still_asks(one.run_id, held.newest_run, held.newest_as_of, held.now, policy.schedule_hours)
            and run is not None and run.policy_digest == policy.digest and incident.state == "open" and needed == 1 and house.can_pause(one.platform)
            and incident.fingerprint not in standing.holding(connection)
            and not answers.earlier(connection, click.team, click.user_id, click.event)
            and answers.by_policy(connection, one.run_id) < policy.autonomous.max_halts_per_run)
