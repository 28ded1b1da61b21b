"""Comparing on a real PostgreSQL: the contract, with sums and hashes that the server makes."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING, Any

import psycopg
import pytest

from adapters.dialects import POSTGRESQL
from adapters.testing import World
from tests.adapters.comparing import ComparingContract, chased, table
from tests.adapters.test_postgres import owner, port, pytestmark, runner, server, source

if TYPE_CHECKING:
    from adapters.odbc import OdbcSource

__all__ = ["owner", "port", "pytestmark", "server", "source"]


@pytest.fixture(autouse=True)
def small_ranges(monkeypatch: pytest.MonkeyPatch) -> None:
    """Ranges of a few rows, so that a small table has many."""
    monkeypatch.setattr("adapters.hashdiff.RANGE_ROWS", 4)


class TestContract(ComparingContract):
    @pytest.fixture
    def world(self, owner: psycopg.Connection[Any], source: OdbcSource) -> World:
        return World(
            source=source,
            run=runner(owner),
            session=lambda sql: sql,
            writes=(),
            types={"datetime": "timestamp", "bytes": "bytea", "bool": "boolean", "long": "text"},
        )


class TestWithoutTheNewestFunctions(TestContract):
    """As before version 14, and as on what only resembles it."""

    @pytest.fixture(params=["hash_record_extended", "hashtextextended"], autouse=True)
    def older(self, request: pytest.FixtureRequest, monkeypatch: pytest.MonkeyPatch) -> None:
        older = replace(POSTGRESQL, row_digest="hash_of_another_time({parts})")
        if request.param == "hashtextextended":
            older = replace(older, row_hash="another_hash({text})")
        monkeypatch.setattr("adapters.tablereads.TableReader.dialect", older)


def test_writers_during_passes_leave_no_ghost(owner: psycopg.Connection[Any], port: int, source: OdbcSource) -> None:
    owner.execute("CREATE TABLE t (id int PRIMARY KEY, v int)")
    owner.execute("INSERT INTO t SELECT n, 0 FROM generate_series(0, 200) n")
    connections = [
        psycopg.connect(f"host=127.0.0.1 port={port} user=owner dbname=postgres", autocommit=True) for _ in range(3)
    ]
    store = chased(source, [runner(connection) for connection in connections], seconds=1.5)
    for connection in connections:
        connection.close()
    assert store.rows == table(source, "t", ("id",))
