"""A column that grows, under eight writers on a real MariaDB."""

from __future__ import annotations

from contextlib import closing
from typing import TYPE_CHECKING, Any

import pytest

from adapters.connections import driver_manager
from adapters.horizon import horizon_of
from adapters.odbc import OdbcSource
from adapters.tablereads import TableReader
from tests.adapters.racing import race
from tests.adapters.test_mariadb import connection_string, owner, pytestmark

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

    Connect = Callable[[], Callable[[str], object]]

__all__ = ["owner", "pytestmark"]
MOMENTS = ("NOW(6)", "SYSDATE(6)")


@pytest.fixture
def connect(owner: tuple[Any, int]) -> Iterator[Connect]:
    connection, port = owner
    for statement in (
        "DROP DATABASE erp",
        "CREATE DATABASE erp",
        "USE erp",
        "CREATE TABLE t (id BIGINT PRIMARY KEY, v INT, at DATETIME(6), n BIGINT AUTO_INCREMENT UNIQUE)",
        "CREATE INDEX i ON t (at, id)",
    ):
        connection.execute(statement)
    connections = []

    def connected() -> Callable[[str], object]:
        other = driver_manager().connect(connection_string(port), autocommit=True)
        connections.append(other)

        def run(sql: str) -> None:
            with closing(other.cursor()) as cursor:
                cursor.execute(sql)

        return run

    yield connected
    for other in connections:
        other.close()


@pytest.fixture
def source(owner: tuple[Any, int]) -> Iterator[OdbcSource]:
    with closing(OdbcSource(connection_string(owner[1]), options={"accept_writable_login": "ours"})) as opened:
        yield opened


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


def test_who_is_waited_for(source: OdbcSource, connect: Connect) -> None:
    run = connect()
    reader = TableReader(source._reads, source.schema("t"))
    horizon = horizon_of(reader.dialect, reader.fetch)
    assert horizon is not None

    def now() -> tuple[str, ...]:
        horizon._fetch("SELECT CAST(SLEEP(0.12) AS CHAR)", ())  # the server looks no more often
        return horizon.open()

    assert now() == ()
    run("BEGIN")
    run("SELECT count(*) FROM t")
    reading = now()
    assert [fact[0] for fact in reading] == ["t", "r"]
    run("INSERT INTO t (id) VALUES (1)")
    writing = now()
    assert [fact[0] for fact in writing] == ["t", "w"]
    assert not horizon.ended(reading)
    assert not horizon.ended(writing)
    run("COMMIT")
    now()
    assert horizon.ended(reading)
    assert horizon.ended(writing)
