"""SQLite through its ODBC driver: the contract, and what is SQLite's own."""

from __future__ import annotations

import sqlite3
from concurrent.futures import ThreadPoolExecutor
from contextlib import closing, suppress
from dataclasses import replace
from decimal import Decimal
from pathlib import Path
from typing import TYPE_CHECKING

import pytest

from adapters.connections import driver_manager
from adapters.dialects import SQLITE
from adapters.errors import Retry, Stop
from adapters.model import Filter, Following, Selection, Sort
from adapters.odbc import OdbcSource
from adapters.statements import Ordered, read
from adapters.testing import AdapterContract, World

if TYPE_CHECKING:
    from collections.abc import Iterator

LIBRARY = Path("/usr/lib/x86_64-linux-gnu/odbc/libsqlite3odbc.so")
NAMED = "SQLite3" in driver_manager().drivers()
DRIVER = "SQLite3" if NAMED else str(LIBRARY)
pytestmark = pytest.mark.skipif(
    not NAMED and not LIBRARY.exists(), reason="no ODBC driver for SQLite: apt-get install libsqliteodbc"
)


class TestContract(AdapterContract):
    @pytest.fixture
    def world(self, tmp_path: Path) -> Iterator[World]:
        path = tmp_path / "legacy erp;ü.db"
        with closing(sqlite3.connect(path, isolation_level=None)) as owner:
            owner.execute("PRAGMA user_version = 1")
            owner.execute("PRAGMA synchronous = OFF")
            source = OdbcSource(f"Driver={{{DRIVER}}};Database={{{path}}}")
            other = tmp_path / "other.db"
            yield World(
                source=source,
                run=lambda sql, *values: owner.execute(sql, values),
                session=lambda sql: in_session(source, sql),
                writes=(
                    'INSERT INTO "Orders" ("No", "Line") VALUES (2, \'a\')',
                    'UPDATE "Orders" SET "Name" = \'x\'',
                    'DELETE FROM "Orders"',
                    'REPLACE INTO "Orders" ("No", "Line") VALUES (1, \'a\')',
                    'DROP TABLE "Orders"',
                    "CREATE TABLE t (a)",
                    "CREATE TEMP TABLE t (a)",
                    'CREATE INDEX i ON "Orders" ("Name")',
                    'ALTER TABLE "Orders" ADD COLUMN c',
                    f"ATTACH '{other}' AS other",
                    f"VACUUM INTO '{other}'",
                    'SELECT 1; DELETE FROM "Orders"',
                ),
            )
            source.close()


def in_session(source: OdbcSource, sql: str) -> object:
    with source._connections.lease() as connection:
        return connection.execute(sql)


@pytest.fixture
def path(tmp_path: Path) -> Path:
    return tmp_path / "erp.db"


@pytest.fixture
def owner(path: Path) -> Iterator[sqlite3.Connection]:
    with closing(sqlite3.connect(path, isolation_level=None)) as connection:
        connection.execute("PRAGMA user_version = 1")
        connection.execute("PRAGMA synchronous = OFF")
        yield connection


@pytest.fixture
def source(path: Path, owner: sqlite3.Connection) -> Iterator[OdbcSource]:
    assert owner
    with closing(OdbcSource(connection_string(path))) as opened:
        yield opened


def connection_string(path: Path, *, driver: str = DRIVER) -> str:
    return f"Driver={{{driver}}};Database={path}"


def test_what_is_not_of_its_columns_type_arrives_as_the_text_that_it_is(
    owner: sqlite3.Connection, source: OdbcSource
) -> None:
    owner.execute(
        "CREATE TABLE odd (id INTEGER PRIMARY KEY, d DATE, t TIMESTAMP, n INTEGER, x DECIMAL(9,2), b BOOLEAN)"
    )
    rows = [
        (1, "nonsense", "0000-00-00", "abc", "12,5", "maybe"),
        (2, "2026-02-30", 1700000000, 1.5, "NaN", 2),
        (3, 20240131, "2026-11-21T06:55", 1e20, 0.1 + 0.2, "true"),
        (4, "", " ", "007", 1e300, 1),
    ]
    owner.executemany("INSERT INTO odd VALUES (?, ?, ?, ?, ?, ?)", rows)
    one, two, three, four = (tuple(row.values())[1:] for row in source.page("odd", Selection()).rows)
    assert one == ("nonsense", "0000-00-00", "abc", "12,5", "maybe")
    assert two == ("2026-02-30", "1700000000", "1.5", "NaN", "2")
    assert three == ("20240131", "2026-11-21T06:55", 10**20, Decimal("0.3"), True)
    assert four == ("", " ", 7, Decimal(10) ** 300, True)


@pytest.mark.parametrize(
    "kind", ["", "INTEGER", "DECIMAL(9,2)", "REAL", "DATE", "TIMESTAMP", "TEXT", "TEXT COLLATE NOCASE"]
)
def test_whatever_a_column_holds_pages_meet(owner: sqlite3.Connection, source: OdbcSource, kind: str) -> None:
    owner.execute(f"CREATE TABLE t (id INTEGER PRIMARY KEY, v {kind})")
    held = [
        None,
        1,
        2**62 + 1,
        2**62 + 2,
        0.1,
        0.1 + 0.2,
        1e-300,
        -5,
        "a",
        "B",
        "10",
        "9",
        "",
        "2026-01-01",
        "ä",
        "1e5",
    ]
    owner.executemany("INSERT INTO t (v) VALUES (?)", [(value,) for value in held])
    for descending in (False, True):
        sort = (Sort("v", descending=descending),)
        found: list[int] = []
        after: tuple[str | None, ...] | None = None
        while True:
            page = source.page("t", Selection(sort=sort, limit=1, after=after))
            found += [row["id"] for row in page.rows]
            after = page.next
            if after is None:
                break
        assert sorted(found) == list(range(1, len(held) + 1))
        assert found == [row["id"] for row in source.page("t", Selection(sort=sort)).rows]


def test_times_written_in_two_ways_are_compared_as_times(owner: sqlite3.Connection, source: OdbcSource) -> None:
    owner.execute("CREATE TABLE t (id INTEGER PRIMARY KEY, at TIMESTAMP)")
    owner.executemany(
        "INSERT INTO t (at) VALUES (?)", [("2026-11-21 06:00:00",), ("2026-11-21T05:00:00",), ("2026-11-21T07:00:00Z",)]
    )
    after_six = Selection(filters=(Filter("at", "gte", "2026-11-21T06:00:00Z"),))
    assert [row["id"] for row in source.page("t", after_six).rows] == [1, 3]


def test_a_deep_page_is_found_by_the_index_alone(owner: sqlite3.Connection, source: OdbcSource) -> None:
    owner.execute("CREATE TABLE deep (firm INTEGER, id INTEGER, name TEXT, PRIMARY KEY (firm, id))")
    owner.execute(
        "INSERT INTO deep WITH RECURSIVE n (i) AS (SELECT 1 UNION ALL SELECT i + 1 FROM n WHERE i < 5000)"
        " SELECT 1, i, 'x' FROM n"
    )
    assert source.page("deep", Selection(limit=10, after=("1", "4000"))).rows[0]["id"] == 4001
    table = source.schema("deep")
    order = [Ordered(column) for column in table.columns[:2]]
    sql = read(SQLITE, table, table.columns, order=order, after=("1", "4000"), limit=11).sql
    assert "OFFSET" not in sql
    (plan,) = owner.execute(f"EXPLAIN QUERY PLAN {sql}", ("1", "4000")).fetchall()
    assert plan[3].startswith("SEARCH r USING INDEX"), plan


def test_no_attempt_to_write_leaves_a_trace(tmp_path: Path, owner: sqlite3.Connection, source: OdbcSource) -> None:
    owner.execute("CREATE TABLE t (id INTEGER PRIMARY KEY)")
    source.probe()
    before = {file.name: file.read_bytes() for file in tmp_path.iterdir()}
    for sql in (
        "INSERT INTO t VALUES (1)",
        "PRAGMA user_version = 7",
        "PRAGMA journal_mode = WAL",
        "PRAGMA query_only = 0",
        "INSERT INTO t VALUES (2)",
        "CREATE TABLE u (a)",
        f"ATTACH '{tmp_path / 'new.db'}' AS other",
        "BEGIN IMMEDIATE",
        "DROP TABLE t",
    ):
        with source._connections.lease() as connection, suppress(driver_manager().Error):
            connection.execute(sql).fetchall()
    assert {file.name: file.read_bytes() for file in tmp_path.iterdir()} == before


def test_a_connection_string_cannot_ask_for_more_than_reading(path: Path, owner: sqlite3.Connection) -> None:
    owner.execute("CREATE TABLE t (id INTEGER PRIMARY KEY)")
    with closing(OdbcSource(f"Driver={{{DRIVER}}};Database=file:{path}?mode=rwc")) as source:
        with source._connections.lease() as connection:
            connection.execute("PRAGMA query_only = 0").close()
            with pytest.raises(driver_manager().Error, match="readonly"):
                connection.execute("INSERT INTO t VALUES (1)")
        assert source.tables() == ("t",)


@pytest.mark.skipif(not LIBRARY.exists(), reason=f"the driver's library is not at {LIBRARY}")
def test_a_driver_is_found_by_the_path_of_its_library(path: Path, owner: sqlite3.Connection) -> None:
    owner.execute("CREATE TABLE t (id INTEGER PRIMARY KEY)")
    with closing(OdbcSource(connection_string(path, driver=str(LIBRARY)))) as source:
        assert source.tables() == ("t",)


def test_a_wrong_file_is_told_and_none_is_made(tmp_path: Path) -> None:
    text = tmp_path / "orders.csv"
    text.write_text("number;total\n1;2\n")
    for file, words in (
        (tmp_path / "nix.db", "No such file"),
        (tmp_path, "directory"),
        (text, "not an SQLite database"),
    ):
        with closing(OdbcSource(connection_string(file))) as source, pytest.raises(Stop, match=words) as caught:
            source.tables()
        assert str(file) in caught.value.message
        assert "Database=" in caught.value.remedy
    assert sorted(tmp_path.iterdir()) == [text]


def test_a_damaged_database_is_told(tmp_path: Path) -> None:
    broken = tmp_path / "broken.db"
    broken.write_bytes(b"SQLite format 3\0" + b"\xff" * 5000)
    with closing(OdbcSource(connection_string(broken))) as source, pytest.raises(Stop, match="SQLite"):
        source.tables()


def test_a_locked_database_is_worth_another_try(path: Path, owner: sqlite3.Connection) -> None:
    owner.execute("CREATE TABLE t (id INTEGER PRIMARY KEY)")
    owner.execute("BEGIN EXCLUSIVE")
    options = {"timeout_seconds": "0.05"}
    with closing(OdbcSource(connection_string(path), options=options)) as source, pytest.raises(Retry):
        source.tables()


def test_a_statement_that_takes_too_long_is_ended(path: Path, owner: sqlite3.Connection) -> None:
    owner.execute(
        "CREATE VIEW endless AS WITH RECURSIVE c (id) AS (SELECT 1 UNION ALL SELECT id + 1 FROM c)"
        " SELECT max(id) AS id FROM c"
    )
    options = {"timeout_seconds": "0.5"}
    with closing(OdbcSource(connection_string(path), options=options)) as source:
        with pytest.raises(Retry, match="did not answer within"):
            source.page("endless", Selection(key=("id",)))
        source._governor.limits = replace(source._governor.limits, timeout_seconds=60)  # no haste for what is quick
        assert source.tables() == ("endless",)


def test_several_threads_read_at_once(path: Path, owner: sqlite3.Connection) -> None:
    owner.execute("CREATE TABLE t (id INTEGER PRIMARY KEY)")
    owner.executemany("INSERT INTO t VALUES (?)", [(number,) for number in range(200)])

    patient = OdbcSource(connection_string(path), options={"wait_seconds": "60"})

    def all_of_it(batch: int) -> list[int]:
        batches = patient.changes("t", Following("watermark", (), "id"), position=None, batch=batch)
        return [row["id"] for one in batches for row in one.rows]

    with closing(patient), ThreadPoolExecutor(8) as threads:
        assert list(threads.map(all_of_it, [30] * 16)) == [list(range(200))] * 16
        assert len(patient._connections._pool._idle) <= 4


def test_a_connection_in_use_while_the_source_is_closed_is_not_kept(source: OdbcSource) -> None:
    with source._connections.lease() as connection:
        source.close()
        assert connection.execute("SELECT 'still'").fetchone()[0] == "still"
    assert source._connections._pool._idle == []
    with pytest.raises(driver_manager().ProgrammingError):
        connection.execute("SELECT 1")


def test_a_source_whose_connections_are_all_in_use_says_so(path: Path, owner: sqlite3.Connection) -> None:
    assert owner
    options = {"wait_seconds": "0.05", "connections": "1"}
    with closing(OdbcSource(connection_string(path), options=options)) as source:
        with source._connections.lease(), pytest.raises(Retry, match="in use"):
            source.tables()
        assert source.tables() == ()


def test_a_column_that_is_gone_is_told_and_looked_up_again(owner: sqlite3.Connection, source: OdbcSource) -> None:
    owner.execute("CREATE TABLE t (id INTEGER PRIMARY KEY, a TEXT, b TEXT)")
    assert source.page("t", Selection()).rows == []
    owner.execute("ALTER TABLE t DROP COLUMN a")
    with pytest.raises(Stop, match="no such column"):
        source.page("t", Selection())
    assert [column.name for column in source.schema("t").columns] == ["id", "b"]
    assert source.page("t", Selection()).rows == []
