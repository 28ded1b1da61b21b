"""``signature:`` of an integration: how a hook is signed, and what would be no proof."""

from __future__ import annotations

import json

import pytest

from gateway.integrations import Signature
from gateway.workspace.loader import ConfigurationProblems, parse
from gateway.workspace.schema import schema
from tests.gateway.serve.senders import hooked
from tests.gateway.serve.worlds import FILES, ORDERS

WHOLE = """\
scheme: hmac
secret: [secret:acme/new, secret:acme/old]
header: Stripe-Signature
part: v1
prefix: x
algorithm: sha512
encoding: base64
signed: "{id}:{timestamp}.{body}"
timestamp_part: t
tolerance: 10m
id: X-Id
"""
PLAIN = "scheme: hmac\nsecret: secret:acme/hook\nheader: X-Signature\n"
STANDARD = "scheme: standard-webhooks\nsecret: secret:acme/hook\n"


def read(text: str) -> Signature | None:
    return parse(hooked(text)).integrations["acme-orders"].signature


def test_a_signature_is_read() -> None:
    assert read(WHOLE) == Signature(
        ("secret:acme/new", "secret:acme/old"),
        "Stripe-Signature",
        "v1",
        "x",
        "sha512",
        "base64",
        "{id}:{timestamp}.{body}",
        None,
        "t",
        600.0,
        "X-Id",
    )
    assert read(PLAIN) == Signature(("secret:acme/hook",), "X-Signature")
    slack = read(PLAIN + 'signed: "v0:{timestamp}:{body}"\nprefix: v0=\ntimestamp: X-Slack-Request-Timestamp\n')
    assert slack is not None
    assert (slack.signed, slack.timestamp) == ("v0:{timestamp}:{body}", "X-Slack-Request-Timestamp")


def test_standard_webhooks_say_the_rest_themselves() -> None:
    assert read(STANDARD + "tolerance: 1m\n") == Signature(
        ("secret:acme/hook",),
        "webhook-signature",
        prefix="v1,",
        encoding="base64",
        signed="{id}.{timestamp}.{body}",
        timestamp="webhook-timestamp",
        id="webhook-id",
        tolerance_seconds=60.0,
        standard=True,
    )


@pytest.mark.parametrize(
    ("text", "told"),
    [
        ("secret: secret:a/b\n", "lacks the key 'scheme'"),
        ("scheme: hmac\n", "lacks the key 'secret'"),
        (PLAIN.replace("hmac", "hmak"), "did you mean 'hmac'?"),
        (PLAIN.replace("hmac", "ed25519"), "no way to sign that is known here"),
        (PLAIN.replace("secret:acme/hook", "correct-horse"), "a secret stands here as it is"),
        (PLAIN.replace("secret:acme/hook", "[secret:a, secret:b, secret:c]"), "at most two different secrets"),
        (PLAIN.replace("secret:acme/hook", "[secret:a, secret:a]"), "at most two different secrets"),
        (PLAIN.replace("secret:acme/hook", "[]"), "the list is empty"),
        (PLAIN.replace("X-Signature", "X Signature"), "not the name of a header"),
        (PLAIN.replace("X-Signature", "'X-Signature:'"), "not the name of a header"),
        (PLAIN.replace("header: X-Signature\n", ""), "an HMAC needs the key 'header'"),
        (PLAIN + "algorithm: md5\n", "there is no HMAC with 'md5' here"),
        (PLAIN + "algorithm: sha265\n", "did you mean 'sha256'?"),
        (PLAIN + "encoding: base32\n", "no way to write a signature"),
        (PLAIN + "prefix: 'a b'\n", "cannot stand before a signature"),
        (PLAIN + "part: v 1\n", "not the name of a part of a header"),
        (PLAIN + "signed: {body}\n", "quote the value as a whole"),
        (PLAIN + "signed: body\n", "the body is not signed"),
        (PLAIN + 'signed: "{body}{body}"\n', "something is signed twice"),
        (PLAIN + 'signed: "{time}.{body}"\n', "nothing stands for {time}"),
        (PLAIN + 'signed: "{bodi}"\n', "did you mean 'body'?"),
        (PLAIN + 'signed: "{{body}}"\n', "not a text with places"),
        (PLAIN + 'signed: "{id}{body}"\nid: X-Id\n', "nobody could tell where the id ends"),
        (PLAIN + 'signed: "{timestamp}.{body}"\n', "nothing says where the timestamp is"),
        (PLAIN + 'signed: "{id}.{body}"\n', "nothing says where the id is"),
        (PLAIN + "timestamp: X-Time\n", "a time that is not signed proves nothing"),
        (PLAIN + "part: v1\ntimestamp_part: t\n", "a time that is not signed proves nothing"),
        (PLAIN + 'timestamp_part: t\nsigned: "{timestamp}.{body}"\n', "say which: part: v1"),
        (
            PLAIN + 'part: v1\ntimestamp_part: t\ntimestamp: X-T\nsigned: "{timestamp}.{body}"\n',
            "the time of sending is in one place",
        ),
        (PLAIN + "tolerance: 5m\n", "there is no time that could be off"),
        (PLAIN + "tolerance: 5\n", "not a duration"),
        (PLAIN + "algoritm: sha1\n", "did you mean 'algorithm'?"),
        (STANDARD + "header: X-Signature\n", "Standard Webhooks say themselves what 'header' is"),
        (STANDARD + "id: X-Id\nsigned: '{body}'\n", "Standard Webhooks say themselves what 'signed' is"),
    ],
)
def test_what_is_wrong_is_told_where_it_stands(text: str, told: str) -> None:
    with pytest.raises(ConfigurationProblems) as error:
        read(text)
    assert told in str(error.value)
    assert all(each.file == "integrations/acme-orders.yaml" for each in error.value.problems)
    assert "correct-horse" not in str(error.value)


def test_a_hook_is_signed_and_nothing_else_is() -> None:
    flow = hooked(PLAIN)["integrations/acme-orders.yaml"]
    unsigned = ORDERS.replace('"http:"', '"hook:"')
    for text, told in (
        (unsigned, "a hook needs the key 'signature'"),
        (flow.replace('"hook:"', '"http:"'), "'signature' belongs to hooks alone"),
        (flow.replace('"hook:"', '"hook:x"'), "nothing stands after hook:"),
    ):
        with pytest.raises(ConfigurationProblems) as error:
            parse(FILES | {"integrations/acme-orders.yaml": text})
        assert [told in each.message for each in error.value.problems] == [True]


def test_a_secret_of_webhooks_is_found_wherever_it_stands() -> None:
    with pytest.raises(ConfigurationProblems) as error:
        parse(hooked(PLAIN) | {"gateway.yaml": "about: whsec_MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw\n"})
    assert "a secret of webhooks stands here as it is" in str(error.value)
    assert "MfKQ9r8" not in str(error.value)


def test_several_hooks_may_take_the_same_messages() -> None:
    flow = hooked(PLAIN)["integrations/acme-orders.yaml"]
    other = flow.replace("integration: acme-orders", "integration: other").replace("partner: acme", "partner: globex")
    files = hooked(PLAIN) | {
        "integrations/other.yaml": other,
        "partners/globex.yaml": "partner: globex\nabout: Globex\n",
    }
    assert set(parse(files).integrations) == {"acme-orders", "other"}


def test_editors_are_told_the_keys() -> None:
    shown = json.dumps(schema()["integration"]["properties"]["signature"])
    for name in ("standard-webhooks", "sha512", "timestamp_part", "base64"):
        assert name in shown
