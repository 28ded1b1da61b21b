"""What was read of a SQLite file is not asked for again until something was committed to it."""

from __future__ import annotations

from datetime import UTC, datetime
from typing import TYPE_CHECKING, Any

import pytest
from sqlalchemy import text

from gateway.store.database import Database
from gateway.store.hot import HotReads, kept
from gateway.store.hot.sqlite import Sqlite

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator
    from pathlib import Path

_RECORDS = "CREATE TABLE record_order (key TEXT, seq INTEGER, version INTEGER, state INTEGER, body TEXT)"


@pytest.fixture
def database(tmp_path: Path) -> Iterator[Database]:
    made = Database(f"sqlite:{tmp_path / 'gateway.db'}", clock=lambda: datetime.now(UTC))
    made.migrate()
    with made.write() as transaction:
        transaction.connection.execute(text(_RECORDS))
        transaction.connection.execute(
            text("INSERT INTO contract (id, records, columns) VALUES ('order', 'record_order', '{}')")
        )
    yield made
    made.close()


@pytest.fixture
def asked(monkeypatch: pytest.MonkeyPatch) -> list[str]:
    """The questions that reach a connection."""
    found: list[str] = []

    def counted(name: str, real: Callable[..., Any]) -> Callable[..., Any]:
        def ask(*given: Any) -> Any:
            found.append(name)
            return real(*given)

        return ask

    for name in ("one", "record", "mark", "state"):
        monkeypatch.setattr(Sqlite, name, counted(name, getattr(Sqlite, name)))
    return found


def put(database: Database, key: str, seq: int, body: str = '{"a":1}') -> None:
    with database.write() as transaction:
        transaction.connection.execute(text("DELETE FROM record_order WHERE key = :key"), {"key": key})
        statement = text("INSERT INTO record_order VALUES (:key, :seq, 1, 1, :body)")
        transaction.connection.execute(statement, {"key": key, "seq": seq, "body": body})


def seq_of(reads: HotReads, key: str) -> int | None:
    found = reads.one("order", "record_order", key)
    assert found is not None
    return found[1][0] if found[1] is not None else None


def test_what_was_read_is_asked_again_only_after_a_commit(database: Database, asked: list[str]) -> None:
    reads = HotReads(database)
    put(database, "4711", 1)
    assert seq_of(reads, "4711") == 1  # with this the connection is there
    for seq in (2, 3):
        put(database, "4711", seq)
        asked.clear()
        assert [seq_of(reads, "4711") for _ in range(3)] == [seq] * 3
        assert len({reads.mark("order") for _ in range(3)}) == len({reads.state() for _ in range(3)}) == 1
        assert asked == ["one", "mark", "state"]
    assert (seq_of(reads, "none"), seq_of(reads, "none")) == (None, None)
    put(database, "none", 4)
    assert seq_of(reads, "none") == 4


def test_what_is_kept_has_an_end(database: Database, asked: list[str], monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(kept, "BYTES_MAX", 10_000)
    reads = HotReads(database)
    for number in range(10):
        put(database, str(number), number, '{"a":"' + "x" * 2000 + '"}')
    for _ in range(2):
        assert [seq_of(reads, str(number)) for number in range(10)] == list(range(10))
    assert asked == ["one", "one", *["record"] * 18]  # the first one opens the file
    asked.clear()
    assert [seq_of(reads, "9") for _ in range(10)] == [9] * 10
    assert not asked
