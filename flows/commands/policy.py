"""What `pacing policy check` does: is a policy valid, what differs from the one in force, and which scope wins for a campaign."""

from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any

from flows import views
from flows.commands.record import exists, open_record
from flows.explaining import hits, listed, near
from flows.settings import Settings
from flows.views.audit import policy_report
from flows.views.explain import choices
from pacing_brain.errors import PolicyError, RunError
from pacing_brain.natives import natives
from pacing_brain.policy import Policy

BUILT_IN = "the built-in defaults"


def policy_check(*, file: Path | None, campaign: str | None, as_json: bool) -> int:
    """Valid or not: 0 or 1. A file is held against the policy in force, the one in force against the one of the last run."""
    settings = Settings.read()
    checked = file or settings.policy
    try:
        policy = Policy.load(checked) if checked else Policy()
    except PolicyError as error:
        if not as_json:
            raise
        views.emit({"policy": str(checked), "valid": False, "error": str(error)})
        return 1
    other, whose = _compared(settings, file)
    known: dict[str, Any] = {"policy": str(checked or BUILT_IN), "valid": True, "digest": policy.digest, "compared_with": whose,
                             "differs": list(differences(other, policy)), "campaign": None}
    if campaign is not None:
        row, several, alike = _planned(settings, campaign)
        if row is None:
            views.emit(known | {"several": several, "near": alike}) if as_json else views.show(choices(campaign, several, alike))
            return 1
        keys = [{"key": key, "value": value, "scope": scope} for key, (value, scope) in policy.winners(row).items()]
        known["campaign"] = {"flight_id": row["flight_id"], "name": row["campaign_name"], "keys": keys}
    views.emit(known) if as_json else views.show(policy_report(known))
    return 0


def _compared(settings: Settings, file: Path | None) -> tuple[Policy, str]:
    """What the checked policy is held against, and its name."""
    if file is not None:
        return (Policy.load(settings.policy), str(settings.policy)) if settings.policy else (Policy(), BUILT_IN)
    if exists(settings):
        with open_record(settings) as house:
            last = house.runs.last_sealed()
            policy = house.policies.get(last.policy_digest) if last else None
        if last and policy:
            return policy, f"the policy of the last run, {last.run_id}"
    return Policy(), BUILT_IN


def differences(before: Policy, after: Policy) -> Iterator[dict[str, Any]]:
    """Key by key, in order: what it was and what it is; null where a key is not set."""
    was, now = (dict(_flat(policy.model_dump(mode="json"))) for policy in (before, after))
    for key in sorted(was.keys() | now.keys()):
        if was.get(key) != now.get(key):
            yield {"key": key, "before": was.get(key), "after": now.get(key)}


def _flat(table: Mapping[str, Any], prefix: str = "") -> Iterator[tuple[str, Any]]:
    for name, value in table.items():
        key = f"{prefix}.{name}" if prefix else name
        if isinstance(value, Mapping):
            yield from _flat(value, key)
        else:
            yield key, value


def _planned(settings: Settings, campaign: str) -> tuple[dict[str, Any] | None, list[dict[str, Any]], list[dict[str, Any]]]:
    """The one campaign of the last run that is meant, else those that could be."""
    with open_record(settings) as house:
        decisions = house.frames.standing("decisions")
    if decisions is None:
        raise RunError("no live run has been sealed yet, so there is no plan to look the campaign up in. Start with `pacing run`.")
    found = hits(decisions, campaign)
    if len(found) == 1:
        return natives(found)[0], [], []
    return None, listed(found), [] if len(found) else near(decisions, campaign)
