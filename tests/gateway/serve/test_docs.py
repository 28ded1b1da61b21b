"""docs/http-api.md: every example is asked, and answered as it says."""

from __future__ import annotations

import json
import re
import sqlite3
from contextlib import closing
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pytest
from werkzeug.exceptions import NotFound

import gateway
from adapters.connections import driver_manager
from adapters.odbc import OdbcSource
from gateway.serve.limits import Policy
from tests.gateway.serve.worlds import FILES, World, order

if TYPE_CHECKING:
    from flask.testing import FlaskClient
    from werkzeug.test import TestResponse

DOCS = Path(gateway.__file__).parents[1] / "docs"
PAGE = (DOCS / "http-api.md").read_text(encoding="utf-8")
EXAMPLE = re.compile(r"```http\n(.+?)```\n+```(json|text|http)\n(.+?)```", re.DOTALL)
LIBRARY = Path("/usr/lib/x86_64-linux-gnu/odbc/libsqlite3odbc.so")
PRICE = FILES["contracts/price.v1.yaml"]
SERVED = FILES | {
    "contracts/price.v1.yaml": PRICE.replace("key: sku", "deprecated: 2026-11-01\nsunset: 2027-06-30\nkey: sku"),
    "contracts/price.v2.yaml": PRICE.replace("price v1", "price v2"),
}
NAMED = "SQLite3" in driver_manager().drivers()


def legacy(folder: Path) -> OdbcSource:
    path = folder / "erp.db"
    with closing(sqlite3.connect(path)) as owner:
        owner.execute("CREATE TABLE customers (no INTEGER PRIMARY KEY, name VARCHAR(40), credit DECIMAL(10,2))")
        rows = [(1, "Ann", "10.25"), (2, "Bob", None), (3, "Cy", "7")]
        owner.executemany("INSERT INTO customers VALUES (?, ?, ?)", rows)
        owner.commit()
    return OdbcSource(f"Driver={{{'SQLite3' if NAMED else LIBRARY}}};Database={path}")


def ask(client: FlaskClient, example: str) -> Any:
    """Send an example: a request line, headers, and behind an empty line the body."""
    head, _, body = example.partition("\n\n")
    line, *headers = head.strip().splitlines()
    method, path = line.split()
    for name, collection in (("{delivery}", "deliveries"), ("{document}", "quarantine"), ("{trial}", "trials")):
        if name in path:
            path = path.replace(name, client.get(f"/api/v1/{collection}").get_json()["items"][0]["id"])
    return client.open(path, method=method, headers=[tuple(each.split(": ", 1)) for each in headers], data=body or None)


def like(said: Any, shown: Any) -> bool:
    """Whether an answer is what the page shows, where … stands for anything."""
    if isinstance(shown, str) and "…" in shown:
        pattern = ".*".join(re.escape(part) for part in shown.split("…"))
        return shown == "…" or (isinstance(said, str) and re.fullmatch(pattern, said, re.DOTALL) is not None)
    if isinstance(shown, dict):
        members = {name: value for name, value in shown.items() if name != "…"}
        whole = "…" in shown or (isinstance(said, dict) and said.keys() == members.keys())
        return whole and all(name in said and like(said[name], value) for name, value in members.items())
    if isinstance(shown, list):
        items = [value for value in shown if value != "…"]
        whole = "…" in shown or len(said) == len(items)
        return whole and all(like(one, other) for one, other in zip(said, items, strict=False))
    return type(said) is type(shown) and said == shown


def test_every_example_is_answered_as_the_page_says(here: World, tmp_path: Path) -> None:
    here.apply(SERVED)
    here.deliver(order("4711", total="100.00"), order("4712", total="250.00", day="2026-11-02"))
    here.deliver(order("4711", total="120.00"), name="again.csv")
    without_tables = not NAMED and not LIBRARY.exists()
    if not without_tables:
        here.sources["erp"] = legacy(tmp_path)
    client = here.client(limits=Policy(60_000, 60))
    examples = EXAMPLE.findall(PAGE)
    assert len(examples) == PAGE.count("```http\n") - sum(kind == "http" for _, kind, _ in examples)
    for request, kind, shown in examples:
        if "/tables/" in request and without_tables:
            continue
        if "/letter" in request:
            here.write_letters()
        answer = ask(client, request)
        if "/replay" in request:
            here.work()
        text = answer.get_data(as_text=True)
        if kind == "json":
            assert like(answer.get_json(), json.loads(shown)), f"{request}\nanswered {answer.status_code}\n{text}"
        elif kind == "http":
            assert answers(answer, shown), f"{request}\nanswered {answer.status_code}\n{answer.headers}\n{text}"
        else:
            assert text == shown.strip(), request
    for source in here.sources.values():
        source.close()
    if without_tables:
        pytest.skip("no ODBC driver for SQLite, so the examples of live tables were left out")


def answers(answer: TestResponse, shown: str) -> bool:
    """Whether an answer has the status, the headers and, where one is shown, the body that the page shows."""
    head, _, body = shown.strip().partition("\n\n")
    status, *headers = head.splitlines()
    said = [f"{name}: {value}" for name, value in answer.headers.items()]
    has = all(any(like(each, line) for each in said) for line in headers)
    lines = answer.get_data(as_text=True).replace("\r\n", "\n").strip()
    return str(answer.status_code) == status and has and (not body or like(lines, body))


@pytest.mark.parametrize(
    ("shown", "same"),
    [
        ("200", True),
        ("404", False),
        ("200\nContent-Type: application/json", True),
        ("200\nContent-Type: text/…", False),
        ("200\nX-Nothing: …", False),
        ('200\n\n{"status":"alive"}', True),
        ("200\n\n{…}", True),
        ("200\n\ndead", False),
    ],
)
def test_the_comparison_of_answers_can_fail(still: World, shown: str, same: bool) -> None:
    assert answers(still.client().get("/health/live"), shown) is same


def test_every_resource_has_an_example(here: World) -> None:
    text = "".join((DOCS / f"{name}.md").read_text(encoding="utf-8") for name in ("http-api", "access", "hooks"))
    routes = here.app().url_map.bind("gateway.example")
    shown = set()
    for method, path in re.findall(r"^(GET|POST) (/[^ ?\n]*)", text, re.MULTILINE):
        try:
            shown.add(routes.match(path, method=method)[0])
        except NotFound:  # that is what the example shows
            continue
    own = {rule.endpoint for rule in here.app().url_map.iter_rules()}
    pages = {f"pages.{name}" for name in ("get_start", "get_docs", "get_asset", "list_problems")}
    form = {f"selftest.{name}" for name in ("get_try", "get_tried", "get_tried_file", "send_try")}
    assert own - shown == pages | form


@pytest.mark.parametrize(
    ("said", "shown", "same"),
    [
        ({"a": 1}, {"a": 1}, True),
        ({"a": 1, "b": 2}, {"a": 1}, False),
        ({"a": 1, "b": 2}, {"a": 1, "…": "…"}, True),
        ({"a": 1}, {"a": "1"}, False),
        ({"a": True}, {"a": 1}, False),
        ({"a": "d_12"}, {"a": "d_…"}, True),
        ({"a": "x_12"}, {"a": "d_…"}, False),
        ([1, 2], [1], False),
        ([1, 2], [1, "…"], True),
    ],
)
def test_the_comparison_can_fail(said: Any, shown: Any, same: bool) -> None:
    assert like(said, shown) is same
