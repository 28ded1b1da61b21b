"""Real servers that can be made to hang: their processes are stopped, and nobody closes their connections."""

from __future__ import annotations

import os
import shutil
import subprocess
import tempfile
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

import psycopg

from adapters.connections import driver_manager
from tests.servers import free_port, postgresql, postgresql_missing
from tests.suspending import resume, suspend

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

SERVER = shutil.which("mariadbd", path=f"{os.environ.get('PATH', '')}:/usr/sbin")
ROWS = "INSERT INTO t VALUES (1), (2), (3)"


@dataclass(frozen=True, slots=True)
class Server:
    """A server with a table ``t (id)`` of three rows."""

    connection_string: str
    port: int
    processes: Callable[[], list[int]]

    @contextmanager
    def stopped(self) -> Iterator[None]:
        """For a while, no process of it runs; the kernel still takes what is sent to it."""
        pids = self.processes()
        suspend(*pids)
        try:
            yield
        finally:
            resume(*reversed(pids))


def missing(kind: str) -> str:
    """Why this server cannot be had here; empty when it can."""
    driver = {"postgresql": "PostgreSQL Unicode", "mariadb": "MariaDB Unicode"}[kind]
    if driver not in driver_manager().drivers():
        return f"no ODBC driver {driver!r}"
    if kind == "postgresql":
        return postgresql_missing() or ""
    return "" if SERVER else "no MariaDB server: apt-get install mariadb-server-core"


@contextmanager
def serving(kind: str) -> Iterator[Server]:
    """A server of this kind."""
    with {"postgresql": _postgresql, "mariadb": _mariadb}[kind]() as server:
        yield server


@contextmanager
def _postgresql() -> Iterator[Server]:
    with postgresql() as address:
        with psycopg.connect(address, autocommit=True) as owner:
            owner.execute("CREATE TABLE t (id int PRIMARY KEY)")
            owner.execute(ROWS)
        port = int(address.rpartition(":")[2].partition("/")[0])
        text = f"Driver={{PostgreSQL Unicode}};Server=127.0.0.1;Port={port};Database=postgres;Uid=postgres"
        yield Server(text, port, lambda: _family(_listener(port)))


@contextmanager
def _mariadb() -> Iterator[Server]:
    folder = Path(tempfile.mkdtemp(prefix="adapters-hung-"))
    (folder / "data").mkdir()
    made = ("CREATE DATABASE erp;", "CREATE TABLE erp.t (id INT PRIMARY KEY);", f"{ROWS.replace('t V', 'erp.t V')};")
    (folder / "init.sql").write_text("\n".join(made) + "\n")
    port = free_port()
    command = [
        str(SERVER),
        "--no-defaults",
        *(["--user=root"] if os.geteuid() == 0 else []),
        f"--datadir={folder / 'data'}",
        f"--tmpdir={folder}",
        f"--socket={folder / 'socket'}",
        f"--port={port}",
        "--bind-address=127.0.0.1",
        "--skip-grant-tables",
        "--skip-networking=0",
        "--innodb-flush-log-at-trx-commit=0",
        f"--init-file={folder / 'init.sql'}",
    ]
    server = subprocess.Popen(command, stdout=subprocess.PIPE, stderr=subprocess.STDOUT)
    try:
        assert server.stdout is not None
        assert any(b"ready for connections" in line for line in server.stdout), "the server did not start"
        text = f"Driver={{MariaDB Unicode}};Server=127.0.0.1;Port={port};Database=erp;Uid=owner"
        yield Server(text, port, lambda: [server.pid])
    finally:
        server.kill()
        server.communicate()
        shutil.rmtree(folder, ignore_errors=True)


def _listener(port: int) -> int:
    """The process of ours that listens on a port: the kernel's tables lead from the port to a socket to its owner."""
    rows = (line.split() for line in Path("/proc/net/tcp").read_text().splitlines()[1:])
    sockets = {f"socket:[{row[9]}]" for row in rows if row[3] == "0A" and int(row[1].rpartition(":")[2], 16) == port}
    owners = {int(link.parts[2]) for link in Path("/proc").glob("[0-9]*/fd/*") if _target(link) in sockets}
    parents = {pid: _parent(pid) for pid in owners}
    return next(pid for pid, parent in parents.items() if parent not in owners)


def _target(link: Path) -> str:
    try:
        return str(link.readlink())
    except OSError:
        return ""


def _parent(pid: int) -> int:
    try:
        return int(Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()[1])
    except OSError:
        return 0


def _family(pid: int) -> list[int]:
    """A process and its children."""
    pids = [int(path.name) for path in Path("/proc").glob("[0-9]*")]
    return [pid, *(each for each in pids if _parent(each) == pid)]
