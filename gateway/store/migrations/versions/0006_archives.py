"""The members of deliveries that are archives; secrets that the machines of one gateway share."""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

revision = "0006"
down_revision = "0005"


def upgrade() -> None:
    op.add_column("delivery", sa.Column("archive", sa.Text))
    op.create_table(
        "member",
        sa.Column("delivery", sa.BigInteger, primary_key=True, autoincrement=False),
        sa.Column("number", sa.Integer, primary_key=True, autoincrement=False),
        sa.Column("name", sa.Text, nullable=False),
        sa.Column("sha256", sa.Text),
        sa.Column("size", sa.BigInteger, nullable=False),
        sa.Column("start", sa.BigInteger, nullable=False),
        sa.Column("code", sa.Text),
    )
    op.create_index("member_start", "member", ["delivery", "start"])
    op.create_index("member_sha256", "member", ["sha256"])
    op.create_table(
        "shared_secret",
        sa.Column("name", sa.Text, primary_key=True),
        sa.Column("value", sa.LargeBinary, nullable=False),
        sa.Column("made_at", sa.Text, nullable=False),
    )
