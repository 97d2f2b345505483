"""What `pacing explain` does: find the campaign that is meant in what a run decided, and show why."""

from typing import Any

from flows import explaining, views
from flows.commands_record import open_record, run_id_of
from flows.reporting import chart_of
from flows.settings import Settings
from flows.views_explain import choices, explanation_report

FOUND, NOT_ONE = 0, 1


def explain(campaign: str, *, run_id: str | None, as_json: bool) -> int:
    """Why a campaign got its decision; several that fit are listed, none: the near ones."""
    settings = Settings.read()
    with open_record(settings) as house:
        wanted = run_id_of(house, run_id)
        decisions = house.frames.load(wanted, "decisions")
        found = explaining.hits(decisions, campaign)
        if len(found) == 1:
            known = explaining.explanation(house, wanted, found)
            views.emit(known) if as_json else views.show(explanation_report(known, chart_of(house, wanted, found)))
            return FOUND
        several = explaining.listed(found) if len(found) else []
        near = [] if several else explaining.near(decisions, campaign)
    _say_choices(campaign, several, near, as_json=as_json)
    return NOT_ONE


def _say_choices(campaign: str, several: list[dict[str, Any]], near: list[dict[str, Any]], *, as_json: bool) -> None:
    if as_json:
        views.emit({"asked": campaign, "several": several, "near": near})
    else:
        views.show(choices(campaign, several, near))
