"""Files over HTTP: durable and whole, or refused and not there."""

from __future__ import annotations

import base64
import hashlib
import threading
from contextlib import closing
from datetime import timedelta
from io import BytesIO
from typing import TYPE_CHECKING, Any

import pytest

from gateway.errors import Retry, Stop
from gateway.receive.landing import Receiver
from gateway.store import deliveries, idempotency
from tests.gateway.serve.worlds import FILES, HEADER, ORDERS, World, order, with_key

if TYPE_CHECKING:
    from pathlib import Path

    from werkzeug.test import TestResponse

PATH = "/api/v1/integrations/acme-orders/deliveries"
FILE = (HEADER + order("1")).encode()


def landed(here: World) -> list[str]:
    """The names of all deliveries."""
    with here.database.read() as connection:
        return [each.name for each in deliveries.page(connection)]


def digest(content: bytes, algorithm: str = "sha-256") -> str:
    made = hashlib.new(algorithm.replace("-", ""), content).digest()
    return f"{algorithm}=:{base64.b64encode(made).decode()}:"


def test_a_file_is_taken_with_202_and_its_place(here: World) -> None:
    answer = here.client("deliveries:write").post(f"{PATH}?filename=po.csv", data=FILE)
    assert answer.status_code == 202
    body = answer.get_json()
    assert (body["state"], body["name"], body["source"], body["partner"]) == ("received", "po.csv", "http:", "acme")
    assert answer.headers["Location"] == f"/api/v1/deliveries/{body['id']}"
    assert b"".join(here.vault.chunks(body["sha256"])) == FILE
    here.work()
    assert here.client().get("/api/v1/orders/acme~1").status_code == 200


def test_who_waits_is_told_how_it_ended(here: World) -> None:
    answer = here.client().post(PATH, data=FILE, headers={"Prefer": "respond-async, wait=10"})
    assert answer.status_code == 200
    assert answer.headers["Preference-Applied"] == "wait=10"
    assert answer.get_json()["state"] == "accepted"


def test_who_has_no_place_to_wait_is_told_at_once_that_its_file_is_kept(here: World) -> None:
    """A client has a third of the places, and streams and waits are all of them."""
    answers: list[TestResponse] = []
    prefer = {"Prefer": "wait=10"}

    def wait(seconds: float) -> None:
        if not answers:
            answers.extend(each.post(PATH, data=HEADER + order("2"), headers=prefer) for each in (again, other))
        here.wait(seconds)

    app = here.app(wait=wait, followers_max=1)
    mine, again, other = (
        with_key(app.test_client(), here.key("admin", name=name)) for name in ("mine", "mine", "other")
    )
    first = mine.post(PATH, data=FILE, headers=prefer)
    assert (first.status_code, first.headers["Preference-Applied"]) == (200, "wait=10")
    assert [each.status_code for each in answers] == [202, 202]
    for each in answers:
        assert (each.get_json()["state"], each.headers.get("Preference-Applied")) == ("received", None)
        assert other.get(each.headers["Location"]).status_code == 200
    with closing(mine.get("/api/v1/changes", headers={"Accept": "text/event-stream"}, buffered=False)):
        assert other.post(PATH, data=HEADER + order("3"), headers=prefer).status_code == 202
    last = other.post(PATH, data=HEADER + order("4"), headers=prefer)
    assert (last.status_code, last.headers["Preference-Applied"]) == (200, "wait=10")


def test_the_place_of_who_waited_is_free_again_when_its_waiting_fails(here: World) -> None:
    def wait(seconds: float) -> None:
        here.wait(seconds)
        if fails:
            raise Retry("the store is busy")

    fails = [True]
    client = here.client(wait=wait, followers_max=1)
    assert client.post(PATH, data=FILE, headers={"Prefer": "wait=10"}).status_code == 503
    fails.clear()
    assert client.post(PATH, data=HEADER + order("2"), headers={"Prefer": "wait=10"}).status_code == 200


def test_who_waits_in_vain_is_told_that_too(here: World) -> None:
    here.works = False
    answer = here.client().post(PATH, data=FILE, headers={"Prefer": "wait=100"})
    assert (answer.status_code, answer.get_json()["state"]) == (202, "received")
    assert answer.headers["Preference-Applied"] == "wait=25"
    assert 24 < here.late.total_seconds() <= 25


def test_an_empty_file_is_a_delivery_too(here: World) -> None:
    answer = here.client().post(PATH, data=b"", headers={"Prefer": "wait=5"})
    assert answer.get_json()["size"] == 0
    assert answer.get_json()["state"] == "quarantined"


def test_the_name_of_the_file(here: World) -> None:
    client = here.client()
    named: list[tuple[str, dict[str, str], str]] = [
        ("", {}, "upload"),
        ("?filename=a%20b.csv", {}, "a b.csv"),
        ("", {"Content-Disposition": 'attachment; filename="po.edi"'}, "po.edi"),
        ("", {"Content-Disposition": "attachment; filename*=UTF-8''%C3%A4.edi"}, "ä.edi"),
        ("?filename=a.csv", {"Content-Disposition": 'attachment; filename="b.csv"'}, "a.csv"),
    ]
    for query, headers, name in named:
        assert client.post(PATH + query, data=FILE, headers=headers).get_json()["name"] == name


REFUSED: list[tuple[str, dict[str, Any], int, str]] = [
    ("?filename=../x", {}, 400, "bad_parameter"),
    ("?filename=", {}, 400, "bad_parameter"),
    ("?filename=a%0Ab", {}, 400, "bad_parameter"),
    (f"?filename={'ä' * 200}", {}, 400, "bad_parameter"),
    ("", {"headers": {"Content-Disposition": 'attachment; filename="a/b"'}}, 400, "bad_header"),
    ("", {"headers": {"Content-Digest": digest(b"other")}}, 400, "digest_differs"),
    ("", {"headers": {"Content-Digest": digest(b"other", "sha-512")}}, 400, "digest_differs"),
    ("", {"headers": {"Content-Digest": f"{digest(FILE)}, {digest(b'other', 'sha-512')}"}}, 400, "digest_differs"),
    ("", {"headers": {"Content-Digest": f"{digest(FILE, 'sha-512')},{digest(b'other')}"}}, 400, "digest_differs"),
    ("", {"headers": {"Content-Digest": f"{digest(FILE)}, {digest(b'other')}"}}, 400, "digest_differs"),
    ("", {"headers": {"Content-Digest": "garbage"}}, 400, "bad_header"),
    ("", {"headers": {"Content-Digest": "md5=AAAA"}}, 400, "bad_header"),
    ("", {"headers": {"Content-Digest": 'md5="AAAA"'}}, 400, "bad_header"),
    ("", {"headers": {"Content-Digest": "md5=:A:"}}, 400, "bad_header"),
    ("", {"headers": {"Content-Digest": digest(FILE) + ","}}, 400, "bad_header"),
    ("", {"headers": {"Content-Digest": digest(FILE) + " more"}}, 400, "bad_header"),
    ("", {"headers": {"Content-Digest": "SHA-256=" + digest(FILE).partition("=")[2]}}, 400, "bad_header"),
    ("", {"headers": {"Content-Digest": "sha-512=" + digest(FILE).partition("=")[2]}}, 400, "bad_header"),
    ("", {"headers": {"Content-Digest": "sha-256=:short:"}}, 400, "bad_header"),
    ("", {"headers": {"Content-Digest": "sha-256=" + "A" * 44}}, 400, "bad_header"),
    ("", {"headers": {"Idempotency-Key": "a b"}}, 400, "bad_header"),
    ("", {"headers": {"Idempotency-Key": "x" * 201}}, 400, "bad_header"),
    ("", {"environ_overrides": {"CONTENT_LENGTH": "999"}}, 400, "incomplete_body"),
    ("", {"content_type": "multipart/form-data; boundary=x"}, 415, "unsupported_media_type"),
]


@pytest.mark.parametrize(("query", "options", "status", "code"), REFUSED)
def test_what_is_refused_is_not_there(
    still: World, query: str, options: dict[str, Any], status: int, code: str
) -> None:
    before = landed(still)
    answer = still.client().post(PATH + query, data=FILE, **options)
    assert (answer.status_code, answer.get_json()["code"]) == (status, code)
    assert landed(still) == before


@pytest.mark.parametrize(
    "field",
    [
        pytest.param(f"md5=:AAAA:, {digest(FILE)}", id="an unknown one beside it"),
        pytest.param("md5=:AAAA:", id="an unknown one alone"),
        pytest.param(digest(FILE, "sha-512"), id="sha-512"),
        pytest.param(f"{digest(FILE)} \t,{digest(FILE, 'sha-512')}", id="both"),
        pytest.param(f"{digest(b'other')}, {digest(FILE)}", id="the last of one name counts"),
        pytest.param(digest(FILE).replace("=:", ":").replace(":", "=:", 1), id="without padding"),
        pytest.param(f'{digest(FILE)};a; b=1;c="x,y"', id="parameters"),
        pytest.param("", id="an empty dictionary"),
    ],
)
def test_the_digest_is_compared(here: World, field: str) -> None:
    assert here.client().post(PATH, data=FILE, headers={"Content-Digest": field}).status_code == 202


def chunked(here: World, headers: dict[str, str]) -> TestResponse:
    return here.client().post(
        PATH,
        input_stream=BytesIO(FILE),
        headers=headers | {"Transfer-Encoding": "chunked"},
        environ_overrides={"wsgi.input_terminated": True, "CONTENT_LENGTH": ""},
    )


def test_a_chunked_body_needs_a_digest_because_its_end_proves_nothing(here: World) -> None:
    assert chunked(here, {}).get_json()["code"] == "length_required"
    assert chunked(here, {"Content-Digest": digest(FILE + b"and more")}).get_json()["code"] == "digest_differs"
    assert chunked(here, {"Content-Digest": "md5=:AAAA:"}).get_json()["code"] == "length_required"
    assert landed(here) == []
    assert chunked(here, {"Content-Digest": digest(FILE)}).status_code == 202
    assert chunked(here, {"Content-Digest": digest(FILE, "sha-512")}).status_code == 202


def test_a_file_beyond_the_bound_is_refused_before_it_is_read(here: World) -> None:
    here.apply(FILES | {"gateway.yaml": "upload_max: 100 B\n"})
    client = here.client()
    assert client.post(PATH, data=b"x" * 101).get_json()["code"] == "body_too_large"
    assert chunked(here, {"Content-Digest": digest(FILE * 3)}).status_code in (400, 413)
    assert landed(here) == []


def test_an_integration_that_reads_a_table_takes_no_files(here: World) -> None:
    flow = ORDERS.replace('"http:"', "table://erp/orders\nchanges: snapshot every 5m\nkey: number").replace(
        "format: csv , utf-8 header\n", ""
    )
    here.apply(
        FILES
        | {
            "integrations/acme-orders.yaml": flow,
            "connections.yaml": 'erp:\n  kind: odbc\n  url: "Driver={SQLite3};Database=erp.db"\n',
        }
    )
    answer = here.client().post(PATH, data=FILE)
    assert (answer.status_code, answer.get_json()["code"]) == (409, "no_files")


def test_the_same_key_and_file_is_the_same_delivery(here: World) -> None:
    client = here.client()
    headers = {"Idempotency-Key": '"k1"', "Prefer": "wait=5"}
    first = client.post(PATH, data=FILE, headers=headers)
    again = client.post(PATH, data=FILE, headers=headers)
    assert again.get_json() == first.get_json()
    assert (again.status_code, again.headers["Location"]) == (first.status_code, first.headers["Location"])
    assert again.headers["Idempotency-Replayed"] == "true"
    assert len(landed(here)) == 1
    for other in (client.post(PATH, data=FILE + b"x", headers=headers),
                  client.post(f"{PATH}?filename=other", data=FILE, headers=headers)):  # fmt: skip
        assert (other.status_code, other.get_json()["code"]) == (422, "key_reused")
    assert client.post(PATH, data=FILE, headers=headers | {"Idempotency-Key": "k2"}).get_json()["state"] == "duplicate"


def test_another_key_of_the_same_client_and_rights_hears_the_same_answer_and_nobody_else(here: World) -> None:
    """So a client that was given its new key in the middle of its tries makes one delivery."""
    headers, rights = {"Idempotency-Key": "k1", "Prefer": "wait=5"}, ("deliveries:write", "orders:read")

    def sent(*scopes: str, name: str = "erp", partners: tuple[str, ...] | None = ("acme",)) -> TestResponse:
        client = with_key(here.app().test_client(), here.key(*scopes, name=name, partners=partners))
        return client.post(PATH, data=FILE, headers=headers)

    first = sent(*rights)
    assert first.status_code == 200
    rotated = sent(*reversed(rights))
    assert (rotated.get_json(), rotated.headers["Idempotency-Replayed"]) == (first.get_json(), "true")
    assert len(landed(here)) == 1
    others = [
        sent(*rights, name="other"),
        sent(*rights, partners=None),
        sent(*rights, partners=("acme", "globex")),
        sent(*rights, "orders:personal"),
    ]
    assert [each.get_json()["state"] for each in others] == ["duplicate"] * 4
    assert not any("Idempotency-Replayed" in each.headers for each in others)
    assert len(landed(here)) == 5


def test_a_key_that_is_used_again_when_its_answer_is_forgotten_loses_no_file(here: World) -> None:
    client, headers = here.client(), {"Idempotency-Key": "k1"}
    more = ORDERS.replace("acme-orders", "acme-more") + "precedence: 2\n"
    here.apply(
        FILES | {"integrations/acme-orders.yaml": ORDERS + "precedence: 1\n", "integrations/acme-more.yaml": more}
    )

    def sent(path: str, content: bytes) -> str:
        with here.database.write() as transaction:
            idempotency.prune(transaction, before=transaction.now + timedelta(seconds=1))
        return str(client.post(path, data=content, headers=headers).get_json()["id"])

    first = sent(PATH, FILE)
    assert sent(PATH, FILE) == first
    others = {
        sent(PATH, FILE + b"\n"),
        sent(f"{PATH}?filename=po.csv", FILE),
        sent(PATH.replace("orders", "more"), FILE),
    }
    assert len(others | {first}) == len(landed(here)) == 4


def test_the_key_of_a_request_that_failed_is_free_again(here: World, tmp_path: Path) -> None:
    key = here.key("admin")
    headers = {"Idempotency-Key": "k1"}

    class Full(Receiver):
        def land(self, *_: Any, **__: Any) -> Any:
            raise Stop("the vault is full")

    full = Full(here.database, here.vault, here.ids.new, lambda: here.configuration)
    broken = with_key(here.app(receiver=full, spool=tmp_path).test_client(), key)
    assert broken.post(PATH, data=FILE, headers=headers).get_json()["code"] == "stopped"
    whole = with_key(here.app().test_client(), key)
    assert whole.post(PATH, data=FILE + order("2").encode(), headers=headers).status_code == 202


def test_a_second_request_while_the_first_runs_is_told_to_come_back(here: World) -> None:
    waits, goes_on = threading.Event(), threading.Event()

    def wait(seconds: float) -> None:
        waits.set()
        assert goes_on.wait(60)
        here.wait(seconds)

    app, key = here.app(wait=wait), here.key("admin")
    headers = {"Idempotency-Key": "k1", "Prefer": "wait=5"}
    first: list[TestResponse] = []
    running = threading.Thread(
        target=lambda: first.append(with_key(app.test_client(), key).post(PATH, data=FILE, headers=headers))
    )
    running.start()
    assert waits.wait(60)
    second = with_key(app.test_client(), key).post(PATH, data=FILE, headers=headers)
    goes_on.set()
    running.join(60)
    assert (second.status_code, second.get_json()["code"]) == (409, "still_running")
    assert second.headers["Retry-After"] == "1"
    assert first[0].status_code == 200
    assert len(landed(here)) == 1


def test_a_request_that_another_process_left_unfinished_is_finished_here(here: World) -> None:
    hangs, goes_on = threading.Event(), threading.Event()

    def wait(_: float) -> None:
        hangs.set()
        assert goes_on.wait(60)

    key, headers = here.key("admin"), {"Idempotency-Key": "k1", "Prefer": "wait=5"}
    other_process = here.app(wait=wait)
    running = threading.Thread(
        target=lambda: with_key(other_process.test_client(), key).post(PATH, data=FILE, headers=headers)
    )
    running.start()
    assert hangs.wait(60)
    answer = with_key(here.app().test_client(), key).post(PATH, data=FILE, headers=headers)
    goes_on.set()
    running.join(60)
    assert answer.get_json()["state"] == "accepted"
    assert len(landed(here)) == 1
