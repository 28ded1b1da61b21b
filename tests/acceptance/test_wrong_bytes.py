"""What no client library sends, to the server as it runs: bytes in which another request, or another header, is hidden.

Of one connection only one request may be read where its end can be read in two ways; a proxy in front of us may have
chosen the other way (RFC 9112, 6.3 and 11.2).
"""

from __future__ import annotations

import json
import re
import socket
from typing import TYPE_CHECKING

import pytest

from gateway.serve.problems import PROBLEMS
from tests.gateway.client.gateways import Running, running

if TYPE_CHECKING:
    from collections.abc import Iterator

pytestmark = pytest.mark.server

_SECONDS, _SILENT_SECONDS = 60.0, 0.5
"""A connection on which nothing more comes after an answer is open for the next request."""

HIDDEN = b"GET /api/v1/deliveries/hidden HTTP/1.1\r\nHost: x\r\n\r\n"
SMUGGLED = {
    "a length and chunks": b"Content-Length: 4\r\nTransfer-Encoding: chunked\r\n\r\n0\r\n\r\n" + HIDDEN,
    "chunks and a length": b"Transfer-Encoding: chunked\r\nContent-Length: 4\r\n\r\n0\r\n\r\n" + HIDDEN,
    "two lengths": b"Content-Length: 0\r\nContent-Length: %d\r\n\r\n" % len(HIDDEN) + HIDDEN,
    "a list of lengths": b"Content-Length: 0, %d\r\n\r\n" % len(HIDDEN) + HIDDEN,
    "a signed length": b"Content-Length: +0\r\n\r\n" + HIDDEN,
    "a length that is none": b"Content-Length: 0x0\r\n\r\n" + HIDDEN,
    "an encoding of another kind": b"Transfer-Encoding: xchunked\r\n\r\n" + HIDDEN,
    "an encoding with a blank": b"Transfer-Encoding : chunked\r\n\r\n0\r\n\r\n" + HIDDEN,
    "chunked twice": b"Transfer-Encoding: chunked, chunked\r\n\r\n0\r\n\r\n" + HIDDEN,
    "a chunk of no size": b"Transfer-Encoding: chunked\r\n\r\nx\r\n\r\n" + HIDDEN,
    "a chunk of a huge size": b"Transfer-Encoding: chunked\r\n\r\nfffffffffffffffff\r\n\r\n" + HIDDEN,
    "a folded header": b"X-A: 1\r\n Transfer-Encoding: chunked\r\nContent-Length: 0\r\n\r\n" + HIDDEN,
    "a bare carriage return": b"X-A: 1\rContent-Length: 5\r\n\r\n" + HIDDEN,
    "a name with a blank": b"Content Length: 5\r\n\r\n" + HIDDEN,
    "a NUL": b"X-A: \0\r\n\r\n" + HIDDEN,
}
BROKEN = {
    "no host": b"GET /health/live HTTP/1.1\r\n\r\n",
    "two hosts": b"GET /health/live HTTP/1.1\r\nHost: a\r\nHost: b\r\n\r\n",
    "no version": b"GET /health/live\r\n\r\n",
    "another version": b"GET /health/live HTTP/9.9\r\nHost: x\r\n\r\n",
    "no request": b"\x16\x03\x01\x02\x00\x01\x00\x01\xfc\x03\x03" * 20 + b"\r\n\r\n",
    "a blank in the path": b"GET /health/ live HTTP/1.1\r\nHost: x\r\n\r\n",
    "bytes in the path": b"GET /api/v1/\xff\xfe HTTP/1.1\r\nHost: x\r\n\r\n",
    "a whole address": b"GET http://elsewhere.example/api/v1/orders HTTP/1.1\r\nHost: x\r\n\r\n",
    "a star": b"OPTIONS * HTTP/1.1\r\nHost: x\r\n\r\n",
    "a tunnel": b"CONNECT elsewhere.example:443 HTTP/1.1\r\nHost: elsewhere.example:443\r\n\r\n",
    "a long path": b"GET /" + b"x" * 60_000 + b" HTTP/1.1\r\nHost: x\r\n\r\n",
    "a long query": b"GET /api/v1/orders?" + b"x" * 60_000 + b" HTTP/1.1\r\nHost: x\r\n\r\n",
    "a huge path": b"GET /" + b"x" * 900_000 + b" HTTP/1.1\r\nHost: x\r\n\r\n",
    "a huge header": b"GET /health/live HTTP/1.1\r\nHost: x\r\nX-A: " + b"x" * 900_000 + b"\r\n\r\n",
    "many headers": b"GET /health/live HTTP/1.1\r\nHost: x\r\n" + b"X-A: 1\r\n" * 5000 + b"\r\n",
    "an unknown expectation": b"POST /health/live HTTP/1.1\r\nHost: x\r\nExpect: 1\r\nContent-Length: 1\r\n\r\nx",
    "an upgrade": b"GET /health/live HTTP/1.1\r\nHost: x\r\nConnection: upgrade, close\r\nUpgrade: h2c\r\n\r\n",
    "a new line in the path": b"GET /api/v1/orders/a%0d%0aX-Injected:%20yes HTTP/1.1\r\nHost: x\r\n\r\n",
    "a new line in a link": b"GET /problems/x%0d%0aX-Injected:%20yes HTTP/1.1\r\nHost: x\r\n\r\n",
    "a new line in an id": b"GET /health/live HTTP/1.1\r\nHost: x\r\nX-Request-ID: a\rX-Injected: yes\r\n\r\n",
}


@pytest.fixture(scope="module")
def served(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Running]:
    with running(tmp_path_factory.mktemp("served"), roles=("serve",)) as made:
        yield made


def answers(served: Running, raw: bytes) -> list[tuple[int, dict[str, str], bytes]]:
    """All answers to these bytes on one connection: status, headers by their lower-case names, body."""
    with socket.create_connection(("127.0.0.1", served.port), _SECONDS) as connection:
        came = b""
        try:
            connection.sendall(raw)
            while part := connection.recv(65536):
                came += part
                connection.settimeout(_SILENT_SECONDS if whole(came) else _SECONDS)
        except (ConnectionResetError, BrokenPipeError):
            pass  # that is an answer too
        except TimeoutError:
            assert came, "nothing was answered, and the connection was left open"
            assert whole(came), came
    found = []
    while came.startswith(b"HTTP/1."):
        status, headers, rest, length = begun(came)
        found.append((status, headers, rest[:length]))
        came = rest[length:]
    return found


def begun(came: bytes) -> tuple[int, dict[str, str], bytes, int]:
    """Of the first answer: status, headers, all bytes behind them, and how many of those are its body."""
    head, _, rest = came.partition(b"\r\n\r\n")
    line, *lines = head.decode("latin-1").split("\r\n")
    headers = {name.lower(): value for name, _, value in (each.partition(": ") for each in lines)}
    return int(line.split()[1]), headers, rest, int(headers.get("content-length", 0))


def whole(came: bytes) -> bool:
    """Whether each answer that has begun is there to its end."""
    while b"\r\n\r\n" in came:
        _, _, rest, length = begun(came)
        if len(rest) < length:
            return False
        came = rest[length:]
    return not came


def check(served: Running, status: int, headers: dict[str, str], body: bytes) -> None:
    """Success, or a refusal of ours in one shape, or the server's own, which has no body and only a status."""
    assert "x-injected" not in headers
    assert status != 500
    assert not re.search(rb"Traceback|File \"", body)
    assert served.key.encode() not in body
    assert str(served.folder).encode() not in body
    if status >= 400 and body:
        problem = json.loads(body)
        assert headers["content-type"] == "application/problem+json"
        assert PROBLEMS[problem["code"]].status == status
        assert problem["remedy"]
        assert problem["request_id"] == headers["x-request-id"]


@pytest.mark.parametrize("how", SMUGGLED)
def test_no_request_is_hidden_in_another(served: Running, how: str) -> None:
    path = b"POST /api/v1/integrations/acme-orders/deliveries HTTP/1.1\r\nHost: x\r\n"
    for key in (b"", b"X-Api-Key: " + served.key.encode() + b"\r\n"):
        came = answers(served, path + key + SMUGGLED[how])
        for each in came:
            check(served, *each)
        assert not any(b"hidden" in body for _, _, body in came), came
        assert [status >= 400 for status, _, _ in came] == [True], came


@pytest.mark.parametrize("how", BROKEN)
def test_what_is_no_request_is_refused_and_the_server_goes_on(served: Running, how: str) -> None:
    came = answers(served, BROKEN[how])
    assert len(came) == 1, came
    check(served, *came[0])
    assert came[0][0] >= 400 or how == "an upgrade"
    (live,) = answers(served, b"GET /health/live HTTP/1.1\r\nHost: x\r\nConnection: close\r\n\r\n")
    assert live[0] == 200
