"""When a partner was last sent something, and fetched it, is asked of an index: the rows hold what was sent."""

from __future__ import annotations

from alembic import op

revision = "0014"
down_revision = "0013"


def upgrade() -> None:
    op.create_index("acknowledgment_sent", "acknowledgment", ["partner", "sent_at", "collected_at"])
    op.create_index("letter_sent", "letter", ["partner", "sent_at"])
