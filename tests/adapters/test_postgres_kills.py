"""Whoever follows PostgreSQL's log is killed again and again: what he stored is what the log says, each change once."""

from __future__ import annotations

import json
import os
import random
import re
import sys
import threading
from contextlib import closing
from typing import TYPE_CHECKING, Any
from urllib.parse import urlsplit

import psycopg
import pytest

from adapters.connections import driver_manager
from adapters.model import Following, Selection
from adapters.odbc import OdbcSource
from tests.adapters.followers import Store, nursery, poll
from tests.servers import postgresql, postgresql_missing

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

DRIVER = "PostgreSQL Unicode"
KILLS = 200 if os.environ.get("GATEWAY_FAULTS") == "all" else 20
ROWS = 3000
CHANGE = re.compile(
    r"table public\.t: (INSERT|UPDATE|DELETE): (?:old-key: (id\[integer\]:-?\d+) new-tuple: )?(.*)", re.DOTALL
)
CELL = re.compile(r"(id|v)\[(?:integer|text)\]:(?:'((?:[^']|'')*)'|(-?\d+))", re.DOTALL)


def missing() -> str:
    """Why these tests cannot run here; empty when they can."""
    if DRIVER not in driver_manager().drivers():
        return "no ODBC driver for PostgreSQL: apt-get install odbc-postgresql"
    return postgresql_missing() or ""


pytestmark = [pytest.mark.server, pytest.mark.skipif(bool(missing()), reason=missing() or "it can run")]


@pytest.fixture(scope="module")
def address() -> Iterator[str]:
    settings = ("wal_level=logical", "fsync=off", "max_replication_slots=10", "max_wal_senders=10")
    with postgresql(settings=settings) as url:
        with psycopg.connect(url, autocommit=True) as owner:
            owner.execute("CREATE ROLE reader LOGIN REPLICATION")
            owner.execute("GRANT pg_read_all_data TO reader")
        yield url


def write(address: str, seed: int, stop: threading.Event) -> None:
    """All kinds of changes, in transactions of many sizes, some of them rolled back, until told to stop."""
    chance = random.Random(seed)
    with psycopg.connect(address, autocommit=True) as connection:
        while not stop.wait(0.001):
            with connection.transaction(force_rollback=chance.random() < 0.1):
                for _ in range(chance.choice((1, 1, 2, 5, 60))):
                    _one(connection, chance)
                    with connection.transaction(force_rollback=chance.random() < 0.5):
                        _one(connection, chance)


def _one(connection: psycopg.Connection[Any], chance: random.Random) -> None:
    one, other = chance.randrange(ROWS), chance.randrange(2 * ROWS)
    statement, values = chance.choice(
        (
            ("INSERT INTO t VALUES (%s, 'new') ON CONFLICT (id) DO UPDATE SET v = t.v || 'ü'''", (other,)),
            ("UPDATE t SET v = 'x' WHERE id = %s", (one,)),
            ("DELETE FROM t WHERE id = %s", (one,)),
            (
                "UPDATE t SET id = %s WHERE id = %s AND NOT EXISTS (SELECT FROM t x WHERE x.id = %s)",
                (other, one, other),
            ),
        )
    )
    try:
        with connection.transaction():
            connection.execute(statement.encode(), values)
    except psycopg.errors.UniqueViolation:
        pass  # two writers wanted the same key
    except psycopg.errors.DeadlockDetected:
        pass


def witnessed(owner: psycopg.Connection[Any]) -> list[tuple[str, str, Any, Any]]:
    """The same log as another plugin tells it (test_decoding), decoded by other means."""
    told: list[tuple[str, str, Any, Any]] = []
    open_: list[tuple[str, Any, Any]] = []
    for place, data in owner.execute("SELECT lsn, data FROM pg_logical_slot_peek_changes('witness', NULL, NULL)"):
        if data.startswith("BEGIN"):
            open_ = []
        elif data.startswith("COMMIT"):
            told += [(place, op, key, row) for op, key, row in open_]
        elif found := CHANGE.match(data):
            op, old, rest = found[1].lower(), found[2], found[3]
            cells = {
                name: text.replace("''", "'") if not number else int(number)
                for name, text, number in CELL.findall(rest)
            }
            key = [str(cells["id"])]
            if op == "delete":
                open_.append(("delete", key, None))
            elif old:
                open_ += [("delete", [old.split(":")[1]], None), ("insert", key, cells)]
            else:
                open_.append((op, key, cells))
    return told


def left(owner: psycopg.Connection[Any]) -> None:
    """Wait until the server has seen that nobody reads a slot any more, whether he was killed or went."""
    while owner.execute("SELECT 1 FROM pg_replication_slots WHERE active").fetchone():
        pass


@pytest.mark.parametrize("way", ["odbc", "streaming"])
def test_the_sequence_is_that_of_the_log_after_every_kill(address: str, tmp_path: Path, way: str) -> None:
    seed = random.SystemRandom().randrange(10**6)
    sys.stdout.write(f"seed {seed}, {KILLS} kills\n")
    chance = random.Random(seed)
    connection = f"Driver={{{DRIVER}}};Server=127.0.0.1;Port={urlsplit(address).port};Database=postgres;Uid=reader"
    options = {"replication": address.replace("postgres@", "reader@")} if way == "streaming" else {}
    owner = psycopg.connect(address, autocommit=True)
    owner.execute("DROP PUBLICATION IF EXISTS gateway")
    owner.execute("DROP TABLE IF EXISTS t")
    owner.execute("CREATE TABLE t (id int PRIMARY KEY, v text)")
    owner.execute("INSERT INTO t SELECT n, 's' FROM generate_series(1, %s) n", (ROWS,))
    owner.execute("CREATE PUBLICATION gateway FOR TABLE t")
    with closing(OdbcSource(connection)) as source, closing(Store(tmp_path / "store.db")) as store:
        # The first batch is stored before anybody writes, so that all that is written is in the log.
        first = next(iter(source.changes("t", Following("log"), position=None, batch=20)))
        store.keep(first)
    owner.execute("SELECT pg_create_logical_replication_slot('witness', 'test_decoding')")
    stored: list[int] = []
    stop = threading.Event()
    writers = [threading.Thread(target=write, args=(address, seed + number, stop)) for number in range(2)]
    for writer in writers:
        writer.start()
    try:
        with nursery(connection, options, tmp_path / "store.db") as begin:
            for _ in range(KILLS if way == "odbc" else KILLS // 2):
                follower = begin()
                for _ in range(chance.randint(1, 12)):
                    follower.stored()
                stop.wait(chance.uniform(0, 0.01))
                follower.kill()
                with closing(Store(tmp_path / "store.db")) as store:
                    stored.append(store.count())
    finally:
        stop.set()
        for writer in writers:
            writer.join()
    left(owner)
    with closing(OdbcSource(connection, options=options)) as source, closing(Store(tmp_path / "store.db")) as store:
        while poll(source, Following("log"), store):
            pass
        expected = witnessed(owner)
        told = store.told()
        sys.stdout.write(f"{len(told)} changes, stored at the kills: {stored}\n")
        assert len(told) > 100
        assert len(set(stored)) == len(stored)
        assert [each[1:] for each in told] == [each[1:] for each in expected]
        # One place each, in the order of the commits; within a transaction numbered from 1.
        places = [tuple(int(part, 16) for part in at.split(":")[0].split("/")) for at, *_ in told]
        assert places == sorted(places)
        assert len({at for at, *_ in told}) == len(told)
        rows, after = [], None
        while True:
            page = source.page("t", Selection(limit=5000, after=after))
            rows += page.rows
            after = page.next
            if after is None:
                break
        assert sorted(map(json.dumps, store.rows())) == sorted(map(json.dumps, rows))
    left(owner)
    owner.execute("SELECT pg_drop_replication_slot(slot_name) FROM pg_replication_slots")
    owner.close()
