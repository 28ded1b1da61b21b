"""Comparing a table with what is remembered of it, beside one plain read of the same table by pyodbc.

What is compared is the processors' time, ours and the server's: other programs on the machine do not change it much.
"""

from __future__ import annotations

import os
import sqlite3
import statistics
import subprocess
import sys
import tempfile
import time
from contextlib import closing, contextmanager
from dataclasses import dataclass, replace
from pathlib import Path
from typing import TYPE_CHECKING, Any

import psycopg

from adapters.connections import driver_manager
from adapters.hashdiff import Diff
from adapters.model import Following
from adapters.odbc import OdbcSource
from adapters.tablereads import TableReader
from gateway.operate.garbage import collect_seldom
from tests.benchmarks.harness import figure, peak_megabytes
from tests.servers import mariadb, mariadb_missing, postgresql, postgresql_missing

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Sequence

    from adapters.dialects import Dialect
    from adapters.model import Batch, Table
    from adapters.statements import Raw

ROWS = 1_000_000
RUNS = 3
TICK = os.sysconf("SC_CLK_TCK")
COLUMNS = (
    "id INTEGER PRIMARY KEY, number VARCHAR(20), name VARCHAR(60), city VARCHAR(40), amount DECIMAL(12,2),"
    " quantity INTEGER, day DATE, at {moment}, note VARCHAR(80)"
)
FILL = (
    "SELECT n, {number}, {name}, 'Springfield', n / 100.0, n % 1000, {date}'2026-01-31', {stamp}'2026-11-21 06:55:00',"
    " CASE WHEN n % 3 = 0 THEN NULL ELSE 'a note of some length about it' END FROM {numbers}"
)


@dataclass(frozen=True, slots=True)
class Place:
    """A database with the table in it: its name, how we connect, how its owner runs SQL, and its server's process."""

    name: str
    url: str
    run: Callable[[str], object]
    server: int | None = None

    def seconds(self) -> float:
        """What the processors have done for us until now."""
        return time.process_time() + (tree_seconds(self.server) if self.server else 0)


@dataclass(frozen=True, slots=True)
class Limited:
    """A reader of the table that does without some of what the database can do."""

    reader: TableReader
    dialect: Dialect

    @property
    def table(self) -> Table:
        """The table."""
        return self.reader.table

    def fetch(self, sql: str, parameters: Sequence[str]) -> list[Raw]:
        """All rows of one statement."""
        return self.reader.fetch(sql, parameters)


class Memory:
    """What a store keeps for us."""

    def __init__(self) -> None:
        self.notes: dict[str, bytes] = {}
        self.position: str | None = None
        self.told: list[tuple[str, str | None]] = []

    def take(self, batches: Iterator[Batch]) -> None:
        """Store all of them."""
        self.told = []
        for batch in batches:
            if not batch.snapshot:
                self.told += [(change.op, change.key[0]) for change in batch.changes]
            for name, note in batch.memory.items():
                if note is None:
                    del self.notes[name]
                else:
                    self.notes[name] = note
            self.position = batch.position


def measure() -> list[dict[str, Any]]:
    """Medians of runs that take turns, in a process tuned as a worker is; ratios are to the plain read of the run."""
    collect_seldom()
    with sqlite() as place:
        results = _measured(place)
    if not postgresql_missing():
        with postgres() as place:
            results += _measured(place)
    if not mariadb_missing():
        with maria() as place:
            results += _measured(place)
    return results


def _measured(place: Place) -> list[dict[str, Any]]:
    with closing(OdbcSource(place.url, options={"accept_writable_login": "the tables are ours"})) as source:
        memory = Memory()
        reader = TableReader(source._reads, source.schema("bench"))
        full = reader.dialect
        key = tuple(column for column in reader.table.columns if column.key)

        def compared(dialect: Dialect, memory: Memory) -> float:
            diff = Diff(Limited(reader, dialect), key, memory.notes.get, 1000)
            return _timed(place, lambda: memory.take(diff.batches(memory.position)))

        snapshot = compared(full, memory)
        compared(full, memory)  # ranges of a thousand rows become ranges of eight thousand
        hashed: list[float] = []
        summed: list[float] = []
        plain: list[float] = []
        found = True
        for run in range(RUNS):
            plain.append(_timed(place, lambda: _read_all(place)))
            for times, dialect in ((hashed, replace(full, row_sum="")), (summed, full)):
                expected = _change(place, 2 * run + (times is summed))
                times.append(compared(dialect, memory))
                found = found and set(memory.told) == expected and len(memory.told) == len(expected)
        state = sum(map(len, memory.notes.values()))
    command = [sys.executable, "-m", "tests.benchmarks.bench_diff", place.url]
    done = subprocess.run(command, check=True, capture_output=True, text=True, timeout=900)
    most = figure(f"{place.name}: peak memory of two passes, all notes included", float(done.stdout), "MB")
    return [most, *_figures(place.name, snapshot, plain, hashed, summed if full.row_sum else [], found, state)]


def _figures(
    name: str,
    snapshot: float,
    plain: list[float],
    hashed: list[float],
    summed: list[float],
    found: bool,
    state: int,
) -> list[dict[str, Any]]:
    unit = "rows per second of processors"
    ratio = statistics.median(one / two for one, two in zip(plain, hashed, strict=True))
    results = [
        figure(f"{name}: first pass of {ROWS:,} rows", ROWS / snapshot, unit),
        figure(f"{name}: compared by hashes", ROWS / statistics.median(hashed), unit, RUNS,
               against="a plain read", ratio=ratio, aim="≥ 0.7 ×", met=ratio >= 0.7),
        figure(f"{name}: changes found, of 500 rows changed, 200 deleted, 300 new", 100.0 if found else 0.0, "%",
               2 * RUNS, aim="all", met=found),
        figure(f"{name}: remembered", state / ROWS, "bytes a row"),
    ]  # fmt: skip
    if summed:
        ratio = statistics.median(one / two for one, two in zip(plain, summed, strict=True))
        results.append(
            figure(f"{name}: compared by sums of ranges", ROWS / statistics.median(summed), unit, RUNS,
                   against="a plain read", ratio=ratio, aim="≥ 4 ×", met=ratio >= 4)
        )  # fmt: skip
    return results


def _timed(place: Place, act: Callable[[], object]) -> float:
    began = place.seconds()
    act()
    return place.seconds() - began


def tree_seconds(process: int) -> float:
    """What a process and those that it started have used."""
    ticks = 0
    for each in Path("/proc").glob("[0-9]*/stat"):
        try:
            fields = each.read_text().rpartition(")")[2].split()
        except OSError:  # it has ended meanwhile
            continue
        if int(each.parent.name) == process:
            ticks += sum(map(int, fields[11:15]))
        elif int(fields[1]) == process:
            ticks += sum(map(int, fields[11:13]))
    return ticks / TICK


def _read_all(place: Place) -> None:
    """All columns of all rows, as the driver makes them."""
    with closing(driver_manager().connect(place.url)) as connection:
        cursor = connection.execute("SELECT * FROM bench")
        while cursor.fetchmany(5000):
            pass


def _change(place: Place, run: int) -> set[tuple[str, str]]:
    """1,000 changes within 3 % of the table."""
    start = ROWS // 10 * (run + 1)
    place.run(f"UPDATE bench SET note = 'changed' WHERE id >= {start} AND id < {start + 500}")
    place.run(f"DELETE FROM bench WHERE id >= {start + 500} AND id < {start + 700}")
    new = range(ROWS + 300 * run + 1, ROWS + 300 * run + 301)
    place.run(f"INSERT INTO bench (id) VALUES {', '.join(f'({number})' for number in new)}")
    return {
        *(("put", str(number)) for number in (*range(start, start + 500), *new)),
        *(("delete", str(number)) for number in range(start + 500, start + 700)),
    }


@contextmanager
def sqlite() -> Iterator[Place]:
    """The table in a file."""
    with tempfile.TemporaryDirectory() as folder, closing(sqlite3.connect(f"{folder}/b.db")) as owner:
        owner.execute(f"CREATE TABLE bench ({COLUMNS.format(moment='TIMESTAMP')})")
        numbers = f"(WITH RECURSIVE c (n) AS (SELECT 1 UNION ALL SELECT n + 1 FROM c WHERE n < {ROWS}) SELECT n FROM c)"
        fill = FILL.format(number="'N' || n", name="'Customer ' || n", date="", stamp="", numbers=numbers)
        owner.execute(f"INSERT INTO bench {fill}")
        owner.commit()

        def run(sql: str) -> None:
            owner.execute(sql)
            owner.commit()

        yield Place("SQLite", f"Driver=SQLite3;Database={folder}/b.db", run)


@contextmanager
def postgres() -> Iterator[Place]:
    """The table on a server of our own."""
    with postgresql() as address, psycopg.connect(address, autocommit=True) as owner:
        owner.execute(f"CREATE TABLE bench ({COLUMNS.format(moment='TIMESTAMP')})".encode())
        numbers = f"generate_series(1, {ROWS}) n"
        fill = FILL.format(number="'N' || n", name="'Customer ' || n", date="date", stamp="timestamp", numbers=numbers)
        owner.execute(f"INSERT INTO bench {fill}".encode())
        owner.execute("VACUUM ANALYZE bench")
        ((folder,),) = owner.execute("SHOW data_directory").fetchall()
        server = int(Path(folder, "postmaster.pid").read_text().split()[0])
        url = f"Driver={{PostgreSQL Unicode}};Server=127.0.0.1;Port={owner.info.port};Database=postgres;Uid=postgres"
        yield Place("PostgreSQL", url, lambda sql: owner.execute(sql.encode()), server)


@contextmanager
def maria() -> Iterator[Place]:
    """The table on a server of our own."""
    with mariadb() as port:
        url = f"Driver={{MariaDB Unicode}};Server=127.0.0.1;Port={port};Database=erp;Uid=owner"
        with closing(driver_manager().connect(url, autocommit=True)) as owner:
            owner.execute(f"CREATE TABLE bench ({COLUMNS.format(moment='DATETIME')})")
            name = "CONCAT('Customer ', n)"
            numbers = f"(SELECT seq AS n FROM seq_1_to_{ROWS}) s"
            fill = FILL.format(number="CONCAT('N', n)", name=name, date="", stamp="", numbers=numbers)
            owner.execute(f"INSERT INTO bench {fill}")
            ((file,),) = owner.execute("SELECT @@pid_file").fetchall()
            yield Place("MariaDB", url, owner.execute, int(Path(file).read_text()))


def passes(url: str) -> float:
    """Two passes in a process of its own: its peak, in megabytes."""
    with closing(OdbcSource(url, options={"accept_writable_login": "the tables are ours"})) as source:
        memory = Memory()
        for _ in range(2):
            memory.take(source.changes("bench", Following("diff"), position=memory.position, recall=memory.notes.get))
            memory.told.clear()
    return peak_megabytes()


if __name__ == "__main__":
    print(passes(sys.argv[1]))
