"""How much is read at once, from a real SQLite database: less than asked for, and nothing lost."""

from __future__ import annotations

import sqlite3
from contextlib import closing
from typing import TYPE_CHECKING

import pytest
from hypothesis import HealthCheck, given
from hypothesis import settings as tried
from hypothesis import strategies as st

from adapters import pool
from adapters.connections import driver_manager
from adapters.errors import Retry, Stop
from adapters.model import Following, Page, Selection
from adapters.odbc import OdbcSource
from adapters.portions import Cut, rows_within

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

pytestmark = pytest.mark.skipif(
    "SQLite3" not in driver_manager().drivers(), reason="no ODBC driver for SQLite: apt-get install libsqliteodbc"
)

SIZES = [3, 1, 400, 0, 50, 50, 900, 2, 2, 2, 70, 1]


@pytest.fixture
def path(tmp_path: Path) -> Path:
    with closing(sqlite3.connect(tmp_path / "erp.db")) as owner:
        owner.execute("CREATE TABLE t (id INTEGER PRIMARY KEY, text TEXT)")
        owner.executemany("INSERT INTO t VALUES (?, ?)", [(at, "x" * size or None) for at, size in enumerate(SIZES)])
        owner.commit()
    return tmp_path / "erp.db"


def opened(path: Path, **options: str) -> OdbcSource:
    return OdbcSource(f"Driver={{SQLite3}};Database={path}", options=options)


def pages(source: OdbcSource, limit: int) -> Iterator[Page]:
    after = None
    while True:
        page = source.page("t", Selection(limit=limit, after=after))
        yield page
        after = page.next
        if after is None:
            return


@tried(
    deadline=None, max_examples=25, suppress_health_check=[HealthCheck.function_scoped_fixture, HealthCheck.too_slow]
)
@given(st.integers(1, 1500), st.integers(1, 14), st.integers(1, 14))
def test_pages_are_cut_and_nothing_is_lost(path: Path, bytes_max: int, rows_max: int, limit: int) -> None:
    with closing(opened(path, bytes_max=str(bytes_max), rows_max=str(rows_max))) as source:
        found = list(pages(source, limit))
    assert [row["id"] for page in found for row in page.rows] == list(range(len(SIZES)))
    for page in found:
        assert 1 <= len(page.rows) <= min(limit, rows_max)
        size = sum(len(row["text"] or "") + len(str(row["id"])) for row in page.rows)
        assert size <= bytes_max or len(page.rows) == 1
        if page.next is not None and len(page.rows) < min(limit, rows_max):
            assert size + 2 * max(SIZES) > bytes_max, "it is cut only where more would have been too much"


@pytest.mark.parametrize("following", [Following(), Following("watermark", column="id")])
def test_batches_shrink_until_theirs_is_small_enough_and_nothing_is_lost(path: Path, following: Following) -> None:
    with closing(opened(path, bytes_max="1000")) as source:
        for _ in range(2):
            notes: dict[str, bytes | None] = {}
            sizes, told = [], []
            for batch in source.changes("t", following, position=None, recall=notes.get):
                notes |= batch.memory
                sizes.append(len(batch.changes))
                told += [change.key for change in batch.changes]
            assert told == [(str(at),) for at in range(len(SIZES))]
            assert len(sizes) > 1


def test_batches_grow_again_behind_the_rows_that_were_too_large(path: Path) -> None:
    with closing(sqlite3.connect(path)) as owner:
        owner.executemany("INSERT INTO t VALUES (?, 'y')", [(at,) for at in range(100, 200)])
        owner.commit()
    with closing(opened(path, bytes_max="1000")) as source:
        batches = list(source.changes("t", Following(), position=None, batch=64))
        assert sum(len(batch.changes) for batch in batches) == len(SIZES) + 100
        sizes = [len(batch.changes) for batch in batches]
        assert min(sizes[:-1]) == 1
        assert max(sizes) > 4


def test_a_pair_of_rows_that_is_too_much_is_for_a_person(path: Path) -> None:
    with (
        closing(opened(path, bytes_max="100")) as source,
        pytest.raises(Stop, match="2 rows are larger than 100 bytes") as caught,
    ):
        list(source.changes("t", Following(), position=None))
    assert "'bytes_max'" in caught.value.remedy


def test_a_batch_has_no_more_rows_than_may_be(path: Path) -> None:
    with closing(opened(path, rows_max="5")) as source:
        batches = list(source.changes("t", Following(), position=None))
        assert [len(batch.changes) for batch in batches] == [5, 5, 2]


def test_rows_are_measured_by_their_texts() -> None:
    class Rows:
        def __init__(self, *rows: tuple[object, ...]) -> None:
            self._rows = list(rows)

        def fetchmany(self, size: int) -> list[tuple[object, ...]]:
            some, self._rows = self._rows[:size], self._rows[size:]
            return some

        def fetchone(self) -> tuple[object, ...] | None:
            return self._rows.pop(0) if self._rows else None

    rows: list[tuple[object, ...]] = [("abc", None), (7, "de")]
    assert rows_within(Rows(*rows), 5) == rows
    cut = rows_within(Rows(*rows), 4)
    assert (cut, isinstance(cut, Cut)) == (rows[:1], True)
    assert rows_within(Rows(("abcdefgh",)), 4) == [("abcdefgh",)]


def test_what_was_not_used_for_long_is_not_used_again(path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    with closing(opened(path)) as source:
        first = source._connections._pool
        source.tables()
        ((kept, _),) = first._idle
        source.tables()
        assert first._idle[0][0] is kept
        monkeypatch.setattr(pool, "KEPT_SECONDS", 0.0)
        source.tables()
        assert first._idle[0][0] is not kept
        with pytest.raises(driver_manager().ProgrammingError):
            kept.execute("SELECT 1")


def test_a_source_that_is_back_is_found_by_one_cheap_question(path: Path) -> None:
    """Whether its own question succeeds does not matter to the one who tries."""
    seconds = [0.0]
    away = path.with_name("away.db")
    options = {"failures_max": "1", "rest_seconds": "10"}
    source = OdbcSource(f"Driver={{SQLite3}};Database={path}", options=options, clock=lambda: seconds[0])
    with closing(source):
        source.tables()
        lost = Retry("nobody is there", lost=True)
        with pytest.raises(Retry), source._governor.turn():
            raise lost
        path.rename(away)
        seconds[0] += 10
        with pytest.raises(Stop, match="cannot be opened"):
            source.tables()
        away.rename(path)
        seconds[0] += 10
        slow = Retry("too slow", code="slow")

        def work(_: object) -> None:
            assert source._governor.health().state == "closed"
            raise slow

        with pytest.raises(Retry, match="too slow"):
            source._connections.ask(work, "asking")
        assert source._governor.health().failures == 1
