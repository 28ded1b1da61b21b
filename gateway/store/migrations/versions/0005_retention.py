"""What was purged, and when it is looked at again."""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

revision = "0005"
down_revision = "0004"


def upgrade() -> None:
    for name in ("purged_at", "purged_by", "ended"):
        op.add_column("delivery", sa.Column(name, sa.Text))
    kept = sa.text("purged_at IS NULL")
    op.create_index("delivery_sha256", "delivery", ["sha256"])
    op.create_index(
        "delivery_kept", "delivery", ["integration", "received_at"], sqlite_where=kept, postgresql_where=kept
    )
    op.create_index("decision_sha256", "decision", ["sha256"])
    for name in ("purged_to", "erased_to", "whole_from"):
        op.add_column("contract", sa.Column(name, sa.BigInteger, nullable=False, server_default="0"))
    op.add_column("contract", sa.Column("erased", sa.Text))
    op.create_table(
        "purged_content",
        sa.Column("sha256", sa.Text, primary_key=True),
        sa.Column("at", sa.Text, nullable=False),
        sa.Column("deleted_at", sa.Text),
    )
    left = sa.text("deleted_at IS NULL")
    op.create_index("purged_content_left", "purged_content", ["at"], sqlite_where=left, postgresql_where=left)
    op.create_table(
        "chore",
        sa.Column("name", sa.Text, primary_key=True),
        sa.Column("due", sa.Double, nullable=False),
    )
