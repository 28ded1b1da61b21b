"""What partners are answered: acknowledgments, and the control numbers that were given out."""

from __future__ import annotations

revision = "0004"
down_revision = "0003"


def upgrade() -> None:
    pass
