"""What people decide about deliveries: corrections, discards, replays; and which revision judged a run of changes."""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

revision = "0002"
down_revision = "0001"

_NUMBER = sa.BigInteger().with_variant(sa.Integer(), "sqlite")


def upgrade() -> None:
    op.add_column("change_block", sa.Column("revision", sa.Text))
    op.create_index("change_block_delivery", "change_block", ["delivery", "contract"])
    op.create_index("change_block_latest", "change_block", ["contract", "delivery"])
    op.add_column("delivery", sa.Column("replay", sa.Text))
    op.create_table(
        "decision",
        sa.Column("id", _NUMBER, primary_key=True, autoincrement=True),
        sa.Column("delivery", sa.BigInteger, nullable=False),
        sa.Column("document", sa.BigInteger, nullable=False),
        sa.Column("kind", sa.Text, nullable=False),
        sa.Column("start", sa.BigInteger),
        sa.Column("end", sa.BigInteger),
        sa.Column("sha256", sa.Text),
        sa.Column("size", sa.BigInteger),
        sa.Column("at", sa.Text, nullable=False),
        sa.Column("who", sa.Text, nullable=False),
        sa.Column("reason", sa.Text, nullable=False),
    )
    op.create_index("decision_document", "decision", ["delivery", "document", "id"])
    op.create_table(
        "kept",
        sa.Column("delivery", sa.BigInteger, primary_key=True, autoincrement=False),
        sa.Column("contract", sa.Text, primary_key=True),
        sa.Column("record", sa.BigInteger, primary_key=True, autoincrement=False),
    )
