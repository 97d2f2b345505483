"""`pacing serve`: the public port and the ops port in one process, until it is told to end."""

import asyncio
import signal
import socket
from collections.abc import Iterator, Mapping
from contextlib import contextmanager

import uvicorn
from starlette.types import ASGIApp

from audit.database import Database
from audit.figures import Figures
from audit.observations import Observations
from flows import logs
from flows.expiries import expiries
from flows.metrics import RecordCollector
from flows.ops_app import ops_app
from flows.settings import Settings
from flows.slack_service import slack_service
from flows.wiring import House, open_house
from notifiers.app import public_app
from pacing_brain.errors import SettingError

OPS_HOST = "127.0.0.1"  # figures and faults are for this machine; whoever collects them stands beside the process
OPS_STATEMENT_S = 5.0  # a scrape that takes longer is none
STOP_S = 5  # requests at work may end in this time


def serve() -> int:
    """Serve until Ctrl-C or SIGTERM.

    Raises:
        SettingError: a port is taken, or an address is none of this machine.
        PacingError: as `open_house`.
    """
    logs.begin(settings := Settings.read())
    with open_house(settings, record_only=True) as house, listening(settings) as (public, ops), slack_service(house) as events:
        print(f"Public: http://{settings.http_host}:{settings.http_port}/healthz\n"  # noqa: T201
              f"Ops: http://{OPS_HOST}:{settings.ops_port}/metrics and /readyz. Ctrl-C stops both.", flush=True)
        asyncio.run(until_told({public: public_app(events), ops: _ops(house)}))
    return 0


def _ops(house: House) -> ASGIApp:
    """On connections of its own: a slow scrape holds up nobody."""
    database = Database(str(house.database.url.render_as_string(hide_password=False)), pool_size=2, statement_timeout_s=OPS_STATEMENT_S)
    figures = Figures(database)
    return ops_app(RecordCollector(figures, Observations(database), lambda: expiries(house.settings, database)), figures.standing, house.policy.schedule_hours)


@contextmanager
def listening(settings: Settings) -> Iterator[tuple[socket.socket, socket.socket]]:
    """The sockets of the public and the ops port."""
    with _bound("PACING_HTTP_PORT", settings.http_host, settings.http_port) as public, _bound("PACING_OPS_PORT", OPS_HOST, settings.ops_port) as ops:
        yield public, ops


def _bound(name: str, host: str, port: int) -> socket.socket:
    try:
        family = socket.AF_INET6 if ":" in host else socket.AF_INET
        return socket.create_server((host, port), family=family)
    except OSError as error:
        raise SettingError(f"{name}: {host}:{port} cannot be listened on ({error.strerror or error}). End what listens there, or set another port.") from None


async def until_told(served: Mapping[socket.socket, ASGIApp]) -> None:
    """Serve each application on its socket until SIGINT or SIGTERM; what is at work then may end."""
    servers = {listener: _Server(uvicorn.Config(app, log_config=None, access_log=False, lifespan="off", timeout_graceful_shutdown=STOP_S, server_header=False))
               for listener, app in served.items()}

    def stop() -> None:
        for server in servers.values():
            server.should_exit = True

    loop = asyncio.get_running_loop()
    for number in (signal.SIGINT, signal.SIGTERM, signal.SIGHUP):
        loop.add_signal_handler(number, stop)
    try:
        await asyncio.gather(*(server.serve(sockets=[listener]) for listener, server in servers.items()))
    finally:
        for number in (signal.SIGINT, signal.SIGTERM, signal.SIGHUP):
            loop.remove_signal_handler(number)


class _Server(uvicorn.Server):
    """One of several in a process: signals are taken once, for all of them."""

    @contextmanager
    def capture_signals(self) -> Iterator[None]:
        yield
