"""``access:`` of gateway.yaml: who may use the API besides those who have keys."""

from __future__ import annotations

import ipaddress
import re
from typing import TYPE_CHECKING
from urllib.parse import urlsplit

from gateway.configuration import Access, CertificateClient, Issuer, Proxy
from gateway.workspace.nodes import Mapping
from gateway.workspace.problems import did_you_mean
from gateway.workspace.values import read_list, read_text, scalar

if TYPE_CHECKING:
    from gateway.workspace.nodes import Node
    from gateway.workspace.sections import Section

ALGORITHMS = ("RS256", "RS384", "RS512", "PS256", "PS384", "PS512", "ES256", "ES384", "ES512", "EdDSA")
"""Signatures by which only the issuer can have made a token (RFC 7518, 3.1; RFC 8037): neither HS256 nor none."""

SCOPE = re.compile(r"admin|(?:\*|[a-z][a-z0-9-]*(?:\.[a-z][a-z0-9-]*)?):(?:\*|[a-z]+)")
HEADER = re.compile(r"[A-Za-z][A-Za-z0-9-]*")
_OTHERS = ("authorization", "x-api-key", "host", "cookie", "content-type", "content-length", "x-request-id")
"""Headers in which clients say something themselves."""


def read_scope(node: Node) -> str | None:
    """A scope."""
    text = scalar(node)
    if text and not SCOPE.fullmatch(text.value):
        text.refuse(f"{text.value!r} is no scope", 'write resource:verb: orders:read, "*:read", or admin')
        return None
    return text.value if text else None


def read_url(node: Node) -> str | None:
    """A URL from which something is taken on trust: https, or this machine's own."""
    text = scalar(node)
    if text is None:
        return None
    try:
        parts = urlsplit(text.value)
        host, _ = parts.hostname, parts.port
    except ValueError:
        parts, host = urlsplit(""), None
    hint = "write https://login.company.example/realms/us"
    if not host or parts.username is not None or parts.query or parts.fragment or not text.value.isprintable():
        text.refuse(f"{text.value!r} is not the URL of a server", hint)
        return None
    if parts.scheme != "https" and not (parts.scheme == "http" and host in ("127.0.0.1", "::1", "localhost")):
        text.refuse("whoever stands between could change what comes from there", "write https://…")
        return None
    return text.value


def read_algorithm(node: Node) -> str | None:
    """How a token may be signed."""
    text = scalar(node)
    if text and text.value not in ALGORITHMS:
        text.refuse(
            f"{text.value!r} is no way to sign that only the issuer has",
            did_you_mean(text.value, ALGORITHMS, "there are"),
        )
        return None
    return text.value if text else None


def read_network(node: Node) -> str | None:
    """An address, or a network of them."""
    text = scalar(node)
    if text is None:
        return None
    try:
        return str(ipaddress.ip_network(text.value))
    except ValueError as error:
        text.refuse(f"{text.value!r} is neither an address nor a network: {error}", "write 10.0.0.5 or 10.0.1.0/24")
        return None


def read_header(node: Node) -> str | None:
    """The name of a header that nobody but the proxy sets."""
    text = scalar(node)
    if text is None:
        return None
    if not HEADER.fullmatch(text.value) or text.value.lower() in _OTHERS:
        text.refuse(f"{text.value!r} is no header of a proxy's own", "write X-Client-Certificate-Subject")
        return None
    return text.value


def read_grants(node: Node) -> tuple[tuple[str, tuple[str, ...]], ...] | None:
    """What values of a claim stand for."""
    if not isinstance(node, Mapping) or not node.entries:
        node.refuse("values of the claim are expected here, each with its scopes", 'write reader: ["*:read"]')
        return None
    read = [(read_text(key), read_list(value, read_scope)) for key, value in node.entries]
    granted = tuple((name, scopes) for name, scopes in read if name is not None and scopes is not None)
    return granted if len(granted) == len(read) else None


def read_access(section: Section) -> Access:
    """The section, all of which is right."""
    issuers: dict[str, Section] = section.get("issuers", {})
    proxy: Section | None = section.get("proxy")
    given = {"token_seconds": section.get("token")} if section.get("token") else {}
    return Access(
        issuers=tuple(Issuer(name=name, **each.values) for name, each in issuers.items()),
        proxy=_proxy(proxy) if proxy is not None else None,
        **given,
    )


def _proxy(section: Section) -> Proxy:
    clients: dict[str, Section] = section.get("clients", {})
    return Proxy(
        addresses=section.get("addresses"),
        header=section.get("header"),
        clients=tuple(CertificateClient(name=name, **each.values) for name, each in clients.items()),
    )
