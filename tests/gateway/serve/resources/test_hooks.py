"""Hooks: what is signed is a delivery once, what is not is told nothing."""

from __future__ import annotations

import logging
import threading
from datetime import UTC, datetime, timedelta
from io import BytesIO
from typing import TYPE_CHECKING, Any

import pytest

from gateway.errors import Retry, Stop
from gateway.receive.landing import Receiver
from gateway.serve.limits import Policy
from gateway.store import deliveries
from tests.gateway.serve.senders import KEY, OTHER, STANDARD, WHSEC, hooked, kept, mac, order, standard
from tests.gateway.serve.worlds import FILES, HEADER, World
from tests.gateway.serve.worlds import order as row

if TYPE_CHECKING:
    from flask.testing import FlaskClient
    from werkzeug.test import TestResponse

PATH = "/api/v1/hooks/acme-orders"
NOW = datetime(2026, 11, 21, 9, 0, tzinfo=UTC)
SECONDS = int(NOW.timestamp())
SECRETS = kept({"acme/hook": WHSEC, "acme/old": OTHER, "acme/plain": "correct horse"})
BODY = order("1")
GITHUB = """\
scheme: hmac
secret: secret:acme/plain
header: X-Hub-Signature-256
prefix: sha256=
id: X-GitHub-Delivery
"""
STRIPE = """\
scheme: hmac
secret: secret:acme/plain
header: Stripe-Signature
part: v1
timestamp_part: t
signed: "{timestamp}.{body}"
"""


def secret_of(reference: str) -> str:
    """As the operator's folder gives it."""
    if reference not in SECRETS:
        raise Stop(f"the secret {reference} cannot be read", "Write it")
    return SECRETS[reference]


def hook(here: World, signature: str = STANDARD, **other: Any) -> FlaskClient:
    """A sender, without any key of ours."""
    here.apply(hooked(signature))
    return here.app(**({"secret": secret_of, "now": lambda: NOW} | other)).test_client()


def landed(here: World) -> list[str]:
    """The names of all deliveries."""
    with here.database.read() as connection:
        return [each.name for each in deliveries.page(connection)]


def test_what_is_signed_is_a_delivery_and_becomes_records(here: World) -> None:
    answer = hook(here).post(PATH, data=BODY, headers=standard(BODY, "msg_1", SECONDS))
    said = answer.get_json()
    assert answer.status_code == 202
    assert answer.headers["Location"] == f"/api/v1/deliveries/{said['id']}"
    kept_as = [said[name] for name in ("source", "name", "partner", "integration", "state", "size")]
    assert kept_as == ["hook:", "msg_1.json", "acme", "acme-orders", "received", len(BODY)]
    assert b"".join(here.vault.chunks(said["sha256"])) == BODY
    here.work()
    assert here.client().get("/api/v1/orders/acme~1").get_json()["total"] == "10.00"
    log = here.client().get(f"{answer.headers['Location']}/activity").get_json()["items"]
    assert [each["event"] for each in log] == ["received", "accepted"]


def test_the_same_message_again_is_answered_200_with_the_same_delivery(here: World) -> None:
    client = hook(here)
    first = client.post(PATH, data=BODY, headers=standard(BODY, "msg_1", SECONDS))
    here.work()
    again = client.post(PATH, data=BODY, headers=standard(BODY, "msg_1", SECONDS + 60))  # a try has a time of its own
    assert (again.status_code, again.get_json()["id"]) == (200, first.get_json()["id"])
    assert again.headers["Location"] == first.headers["Location"]
    assert again.get_json()["state"] == "accepted"
    other = client.post(PATH, data=BODY, headers=standard(BODY, "msg_2", SECONDS))
    assert (other.status_code, landed(here)) == (202, ["msg_2.json", "msg_1.json"])


def test_the_id_of_a_message_belongs_to_its_body(here: World) -> None:
    client, changed = hook(here), order("2")
    client.post(PATH, data=BODY, headers=standard(BODY, "msg_1", SECONDS))
    answer = client.post(PATH, data=changed, headers=standard(changed, "msg_1", SECONDS))
    assert (answer.status_code, answer.get_json()["code"]) == (422, "key_reused")
    assert landed(here) == ["msg_1.json"]


def test_the_same_id_of_two_hooks_is_two_messages(here: World) -> None:
    files = hooked()
    flow = files["integrations/acme-orders.yaml"]
    other = flow.replace("integration: acme-orders", "integration: globex-orders").replace("acme\n", "globex\n", 1)
    here.apply(
        files
        | {
            "integrations/globex-orders.yaml": other.replace("partner: acme", "partner: globex"),
            "partners/globex.yaml": "partner: globex\nabout: Globex\n",
        }
    )
    client = here.app(secret=secret_of, now=lambda: NOW).test_client()
    headers = standard(BODY, "msg_1", SECONDS)
    answers = [
        client.post(f"/api/v1/hooks/{name}", data=BODY, headers=headers) for name in ("acme-orders", "globex-orders")
    ]
    assert [each.status_code for each in answers] == [202, 202]
    here.work()
    states = {each.get_json()["partner"] for each in answers}
    assert states == {"acme", "globex"}


def signed_with(**changed: str | None) -> dict[str, str]:
    """The headers of a good message, some changed, some left out."""
    headers: dict[str, str | None] = {**standard(BODY, "msg_1", SECONDS)}
    headers |= {name.replace("_", "-"): value for name, value in changed.items()}
    return {name: value for name, value in headers.items() if value is not None}


REFUSED: list[tuple[str, dict[str, str], str]] = [
    ("nothing", {}, "webhook-signature is missing"),
    ("no id", signed_with(webhook_id=None), "webhook-id is missing"),
    ("another id", signed_with(webhook_id="msg_2"), "the signature is another"),
    ("no time", signed_with(webhook_timestamp=None), "the time of sending is missing"),
    ("another time", signed_with(webhook_timestamp=str(SECONDS + 1)), "the signature is another"),
    ("no signature", signed_with(webhook_signature=None), "webhook-signature is missing"),
    ("an empty one", signed_with(webhook_signature=""), "webhook-signature is missing"),
    ("half a one", signed_with(webhook_signature="v1,AAAA"), "the signature is another"),
    ("no base64", signed_with(webhook_signature="v1,ä"), "holds no signature"),
    ("the asymmetric kind", signed_with(webhook_signature="v1a,AAAA"), "holds no signature"),
    ("by another key", standard(BODY, "msg_1", SECONDS, b"x" * 32), "the signature is another"),
    ("of another body", standard(BODY + b" ", "msg_1", SECONDS), "the signature is another"),
    ("301 s ago", standard(BODY, "msg_1", SECONDS - 301), "301 s ago"),
    ("301 s ahead", standard(BODY, "msg_1", SECONDS + 301), "301 s ahead"),
    ("a time that is none", standard(BODY, "msg_1", -5), "the time of sending is missing, or none"),
    # The signed text of this is also that of the id "msg" and a body that begins with the time.
    ("a shifted border", standard(BODY, f"msg.{SECONDS}", SECONDS), "holds what separates"),
]


def bare(answer: TestResponse) -> tuple[int, Any, Any, list[str]]:
    """An answer, without what differs between any two."""
    said = answer.get_json() | {"request_id": ""}
    headers = {name: value for name, value in answer.headers.items() if name != "X-Request-ID"}
    return answer.status_code, said, headers, sorted(answer.headers.keys())


@pytest.mark.parametrize(("headers", "why"), [pytest.param(*each[1:], id=each[0]) for each in REFUSED])
def test_what_is_not_signed_as_it_should_be_is_told_nothing(
    here: World, headers: dict[str, str], why: str, caplog: pytest.LogCaptureFixture
) -> None:
    caplog.set_level(logging.INFO)
    client = hook(here)
    answer = client.post(PATH, data=BODY, headers=headers)
    assert (answer.status_code, answer.get_json()["code"]) == (401, "signature_refused")
    assert answer.headers["WWW-Authenticate"]
    assert landed(here) == []
    assert why in caplog.text  # the operator is told
    for name in ("nobody", "acme-orders2", "a" * 300):
        unknown = client.post(f"/api/v1/hooks/{name}", data=BODY, headers=headers)
        assert bare(unknown) == bare(answer)
    here.apply(FILES)  # the integration is there, and takes uploads
    assert bare(client.post(PATH, data=BODY, headers=headers)) == bare(answer)
    for secret in (WHSEC, OTHER, "correct horse", KEY.hex()):
        assert secret.removeprefix("whsec_") not in caplog.text + answer.get_data(as_text=True)


def test_what_is_good_is_refused_alike_where_there_is_no_hook(here: World) -> None:
    client, headers = hook(here), standard(BODY, "msg_1", SECONDS)
    refused = bare(client.post(PATH, data=BODY))
    assert bare(client.post("/api/v1/hooks/nobody", data=BODY, headers=headers)) == refused
    assert client.post(PATH, data=BODY, headers=headers).status_code == 202


def test_what_comes_before_the_signature_is_told_alike_too(here: World) -> None:
    here.apply(hooked() | {"gateway.yaml": "hook_max: 10 B\n"})
    client = here.app(secret=secret_of, now=lambda: NOW).test_client()
    for options in ({"data": b"x" * 11}, {"data": b"x", "environ_overrides": {"CONTENT_LENGTH": "9"}}):
        one, other = (client.post(f"/api/v1/hooks/{name}", **options) for name in ("acme-orders", "nobody"))
        assert bare(one) == bare(other)
        assert one.get_json()["code"] in ("body_too_large", "incomplete_body")
    for ask in ({"query_string": "a=1"}, {"method": "GET"}, {"headers": {"Accept": "image/png"}}):
        one, other = (
            client.open(f"/api/v1/hooks/{name}", **({"method": "POST"} | ask)) for name in ("acme-orders", "nobody")
        )
        said = [
            each.get_data(as_text=True).replace("nobody", "acme-orders").partition('"request_id"')[0]
            for each in (one, other)
        ]
        assert said[0] == said[1]
        assert one.status_code in (400, 405, 406)


def test_five_minutes_either_way_are_near_enough(here: World) -> None:
    client = hook(here)
    for number, seconds in enumerate((SECONDS - 300, SECONDS + 300)):
        assert client.post(PATH, data=BODY, headers=standard(BODY, f"m{number}", seconds)).status_code == 202


def test_two_secrets_count_while_one_is_changed_for_the_other(here: World) -> None:
    client, old, new = hook(here), KEY[::-1], KEY
    for number, keys in enumerate(((old,), (new,), (b"x" * 32, old), (new, b"y" * 32))):
        headers = standard(BODY, f"m{number}", SECONDS, *keys)
        assert client.post(PATH, data=BODY, headers=headers).status_code == 202
    client = hook(here, STANDARD.replace("[secret:acme/hook, secret:acme/old]", "secret:acme/hook"))
    assert client.post(PATH, data=BODY, headers=standard(BODY, "m9", SECONDS, old)).status_code == 401


def test_a_changed_secret_counts_at_once(here: World) -> None:
    secrets = dict(SECRETS)
    client = hook(here, secret=lambda reference: secrets[reference])
    secrets["secret:acme/hook"] = secrets["secret:acme/old"] = OTHER
    assert client.post(PATH, data=BODY, headers=standard(BODY, "m1", SECONDS)).status_code == 401
    assert client.post(PATH, data=BODY, headers=standard(BODY, "m1", SECONDS, KEY[::-1])).status_code == 202


@pytest.mark.parametrize(
    "secret",
    ["", "whsec_", "whsec_AAAA", "whsec_ä", f"whsec_{'A' * 200}", WHSEC.removeprefix("whsec_"), "whsec_!!!!", None],
)
def test_a_secret_that_is_none_lets_nobody_in_and_is_told_to_the_operator(
    here: World, secret: str | None, caplog: pytest.LogCaptureFixture
) -> None:
    def of(reference: str) -> str:
        if secret is None:
            b"\xff".decode()
        return SECRETS[reference] if reference == "secret:acme/old" else str(secret)

    client = hook(here, STANDARD.replace("[secret:acme/hook, secret:acme/old]", "secret:acme/hook"), secret=of)
    for key in (b"", KEY, b"\0" * 3):
        assert client.post(PATH, data=BODY, headers=standard(BODY, "m1", SECONDS, key)).status_code == 401
    assert "secret:acme/hook" in caplog.text
    assert not secret or len(secret) < 7 or secret not in caplog.text
    client = hook(here, secret=of)
    expected = 401 if secret is None else 202  # the other secret counts all the same
    assert client.post(PATH, data=BODY, headers=standard(BODY, "m1", SECONDS, KEY[::-1])).status_code == expected


def test_an_empty_plain_secret_lets_nobody_in(here: World) -> None:
    client = hook(here, GITHUB, secret=lambda _: "")
    headers = {"X-Hub-Signature-256": f"sha256={mac(b'', BODY).hex()}", "X-GitHub-Delivery": "1"}
    assert client.post(PATH, data=BODY, headers=headers).status_code == 401


def test_an_id_that_is_not_signed_is_asked_for_by_name(here: World) -> None:
    client, signed = hook(here, GITHUB), {"X-Hub-Signature-256": f"sha256={mac(b'correct horse', BODY).hex()}"}
    for more in ({}, {"X-GitHub-Delivery": "a b"}, {"X-GitHub-Delivery": "x" * 256}):
        answer = client.post(PATH, data=BODY, headers=signed | more)
        assert (answer.status_code, answer.get_json()["code"]) == (400, "bad_header")
        assert answer.get_json()["errors"][0]["header"] == "X-GitHub-Delivery"
    assert client.post(PATH, data=BODY, headers=signed | {"X-GitHub-Delivery": "a/b"}).status_code == 202
    assert client.post(PATH, data=BODY, headers=signed | {"X-GitHub-Delivery": "a/b"}).status_code == 200
    assert landed(here) == ["a_b.json"]


def stripe(body: bytes, seconds: int, key: bytes = b"correct horse") -> dict[str, str]:
    return {"Stripe-Signature": f"t={seconds},v1={mac(key, f'{seconds}.'.encode() + body).hex()},v0=00"}


def test_without_an_id_the_very_request_again_is_the_same_delivery(here: World) -> None:
    client = hook(here, STRIPE)
    statuses = [
        client.post(PATH, data=body, headers=stripe(body, seconds)).status_code
        for body, seconds in ((BODY, SECONDS), (BODY, SECONDS), (BODY, SECONDS + 1), (order("2"), SECONDS))
    ]
    assert statuses == [202, 200, 202, 202]
    assert landed(here) == ["hook.json"] * 3


def test_two_times_in_one_header_are_none(here: World) -> None:
    headers = {"Stripe-Signature": f"t={SECONDS - 9999}," + stripe(BODY, SECONDS)["Stripe-Signature"]}
    assert hook(here, STRIPE).post(PATH, data=BODY, headers=headers).status_code == 401


def test_where_nothing_else_tells_messages_apart_their_content_does_for_a_while(here: World) -> None:
    """Whoever heard a request and sends it again makes nothing new; the same said an hour later is said again."""
    at = [NOW]
    client = hook(here, GITHUB.replace("id: X-GitHub-Delivery\n", ""), now=lambda: at[0])

    def send(body: bytes = BODY) -> int:
        headers = {"X-Hub-Signature-256": f"sha256={mac(b'correct horse', body).hex()}"}
        return client.post(PATH, data=body, headers=headers).status_code

    here.database.clock = lambda: at[0]
    assert [send(), send(), send(BODY.replace(b"10", b"11")), send()] == [202, 200, 202, 200]
    for minutes in (1, 2, 3, 4):
        at[0] = NOW + timedelta(minutes=minutes)
        assert send() == 200
    at[0] = NOW + timedelta(minutes=10)
    assert [send(), send()] == [202, 200]


def test_what_is_sent_again_later_is_a_duplicate_all_the_same(here: World) -> None:
    at = [NOW]
    client = hook(here, GITHUB.replace("id: X-GitHub-Delivery\n", ""), now=lambda: at[0])
    here.database.clock = lambda: at[0]
    headers = {"X-Hub-Signature-256": f"sha256={mac(b'correct horse', BODY).hex()}"}
    for minutes in (0, 10):
        at[0] = NOW + timedelta(minutes=minutes)
        assert client.post(PATH, data=BODY, headers=headers).status_code == 202
    here.work()
    with here.database.read() as connection:
        assert [each.state for each in deliveries.page(connection)] == ["duplicate", "accepted"]


def test_json_lines_and_other_formats_come_by_hooks_too(here: World) -> None:
    lines = order("1") + b"\n" + order("2") + b"\n"
    rows = (HEADER + row("3")).encode()
    for form, body in (("jsonl", lines), ("csv , utf-8 header", rows)):
        here.apply(hooked(format=form))
        client = here.app(secret=secret_of, now=lambda: NOW).test_client()
        assert client.post(PATH, data=body, headers=standard(body, form[:3], SECONDS)).status_code == 202
        here.work()
    items = here.client().get("/api/v1/orders").get_json()["items"]
    assert sorted(each["number"] for each in items) == ["1", "2", "3"]


def test_a_signed_body_may_come_in_chunks_because_half_of_it_is_not_signed(here: World) -> None:
    client = hook(here)

    def chunked(body: bytes) -> int:
        return client.post(
            PATH,
            input_stream=BytesIO(body),
            headers=standard(BODY, "msg_1", SECONDS) | {"Transfer-Encoding": "chunked"},
            environ_overrides={"wsgi.input_terminated": True, "CONTENT_LENGTH": ""},
        ).status_code

    assert [chunked(BODY[:-1]), chunked(BODY)] == [401, 202]


def test_a_message_of_many_megabytes_is_taken_too(here: World) -> None:
    body = b"[" + b",".join(order(str(number)) for number in range(20_000)) + b"]"
    assert len(body) > 1024 * 1024
    answer = hook(here).post(PATH, data=body, headers=standard(body, "big", SECONDS))
    assert (answer.status_code, answer.get_json()["size"]) == (202, len(body))


def test_what_could_not_be_made_durable_is_not_taken_and_comes_again(
    here: World, monkeypatch: pytest.MonkeyPatch
) -> None:
    client, headers = hook(here), standard(BODY, "msg_1", SECONDS)
    for error, status in ((Retry("the store is busy"), 503), (Stop("the disk is full", "Make room"), 503)):
        with monkeypatch.context() as patched:

            def fails(*_: Any, error: Exception = error) -> Any:
                raise error

            patched.setattr(Receiver, "_row", fails)  # the bytes are in the vault, the row is not there
            assert client.post(PATH, data=BODY, headers=headers).status_code == status
    assert landed(here) == []
    assert [client.post(PATH, data=BODY, headers=headers).status_code for _ in range(2)] == [202, 200]
    assert landed(here) == ["msg_1.json"]


def test_while_the_first_is_being_taken_the_second_is_told_to_wait(
    here: World, monkeypatch: pytest.MonkeyPatch
) -> None:
    client, headers = hook(here), standard(BODY, "msg_1", SECONDS)
    hangs, goes_on, landing = threading.Event(), threading.Event(), Receiver.land

    def slowly(*given: Any, **more: Any) -> Any:
        hangs.set()
        assert goes_on.wait(60)
        return landing(*given, **more)

    monkeypatch.setattr(Receiver, "land", slowly)
    first: list[int] = []
    running = threading.Thread(target=lambda: first.append(client.post(PATH, data=BODY, headers=headers).status_code))
    running.start()
    assert hangs.wait(60)
    second = client.application.test_client().post(PATH, data=BODY, headers=headers)
    goes_on.set()
    running.join(60)
    assert (second.status_code, second.get_json()["code"], second.headers["Retry-After"]) == (409, "still_running", "1")
    assert first == [202]


def test_each_hook_is_a_client_and_what_is_not_signed_takes_nothing_from_it(here: World) -> None:
    client = hook(here, limits=Policy(requests=2, seconds=60))
    for _ in range(5):
        assert client.post(PATH, data=BODY).status_code == 401
    statuses = [client.post(PATH, data=BODY, headers=standard(BODY, f"m{n}", SECONDS)) for n in range(3)]
    assert [each.status_code for each in statuses] == [202, 202, 429]
    assert statuses[0].headers["RateLimit"] == '"client";r=1;t=30'
    assert statuses[2].headers["Retry-After"]


def test_uploads_to_the_integration_of_a_hook_are_for_admin_alone(here: World) -> None:
    client = hook(here)
    path = "/api/v1/integrations/acme-orders/deliveries"
    assert client.post(path, data=BODY, headers=standard(BODY, "m1", SECONDS)).status_code == 401
    refused = here.client("deliveries:write").post(path, data=BODY)
    assert (refused.status_code, refused.get_json()["code"]) == (409, "signature_wanted")
    assert here.client("admin").post(path, data=BODY).status_code == 202


def test_the_document_shows_the_hook_to_everybody(here: World) -> None:
    shown = here.app().test_client().get("/api/v1/openapi.json").get_json()["paths"]["/api/v1/hooks/{integration}"]
    assert shown["post"]["security"] == []
    assert shown["post"]["requestBody"]["required"]
    assert {each["name"] for each in shown["post"]["parameters"]} >= {"integration", "webhook-id"}


def test_the_clock_is_asked_for_every_request(here: World) -> None:
    at = [NOW]
    client, headers = hook(here, now=lambda: at[0]), standard(BODY, "m1", SECONDS)
    at[0] += timedelta(hours=1)
    assert client.post(PATH, data=BODY, headers=headers).status_code == 401


def test_what_a_hook_takes_in_is_told_under_its_name(here: World, caplog: pytest.LogCaptureFixture) -> None:
    caplog.set_level(logging.INFO)
    client = hook(here)
    client.post(PATH, data=BODY)
    assert f"POST {PATH} 401 key= " in caplog.text
    client.post(PATH, data=BODY, headers=standard(BODY, "m1", SECONDS))
    assert f"POST {PATH} 202 key=hook:acme-orders " in caplog.text
