"""OAuth 2.0 client credentials: tokens that are worth what their key is."""

from __future__ import annotations

import base64
import json
from datetime import timedelta
from typing import TYPE_CHECKING, Any

import pytest
from hypothesis import given
from hypothesis import strategies as st
from openapi_schema_validator import OAS31Validator

from gateway.errors import Retry
from gateway.serve.auth import tokens
from gateway.serve.auth.keys import sha256_of
from gateway.serve.problems import Problem
from gateway.store import keys
from tests.gateway.serve.worlds import FILES, with_key

if TYPE_CHECKING:
    from flask.testing import FlaskClient
    from werkzeug.test import TestResponse

    from tests.gateway.serve.worlds import World

SECRET = b"s" * 32
FORM = {"grant_type": "client_credentials"}


def basic(client: str, secret: str) -> dict[str, str]:
    return {"Authorization": "Basic " + base64.b64encode(f"{client}:{secret}".encode()).decode()}


def post(here: World, form: dict[str, str] | str, headers: dict[str, str] | None = None) -> TestResponse:
    return here.app().test_client().post("/api/v1/token", data=form, headers=headers or {})


def bearer(here: World, answer: TestResponse) -> FlaskClient:
    assert answer.status_code == 200, answer.get_data(as_text=True)
    return with_key(here.app().test_client(), answer.get_json()["access_token"])


@pytest.mark.parametrize("way", ["basic", "body"])
def test_a_key_gets_a_token_that_is_worth_the_key(here: World, way: str) -> None:
    key = here.key("orders:read", name="erp")
    who = {"client_id": "erp", "client_secret": key}
    answer = post(here, FORM, basic("erp", key)) if way == "basic" else post(here, FORM | who)
    said = answer.get_json()
    assert {name: said[name] for name in ("token_type", "expires_in", "scope")} == {
        "token_type": "Bearer",
        "expires_in": 600,
        "scope": "orders:read",
    }
    assert (answer.headers["Cache-Control"], answer.headers["Pragma"]) == ("no-store", "no-cache")
    client = bearer(here, answer)
    assert client.get("/api/v1/orders").status_code == 200
    assert client.get("/api/v1/prices").get_json()["code"] == "scope_missing"
    assert key not in said["access_token"]


def test_the_id_of_the_key_is_the_clients_id_too(here: World) -> None:
    key = here.key("orders:read", name="erp")
    with here.database.read() as connection:
        (known,) = keys.all_keys(connection)
    assert post(here, FORM, basic(known.id, key)).status_code == 200


def test_a_token_may_have_less_than_its_key(here: World) -> None:
    key = here.key("*:read", name="erp")
    answer = post(here, FORM | {"scope": "prices:read"}, basic("erp", key))
    assert answer.get_json()["scope"] == "prices:read"
    client = bearer(here, answer)
    assert client.get("/api/v1/prices").status_code == 200
    assert client.get("/api/v1/orders").status_code == 403
    assert client.get("/api/v1/deliveries").status_code == 403


@pytest.mark.parametrize(
    "scope", ["orders:write", "admin", "*:read", "orders:*", "orders:read admin", " ", "orders:read "]
)
def test_a_token_never_has_more_than_its_key(here: World, scope: str) -> None:
    key = here.key("orders:read", name="erp")
    answer = post(here, FORM | {"scope": scope}, basic("erp", key))
    assert (answer.status_code, answer.get_json()["error"]) == (400, "invalid_scope")


def test_a_revoked_key_ends_its_tokens_at_once(here: World) -> None:
    client = bearer(here, post(here, FORM, basic("erp", here.key("orders:read", name="erp"))))
    assert client.get("/api/v1/orders").status_code == 200
    with here.database.write() as transaction:
        (known,) = keys.all_keys(transaction.connection)
        keys.revoke(transaction, known.id)
    answer = client.get("/api/v1/orders")
    assert (answer.status_code, answer.get_json()["code"]) == (401, "key_refused")
    assert "revoked" in answer.get_json()["detail"]


def test_a_token_ends_and_never_outlives_its_key(here: World) -> None:
    client = bearer(here, post(here, FORM, basic("erp", here.key("orders:read", name="erp"))))
    short = here.key("orders:read", name="short", expires_at=here.now() + timedelta(seconds=90))
    assert 1 <= post(here, FORM, basic("short", short)).get_json()["expires_in"] <= 90
    here.late += timedelta(seconds=500)
    assert client.get("/api/v1/orders").status_code == 200
    here.late += timedelta(seconds=101)
    assert "expired" in client.get("/api/v1/orders").get_json()["detail"]
    assert post(here, FORM, basic("short", short)).get_json()["error"] == "invalid_client"


def test_how_long_tokens_are_good_is_said_in_the_settings(here: World) -> None:
    here.apply(FILES | {"gateway.yaml": "access:\n  token: 2m\n"})
    assert post(here, FORM, basic("erp", here.key("orders:read", name="erp"))).get_json()["expires_in"] == 120


def test_a_partners_token_is_as_limited_as_his_key(here: World) -> None:
    with here.database.write() as transaction:
        keys.add(
            transaction, id="k", name="acme", sha256_hex=sha256_of("secret"), scopes=("*:read",), partners=("acme",)
        )
    client = bearer(here, post(here, FORM, basic("acme", "secret")))
    assert client.get("/api/v1/audit").get_json()["code"] == "scope_missing"
    assert [each["name"] for each in client.get("/api/v1/partners").get_json()["items"]] == ["acme"]


@pytest.mark.parametrize(
    ("form", "headers", "error"),
    [
        ({}, "good", "invalid_request"),
        ("grant_type=client_credentials&grant_type=client_credentials", "good", "invalid_request"),
        ("grant_type=client_credentials&client_secret=x", "good", "invalid_request"),
        ("grant_type=client_credentials&client_id=other", "good", "invalid_request"),
        (b"\xff=1", "good", "invalid_request"),
        ({"grant_type": "password", "username": "a", "password": "b"}, "good", "unsupported_grant_type"),
        ({"grant_type": "authorization_code"}, "good", "unsupported_grant_type"),
        (FORM, None, "invalid_client"),
        (FORM, basic("erp", "wrong"), "invalid_client"),
        (FORM, basic("other", "KEY"), "invalid_client"),
        (FORM, {"Authorization": "Bearer x"}, "invalid_client"),
        (FORM, {"Authorization": "Basic !"}, "invalid_client"),
        (FORM, {"Authorization": "Basic"}, "invalid_client"),
        (FORM | {"client_id": "erp"}, None, "invalid_client"),
    ],
)
def test_refusals_are_those_of_the_standard_and_ours(here: World, form: Any, headers: Any, error: str) -> None:
    key = here.key("orders:read", name="erp")
    if headers == "good":
        headers = basic("erp", key)
    elif headers and "Basic b3RoZXI6S0VZ" in headers.values():
        headers = basic("other", key)
    sent = {"Content-Type": "application/x-www-form-urlencoded"} | (headers or {})
    answer = here.app().test_client().post("/api/v1/token", data=form, headers=sent)
    said = answer.get_json()
    assert said["error"] == said["code"] == error
    assert said["error_description"].isascii()
    assert said["remedy"]
    assert answer.status_code == (401 if error == "invalid_client" else 400)
    assert answer.headers["Cache-Control"] == "no-store"
    assert ("Basic" in answer.headers.get("WWW-Authenticate", "")) is (error == "invalid_client")
    assert key not in answer.get_data(as_text=True)


@pytest.mark.parametrize(
    ("sent", "status", "code"),
    [
        ({"headers": {"Accept": "text/csv"}}, 406, "not_acceptable"),
        ({"query_string": {"scope": "prices:read"}}, 400, "unknown_parameter"),
        ({"data": {"scope": "x" * 20_000}}, 413, "body_too_large"),
        ({"headers": {"Host": "a,b"}}, 400, "host_missing"),
    ],
)
def test_what_is_refused_before_anybody_looks_at_the_key_is_told_in_the_words_of_oauth_too(
    here: World, sent: dict[str, Any], status: int, code: str
) -> None:
    answer = here.app().test_client().post("/api/v1/token", **({"data": FORM} | sent))
    said = answer.get_json()
    assert (answer.status_code, said["code"], said["error"]) == (status, code, "invalid_request")
    assert said["error_description"].isascii()
    assert (answer.mimetype, answer.headers["Cache-Control"]) == ("application/problem+json", "no-store")


@pytest.mark.parametrize(
    ("trouble", "status", "error"),
    [
        (Retry("the store does not answer", delay_seconds=3), 503, "temporarily_unavailable"),
        (ZeroDivisionError("secret inside"), 500, "server_error"),
    ],
)
def test_troubles_of_ours_are_told_in_the_words_of_oauth_too(
    here: World, trouble: Exception, status: int, error: str
) -> None:
    def broken() -> Any:
        raise trouble

    answer = here.app(now=broken).test_client().post("/api/v1/token", data=FORM, headers=basic("erp", "x"))
    assert (answer.status_code, answer.get_json()["error"]) == (status, error)
    assert "secret" not in answer.get_data(as_text=True)


def test_the_document_says_in_which_words_a_token_is_refused(here: World) -> None:
    client = here.app().test_client()
    document = client.get("/api/v1/openapi.json").get_json()
    responses = document["paths"]["/api/v1/token"]["post"]["responses"]
    said = client.post("/api/v1/token", data=FORM, headers=basic("erp", "wrong")).get_json()
    for status in ("4XX", "5XX"):
        shape = responses[status]["content"]["application/problem+json"]["schema"]
        check = OAS31Validator({**shape, "components": document["components"]})
        check.validate(said)
        for name in ("error", "error_description", "code"):
            assert not check.is_valid({each: said[each] for each in said if each != name}), name
        assert not check.is_valid(said | {"error": "wrong"})


def test_json_is_no_form(here: World) -> None:
    answer = here.app().test_client().post("/api/v1/token", json=FORM)
    assert answer.get_json()["error"] == "invalid_request"


def test_a_token_gets_no_token(here: World) -> None:
    token = post(here, FORM, basic("erp", here.key("admin", name="erp"))).get_json()["access_token"]
    assert post(here, FORM, basic("erp", token)).get_json()["error"] == "invalid_client"


# ── the token itself ─────────────────────────────────────────────────────────────────────────────────────────────────


@given(st.text(max_size=40), st.integers(0, 2**40), st.none() | st.lists(st.text(max_size=20), max_size=4).map(tuple))
def test_what_is_issued_is_read(key: str, expires: int, scopes: tuple[str, ...] | None) -> None:
    grant = tokens.Grant(key, expires, scopes)
    assert tokens.read(SECRET, tokens.issued(SECRET, grant)) == grant


@given(st.data())
def test_a_token_that_was_changed_anywhere_is_refused(data: st.DataObject) -> None:
    token = tokens.issued(SECRET, tokens.Grant("key_1", 2_000_000_000, ("orders:read",)))
    at = data.draw(st.integers(len(tokens.PREFIX), len(token) - 1))
    letter = data.draw(st.sampled_from("ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-_.="))
    changed = token[:at] + letter + token[at + 1 :]
    if changed == token:
        return
    try:
        grant = tokens.read(SECRET, changed)
    except Problem as problem:
        assert problem.code == "key_refused"  # noqa: PT017 - or it says the same
    else:  # the last bits of base64 say nothing
        assert grant == tokens.read(SECRET, token)


@given(st.text(max_size=200))
def test_any_text_is_refused(text: str) -> None:
    with pytest.raises(Problem):
        tokens.read(SECRET, tokens.PREFIX + text)


def test_a_token_of_another_gateway_is_refused() -> None:
    token = tokens.issued(b"t" * 32, tokens.Grant("key_1", 2_000_000_000, None))
    with pytest.raises(Problem):
        tokens.read(SECRET, token)
    body = base64.urlsafe_b64encode(json.dumps(["key_1", 2_000_000_000, None]).encode()).decode().rstrip("=")
    for text in (f"{tokens.PREFIX}{body}.", f"{tokens.PREFIX}{body}", f"{tokens.PREFIX}.{body}"):
        with pytest.raises(Problem):
            tokens.read(SECRET, text)


def test_who_guesses_is_told_to_wait_and_hears_nothing_meanwhile(here: World) -> None:
    key = here.key("orders:read", name="erp")
    app, other = here.app(limits=None), {"REMOTE_ADDR": "203.0.113.9"}
    client = app.test_client()
    for _ in range(40):  # what is right takes nothing
        assert client.post("/api/v1/token", data=FORM, headers=basic("erp", key)).status_code == 200
    wrong = [client.post("/api/v1/token", data=FORM, headers=basic("erp", f"{key}{n}")) for n in range(31)]
    assert [answer.status_code for answer in wrong] == [401] * 30 + [429]
    assert wrong[-1].headers["Retry-After"] == "2"
    right = client.post("/api/v1/token", data=FORM, headers=basic("erp", key))
    assert (right.status_code, right.get_json()["code"]) == (429, "rate_limited")
    assert right.get_json()["error"] == "temporarily_unavailable"
    elsewhere = client.post("/api/v1/token", data=FORM, headers=basic("erp", key), environ_base=other)
    assert elsewhere.status_code == 200
