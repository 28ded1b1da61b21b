"""The trials of a partner are asked of an index: the rows hold what came out, which may be megabytes of each."""

from __future__ import annotations

from alembic import op

revision = "0015"
down_revision = "0014"


def upgrade() -> None:
    op.create_index("trial_partner", "trial", ["partner", "id"])
