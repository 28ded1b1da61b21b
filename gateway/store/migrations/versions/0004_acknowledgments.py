"""What partners are answered: acknowledgments, and the control numbers that were given out."""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

revision = "0004"
down_revision = "0003"

_NUMBER = sa.BigInteger().with_variant(sa.Integer(), "sqlite")


def upgrade() -> None:
    op.create_table(
        "answering",
        sa.Column("delivery", sa.BigInteger, primary_key=True, autoincrement=False),
        sa.Column("revision", sa.Text, nullable=False),
        sa.Column("twin", sa.BigInteger),
        sa.Column("state", sa.Text, nullable=False),
        sa.Column("due", sa.Double),
        sa.Column("owner", sa.Text),
        sa.Column("token", sa.BigInteger, nullable=False, server_default="0"),
        sa.Column("tries", sa.Integer, nullable=False, server_default="0"),
        sa.Column("problem", sa.Text),
    )
    op.create_index("answering_due", "answering", ["due"])
    op.create_table(
        "acknowledgment",
        sa.Column("id", _NUMBER, primary_key=True, autoincrement=True),
        sa.Column("delivery", sa.BigInteger, nullable=False),
        sa.Column("place", sa.Integer, nullable=False),
        sa.Column("interchange", sa.Integer, nullable=False),
        sa.Column("functional_group", sa.Integer, nullable=False),
        sa.Column("kind", sa.Text, nullable=False),
        sa.Column("standard", sa.Text, nullable=False),
        sa.Column("sender", sa.Text, nullable=False),
        sa.Column("receiver", sa.Text, nullable=False),
        sa.Column("number", sa.BigInteger, nullable=False),
        sa.Column("answers_interchange", sa.Text, nullable=False),
        sa.Column("answers_group", sa.Text),
        sa.Column("disposition", sa.Text, nullable=False),
        sa.Column("included", sa.BigInteger),
        sa.Column("received", sa.BigInteger, nullable=False),
        sa.Column("accepted", sa.BigInteger, nullable=False),
        sa.Column("partner", sa.Text),
        sa.Column("name", sa.Text, nullable=False),
        sa.Column("content", sa.LargeBinary, nullable=False),
        sa.Column("again", sa.Integer, nullable=False),
        sa.Column("state", sa.Text, nullable=False),
        sa.Column("built_at", sa.Text, nullable=False),
        sa.Column("sent_at", sa.Text),
        sa.Column("due", sa.Double),
        sa.Column("owner", sa.Text),
        sa.Column("token", sa.BigInteger, nullable=False, server_default="0"),
        sa.Column("tries", sa.Integer, nullable=False, server_default="0"),
        sa.Column("staged", sa.BigInteger),
        sa.Column("problem", sa.Text),
    )
    first = sa.text("again = 0")
    op.create_index("acknowledgment_delivery", "acknowledgment", ["delivery", "place"], unique=True)
    op.create_index(
        "acknowledgment_number",
        "acknowledgment",
        ["standard", "sender", "receiver", "number"],
        unique=True,
        sqlite_where=first,
        postgresql_where=first,
    )
    op.create_index(
        "acknowledgment_answers", "acknowledgment", ["standard", "receiver", "sender", "answers_interchange"]
    )
    op.create_index("acknowledgment_due", "acknowledgment", ["due"])
    op.create_table(
        "control_number",
        sa.Column("standard", sa.Text, primary_key=True),
        sa.Column("sender", sa.Text, primary_key=True),
        sa.Column("receiver", sa.Text, primary_key=True),
        sa.Column("last", sa.BigInteger, nullable=False),
    )
