"""What is asked for often is found by an index: moments, twins, what somebody holds, who did what, what is to go."""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

revision = "0009"
down_revision = "0008"


def upgrade() -> None:
    op.create_index("change_block_at", "change_block", ["contract", "at"])
    op.create_index("audit_action", "audit", ["action", "number"])
    op.create_index("audit_who", "audit", ["who", "number"])
    op.drop_index("purged_content_left")
    _create_index("purged_content_left", "purged_content", ["at", "sha256"], "deleted_at IS NULL")
    _create_index("answering_twin", "answering", ["twin"], "due IS NOT NULL")
    _create_index("delivery_owner", "delivery", ["owner"], "owner IS NOT NULL")


def _create_index(name: str, table: str, columns: list[str], only: str) -> None:
    op.create_index(name, table, columns, sqlite_where=sa.text(only), postgresql_where=sa.text(only))
