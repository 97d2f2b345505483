"""Answers: who pressed what, what stands because of it, and the whole life of a recommendation."""

from pathlib import Path

from alembic import op

from audit.database import raw

revision = "0002"
down_revision = "0001"


def upgrade() -> None:
    script = Path(__file__).with_suffix(".sql").read_text(encoding="utf-8")
    raw(op.get_bind()).execute(script.encode())  # as one script of many statements: SQLAlchemy takes one at a time
