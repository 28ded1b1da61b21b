"""Live tables beside PostgREST: pages of one PostgreSQL table of 20 columns, asked by wrk in turns.

The server, PostgREST and the gateway share one core with the database's processes, and wrk has another. What a page
costs this process from the statement to its JSON is set beside a bare fetch of the same columns by pyodbc, which makes
no JSON of them.
"""

from __future__ import annotations

import statistics
import tempfile
import time
from contextlib import closing
from pathlib import Path
from typing import TYPE_CHECKING, Any

import orjson

from adapters.connections import driver_manager
from adapters.jsonrows import encoded
from adapters.model import Selection
from adapters.odbc import OdbcSource
from tests.benchmarks import restservers
from tests.benchmarks.harness import figure, paired
from tests.benchmarks.peers import Missing
from tests.benchmarks.restservers import FIELDS, Load, ask, fetch, live_string
from tests.servers import postgresql, postgresql_missing

if TYPE_CHECKING:
    from collections.abc import Callable

ROUNDS = 5
PAGES = 50
OURS, THEIRS = "/api/v1/tables/erp/orders?limit=100", "/orders?order=number&limit=100"
OURS_ONE, THEIRS_ONE = "/api/v1/tables/erp/orders?number=SO-0050000", "/orders?number=eq.SO-0050000"


def measure() -> list[dict[str, Any]]:
    """Medians of rounds in which ours and the peer take turns; what cannot be had is a line that says so."""
    if postgresql_missing() or "PostgreSQL Unicode" not in driver_manager().drivers():
        return [figure("live tables (missing: no PostgreSQL or no ODBC driver)", 0, "requests/s")]
    with postgresql(settings=("synchronous_commit=off",)) as address, tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        database = restservers.database(address, "erp")
        try:
            with (
                restservers.on_server_core(address) as also,
                restservers.postgrest(folder, database, also) as peer,
                restservers.live(folder, database, also) as ours,
            ):
                rows = orjson.loads(fetch(ours, OURS))["items"]
                told = orjson.loads(fetch(peer, THEIRS))
                assert [row["number"] for row in rows] == [row["number"] for row in told]
                rounds = [
                    (ask(peer, THEIRS), ask(ours, OURS), ask(peer, THEIRS_ONE), ask(ours, OURS_ONE))
                    for _ in range(ROUNDS)
                ]
        except Missing as problem:
            return [figure(f"PostgREST: missing ({problem})", 0, "")]
        page, one = (statistics.median(each[at].work / each[at + 1].work for each in rounds) for at in (0, 2))
        return [
            _line("live table, page of 100", [each[1] for each in rounds], against="PostgREST", ratio=page,
                  aim="≥ 2 ×", met=page >= 2),
            _line("live table, one row by a filter", [each[3] for each in rounds], against="PostgREST", ratio=one),
            _line("PostgREST, page of 100", [each[0] for each in rounds]),
            _line("PostgREST, one row", [each[2] for each in rounds]),
            *_in_process(database),
        ]  # fmt: skip


def _in_process(database: str) -> list[dict[str, Any]]:
    """Processor time of this process for a page, beside a bare fetch of the same columns."""
    text, columns = live_string(database), ", ".join(FIELDS)
    with closing(OdbcSource(text)) as source, closing(driver_manager().connect(text, autocommit=True)) as bare:
        page = Selection(limit=100)

        def ours() -> None:
            encoded(source.lines("orders", page).text)

        def plain() -> None:
            bare.execute(f"SELECT {columns} FROM orders ORDER BY number LIMIT 101").fetchall()

        value, _, ratio = paired(lambda: _cost(plain), lambda: _cost(ours), 7)
        own = value / ratio
    name = "a page of 100 from the statement to JSON"
    return [figure(name, own * 1e6, "µs", 7, against="as fast as a bare fetch by pyodbc", ratio=ratio)]


def _cost(work: Callable[[], None]) -> float:
    """Seconds of processor time of one."""
    began = time.process_time()
    for _ in range(PAGES):
        work()
    return (time.process_time() - began) / PAGES


def _line(name: str, loads: list[Load], **more: Any) -> dict[str, Any]:
    assert not any(each.refused for each in loads), name
    p50, p99 = (statistics.median(getattr(each, part) for each in loads) for part in ("p50", "p99"))
    rate = statistics.median(each.rate for each in loads)
    return figure(f"{name} (p50 {p50:.2g} ms, p99 {p99:.2g} ms)", rate, "requests/s", len(loads), **more)
