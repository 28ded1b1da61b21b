"""Trials: files, and deliveries, that are judged without touching any record."""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

revision = "0010"
down_revision = "0009"


def upgrade() -> None:
    op.create_table(
        "trial",
        sa.Column("id", sa.Text, primary_key=True),
        sa.Column("lane", sa.Text, nullable=False),
        sa.Column("partner", sa.Text),
        sa.Column("source", sa.Text, nullable=False),
        sa.Column("integration", sa.Text),
        sa.Column("name", sa.Text, nullable=False),
        sa.Column("sha256", sa.Text),
        sa.Column("size", sa.BigInteger, nullable=False),
        sa.Column("whole", sa.Integer),
        sa.Column("delivery", sa.Text),
        sa.Column("how", sa.Text),
        sa.Column("asked_at", sa.Text, nullable=False),
        sa.Column("state", sa.Text, nullable=False),
        sa.Column("result", sa.Text),
        sa.Column("finished_at", sa.Text),
        sa.Column("told_at", sa.Text),
        sa.Column("due", sa.Double),
        sa.Column("owner", sa.Text),
        sa.Column("token", sa.BigInteger, nullable=False, server_default="0"),
        sa.Column("tries", sa.Integer, nullable=False, server_default="0"),
        sa.Column("problem", sa.Text),
    )
    op.create_index("trial_due", "trial", ["due"])
    op.create_index("trial_sha256", "trial", ["sha256"])
    op.create_index("trial_asked", "trial", ["asked_at"])
    only = sa.text("lane = 'drop' AND told_at IS NULL")
    op.create_index("trial_told", "trial", ["state"], sqlite_where=only, postgresql_where=only)
