"""Tokens that are got for a key (OAuth 2.0 client credentials, RFC 6749, 4.4): short-lived, and worth what the key is.

A token names its key and is signed by a secret that all machines on one store share. The key is looked up whenever the
token is used, so that whoever revokes the key ends its tokens. For clients it is any text (RFC 6749, 1.4); it is
``gwt_``, base64url of ``[key, expires, scopes]`` in JSON, a dot, and base64url of its HMAC-SHA-256.
"""

from __future__ import annotations

import base64
import binascii
import hashlib
import hmac
import json
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING

from gateway.serve.auth.callers import Caller, Credential, refused
from gateway.serve.auth.keys import caller_of
from gateway.store import keys

if TYPE_CHECKING:
    from datetime import datetime

    from sqlalchemy import Connection

    from gateway.serve.problems import Problem

PREFIX = "gwt_"
_LENGTH_MAX = 4096


@dataclass(frozen=True, slots=True)
class Grant:
    """What a token says: of which key it is, until when (seconds since 1970), which of its scopes; None: all."""

    key: str
    expires: int
    scopes: tuple[str, ...] | None


def issued(secret: bytes, grant: Grant) -> str:
    """The token."""
    body = json.dumps([grant.key, grant.expires, grant.scopes], separators=(",", ":")).encode()
    return f"{PREFIX}{_encoded(body)}.{_encoded(_mac(secret, body))}"


def read(secret: bytes, token: str) -> Grant:
    """What a token says, if we made it.

    Raises:
        Problem: ``key_refused``.
    """
    body, _, mac = token.removeprefix(PREFIX)[:_LENGTH_MAX].partition(".")
    try:
        raw, proof = _decoded(body), _decoded(mac)
    except (binascii.Error, ValueError) as error:
        raise _strange() from error
    if not hmac.compare_digest(proof, _mac(secret, raw)):
        raise _strange()
    key, expires, scopes = json.loads(raw)
    return Grant(key, expires, None if scopes is None else tuple(scopes))


def _strange() -> Problem:
    return refused(
        "the token is not one of ours", "Check that the whole token was sent, or get another at /api/v1/token."
    )


def caller(connection: Connection, secret: bytes, token: str, now: datetime) -> Caller:
    """Who sent this token: the client whose key it names, with those of the key's scopes that were asked for.

    Raises:
        Problem: ``key_refused``: it is not ours or over, or so is its key.
    """
    grant = read(secret, token)
    if grant.expires <= now.timestamp():
        raise refused("the token has expired", "Get another one at /api/v1/token.")
    whole = caller_of(keys.get(connection, grant.key), now, Credential("token", token))
    if grant.scopes is None:
        return whole
    return replace(whole, scopes=tuple(each for each in grant.scopes if whole.may(each)))


def secret_of(root: bytes) -> bytes:
    """The secret of tokens, from one that is used for other things as well."""
    return hmac.digest(root, b"access tokens", "sha256")


def _mac(secret: bytes, body: bytes) -> bytes:
    return hmac.digest(secret, b"token\x01" + body, hashlib.sha256)


def _encoded(raw: bytes) -> str:
    return base64.urlsafe_b64encode(raw).rstrip(b"=").decode()


def _decoded(text: str) -> bytes:
    return base64.b64decode(text + "=" * (-len(text) % 4), altchars=b"-_", validate=True)
