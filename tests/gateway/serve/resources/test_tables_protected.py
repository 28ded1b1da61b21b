"""A legacy server that hangs, beside one that does not: what callers of the API see of it."""

from __future__ import annotations

import sqlite3
from concurrent.futures import FIRST_COMPLETED, ThreadPoolExecutor, wait
from contextlib import closing
from typing import TYPE_CHECKING

import pytest

from adapters.connections import driver_manager
from adapters.odbc import OdbcSource
from gateway.operate.web import THREADS
from tests.adapters.hung import missing, serving
from tests.gateway.serve.worlds import with_key

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

    from tests.adapters.hung import Server
    from tests.gateway.serve.worlds import World

pytestmark = [
    pytest.mark.server,
    pytest.mark.skipif(bool(missing("postgresql")), reason=missing("postgresql") or "it can run"),
    pytest.mark.skipif("SQLite3" not in driver_manager().drivers(), reason="no ODBC driver for SQLite"),
]

HUNG, HEALTHY = "/api/v1/tables/hung/t", "/api/v1/tables/erp/t"
OPTIONS = {"accept_writable_login": "a server of our own", "connect_timeout_seconds": "10"}


@pytest.fixture(scope="module")
def server() -> Iterator[Server]:
    with serving("postgresql") as running:
        yield running


@pytest.fixture
def world(here: World, server: Server, tmp_path: Path) -> Iterator[World]:
    with closing(sqlite3.connect(tmp_path / "erp.db")) as owner:
        owner.execute("CREATE TABLE t (id INTEGER PRIMARY KEY)")
        owner.execute("INSERT INTO t VALUES (1)")
        owner.commit()
    options = OPTIONS | {"timeout_seconds": "10", "failures_max": "3", "rest_seconds": "3600"}
    with (
        closing(OdbcSource(server.connection_string, options=options)) as hung,
        closing(OdbcSource(f"Driver={{SQLite3}};Database={tmp_path / 'erp.db'}")) as healthy,
    ):
        here.sources |= {"hung": hung, "erp": healthy}
        yield here


def test_a_hung_source_takes_neither_the_servers_threads_nor_another_sources_time(world: World, server: Server) -> None:
    token = world.client("tables:read", "integrations:read")
    assert token.get(HUNG).status_code == token.get(HEALTHY).status_code == 200
    key, app = world.key("tables:read"), world.app()

    def get(path: str) -> tuple[int, str, int]:
        answer = with_key(app.test_client(), key).get(path)
        return answer.status_code, answer.get_json().get("code", ""), int(answer.headers.get("Retry-After", "0"))

    # As many threads as the server has, and more who ask the hung source than there are threads.
    with server.stopped(), ThreadPoolExecutor(THREADS) as threads:
        hung = [threads.submit(get, f"{HUNG}?limit={number + 1}") for number in range(2 * THREADS)]
        healthy = [threads.submit(get, HEALTHY) for _ in range(20)]
        while any(not each.done() for each in healthy):
            wait([each for each in healthy if not each.done()], return_when=FIRST_COMPLETED)
        assert {each.result()[0] for each in healthy} == {200}
        assert any(not each.done() for each in hung), "the healthy one answered while the other still did not"
        found = {each.result()[:2] for each in hung}
        assert found <= {(504, "source_slow"), (503, "source_busy"), (503, "source_down")}
        assert {(504, "source_slow"), (503, "source_busy")} <= found
        assert all(each.result()[2] >= 1 for each in hung)
        # It failed three times in a row: now it is left alone, which costs nobody any time.
        assert get(HUNG)[:2] == (503, "source_down")
        assert get(HUNG)[2] > 3000
        (crm, _) = sorted(token.get("/health/sources").get_json()["items"], key=lambda each: each["state"] != "open")
        assert (crm["connection"], crm["state"], crm["in_use"], crm["hanging"]) == ("hung", "open", 0, 0)
        assert "within 10 seconds" in crm["last_error"]
        assert [each["available"] for each in token.get("/api/v1/tables").get_json()["items"]] == [True, False]
