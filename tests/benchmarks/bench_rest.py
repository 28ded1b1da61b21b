"""The REST facade beside its peers: one record, a page, a filtered and sorted page, asked by wrk in turns.

Each server has one core and wrk another; a peer and ours take turns within a round, and ratios are the medians of the
rounds, by the processor time that all processes of a server take for a request, those of its PostgreSQL included.
"""

from __future__ import annotations

import statistics
import tempfile
from contextlib import ExitStack, contextmanager
from pathlib import Path
from typing import TYPE_CHECKING, Any

from tests.benchmarks import restservers
from tests.benchmarks.harness import figure
from tests.benchmarks.peers import Missing
from tests.benchmarks.restservers import Load, Server, ask
from tests.servers import postgresql, postgresql_missing

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Sequence

ROUNDS = 5
ONE = "/api/v1/orders/SO-{n}"
AGAIN = "/api/v1/orders/SO-0004711"
PAGE = "/api/v1/orders?limit=100"
ANOTHER = "/api/v1/orders?_key__gte=SO-{n}&limit=100"
FILTERED = "/api/v1/orders?total__gte=0.{n}&sort=-total&limit=100"
BY_STATUS = "/api/v1/orders?total__gte=0.{n}&status=open&sort=-total&limit=100"

PEERS: tuple[tuple[str, str, str], ...] = (
    ("fastapi", "/orders/SO-{n}", "/orders?limit=100"),
    (
        "datasette",
        "/datasette/orders/SO-{n}.json?_shape=array",
        "/datasette/orders.json?_size=100&_shape=array&_nocount=1",
    ),
)
"""Peers on SQLite: how one record and a page are asked of them."""

POSTGREST = (
    "/orders?number=eq.SO-{n}",
    "/orders?order=number&limit=100",
    "/orders?number=gte.SO-{n}&order=number&limit=100",
)


def measure() -> list[dict[str, Any]]:
    """All figures of the group; a peer that cannot be had is a line that says so."""
    with tempfile.TemporaryDirectory() as name, ExitStack() as stack:
        folder = Path(name)
        ours = stack.enter_context(restservers.gateway(folder / "sqlite", "sqlite:data/gateway.db"))
        hello = stack.enter_context(restservers.hello(folder))
        results = [*_ours(ours, hello), *_exports(ours), *_peers(folder, ours), *_postgresql(folder, ours)]
        return [*results, *_while_working(folder / "sqlite", ours, hello)]


def _ours(ours: Server, hello: Server) -> list[dict[str, Any]]:
    """Ours on SQLite against Flask that says hello on the same server."""
    asked = (ONE, PAGE, ANOTHER, FILTERED, BY_STATUS, AGAIN)
    rounds = [(ask(hello, "/"), *(ask(ours, path) for path in asked)) for _ in range(ROUNDS)]
    one, again, page = _ratio(rounds, 1, 0), _ratio(rounds, 6, 0), _ratio(rounds, 2, 0)
    filtered = _ratio(rounds, 4, 3)
    return [
        _line("one record, asked again, SQLite", rounds, 6, "hello", again, "≥ 3 ×", met=again >= 3),
        _line("one record, another each time, SQLite", rounds, 1, "hello", one, "≥ 3 ×", met=one >= 3),
        _line("page of 100, asked again, SQLite", rounds, 2, "hello", page, "≥ 0.9 ×", met=page >= 0.9),
        _line("page of 100, another each time, SQLite", rounds, 3, "hello", _ratio(rounds, 3, 0)),
        _line("filtered and sorted by a field, another each time", rounds, 4, "such a plain page", filtered, "≥ 0.5 ×",
              met=filtered >= 0.5),
        _line("filtered by another field too", rounds, 5, "such a plain page", _ratio(rounds, 5, 3)),
        _line("hello: Flask saying hello on the same server", rounds, 0),
    ]  # fmt: skip


def _exports(ours: Server) -> list[dict[str, Any]]:
    """All orders at once; the median of some runs, by the wall."""
    results = []
    for name, media, aim in (("NDJSON", "application/x-ndjson", 500_000), ("CSV", "text/csv", 0)):
        rates, firsts = [], []
        before = restservers.memory(ours)
        for _ in range(ROUNDS):
            first, seconds, lines = restservers.export(ours, "/api/v1/orders", media)
            assert lines - (name == "CSV") == restservers.RECORDS
            rates.append(restservers.RECORDS / seconds)
            firsts.append(first * 1000)
        rate, first, grown = statistics.median(rates), statistics.median(firsts), restservers.memory(ours) - before
        results += [
            figure(f"export as {name}", rate, "records/s", ROUNDS,
                   **({"aim": "≥ 500,000", "met": rate >= aim} if aim else {})),
            figure(f"its first byte, {name}", first, "ms", ROUNDS, aim="< 10 ms", met=first < 10),
            figure(f"its memory, {name}: the server's peak grew by", grown / 1e6, "MB"),
        ]  # fmt: skip
    return results


def _while_working(folder: Path, ours: Server, hello: Server) -> list[dict[str, Any]]:
    """Latencies while a worker judges a file of a million rows beside; those of Flask saying hello show what it is."""
    with restservers.working(folder, ours):
        rounds = [(ask(ours, ONE), ask(ours, PAGE), ask(hello, "/")) for _ in range(ROUNDS)]
    results = []
    for name, loads in zip(("one record", "page of 100", "hello"), zip(*rounds, strict=True), strict=True):
        p50, p99 = (statistics.median(getattr(each, part) for each in loads) for part in ("p50", "p99"))
        aim = {"aim": "< 10 ×", "met": p99 < 10 * p50} if name != "hello" else {}
        results.append(figure(f"{name} while a million rows are judged: p99 (p50 {p50:.2g} ms)", p99, "ms", ROUNDS,
                              against="its p50", ratio=p99 / p50, **aim))  # fmt: skip
    return results


def _peers(folder: Path, ours: Server) -> list[dict[str, Any]]:
    """Ours against the peers that read SQLite."""
    results = []
    for name, one, page in PEERS:
        start: Callable[..., Any] = getattr(restservers, name)
        try:
            with start(folder) as peer:
                rounds = [(ask(peer, one), ask(ours, ONE), ask(peer, page), ask(ours, PAGE)) for _ in range(3)]
        except Missing as problem:
            results.append(figure(f"{name}: missing ({problem})", 0, ""))
            continue
        results += [
            _line(f"one record against {name}", rounds, 1, name, _ratio(rounds, 1, 0)),
            _line(f"page of 100 against {name}", rounds, 3, name, _ratio(rounds, 3, 2)),
            _line(f"{name}, one record", rounds, 0),
            _line(f"{name}, page of 100", rounds, 2),
        ]
    return results


def _postgresql(folder: Path, on_sqlite: Server) -> list[dict[str, Any]]:
    """Ours on PostgreSQL against ours on SQLite and PostgREST, all processes of a server on its core."""
    missing = postgresql_missing()
    if missing:
        return [figure(f"PostgreSQL: missing ({missing})", 0, "")]
    with _two_databases() as (first, second, also), restservers.gateway(folder / "postgresql", first, also) as ours:
        asked = (ONE, ANOTHER, PAGE)
        rounds = [tuple(ask(each, path) for path in asked for each in (on_sqlite, ours)) for _ in range(ROUNDS)]
        one, another, again = _ratio(rounds, 1, 0), _ratio(rounds, 3, 2), _ratio(rounds, 5, 4)
        results = [
            _line("one record, another each time, PostgreSQL", rounds, 1, "the same on SQLite", one, "≥ 0.5 ×",
                  met=one >= 0.5),
            _line("page of 100, another each time, PostgreSQL", rounds, 3, "the same on SQLite", another, "≥ 0.5 ×",
                  met=another >= 0.5),
            _line("page of 100, asked again, PostgreSQL", rounds, 5, "the same on SQLite", again),
        ]  # fmt: skip
        try:
            with restservers.postgrest(folder, second, also) as peer:
                beside = [
                    (ask(peer, POSTGREST[0]), ask(on_sqlite, ONE), ask(ours, ONE),
                     ask(peer, POSTGREST[1]), ask(on_sqlite, PAGE), ask(ours, PAGE),
                     ask(peer, POSTGREST[2]), ask(on_sqlite, ANOTHER), ask(ours, ANOTHER))
                    for _ in range(3)
                ]  # fmt: skip
        except Missing as problem:
            return [*results, figure(f"PostgREST: missing ({problem})", 0, "")]
    one, page = _ratio(beside, 1, 0), _ratio(beside, 4, 3)
    return [
        *results,
        _line("one record, SQLite", beside, 1, "PostgREST", one, "≥ 8 ×", met=one >= 8),
        _line("one record, PostgreSQL", beside, 2, "PostgREST", _ratio(beside, 2, 0)),
        _line("page of 100, asked again, SQLite", beside, 4, "PostgREST", page, "≥ 8 ×", met=page >= 8),
        _line("page of 100, asked again, PostgreSQL", beside, 5, "PostgREST", _ratio(beside, 5, 3)),
        _line("page of 100, another each time, SQLite", beside, 7, "PostgREST", _ratio(beside, 7, 6)),
        _line("page of 100, another each time, PostgreSQL", beside, 8, "PostgREST", _ratio(beside, 8, 6)),
        _line("PostgREST, one record", beside, 0),
        _line("PostgREST, page of 100, asked again", beside, 3),
        _line("PostgREST, page of 100, another each time", beside, 6),
    ]


@contextmanager
def _two_databases() -> Iterator[tuple[str, str, int]]:
    """A server with two databases, its processes on the servers' core."""
    with postgresql(settings=("synchronous_commit=off",)) as address, restservers.on_server_core(address) as also:
        yield restservers.database(address, "ours"), restservers.database(address, "theirs"), also


def _ratio(rounds: Sequence[tuple[Load, ...]], one: int, other: int) -> float:
    """How many times as many requests `one` answers with the same processor time."""
    return statistics.median(each[other].work / each[one].work for each in rounds)


def _line(name: str, rounds: Sequence[tuple[Load, ...]], place: int, against: str | None = None,
          ratio: float | None = None, aim: str | None = None, met: bool | None = None) -> dict[str, Any]:  # fmt: skip
    """A figure of the loads at one place of the rounds.

    Raises:
        AssertionError: an answer was no success; such a rate says nothing.
    """
    loads = [each[place] for each in rounds]
    assert not any(each.refused for each in loads), name
    p50, p99, work = (statistics.median(getattr(each, part) for each in loads) for part in ("p50", "p99", "work"))
    told = f"{name} ({work:,.0f} µs of processor time, p50 {p50:.2g} ms, p99 {p99:.2g} ms)"
    return figure(told, statistics.median(each.rate for each in loads), "requests/s", len(loads),
                  against=against, ratio=ratio, aim=aim, met=met)  # fmt: skip
