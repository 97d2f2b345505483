"""Every policy ever used, in full, by its digest."""

import hashlib

from sqlalchemy import select
from sqlalchemy.dialects.postgresql import insert

from audit import clock, ledger
from audit.database import Database
from audit.tables import policies
from pacing_brain.errors import LedgerError
from pacing_brain.policy import Policy


class Policies:
    def __init__(self, database: Database) -> None:
        self.database = database

    def adopt(self, policy: Policy, run_id: str | None = None) -> bool:
        """Keep the policy's text; a new one is said on the ledger (`policy_adopted`). Whether it was new."""
        with self.database.transaction() as connection:
            at = clock.now(connection)
            row = {"digest": policy.digest, "text": policy.canonical(), "adopted_at": at}
            statement = insert(policies).values(row).on_conflict_do_nothing().returning(policies.c.digest)
            new = connection.execute(statement).first() is not None
            if new:
                ledger.append(connection, run_id, [ledger.Entry("policy_adopted", policy.digest, {"text": policy.canonical()})], at)
            return new

    def get(self, digest: str) -> Policy | None:
        """The policy of a digest, checked against it; none: never adopted.

        Raises:
            LedgerError: the text is not what it was.
        """
        with self.database.transaction() as connection:
            text = connection.execute(select(policies.c.text).where(policies.c.digest == digest)).scalar_one_or_none()
        if text is None:
            return None
        if hashlib.sha256(text.encode()).hexdigest() != digest:
            raise LedgerError(f"the kept text of policy {digest} was changed")
        return Policy.model_validate_json(text)
