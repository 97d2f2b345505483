"""Who presses a button, as Slack knows them: looked up, remembered for at most a minute, refused where Slack says nothing."""

import logging
import threading
import time
from collections.abc import Callable, Collection
from http.client import HTTPException
from typing import Any
from zoneinfo import ZoneInfo, ZoneInfoNotFoundError

from slack_sdk import WebClient
from slack_sdk.errors import SlackApiError, SlackClientError

from notifiers.slack import API_URL
from pacing_brain.permissions import Caller

KEPT_S = 60.0
FAILED_S = 0.2  # when Slack gave no answer, who waited for the same one gives up too
TIMEOUT_S = 1.0  # the click waits for it, and Slack waits three seconds for the click
NOT_KNOWN = "Slack did not say who you are just now. Nothing was changed; try again in a minute."
GUEST, BOT, ELSEWHERE, GONE = ("Guests of this workspace decide nothing here.", "Bots decide nothing here.", "Only people of this workspace decide here.",
                               "This account is not active any more.")


def client(token: str, api_url: str | None = None, timeout_s: float = TIMEOUT_S) -> WebClient:
    """Slack without the SDK's own retries and without its log."""
    silent = logging.Logger("slack_sdk.silent", logging.CRITICAL + 1)  # noqa: LOG001  the SDK would log what it was sent
    url = api_url or API_URL
    made = WebClient(token=token, base_url=url if url.endswith("/") else f"{url}/", retry_handlers=[], logger=silent)
    made.timeout = timeout_s  # type: ignore[assignment]  # urllib takes fractions of a second
    return made


class Members:
    """groups: the user groups that the policy names at this moment."""

    def __init__(self, slack: WebClient, groups: Callable[[], Collection[str]], clock: Callable[[], float] = time.monotonic) -> None:
        self.slack, self.groups, self.clock = slack, groups, clock
        self.kept: dict[tuple[str, str], tuple[float, dict[str, Any]]] = {}
        self.asking: dict[tuple[str, str], threading.Lock] = {}  # many clicks of one moment ask Slack once

    def look(self, team: str, user_id: str) -> Caller:
        """Who it is; `refused` says why they may not even be listened to."""
        own, known = self._get("auth.test", ""), self._get("users.info", user_id)
        user = known.get("user") if known else None
        if not own or not isinstance(user, dict) or user.get("id") != user_id:
            return Caller(team, user_id, refused=NOT_KNOWN)
        if refused := _refused(user, str(own.get("team_id")), team):
            return Caller(team, user_id, refused=refused)
        return Caller(team, user_id, members={group: self._members(group) for group in self.groups()}, zone=_zone(user.get("tz")))

    def _members(self, group: str) -> Collection[str] | None:
        found = self._get("usergroups.users.list", group)
        return frozenset(map(str, found.get("users") or ())) if found else None

    def _get(self, method: str, about: str) -> dict[str, Any] | None:
        """Slack's answer, at most KEPT_S old; none: it gave none."""
        with self.asking.setdefault((method, about), threading.Lock()):
            at, answer = self.kept.get((method, about), (-KEPT_S, {}))
            if self.clock() - at < (KEPT_S if answer else FAILED_S):
                return answer or None
            asked, found = self.clock(), self._ask(method, about)
            self.kept[method, about] = (asked, found) if found is not None else (self.clock(), {})
            return found

    def _ask(self, method: str, about: str) -> dict[str, Any] | None:
        argument = {"users.info": "user", "usergroups.users.list": "usergroup"}.get(method)
        try:
            found = self.slack.api_call(method, params={argument: about} if argument else {}).data
        except (SlackApiError, SlackClientError, OSError, HTTPException, ValueError):
            return None
        return found if isinstance(found, dict) and found.get("ok") else None


def _refused(user: dict[str, Any], own_team: str, team: str) -> str | None:
    if user.get("deleted"):
        return GONE
    if user.get("is_bot") or user.get("id") == "USLACKBOT":
        return BOT
    if user.get("is_restricted") or user.get("is_ultra_restricted"):
        return GUEST
    return ELSEWHERE if user.get("team_id") != own_team or user.get("is_stranger") or team != own_team else None


def _zone(name: Any) -> str | None:
    try:
        return str(ZoneInfo(str(name)))
    except (ZoneInfoNotFoundError, ValueError, OSError):
        return None
