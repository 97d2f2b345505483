"""A record of three sealed runs with its anchors, and what a superuser may do to it: every class of tampering as statements."""

from dataclasses import dataclass
from datetime import UTC, datetime, timedelta

import orjson
import pandas as pd
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey
from sqlalchemy import text

from audit import ledger, tables
from audit.anchors import AnchorStore, anchor
from audit.checkpoint import ORIGIN, Signer
from audit.ledger import Entry
from audit.merkle import Frontier, leaf_hash
from audit.observations import Observations
from audit.policies import Policies
from audit.runs import Opening, Runs
from audit.seal import Seal
from audit.verify import Note, verify
from pacing_brain.policy import Policy

KEY = Ed25519PrivateKey.from_private_bytes(bytes(32))
OTHER_KEY = Ed25519PrivateKey.from_private_bytes(bytes([9]) * 32)
FIRST_WINDOW = datetime(2026, 5, 21, 0, tzinfo=UTC)
LIMIT = timedelta(hours=24)


@dataclass
class Record:
    """The database as its application and as its superuser, the anchors' directory, and the size at each seal."""

    database: object
    admin: object
    store: AnchorStore
    sizes: list[int]

    @property
    def signer(self):
        with self.database.transaction() as connection:
            return Signer(ORIGIN.format(ledger_id=ledger.head(connection).ledger_id), KEY)

    def notes(self):
        return [Note(path.name, path.read_text()) for path in self.store.files()]

    def verify(self, notes=None, signer=None, now=None, limit=LIMIT):
        return verify(self.database, self.notes() if notes is None else notes, [(signer or self.signer).verifier], now=now or datetime.now(UTC),
                      max_age=limit)

    def force(self, *statements, **values):
        """As the superuser, past every trigger and constraint."""
        with self.admin.transaction() as connection:
            for table in (*tables.APPEND_ONLY, tables.ledger_head, tables.runs, tables.recommendations):
                connection.execute(text(f"ALTER TABLE pacing.{table.name} DISABLE TRIGGER ALL"))
            for statement in statements:
                connection.execute(text(statement), values)

    def rehash(self):
        """What a careful forger does last: leaves from bodies, and a head that fits."""
        with self.admin.transaction() as connection:
            rows = connection.execute(text("SELECT seq, body FROM pacing.ledger_entries ORDER BY seq")).all()
            tree = Frontier()
            for seq, body in rows:
                tree.append(leaf_hash(bytes(body)))
                connection.execute(text("UPDATE pacing.ledger_entries SET leaf = :leaf WHERE seq = :seq"), {"leaf": leaf_hash(bytes(body)), "seq": seq})
            connection.execute(text("UPDATE pacing.ledger_head SET size = :size, frontier = :frontier"), {"size": tree.size, "frontier": tree.to_bytes()})

    def body(self, seq, /, **changes):
        """The bytes of an entry with some of its words changed."""
        with self.database.transaction() as connection:
            found = connection.execute(text("SELECT body FROM pacing.ledger_entries WHERE seq = :seq"), {"seq": seq}).scalar_one()
        return orjson.dumps(orjson.loads(bytes(found)) | changes, option=orjson.OPT_SORT_KEYS)


def build(database, admin, store):
    """Three sealed runs of five decisions each, anchored after each seal, with a click after the second."""
    runs, frames, sizes = Runs(database), Observations(database), []
    Policies(database).adopt(Policy())
    for number in range(3):
        window = FIRST_WINDOW + timedelta(hours=4 * number)
        opening = Opening(window=window, as_of=window, live=True, policy_digest=Policy().digest, code_version="1", spend_source="s", tracker="t")
        with runs.open(opening) as run:
            spend = pd.DataFrame({"campaign": ["a", "b"], "spend_micros": [number, 7]})
            digests = {"spend": frames.keep(run.run_id, "spend", spend)}
            runs.record_shard(run, 0, [Entry("inputs_recorded", run.run_id, {"digests": digests})])
            runs.record_shard(run, 1, [Entry("campaign_decided", f"F{flight}", {"actual_micros": flight * 10}) for flight in range(5)])
            memory = frames.keep(run.run_id, "memory", spend)
            runs.seal(run, Seal(summary={}, frames={"memory": memory}))
        sizes.append(anchor(database, store, KEY).checkpoint.size)
        if number == 1:
            with database.transaction() as connection:
                ledger.append(connection, None, [Entry("recommendation_decided", "R1", {"decision": "approved"})], datetime.now(UTC))
    return Record(database, admin, store, sizes)
