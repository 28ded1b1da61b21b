"""Who asks, and what they may.

Whoever a request comes from is a :class:`Caller` to every resource: by an API key (``keys``), a token that was got for
one (``tokens``), a token of an OIDC issuer (``issuers``), or a certificate that a trusted proxy has verified
(``proxies``). Scopes are ``resource:verb``:

    orders:read   orders:personal   quarantine:write   *:read   orders:*   admin (everything)

    >>> acme = Caller("key_1", "acme", ("orders:read", "audit:read"), partners=("acme",))
    >>> acme.may("orders:read"), acme.may("prices:read"), acme.may("audit:read")
    (True, False, False)
    >>> acme.may_see("acme"), acme.may_see("globex"), acme.may_see(None), acme.may_see_personal("orders")
    (True, False, False, False)
"""

from __future__ import annotations

from gateway.serve.auth.callers import NOBODY, Caller, Credential, about_all, key_missing
from gateway.serve.auth.door import Door
from gateway.serve.auth.keys import caller, token_of

__all__ = ["NOBODY", "Caller", "Credential", "Door", "about_all", "caller", "key_missing", "token_of"]
