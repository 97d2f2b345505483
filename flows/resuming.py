"""A pause of ours is taken back: only ever because people asked for it, and by the steps of a pause.

What somebody else has done to the campaign since stands: it is resumed only from the pause that we made.
"""

from contextlib import closing
from datetime import UTC, datetime
from typing import Any

from audit.acts import Leased, Stopped
from connectors.platforms.model import Platform
from flows.act_end import End
from flows.permitting import still_permitted
from flows.wiring import House
from pacing_brain import applying
from pacing_brain.errors import PlatformRefused, PlatformUnavailable
from pacing_brain.policy import Policy

BY_HAND = "No credentials of this platform are set here: please resume it on the platform."


def resume(house: House, leased: Leased, policy: Policy) -> End:
    """1. permitted and in time  2. the platform's own state  3. attempting, on the ledger  4. resumed, once  5. read back."""
    platform = house.platform(leased.recommendation.platform)
    if platform is None:
        return End("aborted", BY_HAND, {})
    with closing(platform):
        why = None if leased.act.attempted_at else _may_not(house, leased, policy)  # 1
        return End("aborted", why, {}) if why else _look(house, leased, policy, platform)


def _may_not(house: House, leased: Leased, policy: Policy) -> str | None:
    ends = _flight_ends(house, leased)
    if ends is not None and leased.now >= ends:
        return "The flight is over: nothing is resumed."
    return applying.too_late_to_resume(leased.approved_at, leased.now) or still_permitted(house, leased, policy, "undo")


def _look(house: House, leased: Leased, policy: Policy, platform: Platform) -> End:
    one, tried = leased.recommendation, leased.act.attempted_at
    try:
        live = platform.read(one.account_id, one.campaign_id)  # 2
    except PlatformUnavailable as error:
        return End("unknown" if tried else "returned", str(error) if tried else f"{error} Nothing was tried.", {})
    except PlatformRefused as error:
        return End("aborted", str(error), {})
    paused_at = house.acts.paused_at(one.recommendation_id)
    verdict, seen = applying.judge_resume(paused_at, tried, live.state, live.said, live.changed_at), {"live": live.said}
    if verdict.step != "go":
        return End(verdict.step, verdict.why, seen)
    why = _may_not(house, leased, policy) if tried else None
    return End("aborted", why, seen) if why else _do(house, leased, platform, seen)


def _do(house: House, leased: Leased, platform: Platform, seen: dict[str, Any]) -> End:
    one, before = leased.recommendation, ""
    if isinstance(attempted := house.acts.attempt(leased, seen), Stopped):  # 3
        return End("aborted", attempted.why, seen)
    try:
        platform.resume(one.account_id, one.campaign_id)  # 4
    except PlatformUnavailable as error:
        if not error.outcome_unknown:
            return End("aborted", f"{error} Nothing was changed.", seen)
        before = f"{error} "
    except PlatformRefused as error:
        return End("aborted", str(error), seen)
    try:
        live = platform.read(one.account_id, one.campaign_id)  # 5
    except (PlatformUnavailable, PlatformRefused) as error:
        return End("unknown", f"{before}Read back: {error}", seen)
    after = seen | {"live_after": live.said}
    if live.state == "serving":
        return End("done", "Read back: the platform has it as serving. The next runs look whether it spends.", after)
    return End("unknown", f"{before}Read back: the platform still has it as {live.said}.", after)


def _flight_ends(house: House, leased: Leased) -> datetime | None:
    incident = house.incidents.get(leased.recommendation.incident_id)
    flight: Any = incident.finding.facts.get("flight") if incident else None
    ends = (flight or {}).get("day_end")
    return datetime.fromisoformat(str(ends)).astimezone(UTC) if ends else None
