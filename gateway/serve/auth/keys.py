"""API keys: random tokens that the store knows by their SHA-256 alone.

A key is looked up at every request, so that a revocation counts at once on every machine. The hot lane spares the
look-up: it reads the number of changes to keys (``gateway.store.keys.VERSION``) beside the records, and remembers keys
for as long as that stays the same.
"""

from __future__ import annotations

import hashlib
from typing import TYPE_CHECKING

from gateway.serve.auth.callers import NOBODY, Caller, Credential, refused
from gateway.store import keys

if TYPE_CHECKING:
    from datetime import datetime

    from sqlalchemy import Connection

    from gateway.serve.auth.callers import Headers
    from gateway.store.keys import Key


def token_of(headers: Headers) -> str | None:
    """The key that a request carries, None when there is none.

    Raises:
        Problem: ``key_refused`` when two differ or the Authorization header is of another scheme.
    """
    authorization, plain = headers.get("Authorization"), headers.get("X-Api-Key")
    token = None
    if authorization is not None:
        scheme, _, token = authorization.partition(" ")
        token = token.strip()
        if scheme.lower() != "bearer" or not token:
            raise refused("the Authorization header is not of the form: Bearer <key>", error="invalid_request")
    if token is not None and plain is not None and token != plain:
        raise refused("Authorization and X-Api-Key hold different keys; send one", error="invalid_request")
    return token if token is not None else plain


def caller(connection: Connection, token: str | None, now: datetime) -> Caller:
    """Who sent this key; :data:`NOBODY` without one.

    Raises:
        Problem: ``key_refused`` when it is unknown, expired or revoked.
    """
    if token is None:
        return NOBODY
    return caller_of(keys.find(connection, sha256_of(token)), now, Credential("token", token))


def caller_of(key: Key | None, now: datetime, credential: Credential | None = None) -> Caller:
    """Who a key that was looked up stands for.

    Raises:
        Problem: ``key_refused``.
    """
    if key is None:
        raise refused("the key is not known here")
    if key.revoked_at is not None:
        raise refused(f"the key {key.name!r} was revoked on {key.revoked_at:%Y-%m-%d}")
    if key.expires_at is not None and key.expires_at <= now:
        raise refused(f"the key {key.name!r} expired on {key.expires_at:%Y-%m-%d}")
    return Caller(key.id, key.name, key.scopes, key.partners, credential, f"key {key.name}")


def sha256_of(token: str) -> str:
    """How the store knows a key."""
    return hashlib.sha256(token.encode("utf-8", "surrogateescape")).hexdigest()
