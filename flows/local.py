"""The embedded default in one object: Postgres, warehouse and Prefect under one home, started side by side."""

from collections.abc import Iterable
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from types import TracebackType
from typing import Self

from flows.local_postgres import EmbeddedPostgres
from flows.local_prefect import ChildPrefect
from flows.local_server import SharedServer
from flows.local_warehouse import EmbeddedWarehouse

__all__ = ["ChildPrefect", "EmbeddedPostgres", "EmbeddedWarehouse", "Local", "SharedServer", "start_all", "stop_all"]


class Local:
    """What runs on this machine instead of servers of one's own; leave out what is configured elsewhere."""

    def __init__(self, home: Path, *, postgres: bool = True, warehouse: bool = True, prefect: bool = True) -> None:
        self.postgres = EmbeddedPostgres(home) if postgres else None
        self.warehouse = EmbeddedWarehouse(home) if warehouse else None
        self.prefect = ChildPrefect(home) if prefect else None

    @property
    def servers(self) -> list[SharedServer]:
        return [server for server in (self.postgres, self.warehouse, self.prefect) if server is not None]

    def start(self) -> Self:
        start_all(self.servers)
        return self

    def stop(self) -> None:
        stop_all(self.servers)

    def __enter__(self) -> Self:
        return self.start()

    def __exit__(self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None) -> None:
        self.stop()


def start_all(servers: Iterable[SharedServer]) -> None:
    """Start servers side by side; when one does not come up the others are left again and its error is raised."""
    servers = list(servers)
    with ThreadPoolExecutor(max(len(servers), 1)) as pool:
        starting = [pool.submit(server.start) for server in servers]
    errors = [error for start in starting if (error := start.exception()) is not None]
    if errors:
        stop_all(servers)
        raise errors[0]


def stop_all(servers: Iterable[SharedServer]) -> None:
    servers = list(servers)
    with ThreadPoolExecutor(max(len(servers), 1)) as pool:
        stopping = [pool.submit(server.stop) for server in servers]
    for stop in stopping:
        stop.result()
