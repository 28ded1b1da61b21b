"""Wrong things, sent to every route: whatever is refused is refused in one shape, and nothing is a mistake of ours.

The table of routes is the application's own, so that a new resource is tried without a word here. Real ids stand in the
paths, so that requests get as far as they can.
"""

from __future__ import annotations

import logging
import re
from typing import TYPE_CHECKING, Any

import pytest

from gateway.serve.filters import OPERATORS
from tests.gateway.serve.test_app import FILLED, problem
from tests.gateway.serve.test_docs import LIBRARY, NAMED, legacy
from tests.gateway.serve.worlds import CURSOR_SECRET, World, order, world

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping
    from pathlib import Path

    from werkzeug.test import TestResponse

METHODS = ("DELETE", "PUT", "PATCH", "TRACE", "CONNECT", "PROPFIND", "FOO", "POST", "GET")
ODD = (
    "",
    "%00",
    "%ff%fe",
    "%ed%a0%80",
    "%zz",
    "%0d%0aX-Injected:%20yes",
    "..%2f..%2fetc%2fpasswd",
    "%F0%9F%98%80",
    "%EF%BC%91",
    "-1",
    "1_000",
    "99999999999999999999999999999999",
    "0000-00-00T00:00:00Z",
    "0001-01-01T00:00:00%2B23:59",
    "9999-12-31T23:59:59-23:59",
    "2026-02-30",
    "true,false",
    ",",
    "%22",
    "a,%22b",
    "'%20OR%201=1--",
    "~" * 60,
    "x" * 3000,
)
"""Values of parameters and parts of paths that nothing is called."""

QUERIES = (
    "=",
    "=1",
    "&&&",
    "nonsense",
    "limit=1&limit=2",
    "Limit=1",
    "limit[]=1",
    "limit%00=1",
    "%ff=%fe",
    "%ed%a0%80=1",
    "_seq=1",
    "number__like=1",
    "number__=1",
    "__eq=1",
    "x" * 20_000,
    "&".join(f"a{number}=1" for number in range(1500)),
    "?" * 100,
    "limit=1;sort=number",
)
HEADERS: tuple[tuple[str, str], ...] = (
    *(
        ("Accept", value)
        for value in ("image/png", "*/*;q=0", ";;;", "application/json;q=x", "é", "text/html,", "," * 5000)
    ),
    *(
        ("Authorization", value)
        for value in ("", "Bearer", "Bearer ", "Basic !", "Bearer é", "Bearer a b", "Bearer eyJhbGciOiJub25lIn0.e30.")
    ),
    *(("X-Api-Key", value) for value in ("", "é", "k" * 9000)),
    *(
        ("Range", value)
        for value in (
            "bytes=9-1",
            "bytes=x",
            "bytes=-0",
            "bytes=99999999999999999999-",
            "bytes=0-0,2-2",
            "rows=0-5",
            "=",
        )
    ),
    *(("If-None-Match", value) for value in ('"', 'W/"', "*", "x" * 9000, "é")),
    *(("If-Match", value) for value in ('"no"', "*")),
    *(("If-Range", value) for value in ('"no"', "yesterday")),
    *(("Idempotency-Key", value) for value in ("", '""', "x" * 201, "ü", "a b")),
    *(("Last-Event-ID", value) for value in ("-1", "x", "99999999999999999999", "é")),
    *(("Prefer", value) for value in ("wait=99999999999", "wait=-1", "wait=" * 50)),
    *(("Content-Digest", value) for value in ("sha-256=x", "sha-256=:eA==:", "sha-256=::", "sha-256=:é:")),
    *(("Content-Type", value) for value in ("", ";", "application/json; charset=utf-99", "multipart/form-data", "é")),
    *(("Content-Encoding", value) for value in ("gzip", "nonsense")),
    *(("Cookie", value) for value in ("session=x", "é=é", ";" * 100)),
    ("Origin", "https://elsewhere.example"),
    ("X-HTTP-Method-Override", "DELETE"),
    ("X-Request-ID", "x" * 500),
    ("traceparent", "00-" + "0" * 32 + "-" + "0" * 16 + "-00"),
    ("Expect", "200-maybe"),
    ("Forwarded", 'for="[::1'),
)
ENVIRONS: tuple[dict[str, str], ...] = (
    {"CONTENT_LENGTH": "x"},
    {"CONTENT_LENGTH": "-1"},
    {"CONTENT_LENGTH": "9" * 30},
    {"HTTP_HOST": "a b"},
    {"HTTP_HOST": "[::1"},
    {"HTTP_HOST": '"<script>'},
    {"HTTP_TRANSFER_ENCODING": "chunked", "CONTENT_LENGTH": "3"},
    {"HTTP_TRANSFER_ENCODING": "gzip, chunked"},
)
"""What a test client refuses to send."""

BODIES: tuple[bytes, ...] = (
    b"",
    b"{",
    b"[]",
    b"null",
    b"1",
    b'"text"',
    b"\xff\xfe{\x00}\x00",
    b"\xef\xbb\xbf{}",
    b'{"reason": "\\ud800"}',
    b'{"reason": "a\\u0000b"}',
    b'{"reason": 1e999}',
    b'{"reason": NaN}',
    b'{"reason": ' + b"9" * 5000 + b"}",
    b'{"reason": ["x"]}',
    b'{"reason": {"reason": "x"}}',
    b'{"reason": "x", "reason": "y"}',
    b'{"reason": "x", "patch": {}}',
    b'{"reason": "x", "patch": []}',
    b'{"reason": "x", "patch": [[]]}',
    b'{"reason": "x", "patch": [{"start": -1, "end": 99999999999999999999999, "text": "x"}]}',
    b'{"reason": "x", "patch": [{"start": 5, "end": 1, "text": ""}]}',
    b'{"reason": "x", "patch": [{"start": 1.5, "end": true, "text": 1}]}',
    b'{"reason": "x", "base64": "*"}',
    b'{"reason": "x", "as": "later"}',
    b'{"all": 1}',
    b'{"integration": "' + b"x" * 5000 + b'"}',
    b'{"' + b"x" * 5000 + b'": 1}',
    b"[" * 60_000,
    b'{"a":' * 10_000,
    b"x" * 70_000,
    b"grant_type=client_credentials&client_id=%ff&client_secret=%00",
    b"grant_type=&grant_type=",
    b"&".join(b"a%d=1" % number for number in range(200)),
)
KINDS = ("text/plain", "application/x-www-form-urlencoded", "application/octet-stream")


def filled(rule: str, parts: Mapping[str, str]) -> str:
    """The path of a rule with these parts."""
    return re.sub(r"<(?:\w+:)?(\w+)>", lambda part: parts[part[1]], rule)


class Asked:
    """A gateway with something of everything, every route with ids that there are, and what must never be said."""

    def __init__(self, here: World, folder: Path) -> None:
        self.here = here
        key = here.key("admin")
        self.client = here.app().test_client()
        self.headers = {"Authorization": f"Bearer {key}"}
        self.secrets = [key, CURSOR_SECRET.decode(), str(folder), "Traceback", 'File "', "sqlite"]
        found = {
            name: self.get(f"/api/v1/{name}").get_json()["items"][0]["id"] for name in ("deliveries", "quarantine")
        }
        self.routes: list[tuple[str, str, str]] = []
        """Rule, method, path."""
        for rule in self.client.application.url_map.iter_rules():
            if rule.rule.startswith("/try/"):
                continue  # a page for people, who read no JSON
            ids = self._ids(rule.rule, found)
            path = filled(rule.rule, ids)
            self.routes += [(rule.rule, each, path) for each in sorted((rule.methods or set()) - {"HEAD", "OPTIONS"})]

    def get(self, path: str) -> TestResponse:
        return self.client.get(path, headers=self.headers)

    def _ids(self, rule: str, found: dict[str, str]) -> dict[str, str]:
        names = {"integrations": "acme-orders", "partners": "acme", "types": "order"}
        name = next((value for word, value in names.items() if f"/{word}/" in rule), "nothing")
        one = next((value for word, value in found.items() if f"/{word}/" in rule), "nothing")
        return FILLED | {"id": one, "name": name}

    def send(self, method: str, target: str, **more: Any) -> TestResponse:
        """An answer, which is success or a refusal as it should be."""
        path, _, query = target.partition("?")
        headers = self.headers | dict(more.pop("headers", ()))
        answer = self.client.open(path, method=method, query_string=query, headers=headers, **more)
        text = answer.get_data(as_text=True)
        what = f"{method} {target[:200]} {more}"[:400]
        assert answer.status_code != 500, what
        assert "X-Injected" not in answer.headers, what
        if answer.status_code >= 400:
            said = problem(answer)
            assert said["status"] < 500 or said["code"] in ("source_down", "source_slow"), what
            assert len(text) < 40_000, what
            assert not [secret for secret in self.secrets if secret in text], what
        return answer


@pytest.fixture(scope="module")
def asked(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Asked]:
    folder = tmp_path_factory.mktemp("wrong")
    here = world(folder)
    here.deliver(order("1"), order("2", status="lost"), order("3", status="lost"))
    if NAMED or LIBRARY.exists():
        here.sources["erp"] = legacy(folder)
    yield Asked(here, folder)
    for source in here.sources.values():
        source.close()
    here.close()


def test_methods(asked: Asked) -> None:
    taken = {(rule, method) for rule, method, _ in asked.routes}
    for rule, path in {(rule, path) for rule, _, path in asked.routes}:
        for method in METHODS:
            if (rule, method) not in taken:
                answer = asked.send(method, path)
                assert answer.status_code == 405, (method, path)
                assert answer.headers["Allow"], path


def test_queries(asked: Asked) -> None:
    for _, method, path in asked.routes:
        for query in QUERIES:
            answer = asked.send(method, f"{path}?{query}")
            assert answer.status_code >= 400 or query in ("&&&", "limit=1;sort=number") or is_page(path), (
                path,
                query[:80],
            )


def is_page(path: str) -> bool:
    """Pages for people take no parameters, and links to them may carry some."""
    return path in ("/", "/docs") or path.startswith("/docs/")


SAME = {f"{name}__{op}" for name in ("status", "total", "pieces", "urgent", "ordered_on") for op in OPERATORS["text"]}
"""Filters like those on number and changed_at."""


def test_values_of_parameters(asked: Asked) -> None:
    document = asked.get("/api/v1/openapi.json").get_json()
    targets = {(method, shape_of(rule)): path for rule, method, path in asked.routes}
    tried = 0
    for shape, methods in document["paths"].items():
        for method, operation in methods.items():
            target = targets.get((method.upper(), shape.replace("/orders", "/{collection}")))
            names = {each["name"] for each in operation["parameters"] if each["in"] == "query"} - SAME
            for name in names if target is not None else ():
                for value in ODD:
                    asked.send(method.upper(), f"{target}?{name}={value}")
                    tried += 1
    assert tried > 1500


def shape_of(rule: str) -> str:
    """A rule as the document writes its path."""
    return re.sub(r"<(?:\w+:)?(\w+)>", r"{\1}", rule)


def test_parts_of_paths(asked: Asked) -> None:
    for rule, method, _ in asked.routes:
        for part in re.findall(r"<(?:\w+:)?(\w+)>", rule):
            for value in ODD:
                asked.send(method, filled(rule, FILLED | {part: value}))


def test_no_path_writes_a_line_of_its_own_into_the_log(asked: Asked, caplog: pytest.LogCaptureFixture) -> None:
    caplog.set_level(logging.INFO)
    for value in ("a%0d%0aGET%20/forged%20200", "a%E2%80%A8b", "%1b[2J", "x" * 3000):
        asked.send("GET", f"/api/v1/orders/{value}")
        asked.send("GET", f"/problems/{value}")
    told = [record.getMessage() for record in caplog.records]
    assert len(told) == 8
    assert all(line.isprintable() and len(line) < 800 for line in told), told


def test_headers(asked: Asked) -> None:
    for _, method, path in asked.routes:
        for name, value in HEADERS:
            asked.send(method, path, headers={name: value})


def test_what_only_a_server_lets_through(asked: Asked) -> None:
    for _, method, path in asked.routes:
        for environ in ENVIRONS:
            asked.send(method, path, environ_overrides=environ)


def test_bodies(asked: Asked) -> None:
    for _, method, path in asked.routes:
        for body in BODIES if method == "POST" else BODIES[:4]:
            asked.send(method, path, data=body, content_type="application/json")
        for kind in KINDS if method == "POST" else ():
            for body in BODIES[-3:]:
                asked.send(method, path, data=body, content_type=kind)


def test_the_check_can_fail(asked: Asked) -> None:
    """An answer that tells a secret is seen."""
    secrets = asked.secrets
    asked.secrets = [*secrets, "no parameter"]
    with pytest.raises(AssertionError):
        asked.send("GET", "/api/v1/deliveries?nonsense=1")
    asked.secrets = secrets
    asked.send("GET", "/api/v1/deliveries?nonsense=1")
