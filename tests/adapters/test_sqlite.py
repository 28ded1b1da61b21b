"""SQLite through its ODBC driver: the contract, and what is SQLite's own."""

from __future__ import annotations

import sqlite3
from contextlib import closing
from pathlib import Path
from typing import TYPE_CHECKING

import pytest

from adapters.connections import driver_manager
from adapters.odbc import OdbcSource
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
            source = OdbcSource(f"Driver={{{DRIVER}}};Database={{{path}}}")
            other = tmp_path / "other.db"
            yield World(
                source=source,
                run=lambda sql, *values: owner.execute(sql, values),
                session=lambda sql: _in_session(source, sql),
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


def _in_session(source: OdbcSource, sql: str) -> object:
    with source._connections.lease() as connection:
        return connection.execute(sql)
