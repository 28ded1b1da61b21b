"""The example that the package's docstring shows."""

from __future__ import annotations

import doctest
import sqlite3
from contextlib import closing
from typing import TYPE_CHECKING

import pytest

import adapters
from adapters.connections import driver_manager

if TYPE_CHECKING:
    from pathlib import Path


@pytest.mark.skipif(
    "SQLite3" not in driver_manager().drivers(), reason="no ODBC driver SQLite3: apt-get install libsqliteodbc"
)
def test_the_example_of_the_package_works(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    with closing(sqlite3.connect("erp.db", isolation_level=None)) as owner:
        owner.execute(
            "CREATE TABLE KUNDEN (KDNR INTEGER PRIMARY KEY, NAME1 CHAR(30), KREDIT DECIMAL(9,2), AENDTS TIMESTAMP)"
        )
        owner.executemany(
            "INSERT INTO KUNDEN VALUES (?, ?, ?, ?)",
            [
                (2, "Ader", "20", "2026-11-19 08:00:00"),
                (4, "Müller", "1250.75", "2026-11-20 09:30:00"),
                (7, "Bäcker", "100", "2026-11-20 09:30:00"),
                (9, "Özdemir", "100.5", "2026-11-20 17:01:12"),
            ],
        )
    outcome = doctest.testmod(adapters)
    assert outcome.attempted > 10
    assert outcome.failed == 0
