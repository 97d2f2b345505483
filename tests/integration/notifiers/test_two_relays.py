"""Several relays on one outbox in Postgres, against a Slack server with faults: still each message exactly once."""

import random
from concurrent.futures import ThreadPoolExecutor

from audit import outbox as postgres_outbox
from audit.database import Database
from notifiers.delivery import relay
from notifiers.message import Message
from notifiers.slack import Slack
from tests.conftest import Database as Fresh
from tests.fakes.slack_server import TOKEN, running

MESSAGES, RELAYS = 40, 4


class Quick(Slack):
    interval_s = 0.0  # what is tested here is the lease, not the pace


def test_each_message_once_with_four_relays(fresh_database: Fresh) -> None:
    """A run's relay and upkeep's may work at the same time: the lease keeps a message with one of them."""
    database, chance = Database(fresh_database.app), random.Random(3)
    message = Message("hello", ({"type": "section", "text": {"type": "mrkdwn", "text": "hello"}},))
    entries = [postgres_outbox.OutgoingMessage(f"d{n}", "C0TEST", f"inc-{n}", "post", message.text, message.blocks) for n in range(MESSAGES)]
    with database.transaction() as connection:
        postgres_outbox.put(connection, entries)
    with running() as server, ThreadPoolExecutor(RELAYS) as pool:
        server.faults.extend(chance.choice(["", "", "reset", "accept_then_drop", "429"]) for _ in range(MESSAGES))
        server.retry_after_s = 0
        outbox = postgres_outbox.Outbox(database)
        for _ in range(10):
            reports = [pool.submit(relay, outbox, Quick(TOKEN, server.api_url), budget_s=2.0) for _ in range(RELAYS)]
            assert sum(report.result().dead for report in reports) == 0
            with database.transaction() as connection:  # the backoff is over
                connection.exec_driver_sql("UPDATE pacing.outbox SET next_attempt_at = '2000-01-01' WHERE status = 'pending'")
            if outbox.counts()["delivered"] == MESSAGES:
                break
        assert sorted(one.delivery_id for one in server.visible()) == sorted(f"d{n}" for n in range(MESSAGES))
    database.close()
