"""A ledger that was restored is closed and a new one opened by the owner alone, with an entry that says so."""

from pathlib import Path

from alembic import op

from audit.database import raw

revision = "0008"
down_revision = "0007"


def upgrade() -> None:
    script = Path(__file__).with_suffix(".sql").read_text(encoding="utf-8")
    raw(op.get_bind()).execute(script.encode())
