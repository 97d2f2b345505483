"""Bodies are stored as they are: compressing one took the server longer than all else that an append does."""

from alembic import op

from audit.database import raw

revision = "0006"
down_revision = "0005"

SCRIPT = b"""
    DO $$
    DECLARE part regclass;
    BEGIN
        ALTER TABLE pacing.ledger_entries ALTER COLUMN body SET STORAGE EXTERNAL;  -- later partitions are made like it
        FOR part IN SELECT inhrelid FROM pg_inherits WHERE inhparent = 'pacing.ledger_entries'::regclass LOOP
            EXECUTE format('ALTER TABLE %s ALTER COLUMN body SET STORAGE EXTERNAL', part);
        END LOOP;
    END $$;
"""


def upgrade() -> None:
    raw(op.get_bind()).execute(SCRIPT)
