"""A table without a primary key, from the first look to the API, by nothing but what the messages say."""

from __future__ import annotations

import sqlite3
from contextlib import closing
from typing import TYPE_CHECKING

import pytest

from adapters.connections import check_driver, driver_manager
from adapters.errors import Stop
from gateway.operate import wiring
from gateway.operate.credentials import make_key
from gateway.operate.web import application
from gateway.workspace.loader import load
from tests.gateway.operate.cli.test_probe import asked

if TYPE_CHECKING:
    from pathlib import Path

    from flask import Flask
    from flask.testing import FlaskClient

CONNECTION = """\
erp:
  kind: odbc
  url: Driver=SQLite3;Database={workspace}/old.db
"""


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    try:
        check_driver(driver_manager(), "SQLite3")
    except Stop as missing:
        pytest.skip(str(missing))
    with closing(sqlite3.connect(tmp_path / "old.db")) as database:
        database.executescript(
            "CREATE TABLE NOTIZ (KDNR INTEGER NOT NULL, LFDNR INTEGER NOT NULL, TEXT VARCHAR(20));"
            "INSERT INTO NOTIZ VALUES (1, 1, 'a'), (1, 2, 'b'), (2, 1, 'a');"
        )
    (tmp_path / "gateway.yaml").write_text("about: test\n")
    (tmp_path / "connections.yaml").write_text(CONNECTION)
    return tmp_path


def served(folder: Path) -> tuple[wiring.Gateway, FlaskClient]:
    gateway = wiring.open_gateway(folder)
    wiring.apply(gateway, load(folder))
    token = make_key(gateway, "tester", ("tables:read",), who="test")
    app: Flask = application(gateway)  # type: ignore[assignment] # what create_app gives
    flask: Flask = getattr(app, "app", app)
    client = flask.test_client()
    client.environ_base["HTTP_AUTHORIZATION"] = f"Bearer {token}"
    return gateway, client


def test_a_table_without_a_primary_key_is_read_by_the_key_that_the_messages_ask_for(folder: Path) -> None:
    at = ("-w", str(folder))
    assert "keys: in connections.yaml" in asked("probe", "erp", "--quick", *at).output
    assert "key: KDNR, LFDNR (unique together" in asked("profile", "erp", "NOTIZ", *at).output
    gateway, client = served(folder)
    try:
        refused = client.get("/api/v1/tables/erp/NOTIZ").get_json()
        assert refused["code"] == "no_key"
        assert "connections.yaml" in refused["remedy"]
        assert "connections.yaml" in client.get("/api/v1/tables/erp/NOTIZ/1~2").get_json()["remedy"]
    finally:
        gateway.close()

    (folder / "connections.yaml").write_text(CONNECTION + "  keys:\n    NOTIZ: KDNR, LFDNR\n")

    assert "NOTIZ: 3 rows, key KDNR, LFDNR\n    changes: diff every 10m" in asked("probe", "erp", "--quick", *at).output
    gateway, client = served(folder)
    try:
        first = client.get("/api/v1/tables/erp/NOTIZ?limit=2").get_json()
        assert [row["LFDNR"] for row in first["items"]] == [1, 2]
        rest = client.get(f"/api/v1/tables/erp/NOTIZ?limit=2&cursor={first['next']}").get_json()
        assert [row["KDNR"] for row in rest["items"]] == [2]
        assert client.get("/api/v1/tables/erp/NOTIZ/1~2").get_json() == {"KDNR": 1, "LFDNR": 2, "TEXT": "b"}
    finally:
        gateway.close()
    done = asked("new", "--from", "erp/NOTIZ", *at)
    assert done.exit_code == 0, done.output
    assert "key:      KDNR, LFDNR" in (folder / "integrations" / "erp-notiz.yaml").read_text()


def test_a_key_of_a_column_that_is_not_there_is_refused_with_what_is(folder: Path) -> None:
    (folder / "connections.yaml").write_text(CONNECTION + "  keys:\n    NOTIZ: KDNUMMER\n")
    gateway, client = served(folder)
    try:
        refused = client.get("/api/v1/tables/erp/NOTIZ").get_json()
        assert "has no column 'KDNUMMER'" in refused["detail"]
    finally:
        gateway.close()


@pytest.mark.parametrize(
    ("more", "said"),
    [
        ("  keys:\n    NOTIZ: KDNR KDNR,\n", "connections.yaml:5:12: 'KDNR KDNR,' is not a list of different columns"),
        ("  keys:\n", "'keys' has no value"),
        ("  queries:\n    open: SELECT KDNR FROM NOTIZ\n  keys:\n    open: KDNR\n", "'open' is a query"),
    ],
)
def test_what_is_no_key_is_shown_where_it_stands(folder: Path, more: str, said: str) -> None:
    (folder / "connections.yaml").write_text(CONNECTION + more)
    done = asked("check", str(folder))
    assert done.exit_code != 0
    assert said in str(done.exception)
