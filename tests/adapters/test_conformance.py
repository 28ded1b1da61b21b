"""The real drivers are asked for every lie that is known of them, and our way of reading and binding for none."""

from __future__ import annotations

import sqlite3
from contextlib import closing
from typing import TYPE_CHECKING, Any
from urllib.parse import urlsplit

import psycopg
import pytest

from adapters.conformance import Finding, examined
from adapters.connections import Connections, driver_manager
from adapters.dialects import DIALECTS, MARIADB
from adapters.literals import BATCHES, BINDING, ESCAPES, LENT, READING, SLOW, TRANSACTION
from adapters.model import Selection
from adapters.odbc import OdbcSource
from adapters.options import settings
from tests.servers import mariadb, mariadb_missing, postgresql, postgresql_missing

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

OPTIONS = {"accept_writable_login": "the owner's login, in a test"}

# Two tables whose names differ by a letter that is a wildcard; a key in another order than the table's.
TABLES = (
    (
        "CREATE TABLE Ord_Err (a INTEGER NOT NULL, day DATE, stamp {moment}, flag {flag}, line VARCHAR(190) NOT NULL,"
        " other INTEGER UNIQUE, PRIMARY KEY (line, a))"
    ),
    "CREATE TABLE OrdXErr (z INTEGER PRIMARY KEY)",
)

# Everything that is known to be wrong with each driver; what is not here has to be right.
KNOWN: dict[str, dict[str, str]] = {
    "sqlite": {
        "bad_number": "avoided",
        "bad_date": "avoided",
        "bad_time": "avoided",
        "bad_boolean": "avoided",
        "zone": "avoided",
        "biggest": "avoided",
        "null_letter": "broken",
        "bad_letter": "broken",
        "bytes": "avoided",
        "bound_moment": "avoided",
        "bound_zone": "avoided",
        "bound_bigger": "avoided",
        "bound_uuid": "avoided",
        "bound_null_letter": "avoided",
        "pattern": "avoided",
        "key_order": "avoided",
        "row_id": "avoided",
        "timeout": "avoided",
    },
    "postgresql": {
        "endless_date": "avoided",
        "far_date": "avoided",
        "date_before_christ": "avoided",
        "endless_time": "avoided",
        "zone": "avoided",
        "end_of_day": "avoided",
        "boolean": "avoided",
        "money": "avoided",
        "lost_rows": "avoided",
        "bound_zone": "avoided",
        "bound_bigger": "avoided",
        "bound_uuid": "avoided",
        "bound_null_letter": "avoided",
        "pattern": "avoided",
        "row_version": "avoided",
        "several_statements": "avoided",
        "open_transaction": "avoided",
        "braces": "avoided",
        "question_mark": "avoided",
        "timeout": "avoided",
    },
    "mariadb": {
        "zero_date": "avoided",
        "half_date": "avoided",
        "span": "avoided",
        "time_microseconds": "avoided",
        "float": "avoided",
        "null_letter": "broken",
        "lost_rows": "avoided",
        "bound_moment": "avoided",
        "bound_zone": "avoided",
        "bound_bigger": "avoided",
        "bound_uuid": "avoided",
        "bound_long": "avoided",
        "pattern": "avoided",
        "key_order": "avoided",
        "row_id": "avoided",
        "braces": "avoided",
        "timeout": "avoided",
    },
}

# Cut off at a NUL with some builds of its client library, and not with others.
PERHAPS = {"mariadb": {"bound_null_letter"}}


@pytest.fixture
def sqlite(tmp_path: Path) -> str:
    if "SQLite3" not in driver_manager().drivers():
        pytest.skip("no ODBC driver for SQLite: apt-get install libsqliteodbc")
    file = tmp_path / "erp.db"
    with closing(sqlite3.connect(file)) as owner:
        for sql in TABLES:
            owner.execute(sql.format(moment="DATETIME", flag="BOOLEAN"))
    return f"Driver=SQLite3;Database={file}"


@pytest.fixture(scope="module")
def postgresql_source() -> Iterator[str]:
    if postgresql_missing() or "PostgreSQL Unicode" not in driver_manager().drivers():
        pytest.skip(postgresql_missing() or "no ODBC driver for PostgreSQL: apt-get install odbc-postgresql")
    with postgresql() as address:
        with psycopg.connect(address, autocommit=True) as owner:
            for sql in TABLES:
                owner.execute(sql.format(moment="timestamp", flag="boolean").encode())
        port = urlsplit(address).port
        yield f"Driver={{PostgreSQL Unicode}};Server=127.0.0.1;Port={port};Database=postgres;Uid=postgres"


@pytest.fixture(scope="module")
def mariadb_source() -> Iterator[str]:
    if mariadb_missing() or "MariaDB Unicode" not in driver_manager().drivers():
        pytest.skip(mariadb_missing() or "no ODBC driver for MariaDB: apt-get install odbc-mariadb")
    with mariadb() as port:
        text = f"Driver={{MariaDB Unicode}};Server=127.0.0.1;Port={port};Database=erp;Uid=owner"
        owner = driver_manager().connect(text, autocommit=True)
        for sql in TABLES:
            owner.execute(sql.format(moment="datetime(6)", flag="bit(1)"))
        owner.close()
        yield text


def found(text: str) -> tuple[Finding, ...]:
    source = OdbcSource(text, options=OPTIONS)
    connections = Connections(text, settings(OPTIONS))
    try:
        tables = [source.schema(name) for name in source.tables()]
        connection = connections.connect()
        findings = examined(connection, connections.dialect, tables)
        connection.close()
    finally:
        connections.close()
        source.close()
    return findings


@pytest.mark.server
@pytest.mark.parametrize("name", KNOWN)
def test_every_lie_that_is_known_of_a_driver_is_found(name: str, request: pytest.FixtureRequest) -> None:
    findings = found(request.getfixturevalue(name if name == "sqlite" else f"{name}_source"))
    told = [(each.code, each.severity) for each in findings if each.code not in PERHAPS.get(name, ())]
    assert sorted(told) == sorted(KNOWN[name].items())
    for each in findings:
        assert each.remedy, each
        assert each.does, each
        assert each.does != each.expected, each


def test_what_a_driver_does_is_told_in_words(sqlite: str) -> None:
    told = {each.code: each for each in found(sqlite)}
    assert told["biggest"].does == "gives -1 as int"
    assert told["biggest"].expected == "'9223372036854775807'"
    assert told["bad_date"].does == "gives nothing (NULL)"
    assert told["key_order"].does == "gives a, line"
    assert told["key_order"].expected == "line, a"


@pytest.mark.server
def test_a_text_too_long_for_one_piece_is_bound_whole(mariadb_source: str) -> None:
    """The driver damages what it is given in pieces, from 128 letters on: no key of that length could be paged by."""
    owner: Any = driver_manager().connect(mariadb_source, autocommit=True)
    owner.maxwrite = 1 << 20
    keys = [f"{'k' * 180}{number:03}" for number in range(5)]
    for key in keys:
        owner.execute("INSERT INTO Ord_Err (a, line) VALUES (1, ?)", key)
    source = OdbcSource(mariadb_source, options=OPTIONS)
    try:
        first = source.page("Ord_Err", Selection(limit=2))
        second = source.page("Ord_Err", Selection(limit=9, after=first.next))
        assert [row["line"] for row in (*first.rows, *second.rows)] == keys
        assert source.row("Ord_Err", (keys[3], "1")) is not None
    finally:
        source.close()
        owner.execute("DELETE FROM Ord_Err")
        owner.close()


def test_the_cases_belong_to_dialects_and_have_names_of_their_own() -> None:
    names = {dialect.name for dialect in DIALECTS}
    for table in (READING, BINDING, BATCHES, TRANSACTION, ESCAPES, SLOW):
        assert set(table) <= names
    assert {name for name, _ in LENT} <= names
    for name in KNOWN:
        codes = [*(case.code for case in READING[name]), *(case.code for case in BINDING[name])]
        assert len(codes) == len(set(codes))
    assert MARIADB.whole_parameters
