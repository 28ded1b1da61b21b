"""Staging, publishing and settling on SQLite, beside the bare inserts of the same rows by the driver alone."""

from __future__ import annotations

import io
import statistics
import tempfile
import time
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

from gateway.contracts import Contract, Field
from gateway.model import Arrived
from gateway.store import deliveries, staging
from gateway.store.database import Database
from gateway.store.local import LocalVault
from gateway.store.sqlite import library
from gateway.store.staging import Staged
from tests.benchmarks.harness import figure

ROWS = 200_000
RUNS = 3
_CHUNK = 20_000
PRICE = Contract("price", 1, "", "", ("sku",), (Field("sku", "text"), Field("price", "decimal", filterable=True)))


def measure() -> list[dict[str, Any]]:
    """Medians of runs in which ours and the bare inserts take turns."""
    rows = [
        Staged(
            f"k{n:07}",
            n,
            n * 40,
            n * 40 + 39,
            f'{{"sku":"k{n:07}","price":"{n % 97}.50"}}',
            (f"k{n:07}", f"{n % 97}.50"),
        )
        for n in range(ROWS)
    ]
    staged, published, settled, bare = [], [], [], []
    for _ in range(RUNS):
        with tempfile.TemporaryDirectory() as folder:
            one, two, three = _ours(Path(folder), rows)
            staged.append(one)
            published.append(two)
            settled.append(three)
            bare.append(_bare(Path(folder) / "bare.db", rows))
    ratio = statistics.median(first / second for first, second in zip(staged, bare, strict=True))
    return [
        figure("rows staged", statistics.median(staged), "rows/s", RUNS, against="bare inserts", ratio=ratio),
        figure(f"publishing {ROWS:,} staged rows", statistics.median(published) * 1000, "ms", RUNS),
        figure("rows settled", statistics.median(settled), "rows/s", RUNS),
    ]


def _ours(folder: Path, rows: list[Staged]) -> tuple[float, float, float]:
    """Rows a second staged, seconds to publish, rows a second settled."""
    database = Database(f"sqlite:{folder / 'gateway.db'}", clock=lambda: datetime.now(UTC))
    database.migrate()
    stored = LocalVault(folder / "vault").put(io.BytesIO(b"raw"))
    with database.write() as transaction:
        staging.ensure(transaction, PRICE)
        number = deliveries.land(transaction, Arrived("folder:in", "a", None), stored, new_id="d_1")[0].number
    began = time.perf_counter()
    for at in range(0, len(rows), _CHUNK):
        with database.write() as transaction:
            staging.stage(transaction, PRICE, number, rows[at : at + _CHUNK])
    was_staged = time.perf_counter()
    with database.write() as transaction:
        staging.publish(transaction, PRICE.id, number)
    was_published = time.perf_counter()
    done = False
    while not done:
        with database.write() as transaction:
            done = staging.settle(transaction, PRICE.id)
    was_settled = time.perf_counter()
    database.close()
    return len(rows) / (was_staged - began), was_published - was_staged, len(rows) / (was_settled - was_published)


def _bare(path: Path, rows: list[Staged]) -> float:
    """Rows a second of ``executemany`` into a table with a key and nothing else, synced as often."""
    connection = library().connect(path, isolation_level=None)
    connection.execute("PRAGMA journal_mode=WAL")
    connection.execute("PRAGMA synchronous=FULL")
    connection.execute("CREATE TABLE bare (id INTEGER PRIMARY KEY, key TEXT, price NUMERIC, body TEXT)")
    began = time.perf_counter()
    for at in range(0, len(rows), _CHUNK):
        connection.execute("BEGIN")
        part = [(row.document, row.key, row.columns[1], row.json) for row in rows[at : at + _CHUNK]]
        connection.executemany("INSERT INTO bare VALUES (?, ?, ?, ?)", part)
        connection.execute("COMMIT")
    seconds = time.perf_counter() - began
    connection.close()
    return len(rows) / seconds
