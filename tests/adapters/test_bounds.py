"""Polls that overlap, and tables of changes, on SQLite: what came late is told, and what was told is not told again."""

from __future__ import annotations

import sqlite3
from contextlib import closing
from decimal import Decimal
from typing import TYPE_CHECKING, Any

import pytest

from adapters.bounds import followed
from adapters.dialects import SQLSERVER
from adapters.errors import Reject, Stop
from adapters.model import Change, Column, Following, Table
from adapters.odbc import OdbcSource
from adapters.overlap import lowered
from adapters.protocol import forgetful
from adapters.statements import read
from tests.adapters.test_sqlite import connection_string, pytestmark

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

__all__ = ["pytestmark"]


class Reader:
    """Follows one table, and keeps what it is to keep."""

    def __init__(self, source: OdbcSource, following: Following, batch: int = 3) -> None:
        self.source, self.following, self.batch = source, following, batch
        self.position: str | None = None
        self.notes: dict[str, bytes] = {}

    def poll(self, only: int | None = None) -> list[Change]:
        """One poll, or the first batches of it."""
        told: list[Change] = []
        batches = self.source.changes(
            "t", self.following, position=self.position, recall=self.notes.get, batch=self.batch
        )
        for number, batch in enumerate(batches, 1):
            told += batch.changes
            self.position = batch.position
            self.notes |= {name: note for name, note in batch.memory.items() if note is not None}
            for name in [name for name, note in batch.memory.items() if note is None]:
                del self.notes[name]
            if number == only:
                break
        return told


@pytest.fixture
def owner(tmp_path: Path) -> Iterator[sqlite3.Connection]:
    with closing(sqlite3.connect(tmp_path / "t.db", isolation_level=None)) as connection:
        connection.execute("PRAGMA synchronous = OFF")
        yield connection


@pytest.fixture
def source(tmp_path: Path, owner: sqlite3.Connection) -> Iterator[OdbcSource]:
    assert owner
    with closing(OdbcSource(connection_string(tmp_path / "t.db"))) as opened:
        yield opened


def keys(changes: list[Change]) -> list[int]:
    return [int(change.key[0] or 0) for change in changes]


@pytest.mark.parametrize(
    ("kind", "value", "overlap"),
    [("TIMESTAMP", "2026-11-21 06:55:{:02}", "10"), ("INTEGER", "{}", "10"), ("DECIMAL(9,2)", "{}.5", "10")],
)
def test_what_came_late_is_told_and_nothing_twice(
    owner: sqlite3.Connection, source: OdbcSource, kind: str, value: str, overlap: str
) -> None:
    owner.execute(f"CREATE TABLE t (id INTEGER PRIMARY KEY, at {kind})")

    def add(*numbers: int) -> None:
        owner.executemany("INSERT INTO t VALUES (?, ?)", [(number, value.format(number)) for number in numbers])

    add(5)
    reader = Reader(source, Following("watermark", (), "at", {"overlap": overlap}))
    assert keys(reader.poll()) == [5]
    add(20, 21, 22, 23, 24, 25, 26)
    assert keys(reader.poll()) == [20, 21, 22, 23, 24, 25, 26]
    assert reader.poll() == []
    add(17, 30, 15)
    # 15 lies further behind than polls overlap.
    assert keys(reader.poll()) == [17, 30]
    assert reader.poll() == []
    owner.execute("DELETE FROM t WHERE id = 30")
    owner.execute("UPDATE t SET at = ? WHERE id = 26", (value.format(29),))
    assert keys(reader.poll()) == [26]
    assert reader.poll() == []
    assert len(reader.notes) < 4


def test_a_poll_that_overlaps_goes_on_from_every_position(owner: sqlite3.Connection, source: OdbcSource) -> None:
    owner.execute("CREATE TABLE t (id INTEGER PRIMARY KEY, at INTEGER)")
    owner.execute("INSERT INTO t VALUES (1, 1)")
    reader = Reader(source, Following("watermark", (), "at", {"overlap": "1000"}), batch=2)
    reader.poll()
    told: list[int] = []
    for turn in range(1, 6):
        owner.executemany(
            "INSERT INTO t VALUES (?, ?)", [(turn * 10 + each, 50 - turn * 9 + each) for each in range(7)]
        )
        while some := reader.poll(only=1):
            told += keys(some)
    assert sorted(told) == [turn * 10 + each for turn in range(1, 6) for each in range(7)]
    assert len(set(told)) == len(told)


def test_values_are_lowered_as_they_are_written() -> None:
    cases: list[tuple[Any, str, str]] = [
        ("datetime", "2026-11-21 06:55:00.5", "2026-11-21 06:54:00.500000"),
        ("datetime", "2026-11-21T00:00:30Z", "2026-11-20T23:59:30Z"),
        ("datetime", "2026-11-21 06:55:00+00", "2026-11-21 06:54:00+00:00"),
        ("date", "2026-11-01", "2026-10-31"),
        ("int", "100", "40"),
        ("decimal", "1e3", "940"),
        ("datetime", "infinity", "infinity"),
        ("datetime", "0001-01-01 00:00:00", "0001-01-01 00:00:00"),
        ("binary", "00000000000007D1", "00000000000007D1"),
    ]
    for kind, text, expected in cases:
        assert lowered(Column("c", "", kind), text, Decimal(60)) == expected


def test_a_table_of_changes_tells_what_happened(owner: sqlite3.Connection, source: OdbcSource) -> None:
    owner.execute("CREATE TABLE t (seq INTEGER PRIMARY KEY, op CHAR(1), no INTEGER, line TEXT, name TEXT)")
    rows = [(1, "I", 7, "a", "x"), (2, "u", 7, "a", "y"), (3, "D", 7, "a", None), (4, "insert ", 8, "b", "z")]
    owner.executemany("INSERT INTO t VALUES (?, ?, ?, ?, ?)", rows)
    reader = Reader(source, Following("watermark", (), "seq", {"op": "op", "of": "line, no"}))
    told = reader.poll()
    assert [(change.op, change.key) for change in told] == [
        ("put", ("a", "7")),
        ("put", ("a", "7")),
        ("delete", ("a", "7")),
        ("put", ("b", "8")),
    ]
    assert told[1].row == {"seq": 2, "op": "u", "no": 7, "line": "a", "name": "y"}
    assert (told[2].row, told[2].before) == (None, {"line": "a", "no": 7})
    assert reader.poll() == []
    owner.execute("INSERT INTO t VALUES (5, 'x', 9, 'c', NULL)")
    with pytest.raises(Stop, match="no operation"):
        reader.poll()


def test_a_row_version_is_bounded_by_the_lowest_one_that_is_open() -> None:
    sent: list[str] = []

    class Silent:
        """A server without rows."""

        table = Table("t", "dbo", "t", (Column("id", "int", "int", key=1), Column("v", "timestamp", "binary")))
        dialect = SQLSERVER

        def fetch(self, sql: str, parameters: Any) -> list[Any]:
            raise AssertionError((sql, parameters))

        def rows(self, order: Any, *, where: Any = (), after: Any = None, beside: Any = None, limit: int) -> Any:
            plan = read(
                SQLSERVER,
                self.table,
                self.table.columns,
                order=order,
                where=where,
                after=after,
                beside=beside,
                limit=limit,
            )
            sent.append(plan.sql)
            return plan, []

        def columns(self, order: Any, *, after: Any, limit: int) -> Any:
            raise AssertionError((order, after, limit))

        def count(self, where: Any) -> int:
            return len(where)

    reader = Silent()
    key, column = reader.table.columns
    following = Following("watermark", (), "v")
    assert list(followed(reader, [key], column, following, position=None, recall=forgetful, batch=5)) == []
    assert "< MIN_ACTIVE_ROWVERSION()" in sent[0]
    # Time there has no such bound, so that polls overlap.
    assert "MIN_ACTIVE" not in sent[1]


def test_options_that_cannot_be_are_refused(owner: sqlite3.Connection, source: OdbcSource) -> None:
    owner.execute("CREATE TABLE t (id INTEGER PRIMARY KEY, at INTEGER)")
    for options, error, words in (
        ({"overlp": "5"}, Stop, "without an option 'overlp'.*overlap"),
        ({"overlap": "-5"}, Stop, "'-5'"),
        ({"op": "nix"}, Reject, "no column 'nix'"),
    ):
        with pytest.raises(error, match=words):
            Reader(source, Following("watermark", (), "at", options)).poll()
