"""Comparing on SQLite: the contract, random tables, and changes while a pass runs."""

from __future__ import annotations

import random
import sqlite3
import tempfile
from contextlib import closing
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from adapters.dialects import SQLITE
from adapters.model import Following
from adapters.odbc import OdbcSource
from adapters.testing import World
from tests.adapters.comparing import ComparingContract, Store, table
from tests.adapters.test_sqlite import connection_string, pytestmark

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

__all__ = ["pytestmark"]


@pytest.fixture(autouse=True)
def small_ranges(monkeypatch: pytest.MonkeyPatch) -> None:
    """Ranges of a few rows, so that a small table has many."""
    monkeypatch.setattr("adapters.hashdiff.RANGE_ROWS", 4)


class TestContract(ComparingContract):
    @pytest.fixture
    def world(self, tmp_path: Path) -> Iterator[World]:
        with closing(sqlite3.connect(tmp_path / "erp.db", isolation_level=None)) as owner:
            owner.execute("PRAGMA synchronous = OFF")
            owner.execute("PRAGMA user_version = 1")
            source = OdbcSource(connection_string(tmp_path / "erp.db"))
            yield World(
                source=source,
                run=lambda sql, *values: owner.execute(sql, values),
                session=lambda sql: sql,
                writes=(),
            )
            source.close()


class TestAnyDatabase(TestContract):
    """What holds where a database can do nothing but read."""

    @pytest.fixture(autouse=True)
    def bare(self, monkeypatch: pytest.MonkeyPatch) -> None:
        monkeypatch.setattr("adapters.tablereads.TableReader.dialect", replace(SQLITE, row_text="", row_values=False))


KINDS: dict[str, st.SearchStrategy[Any]] = {
    "INTEGER": st.integers(-20, 20) | st.integers(-(2**63), 2**63 - 1),
    "TEXT": st.text("aAbBäÄ' ,", max_size=3),
    "TEXT COLLATE NOCASE": st.text("abc", max_size=3),
    "REAL": st.integers(-20, 20).map(lambda number: number / 7) | st.sampled_from([1e300, 1e-5, -1e20, 3.0]),
    "DECIMAL(9,2)": st.integers(-9999, 9999).map(lambda cents: cents / 100),
    "BLOB": st.binary(max_size=2),
}
CELLS = st.none() | st.integers(-2, 2) | st.text("ab'", max_size=2) | st.sampled_from([0.5, b"\x01", "", "NULL"])


@st.composite
def histories(draw: st.DrawFn) -> tuple[list[str], list[list[tuple[Any, ...] | None]]]:
    """The types of a key's columns, and rounds of changes: (key, cells) puts a row, (key, None) takes it away."""
    kinds = draw(st.lists(st.sampled_from(sorted(KINDS)), min_size=1, max_size=2))
    key = st.tuples(*(KINDS[kind] for kind in kinds))
    keys = draw(st.lists(key, min_size=1, max_size=30))
    change = st.tuples(st.sampled_from(keys), st.none() | st.tuples(CELLS, CELLS))
    return kinds, draw(st.lists(st.lists(change, max_size=25), min_size=1, max_size=4))


@given(histories(), st.booleans())
@settings(max_examples=30, deadline=None)
def test_what_is_told_always_makes_the_table(history: tuple[list[str], list[Any]], in_pieces: bool) -> None:
    kinds, rounds = history
    names = [f"k{number}" for number in range(len(kinds))]
    with tempfile.TemporaryDirectory() as folder, closing(sqlite3.connect(f"{folder}/t.db")) as owner:
        columns = ", ".join(f"{name} {kind} NOT NULL" for name, kind in zip(names, kinds, strict=True))
        owner.execute("PRAGMA synchronous = OFF")
        owner.execute(f"CREATE TABLE t ({columns}, a, b TEXT, PRIMARY KEY ({', '.join(names)}))")
        owner.commit()
        store = Store(tuple(names))
        with closing(OdbcSource(connection_string(Path(folder, "t.db")))) as source:
            for changes in rounds:
                for key, cells in changes:
                    owner.execute(f"DELETE FROM t WHERE {' AND '.join(f'{name} = ?' for name in names)}", key)
                    if cells is not None:
                        owner.execute(f"INSERT INTO t VALUES ({', '.join('?' * (len(names) + 2))})", (*key, *cells))
                owner.commit()
                pass_: Callable[..., object] = store.follow_in_pieces if in_pieces else store.follow
                pass_(source, "t", batch=2)
                assert store.rows == table(source, "t", tuple(names))
                assert store.follow(source, "t") == []


def test_writers_during_a_pass_leave_no_ghost(tmp_path: Path) -> None:
    seed = random.randrange(2**32)
    print(f"seed {seed}")  # noqa: T201 - to see it again
    chance = random.Random(seed)
    with closing(sqlite3.connect(tmp_path / "t.db", isolation_level=None)) as owner:
        owner.execute("PRAGMA synchronous = OFF")
        owner.execute("CREATE TABLE t (id INTEGER PRIMARY KEY, v INTEGER)")
        owner.executemany("INSERT INTO t VALUES (?, 0)", [(number,) for number in range(0, 200, 2)])
        store = Store(("id",))
        with closing(OdbcSource(connection_string(tmp_path / "t.db"))) as source:
            for _ in range(12):
                following = Following("diff")
                for batch in source.changes("t", following, position=store.position, recall=store.notes.get, batch=5):
                    store.take(batch)
                    if chance.random() < 0.2:
                        break  # killed
                    for _ in range(chance.randrange(6)):
                        number = chance.randrange(200)
                        statement = chance.choice(
                            [
                                "INSERT OR REPLACE INTO t VALUES (:n, 1)",
                                "DELETE FROM t WHERE id = :n",
                                "UPDATE t SET v = v + 1 WHERE id = :n",
                                "UPDATE OR REPLACE t SET id = (id + 90) % 200 WHERE id = :n",
                            ]
                        )
                        owner.execute(statement, {"n": number})
            for _ in range(2):
                store.follow(source, "t", batch=5)
            assert store.rows == table(source, "t", ("id",))
            assert len(store.notes) < 120
