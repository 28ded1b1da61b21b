"""Small files judged, with everything that makes them durable, beside the bare cost of the same writes."""

from __future__ import annotations

import io
import json
import os
import resource
import statistics
import subprocess
import sys
import tempfile
import time
from contextlib import contextmanager
from datetime import datetime
from pathlib import Path
from typing import TYPE_CHECKING, Any

import psycopg
from sqlalchemy import text

from gateway.model import Arrived
from gateway.operate import wiring
from gateway.operate.demo import workspace_maker
from gateway.operate.garbage import collect_seldom
from gateway.repair.plan import plan
from gateway.routing import Routes
from gateway.store.sqlite import library
from gateway.workspace.loader import load
from tests.acceptance.children import prices
from tests.acceptance.workspaces import opened
from tests.benchmarks.bench_ingest import ORDER
from tests.benchmarks.harness import figure
from tests.servers import postgresql, postgresql_missing

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

FILES = 2_000
LANES = 4
ROWS = 200_000
RUNS = 3
_CHUNK = 20_000
_STORES = ("SQLite", "PostgreSQL")


def measure() -> list[dict[str, Any]]:
    """Small files on both stores with one and two workers, then what the evidence of a row costs."""
    results: list[dict[str, Any]] = []
    for store in _STORES:
        missing = postgresql_missing() if store == "PostgreSQL" else None
        results += [figure(f"{store}: {missing}", 0, "missing")] if missing else small_files(store)
    return [*results, *evidence(), *planning()]


# ── small files ──────────────────────────────────────────────────────────────────────────────────────────────────────


def small_files(store: str) -> list[dict[str, Any]]:
    """Files a second, landed and judged, and the CPU of the worker; beside one bare transaction for each file."""
    landed, one, two, cpu, bare = [], [], [], [], []
    for _ in range(RUNS):
        with workspace(store) as folder:
            landed.append(_land(folder))
            rate, seconds = _judge(folder, 1)
            one.append(rate)
            cpu.append(seconds)
        with workspace(store) as folder:
            _land(folder)
            two.append(_judge(folder, 2)[0])
        bare.append(_bare_transactions(store))
    ratio = statistics.median(ours / theirs for ours, theirs in zip(one, bare, strict=True))
    judged = statistics.median(one)
    return [
        figure(f"{store}: files landed, one after the other", statistics.median(landed), "files/s", RUNS),
        figure(f"{store}: bare transactions of the same rows", statistics.median(bare), "files/s", RUNS),
        figure(f"{store}: files with one 850 each, 1 worker", judged, "files/s", RUNS, against="bare transactions",
               ratio=ratio, aim="≥ 300 files/s" if store == "PostgreSQL" else None,
               met=judged >= 300 if store == "PostgreSQL" else None),
        figure(f"{store}: the same, 2 workers", statistics.median(two), "files/s", RUNS),
        figure(f"{store}: CPU of the worker for a file", statistics.median(cpu) * 1000, "ms", RUNS),
    ]  # fmt: skip


@contextmanager
def workspace(store: str) -> Iterator[Path]:
    """A workspace with four integrations that take orders over HTTP, so that there are four lanes."""
    with tempfile.TemporaryDirectory() as folder:
        made = workspace_maker.make(Path(folder) / "workspace").folder
        integration = made / "integrations" / "acme-orders.yaml"
        declared = integration.read_text(encoding="utf-8")
        integration.unlink()
        for lane in range(LANES):
            mine = declared.replace("integration: acme-orders", f"integration: orders-{lane}")
            mine = mine.replace("drop://acme/*.edi", '"http:"\npartner:  acme').replace(": 1 ", f": {lane + 2} ")
            integration.with_name(f"orders-{lane}.yaml").write_text(mine, encoding="utf-8")
        (made / "integrations" / "erp-customers.yaml").unlink()
        (made / "integrations" / "northwind-orders.yaml").unlink()
        if store == "SQLite":
            yield made
            return
        with postgresql(settings=()) as url:
            settings = made / "gateway.yaml"
            lines = settings.read_text(encoding="utf-8").splitlines()
            kept = [line for line in lines if not line.startswith("store:")]
            settings.write_text("\n".join([*kept, f"store: {url}"]) + "\n", encoding="utf-8")
            yield made


def _land(folder: Path) -> float:
    """Land the files; how many a second, each durable before the next comes."""
    gateway = wiring.open_gateway(folder)
    wiring.apply_first(gateway)
    began = time.perf_counter()
    for number in range(FILES):
        arrived = Arrived("http:", f"order-{number}.edi", "acme", f"orders-{number % LANES}")
        gateway.receiver.land(arrived, io.BytesIO(ORDER.format(n=number + 1).encode()))
    seconds = time.perf_counter() - began
    gateway.close()
    return FILES / seconds


def _judge(folder: Path, workers: int) -> tuple[float, float]:
    """Files a second from the first that became visible to the last, and the CPU seconds of a worker for a file."""
    program = [sys.executable, "-m", "gateway.operate", "work", "--until-idle", "--workspace", str(folder)]
    before = resource.getrusage(resource.RUSAGE_CHILDREN)
    processes = [subprocess.Popen(program, stderr=subprocess.DEVNULL) for _ in range(workers)]
    for process in processes:
        assert process.wait() == 0
    after = resource.getrusage(resource.RUSAGE_CHILDREN)
    cpu = after.ru_utime + after.ru_stime - before.ru_utime - before.ru_stime
    gateway = wiring.open_gateway(folder)
    with gateway.database.read() as connection:
        rows = connection.execute(
            text("SELECT finished_at, count(*) FROM delivery WHERE state = 'accepted' GROUP BY finished_at ORDER BY 1")
        ).all()
    gateway.close()
    assert sum(count for _, count in rows) == FILES, rows
    first, last = (datetime.fromisoformat(rows[at][0]) for at in (0, -1))
    return (FILES - rows[0][1]) / (last - first).total_seconds(), cpu / FILES


_RECORD = json.dumps({"number": "B1", "ordered_on": "2026-11-20", "lines": [{"line": 1, "sku": "SCR-M8-40"}] * 3})


def _bare_transactions(store: str) -> float:
    """The driver alone: for each file a transaction with the rows that a delivery leaves, synced."""
    with tempfile.TemporaryDirectory() as folder:
        if store == "SQLite":
            connection = library().connect(Path(folder) / "bare.db", isolation_level=None)
            connection.execute("PRAGMA journal_mode=WAL")
            connection.execute("PRAGMA synchronous=FULL")
            rate = _write_bare(connection.execute, "?")
            connection.close()
            return rate
        with postgresql(settings=()) as url, psycopg.connect(url, autocommit=True) as server:
            return _write_bare(server.execute, "%s")


def _write_bare(execute: Callable[..., object], mark: str) -> float:
    execute("CREATE TABLE delivery (number BIGINT PRIMARY KEY, state TEXT, token BIGINT)")
    execute("CREATE TABLE record (id BIGINT PRIMARY KEY, key TEXT, body TEXT)")
    execute("CREATE INDEX record_versions ON record (key, id)")
    execute("CREATE TABLE block (seq BIGINT PRIMARY KEY, delivery BIGINT)")
    execute("CREATE TABLE activity (id BIGINT PRIMARY KEY, message TEXT)")
    execute("CREATE TABLE audit (number BIGINT PRIMARY KEY, hash TEXT)")
    for number in range(FILES):
        execute(f"INSERT INTO delivery VALUES ({mark}, 'received', 1)", (number,))
    began = time.perf_counter()
    for number in range(FILES):
        execute("BEGIN")
        execute(f"UPDATE delivery SET state = 'accepted' WHERE number = {mark} AND token = 1", (number,))
        execute(f"INSERT INTO record VALUES ({mark}, {mark}, {mark})", (number, f"acme~B{number}", _RECORD))
        execute(f"INSERT INTO block VALUES ({mark}, {mark})", (number, number))
        execute(f"INSERT INTO activity VALUES ({mark}, {mark})", (number, "1 of 1 documents accepted"))
        execute(f"INSERT INTO audit VALUES ({mark}, {mark})", (number, "0" * 64))
        execute("COMMIT")
    return FILES / (time.perf_counter() - began)


# ── what evidence costs ──────────────────────────────────────────────────────────────────────────────────────────────


def evidence() -> list[dict[str, Any]]:
    """Rows inserted with the three columns that evidence needs (document, start, end), and without them."""
    collect_seldom()
    pairs = [(_rows(with_evidence=True), _rows(with_evidence=False)) for _ in range(RUNS + 2)]
    cost = statistics.median(1 - ours / without for ours, without in pairs)
    return [
        figure("evidence: share of the pace of inserting a row that its byte span costs", cost * 100, "%", RUNS + 2,
               aim="≤ 20 %", met=cost <= 0.20),
    ]  # fmt: skip


def _rows(*, with_evidence: bool) -> float:
    span = ", document BIGINT, start BIGINT, stop BIGINT" if with_evidence else ""
    with tempfile.TemporaryDirectory() as folder:
        connection = library().connect(os.fspath(Path(folder) / "rows.db"), isolation_level=None)
        connection.execute("PRAGMA journal_mode=WAL")
        connection.execute("PRAGMA synchronous=FULL")
        connection.execute(f"CREATE TABLE record (id INTEGER PRIMARY KEY, key TEXT, body TEXT, price NUMERIC{span})")
        connection.execute("CREATE INDEX versions ON record (key, id)")
        marks = "?, ?, ?, ?" + (", ?, ?, ?" if with_evidence else "")
        began = time.perf_counter()
        for at in range(0, ROWS, _CHUNK):
            part: list[tuple[Any, ...]] = [
                (n, f"k{n:07}", f'{{"sku":"k{n:07}","price":"{n % 97}.50"}}', f"{n % 97}.50")
                + ((n, n * 40, n * 40 + 39) if with_evidence else ())
                for n in range(at, at + _CHUNK)
            ]
            connection.execute("BEGIN")
            connection.executemany(f"INSERT INTO record VALUES ({marks})", part)
            connection.execute("COMMIT")
        seconds = time.perf_counter() - began
        connection.close()
    return ROWS / seconds


# ── a changed mapping, before it is applied ──────────────────────────────────────────────────────────────────────────


def planning() -> list[dict[str, Any]]:
    """Rows a second of processor time that ``gateway plan`` takes through the mapping in force and the changed one."""
    collect_seldom()
    none, all_of_them = _planned("squash | squash", differ=0), _planned("squash | upper", differ=ROWS)
    return [
        figure("plan: CSV rows through both mappings, none of which differs", none, "rows/s", RUNS,
               aim="≥ 150,000 rows/s", met=none >= 150_000),
        figure("plan: the same, all of which differ", all_of_them, "rows/s", RUNS),
    ]  # fmt: skip


def _planned(functions: str, *, differ: int) -> float:
    with tempfile.TemporaryDirectory() as folder, opened(Path(folder)) as place:
        place.give(prices(ROWS), "prices.csv", "drop://globex")
        file = place.folder / "integrations" / "globex-prices.yaml"
        declared = file.read_text(encoding="utf-8")
        changed = declared.replace("Bezeichnung | squash", f"Bezeichnung | {functions}")
        assert changed != declared
        file.write_text(changed, encoding="utf-8")
        gateway, after = place.gateway, Routes(load(place.folder))
        rates = []
        for _ in range(RUNS):
            began = time.process_time()
            made = plan(gateway.database, gateway.vault, gateway.in_force.routes(), after)
            rates.append(ROWS / (time.process_time() - began))
            assert made.differ == differ
    return statistics.median(rates)
