"""An issuer's public keys (RFC 7517): fetched, kept, fetched again when a token names one that is not known.

Keys are asked for anew every five minutes, so that one that was withdrawn is soon refused, and at once for a key that
is not among them, so that one that is new is soon taken; but no more often than every half minute, however many tokens
with invented names of keys come in. While the issuer does not answer, the keys at hand count for an hour.
"""

from __future__ import annotations

import json
import logging
import threading
import urllib.request
from datetime import timedelta
from typing import TYPE_CHECKING, Any

import jwt
from jwt.exceptions import PyJWTError

from gateway.serve.problems import Problem

if TYPE_CHECKING:
    from collections.abc import Callable
    from datetime import datetime

_log = logging.getLogger(__name__)

FRESH = timedelta(minutes=5)
"""So old may keys be before they are fetched again."""
STALE = timedelta(hours=1)
"""So old may they become while the issuer does not answer."""
PAUSE = timedelta(seconds=30)
"""So long it is waited before the issuer is asked again, whether it answered or not."""

_BYTES_MAX = 256 * 1024
_KEYS_MAX = 100
_TIMEOUT_SECONDS = 5.0
_RSA_BITS_MIN = 2048
"""RFC 7518, 3.3 and 3.5."""
_KINDS = {"RS": "RSA", "PS": "RSA", "ES": "EC", "Ed": "OKP"}
_CURVES = {"ES256": "P-256", "ES384": "P-384", "ES512": "P-521"}


class _NoRedirects(urllib.request.HTTPRedirectHandler):
    """Keys come from the address that was configured, and from no other."""

    def redirect_request(self, *_: Any, **__: Any) -> None:
        """None makes an error of it."""


_OPENER = urllib.request.build_opener(_NoRedirects)


def fetched(url: str) -> bytes:
    """The body at a URL.

    Raises:
        OSError: it cannot be had.
    """
    with _OPENER.open(url, timeout=_TIMEOUT_SECONDS) as answer:
        body: bytes = answer.read(_BYTES_MAX + 1)
    if len(body) > _BYTES_MAX:
        raise OSError(f"{url} has more than {_BYTES_MAX} bytes")
    return body


class KeySet:
    """The public keys of one issuer, for as long as the process runs; `jwks` None: discovery says where they are."""

    def __init__(self, issuer: str, jwks: str | None, fetch: Callable[[str], bytes] = fetched) -> None:
        self._issuer = issuer
        self._jwks = jwks
        self._fetch = fetch
        self._lock = threading.Lock()
        self._keys: list[dict[str, Any]] | None = None
        self._came: datetime | None = None
        self._asked: datetime | None = None

    def key(self, name: str | None, algorithm: str, now: datetime) -> Any | None:
        """The key that a token names, for its algorithm; None where the issuer has none such.

        Raises:
            Problem: ``issuer_down``: its keys cannot be had, and those at hand are too old.
        """
        if self._came is None or now - self._came >= FRESH:
            self._refresh(now)
        found = self._found(name, algorithm, now)
        if found is None and self._refresh(now):
            found = self._found(name, algorithm, now)
        return found

    def _found(self, name: str | None, algorithm: str, now: datetime) -> Any | None:
        if self._keys is None or self._came is None or now - self._came >= STALE:
            raise Problem(
                "issuer_down",
                f"the keys of {self._issuer} cannot be had, by which its tokens are checked",
                headers={"Retry-After": str(int(PAUSE.total_seconds()))},
            )
        fitting = [each for each in self._keys if _fits(each, name, algorithm)]
        return _read(fitting[0], algorithm) if len(fitting) == 1 else None

    def _refresh(self, now: datetime) -> bool:
        """Ask for the keys anew, unless that was done just now; whether they came."""
        if self._asked is not None and timedelta() <= now - self._asked < PAUSE:
            return False
        # Who has keys goes on with them while another thread asks.
        if not self._lock.acquire(blocking=self._keys is None):
            return False
        try:
            if self._asked is not None and timedelta() <= now - self._asked < PAUSE:
                return self._keys is not None
            self._asked = now
            self._keys, self._came = self._published(), now
        except (OSError, ValueError) as error:
            _log.warning("the keys of %s cannot be had: %s", self._issuer, error)
            return False
        finally:
            self._lock.release()
        return True

    def _published(self) -> list[dict[str, Any]]:
        """The keys as the issuer publishes them (RFC 7517, 5)."""
        keys = _object(self._fetch(self._jwks or self._discovered())).get("keys")
        if not isinstance(keys, list) or len(keys) > _KEYS_MAX:
            raise ValueError(f"there is no list of at most {_KEYS_MAX} keys in what it publishes")
        return [each for each in keys if isinstance(each, dict) and each.get("use", "sig") == "sig"]

    def _discovered(self) -> str:
        """Where the discovery document says that the keys are (OpenID Connect Discovery 1.0, 4)."""
        document = _object(self._fetch(self._issuer.rstrip("/") + "/.well-known/openid-configuration"))
        address = document.get("jwks_uri")
        if document.get("issuer") != self._issuer:
            raise ValueError(f"its discovery document is that of {str(document.get('issuer'))[:200]!r}")
        safe = "https://" if self._issuer.startswith("https://") else "http://"
        if not isinstance(address, str) or not address.startswith(safe):
            raise ValueError("its discovery document does not say where its keys are, or no safe place")
        return address


def _object(body: bytes) -> dict[str, Any]:
    try:
        value = json.loads(body)
    except RecursionError as error:
        raise ValueError("what it publishes is nested too deeply") from error
    if not isinstance(value, dict):
        raise ValueError("what it publishes is no JSON object")  # noqa: TRY004 - bad input, as above
    return value


def _fits(key: dict[str, Any], name: str | None, algorithm: str) -> bool:
    """Whether a key is the one that is named, and one for the algorithm: its kind must be that of the signature."""
    return (
        (name is None or key.get("kid") == name)
        and key.get("kty") == _KINDS[algorithm[:2]]
        and key.get("alg", algorithm) == algorithm
        and key.get("crv") == _CURVES.get(algorithm, key.get("crv"))
    )


def _read(key: dict[str, Any], algorithm: str) -> Any | None:
    """The key as it verifies; None where it is none, or too short to be one."""
    public = {name: value for name, value in key.items() if name in ("kty", "n", "e", "crv", "x", "y")}
    try:
        read: Any = jwt.get_algorithm_by_name(algorithm).from_jwk(public)
    except (PyJWTError, ValueError, TypeError):
        return None
    return None if getattr(read, "key_size", _RSA_BITS_MIN) < _RSA_BITS_MIN and key["kty"] == "RSA" else read
