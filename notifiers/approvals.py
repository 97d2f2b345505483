"""The Slack app: buttons, forms and `/pacing`, through Bolt. A click is acknowledged when it was taken, and not before.

What Slack sends is trusted for who pressed what on which id; everything else is looked up. What can wait for Slack (a form, a sentence only the person
sees) is sent after the acknowledgement, so that a slow Slack makes no answer fail.
"""

import logging
import re
from collections.abc import Callable, Collection, Iterable, Mapping
from concurrent.futures import Executor
from dataclasses import dataclass
from http.client import HTTPException
from typing import Any, Protocol

from slack_bolt import App, BoltResponse
from slack_bolt.authorization import AuthorizeResult
from slack_sdk import WebClient
from slack_sdk.errors import SlackApiError, SlackClientError

from notifiers import forms
from notifiers.cards_text import escape
from notifiers.members import Members
from pacing_brain.errors import PacingError
from pacing_brain.permissions import Caller
from pacing_brain.rulings import NEEDED, Click

FORMS = ("reject_halt", "acknowledge", "snooze")
VALUE = re.compile(r"([RI]-[0-9A-Za-z-]{1,80}):([0-9]{1,9})")
CHANNEL = re.compile(r"[CGD][A-Z0-9]{2,30}")
USER = re.compile(r"[UW][A-Z0-9]{2,30}")
HELP = "Try `/pacing status`, or `/pacing status` and a part of a campaign's name."


class Taken(Protocol):
    """What became of a click. verdict: accepted | counted | asked | refused. said: for who pressed, empty when the card says it."""

    @property
    def verdict(self) -> str: ...
    @property
    def said(self) -> str: ...


class Desk(Protocol):
    """Where answers go. Every call is one short transaction, and is durable when it returns.

    Raises, each of them: PacingError when nothing was taken.
    """

    def answer(self, click: Click, caller: Caller) -> Taken: ...

    def ask(self, click: Click, caller: Caller) -> Taken:
        """Whether a form, or the working, may be shown."""
        ...

    def working(self, subject: str) -> Iterable[str]:
        """Why, as lines of mrkdwn."""
        ...

    def status(self, asked: str) -> Iterable[str]:
        """Where everything stands, or why a campaign got its decision, as lines of mrkdwn."""
        ...

    def groups(self) -> Collection[str]:
        """User groups that the policy names."""
        ...


@dataclass(frozen=True)
class Arrived:
    """What a payload of Slack's is trusted for."""

    team: str
    user: str
    event: str
    action: str
    subject: str
    version: int
    channel: str
    trigger: str

    @property
    def value(self) -> str:
        return f"{self.subject}:{self.version}"

    def click(self, filled: forms.Filled | None = None) -> Click:
        made = Click(self.team, self.user, self.event, self.action, self.subject, self.version)
        if filled is None:
            return made
        return Click(**vars(made) | {name: value for name, value in vars(filled).items() if name != "errors"})


def slack_app(desk: Desk, members: Members, slack: WebClient, later: Executor) -> App:
    """The app. later: where calls to Slack go that nobody waits for."""
    silent = logging.Logger("slack_bolt.silent", logging.CRITICAL + 1)  # noqa: LOG001  Bolt logs the bodies of what it cannot handle
    app = App(authorize=lambda **_: AuthorizeResult(enterprise_id=None, team_id=None, bot_token=slack.token), client=slack, logger=silent,
              request_verification_enabled=False, token_verification_enabled=False, process_before_response=True, raise_error_for_unhandled_request=False)
    hears = _Hears(desk, members, slack, later)
    app.action(re.compile("|".join(NEEDED)))(hears.pressed)
    app.view(re.compile("|".join(FORMS)))(hears.filled_in)
    app.command("/pacing")(hears.asked)

    @app.error
    def failed(error: Exception) -> BoltResponse:
        del error  # nothing was taken, and Slack tells the person so
        return BoltResponse(status=503, body="")

    return app


class _Hears:
    def __init__(self, desk: Desk, members: Members, slack: WebClient, later: Executor) -> None:
        self.desk, self.members, self.slack, self.later = desk, members, slack, later

    def pressed(self, ack: Callable[..., Any], body: dict[str, Any]) -> None:
        """A button. One whose payload is none of ours is acknowledged and forgotten."""
        arrived = of_button(body)
        if arrived is None:
            ack()
            return
        caller = self.members.look(arrived.team, arrived.user)
        taken = (self.desk.ask if arrived.action in (*FORMS, "explain") else self.desk.answer)(arrived.click(), caller)
        ack()
        if taken.verdict == "asked":
            self.later.submit(self._open, arrived)
        elif taken.said:
            self.later.submit(self._whisper, arrived.channel, arrived.user, taken.said)

    def filled_in(self, ack: Callable[..., Any], body: dict[str, Any]) -> None:
        """A form that was sent. What is refused is said in the form's place."""
        arrived = of_form(body)
        if arrived is None:
            ack()
            return
        filled = forms.read(arrived.action, _mapping(_mapping(_mapping(body.get("view")).get("state")).get("values")))
        if filled.errors:
            ack(response_action="errors", errors=dict(filled.errors))
            return
        taken = self.desk.answer(arrived.click(filled), self.members.look(arrived.team, arrived.user))
        if taken.verdict == "refused":
            ack(response_action="update", view=forms.told(arrived.action, [escape(taken.said)]))
        else:
            ack()

    def asked(self, ack: Callable[..., Any], command: dict[str, Any]) -> None:
        """`/pacing status [campaign]`: acknowledged at once, answered to the person alone."""
        channel, user, text = (str(command.get(name) or "") for name in ("channel_id", "user_id", "text"))
        verb, _, about = text.strip().partition(" ")
        if verb.casefold() != "status":
            ack(text=HELP)
            return
        caller = self.members.look(str(command.get("team_id") or ""), user)
        if caller.refused:
            ack(text=caller.refused)
            return
        ack()
        self.later.submit(self._tell_status, channel, user, about.strip())

    def _tell_status(self, channel: str, user: str, about: str) -> None:
        self._whisper(channel, user, "\n".join(_read(lambda: self.desk.status(about))), escaped=True)

    def _open(self, arrived: Arrived) -> None:
        view = forms.form(arrived.action, arrived.value, arrived.channel) if arrived.action in FORMS else forms.told(
            arrived.action, _read(lambda: self.desk.working(arrived.subject)))
        self._say("views.open", {"trigger_id": arrived.trigger, "view": view})

    def _whisper(self, channel: str, user: str, text: str, *, escaped: bool = False) -> None:
        if CHANNEL.fullmatch(channel) and text:
            self._say("chat.postEphemeral", {"channel": channel, "user": user, "text": text if escaped else escape(text), "link_names": False})

    def _say(self, method: str, arguments: dict[str, Any]) -> None:
        """Best effort: what was decided is on the card in any case."""
        try:
            self.slack.api_call(method, json=arguments)
        except (SlackApiError, SlackClientError, OSError, HTTPException, ValueError):
            return


def _read(lines: Callable[[], Iterable[str]]) -> list[str]:
    try:
        return list(lines())
    except PacingError:
        return ["The record could not be read just now. Try again in a minute."]


def of_button(body: Mapping[str, Any]) -> Arrived | None:
    """A `block_actions` payload of one of our buttons; none: it is something else."""
    actions = body.get("actions")
    action = _mapping(actions[0]) if isinstance(actions, list) and actions else {}
    channel = str(_mapping(body.get("channel")).get("id") or _mapping(body.get("container")).get("channel_id") or "")
    return _arrived(body, str(action.get("action_ts") or ""), str(action.get("action_id") or ""), str(action.get("value") or ""), channel)


def of_form(body: Mapping[str, Any]) -> Arrived | None:
    """A `view_submission` payload of one of our forms."""
    view = _mapping(body.get("view"))
    value, _, channel = str(view.get("private_metadata") or "").partition(" ")
    return _arrived(body, str(view.get("id") or ""), str(view.get("callback_id") or ""), value, channel)


def _arrived(body: Mapping[str, Any], event: str, action: str, value: str, channel: str) -> Arrived | None:
    user, team = str(_mapping(body.get("user")).get("id") or ""), str(_mapping(body.get("team")).get("id") or "")
    found = VALUE.fullmatch(value)
    if not found or action not in NEEDED or not USER.fullmatch(user) or not event or len(event) > 100 or len(team) > 100:
        return None
    return Arrived(team, user, event, action, found[1], int(found[2]), channel, str(body.get("trigger_id") or "")[:200])


def _mapping(value: Any) -> Mapping[str, Any]:
    return value if isinstance(value, Mapping) else {}
