"""What `pacing missed` does: a problem that the monitor did not raise, on the record."""

from typing import Any

from audit import clock, ledger
from audit.identity import claimed
from flows import explaining, views
from flows.commands.run import read_as_of
from flows.commands.record import open_record
from flows.settings import Settings
from flows.wiring import House
from pacing_brain.errors import Refused, RunError, UsageError
from pacing_brain.natives import natives
from pacing_brain.permissions import Caller, may_say


def missed(campaign: str, *, since: str, reason: str, who: str, as_json: bool) -> int:
    """Say that a campaign had a problem since an instant of which nobody was told.

    Raises:
        UsageError: no reason, no instant, or not exactly one campaign.
        Refused: neither responder, owner nor approver, where the policy names any.
        RunError: no run has been sealed.
    """
    if not reason.strip():
        raise UsageError("say what was missed, with --reason")
    began = read_as_of(since, "--from")
    with open_record(Settings.read()) as house:
        flight = _flight(house, campaign)
        with house.database.transaction() as connection:
            me, now = claimed(connection, who), clock.now(connection)
            approvals = house.policy.approvals_for(flight)
            if not may_say(house.policy, approvals, Caller("", me.person), flight["owner"]):
                raise Refused(f"{me.person} may not report this: they are neither its owner, nor named in the policy's [approvals].")
            if began > now:
                raise UsageError("--from lies in the future: a problem that was missed has begun")
            said = {"since": began, "reason": reason.strip(), "by": me.body} | {name: flight[name] for name in (
                "campaign_id", "platform", "account_id", "client", "lane", "action", "severity", "root_cause_code")} | {"decision_seq": flight["standing_seq"]}
            (seq,) = ledger.append(connection, None, [ledger.Entry("problem_missed", flight["flight_id"], said)], now)
    views.emit({"flight_id": flight["flight_id"], "seq": seq}) if as_json else views.show(views.say(
        f"{flight['campaign_name']}: recorded as missed since {began:%Y-%m-%d %H:%M} UTC (record {seq})."))
    return 0


def _flight(house: House, campaign: str) -> dict[str, Any]:
    run = house.runs.last_sealed()
    if run is None:
        raise RunError("No run has been sealed yet, so nothing can have been missed.")
    decisions = house.frames.load(run.run_id, "decisions")
    found = explaining.hits(decisions, campaign)
    if len(found) != 1:
        known = explaining.listed(found) if len(found) else explaining.near(decisions, campaign)
        said = ", ".join(str(row["flight_id"]) for row in known) or "none is alike"
        raise UsageError(f"{campaign!r} names {len(found) or 'no'} campaign{'s' if len(found) > 1 else ''}; say which flight: {said}")
    (row,) = natives(found)
    return dict(row)
