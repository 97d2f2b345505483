"""When the monitor itself does not work: one card as long as it lasts, and a second route when Slack is not one. Recorded before it is told."""

import time
from collections.abc import Sequence
from datetime import timedelta
from typing import Any

import pandas as pd

from audit import clock, outbox, told
from audit.outbox import OutgoingMessage, delivery_id
from flows import logs
from flows.commands.record import exists
from flows.settings import Settings
from flows.wiring import House, open_house
from notifiers.cards_digest import LIVE_PHASES
from notifiers.cards_monitor import MONITOR, Illness, tell_ill, tell_well
from notifiers.delivery import DeliveryReport, relay
from notifiers.second_route import SecondRoute
from notifiers.telling import DAY, Outgoing
from pacing_brain.errors import PacingError, PolicyError
from pacing_brain.model import Severity
from pacing_brain.policy import Policy
from pacing_brain.told import Told

BUDGET_S = 20.0  # to send that a run failed; what is not out by then goes with upkeep
SECOND = "second route"  # subject and place of what was said there
LISTED = 10  # messages that wait, on the second route


def say(house: House, kind: str, what: str, key: str) -> None:
    """Put the monitor's card, or its new state, into the outbox; what it is about stands on the ledger already."""
    last = house.runs.last_sealed(complete=True)
    rows = house.frames.load(last.run_id, "decisions") if last else None
    flights, planned = (0, {}) if rows is None else planned_per_day(rows)
    illness = Illness(kind, what, last.as_of if last else None, flights, planned)
    with house.database.transaction() as connection:
        now = clock.now(connection)
        said, state = tell_ill(told.locked(connection, MONITOR, MONITOR), illness, now, house.policy.alerts.monitor_channel or house.channel, key)
        outbox.put(connection, [_message(f"{key} {now:%Y%m%dT%H%M%S}", one) for one in said])
        told.put(connection, [state])


def of_seal(house: House, run_id: str, summary: dict[str, Any], rows: pd.DataFrame, states: Sequence[Told], policy: Policy,
            now: Any) -> tuple[list[Outgoing], list[Told]]:
    """What a seal says about the monitor: partial is ill, complete is well."""
    state = next((one for one in states if one.subject == MONITOR), None)
    what = [*summary["partial"], *([f"{summary['dead_letters']} campaigns could not be decided."] if summary["dead_letters"] else [])]
    if not what:
        return tell_well(state, now)
    last = house.runs.last_sealed(complete=True)
    blind = rows[rows["red_gates"].fillna("").str.contains("freshness") | rows["error"].notna()]
    flights, planned = planned_per_day(blind)
    said, after = tell_ill(state, Illness("partial", " ".join(what), last.as_of if last else None, flights, planned), now,
                           policy.alerts.monitor_channel or house.channel, run_id)
    return said, [after]


def planned_per_day(rows: pd.DataFrame) -> tuple[int, dict[str, int]]:
    """Flights that are live, and the sum by currency of their budgets spread evenly over their days, in micros."""
    live = rows[rows["phase"].isin([phase for phase in LIVE_PHASES if phase != "ended"]) & rows["budget_micros"].notna()]
    days = (pd.to_datetime(live["end_date"]) - pd.to_datetime(live["start_date"])).dt.days + 1
    daily = live["budget_micros"].astype("int64") // days.clip(lower=1)
    return len(live), {str(currency): int(micros) for currency, micros in daily.groupby(live["currency"]).sum().items()}


def tell_failed(settings: Settings, error: Exception, as_of: Any = None) -> None:
    """A live run failed, or could not even begin. Nothing is raised: the failure itself goes on.

    Where no record can be opened there is only the second route. Before the first sealed run nobody relies on the monitor: who set it up sees the error,
    and people are told only where Slack or a second route is configured.
    """
    what = str(error) if isinstance(error, PacingError) else f"{type(error).__name__}: {error}"
    usable = settings.model_copy(update={"policy": None}) if isinstance(error, PolicyError) else settings
    try:
        if exists(usable):
            with open_house(usable, record_only=True) as house:
                _in_house(house, what, as_of)
    except PacingError as down:
        _directly(settings, f"{what} Nor can the record be opened: {down}")


def _in_house(house: House, what: str, as_of: Any) -> None:
    now, watched = house.now(), house.runs.last_sealed() is not None
    near = as_of is None or abs(as_of - now) <= timedelta(hours=house.policy.schedule_hours)
    if near and (watched or house.settings.slack_bot_token is not None or house.second_route is not None):
        say(house, "failed", what, f"{now:%Y%m%dT%H%M}")
        otherwise(house, relay(house.outbox, house.poster, budget_s=BUDGET_S))


def _directly(settings: Settings, what: str) -> None:
    if settings.alert_url is not None and not SecondRoute(settings.alert_url.get_secret_value()).send("The pacing monitor is ill", [what]):
        logs.warn("PACING_ALERT_URL did not take that the monitor is ill")


def otherwise(house: House, report: DeliveryReport) -> None:
    """After a relay: when Slack does not take messages, or there is no Slack, the second route says what matters; once a day while it lasts.

    1. Slack does not take messages, or some were given up: that, and what waits
    2. no Slack is configured: that the monitor is ill
    3. neither, and something was said before: that it is over
    """
    if house.second_route is None:
        return
    with house.database.transaction() as connection:
        now, before = clock.now(connection), told.locked(connection, SECOND, SECOND)
        monitor = told.locked(connection, MONITOR, MONITOR)
    title, lines = _trouble(house, report, monitor)
    is_open = before is not None and before.is_open
    due = not is_open or (before is not None and now - before.alerted_at >= DAY)
    if title and not due:
        return
    if not title and (not is_open or (house.settings.slack_bot_token is not None and not report.delivered)):
        return
    started = time.monotonic()
    taken = house.second_route.send(title or "The pacing monitor: over", lines or ["What was said here before is over."])
    logs.info("second_route_used", taken=taken, seconds=round(time.monotonic() - started, 3))
    if not taken:
        logs.warn("PACING_ALERT_URL did not take a message: look at its addresses")
        return
    state = Told(subject=SECOND, place=SECOND, is_open=bool(title), thread_key=SECOND, channel=SECOND, severity=Severity.CRITICAL, alerted_at=now, written_at=now)
    with house.database.transaction() as connection:
        told.put(connection, [state])


def _trouble(house: House, report: DeliveryReport, monitor: Told | None) -> tuple[str, list[str]]:
    if report.dead or (report.retried and not report.delivered):  # 1
        lead = f"{report.dead} given up, {report.retried} to be tried again: {'; '.join(report.errors[:3])}"
        return "The pacing monitor: Slack does not take its messages", [lead, *house.outbox.owed(LISTED)]
    if house.settings.slack_bot_token is None and monitor is not None and monitor.is_open:  # 2
        return "The pacing monitor is ill", house.outbox.texts_of(monitor.thread_key)[-1:]
    return "", []  # 3


def _message(key: str, one: Outgoing) -> OutgoingMessage:
    return OutgoingMessage(delivery_id(key, one.thread_key, one.kind), one.channel, one.thread_key, one.kind, one.message.text, one.message.blocks)
