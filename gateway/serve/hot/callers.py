"""The callers that the lane has seen, and what each of them asked.

What is remembered of a caller is good for one number of changes to keys, and one revision.
"""

from __future__ import annotations

import re
from dataclasses import dataclass, field
from typing import TYPE_CHECKING

from gateway.serve.auth import Credential, issuers, keys, tokens
from gateway.serve.hot.forms import Forms
from gateway.store import keys as stored

if TYPE_CHECKING:
    from collections.abc import Mapping

    from adapters.protocol import Source
    from gateway.configuration import Configuration
    from gateway.serve.auth import Caller
    from gateway.serve.hot.lists import Listed
    from gateway.serve.hot.ones import One
    from gateway.serve.plans import Seen
    from gateway.serve.services import Services

_CALLERS_MAX = 1000
_PLAIN_BEARER = re.compile(r"Bearer [A-Za-z0-9._~+/=-]{1,200}").fullmatch
"""One spelling: a key that is spelt in other ways too must not be remembered more than once."""


@dataclass(slots=True)
class Known:
    """A caller that was let in, and what was asked."""

    caller: Caller
    keys: int
    configuration: Configuration
    until: float | None
    seen: dict[str, Seen] = field(default_factory=dict)
    forms: Forms = field(default_factory=Forms)
    lists: dict[tuple[str, str], Listed] = field(default_factory=dict)
    ones: dict[str, One | None] = field(default_factory=dict)
    sources: Mapping[str, Source] | None = None


class Callers:
    """Who was let in, by the header that they send."""

    def __init__(self, services: Services) -> None:
        self._services = services
        self._known: dict[str, Known] = {}

    def who(self, authorization: str | None) -> Known | None:
        """The caller who sends this header; None: the plain lane lets it in, or not.

        Raises:
            Problem: the key is none, or is not good any more.
        """
        known = self._known.get(authorization) if authorization else None
        if known is None or (known.until is not None and known.until <= self._services.now().timestamp()):
            return self._let_in(authorization)
        return known

    def counts(self, known: Known, keys: int, revision: str | None) -> bool:
        """Whether what is remembered of a caller still counts; else all of it is forgotten."""
        if keys == known.keys and revision == known.configuration.revision:
            return True
        self._known = {name: each for name, each in self._known.items() if each is not known}
        return False

    def forget_lists(self) -> None:
        """Forget every list that anybody asked for."""
        for known in list(self._known.values()):
            known.lists.clear()

    def _let_in(self, authorization: str | None) -> Known | None:
        """Look a caller up who sends an API key, and remember him with the number of changes to keys."""
        if authorization is None or not _PLAIN_BEARER(authorization):
            return None
        token = keys.token_of({"Authorization": authorization}) or ""
        if token.startswith(tokens.PREFIX) or issuers.is_jwt(token):
            return None
        now = self._services.now()
        with self._services.database.read() as connection:
            version = stored.version(connection)
            key = stored.find(connection, keys.sha256_of(token))
        caller = keys.caller_of(key, now, Credential("token", token))
        assert key is not None  # or it would have been refused
        until = key.expires_at.timestamp() if key.expires_at is not None else None
        known = Known(caller, version, self._services.configuration(), until)
        if len(self._known) >= _CALLERS_MAX:
            self._known.clear()
        self._known[authorization] = known
        return known
