"""Servers that hang, with real ones: whoever asks is let go, and nothing is left behind."""

from __future__ import annotations

import socket
import threading
import time
from concurrent.futures import ThreadPoolExecutor
from contextlib import ExitStack, closing
from pathlib import Path
from typing import TYPE_CHECKING

import pytest

from adapters import carriers
from adapters.errors import Retry
from adapters.model import Following, Selection
from adapters.odbc import OdbcSource
from adapters.rescue import unblock
from tests.adapters.hung import missing, serving

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

    from tests.adapters.hung import Server

OPTIONS = {
    "accept_writable_login": "a server of our own",
    "timeout_seconds": "0.4",
    "connect_timeout_seconds": "0.4",
    "failures_max": "1000",
    "wait_seconds": "0.1",
}
PATIENT = OPTIONS | {"timeout_seconds": "60", "connect_timeout_seconds": "60"}
LONG = 30  # what nobody waits for on a machine that is busy otherwise


@pytest.fixture(scope="module", params=["postgresql", "mariadb"])
def server(request: pytest.FixtureRequest) -> Iterator[Server]:
    if missing(request.param):
        pytest.skip(missing(request.param))
    with serving(request.param) as running:
        yield running


def opened(server: Server, **options: str) -> OdbcSource:
    return OdbcSource(server.connection_string, options=OPTIONS | options)


def rows(source: OdbcSource) -> list[int]:
    return [row["id"] for row in source.page("t", Selection()).rows]


def warm(source: OdbcSource, many: int) -> None:
    """As many connections as that stand open, on a machine that may be slow."""

    def stand() -> bool:
        try:
            with ExitStack() as held:
                for _ in range(many):
                    held.enter_context(source._connections.lease())
        except Retry:
            return False
        return True

    assert comes(stand)


def trouble(question: Callable[[], object]) -> Retry:
    with pytest.raises(Retry) as caught:
        question()
    return caught.value


def held() -> tuple[int, int]:
    """How many threads this process has, and how many open descriptors."""
    return threading.active_count(), len(list(Path("/proc/self/fd").iterdir()))


def nothing_left(before: tuple[int, int]) -> bool:
    """Whether there are no more threads and descriptors than before; some of another test's may have gone."""
    threads, files = held()
    return threads <= before[0] and files <= before[1]


def comes(what: Callable[[], bool]) -> bool:
    """Whether it becomes so; the kernel and other threads need a moment."""
    pause = threading.Event()
    return any(what() or pause.wait(0.02) for _ in range(LONG * 50))


def test_whoever_asks_a_hung_server_is_let_go_and_nothing_is_left(server: Server) -> None:
    with closing(opened(server)) as source:
        warm(source, 3)
    before = held()
    with closing(opened(server)) as source:
        for _ in range(3):  # twelve calls that hang
            warm(source, 3)
            with server.stopped(), ThreadPoolExecutor(3) as callers:
                began = time.monotonic()
                found = list(callers.map(lambda _: trouble(source.tables), range(3)))
                assert {(each.code, each.lost) for each in found} == {("slow", False)}
                assert time.monotonic() - began < LONG
                assert comes(lambda: source._governor.health().hanging == 0)  # while the server still hangs
                assert trouble(source.tables).message == "the database did not take a connection within 0.4 seconds"
                assert comes(lambda: source._governor.health().hanging == 0)
    with closing(OdbcSource(server.connection_string, options=PATIENT)) as again:
        assert rows(again) == [1, 2, 3]
    assert comes(lambda: nothing_left(before)), (held(), before)


def test_whoever_follows_changes_is_let_go_too(server: Server) -> None:
    with closing(opened(server)) as source:
        warm(source, 1)
        with server.stopped():
            assert trouble(lambda: list(source.changes("t", Following(), position=None))).code == "slow"


def test_a_call_that_cannot_be_freed_is_given_up_and_counted(server: Server, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(carriers, "unblock", lambda _thread: False)  # as on a system that cannot tell
    with closing(opened(server, connections="2", timeout_seconds="0.5")) as source:
        warm(source, 2)
        with server.stopped():
            assert trouble(source.tables).code == "slow"
            assert source._governor.health().hanging == 1
            refused = trouble(source.tables)
            assert (refused.code, "does not give back" in refused.message) == ("busy", True)
            assert source._governor.health().in_use == 1
        assert comes(lambda: source._governor.health().hanging == 0)
        assert source._governor.health().in_use == 0
    with closing(OdbcSource(server.connection_string, options=PATIENT)) as again:
        assert rows(again) == [1, 2, 3]


@pytest.mark.parametrize("kind", ["silent", "full"])
def test_a_port_that_does_not_answer(server: Server, kind: str) -> None:
    before = held()
    with ExitStack() as stack:
        listener = stack.enter_context(socket.socket())
        listener.bind(("127.0.0.1", 0))
        listener.listen(0)  # what is taken by the kernel is never answered, and after two it takes no more
        address: tuple[str, int] = listener.getsockname()
        for _ in range(2 if kind == "full" else 0):
            waiting = stack.enter_context(socket.socket())
            waiting.setblocking(False)
            waiting.connect_ex(address)
        text = server.connection_string.replace(f"Port={server.port}", f"Port={address[1]}")
        with closing(OdbcSource(text, options=OPTIONS)) as source:
            found = trouble(source.tables)
            assert (found.code, found.message) == ("down", "the database did not take a connection within 0.4 seconds")
            assert comes(lambda: source._governor.health().hanging == 0)
    assert comes(lambda: nothing_left(before)), (held(), before)


def test_a_statement_that_goes_on_for_ever_is_ended_by_the_server(server: Server) -> None:
    tables = ", ".join(f"information_schema.columns {name}" for name in "abcde")
    endless = f"SELECT count(*) FROM {tables}"
    with closing(opened(server)) as source:
        warm(source, 1)
        found = trouble(lambda: source._connections.ask(lambda cursor: cursor.execute(endless).fetchall(), "asking"))
        assert found.code == "slow"
        assert comes(lambda: source._governor.health().hanging == 0)


def test_only_a_thread_that_waits_for_a_socket_is_freed() -> None:
    ours, theirs = socket.socketpair()
    event = threading.Event()
    waits = threading.Thread(target=event.wait)
    reads = threading.Thread(target=lambda: ours.recv(1))
    with ours, theirs:
        for thread in (waits, reads):
            thread.start()
        assert comes(lambda: unblock(reads.native_id or 0))
        reads.join()
        assert not unblock(waits.native_id or 0)
        event.set()
        waits.join()
        assert not unblock(waits.native_id or 0)
        assert theirs.recv(1) == b""
