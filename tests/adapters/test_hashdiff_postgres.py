"""Comparing on a real PostgreSQL: the contract, with sums and hashes that the server makes."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import pytest

from adapters.testing import World
from tests.adapters.comparing import ComparingContract
from tests.adapters.test_postgres import owner, port, pytestmark, runner, server, source

if TYPE_CHECKING:
    import psycopg

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
