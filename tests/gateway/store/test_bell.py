"""One bell wakes everybody who waits, over one connection; on both stores."""

from __future__ import annotations

import threading
from concurrent.futures import ThreadPoolExecutor
from datetime import UTC, datetime
from typing import TYPE_CHECKING

import pytest
from sqlalchemy import text

from gateway.store import notes
from gateway.store.bell import Bell
from gateway.store.database import Database

if TYPE_CHECKING:
    from collections.abc import Iterator
    from concurrent.futures import Future
    from pathlib import Path

WAITERS = 6
LONG = 60.0


@pytest.fixture(params=["sqlite", "postgresql"])
def database(request: pytest.FixtureRequest, tmp_path: Path) -> Iterator[Database]:
    url = (
        f"sqlite:{tmp_path / 'gateway.db'}" if request.param == "sqlite" else request.getfixturevalue("postgresql_url")
    )
    made = Database(url, clock=lambda: datetime.now(UTC))
    made.migrate()
    yield made
    made.close()


def commit(database: Database) -> None:
    with database.write() as transaction:
        notes.keep(transaction, "bell", {"test": b"rung"})
        transaction.wake()


def waiting(pool: ThreadPoolExecutor, bell: Bell, stop: threading.Event, seconds: float = LONG) -> list[Future[bool]]:
    """Threads that have heard what was before, and wait now."""
    while bell.wait(0.5, stop):  # which rings when it is connected, for whoever waits then
        pass
    begun = threading.Barrier(WAITERS + 1)

    def wait() -> bool:
        while bell.wait(0.5, stop):  # what was committed before is past
            pass
        begun.wait()
        return bell.wait(seconds, stop)

    found = [pool.submit(wait) for _ in range(WAITERS)]
    begun.wait()
    return found


def listeners(database: Database) -> int:
    with database.read() as connection:
        asked = text(
            "SELECT count(*) FROM pg_stat_activity WHERE query = 'LISTEN gateway' AND datname = current_database()"
        )
        return int(connection.execute(asked).scalar_one())


def test_a_commit_wakes_all_who_wait_over_one_connection(database: Database) -> None:
    bell, stop = Bell(database), threading.Event()
    with ThreadPoolExecutor(WAITERS) as pool:
        found = waiting(pool, bell, stop)
        if database.path is None:
            assert listeners(database) == 1
        commit(database)
        assert [each.result(LONG / 2) for each in found] == [True] * WAITERS
    bell.close()


def test_when_who_listens_goes_away_another_one_does(database: Database) -> None:
    bell, stop = Bell(database), threading.Event()
    with ThreadPoolExecutor(2 * WAITERS) as pool:
        short = waiting(pool, bell, stop, seconds=0.3)
        long = waiting(pool, bell, stop)
        assert [each.result(LONG / 2) for each in short] == [False] * WAITERS
        commit(database)
        assert [each.result(LONG / 2) for each in long] == [True] * WAITERS
    bell.close()


def test_what_rang_for_others_while_one_was_away_rings_for_him_when_he_comes(database: Database) -> None:
    bell, stop = Bell(database), threading.Event()
    while bell.wait(0.5, stop):
        pass
    with ThreadPoolExecutor(WAITERS) as pool:
        found = waiting(pool, bell, stop)
        commit(database)
        assert all(each.result(LONG / 2) for each in found)
    assert bell.wait(LONG, stop)
    bell.close()


def test_who_is_told_to_stop_waits_no_more(database: Database) -> None:
    bell, stop = Bell(database), threading.Event()
    with ThreadPoolExecutor(WAITERS) as pool:
        found = waiting(pool, bell, stop)
        stop.set()
        assert [each.result(LONG / 2) for each in found] == [False] * WAITERS
    bell.close()
