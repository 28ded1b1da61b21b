"""Certificates that a trusted proxy has checked; a header that somebody invented; tokens of an issuer, over HTTP."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import pytest

from tests.gateway.serve.auth.issuing import IssuerServer, issuer
from tests.gateway.serve.worlds import FILES, order

if TYPE_CHECKING:
    from collections.abc import Iterator

    from werkzeug.test import TestResponse

    from tests.gateway.serve.worlds import World

ACCESS = """\
access:
  proxy:
    addresses: [10.0.0.5, 10.1.0.0/16, "fd00::/8"]
    header: X-Client-Subject
    clients:
      erp:
        certificate: "CN=erp,O=Us"
        scopes: [orders:read, integrations:read]
      acme:
        certificate: "sha256:00ff"
        scopes: "*:read"
        partners: acme
"""


@pytest.fixture
def proxied(here: World) -> World:
    here.apply(FILES | {"gateway.yaml": ACCESS})
    return here


def get(here: World, path: str, *, peer: str = "10.0.0.5", headers: dict[str, str] | None = None) -> TestResponse:
    client = here.app().test_client()
    return client.get(path, headers=headers or {}, environ_overrides={"REMOTE_ADDR": peer})


def subject(said: str) -> dict[str, str]:
    return {"X-Client-Subject": said}


@pytest.mark.parametrize("peer", ["10.0.0.5", "10.1.200.3", "fd00::1", "::ffff:10.0.0.5"])
def test_the_proxy_says_whose_certificate_it_was(proxied: World, peer: str) -> None:
    assert get(proxied, "/api/v1/orders", peer=peer, headers=subject("CN=erp,O=Us")).status_code == 200
    assert get(proxied, "/api/v1/prices", peer=peer, headers=subject("CN=erp,O=Us")).status_code == 403


@pytest.mark.parametrize("peer", ["10.0.0.6", "127.0.0.1", "fe80::1", "::ffff:10.0.0.6", "", "unix:"])
def test_from_anywhere_else_the_header_is_refused(proxied: World, peer: str) -> None:
    answer = get(proxied, "/api/v1/orders", peer=peer, headers=subject("CN=erp,O=Us"))
    assert (answer.status_code, answer.get_json()["code"]) == (401, "key_refused")
    forwarded = subject("CN=erp,O=Us") | {"X-Forwarded-For": "10.0.0.5", "Forwarded": "for=10.0.0.5"}
    assert get(proxied, "/api/v1/orders", peer=peer, headers=forwarded).status_code == 401


@pytest.mark.parametrize(
    "said", ["CN=erp", "cn=erp,o=us", "CN=erp,O=Us,CN=erp,O=Us", "CN=erp,O=Us, sha256:00ff", "CN=erp,O=Us\u00e9", "erp"]
)
def test_a_certificate_that_is_not_word_for_word_a_clients_is_refused(proxied: World, said: str) -> None:
    answer = get(proxied, "/api/v1/orders", headers=subject(said))
    assert (answer.status_code, answer.get_json()["code"]) == (401, "key_refused")
    assert said not in answer.get_json()["detail"]


@pytest.mark.parametrize("said", ["", " "])
def test_without_a_certificate_a_key_is_missing(proxied: World, said: str) -> None:
    assert get(proxied, "/api/v1/orders", headers=subject(said)).get_json()["code"] == "key_missing"


def test_a_key_wins_over_a_certificate(proxied: World) -> None:
    key = {"Authorization": f"Bearer {proxied.key('prices:read')}"}
    assert get(proxied, "/api/v1/prices", headers=subject("CN=erp,O=Us") | key).status_code == 200
    assert get(proxied, "/api/v1/orders", headers=subject("CN=erp,O=Us") | key).status_code == 403
    assert get(proxied, "/api/v1/orders", headers=subject("CN=erp,O=Us") | {"X-Api-Key": "no"}).status_code == 401


def test_a_client_that_is_taken_out_is_refused_with_the_next_request(proxied: World) -> None:
    assert get(proxied, "/api/v1/orders", headers=subject("CN=erp,O=Us")).status_code == 200
    proxied.apply(FILES | {"gateway.yaml": ACCESS.replace("CN=erp,O=Us", "CN=other")})
    assert get(proxied, "/api/v1/orders", headers=subject("CN=erp,O=Us")).status_code == 401
    proxied.apply(FILES)
    assert get(proxied, "/api/v1/orders", headers=subject("CN=other")).get_json()["code"] == "key_missing"


def test_a_client_may_be_limited_to_partners(proxied: World) -> None:
    assert get(proxied, "/api/v1/audit", headers=subject("sha256:00ff")).status_code == 403
    assert get(proxied, "/api/v1/partners", headers=subject("sha256:00ff")).status_code == 200


# ── tokens of an issuer, through the whole application ───────────────────────────────────────────────────────────────


@pytest.fixture
def signed(here: World) -> Iterator[IssuerServer]:
    with issuer() as server:
        text = f"access:\n  issuers:\n    company:\n      issuer: {server.url}\n      audience: gateway\n"
        here.apply(FILES | {"gateway.yaml": text + "      partners: partner\n"})
        here.deliver(order("1"))
        yield server


def by(here: World, server: IssuerServer, **claims: Any) -> dict[str, str]:
    return {"Authorization": f"Bearer {server.token(here.now().timestamp(), **claims)}"}


def test_a_token_of_the_issuer_is_a_key(here: World, signed: IssuerServer) -> None:
    mine = by(here, signed, scope="orders:read", partner="acme")
    assert get(here, "/api/v1/orders/acme~1", headers=mine).status_code == 200
    assert get(here, "/api/v1/prices", headers=mine).status_code == 403
    others = by(here, signed, scope="orders:read", partner="globex")
    assert get(here, "/api/v1/orders/acme~1", headers=others).status_code == 404
    assert get(here, "/api/v1/orders", headers=by(here, signed, scope="orders:read")).get_json()["items"] == []
    late = by(here, signed, scope="orders:read", exp=1)
    assert get(here, "/api/v1/orders", headers=late).get_json()["code"] == "key_refused"


def test_an_issuer_that_is_taken_out_is_refused_with_the_next_request(here: World, signed: IssuerServer) -> None:
    mine = by(here, signed, scope="orders:read", partner="acme")
    assert get(here, "/api/v1/orders", headers=mine).status_code == 200
    here.apply(FILES)
    assert get(here, "/api/v1/orders", headers=mine).get_json()["code"] == "key_refused"


def test_an_issuer_that_is_down_is_said_and_keys_work_on(here: World, signed: IssuerServer) -> None:
    signed.down = True
    answer = get(here, "/api/v1/orders", headers=by(here, signed, scope="orders:read"))
    assert (answer.status_code, answer.get_json()["code"]) == (503, "issuer_down")
    assert int(answer.headers["Retry-After"]) > 0
    key = {"Authorization": f"Bearer {here.key('orders:read')}"}
    assert get(here, "/api/v1/orders", headers=key).status_code == 200
