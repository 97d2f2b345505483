"""The ledger in monthly partitions, written through functions of the owner's alone: append, withhold, detach."""

from pathlib import Path

from alembic import op

from audit.database import raw

revision = "0005"
down_revision = "0004"


def upgrade() -> None:
    script = Path(__file__).with_suffix(".sql").read_text(encoding="utf-8")
    raw(op.get_bind()).execute(script.encode())
