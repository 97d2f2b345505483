"""The doctor on Slack: the token, its scopes, and every channel that a card may go to. It posts nothing."""

import logging
from http.client import HTTPException
from typing import Any

from slack_sdk import WebClient
from slack_sdk.errors import SlackApiError, SlackClientError

from flows.doctor.checks import Checks, Subject

TIMEOUT_S = 6
RATE_LIMITED = 429
SCOPES = {"chat:write": "to post and update cards", "channels:history": "to find a card again in a public channel",
          "groups:history": "to find a card again in a private channel", "files:write": "to show a chart below its card"}
ANSWERED = {"commands": "for /pacing", "users:read": "to know who presses a button", "usergroups:read": "to know who is in a group that may approve"}
INSTALL = "Give the app the scopes of slack-manifest.yaml (pacing init), install it again, and set SLACK_BOT_TOKEN to the new token."
TOKENS = {"invalid_auth": "Copy the Bot User OAuth Token anew from the app's page (OAuth & Permissions) into SLACK_BOT_TOKEN.",
          "token_revoked": "Install the app again and set SLACK_BOT_TOKEN.", "account_inactive": "Install the app again and set SLACK_BOT_TOKEN.",
          "token_expired": "Install the app again, without token rotation, and set SLACK_BOT_TOKEN."}
CHANNELS = {"channel_not_found": "Check the channel's id (it stands at the end of the channel's details); invite the app when it is private: /invite @Pacing.",
            "not_in_channel": "Invite the app in the channel: /invite @Pacing.", "missing_scope": INSTALL,
            "is_archived": "Choose a channel that is not archived."}


def check_slack(subject: Subject, checks: Checks) -> None:
    """auth.test, the scopes that its answer names, and a look into each channel."""
    settings = subject.settings
    if settings.slack_bot_token is None:
        checks.ok("token", "SLACK_BOT_TOKEN is not set: cards are shown in the terminal")
        return
    client = WebClient(token=settings.slack_bot_token.get_secret_value(), base_url=settings.slack_api_url.rstrip("/") + "/", timeout=TIMEOUT_S,
                       retry_handlers=[], logger=logging.Logger("slack_sdk.silent", logging.CRITICAL + 1))  # noqa: LOG001
    error, answer, headers = _call(client, "auth.test")
    if error:
        _refused(error, checks)
        return
    checks.ok("token", f"valid: {answer.get('user') or answer.get('user_id') or 'a bot'} in {answer.get('team') or answer.get('team_id') or 'a workspace'}")
    _scopes(headers, checks, SCOPES | (ANSWERED if settings.interactive else {}))
    for channel, why in _channels(subject).items():
        _channel(client, channel, why, checks)


def _refused(error: str, checks: Checks) -> None:
    if error.startswith("no answer"):
        checks.problem("token", f"Slack gave {error}.", "Check the network, a proxy, and SLACK_API_URL (unset it unless you test); then run pacing doctor again.")
    else:
        checks.problem("token", f"Slack refuses SLACK_BOT_TOKEN: {error}.", TOKENS.get(error, "Set SLACK_BOT_TOKEN to the token of an installed app."))


def _scopes(headers: dict[str, str], checks: Checks, wanted: dict[str, str]) -> None:
    if "x-oauth-scopes" not in headers:
        checks.skipped("scopes", "the answer does not name the token's scopes")
        return
    have = {scope.strip() for scope in headers["x-oauth-scopes"].split(",")}
    missing = [f"{scope} ({why})" for scope, why in wanted.items() if scope not in have]
    if missing:
        checks.problem("scopes", f"the token lacks {', '.join(missing)}.", INSTALL)
    else:
        checks.ok("scopes", ", ".join(wanted))


def _channels(subject: Subject) -> dict[str, str]:
    """Channel -> where it is named."""
    routes = {route.channel: f'[routes] "{selector}"' for selector, route in subject.policy.routes.items() if route.channel}
    return {subject.settings.slack_channel or "": "SLACK_CHANNEL"} | {channel: why for channel, why in routes.items()
                                                                       if channel != subject.settings.slack_channel}


def _channel(client: WebClient, channel: str, why: str, checks: Checks) -> None:
    what = f"channel {channel}"
    if channel.startswith("#"):
        checks.problem(what, f"{why} is a name: a card that may have been posted cannot be looked for there.", f"Write the channel's id (C...) in {why}.")
        return
    error, _, _ = _call(client, "conversations.history", channel=channel, limit=1)
    if not error:
        checks.ok(what, f"{why}: it exists, and the app is in it")
    else:
        checks.problem(what, f"{why}: {error}.", CHANNELS.get(error, f"Check {why}."))


def _call(client: WebClient, method: str, **arguments: Any) -> tuple[str, dict[str, Any], dict[str, str]]:
    """What is wrong (empty: nothing), the answer, its headers in lower case."""
    try:
        answer = client.api_call(method, params=arguments)
        data = answer.data if isinstance(answer.data, dict) else {}
        return "" if data.get("ok") else "no answer that can be read", data, {str(name).lower(): str(value) for name, value in answer.headers.items()}
    except SlackApiError as error:
        if error.response.status_code == RATE_LIMITED:
            return "no answer now: it asks to slow down", {}, {}
        found = error.response.data if error.response is not None else None
        code = found.get("error") if isinstance(found, dict) else None
        return (code if isinstance(code, str) and code.replace("_", "").isalnum() else f"no answer that can be read (HTTP {error.response.status_code})",
                {}, {})
    except (OSError, HTTPException, SlackClientError, ValueError) as error:
        return f"no answer ({type(getattr(error, 'reason', error)).__name__})", {}, {}
