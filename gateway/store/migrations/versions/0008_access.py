"""Keys that are limited to partners; how often keys were changed; deliveries are found by their partner."""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

revision = "0008"
down_revision = "0007"


def upgrade() -> None:
    op.add_column("api_key", sa.Column("partners", sa.Text))
    op.create_index("api_key_name", "api_key", ["name"])
    op.execute("INSERT INTO counter (name, value) VALUES ('keys', 0)")
    op.create_index("delivery_partner", "delivery", ["partner", "number"])
