"""Every route, asked wrongly: one shape of refusal. And what every answer has."""

from __future__ import annotations

import json
import os
import re
import socket
import subprocess
import sys
import time
from contextlib import contextmanager
from typing import TYPE_CHECKING, Any
from urllib.parse import urlsplit
from urllib.request import Request, urlopen

import pytest

from gateway.errors import Retry, Stop
from gateway.serve.app import SHAPES
from gateway.serve.problems import PROBLEMS
from gateway.workspace.contracts import RESERVED_COLLECTIONS
from tests.gateway.serve.worlds import HEADER, World, order, with_key
from tests.servers import free_port

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

    from flask import Flask
    from flask.testing import FlaskClient
    from werkzeug.test import TestResponse

FILLED = {
    "collection": "orders",
    "key": "acme~1",
    "id": "nothing",
    "name": "nothing",
    "version": "1",
    "code": "bad_value",
    "connection": "erp",
    "table": "customers",
    "asset": "docs.js",
    "integration": "acme-orders",
}


def routes(app: Flask) -> list[tuple[str, str]]:
    """Every (method, path) with something that fits in each variable part; but pages for people, who read no JSON."""
    found = []
    for rule in app.url_map.iter_rules():
        if rule.rule.startswith("/try/"):
            continue
        path = re.sub(r"<(?:\w+:)?(\w+)>", lambda match: FILLED[match[1]], rule.rule)
        found += [(method, path) for method in sorted((rule.methods or set()) - {"HEAD", "OPTIONS"})]
    return sorted(found)


def problem(answer: TestResponse) -> dict[str, Any]:
    """The body of a refusal, its shape checked."""
    assert answer.mimetype == "application/problem+json", answer.get_data(as_text=True)[:200]
    body: dict[str, Any] = answer.get_json()
    assert set(body) >= set(SHAPES["Problem"]["required"])
    kind = PROBLEMS[body["code"]]
    assert body["status"] == answer.status_code == kind.status
    assert body["type"] == f"/problems/{body['code']}"
    assert body["detail"]
    assert body["remedy"]
    assert body["request_id"] == answer.headers["X-Request-ID"]
    for flaw in body["errors"]:
        assert flaw["code"] in PROBLEMS
        assert flaw["detail"]
        assert flaw["remedy"]
        assert len(flaw.keys() & {"parameter", "pointer", "header"}) <= 1
    return body


TOKEN = "/api/v1/token"
"""It takes a form, and says in it who asks (RFC 6749)."""
PROVED = {TOKEN: "invalid_request", "/api/v1/hooks/acme-orders": "signature_refused"}
"""Where who asks is proved in another way than by a key, and what is said to who does not."""


def open_to_all(path: str) -> bool:
    return path in ("/", "/docs", "/health/live", "/health/ready", "/api/v1/openapi.json") or path.startswith(
        ("/docs/", "/problems")
    )


def test_every_route_without_a_key_is_401_unless_it_is_open(still: World) -> None:
    app = still.app()
    for method, path in routes(app):
        answer = app.test_client().open(path, method=method)
        if open_to_all(path):
            assert answer.status_code < 400, path
        else:
            assert problem(answer)["code"] == PROVED.get(path, "key_missing"), path


def test_every_route_with_a_key_for_nothing_is_403_or_shows_nothing(still: World) -> None:
    app = still.app()
    client = with_key(app.test_client(), still.key("nothing:read"))
    for method, path in routes(app):
        answer = client.open(path, method=method)
        if open_to_all(path):
            assert answer.status_code < 400, path
        elif path in PROVED:
            assert problem(answer)["code"] == PROVED[path]
        elif path == "/api/v1/types":
            assert answer.get_json()["items"] == []
        elif path.startswith("/api/v1/types/"):
            assert problem(answer)["code"] == "unknown_type", path
        elif path == "/api/v1/usage":
            assert [line["client"] for line in answer.get_json()["items"]] == ["tester"]
        else:
            assert problem(answer)["code"] == "scope_missing", path


def test_every_route_refuses_a_method_that_it_does_not_have(still: World) -> None:
    app = still.app()
    client = with_key(app.test_client(), still.key("admin"))
    for path in {path for _, path in routes(app)}:
        for method in ("DELETE", "PUT", "PATCH"):
            answer = client.open(path, method=method)
            assert problem(answer)["code"] == "method_not_allowed", path
            assert "OPTIONS" in answer.headers["Allow"]


def test_every_route_refuses_parameters_that_it_does_not_have(still: World) -> None:
    app = still.app()
    client = with_key(app.test_client(), still.key("admin"))
    for method, path in routes(app):
        answer = client.open(f"{path}?nonsense=1", method=method)
        code = problem(answer)["code"]
        assert code == "unknown_parameter" or path.startswith("/api/v1/tables/"), path


def test_every_route_refuses_forms_of_answer_that_it_does_not_have(still: World) -> None:
    app = still.app()
    client = with_key(app.test_client(), still.key("admin"))
    for method, path in routes(app):
        if path in ("/", "/docs/docs.js"):
            continue
        answer = client.open(path, method=method, headers={"Accept": "image/png"})
        assert problem(answer)["code"] == "not_acceptable", path


def test_what_is_said_of_variants_of_a_form_is_no_reason_to_refuse(still: World) -> None:
    client = still.client()
    for form in ("application/json", "application/x-ndjson", "text/csv"):
        answer = client.get("/api/v1/orders", headers={"Accept": f"{form}; charset=utf-8"})
        assert (answer.status_code, answer.mimetype) == (200, form)


def test_every_post_refuses_bodies_that_it_cannot_use(still: World) -> None:
    app = still.app()
    client = with_key(app.test_client(), still.key("admin"))
    wrong = [
        (b"{", "application/json", 400),
        (b"[]", "application/json", 400),
        (b"\xff", "application/json", 400),
        (b'"\\ud800"', "application/json", 400),
        (b'{"nonsense": 1}', "application/json", 422),
        (b'{"reason": 1, "code": 1}', "application/json", 422),
        (b'{"reason": "", "code": ""}', "application/json", 422),
        (b"[" * 60_000, "application/json", 400),
        (b"reason=x", "application/x-www-form-urlencoded", 415),
        (b"x" * 70_000, "application/json", 413),
    ]
    files = ("/deliveries", "/trials", *PROVED)
    posts = [path for method, path in routes(app) if method == "POST" and not path.endswith(files)]
    assert len(posts) >= 5
    for path in posts:
        for body, kind, status in wrong:
            answer = client.post(path, data=body, content_type=kind)
            assert problem(answer)["status"] == status, (path, body[:40])


@pytest.mark.parametrize(
    ("path", "code"),
    [
        ("/nothing", "not_found"),
        ("/api/v1", "not_found"),
        ("/api/v1/", "not_found"),
        ("/api/v1/nothing", "unknown_collection"),
        ("/api/v1/orders/", "not_found"),
        ("/api/v1//orders", "not_found"),
        ("/api/v1/deliveries/d_1/nothing", "not_found"),
        ("/api/v1/orders/4711", "unknown_record"),
        ("/api/v1/orders/acme~4711/history", "unknown_record"),
        ("/api/v1/orders?version=9", "bad_parameter"),
        ("/api/v1/deliveries/d_1", "unknown_delivery"),
        ("/api/v1/quarantine/doc_1", "unknown_document"),
        ("/api/v1/quarantine/retry", "method_not_allowed"),
        ("/api/v1/types/ordr", "unknown_type"),
        ("/api/v1/types/order/versions/2", "unknown_type"),
        ("/api/v1/integrations/acme-ordrs", "unknown_integration"),
        ("/api/v1/partners/acne", "unknown_partner"),
        ("/api/v1/tables/erp/customers", "unknown_table"),
        ("/problems/nothing", "unknown_problem"),
        ("/docs/../app.py", "not_found"),
        ("/docs/app.py", "not_found"),
        ("/api/v1/orders?status=%00", "bad_request"),
        ("/api/v1/orders/%00", "bad_request"),
        ("/api/v1/orders/%ff%fe", "unknown_record"),
        ("/api/v1/deliveries?limit=x", "bad_parameter"),
        ("/api/v1/deliveries?state=lost", "bad_parameter"),
        ("/api/v1/deliveries?limit=1&limit=2", "repeated_parameter"),
        ("/api/v1/deliveries?cursor=x", "bad_cursor"),
        ("/api/v1/quarantine?cursor=x", "bad_cursor"),
        ("/api/v1/activity?after=-1", "bad_parameter"),
        ("/api/v1/activity?after=99999999999999999999", "bad_parameter"),
        ("/api/v1/activity?wait=31", "bad_parameter"),
        ("/api/v1/activity?since=yesterday", "bad_parameter"),
        ("/api/v1/activity?problems=1", "bad_parameter"),
    ],
)
def test_what_is_not_there_or_cannot_be_used(still: World, path: str, code: str) -> None:
    assert problem(still.client().get(path))["code"] == code


@pytest.mark.parametrize(
    ("environ", "code"),
    [
        ({"HTTP_HOST": ""}, "host_missing"),
        ({"HTTP_HOST": "one,two"}, "host_missing"),
        ({"HTTP_HOST": "one,two", "SERVER_PROTOCOL": "HTTP/1.0"}, "host_missing"),
        ({"HTTP_TRANSFER_ENCODING": "chunked", "CONTENT_LENGTH": "5"}, "ambiguous_length"),
        ({"QUERY_STRING": "a=%E4"}, "bad_request"),
        ({"QUERY_STRING": "%ff=a"}, "bad_request"),
        ({"QUERY_STRING": "a=\xe4"}, "bad_request"),
    ],
)
def test_what_a_server_may_let_through(still: World, environ: dict[str, str], code: str) -> None:
    assert problem(still.client().get("/health/live", environ_overrides=environ))["code"] == code


def test_a_head_request_has_the_headers_and_no_body(still: World) -> None:
    client = still.client()
    for path in ("/api/v1/orders", "/api/v1/orders/acme~1", "/health/live", "/docs"):
        get, head = client.get(path), client.head(path)
        assert head.status_code == 200
        assert head.get_data() == b""
        assert head.headers["Content-Length"] == get.headers["Content-Length"]
        assert head.headers.get("ETag") == get.headers.get("ETag")
    assert client.head("/nothing").get_data() == b""


def test_a_request_id_is_kept_when_it_is_one_and_made_when_not(still: World) -> None:
    client = still.client()
    assert client.get("/health/live", headers={"X-Request-ID": "abc-1"}).headers["X-Request-ID"] == "abc-1"
    for wrong in ("", "x" * 129, "a b", "é"):
        made = client.get("/health/live", headers={"X-Request-ID": wrong}).headers["X-Request-ID"]
        assert made.startswith("req_")


def test_a_trace_is_echoed_when_it_is_one(still: World) -> None:
    client = still.client()
    trace = "00-4bf92f3577b34da6a3ce929d0e0e4736-00f067aa0ba902b7-01"
    assert client.get("/health/live", headers={"traceparent": trace}).headers["traceparent"] == trace
    for wrong in (trace.replace("4bf92f3577b34da6a3ce929d0e0e4736", "0" * 32), "ff" + trace[2:], "x"):
        assert "traceparent" not in client.get("/health/live", headers={"traceparent": wrong}).headers


def items(client: FlaskClient, path: str) -> list[dict[str, Any]]:
    found: list[dict[str, Any]] = json.loads(client.get(path).data)["items"]
    return found


def test_what_a_request_wrote_into_the_logs_names_it_and_what_others_wrote_does_not(here: World) -> None:
    client = here.client()
    trace = "00-4bf92f3577b34da6a3ce929d0e0e4736-00f067aa0ba902b7-01"
    ids = {"X-Request-ID": "shop-4711", "traceparent": trace}
    path = "/api/v1/integrations/acme-orders/deliveries?filename=orders.csv"
    content = (HEADER + order("4711", total="none")).encode()
    assert client.post(path, data=content, headers=ids).status_code == 202
    here.work()
    (held,) = items(client, "/api/v1/quarantine")
    where, reason = f"/api/v1/quarantine/{held['id']}/discard", {"reason": "a test"}
    assert client.post(where, json=reason, headers={"X-Request-ID": "desk-1"}).status_code == 200
    named = {each["event"]: each["data"] for each in items(client, "/api/v1/activity")}
    assert (named["received"]["request"], named["received"]["trace"]) == ("shop-4711", trace)
    assert (named["discarded"]["request"], "trace" in named["discarded"]) == ("desk-1", False)
    assert "request" not in named["quarantined"], "a worker wrote it"
    audited = {each["action"]: each["details"] for each in items(client, "/api/v1/audit")}
    assert audited["discarded"]["request"] == "desk-1"
    assert "request" not in audited["closed"]
    here.deliver(order("4712"))
    received = [each for each in items(client, "/api/v1/activity") if each["event"] == "received"]
    assert ["request" in each["data"] for each in received] == [True, False], "in the thread that answered requests"


def test_every_answer_keeps_browsers_from_guessing(still: World) -> None:
    client = still.client()
    for path in ("/api/v1/orders", "/health/live", "/docs", "/docs/docs.js", "/nothing"):
        answer = client.get(path)
        assert answer.headers["X-Content-Type-Options"] == "nosniff"
        assert "default-src 'none'" in answer.headers["Content-Security-Policy"]
        assert "frame-ancestors 'none'" in answer.headers["Content-Security-Policy"]


@pytest.mark.parametrize(
    ("error", "code", "says"),
    [
        (Retry("the store does not answer", delay_seconds=3), "unavailable", None),
        (Stop("the store /var/lib/x cannot be written", "Make room."), "stopped", "/var/lib/x"),
        (ZeroDivisionError("secret inside"), "internal_error", None),
    ],
)
def test_troubles_inside_are_problems_without_their_insides(
    here: World, error: Exception, code: str, says: str | None
) -> None:
    def broken() -> Any:
        raise error

    answers = {
        scope: with_key(here.app(configuration=broken).test_client(), here.key(scope)).get("/api/v1/orders")
        for scope in ("orders:read", "admin")
    }
    for answer in answers.values():
        assert problem(answer)["code"] == code
        assert "secret" not in answer.get_data(as_text=True)
    assert "/var/lib/x" not in answers["orders:read"].get_data(as_text=True)
    if says:
        assert says in answers["admin"].get_data(as_text=True)
    if code == "unavailable":
        assert answers["admin"].headers["Retry-After"] == "3"


def test_the_gateways_own_names_are_reserved(still: World) -> None:
    own = {path.split("/")[3] for _, path in routes(still.app()) if path.startswith("/api/v1/")} - {"orders"}
    assert own <= RESERVED_COLLECTIONS


_SECONDS = 60
"""So long a machine that is busy otherwise may take."""

SERVED = """
import sys, time
from pathlib import Path
sys.path.insert(0, {root!r})
from tests.gateway.serve.worlds import world

here = world(Path({folder!r}))
app = here.app(wait=lambda seconds: (here.work(), time.sleep(0.01)))
"""


@contextmanager
def granian(folder: Path) -> Iterator[str]:
    """The application on a real server; yields its address."""
    (folder / "served.py").write_text(SERVED.format(root=os.getcwd(), folder=str(folder)))  # noqa: PTH109 - pytest's
    port = free_port()
    command = [sys.executable, "-m", "granian", "--interface", "wsgi", "--host", "127.0.0.1", "--port", str(port)]
    with (folder / "server.log").open("wb") as log:
        process = subprocess.Popen(
            [*command, "--blocking-threads", "4", "served:app"],
            cwd=folder,
            env={"PATH": os.environ["PATH"]},
            stdout=log,
            stderr=log,
        )
    try:
        until = time.monotonic() + _SECONDS
        while time.monotonic() < until:
            assert process.poll() is None, (folder / "server.log").read_text()
            try:
                socket.create_connection(("127.0.0.1", port), _SECONDS).close()
                break
            except ConnectionRefusedError:
                time.sleep(0.05)
        else:
            pytest.fail(f"the server did not answer within {_SECONDS} s: {(folder / 'server.log').read_text()}")
        yield f"http://127.0.0.1:{port}"
    finally:
        process.terminate()
        process.wait(_SECONDS)


def asked(address: str, raw: bytes, *, breaks_off: bool = False) -> dict[str, Any]:
    """A request as bytes; the JSON of the answer."""
    parts = urlsplit(address)
    with socket.create_connection((parts.hostname, parts.port), _SECONDS) as connection:
        connection.sendall(raw)
        if breaks_off:
            connection.shutdown(socket.SHUT_WR)
        with connection.makefile("rb") as stream:
            answer: dict[str, Any] = json.loads(stream.read().partition(b"\r\n\r\n")[2])
    return answer


@pytest.mark.server
def test_a_file_goes_in_and_its_record_comes_out_on_a_real_server(here: World, tmp_path: Path) -> None:
    key = here.key("admin")
    headers = {"Authorization": f"Bearer {key}"}
    with granian(tmp_path) as address:
        upload = Request(
            f"{address}/api/v1/integrations/acme-orders/deliveries?filename=orders.csv",
            (HEADER + order("a/b")).encode(),
            headers | {"Prefer": "wait=10"},
        )
        with urlopen(upload, timeout=_SECONDS) as answer:
            delivery = json.load(answer)
        assert delivery["state"] == "accepted"
        with urlopen(Request(f"{address}/api/v1/orders", headers=headers), timeout=_SECONDS) as answer:
            (record,) = json.load(answer)["items"]
        with urlopen(Request(f"{address}/api/v1/orders/{record['_key']}", headers=headers), timeout=_SECONDS) as answer:
            assert json.load(answer) == record
        ranged = headers | {"Range": "bytes=0-5"}
        content = f"{address}/api/v1/deliveries/{delivery['id']}/content"
        with urlopen(Request(content, headers=ranged), timeout=_SECONDS) as answer:
            assert (answer.status, answer.read()) == (206, b"number")

        assert asked(address, b"GET /health/live HTTP/1.1\r\nConnection: close\r\n\r\n")["code"] == "host_missing"
        assert "code" not in asked(address, b"GET /health/live HTTP/1.0\r\n\r\n"), "balancers of load ask so"
        path = b"POST /api/v1/integrations/acme-orders/deliveries HTTP/1.1\r\nHost: x\r\nConnection: close\r\n"
        path += b"X-Api-Key: " + key.encode() + b"\r\n"
        cut = path + b"Transfer-Encoding: chunked\r\n\r\n5\r\nhello\r\n5\r\nab"
        assert asked(address, cut, breaks_off=True)["code"] == "length_required"
        short = path + b"Content-Length: 50\r\n\r\nhello"
        assert asked(address, short, breaks_off=True)["code"] == "incomplete_body"
        with urlopen(Request(f"{address}/api/v1/deliveries", headers=headers), timeout=_SECONDS) as answer:
            assert len(json.load(answer)["items"]) == 1
