"""``access:`` of gateway.yaml: issuers, the proxy and its clients."""

from __future__ import annotations

import pytest

from gateway.configuration import Access, CertificateClient, Issuer, Proxy
from gateway.workspace.loader import ConfigurationProblems, parse

WHOLE = """\
access:
  token: 5m
  issuers:
    company:
      issuer: https://login.company.example/realms/us
      audience: [gateway, orders-api]
      jwks: https://login.company.example/certs
      algorithms: [RS256, PS512]
      scopes: realm_access.roles
      partners: partner
      grants:
        reader: "*:read"
        Order Desk: [orders:read, quarantine:write]
    sidecar:
      issuer: http://127.0.0.1:8089
      audience: gateway
  proxy:
    addresses: [10.0.0.5, "fd00::/8"]
    header: X-Client-Subject
    clients:
      erp:
        certificate: "CN=erp,O=Us"
        scopes: orders:read
        partners: [acme, globex]
"""


def test_access_is_read() -> None:
    assert parse({"gateway.yaml": WHOLE}).settings.access == Access(
        300.0,
        (
            Issuer(
                "company",
                "https://login.company.example/realms/us",
                ("gateway", "orders-api"),
                "https://login.company.example/certs",
                ("RS256", "PS512"),
                "realm_access.roles",
                "partner",
                (("reader", ("*:read",)), ("Order Desk", ("orders:read", "quarantine:write"))),
            ),
            Issuer("sidecar", "http://127.0.0.1:8089", ("gateway",)),
        ),
        Proxy(
            ("10.0.0.5/32", "fd00::/8"),
            "X-Client-Subject",
            (CertificateClient("erp", "CN=erp,O=Us", ("orders:read",), ("acme", "globex")),),
        ),
    )


def test_without_it_nobody_but_who_has_a_key_gets_in() -> None:
    assert parse({"gateway.yaml": ""}).settings.access == Access(600.0, (), None)


@pytest.mark.parametrize(
    ("line", "instead", "told"),
    [
        ("https://login.company.example/realms/us", "http://login.company.example", "write https://…"),
        ("https://login.company.example/certs", "https://ann:secret@login.example/certs", "not the URL of a server"),
        ("https://login.company.example/certs", "https://login.example:99999/", "not the URL of a server"),
        ("https://login.company.example/certs", "file:///etc/keys", "not the URL of a server"),
        ("[RS256, PS512]", "[HS256]", "no way to sign that only the issuer has"),
        ("[RS256, PS512]", "none", "no way to sign that only the issuer has"),
        ('"*:read"', "reader", "'reader' is no scope"),
        ("orders:read\n", "orders\n", "'orders' is no scope"),
        ("10.0.0.5", "10.0.0.300", "neither an address nor a network"),
        ("10.0.0.5", "10.0.0.5/8", "neither an address nor a network"),
        ("X-Client-Subject", "Authorization", "no header of a proxy's own"),
        ("X-Client-Subject", "X Client", "no header of a proxy's own"),
        ("[acme, globex]", "Acme Ltd", "is not a name"),
        ("      audience: gateway\n", "", "lacks the key 'audience'"),
        ("    sidecar:", "    Side Car:", "is not a name"),
        ("token: 5m", "token: soon", "is not a duration"),
        ("    clients:\n", "    clints:\n", "unknown key 'clints'"),
    ],
)
def test_what_would_open_a_door_by_mistake_is_refused(line: str, instead: str, told: str) -> None:
    assert WHOLE.count(line) == 1
    with pytest.raises(ConfigurationProblems) as caught:
        parse({"gateway.yaml": WHOLE.replace(line, instead)})
    assert told in str(caught.value)


def test_a_partner_that_there_is_not_is_told() -> None:
    files = {"gateway.yaml": WHOLE, "partners/acme.yaml": "partner: acme\n"}
    with pytest.raises(ConfigurationProblems) as caught:
        parse(files)
    assert "there is no partner 'globex'" in str(caught.value)
    assert parse(files | {"partners/globex.yaml": "partner: globex\n"}).settings.access.proxy is not None
