"""Content that goes: under few locks, however much it is, and never two that wait for each other."""

from __future__ import annotations

import io
import threading
from contextlib import contextmanager
from datetime import UTC, datetime
from hashlib import sha256
from random import Random
from typing import TYPE_CHECKING

import pytest
from sqlalchemy import text, update

from gateway.model import Arrived
from gateway.store import deliveries, members, retention
from gateway.store.database import Database
from gateway.store.local import LocalVault
from gateway.store.members import Member
from gateway.store.tables import delivery
from gateway.store.vault import Stored
from tests.servers import postgresql, postgresql_missing

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

    from gateway.store.database import Transaction

MEMBERS = 5_000
FEW_LOCKS = ("fsync=off", "max_connections=20", "max_locks_per_transaction=10", "deadlock_timeout=10ms")
"""A server that has room for some hundred locks, and looks for those who wait for each other at once."""


@pytest.fixture(scope="module")
def server() -> Iterator[str]:
    if missing := postgresql_missing():
        pytest.skip(missing)
    with postgresql(settings=FEW_LOCKS) as url:
        yield url


@contextmanager
def store(url: str) -> Iterator[Database]:
    database = Database(url, clock=lambda: datetime.now(UTC))
    database.migrate()
    try:
        yield database
    finally:
        database.close()


def name(number: int) -> str:
    """The name of some content."""
    return sha256(b"%d" % number).hexdigest()


def landed(transaction: Transaction, id: str, content: str) -> int:  # noqa: A002 - the column's name
    """A delivery that came to its end, as its number."""
    row, _ = deliveries.land(transaction, Arrived("drop://acme", "orders.zip", "acme"), Stored(content, 1), new_id=id)
    ended = update(delivery).where(delivery.c.number == row.number)
    transaction.connection.execute(ended.values(state="accepted", due=None))
    return row.number


def locks(transaction: Transaction) -> int:
    query = text("SELECT count(*) FROM pg_locks WHERE locktype = 'advisory' AND pid = pg_backend_pid()")
    return int(transaction.connection.execute(query).scalar_one())


def test_an_archive_of_many_members_is_purged_under_few_locks(server: str, tmp_path: Path) -> None:
    vault = LocalVault(tmp_path)
    with store(server) as database:
        shared = vault.put(io.BytesIO(b"0")).sha256  # the one member that another delivery is, too
        with database.write() as transaction:
            number = landed(transaction, "d_archive", name(-1))
            landed(transaction, "d_other", shared)
            found = [Member(each + 1, f"{each}.edi", name(each), 1, 2 * each) for each in range(MEMBERS)]
            assert retention.is_kept(transaction, vault, *(each.sha256 or "" for each in found))
            assert locks(transaction) <= 256
            members.keep(transaction, number, found)
        statements = []
        with database.write() as transaction:
            purged = retention.purge(transaction, number, by="keep: 90d", quoting=[])
            assert 0 < locks(transaction) <= 256
        assert purged is not None
        assert set(purged.content) == {name(each) for each in range(-1, MEMBERS)} - {shared}
        with database.read() as connection:
            left = retention.condemned(connection, limit=2 * MEMBERS)
        for at in range(0, len(left), 500):
            with database.write() as transaction:
                names = [each.sha256 for each in left[at : at + 500]]
                statements.append(retention.take_away(transaction, vault, *names))
        assert statements == [(500, [])] * (MEMBERS // 500)
        assert vault.exists(shared)
        with database.read() as connection:
            assert retention.condemned(connection) == []


def test_no_two_who_hold_much_content_wait_for_each_other(server: str, tmp_path: Path) -> None:
    vault = LocalVault(tmp_path)
    names = [name(each) for each in range(40)]
    trouble: list[Exception] = []
    with store(server) as database:

        def work(seed: int) -> None:
            chance = Random(seed)
            try:
                for _ in range(40):
                    some = chance.sample(names, 20)
                    with database.write() as transaction:
                        if chance.random() < 0.5:
                            retention.condemn(transaction, *some)
                        else:
                            retention.take_away(transaction, vault, *some)
            except Exception as error:  # noqa: BLE001 - told below
                trouble.append(error)

        threads = [threading.Thread(target=work, args=(seed,)) for seed in range(4)]
        for each in threads:
            each.start()
        for each in threads:
            each.join()
    assert trouble == []
