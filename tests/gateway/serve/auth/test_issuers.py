"""Tokens of an OIDC issuer that really signs, and publishes its keys over HTTP."""

from __future__ import annotations

import base64
import json
from datetime import UTC, datetime, timedelta
from typing import TYPE_CHECKING, Any

import jwt
import pytest
from cryptography.hazmat.primitives.serialization import Encoding, PublicFormat

from gateway.configuration import Issuer
from gateway.serve.auth.issuers import Issuers, is_jwt
from gateway.serve.auth.jwks import FRESH, PAUSE, STALE
from gateway.serve.problems import Problem
from tests.gateway.serve.auth.issuing import IssuerServer, issuer, made

if TYPE_CHECKING:
    from collections.abc import Iterator

    from gateway.serve.auth import Caller

NOW = datetime(2026, 11, 21, 12, tzinfo=UTC)
ALGORITHMS = ("RS256", "PS256", "ES256", "ES384", "EdDSA")


@pytest.fixture(scope="module")
def shared() -> Iterator[IssuerServer]:
    with issuer() as server:
        for algorithm in ALGORITHMS[1:]:
            server.add(algorithm, algorithm)
        yield server


@pytest.fixture
def alone() -> Iterator[IssuerServer]:
    with issuer() as server:
        yield server


def known(server: IssuerServer, **other: Any) -> Issuer:
    given: dict[str, Any] = {"audience": ("gateway",), "algorithms": ALGORITHMS}
    return Issuer(name="company", issuer=server.url, **(given | other))


def who(server: IssuerServer, token: str, *, now: datetime = NOW, **other: Any) -> Caller:
    return Issuers().caller([known(server, **other)], token, now)


def refusal(server: IssuerServer, token: str, **other: Any) -> str:
    with pytest.raises(Problem) as caught:
        who(server, token, **other)
    assert caught.value.code == "key_refused"
    assert 'error="invalid_token"' in caught.value.headers["WWW-Authenticate"]
    return caught.value.detail


@pytest.mark.parametrize("algorithm", ALGORITHMS)
def test_a_token_is_taken_by_each_signature(shared: IssuerServer, algorithm: str) -> None:
    token = shared.token(NOW.timestamp(), "k1" if algorithm == "RS256" else algorithm, scope="orders:read tables:read")
    caller = who(shared, token)
    assert (caller.id, caller.name) == ("oidc:company:alice", "company:alice")
    assert caller.scopes == ("orders:read", "tables:read")
    assert caller.partners is None
    assert token not in repr(caller)


def test_keys_come_from_the_named_address_too(shared: IssuerServer) -> None:
    assert who(shared, shared.token(NOW.timestamp(), scope="a:b"), jwks=f"{shared.url}/certs").scopes == ("a:b",)


# ── what claims allow ────────────────────────────────────────────────────────────────────────────────────────────────


@pytest.mark.parametrize(
    ("claims", "scopes"),
    [
        ({"scope": "openid profile orders:read"}, ("orders:read",)),
        ({"scope": ["orders:read", "*:read", 7]}, ("orders:read", "*:read")),
        ({"scope": "admin"}, ()),
        ({"scope": "admin:* *:* *:read tables.erp:read"}, ("*:read", "tables.erp:read")),
        ({"scope": {"orders:read": True}}, ()),
        ({"scope": "orders:read\u00a0admin"}, ("orders:read",)),
        ({}, ()),
    ],
)
def test_values_that_are_scopes_count_and_admin_never_does(
    shared: IssuerServer, claims: dict[str, Any], scopes: tuple[str, ...]
) -> None:
    assert who(shared, shared.token(NOW.timestamp(), **claims)).scopes == scopes


def test_grants_say_what_a_value_stands_for_and_nothing_else_counts(shared: IssuerServer) -> None:
    grants = (("Reader", ("orders:read", "prices:read")), ("boss", ("admin",)))
    token = shared.token(NOW.timestamp(), realm_access={"roles": ["Reader", "*:write", "stranger"]})
    assert who(shared, token, scopes="realm_access.roles", grants=grants).scopes == ("orders:read", "prices:read")
    named: dict[str, Any] = {"https://company.example/roles": ["boss"]}
    token = shared.token(NOW.timestamp(), **named)
    assert who(shared, token, scopes="https://company.example/roles", grants=grants).scopes == ("admin",)


@pytest.mark.parametrize(
    ("claims", "partners"),
    [
        ({"partner": "acme"}, ("acme",)),
        ({"partner": ["acme", "globex", None]}, ("acme", "globex")),
        ({"partner": {"acme": 1}}, ()),
        ({}, ()),
    ],
)
def test_who_is_limited_by_a_claim_and_lacks_it_sees_nothing(
    shared: IssuerServer, claims: dict[str, Any], partners: tuple[str, ...]
) -> None:
    caller = who(shared, shared.token(NOW.timestamp(), scope="*:read", **claims), partners="partner")
    assert caller.partners == partners
    assert not caller.may_see(None)


# ── what is refused ──────────────────────────────────────────────────────────────────────────────────────────────────


def unsigned(header: dict[str, Any], claims: dict[str, Any], signature: bytes = b"") -> str:
    parts = (json.dumps(header).encode(), json.dumps(claims).encode(), signature)
    return ".".join(base64.urlsafe_b64encode(part).rstrip(b"=").decode() for part in parts)


def claims_of(server: IssuerServer) -> dict[str, Any]:
    return {"iss": server.url, "aud": "gateway", "sub": "mallory", "exp": NOW.timestamp() + 300, "scope": "*:read"}


@pytest.mark.parametrize("none", ["none", "None", "NONE", "nOnE"])
def test_a_token_without_a_signature_is_refused(shared: IssuerServer, none: str) -> None:
    token = unsigned({"alg": none, "kid": "k1"}, claims_of(shared))
    assert is_jwt(token)
    assert "not signed by one of" in refusal(shared, token)


def test_the_public_key_is_no_shared_secret(shared: IssuerServer) -> None:
    """HS256 with the public key as its secret, in each spelling that a library may take (RFC 8725, 2.1)."""
    public = shared.keys["k1"][1].public_key()
    pem = public.public_bytes(Encoding.PEM, PublicFormat.SubjectPublicKeyInfo)
    for secret in (pem, pem.strip(), shared.published(), public.public_bytes(Encoding.DER, PublicFormat.PKCS1)):
        head = {"alg": "HS256", "kid": "k1", "typ": "JWT"}
        start = unsigned(head, claims_of(shared)).rsplit(".", 1)[0]
        mac = jwt.get_algorithm_by_name("HS256").sign(start.encode(), base64.b64encode(secret))
        assert "not signed by one of" in refusal(
            shared, f"{start}.{base64.urlsafe_b64encode(mac).rstrip(b'=').decode()}"
        )


def test_a_signature_of_somebody_else_is_refused(shared: IssuerServer) -> None:
    token = jwt.encode(claims_of(shared), made("RS256"), "RS256", headers={"kid": "k1"})
    assert "not that of its issuer" in refusal(shared, token)


def test_a_key_that_the_token_brings_along_is_not_used(shared: IssuerServer) -> None:
    own = made("RS256")
    brought = jwt.get_algorithm_by_name("RS256").to_jwk(own.public_key(), as_dict=True)
    for header in ({"jwk": brought}, {"jku": f"{shared.url}/certs"}, {"x5u": "https://evil.example/"}):
        token = jwt.encode(claims_of(shared), own, "RS256", headers={"kid": "k1"} | header)
        assert "not that of its issuer" in refusal(shared, token)


@pytest.mark.parametrize(
    ("claims", "told"),
    [
        ({"exp": NOW.timestamp() - 31}, "has expired"),
        ({"exp": None}, "lacks one of the claims"),
        ({"exp": "tomorrow"}, "is no time"),
        ({"exp": True}, "is no time"),
        ({"nbf": NOW.timestamp() + 31}, "is not yet valid"),
        ({"aud": "billing"}, "is not for gateway"),
        ({"aud": ["billing", "gateways"]}, "is not for gateway"),
        ({"aud": None}, "lacks one of the claims"),
        ({"aud": {"gateway": 1}}, "is not for gateway"),
        ({"iss": "https://evil.example"}, "issuer that is not known"),
        ({"iss": None}, "issuer that is not known"),
        ({"sub": None}, "lacks one of the claims"),
        ({"sub": ""}, "is not a name"),
        ({"sub": "a" * 201}, "is not a name"),
        ({"sub": "a\nb"}, "is not a name"),
        ({"pad": "x" * 17_000}, "longer than"),
    ],
)
def test_what_a_token_must_say(shared: IssuerServer, claims: dict[str, Any], told: str) -> None:
    token = shared.token(NOW.timestamp(), **({"scope": "*:read"} | claims))
    assert told in refusal(shared, token)


def test_who_has_a_token_that_is_over_is_sent_to_its_issuer_and_not_after_a_key(shared: IssuerServer) -> None:
    def remedy(token: str) -> str:
        with pytest.raises(Problem) as caught:
            who(shared, token)
        return json.loads(caught.value.body("req_1"))["remedy"]  # type: ignore[no-any-return] # a text

    another = "Get another token from its issuer; where that is refused too, the operator knows what is wanted of it."
    now = NOW.timestamp()
    assert remedy(shared.token(now, exp=now - 31)) == "Get a new token from its issuer."
    assert remedy(shared.token(now, aud="billing")) == "Get a token from its issuer that is for the audience gateway."
    assert remedy(shared.token(now, sub="")) == another
    assert remedy(shared.token(now, nbf=now + 31)) == "Send it again later, or correct the clock that is wrong."
    assert remedy(shared.token(now, header={"crit": ["exp"]})) == another


def test_clocks_may_differ_by_half_a_minute(shared: IssuerServer) -> None:
    assert who(shared, shared.token(NOW.timestamp(), exp=NOW.timestamp() - 29, nbf=NOW.timestamp() + 29))


def test_a_header_that_must_be_understood_is_not(shared: IssuerServer) -> None:
    token = shared.token(NOW.timestamp(), header={"crit": ["exp"]})
    with pytest.raises(Problem):
        who(shared, token)


def test_a_signature_by_a_way_that_is_not_allowed_is_refused(shared: IssuerServer) -> None:
    token = shared.token(NOW.timestamp(), "ES256")
    assert "not signed by one of RS256" in refusal(shared, token, algorithms=("RS256",))


def test_a_key_is_used_for_its_own_algorithm_alone(shared: IssuerServer) -> None:
    """The published key says RS256; the same key by PS256 is another's guess."""
    token = jwt.encode(claims_of(shared), shared.keys["k1"][1], "PS256", headers={"kid": "k1"})
    assert "does not publish" in refusal(shared, token)


@pytest.mark.parametrize(
    "text", ["", ".", "..", "a.b.c", "eyJh.eyJh.", "e30.e30.e30", "gw_abc", "a.b", "a.b.c.d", "é.b.c"]
)
def test_what_is_no_token_is_refused(shared: IssuerServer, text: str) -> None:
    with pytest.raises(Problem) as caught:
        who(shared, text)
    assert caught.value.code == "key_refused"


# ── keys come and go ─────────────────────────────────────────────────────────────────────────────────────────────────


def test_keys_are_fetched_once_for_many_tokens(alone: IssuerServer) -> None:
    issuers = Issuers()
    for _ in range(20):
        issuers.caller([known(alone)], alone.token(NOW.timestamp()), NOW)
    assert alone.asked == ["/.well-known/openid-configuration", "/certs"]


def test_a_new_key_is_taken_at_once_and_an_old_one_is_refused_when_it_is_withdrawn(alone: IssuerServer) -> None:
    issuers, configured = Issuers(), [known(alone)]
    old = alone.token(NOW.timestamp(), exp=NOW.timestamp() + 9000)
    assert issuers.caller(configured, old, NOW)
    alone.add("k2", "ES256")
    del alone.keys["k1"]
    later = NOW + PAUSE
    assert issuers.caller(configured, old, later), "nobody has said yet that it is withdrawn"
    assert issuers.caller(configured, alone.token(later.timestamp(), "k2"), later)
    with pytest.raises(Problem) as caught:
        issuers.caller(configured, old, later)
    assert "does not publish" in caught.value.detail


def test_a_withdrawn_key_is_refused_when_keys_are_fetched_anew(alone: IssuerServer) -> None:
    issuers, configured = Issuers(), [known(alone)]
    token = alone.token(NOW.timestamp(), exp=NOW.timestamp() + 9000)
    assert issuers.caller(configured, token, NOW)
    alone.add("k2")
    del alone.keys["k1"]
    with pytest.raises(Problem) as caught:
        issuers.caller(configured, token, NOW + FRESH)
    assert "does not publish" in caught.value.detail


def test_invented_names_of_keys_do_not_make_us_ask_the_issuer_again_and_again(alone: IssuerServer) -> None:
    issuers, configured = Issuers(), [known(alone)]
    forged = jwt.encode(claims_of(alone), made("RS256"), "RS256", headers={"kid": "invented"})
    for second in range(60):
        with pytest.raises(Problem):
            issuers.caller(configured, forged, NOW + timedelta(seconds=second))
    assert alone.asked.count("/certs") == 2


def test_while_the_issuer_is_down_its_keys_count_for_an_hour(alone: IssuerServer) -> None:
    issuers, configured = Issuers(), [known(alone)]
    token = alone.token(NOW.timestamp(), exp=NOW.timestamp() + 90_000)
    assert issuers.caller(configured, token, NOW)
    alone.down = True
    assert issuers.caller(configured, token, NOW + FRESH)
    assert issuers.caller(configured, token, NOW + STALE - timedelta(seconds=1))
    with pytest.raises(Problem) as caught:
        issuers.caller(configured, token, NOW + STALE)
    assert caught.value.code == "issuer_down"
    assert caught.value.headers["Retry-After"] == "30"
    asked = len(alone.asked)
    with pytest.raises(Problem):
        issuers.caller(configured, token, NOW + STALE + timedelta(seconds=1))
    assert len(alone.asked) == asked, "it is left alone for a while"
    alone.down = False
    assert issuers.caller(configured, token, NOW + STALE + PAUSE)


def test_an_issuer_that_was_never_up_is_no_reason_to_let_in(alone: IssuerServer) -> None:
    alone.down = True
    with pytest.raises(Problem) as caught:
        who(alone, alone.token(NOW.timestamp()))
    assert caught.value.code == "issuer_down"


@pytest.mark.parametrize(
    "body",
    [
        b"", b"[]", b"{", b'{"keys": {}}', b'{"keys": [1, null, "x"]}', b"\xff", b'{"keys": [{"kty": "RSA"}]}',
        b'{"keys": [{"kty": "oct", "k": "c2VjcmV0", "kid": "k1", "alg": "RS256"}]}', b"[" * 100_000, b" " * 300_000,
        b'{"keys": [{"kty": "RSA", "kid": "k1", "n": 1, "e": []}]}',
        b'{"keys": [{"kty": "RSA", "kid": "k1", "n": "!", "e": "AQAB"}]}',
    ],
)  # fmt: skip
def test_what_the_issuer_publishes_by_mistake_lets_nobody_in(alone: IssuerServer, body: bytes) -> None:
    alone.body = body
    with pytest.raises(Problem) as caught:
        who(alone, alone.token(NOW.timestamp()))
    assert caught.value.code in ("issuer_down", "key_refused")


def test_keys_come_from_no_address_to_which_the_issuer_sends_us(alone: IssuerServer) -> None:
    with pytest.raises(Problem) as caught:
        who(alone, alone.token(NOW.timestamp()), jwks=f"{alone.url}/moved")
    assert caught.value.code == "issuer_down"
    assert alone.asked == ["/moved"]


def test_a_short_key_is_none(alone: IssuerServer) -> None:
    alone.keys["k1"] = ("RS256", made("RS256", 1024))
    public = json.loads(alone.published())["keys"][0]
    alone.body = json.dumps({"keys": [public]}).encode()
    head = {"alg": "RS256", "kid": "k1"}
    token = unsigned(head, claims_of(alone), b"x" * 128)
    assert "does not publish" in refusal(alone, token)


def test_two_keys_of_one_name_are_none(alone: IssuerServer) -> None:
    keys = json.loads(alone.published())["keys"]
    alone.body = json.dumps({"keys": keys * 2}).encode()
    assert "does not publish" in refusal(alone, alone.token(NOW.timestamp()))


def test_a_token_that_names_no_key_is_taken_where_there_is_one(alone: IssuerServer) -> None:
    algorithm, key = alone.keys["k1"]
    assert who(alone, jwt.encode(claims_of(alone), key, algorithm))
    alone.add("k2")
    assert "does not publish" in refusal(alone, jwt.encode(claims_of(alone), key, algorithm))
