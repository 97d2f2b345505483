"""The public port: `/healthz`, and `/slack/events` where somebody answers it. Nothing else is served there."""

from fastapi import FastAPI
from fastapi.responses import PlainTextResponse
from starlette.routing import Route
from starlette.types import ASGIApp

EVENTS = "/slack/events"


def public_app(events: ASGIApp | None = None) -> FastAPI:
    """events: what answers Slack at `/slack/events`; without it the path is unknown."""
    app = FastAPI(title="pacing", openapi_url=None, docs_url=None, redoc_url=None)

    @app.get("/healthz")
    def alive() -> PlainTextResponse:
        return PlainTextResponse("ok\n")

    if events is not None:
        app.router.routes.append(Route(EVENTS, endpoint=events, methods=["POST"]))  # a mount would answer the path without a slash with a redirect
    return app
