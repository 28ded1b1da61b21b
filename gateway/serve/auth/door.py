"""The door: from what a request carries to who sends it."""

from __future__ import annotations

from typing import TYPE_CHECKING

from gateway.serve.auth import issuers, keys, proxies, tokens
from gateway.serve.auth.callers import NOBODY, Caller, Credential

if TYPE_CHECKING:
    from collections.abc import Callable
    from datetime import datetime

    from gateway.configuration import Access, Configuration
    from gateway.serve.auth.callers import Headers
    from gateway.store.database import Database


class Door:
    """Says who a request comes from. It keeps the public keys of issuers, and nothing that could be revoked.

    A key or token wins over a certificate: whoever sends one wants to be that client. The configuration is asked for
    only where there is neither, or a token of an issuer: it costs a look at the store.
    """

    def __init__(
        self,
        database: Database,
        configuration: Callable[[], Configuration],
        now: Callable[[], datetime],
        secret: bytes,
        *,
        known: issuers.Issuers | None = None,
    ) -> None:
        self._database = database
        self._configuration = configuration
        self._now = now
        self._issuers = known or issuers.Issuers()
        self.secret = tokens.secret_of(secret)

    @property
    def access(self) -> Access:
        """What the configuration in force says."""
        return self._configuration().settings.access

    def credential(self, headers: Headers, peer: str | None) -> Credential | None:
        """What a request carries; None: nothing.

        Raises:
            Problem: ``key_refused``: two things that differ, or something that cannot be read.
        """
        token = keys.token_of(headers)
        if token is not None:
            return Credential("token", token)
        return proxies.certificate_of(self.access.proxy, headers, peer)

    def caller(self, credential: Credential | None) -> Caller:
        """Who that stands for; :data:`NOBODY` without one.

        Raises:
            Problem: ``key_refused``; ``issuer_down``.
        """
        if credential is None:
            return NOBODY
        if credential.kind == "certificate":
            return proxies.caller(self.access.proxy, credential)
        token = credential.value
        if issuers.is_jwt(token) and (known := self.access.issuers):
            return self._issuers.caller(known, token, self._now())
        with self._database.read() as connection:
            if token.startswith(tokens.PREFIX):
                return tokens.caller(connection, self.secret, token, self._now())
            return keys.caller(connection, token, self._now())
