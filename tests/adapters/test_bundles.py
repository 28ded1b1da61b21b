"""Batches that travel in few pieces hold the rows that came cell by cell, in the same order, or are read again."""

from __future__ import annotations

import sqlite3
from contextlib import closing
from typing import TYPE_CHECKING, Any

import psycopg
import pymysql
import pytest

from adapters.bundles import Bundle, Bundles
from adapters.connections import driver_manager
from adapters.model import Following
from adapters.odbc import OdbcSource
from tests.servers import mariadb, mariadb_missing, postgresql, postgresql_missing

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator
    from pathlib import Path

ROWS = 700
BATCH = 150
OPTIONS = {"accept_writable_login": "the tables are ours"}
COLUMNS = (
    "part VARCHAR(20) NOT NULL, id INTEGER NOT NULL, amount DECIMAL(12,2), note VARCHAR(200), PRIMARY KEY (part, id)"
)
# What is told apart with difficulty: nothing, nothing at all, what means something in JSON, in CSV, to us.
NOTES = (None, "", "a,b", "tab\there", 'q"q', "back\\slash", "two\nlines", "ä€😀", "NULL", " ")

Place = tuple[str, "Callable[[str, tuple[Any, ...]], Any]"]


@pytest.fixture(scope="module", params=["PostgreSQL", "MariaDB", "SQLite"])
def place(request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Place]:
    made = {"PostgreSQL": _postgresql, "MariaDB": _mariadb, "SQLite": _sqlite}[request.param]
    yield from made(tmp_path_factory.mktemp("bundles"))


def _postgresql(_folder: Path) -> Iterator[Place]:
    if postgresql_missing() or "PostgreSQL Unicode" not in driver_manager().drivers():
        pytest.skip("no PostgreSQL server or no ODBC driver: apt-get install postgresql odbc-postgresql")
    with postgresql() as address, psycopg.connect(address, autocommit=True) as owner:
        port = address.rpartition(":")[2].partition("/")[0]
        text = f"Driver={{PostgreSQL Unicode}};Server=127.0.0.1;Port={port};Database=postgres;Uid=postgres"
        yield text, lambda sql, values: owner.execute(sql.encode(), values)


def _mariadb(_folder: Path) -> Iterator[Place]:
    if mariadb_missing() or "MariaDB Unicode" not in driver_manager().drivers():
        pytest.skip("no MariaDB server or no ODBC driver: apt-get install mariadb-server odbc-mariadb")
    with mariadb() as port:
        login = pymysql.connect(host="127.0.0.1", port=port, user="owner", database="erp", autocommit=True)
        with closing(login), login.cursor() as cursor:
            text = f"Driver={{MariaDB Unicode}};Server=127.0.0.1;Port={port};Database=erp;Uid=owner"
            yield text, cursor.execute


def _sqlite(folder: Path) -> Iterator[Place]:
    if "SQLite3" not in driver_manager().drivers():
        pytest.skip("no ODBC driver: apt-get install libsqliteodbc")
    with closing(sqlite3.connect(folder / "b.db", isolation_level=None)) as owner:
        yield (
            f"Driver=SQLite3;Database={folder}/b.db",
            lambda sql, values: owner.execute(sql.replace("%s", "?"), values),
        )


def filled(place: Place, name: str, *more: str) -> None:
    """A table of rows with difficult notes, of which the last ones have `more`."""
    _, run = place
    run(f"CREATE TABLE {name} ({COLUMNS})", ())
    texts = [NOTES[number % len(NOTES)] for number in range(ROWS - len(more))] + list(more)
    for at in range(0, ROWS, 100):
        some = [(f"p{n * 7 % 3}", n, f"{n}.50", text) for n, text in enumerate(texts[at : at + 100], at)]
        marks = ", ".join(["(%s, %s, %s, %s)"] * len(some))
        run(f"INSERT INTO {name} VALUES {marks}", tuple(cell for row in some for cell in row))


def snapshot(text: str, name: str, *, loose: bool) -> tuple[list[list[Any]], Bundles]:
    """The changes of a snapshot batch by batch, and what was learned of how they travel."""
    with closing(OdbcSource(text, options=OPTIONS)) as source:
        known = source._reads.bundles.setdefault(name, Bundles())
        known.loose = loose
        batches = source.changes(name, Following("snapshot"), position=None, batch=BATCH)
        return [[(change.key, change.row) for change in batch.changes] for batch in batches], known


def test_rows_are_those_that_come_cell_by_cell(place: Place) -> None:
    filled(place, "plain")
    one, plain = snapshot(place[0], "plain", loose=True)
    other, learned = snapshot(place[0], "plain", loose=False)
    assert one == other
    assert sum(map(len, one)) == ROWS
    assert (plain.letters, learned.loose) == (None, False)
    assert learned.letters


@pytest.mark.parametrize("mark", ["\x1e", "\x1f", "a\x1fb", "\x1e\x1e", "\x1f\x1e\x1f"])
def test_rows_with_our_characters_are_read_again(place: Place, mark: str) -> None:
    name = f"marked{'_'.join(str(ord(letter)) for letter in mark)}"
    filled(place, name, mark)
    one, _ = snapshot(place[0], name, loose=True)
    other, learned = snapshot(place[0], name, loose=False)
    assert one == other
    assert any(row["note"] == mark for batch in other for _, row in batch)
    assert learned.loose


def test_long_rows_come_one_by_one(place: Place, monkeypatch: pytest.MonkeyPatch) -> None:
    filled(place, "lengthy", "x" * 200)
    used: list[Bundle] = []
    kept = Bundles.rows

    def rows(self: Bundles, bundle: Bundle, cursor: Any, bytes_max: int) -> Any:
        used.append(bundle)
        return kept(self, bundle, cursor, bytes_max)

    monkeypatch.setattr(Bundles, "rows", rows)
    one, _ = snapshot(place[0], "lengthy", loose=False)
    joined = "PostgreSQL" in place[0]
    assert [each.whole for each in used] == [False] + [joined] * (len(used) - 1)
    used.clear()
    monkeypatch.setattr("adapters.bundles.LETTERS_MAX", 100)
    other, _ = snapshot(place[0], "lengthy", loose=False)
    assert not any(each.whole for each in used)
    assert one == other


def test_a_text_that_would_be_too_long_is_not_made(place: Place, monkeypatch: pytest.MonkeyPatch) -> None:
    if "PostgreSQL" not in place[0]:
        pytest.skip("rows come as one text from PostgreSQL alone")
    filled(place, "longer", "x" * 200)
    one, _ = snapshot(place[0], "longer", loose=True)
    monkeypatch.setattr("adapters.bundles._BYTES", 100)
    other, learned = snapshot(place[0], "longer", loose=False)
    assert one == other
    assert not learned.loose
    assert learned.letters is not None
