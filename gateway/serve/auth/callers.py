"""Who asks, and what they may: scopes, partners, personal data; pure."""

from __future__ import annotations

import hashlib
import re
from dataclasses import dataclass, field
from typing import Literal, Protocol

from gateway.serve.problems import Problem

CHALLENGE = 'Bearer realm="gateway"'

_SAYABLE = re.compile(r"[a-z0-9._-]{1,100}:[a-z]{1,20}").fullmatch
_WHOLE = frozenset({"admin", "audit", "tables"})
"""What knows no partners, so that nobody who is limited to some has it: the log of who did what, tables as they are."""


class Headers(Protocol):
    """The headers of a request, whatever holds them."""

    def get(self, name: str, /) -> str | None:
        """The value of a header; None where it is not there."""


@dataclass(frozen=True, slots=True)
class Credential:
    """What a request carries to say who asks: a key or token, or what the proxy saw of a certificate."""

    kind: Literal["token", "certificate"]
    value: str = field(repr=False)


@dataclass(frozen=True, slots=True)
class Caller:
    """Who asks: the client's id and name, its scopes, and the partners whose data it sees (None: all there is)."""

    id: str
    name: str
    scopes: tuple[str, ...]
    partners: tuple[str, ...] | None = None
    credential: Credential | None = field(default=None, compare=False, repr=False)
    client: str = ""
    """What all the keys of one client have in common; empty: the id."""

    @property
    def bucket(self) -> str:
        """Whose requests are counted together: a client has no more of them by having two keys."""
        return self.client or self.id

    def may(self, scope: str) -> bool:
        """Whether one of the scopes covers `scope`, as in ``orders:read``.

        What covers a resource covers its parts: ``tables:read`` also ``tables.erp:read``, one connection's tables.
        """
        resource, _, verb = scope.partition(":")
        whole = resource.partition(".")[0]
        if self.partners is not None and whole in _WHOLE:
            return False
        covering = ("admin", scope, f"*:{verb}", f"{resource}:*", "*:*", f"{whole}:{verb}", f"{whole}:*")
        return any(mine in covering for mine in self.scopes)

    def may_some(self, scope: str) -> bool:
        """Whether one of the scopes covers `scope`, or a part of it: ``tables.erp:read`` of ``tables:read``."""
        resource, _, verb = scope.partition(":")
        if self.partners is not None and resource in _WHOLE:
            return False
        own = (mine.partition(":") for mine in self.scopes)
        return self.may(scope) or any(of.startswith(f"{resource}.") and to in (verb, "*") for of, _, to in own)

    def may_see_personal(self, collection: str) -> bool:
        """Whether fields marked ``pii`` are shown of this collection: the scope ``orders:personal``."""
        return self.may(f"{collection}:personal")

    def may_see(self, partner: str | None) -> bool:
        """Whether what belongs to this partner (None: to none that is known) may be seen."""
        return self.partners is None or partner in self.partners

    @property
    def sees(self) -> str:
        """What tells apart callers who see different partners' data, for cursors and entity tags; empty: all of it."""
        if self.partners is None:
            return ""
        return hashlib.sha256("\n".join(sorted(self.partners)).encode()).hexdigest()[:12]

    @property
    def view(self) -> tuple[str, ...]:
        """What a fingerprint gets besides, where not everybody's data is seen."""
        return () if self.partners is None else (self.sees,)

    def needs(self, *scopes: str) -> None:
        """Refuse unless one of `scopes` is covered.

        Raises:
            Problem: ``scope_missing``, with the first one's name.
        """
        if not any(self.may(scope) for scope in scopes):
            if self.partners is not None and scopes[0].partition(":")[0].partition(".")[0] in _WHOLE:
                raise about_all(self)
            raise Problem(
                "scope_missing",
                f"the key {self.name!r} lacks the scope {scopes[0]}",
                headers={"WWW-Authenticate": f'{CHALLENGE}, error="insufficient_scope"{_scope_said(scopes[0])}'},
            )


def _scope_said(scope: str) -> str:
    """The scope that is missing, as a header can carry it (RFC 6750, 3): it may hold a part of the request's path."""
    return f', scope="{scope}"' if _SAYABLE(scope) else ""


def about_all(caller: Caller) -> Problem:
    """The answer to who is limited to partners, about what belongs to none: no scope would help."""
    return Problem(
        "scope_missing",
        f"the key {caller.name!r} is limited to partners, and this is about all of them",
        "No scope opens it to such a key: ask the operator for a key that is not limited to partners.",
        headers={"WWW-Authenticate": f'{CHALLENGE}, error="insufficient_scope"'},
    )


NOBODY = Caller("", "", ())
"""Who sent no key."""


def key_missing() -> Problem:
    """The answer to a request without a key where one is needed."""
    return Problem("key_missing", headers={"WWW-Authenticate": CHALLENGE})


def refused(detail: str, remedy: str = "", *, error: str = "invalid_token") -> Problem:
    """The answer to a credential that does not count (RFC 6750, 3.1). `remedy` is for what is not an API key."""
    return Problem("key_refused", detail, remedy, headers={"WWW-Authenticate": f'{CHALLENGE}, error="{error}"'})
