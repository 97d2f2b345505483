"""A pause may be taken back, and one that a person makes is reported."""

from pathlib import Path

from alembic import op

from audit.database import raw

revision = "0011"
down_revision = "0010"


def upgrade() -> None:
    script = Path(__file__).with_suffix(".sql").read_text(encoding="utf-8")
    raw(op.get_bind()).execute(script.encode())  # as one script of many statements: SQLAlchemy takes one at a time
