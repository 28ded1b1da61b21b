"""What a benchmark of PostgreSQL's log runs in processes of its own: one reading each, with little else in memory."""

from __future__ import annotations

import gc
import json
import sqlite3
import sys
import time
from contextlib import closing
from typing import TYPE_CHECKING
from urllib.parse import urlsplit

import orjson

from adapters.connections import driver_manager
from adapters.model import Following
from adapters.odbc import OdbcSource
from tests.benchmarks.harness import peak_megabytes

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

    from adapters.model import Batch, Change

BATCH = 5_000


def source_of(address: str, way: str) -> OdbcSource:
    text = (
        f"Driver={{PostgreSQL Unicode}};Server=127.0.0.1;Port={urlsplit(address).port};Database=postgres;Uid=postgres"
    )
    options = {"accept_writable_login": "it owns the server of this benchmark"}
    return OdbcSource(text, options={**options, **({"replication": address} if way == "streaming" else {})})


def followed(slot: str) -> Following:
    return Following("log", options={"slot": slot})


def events(batch: Batch) -> list[bytes]:
    """A batch as JSON events."""
    return [
        orjson.dumps(
            {"op": change.op, "key": change.key, "at": change.at, "before": change.before, "after": change.row},
            default=str,
        )
        for change in batch.changes
    ]


def _told(address: str, way: str, slot: str, position: str, path: str) -> int:
    database = _store(path) if path else None
    count = 0
    with closing(source_of(address, way)) as source:
        for batch in source.changes("t", followed(slot), position=position, batch=BATCH):
            lines = events(batch)
            count += len(lines)
            if database is not None:
                _keep(database, batch.changes, lines, batch.position)
            source.ack("t", followed(slot), batch.position)
    return count


def _store(path: str) -> sqlite3.Connection:
    database = sqlite3.connect(path, isolation_level=None)
    database.execute("PRAGMA journal_mode=WAL")
    database.execute("PRAGMA synchronous=FULL")
    database.execute("CREATE TABLE log (number INTEGER PRIMARY KEY, event BLOB)")
    database.execute("CREATE TABLE record (key TEXT PRIMARY KEY, event BLOB) WITHOUT ROWID")
    database.execute("CREATE TABLE position (one INTEGER PRIMARY KEY, text TEXT)")
    return database


def _keep(database: sqlite3.Connection, changes: list[Change], lines: list[bytes], position: str) -> None:
    """The log, the records and the position in one transaction, on the disk."""
    database.execute("BEGIN IMMEDIATE")
    database.executemany("INSERT INTO log (event) VALUES (?)", [(line,) for line in lines])
    last = {change.key[0]: line for change, line in zip(changes, lines, strict=True)}
    database.executemany("INSERT OR REPLACE INTO record VALUES (?, ?)", list(last.items()))
    database.execute("INSERT OR REPLACE INTO position VALUES (1, ?)", (position,))
    database.execute("COMMIT")


def _snapshotted(address: str, slot: str, table: str, made: Callable[[Batch], Sequence[object]]) -> int:
    with closing(source_of(address, "odbc")) as source:
        batches = source.changes(table, followed(slot), position=None, batch=BATCH)
        return sum(len(made(batch)) for batch in batches)


def _changes(batch: Batch) -> list[Change]:
    return batch.changes


def _raw(address: str, table: str) -> int:
    text = (
        f"Driver={{PostgreSQL Unicode}};Server=127.0.0.1;Port={urlsplit(address).port};Database=postgres;Uid=postgres"
    )
    names = ("id", "customer", "name", "amount", "qty", "status", "at", "paid", "note")
    connection = driver_manager().connect(text + ";UseDeclareFetch=1;Fetch=5000", autocommit=True)
    cursor = connection.execute(f"SELECT {', '.join(f'{name}::text' for name in names)} FROM {table}")
    count = 0
    while rows := cursor.fetchmany(BATCH):
        count += len(rows)
    return count


def main(what: str, address: str, way: str, slot: str, position: str, place: str) -> None:
    """Read once; `place` is where the store is, or which table to read."""
    gc.collect()
    gc.freeze()
    gc.set_threshold(100_000, 20, 50)  # as in a worker
    began, processor = time.perf_counter(), time.process_time()
    if what == "told":
        count = _told(address, way, slot, position, place)
    elif what == "raw":
        count = _raw(address, place)
    else:
        count = _snapshotted(address, slot, place, events if what == "events" else _changes)
    seconds, processor = time.perf_counter() - began, time.process_time() - processor
    megabytes = peak_megabytes()
    print(json.dumps({"changes": count, "seconds": seconds, "processor": processor, "megabytes": megabytes}))


if __name__ == "__main__":
    main(*sys.argv[1:])
