"""How rows are brought out of PostgreSQL through its driver, in the ways that were tried, and what a deep page costs.

A driver takes its time for every cell and for every row, whatever is in it. So a page of 5,000 rows is read in several
forms, all of them as texts that the server writes, and all of them taken apart again into rows of texts. What is
compared is the processors' time, ours and the server's.
"""

from __future__ import annotations

import statistics
import time
from contextlib import closing
from typing import TYPE_CHECKING, Any

import orjson
import psycopg

from adapters.connections import driver_manager
from adapters.model import Selection
from adapters.odbc import OdbcSource
from tests.benchmarks.bench_diff import Place, maria, postgres, sqlite
from tests.benchmarks.harness import figure
from tests.servers import mariadb_missing, postgresql_missing

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

PAGE = 5_000
PAGES = 60
RUNS = 3
TURNS = 7
LOOKS = 100
DEEP = 999_000
OPTIONS = {"accept_writable_login": "the tables are ours"}
NAMES = ("id", "number", "name", "city", "amount", "quantity", "day", "at", "note")
TEXTS = [f"CAST(r.{name} AS text)" for name in NAMES]
ROWS = f"FROM bench r WHERE r.id > CAST(? AS integer) ORDER BY r.id LIMIT {PAGE}"
ROW = f"concat_ws(chr(31), {', '.join(f'coalesce({text}, chr(30))' for text in TEXTS)})"
JSON = ", ".join(f"CAST(json_agg({text} ORDER BY r.id) AS text)" for text in TEXTS)
WIDTH = len(NAMES)

Rows = list[tuple[Any, ...]]


def measure() -> list[dict[str, Any]]:
    """The ways to read, which take turns, then pages at both ends of a million rows."""
    lines = []
    if not postgresql_missing() and "PostgreSQL Unicode" in driver_manager().drivers():
        with postgres() as place:
            lines += [*_ways(place), *_depth(place)]
    if not mariadb_missing() and "MariaDB Unicode" in driver_manager().drivers():
        with maria() as place:
            lines += _depth(place)
    with sqlite() as place:
        lines += _depth(place)
    return lines


def _cells(rows: Sequence[Any]) -> Rows:
    return [tuple(row) for row in rows]


def _joined(rows: Sequence[Any]) -> Rows:
    cells = "\x1f".join([row[0] for row in rows if row[0]]).split("\x1f")
    columns = [cells[number::WIDTH] for number in range(WIDTH)]
    return list(zip(*[[None if cell == "\x1e" else cell for cell in each] for each in columns], strict=True))


def _json(rows: Sequence[Any]) -> Rows:
    return [tuple(cells) for row in rows for cells in orjson.loads(row[0] or "[]")]


def _columns(rows: Sequence[Any]) -> Rows:
    return list(zip(*(orjson.loads(cell or "[]") for cell in rows[0]), strict=True))


WAYS: dict[str, tuple[str, Callable[[Sequence[Any]], Rows]]] = {
    "cell by cell": (f"SELECT {', '.join(TEXTS)} {ROWS}", _cells),
    "a row as one text": (f"SELECT {ROW} {ROWS}", _joined),
    "a page as one text": (
        f"SELECT string_agg(p.t, chr(31) ORDER BY p.o) FROM (SELECT {ROW}, r.id {ROWS}) p (t, o)",
        _joined,
    ),
    "a page as JSON of rows": (
        f"SELECT CAST(json_agg(ARRAY[{', '.join(TEXTS)}] ORDER BY r.id) AS text) FROM (SELECT r.* {ROWS}) r",
        _json,
    ),
    "a page as JSON of columns": (f"SELECT {JSON} FROM (SELECT r.* {ROWS}) r", _columns),
}
COPY = "the driver left out: COPY streamed by psycopg"


def _ways(place: Place) -> list[dict[str, Any]]:
    seconds: dict[str, list[float]] = {}
    port = place.url.partition("Port=")[2].partition(";")[0]
    address = f"postgresql://postgres@127.0.0.1:{port}/postgres"
    with (
        closing(driver_manager().connect(place.url, autocommit=True)) as connection,
        psycopg.connect(address) as server,
    ):
        connection.maxwrite = 1 << 30
        acts: dict[str, Callable[[int], Rows]] = {
            name: lambda after, sql=sql, made=made: made(connection.execute(sql, str(after)).fetchall())  # type: ignore[misc]
            for name, (sql, made) in WAYS.items()
        }
        acts[COPY] = lambda after: _copied(server, after)
        wanted = acts["cell by cell"](PAGE)
        for name, act in acts.items():
            assert act(PAGE) == wanted, name
        for _ in range(RUNS):
            for name, act in acts.items():
                began = place.seconds()
                for number in range(PAGES):
                    act(number * PAGE)
                seconds.setdefault(name, []).append(place.seconds() - began)
    plain = seconds["cell by cell"]
    return [
        figure(
            f"PostgreSQL, {PAGES} pages of {PAGE:,} rows of {WIDTH} columns: {name}",
            PAGES * PAGE / statistics.median(times),
            "rows per second of processors",
            RUNS,
            against="cell by cell",
            ratio=statistics.median(one / other for one, other in zip(plain, times, strict=True)),
        )
        for name, times in seconds.items()
    ]


def _copied(server: psycopg.Connection[Any], after: int) -> Rows:
    columns = ", ".join(f"r.{name}" for name in NAMES)
    sql = f"COPY (SELECT {columns} FROM bench r WHERE r.id > {after} ORDER BY r.id LIMIT {PAGE}) TO STDOUT"
    with server.cursor() as cursor, cursor.copy(sql.encode()) as copy:
        lines = b"".join(copy).decode().split("\n")
    return [tuple([None if cell == "\\N" else cell for cell in line.split("\t")]) for line in lines[:-1]]


def _depth(place: Place) -> list[dict[str, Any]]:
    """A page of a hundred rows behind a million, beside the first one, which take turns."""
    with closing(OdbcSource(place.url, options=OPTIONS)) as source:
        first, deep = Selection(limit=100), Selection(limit=100, after=(str(DEEP),))
        assert len(source.page("bench", deep).rows) == 100
        waits: list[float] = []
        work: dict[Selection, list[float]] = {first: [], deep: []}
        for _ in range(TURNS):
            for selection, found in work.items():
                spent, began = place.seconds(), time.perf_counter()
                for _ in range(LOOKS):
                    source.page("bench", selection)
                found.append(place.seconds() - spent)
            waits.append((time.perf_counter() - began) / LOOKS * 1000)
    ratio = statistics.median(one / other for one, other in zip(work[deep], work[first], strict=True))
    return [
        figure(f"{place.name}: a page of 100 rows, {DEEP:,} rows deep", statistics.median(waits), "ms", TURNS * LOOKS,
               against="the first page's processor time", ratio=ratio, aim="≤ 1.5 ×", met=ratio <= 1.5)
    ]  # fmt: skip


if __name__ == "__main__":
    for each in measure():
        print(each)
