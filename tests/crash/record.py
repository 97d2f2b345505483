"""What a window left, in a form that can be compared: with that of another window, and with itself."""

from collections import Counter
from dataclasses import dataclass
from typing import Any

from audit import ledger
from audit.database import Database
from audit.incidents import Incidents
from audit.outbox import Outbox
from audit.recommendations import Recommendations
from audit.runs import Runs
from tests.conftest import Database as Urls
from tests.fakes.slack_server import SlackServer
from tests.unit.audit.merkle_reference import reference_root

NUMBERED = ("seq", "at")


@dataclass(frozen=True)
class Record:
    """decided: each decision of the newest run. restated: how often a run restates each older one. kinds: its entries."""

    run_id: str
    decided: dict[str, Any]
    restated: list[str]
    kinds: Counter[str]
    incidents: list[tuple[str, str, int]]
    asks: list[tuple[str, str]]
    outbox: dict[str, int]
    shown: list[tuple[str, int]]  # each message in Slack: delivery id of its last writing, edits

    def __sub__(self, other: "Record") -> dict[str, Any]:
        """What differs."""
        return {name: (value, getattr(other, name)) for name, value in vars(self).items() if value != getattr(other, name)}


def read(urls: Urls, slack: SlackServer) -> Record:
    """The record of the newest sealed run. Asserts what holds of every record: no gap, a true root, one decision for each flight.

    `run_resumed` entries are left out, and numbers that move with them.
    """
    database = Database(urls.app)
    try:
        with database.transaction() as connection:
            entries, head = list(ledger.read(connection)), ledger.head(connection)
        assert [entry.seq for entry in entries] == list(range(head.size))
        assert head.root == reference_root([entry.body for entry in entries]).hex()
        sealed = Runs(database).last_sealed()
        assert sealed is not None
        run = [entry for entry in entries if entry.run_id == sealed.run_id]
        subjects = {entry.seq: entry.subject for entry in entries if entry.kind == "campaign_decided"}
        decided = [entry for entry in run if entry.kind == "campaign_decided"]
        restated = sorted(subjects[seq] for entry in run if entry.kind == "decisions_restated" for seq in entry.content["seqs"])
        once = Counter([entry.subject for entry in decided] + restated)
        assert set(once.values()) == {1}, [flight for flight, times in once.items() if times > 1]
        assert len(once) == sealed.summary["campaigns"]
        return Record(
            sealed.run_id, {entry.subject: {name: value for name, value in entry.content.items() if name not in NUMBERED} for entry in decided},
            restated, Counter(entry.kind for entry in run if entry.kind != "run_resumed"),
            [(each.fingerprint, each.state, each.version) for each in Incidents(database).open()],
            sorted((each.flight_id, each.status) for each in Recommendations(database).pending()), Outbox(database).counts(),
            sorted((posted.delivery_id, posted.edits) for posted in slack.messages))
    finally:
        database.close()
