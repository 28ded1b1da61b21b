"""Live tables in the OpenAPI document: each that is known has paths and a shape, and nobody waits for one."""

from __future__ import annotations

import sqlite3
import threading
from contextlib import closing
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pytest
from openapi_schema_validator import OAS31Validator
from openapi_spec_validator import OpenAPIV31SpecValidator

from adapters.connections import driver_manager
from adapters.errors import Retry
from adapters.odbc import OdbcSource

if TYPE_CHECKING:
    from collections.abc import Iterator

    from flask.testing import FlaskClient

    from tests.gateway.serve.worlds import World

LIBRARY = Path("/usr/lib/x86_64-linux-gnu/odbc/libsqlite3odbc.so")
NAMED = "SQLite3" in driver_manager().drivers()
pytestmark = pytest.mark.skipif(
    not NAMED and not LIBRARY.exists(), reason="no ODBC driver for SQLite: apt-get install libsqliteodbc"
)


@pytest.fixture
def source(here: World, tmp_path: Path) -> Iterator[OdbcSource]:
    path = tmp_path / "erp.db"
    with closing(sqlite3.connect(path)) as owner:
        owner.execute(
            'CREATE TABLE "a {b} c" (no INTEGER PRIMARY KEY, "limit" VARCHAR(9), credit DECIMAL(9,2), optional DATE)'
        )
        owner.execute("INSERT INTO \"a {b} c\" VALUES (1, 'x', 1.5, NULL)")
        owner.execute('CREATE TABLE "a_b_c" (no INTEGER, photo BLOB)')
        owner.commit()
    with closing(OdbcSource(f"Driver={{{'SQLite3' if NAMED else LIBRARY}}};Database={path}")) as source:
        here.sources["erp"] = source
        yield source


def document(client: FlaskClient) -> dict[str, Any]:
    made: dict[str, Any] = client.get("/api/v1/openapi.json").get_json()
    OpenAPIV31SpecValidator(made).validate()
    return made


def of_rows(made: dict[str, Any]) -> list[str]:
    return [path for path in made["paths"] if path.startswith("/api/v1/tables/") and "{connection}" not in path]


def learnt(source: OdbcSource) -> None:
    """All tables are known."""
    source.live.shapes._next = None
    thread = source.live.shapes.renew()
    assert thread is not None
    thread.join(30)


ROWS = "/api/v1/tables/erp/a%20%7Bb%7D%20c"


def test_each_known_table_has_paths_and_a_shape_of_its_own(here: World, source: OdbcSource) -> None:
    client = here.client("tables:read")
    learnt(source)
    made = document(client)
    assert of_rows(made) == [ROWS, "/api/v1/tables/erp/a_b_c", f"{ROWS}/{{key}}", "/api/v1/tables/erp/a_b_c/{key}"]
    assert "/api/v1/tables/{connection}/{table}" in made["paths"], "tables that are not known yet"
    ids = [operation["operationId"] for path in made["paths"].values() for operation in path.values()]
    assert len(set(ids)) == len(ids)
    described = made["paths"][ROWS]["get"]
    assert described["x-scope"] == "tables.erp:read"
    names = [parameter["name"] for parameter in described["parameters"]]
    assert len(set(names)) == len(names)
    assert {"no", "no__in", "limit", "limit__eq", "limit__startswith", "sort", "fields", "count", "cursor"} <= {*names}
    assert "table.erp_a_b_c_2" in made["components"]["schemas"], "of the other"
    row = made["components"]["schemas"]["table.erp_a_b_c"]
    assert list(row["properties"]) == ["no", "limit", "credit", "optional"]
    assert (row["properties"]["no"]["type"], row["properties"]["credit"]["type"]) == ("integer", ["string", "null"])
    validator = OAS31Validator({"$ref": "#/$defs/row", "$defs": {"row": row}})
    validator.validate(client.get(ROWS).get_json()["items"][0])
    validator.validate(client.get(f"{ROWS}/1").get_json())


def test_documented_parameters_are_taken(here: World, source: OdbcSource) -> None:
    client = here.client("tables:read")
    learnt(source)
    own = {"cursor": "", "sort": "no", "fields": "no", "count": "exact", "optional": "2026-11-21"}
    for parameter in document(client)["paths"][ROWS]["get"]["parameters"]:
        name = parameter["name"]
        if name == "cursor" or parameter["in"] != "query":
            continue
        kinds = {"integer": "1", "boolean": "true", "date": "2026-11-21", "decimal": "1.5"}
        shape = parameter["schema"]
        value = own.get(name) or kinds.get(shape.get("format") or shape["type"], "1")
        value = "2026-11-21" if name == "optional__in" else value
        answer = client.get(ROWS, query_string={name: value})
        assert answer.status_code == 200, (name, answer.get_json())


def test_a_caller_sees_the_tables_of_its_connections(here: World, source: OdbcSource) -> None:
    learnt(source)
    here.sources["crm"] = source
    assert all("/erp/" in path for path in of_rows(document(here.client("tables.erp:read"))))
    assert of_rows(document(here.client("orders:read"))) == []
    assert len(of_rows(document(here.client("tables:read")))) == 8


def test_a_document_does_not_wait_for_a_source(
    here: World, source: OdbcSource, monkeypatch: pytest.MonkeyPatch
) -> None:
    client = here.client("tables:read")
    client.get("/api/v1/tables/erp/a_b_c?no=1")  # somebody has read one table
    go_on, asked = threading.Event(), threading.Event()

    def silent() -> tuple[str, ...]:
        asked.set()
        go_on.wait(60)
        raise Retry("nobody is there", lost=True)

    monkeypatch.setattr(source, "tables", silent)
    assert of_rows(document(client)) == ["/api/v1/tables/erp/a_b_c", "/api/v1/tables/erp/a_b_c/{key}"]
    assert asked.wait(30)
    assert len(of_rows(document(client))) == 2, "and asks no second time while the first is under way"
    thread = source.live.shapes._thread
    go_on.set()
    assert thread is not None
    thread.join(30)
    assert len(of_rows(document(client))) == 2, "what is known stays known"
    assert source.live.shapes.renew() is None, "a source in trouble is left alone for a while"


def test_a_document_changes_with_the_tables_and_else_stays(here: World, source: OdbcSource, tmp_path: Path) -> None:
    client = here.client("tables:read")
    learnt(source)
    tag = client.get("/api/v1/openapi.json").headers["ETag"]
    learnt(source)
    assert client.get("/api/v1/openapi.json").headers["ETag"] == tag
    with closing(sqlite3.connect(tmp_path / "erp.db")) as owner:
        owner.execute("DROP TABLE a_b_c")
        owner.commit()
    learnt(source)
    assert of_rows(document(client)) == [ROWS, f"{ROWS}/{{key}}"]
