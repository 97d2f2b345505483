"""What is learned from answers cites them."""

from pathlib import Path

from alembic import op

from audit.database import raw

revision = "0009"
down_revision = "0008"


def upgrade() -> None:
    script = Path(__file__).with_suffix(".sql").read_text(encoding="utf-8")
    raw(op.get_bind()).execute(script.encode())  # as one script of many statements: SQLAlchemy takes one at a time
