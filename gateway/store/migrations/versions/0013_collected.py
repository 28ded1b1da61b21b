"""When a partner fetched an answer: its file is found by its name."""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

revision = "0013"
down_revision = "0012"


def upgrade() -> None:
    for table in ("acknowledgment", "letter"):
        op.add_column(table, sa.Column("collected_at", sa.Text))
        op.create_index(f"{table}_file", table, ["partner", "name"])
