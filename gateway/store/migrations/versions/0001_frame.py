"""The first shape: deliveries, documents, findings, contracts, changes, activity, revisions, sources, keys."""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

revision = "0001"
down_revision = None

_NUMBER = sa.BigInteger().with_variant(sa.Integer(), "sqlite")


def upgrade() -> None:
    op.create_table(
        "delivery",
        sa.Column("number", _NUMBER, primary_key=True, autoincrement=True),
        sa.Column("id", sa.Text, nullable=False, unique=True),
        sa.Column("arrival", sa.Text, unique=True),
        sa.Column("state", sa.Text, nullable=False),
        sa.Column("source", sa.Text, nullable=False),
        sa.Column("name", sa.Text, nullable=False),
        sa.Column("partner", sa.Text),
        sa.Column("integration", sa.Text),
        sa.Column("lane", sa.Text, nullable=False),
        sa.Column("sha256", sa.Text, nullable=False),
        sa.Column("size", sa.BigInteger, nullable=False),
        sa.Column("whole", sa.Integer),
        sa.Column("received_at", sa.Text, nullable=False),
        sa.Column("finished_at", sa.Text),
        sa.Column("revision", sa.Text),
        sa.Column("twin", sa.Text),
        sa.Column("documents", sa.Text, nullable=False, server_default="{}"),
        sa.Column("due", sa.Double),
        sa.Column("owner", sa.Text),
        sa.Column("token", sa.BigInteger, nullable=False, server_default="0"),
        sa.Column("tries", sa.Integer, nullable=False, server_default="0"),
    )
    op.create_index("delivery_due", "delivery", ["due"])
    is_open = sa.text("due IS NOT NULL")
    op.create_index("delivery_open", "delivery", ["lane", "number"], sqlite_where=is_open, postgresql_where=is_open)
    op.create_index("delivery_integration", "delivery", ["integration", "partner", "number"])
    op.create_index("delivery_state", "delivery", ["state", "number"])
    op.create_table(
        "document",
        sa.Column("delivery", sa.BigInteger, primary_key=True),
        sa.Column("number", sa.BigInteger, primary_key=True),
        sa.Column("id", sa.Text, nullable=False, unique=True),
        sa.Column("state", sa.Text, nullable=False),
        sa.Column("integration", sa.Text),
        sa.Column("contract", sa.Text),
        sa.Column("start", sa.BigInteger, nullable=False),
        sa.Column("end", sa.BigInteger, nullable=False),
        sa.Column("held_at", sa.Text, nullable=False),
        sa.Column("retry", sa.Integer, nullable=False, server_default="0"),
        sa.Column("reason", sa.Text),
        sa.Column("who", sa.Text),
    )
    op.create_index("document_state", "document", ["state", "id"])
    op.create_table(
        "finding",
        sa.Column("id", _NUMBER, primary_key=True, autoincrement=True),
        sa.Column("delivery", sa.BigInteger, nullable=False),
        sa.Column("document", sa.BigInteger),
        sa.Column("code", sa.Text, nullable=False),
        sa.Column("severity", sa.Text, nullable=False),
        sa.Column("message", sa.Text, nullable=False),
        sa.Column("remedy", sa.Text, nullable=False),
        sa.Column("start", sa.BigInteger),
        sa.Column("end", sa.BigInteger),
        sa.Column("line", sa.BigInteger),
        sa.Column("segment", sa.BigInteger),
        sa.Column("tag", sa.Text),
        sa.Column("element", sa.Integer),
        sa.Column("component", sa.Integer),
        sa.Column("column_name", sa.Text),
        sa.Column("target", sa.Text),
        sa.Column("value", sa.Text),
    )
    op.create_index("finding_delivery", "finding", ["delivery", "document"])
    op.create_index("finding_code", "finding", ["code"])
    op.create_table(
        "contract",
        sa.Column("id", sa.Text, primary_key=True),
        sa.Column("records", sa.Text, nullable=False),
        sa.Column("columns", sa.Text, nullable=False),
        sa.Column("next_id", sa.BigInteger, nullable=False, server_default="1"),
        sa.Column("last_seq", sa.BigInteger, nullable=False, server_default="0"),
        sa.Column("staging", sa.BigInteger),
        sa.Column("staged_from", sa.BigInteger),
        sa.Column("offset", sa.BigInteger),
    )
    op.create_table(
        "change_block",
        sa.Column("first_seq", sa.BigInteger, primary_key=True, autoincrement=False),
        sa.Column("last_seq", sa.BigInteger, nullable=False),
        sa.Column("contract", sa.Text, nullable=False),
        sa.Column("delivery", sa.BigInteger, nullable=False),
        sa.Column("first_id", sa.BigInteger, nullable=False),
        sa.Column("at", sa.Text, nullable=False),
    )
    op.create_index("change_block_contract", "change_block", ["contract", "first_id"])
    op.create_table(
        "counter",
        sa.Column("name", sa.Text, primary_key=True),
        sa.Column("value", sa.BigInteger, nullable=False),
    )
    op.execute("INSERT INTO counter (name, value) VALUES ('seq', 0)")
    op.create_table(
        "activity",
        sa.Column("id", _NUMBER, primary_key=True, autoincrement=True),
        sa.Column("at", sa.Text, nullable=False),
        sa.Column("level", sa.Text, nullable=False),
        sa.Column("event", sa.Text, nullable=False),
        sa.Column("integration", sa.Text),
        sa.Column("partner", sa.Text),
        sa.Column("delivery", sa.Text),
        sa.Column("message", sa.Text, nullable=False),
        sa.Column("data", sa.Text, nullable=False),
    )
    op.create_index("activity_delivery", "activity", ["delivery", "id"])
    op.create_index("activity_integration", "activity", ["integration", "id"])
    op.create_table(
        "revision",
        sa.Column("number", _NUMBER, primary_key=True, autoincrement=True),
        sa.Column("revision", sa.Text, nullable=False),
        sa.Column("applied_at", sa.Text, nullable=False),
        sa.Column("files", sa.Text, nullable=False),
    )
    op.create_index("revision_name", "revision", ["revision"])
    op.create_table(
        "source",
        sa.Column("name", sa.Text, primary_key=True),
        sa.Column("position", sa.Text),
        sa.Column("due", sa.Double, nullable=False),
        sa.Column("owner", sa.Text),
        sa.Column("token", sa.BigInteger, nullable=False, server_default="0"),
        sa.Column("problem", sa.Text),
        sa.Column("read_at", sa.Text),
    )
    op.create_table(
        "api_key",
        sa.Column("id", sa.Text, primary_key=True),
        sa.Column("name", sa.Text, nullable=False),
        sa.Column("sha256", sa.Text, nullable=False, unique=True),
        sa.Column("scopes", sa.Text, nullable=False),
        sa.Column("created_at", sa.Text, nullable=False),
        sa.Column("expires_at", sa.Text),
        sa.Column("revoked_at", sa.Text),
    )
    op.create_table(
        "idempotency",
        sa.Column("client", sa.Text, nullable=False),
        sa.Column("key", sa.Text, nullable=False),
        sa.Column("fingerprint", sa.Text, nullable=False),
        sa.Column("status", sa.Integer),
        sa.Column("body", sa.Text),
        sa.Column("headers", sa.Text),
        sa.Column("at", sa.Text, nullable=False),
        sa.UniqueConstraint("client", "key"),
    )
