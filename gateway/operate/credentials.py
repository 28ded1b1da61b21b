"""Credentials that we make: API keys are 256 random bits, shown once and kept as their SHA-256."""

from __future__ import annotations

import hashlib
import secrets
from typing import TYPE_CHECKING

from gateway.store import keys

if TYPE_CHECKING:
    from datetime import datetime

    from gateway.operate.wiring import Gateway


def make_key(gateway: Gateway, name: str, scopes: tuple[str, ...], *, expires_at: datetime | None = None) -> str:
    """Keep a new API key and return its token."""
    token = f"gw_{secrets.token_urlsafe(32)}"
    with gateway.database.write() as transaction:
        keys.add(
            transaction,
            id=gateway.ids.new("key"),
            name=name,
            sha256_hex=hashlib.sha256(token.encode()).hexdigest(),
            scopes=scopes,
            expires_at=expires_at,
        )
    return token
