"""What people were told, and what they asked not to be told: told, silences."""

from pathlib import Path

from alembic import op

from audit.database import raw

revision = "0003"
down_revision = "0002"


def upgrade() -> None:
    script = Path(__file__).with_suffix(".sql").read_text(encoding="utf-8")
    raw(op.get_bind()).execute(script.encode())
