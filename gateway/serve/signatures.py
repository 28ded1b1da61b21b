"""Whether a request was signed by who shares a secret with us; pure.

    >>> signature = Signature(("secret:acme/hook",), "X-Hub-Signature-256", prefix="sha256=")
    >>> given = {"X-Hub-Signature-256": "sha256=" + hmac.new(b"key", b"body", "sha256").hexdigest()}
    >>> proof = Proof(signature, given, (b"key",), datetime.now(UTC))
    >>> proof.feed(b"body")
    >>> proof.holds()
    True

The body is fed as it comes, so that its size does not matter. Every signature that was sent is compared with every one
that is expected, in constant time (RFC 2104; ``hmac.compare_digest``).
"""

from __future__ import annotations

import base64
import binascii
import hmac
import re
from datetime import UTC, datetime
from typing import TYPE_CHECKING, Protocol

from gateway.integrations import Signature

if TYPE_CHECKING:
    from collections.abc import Sequence

__all__ = ["Proof", "Signature", "key_of"]

STANDARD_KEY_BYTES = (24, 64)
"""How long the key of a ``whsec_`` secret is (Standard Webhooks 1.0.0, signature scheme)."""

_SECONDS = re.compile(r"[0-9]{1,12}").fullmatch
_MOMENT = re.compile(
    r"[0-9]{4}-[0-9]{2}-[0-9]{2}T[0-9]{2}:[0-9]{2}:[0-9]{2}(?:\.[0-9]{1,6})?(?:Z|[+-][0-9]{2}:[0-9]{2})"
).fullmatch
_HEX = re.compile(r"(?:[0-9A-Fa-f]{2})+").fullmatch
_PLACE = re.compile(r"\{(id|timestamp|body)\}")


class Headers(Protocol):
    """The headers of a request, whatever holds them."""

    def get(self, name: str, /) -> str | None:
        """The value of a header; None where it is not there."""


def key_of(signature: Signature, secret: str) -> bytes:
    """The key that a secret stands for.

    Raises:
        ValueError: it is none. The message does not hold it.
    """
    if not signature.standard:
        if not secret:
            raise ValueError("it is empty, and anybody could sign with that")
        return secret.encode()
    if not secret.startswith("whsec_"):
        raise ValueError("it does not begin with whsec_")
    try:
        key = base64.b64decode(secret.removeprefix("whsec_").encode("ascii"), validate=True)
    except (binascii.Error, UnicodeEncodeError):
        raise ValueError("what follows whsec_ is not base64") from None
    low, high = STANDARD_KEY_BYTES
    if not low <= len(key) <= high:
        raise ValueError(f"its key has {len(key)} bytes, and {low} to {high} are right")
    return key


class Proof:
    """One request, held against a signature: make it, feed the body, ask whether it holds."""

    def __init__(self, signature: Signature, headers: Headers, keys: Sequence[bytes], now: datetime) -> None:
        self._signature = signature
        value = headers.get(signature.header) or ""
        self._sent = _sent(signature, value)
        self.id = headers.get(signature.id) if signature.id is not None else None
        self.timestamp = _timestamp(signature, headers, value)
        self.why = self._missing(value, now)
        """What is wrong, for the operator's log; empty when nothing is."""
        before, _, self._after = signature.signed.partition("{body}")
        self._macs = [hmac.new(key, self._filled(before), signature.algorithm) for key in keys]

    def feed(self, chunk: bytes) -> None:
        """Some more of the body."""
        for mac in self._macs:
            mac.update(chunk)

    def holds(self) -> bool:
        """Whether the request was signed; all of the body has been fed."""
        after = self._filled(self._after)
        for mac in self._macs:
            mac.update(after)
        expected = [mac.digest() for mac in self._macs]
        alike = [hmac.compare_digest(one, other) for one in expected for other in self._sent]
        if not any(alike):
            self.why = self.why or "the signature is another"
        return not self.why

    def _filled(self, text: str) -> bytes:
        given = {"id": self.id or "", "timestamp": self.timestamp or ""}
        return _PLACE.sub(lambda match: given[match[1]], text).encode("latin-1", "replace")

    def _missing(self, value: str, now: datetime) -> str:
        signature = self._signature
        if not value:
            return f"the header {signature.header} is missing"
        if not self._sent:
            return f"the header {signature.header} holds no signature of the form that is expected"
        if "{id}" in signature.signed:
            if not self.id:
                return f"the header {signature.id} is missing"
            # Else a part of the id could be taken for a part of what follows it.
            if any(each and each in self.id for each in _PLACE.sub("\0", signature.signed).split("\0")):
                return f"the header {signature.id} holds what separates it from what follows"
        if "{timestamp}" in signature.signed:
            return self._off(now)
        return ""

    def _off(self, now: datetime) -> str:
        moment = _moment(self.timestamp or "")
        if moment is None:
            return "the time of sending is missing, or none"
        off = (now - moment).total_seconds()
        if abs(off) > self._signature.tolerance_seconds:
            return f"the time of sending is {abs(off):.0f} s {'ago' if off > 0 else 'ahead'}"
        return ""


def _sent(signature: Signature, value: str) -> list[bytes]:
    """The signatures that a header holds, as bytes."""
    if signature.part is not None:
        words = [each for name, each in _parts(value) if name == signature.part]
    else:
        words = value.split()
    cut = [word.removeprefix(signature.prefix) for word in words if word.startswith(signature.prefix)]
    return [raw for raw in (_decoded(word, signature.encoding) for word in cut) if raw]


def _parts(value: str) -> list[tuple[str, str]]:
    """``t=1,v1=ab`` as pairs; some write semicolons."""
    pairs = (part.strip().partition("=") for part in re.split("[,;]", value))
    return [(name.strip(), word.strip()) for name, _, word in pairs]


def _timestamp(signature: Signature, headers: Headers, value: str) -> str | None:
    if signature.timestamp is not None:
        return headers.get(signature.timestamp)
    found = [each for name, each in _parts(value) if name == signature.timestamp_part]
    return found[0] if len(found) == 1 else None


def _moment(text: str) -> datetime | None:
    """Seconds since 1970, or a moment as RFC 3339 writes it."""
    try:
        if _SECONDS(text):
            return datetime.fromtimestamp(int(text), UTC)
        return datetime.fromisoformat(text) if _MOMENT(text) else None
    except (ValueError, OverflowError, OSError):
        return None


def _decoded(word: str, encoding: str) -> bytes:
    """The bytes of a signature; empty where it is none."""
    if encoding == "hex":
        return bytes.fromhex(word) if _HEX(word) else b""
    try:
        return base64.b64decode(word.encode("ascii"), validate=True)
    except (binascii.Error, UnicodeEncodeError):
        return b""
