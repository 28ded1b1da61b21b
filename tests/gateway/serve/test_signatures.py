"""Signatures of requests: what others have published, what nobody may get past, and any way to cut the body."""

from __future__ import annotations

import base64
from datetime import UTC, datetime, timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st

from gateway.serve.signatures import Proof, Signature, key_of
from gateway.workspace.signatures import STANDARD_WEBHOOKS
from tests.gateway.serve.senders import KEY, mac, standard

NOW = datetime(2026, 11, 21, 9, 0, tzinfo=UTC)
SECONDS = int(NOW.timestamp())
PLAIN = Signature(("secret:a",), "X-Signature")
TIMED = Signature(("secret:a",), "X-Signature", signed="{timestamp}.{body}", timestamp="X-Time")


def holds(
    signature: Signature, headers: dict[str, str], body: bytes, *keys: bytes, now: datetime = NOW, cuts: int = 0
) -> bool:
    proof = Proof(signature, headers, keys, now)
    step = max(1, len(body) // (cuts + 1))
    for start in range(0, len(body), step):
        proof.feed(body[start : start + step])
    good = proof.holds()
    assert good is (not proof.why)
    return good


def test_published_examples_hold() -> None:
    """Those that the libraries of Standard Webhooks, and GitHub's documentation, are tried with."""
    key = key_of(STANDARD_WEBHOOKS, "whsec_MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw")
    headers = {
        "webhook-id": "msg_p5jXN8AQM9LWM0D4loKWxJek",
        "webhook-timestamp": "1614265330",
        "webhook-signature": "v1,g0hM9SsE+OTPJTGt/tmIKtSyZlE3uFJELVlNIOLJ1OE=",
    }
    then = datetime.fromtimestamp(1614265330, UTC)
    assert holds(STANDARD_WEBHOOKS, headers, b'{"test": 2432232314}', key, now=then)
    github = Signature(("secret:a",), "X-Hub-Signature-256", prefix="sha256=")
    sent = {"X-Hub-Signature-256": "sha256=757107ea0eb2509fc211221cce984b8a37570b6d7586c22c46f4379c8b043e17"}
    assert holds(github, sent, b"Hello, World!", key_of(github, "It's a Secret to Everybody"))


@pytest.mark.parametrize("algorithm", ["sha256", "sha512", "sha1"])
@pytest.mark.parametrize("encoding", ["hex", "base64"])
@pytest.mark.parametrize("key", [b"k", b"k" * 64, b"k" * 200])
def test_every_algorithm_and_encoding(algorithm: str, encoding: str, key: bytes) -> None:
    signature = Signature(("secret:a",), "X-Signature", algorithm=algorithm, encoding=encoding)
    raw = mac(key, b"body", algorithm)
    sent = raw.hex() if encoding == "hex" else base64.b64encode(raw).decode()
    assert holds(signature, {"X-Signature": sent}, b"body", key)
    assert holds(signature, {"X-Signature": sent.upper()}, b"body", key) is (encoding == "hex")
    assert not holds(signature, {"X-Signature": sent[:-4]}, b"body", key)
    assert not holds(signature, {"X-Signature": sent}, b"bodz", key)


@given(st.binary(max_size=200), st.integers(0, 7), st.integers(0, 199), st.integers(1, 255))
def test_any_way_to_cut_the_body_is_the_same_and_any_other_byte_is_not(
    body: bytes, cuts: int, at: int, by: int
) -> None:
    headers = standard(body, "msg_1", SECONDS)
    assert holds(STANDARD_WEBHOOKS, headers, body, KEY, cuts=cuts)
    other = bytearray(body or b"x")
    other[at % len(other)] ^= by
    assert not holds(STANDARD_WEBHOOKS, headers, bytes(other), KEY, cuts=cuts)


@given(st.text(st.characters(max_codepoint=255), max_size=40), st.text(st.characters(max_codepoint=255), max_size=40))
def test_whatever_stands_in_the_headers_nobody_gets_in_without_the_key(value: str, time: str) -> None:
    for signature in (PLAIN, TIMED, STANDARD_WEBHOOKS, Signature(("s",), "X-Signature", part="v1", timestamp_part="t")):
        headers = dict.fromkeys(("X-Signature", "webhook-signature", "webhook-id"), value)
        headers |= {"X-Time": time, "webhook-timestamp": time}
        assert not holds(signature, headers, b"body", KEY)
        assert not holds(signature, headers, b"body")


@pytest.mark.parametrize(
    ("time", "near"),
    [
        (str(SECONDS), True),
        ("2026-11-21T09:00:00Z", True),
        ("2026-11-21T10:04:59.5+01:00", True),
        ("2026-11-21T10:05:01+01:00", False),
        ("2026-11-21T09:00:00", False),
        ("2026-11-21", False),
        (f"{SECONDS}000", False),
        (f" {SECONDS}", False),
        (f"{SECONDS}.0", False),
        ("1e9", False),
        ("²", False),
        ("", False),
        ("999999999999", False),
        ("2026-02-30T09:00:00Z", False),
    ],
)
def test_times(time: str, near: bool) -> None:
    sent = mac(KEY, f"{time}.body".encode("latin-1")).hex()
    assert holds(TIMED, {"X-Signature": sent, "X-Time": time}, b"body", KEY) is near


def test_the_body_need_not_be_the_last_of_what_is_signed() -> None:
    signature = Signature(("secret:a",), "X-Signature", signed="{body}|{timestamp}", timestamp="X-Time")
    sent = mac(KEY, f"body|{SECONDS}".encode()).hex()
    assert holds(signature, {"X-Signature": sent, "X-Time": str(SECONDS)}, b"body", KEY)


def test_several_signatures_in_parts_and_semicolons() -> None:
    signature = Signature(("s",), "X-Signature", part="h1", timestamp_part="ts", signed="{timestamp}:{body}")
    good = mac(KEY, f"{SECONDS}:body".encode()).hex()
    for value in (f"ts={SECONDS};h1={good}", f"h1={'0' * 64}, h1={good} , ts={SECONDS}"):
        assert holds(signature, {"X-Signature": value}, b"body", KEY)
    for value in (f"ts={SECONDS};h2={good}", f"ts={SECONDS};h1={good};ts={SECONDS}", f"h1={good}"):
        assert not holds(signature, {"X-Signature": value}, b"body", KEY)


def test_what_is_wrong_is_told_without_what_was_expected() -> None:
    proof = Proof(TIMED, {"X-Signature": "00", "X-Time": str(SECONDS - 900)}, (KEY,), NOW)
    assert (proof.holds(), proof.why) == (False, "the time of sending is 900 s ago")
    later = Proof(TIMED, {"X-Signature": "00", "X-Time": str(SECONDS)}, (KEY,), NOW + timedelta(seconds=1))
    assert (later.holds(), later.why) == (False, "the signature is another")
