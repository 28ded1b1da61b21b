"""E1 and E2 over HTTP: whoever follows hears each change that was committed once, in its order; on both stores."""

from __future__ import annotations

import http.client
import json
import multiprocessing
import random
import threading
from contextlib import closing
from datetime import UTC, datetime
from functools import partial
from typing import TYPE_CHECKING, Any

from gateway.operate.credentials import make_key
from gateway.store import staging
from gateway.store.database import Database
from gateway.store.staging import Staged
from tests.acceptance.changes import histories_of, log_of
from tests.acceptance.children import die, in_child
from tests.acceptance.feeds import SECONDS, SHORT, Listening, Polling, Served, served
from tests.acceptance.workspaces import SCOPES, make, reopened
from tests.faults.scenes import ALL
from tests.servers import free_port

if TYPE_CHECKING:
    from collections.abc import Callable
    from multiprocessing.synchronize import Event
    from pathlib import Path

    from gateway.contracts import Contract
    from tests.acceptance.feeds import Follower

GLOBEX = "drop://globex"
COMMITS = 40 if ALL else 12
CONTRACTS = {"price.v2": "A-{}~2026-12-01", "order.v1": "acme~{}", "invoice.v1": "{}"}
"""What is written, and what its keys look like."""
_fork = multiprocessing.get_context("fork")


def write(url: str, contract: Contract, delivery: int, seed: int, *, kill: bool) -> None:
    """Publish one delivery after the other into a contract, in transactions that stay open for any time.

    With `kill`, this process dies in some of them, or right behind them.
    """
    chance = random.Random(seed)
    database = Database(url, clock=lambda: datetime.now(UTC))
    columns = tuple(None for _ in contract.columns())
    for number in range(1 if kill else COMMITS):
        keys = [CONTRACTS[contract.id].format(chance.randint(1, 5)) for _ in range(chance.randint(1, 12))]
        rows = [
            Staged(key, place, 0, 1, f'{{"n":{number},"of":{seed},"at":{place}}}', columns)
            for place, key in enumerate(keys, 1)
        ]
        with database.write() as transaction:
            staging.claim(transaction, contract, delivery)
            staging.stage(transaction, contract, delivery, rows)
            staging.publish(transaction, contract.id, delivery)
            if chance.random() < 0.3:
                threading.Event().wait(chance.random() / 20)
            if kill and chance.random() < 0.4:
                die()
        if kill and chance.random() < 0.2:
            die()
    database.close()


def write_and_die(url: str, contract: Contract, delivery: int, seed: int) -> None:
    """The same in one process after the other, some of which are killed."""
    for number in range(COMMITS):
        in_child(partial(write, url, contract, delivery, seed + number, kill=True))


def write_on(url: str, contract: Contract, delivery: int, seed: int) -> None:
    """The same in this process."""
    write(url, contract, delivery, seed, kill=False)


def begin(work: Callable[..., None], go: Event, *arguments: Any) -> Any:
    """A process that does its work when it is told to."""

    def run() -> None:
        assert go.wait(2 * SECONDS)  # the server may take as long to start
        work(*arguments)

    process = _fork.Process(target=run)
    process.start()
    return process


def followed(folder: Path, store: str, work: Callable[..., None]) -> None:
    """Three processes write while followers of every kind follow; then what they heard is held against the log."""
    seed = random.randrange(1_000_000)
    print(f"the seed is {seed}")  # noqa: T201 - it is shown when the test fails
    port = free_port()
    make(folder, store=store, http=port)
    with reopened(folder) as place:
        known = place.gateway.in_force.configuration().contracts
        url = place.gateway.database.url
        given = [(known[name], place.land(name.encode(), "a.csv", GLOBEX).number) for name in CONTRACTS]
        token = make_key(place.gateway, "follower", SCOPES)
        orders = make_key(place.gateway, "orders", ("orders:read",))
    go = _fork.Event()
    writers = [begin(work, go, url, *each, seed + 1000 * at) for at, each in enumerate(given)]
    ended, last = threading.Event(), [0]
    with served(folder, port, token) as server:
        limited = type(server)(port, orders, server.process)
        followers: list[Follower] = [
            Polling(server, "", ended, last, seed),
            Listening(server, "", ended, last, seed + 1),
            Listening(server, "type=invoice,order,price", ended, last, seed + 2),
            Polling(server, "&type=price,invoice&body=none", ended, last, seed + 3),
            Polling(limited, "", ended, last, seed + 4),
        ]
        for follower in followers:
            follower.start()
        go.set()
        for writer in writers:
            writer.join(SECONDS)
            assert writer.exitcode == 0
        with reopened(folder) as place:
            log = log_of(place)
            last[0] = len(log)
            ended.set()
            for follower in followers:
                follower.join(SECONDS)
            assert histories_of(place, log) == log
    assert len(log) > COMMITS
    for follower in followers:
        assert follower.wrong == [], follower.name
        assert follower.connections > SHORT, follower.name
    types = {"price": "price.v2", "order": "order.v1", "invoice": "invoice.v1"}
    told = [(each.seq, each.contract, each.key, each.record) for each in log]
    for follower in followers[:3]:
        assert [
            (each["seq"], types[each["type"]], each["key"], without_system(each["record"])) for each in follower.heard
        ] == told
    assert [each["seq"] for each in followers[3].heard] == [each[0] for each in told if each[1] != "order.v1"]
    assert [each["seq"] for each in followers[4].heard] == [each[0] for each in told if each[1] == "order.v1"]


def without_system(record: dict[str, Any]) -> dict[str, Any]:
    return {name: value for name, value in record.items() if not name.startswith("_")}


def test_E2_followers_over_http_hear_the_log_as_it_is_while_three_processes_write(  # noqa: N802 - the promise's name
    tmp_path: Path, store_url: str
) -> None:
    followed(tmp_path, store_url, write_on)


def test_E1_followers_over_http_hear_what_was_committed_and_nothing_of_writers_that_were_killed(  # noqa: N802
    tmp_path: Path, store_url: str
) -> None:
    followed(tmp_path, store_url, write_and_die)


def told(server: Served, path: str) -> bytes:
    connection, answer = server.open(path)
    with closing(connection):
        return answer.read()


def test_E2_a_follower_that_waits_is_let_go_when_the_server_ends(tmp_path: Path) -> None:  # noqa: N802
    port = free_port()
    make(tmp_path, http=port)
    with reopened(tmp_path) as place:
        token = make_key(place.gateway, "follower", SCOPES)
    with served(tmp_path, port, token) as server:
        hearing, stream = server.open("/api/v1/changes", Accept="text/event-stream")
        assert stream.readline() == b"retry: 2000\n"
        waiting = http.client.HTTPConnection("127.0.0.1", port, timeout=60)
        waiting.request("GET", "/api/v1/changes?wait=30", headers={"Authorization": f"Bearer {token}"})
        has_both = any(b'gateway_places_taken{of="followers"} 2' in told(server, "/metrics") for _ in range(2000))
        assert has_both, "the server does not have the other request"
        server.process.terminate()
        assert json.loads(waiting.getresponse().read())["items"] == []
        assert b"data:" not in stream.read()
        assert server.process.wait(60) == 0
        hearing.close()
        waiting.close()
