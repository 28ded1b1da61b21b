"""The change log read in pages, from the store and over HTTP, and how soon a follower hears of what was committed."""

from __future__ import annotations

import io
import statistics
import tempfile
import threading
import time
from contextlib import closing, contextmanager
from datetime import UTC, datetime
from pathlib import Path
from typing import TYPE_CHECKING, Any

from gateway.contracts import Contract, Field
from gateway.model import Arrived
from gateway.operate.credentials import make_key
from gateway.store import changes, deliveries, staging
from gateway.store.database import Database
from gateway.store.local import LocalVault
from gateway.store.staging import Staged
from tests.acceptance.feeds import served
from tests.acceptance.workspaces import make, reopened
from tests.benchmarks.harness import figure, paired
from tests.servers import free_port, postgresql, postgresql_missing

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

    from tests.acceptance.feeds import Served

CHANGES, SMALL = 200_000, 20_000
RUNS = 3
COMMITS = 200
_LIMIT = 1000
_CHUNK = 20_000
PRICE = Contract("price", 1, "", "", ("sku",), (Field("sku", "text"),))
WANTED = {PRICE.id: PRICE}
_REST = ",".join(f'"field_{number}":"value {number}"' for number in range(19))


def measure() -> list[dict[str, Any]]:
    """Records of 20 fields, 500 bytes each; medians. SQLite, which runs in this process, by the processor's time."""
    stores = ["SQLite"] if postgresql_missing() else ["SQLite", "PostgreSQL"]
    return [result for store in stores for result in (*_pages(store), *_http(store))]


# ── pages of the store ───────────────────────────────────────────────────────────────────────────────────────────────


def _pages(store: str) -> list[dict[str, Any]]:
    with _url(store) as (url, folder), closing(Database(url, clock=lambda: datetime.now(UTC))) as database:
        database.migrate()
        with database.write() as transaction:
            staging.ensure(transaction, PRICE)
        number = _land(database, folder)
        _publish(database, PRICE, number, CHANGES)
        clock = time.process_time if store == "SQLite" else time.perf_counter
        ours, _, ratio = paired(lambda: _through(database, clock), lambda: _bare(database, clock), RUNS)
        deep, _, depth = paired(
            lambda: _page(database, clock, CHANGES - _LIMIT), lambda: _page(database, clock, 0), RUNS
        )
        for at in range(SMALL):
            if at % 100 == 0:
                rows = [(number, [_row(CHANGES + at + more)]) for more in range(100)]
                with database.write() as transaction:
                    staging.put(transaction, PRICE, rows, revision="r")
        small = statistics.median(_through(database, clock, CHANGES) for _ in range(RUNS))
    aim: dict[str, Any] = {"aim": "≥ 100,000", "met": ours >= 100_000} if store == "SQLite" else {}
    return [
        figure(f"{store}: {CHANGES:,} changes of one delivery in pages of {_LIMIT:,}, as they are served", ours,
               "changes/s", RUNS, against="the bodies alone, selected in the same pages", ratio=ratio, **aim),
        figure(f"{store}: {SMALL:,} changes of as many deliveries", small, "changes/s", RUNS),
        figure(f"{store}: the last page of {_LIMIT:,}", deep * 1000, "ms", RUNS, against="the first page", ratio=depth,
               aim="≤ 1.5 ×", met=depth <= 1.5),
    ]  # fmt: skip


@contextmanager
def _url(store: str) -> Iterator[tuple[str, Path]]:
    with tempfile.TemporaryDirectory() as folder:
        if store == "SQLite":
            yield f"sqlite:{folder}/data/gateway.db", Path(folder)
        else:
            with postgresql(settings=()) as url:
                yield url, Path(folder)


def _land(database: Database, folder: Path) -> int:
    stored = LocalVault(folder / "vault").put(io.BytesIO(b"raw"))
    with database.write() as transaction:
        return deliveries.land(transaction, Arrived("folder:in", "a", None), stored, new_id="d_1")[0].number


def _row(number: int, columns: int = 1) -> Staged:
    key = f"k{number:07}"
    return Staged(key, number, 0, 1, f'{{"sku":"{key}",{_REST}}}', (key,) + (None,) * (columns - 1))


def _publish(database: Database, contract: Contract, number: int, count: int) -> None:
    columns = len(contract.columns())
    for at in range(0, count, _CHUNK):
        with database.write() as transaction:
            rows = [_row(place, columns) for place in range(at, min(at + _CHUNK, count))]
            staging.stage(transaction, contract, number, rows)
    with database.write() as transaction:
        staging.publish(transaction, contract.id, number)
    done = False
    while not done:
        with database.write() as transaction:
            done = staging.settle(transaction, contract.id, limit=_CHUNK)


def _through(database: Database, clock: Callable[[], float], after: int = 0) -> float:
    """Changes a second, page by page."""
    count, began = 0, clock()
    more = True
    while more:
        with database.read() as connection:
            page = changes.page(connection, after, WANTED, limit=_LIMIT)
        count += len(page.changes)
        after, more = page.next, page.next < page.newest
    return count / (clock() - began)


def _bare(database: Database, clock: Callable[[], float]) -> float:
    """Bodies a second that the driver selects in pages of the same size."""
    count, began = 0, clock()
    for after in range(0, CHANGES, _LIMIT):
        with database.read() as connection:
            span = f"id > {after} AND id <= {after + _LIMIT}"
            count += len(connection.exec_driver_sql(f"SELECT body FROM record_price_v1 WHERE {span} ORDER BY id").all())
    return count / (clock() - began)


def _page(database: Database, clock: Callable[[], float], after: int) -> float:
    """Seconds of one page, of twenty in a row."""
    began = clock()
    for _ in range(20):
        with database.read() as connection:
            changes.page(connection, after, WANTED, limit=_LIMIT)
    return (clock() - began) / 20


# ── over HTTP ────────────────────────────────────────────────────────────────────────────────────────────────────────


def _http(store: str) -> list[dict[str, Any]]:
    with _url(store) as (url, folder):
        port = free_port()
        make(folder, store="sqlite:data/gateway.db" if store == "SQLite" else url, http=port)
        with reopened(folder) as place:
            token = make_key(place.gateway, "follower", ("*:read",))
            database = place.gateway.database
            contract = place.gateway.in_force.configuration().contracts["price.v2"]
            number = place.land(b"raw", "a.csv", "drop://globex").number
            _publish(database, contract, number, CHANGES // 2)
            with served(folder, port, token) as server:
                polled = statistics.median(_rate(lambda: _poll(server)) for _ in range(RUNS))
                heard = statistics.median(_rate(lambda: _listen(server)) for _ in range(RUNS))
                late = sorted(_latencies(server, database, contract, number))
    p50, p95 = (late[int(len(late) * part)] * 1000 for part in (0.5, 0.95))
    return [
        figure(f"{store}: over HTTP in pages of {_LIMIT:,}", polled, "changes/s", RUNS),
        figure(f"{store}: over HTTP as events", heard, "changes/s", RUNS),
        figure(f"{store}: from commit to follower, p50", p50, "ms", COMMITS),
        figure(f"{store}: from commit to follower, p95", p95, "ms", COMMITS),
    ]


def _rate(read: Callable[[], int]) -> float:
    began = time.perf_counter()
    return read() / (time.perf_counter() - began)


def _poll(server: Served) -> int:
    connection, answer = server.open(f"/api/v1/changes?limit={_LIMIT}")
    with closing(connection):
        count = 0
        while True:
            body = answer.read()
            count += body.count(b'{"seq":')
            after = int(body[body.rindex(b'"next":') + 7 :].partition(b",")[0])
            if after >= CHANGES // 2:
                return count
            connection.request(
                "GET",
                f"/api/v1/changes?since={after}&limit={_LIMIT}",
                headers={"Authorization": f"Bearer {server.token}"},
            )
            answer = connection.getresponse()


def _listen(server: Served) -> int:
    connection, stream = server.open("/api/v1/changes", Accept="text/event-stream")
    with closing(connection):
        count = 0
        while count < CHANGES // 2:
            count += stream.readline().startswith(b"data")
        return count


def _latencies(server: Served, database: Database, contract: Contract, number: int) -> list[float]:
    """Seconds from when each of many commits had returned until its change was there."""
    connection, stream = server.open(f"/api/v1/changes?since={CHANGES // 2}", Accept="text/event-stream")
    heard: list[float] = []
    there = threading.Event()

    def listen() -> None:
        while len(heard) < COMMITS:
            if stream.readline().startswith(b"data"):
                heard.append(time.perf_counter())
                there.set()

    listener = threading.Thread(target=listen)
    listener.start()
    committed = []
    for at in range(COMMITS):
        there.clear()
        row = _row(CHANGES + at, len(contract.columns()))
        with database.write() as transaction:
            staging.put(transaction, contract, [(number, [row])], revision="r")
            transaction.wake()  # as the line of the log about a delivery does
        committed.append(time.perf_counter())
        assert there.wait(30)
    listener.join()
    connection.close()
    return [max(0.0, one - other) for one, other in zip(heard, committed, strict=True)]
