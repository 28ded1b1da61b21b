"""Legacy tables over HTTP: a real SQLite database behind its ODBC driver, read and never written."""

from __future__ import annotations

import sqlite3
from contextlib import closing
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pytest

from adapters.connections import driver_manager
from adapters.errors import AdapterError, Retry, Stop
from adapters.odbc import OdbcSource
from gateway.integrations import Source

if TYPE_CHECKING:
    from collections.abc import Iterator

    from flask.testing import FlaskClient

    from tests.gateway.serve.worlds import World

LIBRARY = Path("/usr/lib/x86_64-linux-gnu/odbc/libsqlite3odbc.so")
NAMED = "SQLite3" in driver_manager().drivers()
pytestmark = pytest.mark.skipif(
    not NAMED and not LIBRARY.exists(), reason="no ODBC driver for SQLite: apt-get install libsqliteodbc"
)

PATH = "/api/v1/tables/erp/customers"


@pytest.fixture
def client(here: World, tmp_path: Path) -> Iterator[FlaskClient]:
    path = tmp_path / "erp.db"
    with closing(sqlite3.connect(path)) as owner:
        owner.execute(
            "CREATE TABLE customers (no INTEGER PRIMARY KEY, name VARCHAR(40), credit DECIMAL(10,2), day DATE)"
        )
        owner.executemany(
            "INSERT INTO customers VALUES (?, ?, ?, ?)",
            [(1, "Ann", "10.25", "2026-01-01"), (2, "Bob", None, None), (3, "Cy~d/e", "7", "2026-03-01")],
        )
        owner.execute('CREATE TABLE "lines" (no INTEGER, sku VARCHAR(10), PRIMARY KEY (sku, no))')
        owner.execute("INSERT INTO lines VALUES (1, 'a~b')")
        owner.execute("CREATE TABLE notes (text VARCHAR(10))")
        owner.execute("INSERT INTO notes VALUES ('b'), ('a')")
        owner.commit()
    source = OdbcSource(f"Driver={{{'SQLite3' if NAMED else LIBRARY}}};Database={path}")
    here.sources["erp"] = source
    yield here.client("tables:read")
    source.close()


def names(client: FlaskClient, query: str) -> list[str]:
    answer = client.get(f"{PATH}?{query}")
    assert answer.status_code == 200, answer.get_data(as_text=True)
    return [row["name"] for row in answer.get_json()["items"]]


def test_a_table_without_a_key_is_read_by_the_one_that_an_integration_declares(
    client: FlaskClient, here: World
) -> None:
    source = Source("table", "erp", "notes")
    flow = replace(here.configuration.integrations["acme-orders"], name="notes", source=source, key=("text",))
    assert client.get("/api/v1/tables/erp/notes").get_json()["code"] == "no_key"
    here.configuration = replace(here.configuration, integrations={"notes": flow})
    first = client.get("/api/v1/tables/erp/notes?limit=1").get_json()
    assert first["items"] == [{"text": "a"}]
    rest = client.get(f"/api/v1/tables/erp/notes?limit=1&cursor={first['next']}").get_json()
    assert (rest["items"], rest["next"]) == ([{"text": "b"}], None)


def test_connections_and_their_tables(client: FlaskClient) -> None:
    (connection,) = client.get("/api/v1/tables").get_json()["items"]
    assert connection == {
        "connection": "erp",
        "available": True,
        "tables": ["customers", "lines", "notes"],
        "message": None,
    }


def test_rows_by_the_same_grammar(client: FlaskClient) -> None:
    assert client.get(PATH).get_json()["items"][0] == {"no": 1, "name": "Ann", "credit": "10.25", "day": "2026-01-01"}
    assert names(client, "name=Bob") == ["Bob"]
    assert names(client, "no__in=1,3&sort=-no") == ["Cy~d/e", "Ann"]
    assert names(client, "credit__gt=8") == ["Ann"]
    assert names(client, "day__isnull=true") == ["Bob"]
    assert names(client, "name__startswith=C") == ["Cy~d/e"]
    (row,) = client.get(f"{PATH}?no=2&fields=name").get_json()["items"]
    assert row["name"] == "Bob"
    assert "credit" not in row


def test_pages_of_rows(client: FlaskClient) -> None:
    first = client.get(f"{PATH}?limit=2&sort=name").get_json()
    assert [row["name"] for row in first["items"]] == ["Ann", "Bob"]
    assert names(client, f"limit=2&sort=name&cursor={first['next']}") == ["Cy~d/e"]
    assert client.get(f"{PATH}?sort=-name&cursor={first['next']}").get_json()["code"] == "bad_cursor"


def test_one_row_by_its_key(client: FlaskClient) -> None:
    assert client.get(f"{PATH}/2").get_json()["name"] == "Bob"
    assert client.get("/api/v1/tables/erp/lines/a%7Eb~1").get_json() == {"no": 1, "sku": "a~b"}


@pytest.mark.parametrize(
    ("path", "status", "code"),
    [
        ("/api/v1/tables/erq/customers", 404, "unknown_table"),
        ("/api/v1/tables/erp/custmers", 404, "unknown_table"),
        (f"{PATH}/9", 404, "unknown_row"),
        (f"{PATH}/1~2", 404, "unknown_row"),
        (f"{PATH}/x", 404, "unknown_row"),
        ("/api/v1/tables/erp/notes/x", 409, "no_key"),
        ("/api/v1/tables/erp/notes", 409, "no_key"),
        (f"{PATH}?nme=x", 400, "unknown_parameter"),
        (f"{PATH}?no=x", 400, "bad_value"),
        (f"{PATH}?no__contains=1", 400, "unknown_operator"),
        (f"{PATH}?sort=nme", 400, "unknown_field"),
        (f"{PATH}?fields=nme", 400, "unknown_field"),
        (f"{PATH}?count=exact", 400, "unknown_parameter"),
        (f"{PATH}?limit=1001", 400, "bad_parameter"),
    ],
)
def test_what_cannot_be_asked(client: FlaskClient, path: str, status: int, code: str) -> None:
    answer = client.get(path)
    assert (answer.status_code, answer.get_json()["code"]) == (status, code), answer.get_json()


@pytest.mark.parametrize("method", ["POST", "PUT", "PATCH", "DELETE"])
def test_nothing_is_ever_written(client: FlaskClient, method: str) -> None:
    for path in (PATH, f"{PATH}/1"):
        answer = client.open(path, method=method, json={"name": "Eve"})
        assert answer.status_code == 405
        assert "POST" not in answer.headers["Allow"]


class Troubled:
    """A source that only fails."""

    def __init__(self, error: AdapterError) -> None:
        self.error = error

    def __getattr__(self, _: str) -> Any:
        def fails(*_: Any, **__: Any) -> Any:
            raise self.error

        return fails


@pytest.mark.parametrize(
    ("error", "status", "code"),
    [
        (Retry("cannot connect: refused", delay_seconds=5.0, lost=True), 503, "source_down"),
        (Retry("the time-out passed"), 504, "source_slow"),
        (Stop("the login was refused", "Check the password reference."), 503, "source_down"),
    ],
)
def test_a_source_in_trouble_is_said_and_hides_no_other(
    client: FlaskClient, here: World, error: AdapterError, status: int, code: str
) -> None:
    here.sources["crm"] = Troubled(error)
    answer = client.get("/api/v1/tables/crm/customers")
    assert (answer.status_code, answer.get_json()["code"]) == (status, code)
    assert answer.headers["Retry-After"]
    assert error.message in answer.get_json()["detail"]
    listed = client.get("/api/v1/tables").get_json()["items"]
    assert [(each["connection"], each["available"]) for each in listed] == [("crm", False), ("erp", True)]
    assert listed[0]["message"] == error.message
