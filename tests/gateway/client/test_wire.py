"""What is refused, by whom, and how it is told; keys and addresses that are none."""

from __future__ import annotations

import threading
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import TYPE_CHECKING

import pytest

from gateway.client import Client, Problem

if TYPE_CHECKING:
    from collections.abc import Iterator

    from tests.gateway.client.gateways import Running


@pytest.mark.server
def test_a_problem_is_one_line_and_all_that_was_said(client: Client) -> None:
    with pytest.raises(Problem) as caught:
        client.get("orders", totl__gte=1, status__near="open")
    problem = caught.value
    assert str(problem) == (
        "400 unknown_field: orders has no field 'totl'. Did you mean 'total'? (request " + problem.request_id + ")"
    )
    assert [(each["code"], each["parameter"]) for each in problem.errors] == [
        ("unknown_field", "totl__gte"),
        ("unknown_operator", "status__near"),
    ]
    assert problem.members["type"] == "/problems/unknown_field"


@pytest.mark.server
def test_a_key_that_is_refused_is_not_told(here: Running) -> None:
    with Client(here.url, " s3cret\n") as client:
        with pytest.raises(Problem, match=r"^401 key_refused: ") as caught:
            client.get("orders")
        assert "s3cret" not in f"{caught.value!r}{caught.value}{client!r}"


@pytest.mark.parametrize("key", ["", "two words", "line\nbreak", "Schlüssel"])
def test_what_is_no_key_is_said_without_telling_it(key: str) -> None:
    with pytest.raises(ValueError, match=r"^the key ") as caught:
        Client("http://127.0.0.1", key)
    assert not key or key not in str(caught.value)


@pytest.mark.parametrize("url", ["", "ftp://gateway", "https://me:s3cret@gateway", "https://"])
def test_what_is_no_address_is_refused(url: str) -> None:
    with pytest.raises(ValueError, match="without a login"):
        Client(url, "key")


@pytest.mark.parametrize(
    "url", ["gw.test/api/v1", "http://gw.test/api/v1/", "http://gw.test//api/v1", "http://gw.test/"]
)
def test_an_address_with_the_path_of_the_api_is_that_of_the_gateway(url: str) -> None:
    assert repr(Client(url, "key")) == "Client('http://gw.test')"
    assert repr(Client("https://gw.test/behind/api/v1", "key")) == "Client('https://gw.test/behind')"


class Between(BaseHTTPRequestHandler):
    """Somebody who stands between, and answers with pages of its own."""

    protocol_version = "HTTP/1.1"
    answers: list[tuple[int, bytes]]

    def do_GET(self) -> None:
        status, body = self.answers.pop(0)
        self.send_response(status)
        self.send_header("Content-Length", str(len(body)))
        self.send_header("X-Asked", self.path)
        self.end_headers()
        self.wfile.write(body)

    def log_message(self, *_: object) -> None:
        """Say nothing."""


@pytest.fixture
def between() -> Iterator[str]:
    Between.answers = []
    with ThreadingHTTPServer(("127.0.0.1", 0), Between) as server:
        server.daemon_threads = True
        thread = threading.Thread(target=server.serve_forever)
        thread.start()
        yield f"http://127.0.0.1:{server.server_port}/below/"
        server.shutdown()
        thread.join(10)


def test_who_stands_between_is_quoted_and_asked_again_where_that_can_help(between: str) -> None:
    with Client(between, "key") as client:
        Between.answers += [(502, b"<h1>Bad gateway</h1>"), (503, b""), (200, b'{"items":[]}')]
        assert client.get("orders") == {"items": []}
        Between.answers += [(403, b"<h1>Not\n from here</h1>")]
        with pytest.raises(Problem, match=r"^403 http_403: <h1>Not from here</h1>$"):
            client.get("orders")
        Between.answers += [(301, b"")]
        with pytest.raises(Problem, match=r"^301 http_301: answered without a reason$"):
            client.get("orders")
        Between.answers += [(500, b'{"code": "internal_error", "detail": "The gateway made a mistake"}')]
        with pytest.raises(Problem, match=r"^500 internal_error: The gateway made a mistake$"):
            client.get("orders")
        assert Between.answers == []
