"""What comes and goes all day leaves nothing open: the files and threads of each process are as many as before."""

from __future__ import annotations

import io
import socket
from collections import Counter
from contextlib import closing, contextmanager
from http.client import HTTPConnection, HTTPResponse
from pathlib import Path
from typing import TYPE_CHECKING

import paramiko
import pytest

from tests.acceptance.children import prices
from tests.acceptance.test_processes import processes_of, up, wait_until
from tests.acceptance.workspaces import key_pair

if TYPE_CHECKING:
    from collections.abc import Iterator

    from tests.acceptance.test_processes import Running

pytestmark = pytest.mark.skipif(not Path("/proc/self/fd").is_dir(), reason="no /proc tells what a process has open")
TURNS = 12
FEW = 6
"""Connections of the store that a thread opens when it first needs one are no leak; something for each visitor is."""


def held(running: Running) -> Counter[int]:
    """The files and threads of each process of the gateway, counted together."""
    return Counter(
        {
            process: len([*Path(f"/proc/{process}/fd").iterdir(), *Path(f"/proc/{process}/task").iterdir()])
            for process in processes_of(running.folder)
        }
    )


def send(running: Running, number: int) -> None:
    """Sessions that end well, that break off in an upload, and that never say who they are."""
    key = paramiko.Ed25519Key.from_private_key(io.StringIO(key_pair()[0].decode()))
    with paramiko.Transport(("127.0.0.1", running.sftp_port)) as transport:
        transport.connect(username="globex", pkey=key)
        client = paramiko.SFTPClient.from_transport(transport)
        assert client is not None
        client.putfo(io.BytesIO(prices(2, first=10 * number)), f"/inbox/{number}.csv")
        client.listdir("/outbox")
        client.open(f"/inbox/broken-{number}.csv", "wb").write(b"Artikel")
        transport.sock.close()
    with socket.create_connection(("127.0.0.1", running.sftp_port)) as stranger:
        stranger.recv(4)


def ask(running: Running, number: int) -> None:
    """Requests that end well or are refused, readers who hang up in the middle, and a body that does not come."""
    host = running.http.removeprefix("http://")
    given = {"Authorization": f"Bearer {running.token}", "Idempotency-Key": f"visit-{number}"}
    upload = "/api/v1/integrations/globex-prices/deliveries?filename=p.csv"

    @contextmanager
    def answered(path: str, method: str = "GET", body: bytes | None = None, **more: str) -> Iterator[HTTPResponse]:
        with closing(HTTPConnection(host, timeout=30)) as connection:
            connection.request(method, path, body, given | more)
            yield connection.getresponse()

    for path, status in (("prices", 200), ("changes?since=0", 200), ("nothing", 404), ("prices?limit=x", 400)):
        with answered(f"/api/v1/{path}") as answer:
            assert (answer.status, bool(answer.read())) == (status, True)
    for path, accept in (("changes", "text/event-stream"), ("prices", "application/x-ndjson")):
        with answered(f"/api/v1/{path}", Accept=accept) as answer:
            assert answer.read(1)
    with answered(upload, "POST", prices(1)) as answer:
        assert answer.status == 202, answer.read()
    with socket.create_connection((host.partition(":")[0], int(host.partition(":")[2]))) as late:
        late.sendall(f"POST {upload} HTTP/1.1\r\nHost: {host}\r\n".encode())
        late.sendall(f"Authorization: {given['Authorization']}\r\nContent-Length: 100\r\n\r\nArt".encode())


def visit(running: Running, first: int) -> None:
    for number in range(first, first + TURNS):
        send(running, number)
        ask(running, number)


def test_visitors_leave_no_files_and_no_threads_behind(tmp_path: Path) -> None:
    with up(tmp_path) as running:
        running.drop("globex", "first.csv", prices(500))
        running.finished(1)
        visit(running, 0)
        before = held(running)
        visit(running, TURNS)
        visit(running, 2 * TURNS)
        assert before.keys() == held(running).keys(), "a process ended"
        wait_until(
            f"no process has more open than before: {before}, {held(running)}",
            lambda: all(count <= before[process] + FEW for process, count in held(running).items()),
        )
