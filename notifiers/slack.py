"""Slack as the relay's poster: a few calls through slack_sdk, and its errors as two of ours.

The SDK's own retries are off: its connection-error retry posts twice when Slack took the message and then closed the line
(measured, FACTS). A message carries its delivery id as metadata, a chart as its file's name, so that the relay can look for either after an
unknown outcome.
"""

import logging
import socket
from collections.abc import Iterator
from http.client import HTTPException
from typing import Any
from urllib.error import URLError

from slack_sdk import WebClient
from slack_sdk.errors import SlackApiError, SlackClientError

from notifiers.chart_message import chart_of
from notifiers.chart_png import png
from notifiers.delivery import Sent
from notifiers.message import Message
from pacing_brain.errors import SlackRefused, SlackUnavailable

API_URL = "https://slack.com/api/"
EVENT_TYPE = "pacing_card"
TIMEOUT_S = 15
PAGE, PAGES = 200, 5  # how far back a message is looked for: it was sent minutes ago
DEFAULT_RETRY_S = 30.0
TITLE, ALT = 100, 1000  # characters

GONE = frozenset({"message_not_found", "cant_update_message", "edit_window_closed", "thread_not_found"})
OF_WORKSPACE = frozenset({
    "invalid_auth", "not_authed", "account_inactive", "token_revoked", "token_expired", "missing_scope", "no_permission", "access_denied",
    "not_allowed_token_type", "org_login_required", "ekm_access_denied", "team_access_not_granted", "two_factor_setup_required"})
OF_CHANNEL = frozenset({"channel_not_found", "not_in_channel", "is_archived", "restricted_action", "channel_type_not_supported",
                        "restricted_action_read_only_channel", "restricted_action_non_threadable_channel"})
RATE = frozenset({"ratelimited", "rate_limited", "message_limit_exceeded"})
TRANSIENT = frozenset({"internal_error", "fatal_error", "service_unavailable", "request_timeout", "team_added_to_org"})
NEXT_STEP = {
    "invalid_auth": "Check SLACK_BOT_TOKEN.", "not_authed": "Set SLACK_BOT_TOKEN.", "token_revoked": "Install the app again and set SLACK_BOT_TOKEN.",
    "account_inactive": "Install the app again and set SLACK_BOT_TOKEN.", "token_expired": "Set a new SLACK_BOT_TOKEN.",
    "missing_scope": "Give the app the scopes of its manifest (pacing init) and install it again.",
    "channel_not_found": "Check SLACK_CHANNEL and [routes]: the channel's id, and the app invited to it.",
    "not_in_channel": "Invite the app to the channel.", "is_archived": "Choose a channel that is not archived (SLACK_CHANNEL, [routes]).",
}


class Slack:
    """Posts, updates and finds messages. Holds the token and nothing that a log could show."""

    interval_s = 1.0  # chat.postMessage takes about one message a second and channel

    def __init__(self, token: str, api_url: str | None = None, *, timeout_s: float = TIMEOUT_S) -> None:
        silent = logging.Logger("slack_sdk.silent", logging.CRITICAL + 1)  # noqa: LOG001  the SDK would log what we raise
        url = api_url or API_URL
        self._client = WebClient(token=token, base_url=url if url.endswith("/") else f"{url}/", retry_handlers=[], logger=silent)
        self._client.timeout = timeout_s  # type: ignore[assignment]  # urllib takes fractions of a second
        self._ids: dict[str, str] = {}  # channel name -> id: posting takes both, looking takes ids only

    def post(self, channel: str, message: Message, delivery_id: str) -> Sent:
        """A new message in a channel.

        Raises:
            SlackUnavailable: try later; `outcome_unknown` when it may have been posted.
            SlackRefused: Slack said no; `fault` says to what.
        """
        if chart_of(message):
            return self._share(channel, None, message, delivery_id)
        return self._sent(channel, self._call("chat.postMessage", self._content(channel, message, delivery_id)))

    def update(self, channel: str, ts: str, message: Message, delivery_id: str) -> Sent | None:
        """The message's new state; None: it is gone, or stands where this app cannot write."""
        answer = self._call("chat.update", {**self._content(channel, message, delivery_id), "ts": ts}, gone=GONE | {"channel_not_found"})
        return self._sent(channel, answer) if answer else None

    def reply(self, channel: str, thread_ts: str, message: Message, delivery_id: str) -> Sent | None:
        """A message below another; None: that one is gone."""
        if chart_of(message):
            return self._share(channel, thread_ts, message, delivery_id)
        answer = self._call("chat.postMessage", {**self._content(channel, message, delivery_id), "thread_ts": thread_ts}, gone=GONE)
        return self._sent(channel, answer) if answer else None

    def find(self, channel: str, delivery_id: str, thread_ts: str | None) -> Sent | None:
        """The message that carries the delivery id: in the thread, else in the channel (which does not list replies)."""
        where = self._ids.get(channel, channel)
        for message in self._history(where, thread_ts):
            metadata = message.get("metadata") or {}
            if metadata.get("event_type") == EVENT_TYPE and (metadata.get("event_payload") or {}).get("delivery_id") == delivery_id:
                return Sent(where, str(message["ts"]))
            if any(file.get("name") == _file_name(delivery_id) for file in message.get("files") or ()):
                return Sent(where, str(message["ts"]))
        return None

    def _share(self, channel: str, thread_ts: str | None, message: Message, delivery_id: str) -> Sent:
        """Upload a chart and show it, in three calls of which the last alone makes it seen. An app that may not upload goes without charts."""
        drawn = chart_of(message)
        assert drawn is not None  # noqa: S101  both callers asked
        where = self._ids.get(channel, channel)
        try:
            answer = self._client.files_upload_v2(
                channel=where, thread_ts=thread_ts, file=png(*drawn), filename=_file_name(delivery_id), title=drawn[1][:TITLE], alt_txt=message.text[:ALT],
                request_file_info=False)
            return Sent(where, str(answer["file"]["id"]))
        except SlackApiError as error:
            code = _code(error)
            if code in OF_WORKSPACE - {"invalid_auth", "not_authed", "token_revoked", "token_expired", "account_inactive"}:
                raise SlackRefused(f"Slack refused a chart: {code}. Give the app files:write (pacing init) and install it again.", fault="message") from None
            raise _refusal("files.upload", code, error) from None
        except (OSError, HTTPException, SlackClientError, ValueError, KeyError, TypeError) as error:
            raise _no_answer("files.upload", error) from None

    def _history(self, channel: str, thread_ts: str | None) -> Iterator[dict[str, Any]]:
        query: dict[str, Any] = {"channel": channel, "include_all_metadata": True, "limit": PAGE}
        method = "conversations.history"
        if thread_ts:
            method, query["ts"] = "conversations.replies", thread_ts
        for _ in range(PAGES):
            answer = self._call(method, query, gone=GONE, form=True)
            yield from answer.get("messages") or []
            query["cursor"] = (answer.get("response_metadata") or {}).get("next_cursor")
            if not query["cursor"]:
                return

    def _content(self, channel: str, message: Message, delivery_id: str) -> dict[str, Any]:
        """`blocks` always, or an update would remove them; no previews of links, no names made into links."""
        return {"channel": channel, "text": message.text, "blocks": list(message.blocks), "unfurl_links": False, "unfurl_media": False,
                "link_names": False, "metadata": {"event_type": EVENT_TYPE, "event_payload": {"delivery_id": delivery_id}}}

    def _sent(self, channel: str, answer: dict[str, Any]) -> Sent:
        self._ids[channel] = str(answer["channel"])
        return Sent(str(answer["channel"]), str(answer["ts"]))

    def _call(self, method: str, arguments: dict[str, Any], *, gone: frozenset[str] = frozenset(), form: bool = False) -> dict[str, Any]:
        """The answer, or an empty one when what it is about is gone.

        Errors are raised `from None`: the SDK's own carry the request, and the request carries the token.
        """
        client = self._client
        try:
            answer = client.api_call(method, params=arguments) if form else client.api_call(method, json=arguments)
            if isinstance(answer.data, dict) and ("ts" in answer.data or "messages" in answer.data):
                return answer.data
        except SlackApiError as error:
            code = _code(error)
            if code in gone:
                return {}
            raise _refusal(method, code, error) from None
        except (OSError, HTTPException, SlackClientError, ValueError) as error:
            raise _no_answer(method, error) from None
        raise SlackUnavailable(f"Slack's answer to {method} could not be read.", outcome_unknown=True)


def _file_name(delivery_id: str) -> str:
    return f"pacing-{delivery_id}.png"


def _code(error: SlackApiError) -> str:
    data = error.response.data if error.response is not None else None
    code = data.get("error") if isinstance(data, dict) else None
    return code if isinstance(code, str) and code.replace("_", "").isalnum() else "unreadable answer"


def _refusal(method: str, code: str, error: SlackApiError) -> SlackUnavailable | SlackRefused:
    """Which of our errors a documented error of Slack's is. Anything unknown with a 5xx is transient, else terminal."""
    status = int(error.response.status_code)
    if status == 429 or code in RATE:
        return SlackUnavailable(f"Slack asked to slow down ({method}).", retry_after_s=_retry_after(error))
    if status >= 500 or code in TRANSIENT or code == "unreadable answer":
        return SlackUnavailable(f"Slack answered {method} with {code if code in TRANSIENT else status}.", outcome_unknown=True)
    fault = "workspace" if code in OF_WORKSPACE else "channel" if code in OF_CHANNEL else "message"
    step = NEXT_STEP.get(code, "See the message's record (pacing audit show).")
    return SlackRefused(f"Slack refused {method}: {code}{_places(error)}. {step}", fault=fault)


def _retry_after(error: SlackApiError) -> float:
    headers = {str(name).casefold(): value for name, value in error.response.headers.items()}
    try:
        return max(float(str(headers["retry-after"])), 0.0)
    except (KeyError, ValueError):
        return DEFAULT_RETRY_S


def _places(error: SlackApiError) -> str:
    """Where in the message the fault is, as Slack tells it; never the texts themselves."""
    data = error.response.data
    told = (data.get("response_metadata") or {}).get("messages") if isinstance(data, dict) else None
    return f" ({'; '.join(str(one) for one in told[:2])[:200]})" if isinstance(told, list) and told else ""


def _no_answer(method: str, error: Exception) -> SlackUnavailable:
    """A line that never came about leaves nothing in doubt; one that broke does."""
    reason = error.reason if isinstance(error, URLError) else error
    never_sent = isinstance(reason, ConnectionRefusedError | socket.gaierror)
    what = "could not be reached" if never_sent else "gave no answer"
    return SlackUnavailable(f"Slack {what} ({method}: {type(reason).__name__}).", outcome_unknown=not never_sent)
