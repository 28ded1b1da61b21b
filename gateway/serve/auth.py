"""Who asks, and what they may: API keys and scopes.

A key is a random token that the store knows by its SHA-256 alone. It is looked up at every request, so that a
revocation counts at once. Scopes are ``resource:verb``:

    orders:read   quarantine:write   *:read   orders:*   admin (everything)
"""

from __future__ import annotations

import hashlib
from dataclasses import dataclass
from typing import TYPE_CHECKING

from gateway.serve.problems import Problem
from gateway.store import keys

if TYPE_CHECKING:
    from collections.abc import Mapping
    from datetime import datetime

    from sqlalchemy import Connection

_CHALLENGE = 'Bearer realm="gateway"'


@dataclass(frozen=True, slots=True)
class Caller:
    """Who asks: the key's id and name, and its scopes."""

    id: str
    name: str
    scopes: tuple[str, ...]

    def may(self, scope: str) -> bool:
        """Whether one of the scopes covers `scope`, as in ``orders:read``."""
        resource, _, verb = scope.partition(":")
        return any(mine in ("admin", scope, f"*:{verb}", f"{resource}:*", "*:*") for mine in self.scopes)

    def needs(self, *scopes: str) -> None:
        """Refuse unless one of `scopes` is covered.

        Raises:
            Problem: ``scope_missing``, with the first one's name.
        """
        if not any(self.may(scope) for scope in scopes):
            raise Problem(
                "scope_missing",
                f"the key {self.name!r} lacks the scope {scopes[0]}",
                headers={"WWW-Authenticate": f'{_CHALLENGE}, error="insufficient_scope", scope="{scopes[0]}"'},
            )


NOBODY = Caller("", "", ())
"""Who sent no key."""


def token_of(headers: Mapping[str, str]) -> str | None:
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
            raise _refused("the Authorization header is not of the form: Bearer <key>", error="invalid_request")
    if token is not None and plain is not None and token != plain:
        raise _refused("Authorization and X-Api-Key hold different keys; send one", error="invalid_request")
    return token if token is not None else plain


def caller(connection: Connection, token: str | None, now: datetime) -> Caller:
    """Who sent this token; :data:`NOBODY` without one.

    Raises:
        Problem: ``key_refused`` when it is unknown, expired or revoked.
    """
    if token is None:
        return NOBODY
    key = keys.find(connection, hashlib.sha256(token.encode("utf-8", "surrogateescape")).hexdigest())
    if key is None:
        raise _refused("the key is not known here")
    if key.revoked_at is not None:
        raise _refused(f"the key {key.name!r} was revoked on {key.revoked_at:%Y-%m-%d}")
    if key.expires_at is not None and key.expires_at <= now:
        raise _refused(f"the key {key.name!r} expired on {key.expires_at:%Y-%m-%d}")
    return Caller(key.id, key.name, key.scopes)


def key_missing() -> Problem:
    """The answer to a request without a key where one is needed."""
    return Problem("key_missing", headers={"WWW-Authenticate": _CHALLENGE})


def _refused(detail: str, *, error: str = "invalid_token") -> Problem:
    return Problem("key_refused", detail, headers={"WWW-Authenticate": f'{_CHALLENGE}, error="{error}"'})
