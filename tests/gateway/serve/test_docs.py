"""docs/http-api.md: every example is asked, and answered as it says."""

from __future__ import annotations

import json
import re
import sqlite3
from contextlib import closing
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pytest

import gateway
from adapters.connections import driver_manager
from adapters.odbc import OdbcSource
from tests.gateway.serve.worlds import World, order

if TYPE_CHECKING:
    from flask.testing import FlaskClient

PAGE = (Path(gateway.__file__).parents[1] / "docs" / "http-api.md").read_text(encoding="utf-8")
EXAMPLE = re.compile(r"```http\n(.+?)```\n+```(json|text|http)\n(.+?)```", re.DOTALL)
LIBRARY = Path("/usr/lib/x86_64-linux-gnu/odbc/libsqlite3odbc.so")
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
    for name, collection in (("{delivery}", "deliveries"), ("{document}", "quarantine")):
        if name in path:
            path = path.replace(name, client.get(f"/api/v1/{collection}").get_json()["items"][0]["id"])
    return client.open(path, method=method, headers=[tuple(each.split(": ", 1)) for each in headers], data=body or None)


def like(said: Any, shown: Any) -> bool:
    """Whether an answer is what the page shows, where … stands for anything."""
    if isinstance(shown, str) and "…" in shown:
        pattern = ".*".join(re.escape(part) for part in shown.split("…"))
        return shown == "…" or (isinstance(said, str) and re.fullmatch(pattern, said) is not None)
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
    here.deliver(order("4711", total="100.00"), order("4712", total="250.00", day="2026-11-02"))
    here.deliver(order("4711", total="120.00"), name="again.csv")
    without_tables = not NAMED and not LIBRARY.exists()
    if not without_tables:
        here.sources["erp"] = legacy(tmp_path)
    client = here.client()
    examples = EXAMPLE.findall(PAGE)
    assert len(examples) == PAGE.count("```http\n") - 1  # one answer is a status alone
    for request, kind, shown in examples:
        if "/tables/" in request and without_tables:
            continue
        answer = ask(client, request)
        text = answer.get_data(as_text=True)
        if kind == "json":
            assert like(answer.get_json(), json.loads(shown)), f"{request}\nanswered {answer.status_code}\n{text}"
        else:
            assert (str(answer.status_code) if kind == "http" else text) == shown.strip(), request
    for source in here.sources.values():
        source.close()
    if without_tables:
        pytest.skip("no ODBC driver for SQLite, so the examples of live tables were left out")


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
