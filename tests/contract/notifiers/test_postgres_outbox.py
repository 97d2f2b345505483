"""The outbox in Postgres keeps the outbox's contract."""

from dataclasses import dataclass
from datetime import timedelta

import pytest

from audit import clock
from audit.database import Database
from audit.outbox import Outbox, OutgoingMessage, put
from notifiers.message import Message
from tests.contract.notifiers.outbox_contract import OutboxContract


@dataclass
class Shifted:
    """On a database whose clock the test moves."""

    store: Outbox
    admin: Database
    passed: timedelta = timedelta()

    def put(self, delivery_id: str, channel: str, thread_key: str, kind: str, message: Message) -> None:
        with self.store.database.transaction() as connection:
            put(connection, [OutgoingMessage(delivery_id, channel, thread_key, kind, message.text, message.blocks)])

    def pass_time(self, seconds: float) -> None:
        self.passed += timedelta(seconds=seconds)
        with self.admin.transaction() as connection:
            clock.set_offset(connection, self.passed)


class TestPostgresOutbox(OutboxContract):
    @pytest.fixture
    def outbox(self, fresh_database):
        database, admin = Database(fresh_database.app), Database(fresh_database.admin)
        yield Shifted(Outbox(database), admin)
        database.close()
        admin.close()
