"""What `pacing halts stop / allow / release` do: the switch that stops every pause, and the breaker's release."""

import hashlib
from datetime import timedelta
from typing import Any

import pandas as pd

from audit import clock, patterns
from audit.identity import Identity, claimed
from flows import views
from flows.commands.record import open_record
from flows.settings import Settings
from flows.wiring import House
from pacing_brain.breaker import KINDS
from pacing_brain.errors import Refused, UsageError
from pacing_brain.frames import PATTERNS
from pacing_brain.permissions import Caller, Role, role

MOST_HOURS = 168


def stop(*, who: str, reason: str, as_json: bool) -> int:
    """No pause is attempted from now on, whoever approved it. Anyone at this machine may: stopping harms nobody."""
    return _switch(who, reason, stopped=True, as_json=as_json)


def allow(*, who: str, reason: str, as_json: bool) -> int:
    """Approved pauses are carried out again. Approvers may."""
    return _switch(who, reason, stopped=False, as_json=as_json)


def _switch(who: str, reason: str, *, stopped: bool, as_json: bool) -> int:
    with open_record(Settings.read()) as house:
        me = permitted(house, who, reason, Role.NOBODY if stopped else Role.APPROVER)
        seq = house.halts.set(stopped=stopped, who=me.person, reason=reason, by=me.body)
    said = "Pauses are stopped: nothing is paused until they are allowed again." if stopped else "Pauses are allowed again."
    views.emit({"stopped": stopped, "seq": seq}) if as_json else views.show(views.say(f"{said} Ledger entry {seq}."))
    return 0


def release(scope: str, *, kind: str, hours: int, who: str, reason: str, as_json: bool) -> int:
    """The breaker holds pauses of a scope; an approver says that they really are off plan."""
    if kind not in KINDS or not 1 <= hours <= MOST_HOURS:
        raise UsageError(f"--kind is one of {', '.join(KINDS)}, --hours a number up to {MOST_HOURS}")
    with open_record(Settings.read()) as house:
        me = permitted(house, who, reason, Role.APPROVER)
        if not any(one.finding.scope == scope and one.finding.problem == "surge" for one in house.incidents.open()):
            raise UsageError(f"no pauses of {scope} are held. `pacing status` names the scopes whose pauses are.")
        with house.database.transaction() as connection:
            now = clock.now(connection)
            pattern_id = "P-" + hashlib.sha256(f"release{scope}{kind}{now.isoformat()}".encode()).hexdigest()[:10]
            row: dict[str, Any] = {"pattern_id": pattern_id, "kind": "release", "scope": f"{scope}:{kind}", "value": reason, "support": 1, "confidence": 1.0,
                                   "expires_at": pd.Timestamp(now + timedelta(hours=hours))}
            patterns.learn(connection, None, PATTERNS.check(pd.DataFrame([row])), now, by=me.body)
    said = f"The next run asks for the pauses of {scope} again, for {hours} h ({pattern_id})."
    views.emit({"pattern_id": pattern_id}) if as_json else views.show(views.say(said))
    return 0


def permitted(house: House, who: str, reason: str, needed: Role) -> Identity:
    """The person at this terminal, who counts for the operating system's user; `--as` is a claim beside it.

    Raises:
        Refused: the policy does not name them.
        UsageError: no reason was given.
    """
    if not reason.strip():
        raise UsageError("say why: --reason TEXT")
    with house.database.transaction() as connection:
        me = claimed(connection, who)
    if role(house.policy, house.policy.approvals, Caller("", me.person), None) < needed:
        raise Refused(f"{me.person} may not do this: the policy's [approvals] approvers do not name them, nor [people] with another id of theirs.")
    return me
