"""Letters to partners: which are owed, what goes out, and what is late on its way."""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

revision = "0011"
down_revision = "0010"

_NUMBER = sa.BigInteger().with_variant(sa.Integer(), "sqlite")


def upgrade() -> None:
    op.create_table(
        "lettering",
        sa.Column("delivery", sa.BigInteger, primary_key=True, autoincrement=False),
        sa.Column("number", sa.Integer, primary_key=True, autoincrement=False),
        sa.Column("partner", sa.Text, nullable=False),
        sa.Column("revision", sa.Text, nullable=False),
        sa.Column("ended", sa.Text, nullable=False),
        sa.Column("documents", sa.Text, nullable=False),
        sa.Column("owed_at", sa.Text, nullable=False),
        sa.Column("state", sa.Text, nullable=False),
        sa.Column("due", sa.Double),
        sa.Column("owner", sa.Text),
        sa.Column("token", sa.BigInteger, nullable=False, server_default="0"),
        sa.Column("tries", sa.Integer, nullable=False, server_default="0"),
        sa.Column("problem", sa.Text),
        sa.Column("late", sa.Integer, nullable=False, server_default="0"),
    )
    op.create_index("lettering_due", "lettering", ["due"])
    op.create_table(
        "letter",
        sa.Column("id", _NUMBER, primary_key=True, autoincrement=True),
        sa.Column("delivery", sa.BigInteger, nullable=False),
        sa.Column("number", sa.Integer, nullable=False),
        sa.Column("kind", sa.Text, nullable=False),
        sa.Column("partner", sa.Text, nullable=False),
        sa.Column("name", sa.Text, nullable=False),
        sa.Column("content", sa.LargeBinary, nullable=False),
        sa.Column("state", sa.Text, nullable=False),
        sa.Column("built_at", sa.Text, nullable=False),
        sa.Column("sent_at", sa.Text),
        sa.Column("due", sa.Double),
        sa.Column("owner", sa.Text),
        sa.Column("token", sa.BigInteger, nullable=False, server_default="0"),
        sa.Column("tries", sa.Integer, nullable=False, server_default="0"),
        sa.Column("staged", sa.BigInteger),
        sa.Column("problem", sa.Text),
        sa.Column("late", sa.Integer, nullable=False, server_default="0"),
    )
    op.create_index("letter_delivery", "letter", ["delivery", "number", "kind"], unique=True)
    op.create_index("letter_due", "letter", ["due"])
    for table in ("answering", "acknowledgment"):
        op.add_column(table, sa.Column("late", sa.Integer, nullable=False, server_default="0"))
