"""Connections that stall are ended by the system: readers who take nothing, bodies that do not come."""

from __future__ import annotations

import errno
import fcntl
import socket
import subprocess
import sys
import threading
from contextlib import closing
from pathlib import Path

import pytest

from gateway.operate import connections
from tests.servers import free_port

pytestmark = pytest.mark.skipif(sys.platform != "linux", reason="Linux alone tells how long a connection rests")

HERE = "127.0.0.1"


def pair(server: socket.socket) -> tuple[socket.socket, socket.socket]:
    """A connection to the server: the client's end and ours."""
    client = socket.create_connection(server.getsockname())
    ours, _ = server.accept()
    return client, ours


def test_what_is_accepted_has_the_bound_of_the_socket_that_listens() -> None:
    with socket.create_server((HERE, 0)) as server:
        port = server.getsockname()[1]
        assert connections.bound_stalls(port, 7)
        client, ours = pair(server)
        with client, ours:
            assert ours.getsockopt(socket.IPPROTO_TCP, socket.TCP_USER_TIMEOUT) == 7000
    assert not connections.bound_stalls(port, 7)


def test_the_bound_is_set_as_soon_as_somebody_listens_and_that_is_told_then() -> None:
    port, told = free_port(), list[int]()

    def connects() -> None:
        with socket.socket() as client:
            told.append(client.connect_ex((HERE, port)))

    connections.leave_stalled(port, 9, listening=connects)
    with socket.create_server((HERE, port)) as server:
        for thread in threading.enumerate():
            if thread.name == "stalled":
                thread.join()
        assert server.getsockopt(socket.IPPROTO_TCP, socket.TCP_USER_TIMEOUT) == 9000
    assert told == [0]


def test_whoever_looks_at_the_connections_leaves_no_file_open_and_no_lock_of_a_file_undone(tmp_path: Path) -> None:
    """All locks that a process has on a file go when any descriptor of it is closed: SQLite's would, too (fcntl(2))."""
    others = "import fcntl, sys; fcntl.lockf(open(sys.argv[1], 'ab'), fcntl.LOCK_EX | fcntl.LOCK_NB)"
    file = tmp_path / "store.db"
    with file.open("wb") as locked, socket.create_server((HERE, 0)) as server:
        fcntl.lockf(locked, fcntl.LOCK_EX | fcntl.LOCK_NB)
        port = server.getsockname()[1]
        assert connections.bound_stalls(port, 7)
        assert connections.abandon(port, HERE, 60) == 0
        assert [each.resolve() for each in Path("/proc/self/fd").iterdir()].count(file.resolve()) == 1
        tried = subprocess.run([sys.executable, "-c", others, file], stderr=subprocess.PIPE, check=False)
        assert b"BlockingIOError" in tried.stderr


def test_a_reader_who_takes_nothing_loses_his_connection() -> None:
    with socket.create_server((HERE, 0)) as server:
        connections.bound_stalls(server.getsockname()[1], 1)
        client, ours = pair(server)
        ours.settimeout(60)
        with client, ours, pytest.raises(TimeoutError) as ended:
            ours.sendall(b"x" * 100_000_000)
        assert ended.value.errno == errno.ETIMEDOUT  # the system's; the socket's own has none


def test_a_request_that_does_not_come_is_closed_and_what_was_answered_or_is_another_s_is_not(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    with socket.create_server((HERE, 0)) as server:
        port = server.getsockname()[1]
        late, its = pair(server)
        resting, answered = pair(server)
        with late, its, closing(resting), closing(answered):
            late.sendall(b"POST")
            resting.sendall(b"GET")
            assert its.recv(4, socket.MSG_PEEK | socket.MSG_WAITALL) == b"POST"  # it has come before anybody looks
            answered.recv(3)
            answered.sendall(b"200")
            told = {late.getsockname(): (61_000, 60_000), resting.getsockname(): (61_000, 61_500)}
            real = connections._idle
            for end in (its, answered):
                assert real(end) is not None  # the system's own numbers are as wide as they are read
            monkeypatch.setattr(connections, "_idle", lambda one: connections._Idle(*told[one.getpeername()]))
            assert connections.abandon(port, "203.0.113.9", 60) == 0
            assert connections.abandon(port, HERE, 90) == 0
            assert connections.abandon(port, HERE, 60) == 1
            assert its.recv(10) == b"POST"
            assert (its.recv(1), late.recv(1)) == (b"", b"")
            answered.sendall(b"more")
            assert resting.recv(7, socket.MSG_WAITALL) == b"200more"


def test_how_long_a_connection_rests_is_read_where_the_system_says_it() -> None:
    """What came last is younger than what went out last, as soon as something came behind it."""
    with socket.create_server((HERE, 0)) as server:
        client, ours = pair(server)
        with client, ours:
            ours.sendall(b"200")
            client.recv(3)
            threading.Event().wait(0.2)
            client.sendall(b"POST")
            ours.recv(4)
            idle = connections._idle(ours)
            assert idle is not None
            assert idle.received < idle.sent
            assert idle.sent >= 100
