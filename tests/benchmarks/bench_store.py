"""Rows staged, published and settled on both stores, beside the bare inserts of the same rows by the driver alone."""

from __future__ import annotations

import io
import statistics
import tempfile
import time
from contextlib import contextmanager
from datetime import UTC, datetime
from pathlib import Path
from typing import TYPE_CHECKING, Any

import psycopg

from gateway.contracts import Contract, Field
from gateway.model import Arrived
from gateway.operate.garbage import collect_seldom
from gateway.store import deliveries, staging
from gateway.store.database import Database
from gateway.store.local import LocalVault
from gateway.store.sqlite import library
from gateway.store.staging import Staged
from tests.benchmarks.harness import figure
from tests.servers import postgresql, postgresql_missing

if TYPE_CHECKING:
    from collections.abc import Iterator

ROWS = 200_000
RUNS = 3
_CHUNK = 20_000
PRICE = Contract("price", 1, "", "", ("sku",), (Field("sku", "text"), Field("price", "decimal", filterable=True)))
_BARE = """
CREATE TABLE bare (
    id BIGINT PRIMARY KEY, key TEXT NOT NULL, state SMALLINT, version INTEGER, delivery BIGINT, document BIGINT,
    start BIGINT, stop BIGINT, body TEXT, f_sku TEXT, f_price NUMERIC
)"""


def measure() -> list[dict[str, Any]]:
    """Medians of runs in which ours and the bare inserts take turns, in a process tuned as a worker is."""
    collect_seldom()
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
    stores = ["SQLite"] if postgresql_missing() else ["SQLite", "PostgreSQL"]
    return [result for store in stores for result in _both(store, rows)]


def _both(store: str, rows: list[Staged]) -> list[dict[str, Any]]:
    visible, published, settled, bare = [], [], [], []
    for _ in range(RUNS):
        with _store(store) as (url, folder):
            one, two, three = _ours(url, folder, rows)
            visible.append(one)
            published.append(two)
            settled.append(three)
            bare.append(_bare(url, folder, rows))
    ratio = statistics.median(first / second for first, second in zip(visible, bare, strict=True))
    return [
        figure(f"{store}: {ROWS:,} rows staged and published", statistics.median(visible), "rows/s", RUNS,
               against="bare inserts", ratio=ratio, aim="≥ 0.4 ×", met=ratio >= 0.4),
        figure(f"{store}: publishing them", statistics.median(published) * 1000, "ms", RUNS),
        figure(f"{store}: settling them", statistics.median(settled), "rows/s", RUNS),
    ]  # fmt: skip


@contextmanager
def _store(store: str) -> Iterator[tuple[str, Path]]:
    with tempfile.TemporaryDirectory() as folder:
        if store == "SQLite":
            yield f"sqlite:{folder}/gateway.db", Path(folder)
        else:
            with postgresql(settings=()) as url:
                yield url, Path(folder)


def _ours(url: str, folder: Path, rows: list[Staged]) -> tuple[float, float, float]:
    """Rows a second until they are visible, seconds of publishing, rows a second settled."""
    database = Database(url, clock=lambda: datetime.now(UTC))
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
    return len(rows) / (was_published - began), was_published - was_staged, len(rows) / (was_settled - was_published)


def _bare(url: str, folder: Path, rows: list[Staged]) -> float:
    """Rows a second of ``executemany`` or COPY into a table with the same columns and a key, synced as often."""
    if not url.startswith("sqlite:"):
        return _bare_copy(url, rows)
    connection = library().connect(folder / "bare.db", isolation_level=None)
    connection.execute("PRAGMA journal_mode=WAL")
    connection.execute("PRAGMA synchronous=FULL")
    connection.execute(_BARE.replace("id BIGINT", "id INTEGER"))
    began = time.perf_counter()
    for part in _parts(rows):
        connection.execute("BEGIN")
        connection.executemany("INSERT INTO bare VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?)", part)
        connection.execute("COMMIT")
    seconds = time.perf_counter() - began
    connection.close()
    return len(rows) / seconds


def _bare_copy(url: str, rows: list[Staged]) -> float:
    with psycopg.connect(url) as server:
        server.execute(_BARE)
        server.commit()
        began = time.perf_counter()
        for part in _parts(rows):
            with server.cursor() as cursor, cursor.copy("COPY bare FROM STDIN") as copy:
                for row in part:
                    copy.write_row(row)
            server.commit()
        return len(rows) / (time.perf_counter() - began)


def _parts(rows: list[Staged]) -> Iterator[list[tuple[Any, ...]]]:
    for at in range(0, len(rows), _CHUNK):
        yield [
            (row.document, row.key, 0, 0, 1, row.document, row.start, row.end, row.json, *row.columns)
            for row in rows[at : at + _CHUNK]
        ]
