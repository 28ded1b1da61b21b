"""Certificates of clients (mTLS) that a proxy before us has checked: it says in a header whose each one was.

The header counts only when the request comes from an address that gateway.yaml names; from anywhere else it is refused,
for then somebody invented it. The proxy must set it for every request, or take out what the client sent.
"""

from __future__ import annotations

import ipaddress
from functools import lru_cache
from typing import TYPE_CHECKING

from gateway.serve.auth.callers import Caller, Credential, refused

if TYPE_CHECKING:
    from gateway.configuration import Proxy
    from gateway.serve.auth.callers import Headers


def certificate_of(proxy: Proxy | None, headers: Headers, peer: str | None) -> Credential | None:
    """What the proxy says of the client's certificate; None where it says nothing, or there is no proxy.

    Raises:
        Problem: ``key_refused``: somebody else says it.
    """
    if proxy is None:
        return None
    said = (headers.get(proxy.header) or "").strip()
    if not said:
        return None
    if not trusted(proxy, peer):
        raise refused(f"{proxy.header} counts only when the proxy sends it, and this request did not come from there")
    return Credential("certificate", said)


def caller(proxy: Proxy | None, credential: Credential) -> Caller:
    """Whose certificate it was.

    Raises:
        Problem: ``key_refused``: nobody's who is known.
    """
    clients = proxy.clients if proxy is not None else ()
    known = next((each for each in clients if each.certificate == credential.value), None)
    if known is None:
        raise refused("the certificate is not one of a client that is known here")
    return Caller(f"mtls:{known.name}", known.name, known.scopes, known.partners, credential)


def trusted(proxy: Proxy, peer: str | None) -> bool:
    """Whether a request from this address comes from the proxy."""
    try:
        address = ipaddress.ip_address(peer or "")
    except ValueError:
        return False
    if isinstance(address, ipaddress.IPv6Address) and address.ipv4_mapped is not None:
        address = address.ipv4_mapped
    return any(address in network for network in _networks(proxy.addresses))


@lru_cache(maxsize=8)
def _networks(addresses: tuple[str, ...]) -> tuple[ipaddress.IPv4Network | ipaddress.IPv6Network, ...]:
    return tuple(map(ipaddress.ip_network, addresses))
