"""MariaDB's log as changes, whole and by the decoder alone, beside mysql-replication and mariadb-binlog.

All read the same log of the same server in one run, each in a process of its own, and tell the processor time that the
reading took in that process. A peer that cannot be had is a line "missing".
"""

from __future__ import annotations

import json
import os
import resource
import shutil
import statistics
import subprocess
import sys
import threading
import time
from contextlib import closing
from typing import TYPE_CHECKING, Any

import orjson
import pymysql

from adapters.connections import driver_manager
from adapters.model import Following
from adapters.odbc import OdbcSource
from tests.benchmarks.harness import figure, peak_megabytes
from tests.benchmarks.peers import Missing, Peer, _program, _run
from tests.servers import mariadb, mariadb_missing

if TYPE_CHECKING:
    from adapters.model import Change

TRANSACTIONS = 2_000
CHANGES = TRANSACTIONS * 100
RUNS = 3
SAMPLES = 200
BATCH = 5_000
OPTIONS = ("--log-warnings=1", "--log-bin=bin",
           "--server-id=7", "--binlog-format=ROW", "--binlog-row-metadata=FULL", "--sync-binlog=0",
           "--max-binlog-size=1G", "--innodb-buffer-pool-size=256M")  # fmt: skip
WRITABLE = {"accept_writable_login": "a server without system tables knows no rights"}
TABLE = """CREATE TABLE t (id BIGINT PRIMARY KEY, customer INT, name VARCHAR(60), amount DECIMAL(12,2), qty INT,
    status VARCHAR(20), at DATETIME(6), paid BOOLEAN, note TEXT) CHARACTER SET utf8mb4"""

# A hundred changes each: 60 new rows, 30 updates, 10 deletes, of rows that were there long enough.
WORK = """BEGIN NOT ATOMIC DECLARE i INT DEFAULT 0; WHILE i < {transactions} DO
    START TRANSACTION;
    INSERT INTO t SELECT i * 60 + seq, seq % 97, CONCAT('customer ', seq), seq * 1.25, seq % 9, 'open', NOW(6), seq % 2,
        NULL
        FROM seq_0_to_59;
    UPDATE t SET status = 'shipped', at = NOW(6) WHERE id BETWEEN (i - 1) * 60 AND (i - 1) * 60 + 29;
    DELETE FROM t WHERE id BETWEEN (i - 2) * 60 + 30 AND (i - 2) * 60 + 39;
    COMMIT;
    SET i = i + 1;
END WHILE; END"""

_PEER = """
import json, sys, time
from pymysqlreplication import BinLogStreamReader
from pymysqlreplication.row_event import DeleteRowsEvent, UpdateRowsEvent, WriteRowsEvent
given = json.loads(sys.argv[1])
stream = BinLogStreamReader(
    connection_settings={"host": "127.0.0.1", "port": given["port"], "user": "owner", "passwd": ""}, server_id=99,
    only_events=[WriteRowsEvent, UpdateRowsEvent, DeleteRowsEvent], only_tables=["t"], blocking=False,
    resume_stream=True, log_file=given["file"], log_pos=given["place"])
start, count = time.process_time(), 0
for event in stream:
    for row in event.rows:
        count += 1
print(json.dumps({"seconds": time.process_time() - start, "changes": count}))
"""
PEER = Peer("mysql-replication", "1.0.17", "pip", "", 0, "decodes rows to dicts", _PEER, 4)


def measure() -> list[dict[str, Any]]:
    """Medians of runs in which ours and the peers take turns on one log."""
    if mariadb_missing() or "MariaDB Unicode" not in driver_manager().drivers():
        return [figure("MariaDB's log (missing: no server or no ODBC driver)", 0, "changes/s")]
    with mariadb(options=OPTIONS) as port:
        with closing(_login(port)) as owner, owner.cursor() as cursor:
            cursor.execute(TABLE)
            with closing(_source(port)) as source:
                batches = list(source.changes("t", Following("log"), position=None))
            position = batches[-1].position
            memory = {name: (note or b"").decode() for each in batches for name, note in each.memory.items()}
            cursor.execute(WORK.format(transactions=TRANSACTIONS))
        return [*_stream(port, position, memory), *_latencies(port)]


def _stream(port: int, position: str, memory: dict[str, str]) -> list[dict[str, Any]]:
    place = json.loads(position)
    told: dict[str, list[float]] = {}
    missing: dict[str, str] = {}
    most = 0.0
    for _ in range(RUNS):
        for way in ("changes", "as JSON events"):
            done = _child(way, port, position, json.dumps(memory))
            assert done["changes"] > CHANGES * 0.99, done
            told.setdefault(way, []).append(done["changes"] / done["seconds"])
            most = max(most, done["megabytes"])
        for name, ask in (("mysql-replication", _replication), ("mariadb-binlog", _binlog)):
            try:
                done = ask(port, place["file"], place["end"])
            except Missing as problem:
                missing[name] = str(problem)
            else:
                told.setdefault(name, []).append(CHANGES / done["seconds"])
    ours = told["changes"]
    lines = []
    for name in ("changes", "as JSON events"):
        more: dict[str, Any] = {}
        if PEER.name in told and name == "changes":
            ratio = statistics.median(one / other for one, other in zip(ours, told[PEER.name], strict=True))
            more = {"against": PEER.name, "ratio": ratio, "aim": f"≥ {PEER.aim} ×", "met": ratio >= PEER.aim}
        lines.append(figure(f"MariaDB's log, {name}", statistics.median(told[name]), "changes/s", RUNS, **more))
    lines.append(figure("MariaDB's log: peak memory", most, "MB", RUNS))
    lines += [
        figure(f"{name} on the same log", statistics.median(values), "changes/s", RUNS)
        for name, values in told.items()
        if name in (PEER.name, "mariadb-binlog")
    ]
    return lines + [figure(f"{name} (missing: {why})", 0, "changes/s") for name, why in missing.items()]


def _replication(port: int, file: str, place: int) -> dict[str, Any]:
    given = json.dumps({"port": port, "file": file, "place": place})
    done: dict[str, Any] = json.loads(_run([*_program(PEER), PEER.code, given]).splitlines()[-1])
    if done["changes"] < CHANGES * 0.99:
        raise Missing(f"found {done['changes']} of {CHANGES} changes")
    return done


def _binlog(port: int, file: str, place: int) -> dict[str, Any]:
    program = shutil.which("mariadb-binlog")
    if program is None:
        raise Missing("apt-get install mariadb-client")
    command = [program, "--no-defaults", "-R", "--host=127.0.0.1", f"--port={port}", "--user=owner", "-v"]
    before = resource.getrusage(resource.RUSAGE_CHILDREN)
    subprocess.run(
        [*command, "--base64-output=decode-rows", f"--start-position={place}", "--to-last-log", file],
        check=True,
        stdout=subprocess.DEVNULL,
        timeout=300,
    )
    after = resource.getrusage(resource.RUSAGE_CHILDREN)
    return {"seconds": after.ru_utime + after.ru_stime - before.ru_utime - before.ru_stime}


def _latencies(port: int) -> list[dict[str, Any]]:
    """From the moment before a commit to the change, in milliseconds, by polls one after another."""
    found: list[float] = []
    with closing(_login(port)) as owner, owner.cursor() as cursor, closing(_source(port)) as source:
        cursor.execute("CREATE TABLE late (id INT PRIMARY KEY, at DOUBLE)")
        memory: dict[str, bytes | None] = {}
        position = None
        for batch in source.changes("late", Following("log"), position=None):
            position, memory = batch.position, {**memory, **batch.memory}

        def write() -> None:
            for number in range(SAMPLES):
                time.sleep(0.01)
                cursor.execute(f"INSERT INTO late VALUES ({number}, {time.time()!r})")

        writer = threading.Thread(target=write)
        writer.start()
        while len(found) < SAMPLES:
            for batch in source.changes("late", Following("log"), position=position, recall=memory.get):
                now = time.time()
                found += [(now - float(change.row["at"])) * 1000 for change in batch.changes if change.row]
                position = batch.position
        writer.join()
    found.sort()
    return [
        figure("MariaDB's log: commit → change, median", found[len(found) // 2], "ms"),
        figure("MariaDB's log: commit → change, p95", found[len(found) * 95 // 100], "ms"),
    ]


def _login(port: int) -> Any:
    return pymysql.connect(host="127.0.0.1", port=port, user="owner", database="erp", autocommit=True)


def _source(port: int) -> OdbcSource:
    text = f"Driver={{MariaDB Unicode}};Server=127.0.0.1;Port={port};Database=erp;Uid=owner"
    return OdbcSource(text, options=WRITABLE)


def _child(*arguments: object) -> dict[str, Any]:
    command = [sys.executable, "-m", "tests.benchmarks.bench_binlog", *map(str, arguments)]
    done = subprocess.run(command, check=True, capture_output=True, text=True, timeout=300, env={**os.environ})
    told: dict[str, Any] = json.loads(done.stdout.splitlines()[-1])
    return told


def main(way: str, port: str, position: str, memory: str) -> None:
    """Read the log once, in a process of its own, and say how long it took."""
    notes = {name: note.encode() for name, note in json.loads(memory).items()}
    with closing(_source(int(port))) as source:
        source.schema("t")
        count, size = 0, 0
        start = time.process_time()
        for batch in source.changes("t", Following("log"), position=position, recall=notes.get, batch=BATCH):
            count += len(batch.changes)
            if way != "changes":
                size += sum(map(len, map(_event, batch.changes)))
        seconds = time.process_time() - start
    most = peak_megabytes()
    sys.stdout.write(json.dumps({"changes": count, "seconds": seconds, "megabytes": most, "bytes": size}) + "\n")


def _event(change: Change) -> bytes:
    event = {"op": change.op, "key": change.key, "row": change.row, "before": change.before, "at": change.at}
    return orjson.dumps(event, default=str)


if __name__ == "__main__":
    main(*sys.argv[1:])
