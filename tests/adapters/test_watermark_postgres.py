"""A column that grows, under eight writers on a real PostgreSQL; what its horizon must see."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import psycopg
import pytest

from adapters.horizon import horizon_of
from adapters.model import Following
from adapters.odbc import OdbcSource
from adapters.tablereads import TableReader
from tests.adapters.racing import race
from tests.adapters.test_postgres import connection_string, owner, port, pytestmark, server, source

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

    Connect = Callable[[], Callable[[str], object]]

__all__ = ["owner", "port", "pytestmark", "server", "source"]
MOMENTS = ("now()", "clock_timestamp()")


@pytest.fixture
def connect(owner: psycopg.Connection[Any], port: int) -> Iterator[Connect]:
    owner.execute("CREATE TABLE t (id bigint PRIMARY KEY, v int, at timestamptz, n bigserial)")
    owner.execute("CREATE INDEX ON t (at, id)")
    connections = []

    def connected() -> Callable[[str], object]:
        connection = psycopg.connect(f"host=127.0.0.1 port={port} user=owner dbname=postgres", autocommit=True)
        connections.append(connection)
        return lambda sql: connection.execute(sql.encode())

    yield connected
    for connection in connections:
        connection.close()


def test_nothing_is_lost_behind_the_highest_value(source: OdbcSource, connect: Connect) -> None:
    lost, told, reads = race(source, connect, MOMENTS, seconds=5)
    assert lost == 0
    assert reads <= 1.1, (told, reads)


def test_nothing_is_lost_of_a_sequence(source: OdbcSource, connect: Connect) -> None:
    lost, told, reads = race(source, connect, ("",), column="n", seconds=2)
    assert lost == 0
    assert reads <= 1.2, (told, reads)


@pytest.mark.parametrize(("column", "moments"), [("at", MOMENTS), ("n", ("",))])
def test_without_the_horizon_changes_are_lost(
    source: OdbcSource, connect: Connect, monkeypatch: pytest.MonkeyPatch, column: str, moments: tuple[str, ...]
) -> None:
    monkeypatch.setattr("adapters.bounds.horizon_of", lambda *_, **__: None)
    lost, told, _ = race(source, connect, moments, column=column, seconds=1.5, options={"overlap": "0"})
    assert lost > 0, told


def test_polls_that_overlap_lose_nothing_either(
    source: OdbcSource, connect: Connect, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("adapters.bounds.horizon_of", lambda *_, **__: None)
    lost, told, reads = race(source, connect, MOMENTS, seconds=1.5, options={"overlap": "5"})
    assert lost == 0, told
    assert reads > 1.1


def test_who_is_waited_for(owner: psycopg.Connection[Any], port: int, connect: Connect) -> None:
    owner.execute("DROP ROLE IF EXISTS watching")
    owner.execute("CREATE ROLE watching LOGIN")
    owner.execute("GRANT SELECT ON t TO watching")
    # A login without any right to see what others do.
    watching = OdbcSource(connection_string(port, user="watching"))
    reader = TableReader(watching._reads, watching.schema("t"))
    horizon = horizon_of(reader.dialect, reader.fetch)
    impatient = horizon_of(reader.dialect, reader.fetch, reader_seconds=0)
    assert horizon is not None
    assert impatient is not None
    assert horizon.open() == ()
    run = connect()
    run("BEGIN")
    run("SELECT 1")
    reading = horizon.open()
    assert [fact[0] for fact in reading] == ["t", "r"]
    run("UPDATE t SET v = 1")
    run("INSERT INTO t (id) VALUES (1)")
    # It is still the same one, though it has begun to write.
    assert not horizon.ended(reading)
    writing = horizon.open()
    assert "w" in {fact[0] for fact in writing}
    assert impatient.ended(reading)
    assert not impatient.ended(writing)
    run("COMMIT")
    assert horizon.ended(reading)
    assert horizon.ended(writing)
    watching.close()


def test_a_snapshot_waits_for_who_may_still_write_behind_it(
    owner: psycopg.Connection[Any], source: OdbcSource, connect: Connect
) -> None:
    run = connect()
    run("BEGIN")
    run("INSERT INTO t (id, v, at) VALUES (1, 1, now())")
    owner.execute("INSERT INTO t (id, v, at) VALUES (2, 1, now())")
    following = Following("watermark", ("id",), "at")
    (waiting,) = source.changes("t", following, position=None)
    assert (waiting.changes, waiting.snapshot) == ([], True)
    assert list(source.changes("t", following, position=waiting.position)) == []
    run("COMMIT")
    (snapshot,) = source.changes("t", following, position=waiting.position)
    assert [row["id"] for row in snapshot.rows] == [1, 2]
    assert list(source.changes("t", following, position=snapshot.position)) == []
