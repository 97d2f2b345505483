"""What `pacing patterns list / show / retire` do: what has been learned, from loads and from answers."""

import json
from typing import Any

from audit import clock, patterns
from audit.patterns import Pattern
from flows import views
from flows.commands.halts import permitted
from flows.commands.record import open_record
from flows.settings import Settings
from pacing_brain import learning
from pacing_brain.errors import UsageError
from pacing_brain.money import money
from pacing_brain.permissions import Role

WORDS = {"alias": "is this campaign", "not_alias": "is never this campaign", "load_rhythm": "loads every", "release": "pauses released:"}
ANSWERS = {"expected": "expected", "wrong_alarm": "a wrong alarm", "keep_running": "to be kept running"}


def list_them(*, every: bool, as_json: bool) -> int:
    """Those in force; `every`: what expired, was retired or gave way too."""
    with open_record(Settings.read()) as house:
        now, found = house.now(), house.patterns.all()
    shown = [one for one in found if every or one.state(now) == "in force"]
    if as_json:
        views.emit({"patterns": [as_row(one) | {"state": one.state(now)} for one in shown]})
        return 0
    if not shown:
        views.show(views.say("Nothing has been learned yet."))
        return 0
    made = views.table("id", "about", "what", "support", "state", "until", right=("support",), whole=("id",))
    for one in shown:
        made.add_row(one.pattern_id, views.say(one.scope), views.say(_said(one)), str(one.support), one.state(now),
                     views.moment(one.expires_at) if one.expires_at else "-")
    views.show(made)
    return 0


def show(pattern_id: str, *, as_json: bool) -> int:
    """One, with the ledger entries behind it."""
    with open_record(Settings.read()) as house:
        now, one = house.now(), next((each for each in house.patterns.all() if each.pattern_id == pattern_id), None)
    if one is None:
        raise UsageError(f"no pattern {pattern_id} is known. See `pacing patterns list --all`.")
    if as_json:
        views.emit(as_row(one) | {"state": one.state(now)})
        return 0
    made = views.table("", pattern_id)
    for name, value in (as_row(one) | {"state": one.state(now)}).items():
        made.add_row(name.replace("_", " "), views.say(", ".join(map(str, value)) if isinstance(value, list) else "-" if value is None else str(value)))
    views.show(made)
    return 0


def retire(pattern_id: str, *, who: str, reason: str, as_json: bool) -> int:
    """End one: the next run decides without it. Approvers may."""
    with open_record(Settings.read()) as house:
        me = permitted(house, who, reason, Role.APPROVER)
        with house.database.transaction() as connection:
            patterns.retire(connection, pattern_id, by=me.body, reason=reason, at=clock.now(connection))
    views.emit({"pattern_id": pattern_id, "state": "retired"}) if as_json else views.show(views.say(f"{pattern_id} is retired; the next run decides without it."))
    return 0


def _said(one: Pattern) -> str:
    if one.kind == "outcome":
        return learning.worked(one.value, one.support, one.confidence)
    if one.kind == "tolerance":
        value = json.loads(one.value)
        return f"is {ANSWERS[value['answer']]}, up to {money(value['bounds']['up_to_micros'], value['currency'] or '')} off plan"
    return f"{WORDS.get(one.kind, one.kind)} {one.value}"


def as_row(one: Pattern) -> dict[str, Any]:
    return {name: getattr(one, name) for name in ("pattern_id", "kind", "scope", "value", "support", "confidence", "learned_at", "expires_at", "retired_at",
                                                  "evidence", "superseded_by")}
