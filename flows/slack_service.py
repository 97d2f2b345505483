"""Slack's side of `pacing serve`: what hears the buttons, and what sends the new state of the cards."""

import threading
from collections.abc import Iterable, Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass

from starlette.types import ASGIApp

from audit.database import Database
from audit.outbox import Outbox
from flows import answering_words
from flows.anchoring import after_answer
from flows.answering import Answering
from flows.apply_approved import carry_out_all
from flows.wiring import House
from notifiers.approvals import slack_app
from notifiers.delivery import relay
from notifiers.events import SlackEvents
from notifiers.members import Members, client
from notifiers.socket_mode import connected
from pacing_brain.errors import PacingError
from pacing_brain.permissions import groups
from typing import Self

CONNECTIONS = 12  # to the database, for clicks alone: a burst of clicks waits for no page and no scrape
SENDERS = 4
RELAY_EVERY_S, RELAY_BUDGET_S, AFTER_FAULT_S, APPLY_EVERY_S, ANCHOR_EVERY_S = 10.0, 30.0, 10.0, 60.0, 600.0


@dataclass
class Service(Answering):
    """The desk that the Slack app reaches (`notifiers.approvals.Desk`)."""

    def working(self, subject: str) -> Iterable[str]:
        return answering_words.working(self.house, subject)

    def status(self, asked: str) -> Iterable[str]:
        return answering_words.status(self.house, asked)

    def groups(self) -> frozenset[str]:
        return groups(self.policy.now())


@contextmanager
def slack_service(house: House) -> Iterator[ASGIApp | None]:
    """What answers `/slack/events`, until the block ends; none without a signing secret. Socket Mode and the relay run beside it.

    Raises:
        SlackRefused, SlackUnavailable: Socket Mode did not come about.
    """
    settings, token = house.settings, house.settings.slack_bot_token
    if token is None or not settings.interactive:
        yield None
        return
    with ExitStack() as stack:
        own = Database(house.database.url.render_as_string(hide_password=False), pool_size=CONNECTIONS)
        stack.callback(own.close)
        workers = [stack.enter_context(kind(house, own)) for kind in (Relaying, Applying, Anchoring)]

        def nudge() -> None:
            for worker in workers:
                worker.nudge()

        desk = Service(House(settings, house.policy, own, house.snowflake), nudge)
        later = stack.enter_context(ThreadPoolExecutor(SENDERS, "slack"))
        slack = client(token.get_secret_value(), settings.slack_api_url)
        app = slack_app(desk, Members(slack, desk.groups), client(token.get_secret_value(), settings.slack_api_url, timeout_s=5.0), later)
        if settings.slack_app_token is not None:
            stack.enter_context(connected(app, settings.slack_app_token.get_secret_value()))
        secret = settings.slack_signing_secret
        yield SlackEvents(app, secret.get_secret_value()) if secret else None


class Working:
    """Something that is done at once when nudged, else every so often, in a thread of its own. A context manager."""

    name, every_s = "working", 10.0

    def __init__(self, house: House, database: Database) -> None:
        self.house, self.database = house, database
        self.due, self.ending = threading.Event(), threading.Event()
        self.thread = threading.Thread(target=self._work, name=self.name, daemon=True)

    def do(self) -> None:
        raise NotImplementedError

    def nudge(self) -> None:
        self.due.set()

    def _work(self) -> None:
        while not self.ending.is_set():
            self.due.wait(self.every_s)
            self.due.clear()
            try:
                if not self.ending.is_set():
                    self.do()
            except PacingError:
                self.ending.wait(AFTER_FAULT_S)  # the database or Slack is away: both are seen on the ops port

    def __enter__(self) -> Self:
        self.thread.start()
        return self

    def __exit__(self, *_: object) -> None:
        self.ending.set()
        self.due.set()
        self.thread.join(RELAY_BUDGET_S)


class Relaying(Working):
    """Sends what waits in the outbox."""

    name, every_s = "relay", RELAY_EVERY_S

    def do(self) -> None:
        relay(Outbox(self.database), self.house.poster, budget_s=RELAY_BUDGET_S)


class Applying(Working):
    """Carries out what was approved; no platform that hangs holds up a click or a card."""

    name, every_s = "apply", APPLY_EVERY_S

    def do(self) -> None:
        carry_out_all(_with(self.house, self.database))


class Anchoring(Working):
    """Signs what was answered, outside the database; the first anchor of a long ledger reads all of it, so no click waits for it."""

    name, every_s = "anchor", ANCHOR_EVERY_S

    def do(self) -> None:
        after_answer(_with(self.house, self.database))


def _with(house: House, database: Database) -> House:
    return House(house.settings, house.policy, database, house.snowflake, house.sample)
