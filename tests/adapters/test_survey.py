"""A database that nobody has seen before says what it is, and how its tables should be followed."""

from __future__ import annotations

import sqlite3
from contextlib import closing
from dataclasses import replace
from typing import TYPE_CHECKING
from urllib.parse import urlsplit

import psycopg
import pytest

from adapters.connections import driver_manager
from adapters.dialects import DIALECTS
from adapters.errors import Reject
from adapters.facts import ESTIMATES, FACTS, WANTED
from adapters.model import Capabilities, Column, Table
from adapters.odbc import OdbcSource
from adapters.readonly import guarded
from adapters.survey import Fact, advised, counted, facts, hints, latency, surveyed, watermarks
from tests.servers import mariadb, mariadb_missing, postgresql, postgresql_missing

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

OWNER = {"accept_writable_login": "the owner's login, in a test"}
CAN = Capabilities("sqlite", "", "", "", "", "", server_timeout=False, changes=("snapshot", "watermark", "diff"))
NO = Column("NO", "integer", "int", nullable=False, key=1)
AT = Column("AENDTS", "timestamp", "datetime")
TABLE = Table("ORDERS", "main", "ORDERS", (NO, AT))


@pytest.fixture
def file(tmp_path: Path) -> Path:
    if "SQLite3" not in driver_manager().drivers():
        pytest.skip("no ODBC driver for SQLite: apt-get install libsqliteodbc")
    path = tmp_path / "erp.db"
    with closing(sqlite3.connect(path)) as owner:
        owner.execute("CREATE TABLE ORDERS (NO INTEGER PRIMARY KEY, AENDTS CHAR(19))")
        owner.execute("CREATE TABLE NOTES (TEXT VARCHAR(80))")
        owner.executemany("INSERT INTO ORDERS (NO) VALUES (?)", [(number,) for number in range(12)])
        owner.commit()
    return path


@pytest.fixture
def source(file: Path) -> Iterator[OdbcSource]:
    opened = OdbcSource(f"Driver=SQLite3;Database={file}")
    yield opened
    opened.close()


def test_a_source_says_what_it_is_and_what_to_do(source: OdbcSource, file: Path) -> None:
    before = file.read_bytes()
    found = surveyed(source)
    assert found.capabilities.dialect == "sqlite"
    assert not found.rights.writable
    assert Fact("encoding", "the file's encoding", "UTF-8") in found.facts
    assert found.latency_ms > 0
    assert "biggest" in {each.code for each in found.findings}
    assert found.skipped == 0
    notes, orders = found.tables
    assert (orders.table, orders.rows, orders.more, orders.key) == ("ORDERS", 12, False, ("NO",))
    assert orders.strategy == "diff"
    assert "AENDTS may grow" in orders.why
    assert (notes.strategy, notes.key) == (None, ())
    assert "key:" in notes.why
    assert file.read_bytes() == before


def test_only_the_tables_that_were_named_are_looked_at(source: OdbcSource) -> None:
    assert [each.table for each in surveyed(source, ("ORDERS",), examine=False).tables] == ["ORDERS"]
    with pytest.raises(Reject, match="ORDERS"):
        surveyed(source, ("ORDER",), examine=False)


def test_time_that_is_over_leaves_tables_out_and_says_how_many(source: OdbcSource) -> None:
    hours = iter(range(0, 3600 * 1000, 3600))
    assert surveyed(source, examine=False, clock=lambda: next(hours)).skipped == 2


@pytest.mark.parametrize(
    ("changes", "table", "rows", "strategy", "column", "why"),
    [
        (("snapshot",), TABLE, 5, "snapshot", None, "5 rows are read each time"),
        (CAN.changes, TABLE, 5, "diff", None, "5 rows are read each time, or their sums; AENDTS may grow"),
        (CAN.changes, TABLE, 2_000_000, "watermark", "AENDTS", "too many to compare each time"),
        ((*CAN.changes, "log"), TABLE, 2_000_000, "log", None, "every change"),
        (CAN.changes, Table("V", "", "V", (AT,)), 5, None, None, "no primary key"),
        (CAN.changes, Table("V", "", "V", (NO,)), None, "diff", None, "rows are read each time, or their sums"),
    ],
)
def test_how_to_follow_a_table_goes_by_what_it_has(
    changes: tuple[str, ...], table: Table, rows: int | None, strategy: str | None, column: str | None, why: str
) -> None:
    advice = advised(table, replace(CAN, changes=changes), rows, more=False)  # type: ignore[arg-type] # as read
    assert (advice.strategy, advice.column) == (strategy, column)
    assert why in advice.why


def test_columns_that_may_grow_are_known_by_type_and_name() -> None:
    columns = (
        Column("CREATED", "timestamp", "datetime"),
        Column("SHIPPED", "timestamp", "datetime"),
        Column("LAST_NAME", "varchar(20)", "text"),
        Column("AENDTS", "char(19)", "text"),
        Column("CHANGED_BY", "varchar(20)", "text"),
        Column("ROWVERSION", "bigint", "int"),
        Column("STOCK", "bigint", "int"),
        Column("UPDATED", "timestamp", "datetime"),
        Column("RV", "timestamp", "binary"),
        Column("PHOTO", "image", "binary"),
    )
    assert [each.name for each in watermarks(Table("T", "", "T", columns))] == [
        "UPDATED",
        "AENDTS",
        "ROWVERSION",
        "SHIPPED",
        "RV",
    ]


def test_what_stands_in_the_way_of_the_log_is_said() -> None:
    told = [Fact("changes", "wal_level", "replica"), Fact("changes", "standby", None)]
    (hint,) = hints("postgresql", told)
    assert hint.startswith("wal_level is replica: ALTER SYSTEM")
    assert hints("postgresql", [Fact("changes", "wal_level", "logical")]) == ()
    assert hints("sqlite", []) == ()


@pytest.mark.server
@pytest.mark.skipif(bool(postgresql_missing()), reason=postgresql_missing() or "it can run")
def test_postgresql_says_everything_that_it_is_asked() -> None:
    with postgresql() as address:
        with psycopg.connect(address, autocommit=True) as owner:
            owner.execute("CREATE TABLE t (k int PRIMARY KEY)")
            owner.execute("INSERT INTO t SELECT generate_series(1, 1000)")
            owner.execute("ANALYZE t")
        text = f"Driver={{PostgreSQL Unicode}};Server=127.0.0.1;Port={urlsplit(address).port};Database=postgres"
        source = OdbcSource(f"{text};Uid=postgres", options=OWNER)
        told = facts(source)
        assert None not in [fact.value for fact in told]
        assert {fact.name: fact.value for fact in told}["wal_level"] == "replica"
        assert counted(source, source.schema("t")) == (1000, False)
        assert latency(source) > 0
        source.close()


@pytest.mark.server
@pytest.mark.skipif(bool(mariadb_missing()), reason=mariadb_missing() or "it can run")
def test_mariadb_says_everything_that_it_is_asked() -> None:
    with mariadb() as port:
        text = f"Driver={{MariaDB Unicode}};Server=127.0.0.1;Port={port};Database=erp;Uid=owner"
        owner = driver_manager().connect(text, autocommit=True)
        owner.execute("CREATE TABLE t (k int PRIMARY KEY)")
        owner.close()
        source = OdbcSource(text, options=OWNER)
        told = facts(source)
        assert None not in [fact.value for fact in told]
        assert {fact.name: fact.value for fact in told}["log_bin"] == "OFF"
        assert counted(source, source.schema("t")) == (0, False)
        assert any(hint.startswith("log_bin is OFF") for hint in hints("mariadb", told))
        source.close()


def test_every_question_is_a_select_of_a_known_dialect() -> None:
    names = {dialect.name for dialect in DIALECTS}
    assert {*FACTS, *ESTIMATES, *WANTED} <= names
    for asked in FACTS.values():
        for _, _, sql in asked:
            assert guarded(sql)
    for sql in ESTIMATES.values():
        assert guarded(sql).count("?") == 2
    for dialect, wanted in WANTED.items():
        assert {name for name, _, _ in wanted} <= {name for _, name, _ in FACTS[dialect]}
