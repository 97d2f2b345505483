"""Socket Mode: the same app without a public address. Two connections, so that Slack's regular renewal of one loses no click."""

from collections.abc import Iterator
from contextlib import contextmanager

from slack_bolt import App
from slack_bolt.adapter.socket_mode.builtin import SocketModeHandler
from slack_sdk.errors import SlackApiError, SlackClientError

from pacing_brain.errors import SlackRefused, SlackUnavailable

CONNECTIONS = 2


@contextmanager
def connected(app: App, app_token: str) -> Iterator[None]:
    """Listen until the block ends. What the app does not take is not acknowledged.

    Raises:
        SlackRefused: Slack did not take the token.
        SlackUnavailable: Slack could not be reached.
    """
    handlers = [SocketModeHandler(app, app_token) for _ in range(CONNECTIONS)]
    try:
        for handler in handlers:
            _connect(handler)
        yield
    finally:
        for handler in handlers:
            handler.close()  # type: ignore[no-untyped-call]


def _connect(handler: SocketModeHandler) -> None:
    try:
        handler.connect()  # type: ignore[no-untyped-call]
    except SlackApiError as error:
        raise SlackRefused(f"Slack refused Socket Mode: {error.response.get('error')}. Check SLACK_APP_TOKEN (xapp-..., connections:write).",
                           fault="workspace") from None
    except (SlackClientError, OSError) as error:
        raise SlackUnavailable(f"Slack could not be reached for Socket Mode ({type(error).__name__}).") from None
