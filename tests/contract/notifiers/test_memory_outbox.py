"""The outbox in memory keeps the outbox's contract."""

from dataclasses import dataclass, field

import pytest

from notifiers.message import Message
from tests.contract.notifiers.outbox_contract import OutboxContract
from tests.fakes.outbox import MemoryOutbox


@dataclass
class Timed:
    now: float = 1000.0
    store: MemoryOutbox = field(init=False)

    def __post_init__(self) -> None:
        self.store = MemoryOutbox(clock=lambda: self.now)

    def put(self, delivery_id: str, channel: str, thread_key: str, kind: str, message: Message) -> None:
        self.store.put(delivery_id, channel, thread_key, kind, message)

    def pass_time(self, seconds: float) -> None:
        self.now += seconds


class TestMemoryOutbox(OutboxContract):
    @pytest.fixture
    def outbox(self) -> Timed:
        return Timed()
