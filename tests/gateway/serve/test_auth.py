"""Keys and scopes."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from typing import TYPE_CHECKING

import pytest

from gateway.serve.auth import Caller, token_of
from gateway.serve.problems import Problem
from gateway.store import keys
from tests.gateway.serve.worlds import with_key

if TYPE_CHECKING:
    from tests.gateway.serve.worlds import World


@pytest.mark.parametrize(
    ("scopes", "wanted", "may"),
    [
        (("orders:read",), "orders:read", True),
        (("orders:read",), "prices:read", False),
        (("orders:read",), "orders:write", False),
        (("*:read",), "prices:read", True),
        (("*:read",), "quarantine:write", False),
        (("orders:*",), "orders:write", True),
        (("admin",), "anything:write", True),
        ((), "orders:read", False),
        (("order:read",), "orders:read", False),
        (("",), "orders:read", False),
    ],
)
def test_scopes(scopes: tuple[str, ...], wanted: str, may: bool) -> None:
    assert Caller("k", "k", scopes).may(wanted) is may


@pytest.mark.parametrize(
    "headers",
    [
        {"Authorization": "Basic dXNlcjpwYXNz"},
        {"Authorization": "Bearer"},
        {"Authorization": "Bearer "},
        {"Authorization": "Bearer one", "X-Api-Key": "two"},
    ],
)
def test_headers_that_carry_no_key_are_refused(headers: dict[str, str]) -> None:
    with pytest.raises(Problem) as caught:
        token_of(headers)
    assert caught.value.code == "key_refused"


def test_no_key_is_401_with_a_challenge(here: World) -> None:
    answer = here.app().test_client().get("/api/v1/orders")
    assert answer.status_code == 401
    assert answer.headers["WWW-Authenticate"] == 'Bearer realm="gateway"'
    assert answer.get_json()["code"] == "key_missing"


@pytest.mark.parametrize("header", ["Authorization", "X-Api-Key"])
def test_both_headers_carry_a_key(here: World, header: str) -> None:
    key = here.key("orders:read")
    value = f"Bearer {key}" if header == "Authorization" else key
    assert here.app().test_client().get("/api/v1/orders", headers={header: value}).status_code == 200


def test_an_unknown_key_is_refused(here: World) -> None:
    answer = with_key(here.app().test_client(), "nonsense").get("/api/v1/orders")
    assert (answer.status_code, answer.get_json()["code"]) == (401, "key_refused")
    assert 'error="invalid_token"' in answer.headers["WWW-Authenticate"]
    assert "nonsense" not in answer.get_data(as_text=True)


def test_an_expired_key_is_refused(here: World) -> None:
    key = here.key("admin", expires_at=datetime.now(UTC) + timedelta(hours=1))
    client = with_key(here.app().test_client(), key)
    assert client.get("/api/v1/orders").status_code == 200
    here.late += timedelta(hours=2)
    answer = client.get("/api/v1/orders")
    assert answer.status_code == 401
    assert "expired" in answer.get_json()["detail"]


def test_a_revocation_counts_at_the_next_request(here: World) -> None:
    client = here.client("admin")
    assert client.get("/api/v1/orders").status_code == 200
    with here.database.read() as connection:
        (key,) = keys.all_keys(connection)
    with here.database.write() as transaction:
        keys.revoke(transaction, key.id)
    answer = client.get("/api/v1/orders")
    assert answer.status_code == 401
    assert "revoked" in answer.get_json()["detail"]


def test_a_missing_scope_is_named(here: World) -> None:
    answer = here.client("prices:read").get("/api/v1/orders")
    assert answer.status_code == 403
    assert "orders:read" in answer.get_json()["detail"]
    assert 'scope="orders:read"' in answer.headers["WWW-Authenticate"]


def test_whether_a_collection_exists_is_not_told_to_whom_it_does_not_concern(here: World) -> None:
    client = here.client("prices:read")
    there, nowhere = client.get("/api/v1/orders").get_json(), client.get("/api/v1/ordars").get_json()
    assert there["code"] == nowhere["code"] == "scope_missing"
    assert "orders" not in str(client.get("/api/v1/openapi.json").get_json()["paths"])
    assert [each["name"] for each in client.get("/api/v1/types").get_json()["items"]] == ["price"]
    assert client.get("/api/v1/types/order").status_code == 404
    wide = here.client("*:read").get("/api/v1/ordars").get_json()
    assert wide["remedy"] == "Did you mean 'orders'?"
