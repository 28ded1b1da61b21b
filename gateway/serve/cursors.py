"""Cursors: where a list goes on. Opaque, authenticated, bound to the query they came from; pure.

A cursor is base64url of ``version (1 byte) | MAC (16 bytes) | JSON [query, values]``. `query` is a short hash of what
was asked, so that a cursor of another query is told from one that was changed on the way; the MAC (HMAC-SHA-256, cut
to 128 bits as RFC 2104, 5 allows) covers all of it, so that nobody can make the store compare with values of his own.
"""

from __future__ import annotations

import base64
import binascii
import hashlib
import hmac
import json
from typing import Any

import orjson

from gateway.serve.problems import Flaw, Problem

_VERSION = b"\x01"
_MAC_BYTES = 16
_LENGTH_MAX = 8192


def fingerprint(*parts: object) -> str:
    """A short hash of what was asked; the parts are told apart."""
    return hashlib.sha256(_encoded(parts)).hexdigest()[:16]


def write(secret: bytes, query: str, values: tuple[Any, ...]) -> str:
    """The cursor behind the item with these keyset values (text, whole numbers, floats, None)."""
    payload = _encoded((query, *values))
    return base64.urlsafe_b64encode(_VERSION + _mac(secret, payload) + payload).rstrip(b"=").decode()


def read(secret: bytes, query: str, cursor: str) -> tuple[Any, ...]:
    """The keyset values of a cursor that :func:`write` made for the same query.

    Raises:
        Problem: ``bad_cursor``: it was changed, is of another gateway, or of another query.
    """
    raw = _raw(cursor)
    mac, payload = raw[1 : 1 + _MAC_BYTES], raw[1 + _MAC_BYTES :]
    if raw[:1] != _VERSION or not hmac.compare_digest(mac, _mac(secret, payload)):
        raise _bad("the cursor was changed on the way, or another gateway made it")
    made_for, *values = json.loads(payload)
    if made_for != query:
        raise _bad("the cursor belongs to another query: filters and sort must be those of the page that gave it")
    return tuple(values)


def _raw(cursor: str) -> bytes:
    """The bytes of a cursor, empty where it is not base64url in its one canonical spelling."""
    if len(cursor) > _LENGTH_MAX:
        return b""
    try:
        raw = base64.b64decode(cursor + "=" * (-len(cursor) % 4), altchars=b"-_", validate=True)
    except (binascii.Error, ValueError):
        return b""
    return raw if base64.urlsafe_b64encode(raw).rstrip(b"=").decode() == cursor else b""


def _encoded(parts: tuple[object, ...]) -> bytes:
    try:
        return orjson.dumps(parts, default=str)
    except orjson.JSONEncodeError:  # a whole number of more than 64 bits, which only a legacy table can hold
        return json.dumps(parts, separators=(",", ":"), default=str).encode()


def _mac(secret: bytes, payload: bytes) -> bytes:
    return hmac.digest(secret, b"cursor" + _VERSION + payload, "sha256")[:_MAC_BYTES]


def _bad(detail: str) -> Problem:
    return Problem("bad_cursor", detail, errors=(Flaw("bad_cursor", detail, parameter="cursor"),))
