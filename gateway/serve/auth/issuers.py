"""Tokens of OIDC issuers (JWT: RFC 7519, RFC 9068): who signed them, for whom, until when, and what their claims allow.

Only issuers that gateway.yaml names are heard, only signatures that they alone can make are read (neither ``none`` nor
``HS256``, RFC 8725, 3.1), and a token must say for whom it is.
"""

from __future__ import annotations

import re
import threading
from typing import TYPE_CHECKING, Any

import jwt
from jwt.exceptions import InvalidAudienceError, InvalidSignatureError, PyJWTError

from gateway.serve.auth.callers import Caller, Credential, refused
from gateway.serve.auth.jwks import KeySet, fetched

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence
    from datetime import datetime

    from jwt.types import Options

    from gateway.configuration import Issuer
    from gateway.serve.problems import Problem

LEEWAY_SECONDS = 30
"""So much clocks may differ."""
_REMEDY = "Get another token from its issuer; where that is refused too, the operator knows what is wanted of it."
_TOKEN_MAX = 16 * 1024
_SUBJECT_MAX = 200
_JWT = re.compile(r"[\w-]+\.[\w-]+\.[\w-]*").fullmatch
_SCOPE = re.compile(r"(?!admin:|\*:\*)(?:\*|[a-z][a-z0-9.-]*):(?:\*|[a-z]+)").fullmatch
"""A scope that a token may carry; who is to be admin, or may do everything, is said by `grants` alone."""
_OPTIONS: Options = {
    "require": ["iss", "aud", "exp", "sub"],
    "verify_exp": False,  # held against the clock that the rest of the gateway goes by
    "verify_nbf": False,
    "verify_iat": False,
}


def is_jwt(token: str) -> bool:
    """Whether a token has the form of a signed JWT: three parts of base64url (RFC 7515, 7.1)."""
    return _JWT(token) is not None


class Issuers:
    """The issuers whose tokens are taken, each with its keys, which are kept when another revision names it again."""

    def __init__(self, fetch: Callable[[str], bytes] = fetched) -> None:
        self._fetch = fetch
        self._lock = threading.Lock()
        self._sets: dict[tuple[str, str | None], KeySet] = {}

    def caller(self, issuers: Sequence[Issuer], token: str, now: datetime) -> Caller:
        """Who sent this token.

        Raises:
            Problem: ``key_refused``; ``issuer_down``.
        """
        if len(token) > _TOKEN_MAX:
            raise _refused(f"the token is longer than {_TOKEN_MAX} characters")
        algorithm, name, issuer = _announced(issuers, token)
        key = self._set_of(issuer).key(name, algorithm, now)
        if key is None:
            raise _refused("the token is signed by a key that its issuer does not publish for such signatures")
        return _caller(issuer, _claims(issuer, token, key, algorithm, now), token)

    def _set_of(self, issuer: Issuer) -> KeySet:
        where = (issuer.issuer, issuer.jwks)
        with self._lock:
            if where not in self._sets:
                self._sets[where] = KeySet(*where, self._fetch)
            return self._sets[where]


def _announced(issuers: Sequence[Issuer], token: str) -> tuple[str, str | None, Issuer]:
    """What a token says of its signature, before it is known whether that is true: algorithm, key, issuer."""
    try:
        parts = jwt.decode_complete(token, options={"verify_signature": False})
    except (PyJWTError, ValueError, RecursionError) as error:
        raise _refused("the token is not a JWT that can be read") from error
    header, claims = parts["header"], parts["payload"]
    issuer = next((each for each in issuers if each.issuer == claims.get("iss")), None)
    if issuer is None:
        raise _refused("the token is of an issuer that is not known here")
    if header.get("alg") not in issuer.algorithms:
        raise _refused(f"the token is not signed by one of {', '.join(issuer.algorithms)}")
    if "crit" in header:  # RFC 7515, 4.1.11: what must be understood, and is not
        raise _refused("the token has a header that must be understood, and is not")
    name = header.get("kid")
    return header["alg"], name if isinstance(name, str) else None, issuer


def _claims(issuer: Issuer, token: str, key: Any, algorithm: str, now: datetime) -> dict[str, Any]:
    """The claims of a token, proven."""
    try:
        claims: dict[str, Any] = jwt.decode(
            token, key, [algorithm], options=_OPTIONS, audience=list(issuer.audience), issuer=issuer.issuer
        )
    except InvalidSignatureError as error:
        raise _refused("the signature of the token is not that of its issuer") from error
    except InvalidAudienceError as error:
        ours = " or ".join(issuer.audience)
        remedy = f"Get a token from its issuer that is for the audience {ours}."
        raise _refused(f"the token is not for {ours}", remedy) from error
    except (PyJWTError, ValueError, TypeError) as error:
        raise _refused(
            "the token lacks one of the claims iss, aud, exp and sub, or has another that is none"
        ) from error
    at = now.timestamp()
    if _seconds(claims, "exp") + LEEWAY_SECONDS <= at:
        raise _refused("the token has expired", "Get a new token from its issuer.")
    if "nbf" in claims and _seconds(claims, "nbf") - LEEWAY_SECONDS > at:
        raise _refused("the token is not yet valid", "Send it again later, or correct the clock that is wrong.")
    return claims


def _refused(detail: str, remedy: str = _REMEDY) -> Problem:
    return refused(detail, remedy)


def _seconds(claims: dict[str, Any], name: str) -> float:
    value = claims[name]
    if isinstance(value, bool) or not isinstance(value, int | float):
        raise _refused(f"the claim {name} of the token is no time")
    return float(value)


def _caller(issuer: Issuer, claims: dict[str, Any], token: str) -> Caller:
    subject = claims["sub"]
    if not isinstance(subject, str) or not subject.isprintable() or not 1 <= len(subject) <= _SUBJECT_MAX:
        raise _refused(f"the claim sub of the token is not a name of 1 to {_SUBJECT_MAX} characters")
    name = f"{issuer.name}:{subject}"
    partners = None if issuer.partners is None else tuple(_texts(_claim(claims, issuer.partners)))
    return Caller(f"oidc:{name}", name, _scopes(issuer, claims), partners, Credential("token", token))


def _scopes(issuer: Issuer, claims: dict[str, Any]) -> tuple[str, ...]:
    """What the claims allow: by the grants, where there are any; else those values that are scopes, but never admin."""
    values = _texts(_claim(claims, issuer.scopes))
    if not issuer.grants:
        return tuple(each for each in values if _SCOPE(each))
    granted = dict(issuer.grants)
    return tuple(dict.fromkeys(scope for each in values for scope in granted.get(each, ())))


def _claim(claims: dict[str, Any], name: str) -> Any:
    """A claim by its name; ``realm_access.roles`` is one within another, unless a claim is called so."""
    if name in claims:
        return claims[name]
    value: Any = claims
    for part in name.split("."):
        value = value.get(part) if isinstance(value, dict) else None
    return value


def _texts(value: Any) -> list[str]:
    """The words of a claim: a text with blanks between them (RFC 8693, 4.2), or a list of texts."""
    if isinstance(value, str):
        return value.split()
    return [each for each in value if isinstance(each, str)] if isinstance(value, list) else []
