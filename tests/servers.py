"""Real servers for the tests, from Debian packages: started in temporary folders on free ports, and stopped."""

from __future__ import annotations

import itertools
import os
import pwd
import random
import shutil
import signal
import socket
import subprocess
import sys
import tempfile
import time
import urllib.request
from contextlib import contextmanager
from dataclasses import dataclass
from functools import cache
from pathlib import Path
from typing import TYPE_CHECKING, Any

import boto3
import psycopg

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

    from mypy_boto3_s3 import S3Client

_buckets = itertools.count(1)
_SECONDS = 120.0
"""So long a server may take to start on a machine that is busy otherwise."""

_PORTS = range(10_000, 30_000)
"""Below those that systems hand out by themselves, to whoever connects or asks for any port."""


def free_port() -> int:
    """A port of the loopback address that is free, and that no other test of this machine is given meanwhile.

    A server binds it later. This process has a socket of the port's name until it ends, which no other one can have.
    """
    begin = random.SystemRandom().randrange(_PORTS.start, _PORTS.stop)
    for port in itertools.chain(range(begin, _PORTS.stop), range(_PORTS.start, begin)):
        with socket.socket(socket.AF_UNIX) as mark, socket.socket() as probe:
            probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
            try:
                mark.bind(f"\0gateway tests {port}")
                probe.bind(("127.0.0.1", port))
            except OSError:
                continue
            mark.detach()
            return port
    raise RuntimeError("no port is free")


def postgresql_missing() -> str | None:
    """Why a PostgreSQL server cannot be had here; None when it can."""
    if _postgresql_bin() is None:
        return "no PostgreSQL server programs; install the Debian package postgresql"
    if os.geteuid() == 0 and not _has_user("postgres"):
        return "PostgreSQL refuses to run as root and there is no user postgres"
    return None


@contextmanager
def postgresql(*, settings: tuple[str, ...] = ("fsync=off",)) -> Iterator[str]:
    """A PostgreSQL server of our own in a folder of its own; yields its address. As root it runs as user postgres."""
    with running_postgresql(settings=settings) as (address, _):
        yield address


@contextmanager
def running_postgresql(*, settings: tuple[str, ...] = ("fsync=off",)) -> Iterator[tuple[str, Path]]:
    """The same, with the server's log beside its address."""
    with postgresql_program(settings=settings) as (address, serve, log):
        process = serve()
        try:
            _wait_for_postgresql(address, process, log)
            yield address, log
        finally:
            process.send_signal(signal.SIGQUIT)  # "immediate": nobody needs the data any more
            process.wait(30)


@contextmanager
def postgresql_program(
    *, settings: tuple[str, ...] = ("fsync=off",)
) -> Iterator[tuple[str, Callable[[], subprocess.Popen[bytes]], Path]]:
    """The data of a PostgreSQL server for a while: its address, what starts its process, and its log."""
    programs = _postgresql_bin()
    assert programs is not None
    user: dict[str, Any] = {"user": "postgres", "group": "postgres", "extra_groups": []} if os.geteuid() == 0 else {}
    folder = Path(tempfile.mkdtemp(prefix="gateway-postgresql-"))
    if user:
        shutil.chown(folder, "postgres", "postgres")
    try:
        data = folder / "data"
        make = [str(programs / "initdb"), "-D", str(data), "-A", "trust", "-U", "postgres", "-E", "UTF8", "--no-sync"]
        subprocess.run([*make, "--locale=C.UTF-8"], check=True, stdout=subprocess.DEVNULL, timeout=120, cwd="/", **user)
        port = free_port()
        serve = [str(programs / "postgres"), "-D", str(data), "-p", str(port), "-h", "127.0.0.1", "-k", str(folder)]
        command = [*serve, *(part for each in settings for part in ("-c", each))]

        def start() -> subprocess.Popen[bytes]:
            with (folder / "log").open("ab") as log:
                return subprocess.Popen(command, stderr=log, cwd="/", **user)

        yield f"postgresql://postgres@127.0.0.1:{port}/postgres", start, folder / "log"
    finally:
        shutil.rmtree(folder, ignore_errors=True)


def _wait_for_postgresql(address: str, process: subprocess.Popen[bytes], log: Path) -> None:
    """Return when the server takes connections; a connection that is refused is the only event it offers."""
    until = time.monotonic() + _SECONDS
    while time.monotonic() < until:
        if process.poll() is not None:
            break
        try:
            psycopg.connect(address, connect_timeout=5).close()
        except psycopg.OperationalError:
            time.sleep(0.05)
        else:
            return
    raise RuntimeError(f"PostgreSQL did not start: {log.read_text()}")


def _postgresql_bin() -> Path | None:
    versions = sorted(Path("/usr/lib/postgresql").glob("*/bin/initdb"), key=lambda path: int(path.parts[-3]))
    return versions[-1].parent if versions else None


def _has_user(name: str) -> bool:
    try:
        pwd.getpwnam(name)
    except KeyError:
        return False
    return True


def mariadb_missing() -> str | None:
    """Why a MariaDB server cannot be had here; None when it can."""
    return None if _mariadbd() else "no MariaDB server program; install the Debian package mariadb-server-core"


@contextmanager
def mariadb(*, options: tuple[str, ...] = ()) -> Iterator[int]:
    """A MariaDB server of our own in a folder of its own, without any system tables, so that every login is let in.

    Yields its port; it has a database ``erp``.
    """
    program = _mariadbd()
    assert program is not None
    with tempfile.TemporaryDirectory(prefix="gateway-mariadb-") as name:
        folder = Path(name)
        (folder / "data").mkdir()
        (folder / "init.sql").write_text("CREATE DATABASE erp CHARACTER SET utf8mb4;\n")
        port = free_port()
        command = [program, "--no-defaults", *(["--user=root"] if os.geteuid() == 0 else [])]
        command += [f"--datadir={folder / 'data'}", f"--socket={folder / 'socket'}", f"--port={port}"]
        # A server that starts clears the folder of temporary tables, in which another one's would be.
        command += [f"--tmpdir={folder}"]
        command += ["--bind-address=127.0.0.1", "--skip-grant-tables", "--skip-networking=0"]
        command += ["--innodb-flush-log-at-trx-commit=0", f"--init-file={folder / 'init.sql'}", *options]
        server = subprocess.Popen(command, stdout=subprocess.PIPE, stderr=subprocess.STDOUT)
        try:
            assert server.stdout is not None
            said = []
            for line in server.stdout:
                said.append(line)
                if b"ready for connections" in line:
                    break
            else:
                raise RuntimeError(f"MariaDB did not start: {b''.join(said).decode(errors='replace')}")
            yield port
        finally:
            server.terminate()
            server.communicate()


def _mariadbd() -> str | None:
    return shutil.which("mariadbd", path=f"{os.environ.get('PATH', '')}:/usr/sbin")


@dataclass(frozen=True, slots=True)
class S3Server:
    """A server that speaks S3 and keeps everything in its memory."""

    endpoint: str
    process: subprocess.Popen[bytes]

    def client(self) -> S3Client:
        """A client of it with the rights to everything."""
        return _s3_client(self.endpoint)

    def bucket(self) -> str:
        """The name of a new bucket."""
        name = f"raw-{next(_buckets)}"
        self.client().create_bucket(Bucket=name, CreateBucketConfiguration={"LocationConstraint": "eu-central-1"})
        return name


@contextmanager
def s3() -> Iterator[S3Server]:
    """A server of moto in a process of its own on a free port."""
    port = free_port()
    command = [sys.executable, "-m", "moto.server", "-H", "127.0.0.1", "-p", str(port)]
    with tempfile.TemporaryFile() as log:
        process = subprocess.Popen(command, stdout=log, stderr=log)
        try:
            server = S3Server(f"http://127.0.0.1:{port}", process)
            until = time.monotonic() + _SECONDS
            while time.monotonic() < until:
                if process.poll() is not None:
                    break
                try:
                    urllib.request.urlopen(f"{server.endpoint}/moto-api/", timeout=5).close()
                except OSError:
                    time.sleep(0.05)
                else:
                    yield server
                    return
            log.seek(0)
            raise RuntimeError(f"moto did not start: {log.read().decode(errors='replace')}")
        finally:
            process.kill()
            process.wait(30)


@cache
def _s3_client(endpoint: str) -> S3Client:
    session = boto3.Session(aws_access_key_id="test", aws_secret_access_key="test", region_name="eu-central-1")
    return session.client("s3", endpoint_url=endpoint)
