"""The ops port, on this machine only: `/metrics` for Prometheus, `/readyz` for whoever restarts processes."""

from collections.abc import Callable
from datetime import datetime, timedelta

from fastapi import FastAPI
from fastapi.responses import JSONResponse, PlainTextResponse, Response
from prometheus_client import CONTENT_TYPE_LATEST
from prometheus_client.registry import Collector

from audit.figures import REFUSED_TRIES, Standing
from flows.metrics import exposition
from pacing_brain.errors import PacingError

WINDOWS_WITHOUT_SEAL = 1.5
OK = "ok"


def ops_app(collector: Collector, standing: Callable[[], Standing], schedule_hours: int) -> FastAPI:
    """Both answers are read from the record when they are asked for."""
    app = FastAPI(title="pacing ops", openapi_url=None, docs_url=None, redoc_url=None)

    @app.get("/metrics")
    def metrics() -> Response:
        try:
            return Response(exposition(collector), media_type=CONTENT_TYPE_LATEST)
        except PacingError as error:
            return PlainTextResponse(f"{error}\n", status_code=503)

    @app.get("/readyz")
    def ready() -> Response:
        found = readiness(standing, schedule_hours)
        well = set(found.values()) == {OK}
        return JSONResponse({"ready": well, "checks": found}, status_code=200 if well else 503)

    return app


def readiness(standing: Callable[[], Standing], schedule_hours: int) -> dict[str, str]:
    """By name (database, outbox, last_seal): ok, or what is wrong with it."""
    try:
        now = standing()
    except PacingError as error:
        return {"database": str(error), "outbox": "not known", "last_seal": "not known"}
    return {"database": OK, "outbox": _outbox(now), "last_seal": _last_seal(now.now, now.sealed_at, schedule_hours)}


def _outbox(now: Standing) -> str:
    if now.overdue:
        return f"{now.overdue} messages are due and nobody sends them: is upkeep running?"
    if now.refused:
        return f"{now.refused} messages were tried {REFUSED_TRIES} times or more and still wait: is Slack reached?"
    return OK


def _last_seal(now: datetime, sealed_at: datetime | None, schedule_hours: int) -> str:
    if sealed_at is None:
        return "no live run was sealed yet"
    age = now - sealed_at
    if age <= timedelta(hours=schedule_hours * WINDOWS_WITHOUT_SEAL):
        return OK
    return f"the last live run was sealed {age.total_seconds() / 3600:.1f} hours ago; one is due every {schedule_hours}"
