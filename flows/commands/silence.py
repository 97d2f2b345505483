"""What `pacing silence set / list / end` do: problems that nobody wants to hear of for a while. The record goes on; only messages are muted."""

from collections.abc import Mapping
from typing import Any

from rich.text import Text

from audit.identity import system_user
from flows import views
from flows.commands.run import read_as_of
from flows.commands.record import open_record
from flows.settings import Settings
from pacing_brain.errors import Refused, UsageError
from pacing_brain.permissions import Caller, may_say
from pacing_brain.policy import Policy
from pacing_brain.told import Silence, parse_matcher

CLAIM = "command line"


def silence_set(matcher: list[str], *, who: str, reason: str, until: str, as_json: bool) -> int:
    """Mute what matches. `who` is a claim: the record has the operating system's user beside it."""
    wanted, ends = parse_matcher(matcher), read_as_of(until, "--until")
    with open_record(Settings.read()) as house:
        _may(house.policy, who, wanted)
        silence = house.silences.set(wanted, who, reason, ends, _claimed())
        muted = [one for one in house.incidents.open() if silence.mutes(one.finding)]
    if as_json:
        views.emit(_as_row(silence) | {"mutes_now": len(muted)})
        return 0
    views.show(views.say(f"Silence {silence.silence_id} is set until {views.moment(silence.ends_at)}. It mutes {len(muted)} of the open problems; "
                         "each digest names it and the money behind it."))
    return 0


def silence_list(*, as_json: bool) -> int:
    """Those in force, and how many open problems each mutes."""
    with open_record(Settings.read()) as house:
        standing, found = house.silences.standing(), house.incidents.open()
    mutes = {one.silence_id: sum(one.mutes(incident.finding) for incident in found) for one in standing}
    if as_json:
        views.emit({"silences": [_as_row(one) | {"mutes_now": mutes[one.silence_id]} for one in standing]})
        return 0
    if not standing:
        views.show(views.say("Nothing is silenced."))
        return 0
    made = views.table("what, why and id", "mutes now", "until", "by", right=("mutes now",), whole=("until",))
    for one in standing:
        what = Text("\n").join([views.say(_what(one), "bold"), views.say(one.reason), views.say(one.silence_id, "dim")])
        made.add_row(what, str(mutes[one.silence_id]), views.moment(one.ends_at), views.say(one.author))
    views.show(made)
    return 0


def silence_end(silence_id: str, *, who: str, reason: str, as_json: bool) -> int:
    """End one before its time."""
    with open_record(Settings.read()) as house:
        standing = next((one for one in house.silences.standing() if one.silence_id == silence_id), None)
        _may(house.policy, who, standing.matcher if standing else {})
        over = house.silences.end(silence_id, who, reason, _claimed())
    views.emit(_as_row(over)) if as_json else views.show(views.say(f"Silence {silence_id} is over: what it muted is told again from the next run on."))
    return 0


def _may(policy: Policy, who: str, matcher: Mapping[str, str]) -> None:
    """Approvers, responders, and the owner of what is silenced; anyone while the policy names nobody. It counts for the user of this machine.

    Raises:
        UsageError: nobody is named with `--as`.
        Refused: somebody else.
    """
    if not who.strip().removeprefix("@"):
        raise UsageError("say who silences it: --as WHO")
    person = f"os:{system_user()}"
    if not may_say(policy, policy.approvals, Caller("", person), matcher.get("owner")):
        raise Refused(f"{person} is neither approver nor responder in the policy's [approvals], and does not own what is silenced")


def _claimed() -> dict[str, str]:
    return {"via": CLAIM, "os_user": system_user()}


def _what(silence: Silence) -> str:
    return ", ".join(f"{name}={value}" for name, value in silence.matcher.items())


def _as_row(silence: Silence) -> dict[str, Any]:
    return silence.model_dump(mode="json")
