"""`POST /slack/events`: the size is looked at first, then the signature, and only then anything else. What is refused leaves nothing behind."""

import time
from collections.abc import Callable, Sequence

from slack_bolt import App, BoltRequest
from slack_sdk.signature import Clock, SignatureVerifier
from starlette.concurrency import run_in_threadpool
from starlette.requests import ClientDisconnect, Request
from starlette.responses import Response
from starlette.types import Receive, Scope, Send

MOST_BYTES = 64 * 1024
MALFORMED = (ValueError, TypeError, KeyError, AttributeError, LookupError)


class SlackEvents:
    """An ASGI application. 401: too large, malformed, forged or stale; 503: signed, but not taken; else 200."""

    def __init__(self, app: App, signing_secret: str, now: Callable[[], float] = time.time) -> None:
        self.app = app
        self.verifier = SignatureVerifier(signing_secret, _Now(now))

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        try:
            response = await self._answer(Request(scope, receive))
        except ClientDisconnect:
            return
        await response(scope, receive, send)

    async def _answer(self, request: Request) -> Response:
        body = b""
        async for part in request.stream():
            body += part
            if len(body) > MOST_BYTES:
                return Response(status_code=401)
        if not self._is_from_slack(request, body):
            return Response(status_code=401)
        return await run_in_threadpool(self._dispatch, body, dict(request.headers))

    def _is_from_slack(self, request: Request, body: bytes) -> bool:
        try:
            return self.verifier.is_valid(body, request.headers.get("x-slack-request-timestamp", ""), request.headers.get("x-slack-signature", ""))
        except MALFORMED:
            return False

    def _dispatch(self, body: bytes, headers: dict[str, str | Sequence[str]]) -> Response:
        try:
            answered = self.app.dispatch(BoltRequest(body=body.decode("utf-8"), headers=headers))
        except MALFORMED:  # signed, and yet nothing that Slack sends
            return Response(status_code=401)
        if answered.status == 404:  # nothing of ours
            return Response(status_code=200)
        return Response(answered.body, status_code=answered.status, headers=answered.first_headers_without_set_cookie())


class _Now(Clock):
    def __init__(self, now: Callable[[], float]) -> None:
        self._now = now

    def now(self) -> float:
        return self._now()
